"""The belt's direction as the standing feet show it, against the rig's walking direction (SCIENCE.md section 2).

A planted heel moves with the belt. Single steps scatter by 2 deg, so the median of 20 steps of both feet counts. One
degree of yaw adds a degree to one foot's angle and takes it from the other's, and turns every moment arm.

It is a check, and the walk under way is not corrected by it: a baseline and what is trained against it must have one
zero, live and offline alike, and on a noise-free walk whose feet point 17 deg out and 3 deg in the heels' roll alone
makes 0.3 deg of it. What a lab has measured goes into the rig (`Rig.belt_yaw_deg`), which turns everything.
"""

from __future__ import annotations

import math
import statistics
from collections import deque
from typing import Final

STEPS: Final = 20
LIMIT_DEG: Final = 1.0
AGAIN: Final = 0.8  # of the limit: what is off stays off until it is below
SURE_FROM: Final = 5  # steps that may already show that the axis is off, if twice their standard error leaves no doubt
LEAST_SPREAD_DEG: Final = 0.2


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
        yaw, was = statistics.median(self._angles), self._off
        if len(self._angles) == STEPS:
            self._off = abs(yaw) > LIMIT_DEG * (AGAIN if was else 1.0)
        else:
            self._off = was or self._surely(yaw)
        if self._off and not was:
            self._told = True
            return (
                f"the belts run {abs(yaw):.1f} deg to the {'right' if yaw > 0 else 'left'} of the rig's walking "
                "direction: steps are withheld. Calibrate the cameras against the treadmill; where the plates' corners "
                "were measured by those cameras, write it into the rig as belt_yaw_deg"
            )
        if len(self._angles) < STEPS:
            return ""
        first, self._told = not self._told, True
        return f"the belts run {yaw:+.2f} deg from the rig's walking direction" if first else ""

    def _surely(self, yaw: float) -> bool:
        """Whether fewer than 20 steps leave no doubt that the axis is off."""
        count = len(self._angles)
        if count < SURE_FROM:
            return False
        spread = 1.4826 * statistics.median(abs(angle - yaw) for angle in self._angles)
        error = 1.2533 * max(spread, LEAST_SPREAD_DEG) / math.sqrt(count)  # of a median
        return abs(yaw) - 2.0 * error > LIMIT_DEG

    @property
    def yaw_deg(self) -> float:
        """Direction of the belts from the rig's X towards the subject's right, deg; NaN before 20 steps,
        unless fewer leave no doubt that it is off."""
        known = len(self._angles) == STEPS or self._off
        return statistics.median(self._angles) if known else math.nan

    @property
    def off(self) -> bool:
        """Whether it is further off than angles and moments may be."""
        return self._off
