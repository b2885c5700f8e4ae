"""The belt's direction as the standing feet show it, against the rig's walking direction (SCIENCE.md section 2).

A planted heel moves with the belt. Single steps scatter by 2 deg, so the median of 20 steps of both feet counts. One
degree of yaw adds a degree to one foot's angle and takes it from the other's, and turns every moment arm.
"""

from __future__ import annotations

import math
import statistics
from collections import deque
from typing import Final

STEPS: Final = 20
LIMIT_DEG: Final = 1.0
AGAIN: Final = 0.8  # of the limit: what is off stays off until it is below


class BeltAxis:
    """Causal; one value from each step whose foot stood on a belt."""

    def __init__(self) -> None:
        self._angles: deque[float] = deque(maxlen=STEPS)
        self._told = False
        self._off = False

    def add(self, drift_x: float, drift_z: float) -> str:
        """Drift of a heel over 25-45 % of stance, m. Returns a sentence when the axis is first known or first off."""
        if not drift_x < 0.0 or drift_z != drift_z:
            return ""
        self._angles.append(math.degrees(math.atan2(-drift_z, -drift_x)))
        yaw = self.yaw_deg
        if yaw != yaw:
            return ""
        was, self._off = self._off, abs(yaw) > LIMIT_DEG * (AGAIN if self._off else 1.0)
        if self._off and not was:
            self._told = True
            return (
                f"the belts run {abs(yaw):.1f} deg to the {'right' if yaw > 0 else 'left'} of the rig's walking "
                "direction: steps are withheld. Calibrate the cameras against the treadmill, or mend the rig's axes"
            )
        first, self._told = not self._told, True
        return f"the belts run {yaw:+.2f} deg from the rig's walking direction" if first else ""

    @property
    def yaw_deg(self) -> float:
        """Direction of the belts from the rig's X towards the subject's right, deg; NaN before 20 steps."""
        return statistics.median(self._angles) if len(self._angles) == STEPS else math.nan

    @property
    def off(self) -> bool:
        """Whether it is further off than angles and moments may be."""
        return self._off
