"""Pelvis, trunk and the leg's frontal alignment of one step.

- Pelvis drop: angle of the line from the left to the right pelvis markers (front and back pair averaged) to the
  horizontal; positive when the swinging side is the lower one. Peak over 20-80 % of stance (contralateral pelvic drop,
  Dunphy, Hum Mov Sci 49:27, 2016; the line of pelvic obliquity in Kadaba, J Orthop Res 8:383, 1990).
- Trunk lean: angle to the vertical of the line from the pelvis' middle to the trunk's upper end, in the frontal plane;
  positive towards the standing foot. Peak over 20-80 % of stance (Hunt, Osteoarthritis Cartilage 16:591, 2008).
- Knee alignment: angle between thigh (hip to knee centre) and shank in the tibia's frontal plane; varus positive. Mean
  over 20-60 % of stance, when the knee is nearly straight (dynamic knee alignment: Barrios, J Biomech 43:2208, 2010).
  The hip centre comes from the pelvis markers (Harrington, J Biomech 40:595, 2007), and is known to about 1-2 cm.
- Shank lean: the shank's long axis to the vertical in the lab's frontal plane; positive when the knee lies outside the
  ankle. Mean over 20-60 % of stance. Needs no pelvis.

Windows are choices of this project. Markers pass the step's own filter. A marker that was hidden in stance withholds
what leans on it: another marker in its place would move the angle.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from labfeedback.core import step as core
from labfeedback.core.filters import zero_lag
from labfeedback.core.hidden import bridge
from labfeedback.core.peaks import POINTS, over_stance
from labfeedback.engine.plan import Plan

Array = NDArray[np.float64]
SINGLE: Final = slice(40, 161)
FLAT: Final = slice(40, 121)
RIGHT_FRONT, LEFT_FRONT, RIGHT_BACK, LEFT_BACK, SACRUM = range(5)
# Hip centre from the middle of the front markers, m: forward, up, outward = offset + slope * depth or width.
HIP_FORWARD: Final = (-0.0099, -0.24)  # of the pelvis' depth
HIP_UP: Final = (-0.0109, -0.30)  # of its width
HIP_OUT: Final = (0.0073, 0.33)  # of its width


class Posture:
    """section, pad: the step filter at the markers' rate. Holds no history."""

    def __init__(self, plan: Plan, section: Array, pad: int) -> None:
        self._section, self._pad = section, max(9, pad)
        self._rows = np.concatenate([plan.girdle[plan.girdle >= 0], plan.trunk])
        place = {int(row): column for column, row in enumerate(self._rows)}
        self._girdle = [place.get(int(row), -1) for row in plan.girdle]
        self._trunk = [place[int(row)] for row in plan.trunk]

    def look(self, r: np.void, time: Array, positions: Array, stance: Array) -> None:
        """Fill a STEP row's four angles; NaN where markers are missing.

        positions: (n, markers, 3) m of the step's window. stance: (CURVES, 201) of `core.compute_step`.
        """
        side = float(r["side"])
        r["shank_lean_deg"] = stance[core.C_SHANK_LEAN, FLAT].mean()
        if not len(self._rows) or len(time) < 8:
            return
        at = self._over_stance(time, positions[:, self._rows], float(r["start_s"]), float(r["end_s"]))
        girdle = [at[index] if index >= 0 else np.full((3, POINTS), np.nan) for index in self._girdle]
        pairs = [(right, left) for right, left in ((0, 1), (2, 3)) if self._girdle[right] >= 0 <= self._girdle[left]]
        if pairs:
            right = np.mean([girdle[a] for a, _ in pairs], axis=0)
            left = np.mean([girdle[b] for _, b in pairs], axis=0)
            across = right - left
            drop = np.arctan2(side * across[1], np.hypot(across[0], across[2]))
            r["pelvis_drop_deg"] = np.degrees(drop[SINGLE].max())
            if self._trunk:
                up = np.mean([at[index] for index in self._trunk], axis=0) - 0.5 * (right + left)
                r["trunk_lean_deg"] = np.degrees(np.arctan2(side * up[2], up[1])[SINGLE].max())
        hip = self._hip(girdle, side)
        thigh = hip - stance[core.C_KNEE : core.C_KNEE + 3]
        outward = side * (thigh * stance[core.C_ACROSS : core.C_ACROSS + 3]).sum(axis=0)
        along = (thigh * stance[core.C_LONG : core.C_LONG + 3]).sum(axis=0)
        r["knee_varus_deg"] = np.degrees(np.arctan2(-outward, along)[FLAT].mean())

    def _over_stance(self, time: Array, positions: Array, start: float, end: float) -> Array:
        """(m, 3, 201) filtered; NaN for a marker that was hidden in stance."""
        count = positions.shape[1]
        window = np.array(positions, order="C")
        inside = (time >= start) & (time <= end)
        hidden = np.isnan(window[inside, :, 0]).any(axis=0)
        window[:, hidden] = 0.0  # a filter must not meet NaN
        bridge(window)
        flat = window.reshape(len(time), 3 * count)
        zero_lag(flat, self._section, self._pad)
        out = np.empty((3 * count, POINTS))
        stamps = np.ascontiguousarray(time)
        for channel in range(3 * count):
            over_stance(stamps, flat, channel, start, end, out[channel])
        out = out.reshape(count, 3, POINTS)
        out[hidden] = np.nan
        return out

    def _hip(self, girdle: list[Array], side: float) -> Array:
        """(3, 201) hip centre, m."""
        front = 0.5 * (girdle[RIGHT_FRONT] + girdle[LEFT_FRONT])
        back = girdle[SACRUM] if self._girdle[SACRUM] >= 0 else 0.5 * (girdle[RIGHT_BACK] + girdle[LEFT_BACK])
        z = girdle[RIGHT_FRONT] - girdle[LEFT_FRONT]
        width = np.sqrt((z * z).sum(axis=0))
        z = z / width
        depth = front - back
        x = depth - (depth * z).sum(axis=0) * z
        x = x / np.sqrt((x * x).sum(axis=0))
        y = np.cross(z, x, axis=0)
        deep = np.sqrt((depth * depth).sum(axis=0))
        return np.asarray(
            front
            + (HIP_FORWARD[0] + HIP_FORWARD[1] * deep) * x
            + (HIP_UP[0] + HIP_UP[1] * width) * y
            + side * (HIP_OUT[0] + HIP_OUT[1] * width) * z
        )
