"""Joint centres and anatomical axes of one leg, and the foot progression angle (SCIENCE.md sections 3 and 6)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from labfeedback.core.kernel import kernel
from labfeedback.core.legpoints import (
    AJC,
    ANGLE_FROM_MT2,
    ANKLE_LATERAL,
    ANKLE_MEDIAL,
    EXPRESS,
    EXPRESS_IN,
    FOOT,
    FOOT_FROM_MT2,
    FRONT,
    HEEL,
    KJC,
    KNEE_LATERAL,
    KNEE_MEDIAL,
    MT1,
    MT2,
    MT5,
    TIBIA,
)

Array = NDArray[np.float64]
Ints = NDArray[np.int64]


@kernel("void(f8[:,::1], i8, i8, i8)")
def cross_rows(rows: Array, a: int, b: int, out: int) -> None:
    """rows[out] = rows[a] x rows[b]."""
    x = rows[a, 1] * rows[b, 2] - rows[a, 2] * rows[b, 1]
    y = rows[a, 2] * rows[b, 0] - rows[a, 0] * rows[b, 2]
    z = rows[a, 0] * rows[b, 1] - rows[a, 1] * rows[b, 0]
    rows[out, 0] = x
    rows[out, 1] = y
    rows[out, 2] = z


@kernel("void(f8[:,::1], i8)")
def unit_row(rows: Array, row: int) -> None:
    """Make rows[row] a unit vector; NaN if it has no length."""
    length = math.sqrt(rows[row, 0] * rows[row, 0] + rows[row, 1] * rows[row, 1] + rows[row, 2] * rows[row, 2])
    for c in range(3):
        rows[row, c] = rows[row, c] / length if length > 0.0 else np.nan


@kernel("void(f8[:,::1], i8, i8, f8, f8, f8)")
def triad_from_axis(rows: Array, first: int, ap: int, tx: float, ty: float, tz: float) -> None:
    """rows[first + 1] is the long axis Y; (tx, ty, tz) points roughly to the subject's right.

    Writes X = unit(Y x t) into rows[first] and Z = X x Y into rows[first + 2]. `ap` is a scratch row.
    """
    rows[ap, 0] = tx
    rows[ap, 1] = ty
    rows[ap, 2] = tz
    cross_rows(rows, first + 1, ap, first)
    unit_row(rows, first)
    cross_rows(rows, first, first + 1, first + 2)


@kernel("void(f8[:,::1], f8, i8[::1], f8[:,::1])")
def leg_frames(points: Array, s: float, kinds: Ints, out: Array) -> None:
    """Joint centres and axes of one leg in one frame.

    points: (8, 3) m, lab frame, in the order of legpoints. s: +1 right, -1 left. out: (12, 3), rows of legpoints.
    """
    for c in range(3):
        out[KJC, c] = 0.5 * (points[KNEE_LATERAL, c] + points[KNEE_MEDIAL, c])
        out[AJC, c] = 0.5 * (points[ANKLE_LATERAL, c] + points[ANKLE_MEDIAL, c])
        if kinds[FOOT_FROM_MT2] == 1:
            out[FRONT, c] = points[MT2, c]
        else:
            out[FRONT, c] = 0.5 * (points[MT1, c] + points[MT5, c])
        out[TIBIA + 1, c] = out[KJC, c] - out[AJC, c]
        out[FOOT, c] = out[FRONT, c] - points[HEEL, c]
    unit_row(out, TIBIA + 1)
    triad_from_axis(
        out,
        TIBIA,
        EXPRESS,
        s * (points[KNEE_LATERAL, 0] - points[KNEE_MEDIAL, 0]),
        s * (points[KNEE_LATERAL, 1] - points[KNEE_MEDIAL, 1]),
        s * (points[KNEE_LATERAL, 2] - points[KNEE_MEDIAL, 2]),
    )
    unit_row(out, FOOT)
    if kinds[FOOT_FROM_MT2] == 1:
        # Y = unit(up - (up . X) X)
        lift = out[FOOT, 1]
        out[FOOT + 1, 0] = -lift * out[FOOT, 0]
        out[FOOT + 1, 1] = 1.0 - lift * out[FOOT, 1]
        out[FOOT + 1, 2] = -lift * out[FOOT, 2]
    else:
        for c in range(3):
            out[EXPRESS, c] = s * (points[MT5, c] - points[MT1, c])
        cross_rows(out, EXPRESS, FOOT, FOOT + 1)
    unit_row(out, FOOT + 1)
    cross_rows(out, FOOT, FOOT + 1, FOOT + 2)
    if kinds[EXPRESS_IN] == 2:
        for r in range(3):
            for c in range(3):
                out[EXPRESS + r, c] = 1.0 if r == c else 0.0
    elif kinds[EXPRESS_IN] == 1:
        for c in range(3):
            out[EXPRESS + 1, c] = out[TIBIA + 1, c]
        triad_from_axis(
            out,
            EXPRESS,
            EXPRESS + 2,
            s * (points[ANKLE_LATERAL, 0] - points[ANKLE_MEDIAL, 0]),
            s * (points[ANKLE_LATERAL, 1] - points[ANKLE_MEDIAL, 1]),
            s * (points[ANKLE_LATERAL, 2] - points[ANKLE_MEDIAL, 2]),
        )
    else:
        for r in range(3):
            for c in range(3):
                out[EXPRESS + r, c] = out[TIBIA + r, c]


@kernel("f8(f8[:,::1], f8, i8[::1])")
def progression_angle(points: Array, s: float, kinds: Ints) -> float:
    """FPA in degrees, toe-out positive on both feet: s atan2(v_Z, v_X) of the horizontal heel-to-metatarsal line."""
    if kinds[ANGLE_FROM_MT2] == 1:
        x = points[MT2, 0]
        z = points[MT2, 2]
    else:
        x = 0.5 * (points[MT1, 0] + points[MT5, 0])
        z = 0.5 * (points[MT1, 2] + points[MT5, 2])
    return s * math.atan2(z - points[HEEL, 2], x - points[HEEL, 0]) * (180.0 / math.pi)
