"""From a device's clock to local LSL time, from the measured offsets in the log alone.

Two computers' clocks run apart by up to 100 ppm, 0.1 ms a second: a median of old offsets would lag behind by
milliseconds. So a line goes through the last measurements (Theil-Sen: the median of all slopes between two, which a
quarter of bad ones does not move), and is carried on to the samples that come after.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

# A jump of the measured offset beyond this is a restarted or re-set clock, not noise of the measurement.
CLOCK_STEP_S: Final = 0.005
KEPT: Final = 13
LINE_FROM: Final = 5  # measurements
LINE_SPAN_S: Final = 8.0  # of the sender's time, below which noise would tilt the line
FASTEST: Final = 500e-6  # clocks of computers differ by less


@dataclass(slots=True)
class Clock:
    """local = raw + offset(raw) - latency. A single measurement may be off by the length of a network queue."""

    latency_s: float
    measured: list[tuple[float, float]] = field(default_factory=list)  # (sender's time, offset), s
    offset_s: float = 0.0  # at `_at`
    drift: float = 0.0  # s of offset per s of the sender's time
    _at: float = 0.0
    suspect_s: float = math.nan  # a measurement far off, waiting for a second one that agrees

    def restart(self) -> None:
        """The sender is a new one: its next measurement counts alone."""
        self.measured.clear()
        self.drift, self.suspect_s = 0.0, math.nan

    def add(self, offset_s: float, raw_s: float = math.nan) -> bool:
        """Take a measurement; it acts on later samples. raw_s: the sender's time of the last sample before it, NaN
        where there was none. Returns True if the clock stepped."""
        stepped = bool(self.measured) and abs(offset_s - self._expected(raw_s)) > CLOCK_STEP_S
        if stepped:
            if not abs(offset_s - self.suspect_s) <= CLOCK_STEP_S:
                self.suspect_s = offset_s
                return False
            self.measured.clear()
        self.suspect_s = math.nan
        self.measured.append((raw_s, offset_s))
        del self.measured[:-KEPT]
        self._fit()
        return stepped

    def _expected(self, at: float) -> float:
        return self.offset_s + self.drift * (at - self._at) if self.drift else self.offset_s

    def _fit(self) -> None:
        # One from before the first sample has no time: it counts until there are others.
        timed = [one for one in self.measured if math.isfinite(one[0])]
        self.drift = 0.0
        if len(timed) >= LINE_FROM and timed[-1][0] - timed[0][0] >= LINE_SPAN_S:
            slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(timed, 2) if b[0] - a[0] > 0.25]
            slope = statistics.median(slopes) if slopes else 0.0
            self.drift = min(max(slope, -FASTEST), FASTEST)
        if not timed:
            self.offset_s = statistics.median(offset for _, offset in self.measured)
            return
        self._at = statistics.median(at for at, _ in timed)
        self.offset_s = statistics.median(offset - self.drift * (at - self._at) for at, offset in timed)

    def map(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n,) raw stamps -> local LSL time, s."""
        if self.drift == 0.0:
            return raw + (self.offset_s - self.latency_s)
        return np.asarray(raw + (self.offset_s - self.latency_s) + self.drift * (raw - self._at))
