"""From steps and interruptions to cues: what the patient is to see, and until when."""

from __future__ import annotations

import math

import numpy as np

from labfeedback.protocol.aim import Aim
from labfeedback.protocol.training import Course, in_words
from labfeedback.records import CUE, CueState, EventCode, Rows

LASTS = 3600.0  # states that hold until something happens: an hour
_OF_OTHERS = (CueState.KEEP_WALKING, CueState.BELT_STOPPED)  # what never replaces a pause


class Feedback:
    """Makes cue rows for the feet that are trained; silent without an aim. Times are data time, s; sides are +1, -1."""

    def __init__(self, aim: Course | Aim | None) -> None:
        self.aim = aim
        self.blocked = False  # a hazard: nothing is judged any more
        self.held: CueState | None = None  # neutral, stopped or paused until the walk goes on
        self._count = 0
        self._judged: dict[int, tuple[float, CueState]] = {}  # contact time and verdict of the step said early
        self._stance = {1: 0, -1: 0}  # stances of each foot that have ended
        self._step = {1: 0, -1: 0}  # the one that a cue is about
        self._shown: dict[int, tuple[float, bool]] = {}  # contact time, and whether its verdict is shown

    def _cue(self, time_s: float, side: int, state: CueState, expires_s: float, value: float = math.nan) -> Rows:
        assert self.aim is not None
        row = np.zeros(1, CUE)
        r, aim = row[0], self.aim
        r["cue"], r["time_s"], r["side"], r["state"] = self._count, time_s, side, int(state)
        r["step"] = -1 if math.isnan(value) and state != CueState.NOT_MEASURED else self._step[side]
        r["variable"], r["good_side"] = aim.number, aim.good_side
        r["value"], r["target"], r["band"] = value, aim.target_of(side), aim.band
        r["deviation"] = value - aim.target_of(side)
        r["good_steps"], r["scored_steps"], r["expires_s"] = aim.good, aim.scored, expires_s
        self._count += 1
        return row

    def hold(self, time_s: float, state: CueState, *, over_pause: bool = False) -> list[Rows]:
        """Go neutral (stale data, belt stopped, paused, finished) until `go_on`.

        over_pause: also in place of a pause.
        """
        if self.aim is None or self.held == state or self.held == CueState.FINISHED:
            return []
        if self.held == CueState.PAUSED and state in _OF_OTHERS and not over_pause:
            return []
        self.held = state
        self._judged.clear()
        self.aim.interrupt()
        return [self._cue(time_s, self.aim.sides[0], state, time_s + LASTS)]

    def go_on(self, time_s: float) -> list[Rows]:
        """Data flow and the belt moves again."""
        if self.aim is None or self.held is None or self.held == CueState.FINISHED:
            return []
        self.held = None
        self.aim.interrupt()
        return [self._cue(time_s, self.aim.sides[0], CueState.KEEP_WALKING, time_s + LASTS)]

    def take_up(self, time_s: float, aim: Aim) -> list[Rows]:
        """Another block begins, in the middle of the walk: what was said of the one before is over."""
        self.aim = aim
        self._judged.clear()
        self._shown.clear()
        if self.held is not None or self.blocked:
            return []
        # Where verdicts are about to come, nothing is said until the first one.
        state = CueState.KEEP_WALKING if aim.targets and aim.on_s > 0.0 else aim.idle
        return [self._cue(time_s, aim.sides[0], state, time_s + LASTS)]

    def sentences(self, decided: str) -> list[tuple[EventCode, str, float]]:
        """What `final` decided, for the record: (code, sentence, angle in deg)."""
        if not decided or not isinstance(self.aim, Course):
            return []
        course, own = self.aim, in_words(self.aim.own_deg)
        if decided == "target":
            then = (EventCode.TARGET_SET, course.sentence(), course.target_deg)
        else:
            text = f"target refused: it lies more than 15 deg from the person's own {own}"
            then = (EventCode.TARGET_REFUSED, text, course.own_deg)
        return [(EventCode.BASELINE_DONE, f"own angle {own}", course.own_deg), then]

    def _shows(self, side: int, contact_s: float) -> bool:
        """Decided once a step: what is held back at heel-off must not appear after the step."""
        assert self.aim is not None
        if self._shown.get(side, (math.nan, False))[0] != contact_s:
            self._shown[side] = (contact_s, self.aim.shows(side, contact_s))
        return self._shown[side][1]

    def early(self, time_s: float, side: int, contact_s: float, fpa_deg: float, last_s: float) -> list[Rows]:
        """The foot angle at heel-off of a trained foot."""
        aim = self.aim
        if aim is None or side not in aim.sides or self.blocked or self.held is not None:
            return []
        if not aim.is_angle or not aim.has_target(side) or aim.warming(side) or not self._shows(side, contact_s):
            return []
        state = aim.judge(side, fpa_deg)
        self._step[side] = self._stance[side] + 1  # still under way
        aim.scored += 1
        aim.good += state == CueState.GOOD
        self._judged[side] = (contact_s, state)
        return [self._cue(time_s, side, state, time_s + last_s, fpa_deg)]

    def take_back(self, time_s: float, side: int, contact_s: float, last_s: float) -> list[Rows]:
        """A stance that was rejected as a whole: what was said of it at heel-off no longer counts."""
        aim = self.aim
        if aim is None or self.blocked or self._judged.get(side, (math.nan,))[0] != contact_s:
            return []
        aim.scored -= 1
        aim.good -= self._judged.pop(side)[1] == CueState.GOOD
        self._stance[side] = self._step[side]  # it had its cue, so the next stance's cue must bear another number
        return [] if self.held is not None else [self._cue(time_s, side, CueState.NOT_MEASURED, time_s + last_s)]

    def final(self, time_s: float, contact_s: float, row: np.void, last_s: float) -> tuple[list[Rows], str]:
        """A finished step; marks the row that had a verdict shown (`cued`).

        Returns cues and what the course decided ('', 'target', 'refused').
        """
        aim, side = self.aim, int(row["side"])
        if aim is None or side not in aim.sides or self.blocked:
            return [], ""
        self._stance[side] += 1
        self._step[side] = self._stance[side]
        if self.held is not None:  # steps of a pause are recorded, but neither warm up nor make a baseline
            return [], ""
        warm, shown = aim.warming(side), self._shows(side, contact_s)
        value, valid = aim.value(row)
        decided = aim.finished(row, contact_s, valid)
        said = self._judged.pop(side, None)
        judged = said if said and said[0] == contact_s else None
        until = time_s + last_s
        if aim.refused or (warm and aim.has_target(side)):
            return [self._cue(time_s, side, CueState.KEEP_WALKING, until)], decided
        if not aim.has_target(side) or decided or not shown:
            # A step that began in the block before is nobody's.
            state = aim.idle if contact_s >= aim.since_s else CueState.KEEP_WALKING
            return [self._cue(time_s, side, state, until)], decided
        if judged is not None and valid:
            row["cued"] = 1
            return [], decided
        if judged is not None:  # said at heel-off, but the whole stance shows that it cannot be vouched for
            aim.scored -= 1
            aim.good -= judged[1] == CueState.GOOD
        if not valid:
            return [self._cue(time_s, side, CueState.NOT_MEASURED, until)], decided
        state = aim.judge(side, value)
        row["cued"] = 1
        aim.scored += 1
        aim.good += state == CueState.GOOD
        return [self._cue(time_s, side, state, until, value)], decided
