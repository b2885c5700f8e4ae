"""The last seconds of each stream in lab units: what steps and frames are cut from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
LEAP_S = 0.5
BACK_S = 0.03
# What stamps of a good stream may be off by. At 1000 Hz a jitter of 0.2 ms makes intervals of over 1.5 ms in every step
# and moves KAM by less than 0.001 %BW*Ht; so does a hole of a few ms.
JITTER_S = 0.005


def longest_interval(rate_hz: float) -> float:
    """s between two samples beyond which something is missing."""
    return max(1.5 / rate_hz, JITTER_S)


class Track:
    """Rows of one stream in arrival order, with rising times. Grows as needed, forgets on request.

    time: (n,) s. index: (n,) sample index in the stream. Further columns by name.
    """

    def __init__(self, shapes: dict[str, tuple[int, ...]], capacity: int = 4096) -> None:
        self._shapes = shapes
        self._time = np.empty(capacity)
        self._index = np.empty(capacity, np.int64)
        self._columns = {name: np.empty((capacity, *shape)) for name, shape in shapes.items()}
        self.count = 0
        self.first_time = np.nan  # of the very first sample, never forgotten

    @property
    def time(self) -> Array:
        """(count,) s on the local clock."""
        return self._time[: self.count]

    @property
    def index(self) -> Ints:
        """(count,) index in the stream."""
        return self._index[: self.count]

    @property
    def last_time(self) -> float:
        """Time of the newest sample; -inf before the first."""
        return float(self._time[self.count - 1]) if self.count else -np.inf

    def column(self, name: str) -> Array:
        """(count, ...) one of the columns."""
        return self._columns[name][: self.count]

    def extend(self, time: Array, first: int, kept: NDArray[np.bool_] | None) -> slice:
        """Make room for samples whose times rise and lie after `last_time`; returns the rows to fill in.

        first: stream index of the first one that arrived. kept: which of those that arrived these are, None for all.
        """
        n = len(time)
        if not self.count and n and self.first_time != self.first_time:
            self.first_time = float(time[0])
        if self.count + n > len(self._time):
            self._grow(self.count + n)
        rows = slice(self.count, self.count + n)
        self._time[rows] = time
        self._index[rows] = first + (np.arange(n) if kept is None else np.flatnonzero(kept))
        self.count += n
        return rows

    def rows(self, name: str, rows: slice) -> Array:
        """(n, ...) some rows of one of the columns, to be filled in."""
        return self._columns[name][rows]

    def holes(self, since: int, longest: float) -> list[tuple[float, float]]:
        """(time, interval before it) of the rows from `since` on that come later than `longest` s after the last."""
        time = self._time[max(since - 1, 0) : self.count]
        if len(time) < 2:
            return []
        lapse = time[1:] - time[:-1]
        if lapse.max() <= longest:
            return []
        return [(float(time[i + 1]), float(lapse[i])) for i in np.flatnonzero(lapse > longest)]

    def forget(self, rows: int) -> None:
        """Drop the oldest rows."""
        if rows <= 0:
            return
        keep = self.count - rows
        for array in (self._time, self._index, *self._columns.values()):
            array[:keep] = array[rows : self.count].copy()
        self.count = keep

    def _grow(self, least: int) -> None:
        capacity = max(least, 2 * len(self._time))
        for name, shape in self._shapes.items():
            self._columns[name] = _longer(self._columns[name], (capacity, *shape), self.count)
        self._time = _longer(self._time, (capacity,), self.count)
        index = np.empty(capacity, np.int64)
        index[: self.count] = self._index[: self.count]
        self._index = index


def _longer(array: Array, shape: tuple[int, ...], count: int) -> Array:
    out = np.empty(shape)
    out[:count] = array[:count]
    return out


@dataclass(frozen=True, slots=True)
class Kept:
    """Which samples of a chunk are kept, and which of the kept ones come after a break of the clock."""

    samples: NDArray[np.bool_]
    broken: Array


def rising(time: Array, after: float, before: float, again: NDArray[np.bool_] | None = None) -> Kept | None:
    """Which samples are to be kept; None when all are (the ordinary case).

    after: latest time of a sample that was kept. before: time of the last one that arrived, kept or not. again:
    which have the very values of the one before; None where no two stamps are equal. A sample is kept if its time is a
    number, if it is not the one before sent twice, and if it lies at most BACK_S before the latest: stamps of arrival
    overtake each other, and several may come at one instant. One that leaps more than LEAP_S ahead is kept only if its
    predecessor had leapt as well: a single broken stamp must not outlaw everything that follows it. Where time ran
    backwards by more than BACK_S, the next kept one is marked as broken.
    """
    if len(time) == 0:
        return None
    if again is None and after - BACK_S < time[0] <= after + LEAP_S:
        lapse = time[1:] - time[:-1]
        if not len(lapse) or (lapse.min() > -BACK_S and lapse.max() <= LEAP_S):
            return None
    keep = np.zeros(len(time), np.bool_)
    broken = []
    backwards = before < after - BACK_S
    for i, t in enumerate(time.tolist()):
        near = after == -np.inf or t - after <= LEAP_S or 0.0 <= t - before <= LEAP_S
        twice = t == before and again is not None and again[i]
        if after - BACK_S < t < np.inf and near and not twice:
            keep[i] = True
            broken.append(1.0 if backwards else 0.0)
            after = max(after, t)
        before = t
        backwards = before < after - BACK_S
    return Kept(keep, np.array(broken))
