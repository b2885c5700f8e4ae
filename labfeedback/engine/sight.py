"""What the marker track shows of a foot around an event: hidden, swinging, walking at all."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from labfeedback.core.kinematic import LONGEST_HOLE_S
from labfeedback.engine.track import Track, longest_interval

FORWARD_M_S = 0.3  # a standing heel moves backward with the belt; faster forward than this it swings


class Sight:
    """heels: marker-track rows of right and left heel. walking: whether the belt is known to move."""

    def __init__(self, markers: Track, rate_hz: float, heels: NDArray[np.int64], walking: Callable[[], bool]) -> None:
        self._markers, self._rate_hz, self._heels, self._walking = markers, rate_hz, heels, walking

    @property
    def walking(self) -> bool:
        """Whether every step lands on a belt, so that a heel strike without a load is a step all the same."""
        return self._walking()

    @property
    def first_time(self) -> float:
        """Of the first marker frame."""
        return self._markers.first_time

    def _rows(self, since: float, until: float) -> slice:
        a, b = np.searchsorted(self._markers.time, (since, until))
        return slice(int(a), int(b))

    def hidden(self, foot: int, kind: int, since: float, until: float) -> bool:
        """Whether heel (kind 0) or toe (1), or the pelvis, was hidden in any frame between."""
        rows = self._rows(since, until)
        return self.broken(since, until) or bool(np.isnan(self._markers.column("reach")[rows, 2 * foot + kind]).any())

    def broken(self, since: float, until: float) -> bool:
        """Whether frames are missing between, or the stream had not begun."""
        rows = self._rows(since, until)
        return bool(rows.stop - rows.start < (until - since - LONGEST_HOLE_S) * self._rate_hz)

    def whole(self, since: float, until: float) -> bool:
        """No hole in the marker stream between two times."""
        time = self._markers.time[self._rows(since, until)]
        return bool(len(time) >= 2 and np.diff(time).max() <= longest_interval(self._rate_hz))

    def swings(self, foot: int, since: float, until: float) -> bool:
        """Whether the heel moves forward between, faster than a standing one can."""
        rows = self._rows(since, until)
        x = self._markers.column("position")[rows, self._heels[foot], 0]
        seen = np.flatnonzero(np.isfinite(x))
        if len(seen) < 2:
            return False
        time = self._markers.time[rows][seen]
        return bool((x[seen[-1]] - x[seen[0]]) / (time[-1] - time[0]) > FORWARD_M_S)
