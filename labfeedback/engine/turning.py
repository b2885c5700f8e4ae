"""The direction check as it goes: the standing foot straight, then turned in. Angles in deg, toe-out positive. Pure."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

LEAST_DEG: Final = 5.0  # a turn that nobody takes for another
AHEAD_DEG: Final = 45.0  # no foot that stands straight ahead points further aside; exchanged heel and toe do
STRAIGHT_S: Final = 2.0
HELD_S: Final = 1.0
STILL_DEG: Final = 1.5  # between the 5th and the 95th percentile: standing people turn their feet less
SEEN: Final = 0.8  # of the samples, hidden markers left out
FIRST_LOOK_S: Final = 0.5  # before that a window is too short to tell a still foot from a moving one
# An older angle is not shown. With a tick of the hub and one of the screen it is gone from the wall within 250 ms.
LIVE_S: Final = 0.15
SMOOTH_S: Final = 0.1
MOVING: Final = "keep the foot still"
HIDDEN: Final = "the foot's heel and toe markers are hidden: look at the cameras"
LUMPS: Final = "the markers come with gaps: look at their source"
PATIENCE_S: Final = 20.0
OTHER: Final = {"left": "right", "right": "left"}


@dataclass(frozen=True, slots=True)
class Feet:
    """One frame. angle_deg, other_deg: of the trained and of the other foot, NaN while hidden.

    apart_m: how far the trained heel stands to its own side of the other heel, NaN while one is hidden.
    """

    angle_deg: float
    other_deg: float
    apart_m: float


@dataclass(frozen=True, slots=True)
class Turned:
    """How it stands. phase: straight, turn, shown or done. change_deg: against the straight foot, NaN while unseen.

    left_s: of this phase. trouble: why it does not go on. result_deg: what was held; NaN until then, and 0 where the
    foot did not turn. why: what is wrong where something else than the turn ended it.
    """

    phase: str
    change_deg: float
    left_s: float
    trouble: str = ""
    result_deg: float = math.nan
    why: str = ""


class _Lately:
    """One number of the last seconds, NaN where it was not seen. period: of an angle 360, so that 180 is no border."""

    def __init__(self, period: float = math.inf) -> None:
        self._came: deque[tuple[float, float]] = deque()
        self._period, self._known = period, math.nan

    def add(self, time_s: float, value: float) -> None:
        if value == value and self._known == self._known and self._period < math.inf:
            half = self._period / 2
            value = self._known + (value - self._known + half) % self._period - half
        if value == value:
            self._known = value
        self._came.append((time_s, value))
        while self._came[0][0] < time_s - STRAIGHT_S - HELD_S:
            self._came.popleft()

    def median(self, now: float, seconds: float) -> float:
        """Of what was seen; NaN when nothing was."""
        seen = [v for t, v in self._came if t >= now - seconds and v == v]
        return float(np.median(seen)) if seen else math.nan

    def steady(self, now: float, seconds: float) -> tuple[float, str]:
        """(median, why there is none)."""
        newest = [(t, v) for t, v in self._came if t >= now - seconds]
        seen = [(t, v) for t, v in newest if v == v]
        if newest and len(seen) < SEEN * len(newest):
            return math.nan, HIDDEN
        # Time is covered by what came at most LIVE_S before, so that samples in small lumps count as a stream.
        times = [now - seconds, *(t for t, _ in seen), now]
        if np.minimum(np.diff(times), LIVE_S).sum() < SEEN * seconds:
            return math.nan, LUMPS
        values = [v for _, v in seen]
        low, high = np.percentile(values, (5, 95))
        return (math.nan, MOVING) if high - low > STILL_DEG else (float(np.median(values)), "")

    def live(self, now: float) -> float:
        """What may be shown: nothing that is old or hidden."""
        newest = next((t for t, v in reversed(self._came) if v == v), -math.inf)
        return math.nan if now - newest > LIVE_S else self.median(newest, SMOOTH_S)


class Turning:
    """`feed` each frame as it comes. side: the trained foot, left or right. show_s: how long the turned foot is shown.

    patience_s: for the turn, and for a foot that stands still but cannot be the one that is meant.
    """

    def __init__(self, side: str, show_s: float, patience_s: float = PATIENCE_S) -> None:
        self._side, self._show_s, self._patience_s = side, show_s, patience_s
        self._foot, self._other, self._apart = _Lately(360.0), _Lately(360.0), _Lately()
        self._phase, self._since, self._wrong_since = "straight", math.nan, math.nan
        self._straight = self._other_straight = self._result = math.nan
        self._trouble, self._why = "", ""

    def feed(self, time_s: float, feet: Feet | None) -> Turned:
        """feet: None when nothing came since the last time."""
        if self._since != self._since:
            self._since = time_s
        if feet is not None:
            self._foot.add(time_s, feet.angle_deg)
            self._other.add(time_s, feet.other_deg)
            self._apart.add(time_s, feet.apart_m)
        if self._phase == "straight":
            self._straight_on(time_s)
        elif self._phase == "turn":
            self._turn_on(time_s)
        elif self._phase == "shown" and time_s - self._since >= self._show_s:
            self._go("done", time_s)
        change = self._foot.live(time_s) - self._straight
        return Turned(self._phase, change, self._left(time_s), self._trouble, self._result, self._why)

    def _straight_on(self, now: float) -> None:
        stood = now - self._since
        if stood < FIRST_LOOK_S:
            return
        angle, trouble = self._foot.steady(now, min(stood, STRAIGHT_S))
        if trouble:
            self._trouble, self._since, self._wrong_since = trouble, now, math.nan
            return
        if stood < STRAIGHT_S:
            return
        self._trouble = self._wrong(angle, now)
        if not self._trouble:
            self._straight, self._other_straight = angle, self._other.median(now, STRAIGHT_S)
            self._go("turn", now)
            return
        if self._wrong_since != self._wrong_since:
            self._wrong_since = now
        if now - self._wrong_since >= self._patience_s:
            self._fail(self._trouble, now)

    def _wrong(self, angle: float, now: float) -> str:
        """Why a foot that stands still is not the trained one straight ahead, as a sentence; empty when it is."""
        side, other = self._side, OTHER[self._side]
        apart = self._apart.median(now, STRAIGHT_S)
        if apart != apart:
            return f"the {other} heel's marker is hidden: look at the cameras"
        if apart <= 0.0:
            return (
                f"the {side} heel is on the {other} side of the other heel: the labels of left and right are "
                "exchanged, the patient does not face forwards, or the axes of the rig are wrong"
            )
        aside = abs((angle + 180.0) % 360.0 - 180.0)
        if aside > AHEAD_DEG:
            return (
                f"the {side} foot points {aside:.0f} deg away from straight ahead: the labels of heel and toe are "
                "exchanged, the patient does not face forwards, or the axes of the rig are wrong"
            )
        return ""

    def _turn_on(self, now: float) -> None:
        waited = now - self._since
        self._trouble = ""
        if waited >= HELD_S:
            angle, trouble = self._foot.steady(now, HELD_S)
            change = angle - self._straight
            if abs(change) >= LEAST_DEG:
                self._result = change
                self._go("shown", now)
                return
            other = self._other.steady(now, HELD_S)[0] - self._other_straight
            if abs(change) < LEAST_DEG <= abs(other):
                way = "inwards" if other < 0 else "outwards"
                self._fail(
                    f"the {OTHER[self._side]} foot turned {way} by {abs(other):.0f} deg, not the {self._side} one: the "
                    "patient turned the other foot, or the labels of left and right are exchanged",
                    now,
                )
                return
            self._trouble = trouble if trouble != MOVING else ""  # it is asked to move
        if waited >= self._patience_s:
            self._fail("", now)

    def _fail(self, why: str, now: float) -> None:
        self._result, self._why = 0.0, why
        self._go("done", now)

    def _go(self, phase: str, now: float) -> None:
        self._phase, self._since, self._trouble = phase, now, ""

    def _left(self, now: float) -> float:
        whole = {"straight": STRAIGHT_S, "turn": self._patience_s, "shown": self._show_s}.get(self._phase, 0.0)
        return max(0.0, whole - (now - self._since))
