"""What a curve over one stance is reduced to (SCIENCE.md section 6)."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from labfeedback.core.kernel import kernel

Array = NDArray[np.float64]

POINTS: Final = 201  # contact to toe-off, half a per cent apart
FIRST: Final = 6  # KAM1 from 3 %: before it the heel's impact rings
MIDDLE: Final = 100  # KAM2 from 50 %
LAST: Final = 194  # to 97 %


@kernel("void(f8[::1], f8[:,::1], i8, f8, f8, f8[::1])")
def over_stance(time: Array, curves: Array, column: int, start: float, end: float, out: Array) -> None:
    """curves[:, column] (known at `time`, rising) interpolated at 201 points from start to end; NaN outside."""
    n = len(time)
    k = 0
    for j in range(POINTS):
        t = start + (end - start) * (j / (POINTS - 1))
        while k < n - 2 and time[k + 1] < t:
            k += 1
        if t < time[0] or t > time[n - 1]:
            out[j] = np.nan
            continue
        share = (t - time[k]) / (time[k + 1] - time[k])
        out[j] = curves[k, column] + share * (curves[k + 1, column] - curves[k, column])


@kernel("i8(f8[::1], i8, i8)")
def highest(curve: Array, first: int, last: int) -> int:
    """Index of the largest value of curve[first..last]; -1 if one of them is NaN."""
    best = first
    for j in range(first, last + 1):
        if curve[j] != curve[j]:
            return -1
        if curve[j] > curve[best]:
            best = j
    return best


@kernel("b1(f8[::1], i8)")
def is_local_peak(curve: Array, j: int) -> bool:
    """Whether curve[j] is a true local maximum and not the flank at a window's border."""
    return bool(curve[j] >= curve[j - 1] and curve[j] >= curve[j + 1])


@kernel("f8(f8[::1], f8)")
def positive_impulse(curve: Array, duration: float) -> float:
    """Integral of the positive part over the stance, unit of the curve times s (trapezoid on the 201 points)."""
    total = 0.0
    for j in range(POINTS):
        if curve[j] != curve[j]:
            return np.nan
        if curve[j] > 0.0:
            total += 0.5 * curve[j] if j == 0 or j == POINTS - 1 else curve[j]
    return total * duration / (POINTS - 1)


@kernel("f8(f8[::1], i8, i8)")
def mean_between(curve: Array, first: int, last: int) -> float:
    """Mean of curve[first..last]."""
    total = 0.0
    for j in range(first, last + 1):
        total += curve[j]
    return total / (last - first + 1)
