"""The direction check as it goes: the standing foot straight, then turned in. Angles in deg, toe-out positive. Pure."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

LEAST_DEG: Final = 5.0  # a turn that nobody takes for another
STRAIGHT_S: Final = 2.0
HELD_S: Final = 1.0
STILL_DEG: Final = 2.0  # between the 5th and the 95th percentile: standing people turn their feet less
SEEN: Final = 0.8  # of the samples, hidden markers left out
LIVE_S: Final = 0.25  # an older angle is not shown
SMOOTH_S: Final = 0.1
MOVING: Final = "keep the foot still"
PATIENCE_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Turned:
    """How it stands. phase: straight, turn, shown or done. change_deg: against the straight foot, NaN while unseen.

    left_s: of this phase. trouble: why it does not go on. result_deg: what was held; NaN until then, and 0 where the
    foot did not turn.
    """

    phase: str
    change_deg: float
    left_s: float
    trouble: str = ""
    result_deg: float = math.nan


class Turning:
    """`feed` each angle as it comes. show_s: how long the turned foot is shown. patience_s: for the turn."""

    def __init__(self, show_s: float, patience_s: float = PATIENCE_S) -> None:
        self._show_s, self._patience_s = show_s, patience_s
        self._angles: deque[tuple[float, float]] = deque()
        self._phase, self._since = "straight", math.nan
        self._straight = self._result = math.nan

    def feed(self, time_s: float, angle_deg: float) -> Turned:
        """angle_deg: of the foot against the walking direction, NaN while a marker is hidden."""
        if self._since != self._since:
            self._since = time_s
        if angle_deg == angle_deg and self._angles:
            # The difference to the newest known angle, so that 180 deg is no border.
            known = next((a for _, a in reversed(self._angles) if a == a), angle_deg)
            angle_deg = known + (angle_deg - known + 180.0) % 360.0 - 180.0
        self._angles.append((time_s, angle_deg))
        while self._angles[0][0] < time_s - max(STRAIGHT_S, HELD_S) - 1.0:
            self._angles.popleft()
        trouble = getattr(self, f"_{self._phase}_on")(time_s) if self._phase != "done" else ""
        return Turned(self._phase, self._change(time_s), self._left(time_s), trouble, self._result)

    def _straight_on(self, now: float) -> str:
        angle, trouble = self._steady(now, STRAIGHT_S)
        if angle == angle:
            self._straight = angle
            self._go("turn", now)
        return trouble

    def _turn_on(self, now: float) -> str:
        angle, trouble = self._steady(now, HELD_S)
        change = angle - self._straight
        if abs(change) >= LEAST_DEG:
            self._result = change
            self._go("shown", now)
            return ""
        if now - self._since >= self._patience_s:
            self._result = 0.0
            self._go("done", now)
        return trouble if trouble != MOVING else ""  # it is asked to move

    def _shown_on(self, now: float) -> str:
        if now - self._since >= self._show_s:
            self._go("done", now)
        return ""

    def _go(self, phase: str, now: float) -> None:
        self._phase, self._since = phase, now

    def _left(self, now: float) -> float:
        whole = {"straight": STRAIGHT_S, "turn": self._patience_s, "shown": self._show_s}.get(self._phase, 0.0)
        return max(0.0, whole - (now - self._since))

    def _steady(self, now: float, seconds: float) -> tuple[float, str]:
        """(median of the last seconds, why there is none)."""
        if now - self._since < seconds:
            return math.nan, ""
        newest = [a for t, a in self._angles if t >= now - seconds]
        seen = np.array([a for a in newest if a == a])
        if len(seen) < SEEN * len(newest):
            return math.nan, "the foot's heel and toe markers are hidden: look at the cameras"
        low, high = np.percentile(seen, (5, 95))
        if high - low > STILL_DEG:
            return math.nan, MOVING
        return float(np.median(seen)), ""

    def _change(self, now: float) -> float:
        """Against the straight foot, for the screen: nothing that is old or hidden."""
        seen = [(t, a) for t, a in self._angles if a == a]
        if self._straight != self._straight or not seen or now - seen[-1][0] > LIVE_S:
            return math.nan
        return float(np.median([a for t, a in seen if t >= seen[-1][0] - SMOOTH_S])) - self._straight
