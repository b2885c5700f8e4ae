"""One reference stance: natural cubic splines over the stance fraction, 0 at contact and 1 at toe-off.

75 kg, 1.70 m, right leg, 1.25 m/s. Lengths in m, angles in degrees in the tables and radians in the results, forces in
body weights, the free moment in Nm at 75 kg. The left leg is the mirror image (z and the free moment change sign).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

Array = NDArray[np.float64]

SPEED_M_S: Final = 1.25
STANCE_S: Final = 0.70
STRIDE_S: Final = 1.10
MASS_KG: Final = 75.0
HEIGHT_M: Final = 1.70
FPA_DEG: Final = 7.0
ANKLE_X_M: Final = 0.30
ANKLE_Z_M: Final = 0.09
COP_LATERAL_M: Final = 0.006
G: Final = 9.81


def _curve(knots: tuple[float, ...], values: tuple[float, ...]) -> CubicSpline:
    return CubicSpline(np.array(knots), np.array(values), bc_type="natural")


def _angle(knots: tuple[float, ...], degrees: tuple[float, ...]) -> CubicSpline:
    return CubicSpline(np.array(knots), np.deg2rad(np.array(degrees)), bc_type="natural")


# The pose of one leg, in this order everywhere: ankle x, y, z, shank forward lean, shank frontal lean, foot pitch.
POSE: Final = (
    _curve((0, 0.5, 0.6, 0.8, 1), (0, 0, 0.01, 0.06, 0.15)),
    _curve((0, 0.1, 0.5, 0.6, 0.8, 1), (0.10, 0.09, 0.09, 0.095, 0.13, 0.19)),
    _curve((0, 0.2, 0.5, 0.8, 1), (0, 0.002, 0.004, 0.002, 0)),
    _angle((0, 0.1, 0.2, 0.5, 0.8, 1), (-18, -7, 0, 11, 32, 52)),
    _angle((0, 0.2, 0.5, 0.8, 1), (3.5, 4.5, 4.0, 3.5, 2.5)),
    _angle((0, 0.1, 0.55, 0.7, 0.85, 1), (18, 2, 0, -12, -35, -60)),
)
VERTICAL: Final = _curve(
    (0, 0.04, 0.12, 0.24, 0.38, 0.5, 0.62, 0.76, 0.88, 0.96, 1),
    (0, 0.35, 0.85, 1.08, 0.88, 0.76, 0.86, 1.06, 0.72, 0.2, 0),
)
FORE_AFT: Final = _curve(
    (0, 0.05, 0.18, 0.35, 0.52, 0.7, 0.86, 0.96, 1), (0, -0.05, -0.15, -0.08, 0, 0.10, 0.19, 0.06, 0)
)
TO_MIDLINE: Final = _curve((0, 0.04, 0.12, 0.25, 0.5, 0.75, 0.9, 1), (0, -0.02, 0.035, 0.055, 0.04, 0.055, 0.03, 0))
FREE_MOMENT: Final = _curve((0, 0.2, 0.5, 0.8, 1), (0, -1.5, 1, 4, 0))
COP_ALONG: Final = _curve((0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1), (-0.045, -0.005, 0.03, 0.05, 0.075, 0.115, 0.155, 0.17))


class Curves:
    """Several splines over one set of pieces, evaluated in one pass: the union of their knots splits none wrongly."""

    def __init__(self, splines: tuple[CubicSpline, ...]) -> None:
        self._knots = np.unique(np.concatenate([spline.x for spline in splines]))
        left = self._knots[:-1]
        # (4, curves, pieces): Taylor coefficients at the left end of each piece.
        self._c = np.array([[spline(left, k) / (1, 1, 2, 6)[k] for spline in splines] for k in range(4)])

    def at(self, fraction: Array) -> Array:
        """Values, (curves, n)."""
        c, d = self._pieces(fraction)
        return np.asarray(c[0] + d * (c[1] + d * (c[2] + d * c[3])))

    def with_derivatives(self, fraction: Array) -> tuple[Array, Array, Array]:
        """Values and derivatives by reference time (s), each (curves, n)."""
        c, d = self._pieces(fraction)
        value = c[0] + d * (c[1] + d * (c[2] + d * c[3]))
        first = (c[1] + d * (2 * c[2] + d * (3 * c[3]))) / STANCE_S
        return value, first, (2 * c[2] + d * (6 * c[3])) / STANCE_S**2

    def _pieces(self, fraction: Array) -> tuple[Array, Array]:
        piece = np.searchsorted(self._knots, fraction, side="right") - 1
        piece = np.clip(piece, 0, len(self._knots) - 2)
        return self._c[:, :, piece], fraction - self._knots[piece]


_POSE_CURVES: Final = Curves(POSE)
# In rows: fore-aft, vertical, towards the midline (BW), free moment (Nm at 75 kg), COP along the foot (m).
FORCES: Final = Curves((FORE_AFT, VERTICAL, TO_MIDLINE, FREE_MOMENT, COP_ALONG))


def pose(fraction: Array) -> tuple[Array, Array, Array]:
    """Six pose coordinates of a stance and their first and second derivative by reference time, each (6, n).

    Right-leg convention: z is positive towards the leg's own side on both legs.
    """
    value, first, second = _POSE_CURVES.with_derivatives(fraction)
    value[0] += ANKLE_X_M - SPEED_M_S * STANCE_S * fraction
    first[0] -= SPEED_M_S
    value[2] += ANKLE_Z_M
    return value, first, second


def quintic(start: Array, end: Array, duration: float, u: Array) -> tuple[Array, Array, Array]:
    """Quintic Hermite piece between two states, u in 0..1.

    start, end: (3, c) position, velocity, acceleration. Returns position, velocity, acceleration, each (c, n).
    """
    p0, v0, a0 = start[0], start[1] * duration, start[2] * duration**2
    p1, v1, a1 = end[0], end[1] * duration, end[2] * duration**2
    d, dv = p1 - p0 - v0 - a0 / 2, v1 - v0 - a0
    da = a1 - a0
    c3 = 10 * d - 4 * dv + da / 2
    c4 = -15 * d + 7 * dv - da
    c5 = 6 * d - 3 * dv + da / 2
    k = [row[:, None] for row in (p0, v0, a0 / 2, c3, c4, c5)]
    value = k[0] + u * (k[1] + u * (k[2] + u * (k[3] + u * (k[4] + u * k[5]))))
    first = k[1] + u * (2 * k[2] + u * (3 * k[3] + u * (4 * k[4] + u * 5 * k[5])))
    second = 2 * k[2] + u * (6 * k[3] + u * (12 * k[4] + u * 20 * k[5]))
    return value, first / duration, second / duration**2


def smoothstep(u: Array) -> Array:
    """0 below 0, 1 above 1, with zero first and second derivative at both ends."""
    u = np.clip(u, 0.0, 1.0)
    return np.asarray(u * u * u * (10.0 + u * (6.0 * u - 15.0)))
