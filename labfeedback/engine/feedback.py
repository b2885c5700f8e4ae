"""From steps and interruptions to cues: what the patient is to see, and until when."""

from __future__ import annotations

import math

import numpy as np

from labfeedback.protocol.training import Course, Training, in_words
from labfeedback.records import CUE, CueState, EventCode, Rows

LASTS = 3600.0  # states that hold until something happens: an hour


class Feedback:
    """Makes cue rows for the trained foot; silent without a training. Times are data time, s."""

    def __init__(self, training: Training | None) -> None:
        self.course = Course(training) if training else None
        self.blocked = False  # a hazard: nothing is judged any more
        self.held: CueState | None = None  # neutral, stopped or paused until the walk goes on
        self._count = 0
        self._judged: tuple[float, CueState] | None = None  # contact time and verdict of the step said early
        self._stance = 0  # stances of the trained foot that have ended
        self._step = 0  # the one that a cue is about

    def _cue(self, time_s: float, state: CueState, expires_s: float, fpa_deg: float = math.nan) -> Rows:
        assert self.course is not None
        row = np.zeros(1, CUE)
        r, course = row[0], self.course
        r["cue"], r["time_s"], r["side"], r["state"] = self._count, time_s, course.training.foot, int(state)
        r["step"] = -1 if math.isnan(fpa_deg) and state != CueState.NOT_MEASURED else self._step
        r["fpa_deg"], r["target_deg"], r["band_deg"] = fpa_deg, course.target_deg, course.training.band_deg
        r["deviation_deg"] = fpa_deg - course.target_deg
        r["good_steps"], r["scored_steps"], r["expires_s"] = course.good, course.scored, expires_s
        self._count += 1
        return row

    def hold(self, time_s: float, state: CueState) -> list[Rows]:
        """Go neutral (stale data, belt stopped, paused, finished) until `go_on`."""
        if self.course is None or self.held == state or self.held == CueState.FINISHED:
            return []
        if self.held == CueState.PAUSED and state in (CueState.KEEP_WALKING, CueState.BELT_STOPPED):
            return []
        self.held = state
        self._judged = None
        self.course.interrupt()
        return [self._cue(time_s, state, time_s + LASTS)]

    def go_on(self, time_s: float) -> list[Rows]:
        """Data flow and the belt moves again."""
        if self.course is None or self.held is None or self.held == CueState.FINISHED:
            return []
        self.held = None
        self.course.interrupt()
        return [self._cue(time_s, CueState.KEEP_WALKING, time_s + LASTS)]

    def sentences(self, decided: str) -> list[tuple[EventCode, str, float]]:
        """What `final` decided, for the record: (code, sentence, angle in deg)."""
        if not decided or self.course is None:
            return []
        course, own = self.course, in_words(self.course.own_deg)
        if decided == "target":
            then = (EventCode.TARGET_SET, course.sentence(), course.target_deg)
        else:
            text = f"target refused: it lies more than 15 deg from the person's own {own}"
            then = (EventCode.TARGET_REFUSED, text, course.own_deg)
        return [(EventCode.BASELINE_DONE, f"own angle {own}", course.own_deg), then]

    def early(self, time_s: float, contact_s: float, fpa_deg: float, last_s: float) -> list[Rows]:
        """The foot angle at heel-off of the trained foot."""
        course = self.course
        if course is None or self.blocked or self.held is not None or not course.has_target or course.warm_up > 0:
            return []
        state = course.judge(fpa_deg)
        self._step = self._stance + 1  # still under way
        course.scored += 1
        course.good += state == CueState.GOOD
        self._judged = (contact_s, state)
        return [self._cue(time_s, state, time_s + last_s, fpa_deg)]

    def take_back(self, time_s: float, contact_s: float, last_s: float) -> list[Rows]:
        """A stance that was rejected as a whole: what was said of it at heel-off no longer counts."""
        course = self.course
        if course is None or self.blocked or not self._judged or self._judged[0] != contact_s:
            return []
        course.scored -= 1
        course.good -= self._judged[1] == CueState.GOOD
        self._judged = None
        self._stance = self._step  # it had its cue, so the next stance's cue must bear another number
        return [] if self.held is not None else [self._cue(time_s, CueState.NOT_MEASURED, time_s + last_s)]

    def final(
        self, time_s: float, contact_s: float, fpa_deg: float, valid: bool, last_s: float
    ) -> tuple[list[Rows], str]:
        """A finished step of the trained foot; returns cues and what the course decided ('', 'target', 'refused')."""
        course = self.course
        if course is None or self.blocked:
            return [], ""
        self._stance += 1
        self._step = self._stance
        if self.held is not None:  # steps of a pause are recorded, but neither warm up nor make a baseline
            return [], ""
        warm = course.warm_up > 0
        decided = course.add_step(contact_s, fpa_deg, valid)
        judged = self._judged if self._judged and self._judged[0] == contact_s else None
        self._judged = None
        if course.refused or (warm and course.has_target):
            return [self._cue(time_s, CueState.KEEP_WALKING, time_s + last_s)], decided
        if not course.has_target or decided:
            return [self._cue(time_s, CueState.NATURAL, time_s + last_s)], decided
        if judged is not None and valid:
            return [], decided
        if judged is not None:  # said at heel-off, but the whole stance shows that it cannot be vouched for
            course.scored -= 1
            course.good -= judged[1] == CueState.GOOD
        if not valid:
            return [self._cue(time_s, CueState.NOT_MEASURED, time_s + last_s)], decided
        state = course.judge(fpa_deg)
        course.scored += 1
        course.good += state == CueState.GOOD
        return [self._cue(time_s, state, time_s + last_s, fpa_deg)], decided
