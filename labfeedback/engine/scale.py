"""Does the treadmill carry the mass that the subject file names?"""

from __future__ import annotations

import math
import statistics

import numpy as np

from labfeedback.engine.footing import GRAVITY
from labfeedback.engine.track import Track

STRIDES = 5
DIFFERS = 0.03  # of body weight: a calibration whose mass differs by more asks again (SCIENCE.md section 10)
LONGEST_S = 2.5


class Scale:
    """Weighs the subject over whole strides of the right foot, once. A handrail or harness shows here too."""

    def __init__(self, mass_kg: float | None) -> None:
        self._weight = (mass_kg or math.nan) * GRAVITY
        self._since = math.nan
        self._ratios: list[float] = []
        self.ratio = math.nan  # measured over named mass, when the strides are together

    def contact(self, foot: int, time_s: float, forces: Track) -> str:
        """A contact of foot 0 (right) ends a stride. Returns a sentence once, if the weights differ by over 3 %."""
        if foot != 0 or self.ratio == self.ratio:
            return ""
        began, self._since = self._since, time_s
        a, b = np.searchsorted(forces.time, (began, time_s))
        if not 0.0 < time_s - began < LONGEST_S or b - a < 2:
            return ""
        vertical = forces.column("vertical")[a:b]
        self._ratios.append(float(vertical.sum()) / (b - a) / self._weight)
        if len(self._ratios) < STRIDES:
            return ""
        self.ratio = statistics.median(self._ratios)
        if abs(self.ratio - 1.0) <= DIFFERS:
            return ""
        carried = self.ratio * self._weight / GRAVITY
        return (
            f"the plates carry {carried:.1f} kg, the subject file says {self._weight / GRAVITY:.1f} kg: check the "
            "person, the handrail and the plates' zero"
        )
