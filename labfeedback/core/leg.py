"""One leg's eight anatomical points in one frame, seen directly or carried by calibrated clusters."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from labfeedback.core.kernel import kernel
from labfeedback.core.legpoints import HEEL, ROLES
from labfeedback.core.rigid import rigid_fit

Array = NDArray[np.float64]
Ints = NDArray[np.int64]


@kernel("void(f8[:,::1], i8, i8, f8[:,::1], f8[::1], f8[:,::1])")
def place(local: Array, first: int, stop: int, turn: Array, shift: Array, points: Array) -> None:
    """points[first:stop] = turn @ local + shift."""
    for j in range(first, stop):
        x, y, z = local[j, 0], local[j, 1], local[j, 2]
        for r in range(3):
            points[j, r] = turn[r, 0] * x + turn[r, 1] * y + turn[r, 2] * z + shift[r]


@kernel("f8(f8[:,::1], i8[:,::1], i8[::1], f8[:,:,::1], f8[:,::1], f8[:,::1], f8[::1], f8[:,::1])")
def carry(
    markers: Array,
    members: Ints,
    counts: Ints,
    reference: Array,
    local: Array,
    turn: Array,
    shift: Array,
    points: Array,
) -> float:
    """Overwrite points (8, 3) by what the clusters carry; returns the larger RMS residual in m, NaN without a fit.

    markers: (m, 3) one frame. members: (2, k) rows of markers in shank and foot cluster, the first counts[segment] are
    used, 0 = not calibrated. reference: (2, k, 3) clusters and local: (8, 3) anatomical points in the static trial.
    The shank carries epicondyles and malleoli, always. The foot carries heel and metatarsals only where they are
    missing: where seen they are better than a foot that is taken to be rigid.
    """
    worst = np.nan
    if counts[0] >= 3:
        k = counts[0]
        error = rigid_fit(reference[0, :k], markers, members[0, :k], turn, shift)
        place(local, 0, HEEL, turn, shift, points)
        worst = error
    if counts[1] >= 3:
        k = counts[1]
        error = rigid_fit(reference[1, :k], markers, members[1, :k], turn, shift)
        for j in range(HEEL, ROLES):
            if math.isnan(points[j, 0]):
                place(local, j, j + 1, turn, shift, points)
        if worst != worst or error > worst:
            worst = error
    return worst
