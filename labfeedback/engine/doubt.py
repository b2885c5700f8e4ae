"""How uncertain KAM1 and KAM2 of a step are: one standard deviation, Nm (see docs/quantities.md).

Five independent parts, added in quadrature, each at the instant of the peak:
- knee centre: vertical force x `knee_centre_sd_m` across the leg. 1 mm is 0.062 %BW*Ht (SCIENCE.md section 1);
- COP: vertical force x `cop_sd_m`, what is left of plate and rig calibration;
- skew: what `skew_sd_s` between markers and forces, and the jitter of their stamps, change: lever arm x slope of
  the vertical force;
- residual: vertical force x residual of the shank cluster / sqrt(3), the share of it across the leg; none without one;
- noise: of plate moments and of markers, through the zero-lag filter, whose noise bandwidth is about 1.0 fc.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labfeedback.core import step as core
from labfeedback.settings import Settings

Array = NDArray[np.float64]
PLATE_NOISE_NM = 1.0  # RMS of a moment channel on the belts' motor noise (SCIENCE.md section 9, standard level)
MARKER_NOISE_M = 0.0003
BANDWIDTH = 1.0  # of butter(2) forward and backward, in units of its cut-off


@dataclass(frozen=True, slots=True)
class Doubt:
    """One standard deviation of each peak, Nm."""

    kam1_nm: float
    kam2_nm: float


def doubt(
    stance: Array, at: tuple[float, float], stance_s: float, residual_m: float, sync_s: float, settings: Settings,
    rates_hz: tuple[float, float],
) -> Doubt:  # fmt: skip
    """stance: (CURVES, 201). at: KAM1 and KAM2 in % of stance. residual_m: NaN without a cluster. sync_s: how well
    the streams' times are known, see core.timefit. rates_hz: markers, forces. NaN where a peak is."""
    return Doubt(*(_one(stance, percent, stance_s, residual_m, sync_s, settings, rates_hz) for percent in at))


def _one(
    stance: Array, percent: float, stance_s: float, residual_m: float, sync_s: float, settings: Settings,
    rates: tuple[float, float],
) -> float:  # fmt: skip
    if not math.isfinite(percent):
        return math.nan
    k = min(max(round(2.0 * percent), 1), stance.shape[1] - 2)
    force, moment = float(stance[core.C_FZ, k]), float(stance[core.C_KAM, k])
    if not force > 0.0:  # an unloaded plate: a peak of nothing
        return math.nan
    slope = float(stance[core.C_FZ, k + 1] - stance[core.C_FZ, k - 1]) / (0.01 * stance_s)
    passed = [math.sqrt(min(1.0, 2.0 * BANDWIDTH * settings.filter_hz / rate)) for rate in rates]
    residual = residual_m if math.isfinite(residual_m) else 0.0
    parts = (
        force * settings.knee_centre_sd_m,
        force * settings.cop_sd_m,
        moment / force * slope * math.hypot(settings.skew_sd_s, sync_s),
        force * residual / math.sqrt(3.0),
        PLATE_NOISE_NM * passed[1],
        force * MARKER_NOISE_M * passed[0],
    )
    return math.sqrt(sum(part * part for part in parts))
