"""What the operator asks for while somebody walks: commands from the log into events, and whether feedback is held."""

from __future__ import annotations

import json
import math
from typing import Any, NamedTuple

from labfeedback.inputlog import Command
from labfeedback.records import CueState, EventCode


class Asked(NamedTuple):
    """events: (code, sentence, value). hold: what the patient's screen is to say from now on. resumed: a pause ends."""

    events: list[tuple[EventCode, str, float]]
    hold: CueState | None = None
    resumed: bool = False


class Operator:
    """Remembers whether the operator has paused the walk."""

    def __init__(self) -> None:
        self.paused = False

    def take(self, record: Command) -> Asked:
        """One command: pause, resume, note, stop. Others are recorded and do nothing."""
        command: dict[str, Any] = json.loads(record.text)
        told = [(EventCode.COMMAND, record.text, float(record.id))]
        what = command.get("do")
        if what == "pause" and not self.paused:
            self.paused = True
            return Asked([*told, (EventCode.PAUSED, "paused by the operator", math.nan)], CueState.PAUSED)
        if what == "resume" and self.paused:
            self.paused = False
            return Asked([*told, (EventCode.RESUMED, "resumed by the operator", math.nan)], resumed=True)
        if what == "note":
            return Asked([*told, (EventCode.NOTE, str(command.get("text", "")), math.nan)])
        if what == "stop":
            return Asked([*told, (EventCode.FINISHED, "ended by the operator", math.nan)], CueState.FINISHED)
        return Asked(told)
