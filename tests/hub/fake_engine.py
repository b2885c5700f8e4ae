"""An engine that remembers what it was fed and gives a frame row per marker sample; value 999 is a hazard."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from labfeedback.engine.outputs import Outputs
from labfeedback.inputlog import MARKERS, Command, Record, Samples, Start
from labfeedback.records import EVENT, FRAME, STEP, EventCode


class FakeEngine:
    def __init__(self) -> None:
        self.fed: list[Record] = []

    def feed(self, record: Record) -> Outputs:
        out = Outputs()
        if isinstance(record, Samples):
            if record.stream == MARKERS:
                out.frames = np.zeros(len(record.raw_time), FRAME)
                out.frames["frame"] = record.first + np.arange(len(record.raw_time))
                out.frames["time_s"] = record.raw_time
        elif isinstance(record, Command):
            hazard = "left and right" in record.text
            out.events = np.zeros(2, EVENT)
            out.events["code"] = [EventCode.HAZARD if hazard else EventCode.COMMAND, EventCode.NOTE]
            out.events["text"] = [record.text.encode()[:240], json.loads(record.text).get("text", "").encode()[:240]]
        return out

    def finish(self) -> Outputs:
        out = Outputs()
        out.steps = np.zeros(1, STEP)
        return out


def begin(_walk: dict[str, Any]) -> tuple[Start, FakeEngine]:
    return Start('{"schema":1}'), FakeEngine()
