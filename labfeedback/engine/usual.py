"""What is usual for this person on this day: body weight over whole strides, stance time, marker distances.

SCIENCE.md section 5, flags 6, 7 and 8. All of it is the past of the step that is judged, live and offline alike, and is
off until five valid stances exist.
"""

from __future__ import annotations

import math
import statistics
from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labfeedback.engine.track import Track

Array = NDArray[np.float64]
FROM_STANCES: Final = 5
REMEMBERS: Final = 25
STRIDE_S: Final = (0.6, 2.0)
WARM_UP: Final = 2  # steps of each foot after a start, a pause or a change of speed


class Usual:
    """Feet are 0 (right) and 1 (left)."""

    def __init__(self, weight_n: float) -> None:
        self._weight = weight_n
        self._stances: tuple[deque[float], deque[float]] = (deque(maxlen=REMEMBERS), deque(maxlen=REMEMBERS))
        self._shapes: tuple[deque[Array], deque[Array]] = (deque(maxlen=REMEMBERS), deque(maxlen=REMEMBERS))
        self._residuals: tuple[deque[float], deque[float]] = (deque(maxlen=REMEMBERS), deque(maxlen=REMEMBERS))
        self._left = [math.nan, math.nan]  # last toe-off
        self._warm = [WARM_UP, WARM_UP]

    def begin(self) -> None:
        """A start, a pause or another speed: the next steps are warm-up, and stance time is learned anew."""
        self._warm = [WARM_UP, WARM_UP]
        for stances in self._stances:
            stances.clear()
        self._left = [math.nan, math.nan]

    def warming(self, foot: int) -> bool:
        """Whether this step is warm-up; counts it."""
        self._warm[foot] -= 1
        return self._warm[foot] >= 0

    def weight_ratio(self, foot: int, toe_off: float, forces: Track, zero_n: float) -> float:
        """Mean load of both plates from this foot's last toe-off to this one, over body weight; NaN if not whole.

        zero_n: vertical zero of both plates together.
        """
        since, self._left[foot] = self._left[foot], toe_off
        time = forces.time
        if not STRIDE_S[0] < toe_off - since < STRIDE_S[1] or not len(time) or time[0] > since:
            return math.nan
        a, b = np.searchsorted(time, (since, toe_off))
        vertical = forces.column("vertical")[a:b]
        return (float(vertical.sum()) / (b - a) - zero_n) / self._weight if b > a else math.nan

    def known(self, foot: int) -> bool:
        """Whether five valid stances of this foot exist."""
        return len(self._stances[foot]) >= FROM_STANCES

    def timing_off(self, foot: int, stance_s: float) -> float:
        """Stance time over the median of the valid ones, minus 1; NaN before five exist."""
        if not self.known(foot):
            return math.nan
        return stance_s / statistics.median(self._stances[foot]) - 1.0

    def shape_off(self, foot: int, shape: Array) -> tuple[float, int]:
        """Largest change of a marker-to-marker distance against the median of the valid stances, m, and its index.

        shape: (pairs,) mean distances in this stance, NaN where a marker was hidden. (NaN, -1) before five exist.
        """
        past = self._shapes[foot]
        if len(past) < FROM_STANCES or not np.isfinite(shape).any():
            return math.nan, -1
        seen = np.array(past)
        usual = np.median(seen, axis=0)
        # A median is NaN with one hidden stance in it; nanmedian costs ten times as much.
        for pair in np.flatnonzero(np.isnan(usual) & np.isfinite(seen).any(axis=0)):
            usual[pair] = np.nanmedian(seen[:, pair])
        off = np.abs(shape - usual)
        if not np.isfinite(off).any():
            return math.nan, -1
        worst = int(np.nanargmax(off))
        return float(off[worst]), worst

    def residual_off(self, foot: int, residual_mm: float) -> float:
        """Cluster residual over the median of the valid stances, mm; NaN before five exist."""
        past = self._residuals[foot]
        return residual_mm - statistics.median(past) if len(past) >= FROM_STANCES else math.nan

    def add(self, foot: int, stance_s: float, shape: Array, residual_mm: float) -> None:
        """Learn from a valid stance that is no warm-up."""
        self._stances[foot].append(stance_s)
        if np.isfinite(shape).any():
            self._shapes[foot].append(shape)
        if residual_mm == residual_mm:
            self._residuals[foot].append(residual_mm)
