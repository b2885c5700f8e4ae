"""What earlier steps taught: standing heights, belt speed, stride time. Causal, live and offline alike."""

from __future__ import annotations

import statistics
from itertools import pairwise

from labfeedback.records import SIDES

HEIGHT_STEPS = 3  # standing heights come from the first three steps of a foot when no static trial gave them
BELT_STEPS = 10
STRIDES = 5
DEFAULT_STRIDE_S = 1.2
SLOWEST_M_S = 0.15  # slower belts are none: the heel of somebody who walks over ground stands still


class History:
    """Feet are 0 (right) and 1 (left)."""

    def __init__(self, standing: dict[int, tuple[float, float]] | None = None) -> None:
        self._given = standing or {}
        self._heights: dict[int, list[tuple[float, float]]] = {0: [], 1: []}
        self._belt: list[float] = []
        self._starts: dict[int, list[float]] = {0: [], 1: []}

    def contact(self, foot: int, start_s: float) -> None:
        """Every contact counts for the stride, whatever its step is worth: a missed one would double the interval."""
        self._starts[foot].append(start_s)
        del self._starts[foot][: -STRIDES - 1]

    def add(self, foot: int, heel_low: float, toe_low: float, heel_speed: float) -> None:
        """Learn from a step whose foot stood on its plate with all its markers."""
        if len(self._heights[foot]) < HEIGHT_STEPS:
            self._heights[foot].append((heel_low, toe_low))
        self._belt.append(-heel_speed)
        del self._belt[:-BELT_STEPS]

    def standing(self, foot: int) -> tuple[float, float] | None:
        """(heel, front) standing heights, m; None until known."""
        if foot in self._given:
            return self._given[foot]
        seen = self._heights[foot]
        if len(seen) < HEIGHT_STEPS:
            return None
        return statistics.median(h for h, _ in seen), statistics.median(t for _, t in seen)

    @property
    def belt(self) -> float | None:
        """Belt speed, m/s: median over the last steps of both feet; None before three."""
        return statistics.median(self._belt) if len(self._belt) >= 3 else None

    @property
    def walking(self) -> bool:
        """Whether the belt is known to move: every step then lands on it."""
        belt = self.belt
        return belt is not None and belt > SLOWEST_M_S

    def stride(self, foot: int) -> float:
        """Median stride time of the last strides, s; 1.2 s before two are known."""
        starts = self._starts[foot]
        strides = [b - a for a, b in pairwise(starts) if 0.6 < b - a < 2.5]
        return statistics.median(strides) if len(strides) >= 2 else DEFAULT_STRIDE_S

    def known_stride(self, foot: int) -> float:
        """As `stride`, infinite before two are known."""
        return self.stride(foot) if len(self._starts[foot]) >= 3 else float("inf")

    def forget_walk(self) -> None:
        """The belt stopped or data were lost: speed and stride may be others now; heights stay."""
        self._belt.clear()
        for foot in range(len(SIDES)):
            self._starts[foot].clear()
