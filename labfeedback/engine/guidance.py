"""Between the walk and the patient: the operator's commands, the visit's blocks, and the cues that follow from both."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from labfeedback.engine.feedback import Feedback
from labfeedback.engine.operator import Operator
from labfeedback.engine.reel import Reel
from labfeedback.engine.start import Setup
from labfeedback.inputlog import Command
from labfeedback.protocol.progress import Said
from labfeedback.protocol.runner import Runner
from labfeedback.protocol.table import COMMANDS
from labfeedback.protocol.training import Course
from labfeedback.records import SIDES, CueState, EventCode


class Guidance:
    """Writes cues and events to the reel. Times are data time, s; feet are 0 (right) and 1 (left)."""

    def __init__(self, setup: Setup, reel: Reel) -> None:
        self._reel, self._setup = reel, setup
        self.visit = Runner(setup.visit) if setup.visit else None
        course = Course(setup.training) if setup.training else None
        self.feedback = Feedback(self.visit.aim if self.visit else course)
        self._operator = Operator()
        self._block = self.visit.aim if self.visit else None
        self._halted: dict[str, CueState] = {}  # why a visit is halted -> what the patient's screen says then

    @property
    def due_s(self) -> float:
        """When `due` must be called; infinite while nothing is due."""
        return self.visit.due_s if self.visit is not None else math.inf

    # --- the walk ---

    def remark(self, now: float) -> None:
        """Both streams are there: what was found and accepted before the walk."""
        calibration = self._setup.calibration
        for remark in (*self._setup.remarks, *(calibration.remarks if calibration else ())):
            self._reel.event(now, EventCode.NOTE, remark)

    def begin(self, now: float) -> None:
        """A frame has come with its forces; the first one opens the visit."""
        if self.visit is not None and self.visit.state == "opening":
            self._follow(now, self.visit.begin(now))

    def hold(self, now: float, state: CueState, why: str) -> None:
        """Stale data, a belt that stands: the clock of a block stands with it."""
        if self.visit is None:
            self._reel.cues(self.feedback.hold(now, state))
            return
        self.visit.halt(now, why)
        self._halted[why] = state
        self._show(now)

    def go_on(self, now: float, *whys: str, silent: bool = False) -> None:
        """What held the walk is over. silent: a stream still is."""
        if self.visit is None:
            if not self._operator.paused and not silent:
                self._reel.cues(self.feedback.go_on(now))
            return
        for why in whys:
            self.visit.release(now, why)
        self._show(now)

    def block(self, now: float) -> None:
        """A hazard: nothing is judged any more."""
        self.hold(now, CueState.KEEP_WALKING, "hazard")
        self.feedback.blocked = True

    def early(self, now: float, foot: int, contact_s: float, fpa_deg: float, last_s: float) -> None:
        """The angle at heel-off, of a step that nothing speaks against."""
        self._reel.cues(self.feedback.early(now, SIDES[foot], contact_s, fpa_deg, last_s))

    def rejected(self, now: float, foot: int, contact_s: float, last_s: float) -> None:
        """A stance that is none."""
        self._reel.cues(self.feedback.take_back(now, SIDES[foot], contact_s, last_s))

    def wants(self, foot: int) -> bool:
        """Whether this foot gets cues."""
        return self.feedback.aim is not None and SIDES[foot] in self.feedback.aim.sides

    def step(self, now: float, foot: int, contact_s: float, row: np.void, last_s: float) -> None:
        """A finished step; writes into the row which block it belongs to and whether its verdict was shown."""
        row["block"] = self.visit.index if self.visit is not None and self.visit.counts(contact_s) else -1
        cues, decided = self.feedback.final(now, contact_s, row, last_s)
        for code, text, value in self.feedback.sentences(decided):
            self._reel.event(now, code, text, SIDES[foot], value)
        self._reel.cues(cues)
        if self.visit is not None:
            self._follow(now, self.visit.step(now, row))

    def due(self, now: float) -> None:
        """The clock of a block has come to something."""
        if self.visit is not None:
            self._follow(now, self.visit.due(now))

    # --- the operator ---

    def command(self, now: float, record: Command, silent: bool) -> bool:
        """One command; True when a pause has ended. silent: a stream is."""
        if self.visit is None:
            return self._take(now, record, silent)
        command: dict[str, Any] = json.loads(record.text)
        if command.get("do") not in COMMANDS:
            return self._take(now, record, silent)
        self._reel.event(now, EventCode.COMMAND, record.text, value=float(record.id))
        held = self.visit.state == "held"
        self._follow(now, self.visit.command(now, command))
        return held and self.visit.state == "walking"

    def _take(self, now: float, record: Command, silent: bool) -> bool:
        asked = self._operator.take(record)
        for code, text, value in asked.events:
            self._reel.event(now, code, text, value=value)
        if asked.hold is not None:
            self._reel.cues(self.feedback.hold(now, asked.hold))
        elif asked.resumed and not silent:
            self._reel.cues(self.feedback.go_on(now))
        return asked.resumed

    # --- the visit ---

    def _follow(self, now: float, said: list[Said]) -> None:
        """Tell what the visit decided, and let the screen follow it."""
        visit = self.visit
        assert visit is not None
        for one in said:
            self._reel.event(now, one.code, one.text, value=one.value)
        if visit.aim is not self._block:
            self._block = visit.aim
            self._reel.cues(self.feedback.take_up(now, visit.aim))
        self._show(now)

    def _show(self, now: float) -> None:
        """Hold or release the patient's screen: one rule for all that may hold it at once, the gravest first."""
        visit = self.visit
        assert visit is not None
        state, halts = visit.holds, visit.halts
        if state != CueState.FINISHED:
            # A belt that stands is told also in a pause, unless the data are too old to know that it does.
            for why in ("streams", "belt", "hazard"):
                if why in halts:
                    state = self._halted[why]
                    break
        if state is not None:
            self._reel.cues(self.feedback.hold(now, state, over_pause=True))
        else:
            self._reel.cues(self.feedback.go_on(now))
