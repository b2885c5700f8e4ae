"""From a device's stamps to local LSL time, from the measured offsets in the log alone."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

# A jump of the measured offset beyond this is a restarted or re-set clock, not noise of the measurement.
CLOCK_STEP_S = 0.005
KEPT = 9


@dataclass(slots=True)
class Clock:
    """local = raw + offset - latency, offset = median of the last nine measurements (a single one may be off by the
    length of a network queue)."""

    latency_s: float
    measured: list[float] = field(default_factory=list)
    offset_s: float = 0.0
    suspect_s: float = math.nan  # a measurement far off, waiting for a second one that agrees

    def restart(self) -> None:
        """The sender is a new one: its next measurement counts alone."""
        self.measured.clear()
        self.suspect_s = math.nan

    def add(self, offset_s: float) -> bool:
        """Take a measurement; it acts on later samples. Returns True if the clock stepped."""
        stepped = bool(self.measured) and abs(offset_s - self.offset_s) > CLOCK_STEP_S
        if stepped:
            if not abs(offset_s - self.suspect_s) <= CLOCK_STEP_S:
                self.suspect_s = offset_s
                return False
            self.measured.clear()
        self.suspect_s = math.nan
        self.measured.append(offset_s)
        del self.measured[:-KEPT]
        self.offset_s = statistics.median(self.measured)
        return stepped

    @property
    def shift_s(self) -> float:
        """What is added to a raw stamp."""
        return self.offset_s - self.latency_s

    def map(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n,) raw stamps -> local LSL time, s."""
        return raw + self.shift_s
