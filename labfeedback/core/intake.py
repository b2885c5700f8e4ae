"""From received values to lab coordinates, with what is missing marked as missing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labfeedback.core.kernel import kernel
from labfeedback.core.plates import plate_wrenches

Array = NDArray[np.float64]
Ints = NDArray[np.int64]


@kernel("void(f8[:,::1], i8[:,::1], f8, f8[:,::1], f8[:,::1], f8[:,:,::1])")
def take_markers(values: Array, columns: Ints, scale: float, turn: Array, previous: Array, out: Array) -> None:
    """values (n, channels) as received -> out (n, m, 3) m in the lab frame, NaN where a marker is missing.

    columns: (m, 3) channel of x, y, z of each marker. scale: source unit to m. turn: (3, 3) source to lab. previous:
    (m, 3) received values of the frame before, updated. Missing: any coordinate NaN, all three exactly 0, or all three
    exactly as in the frame before (a camera system that repeats the last position of a marker it has lost).
    """
    for i in range(len(values)):
        for m in range(len(columns)):
            x = values[i, columns[m, 0]]
            y = values[i, columns[m, 1]]
            z = values[i, columns[m, 2]]
            missing = x != x or y != y or z != z or (x == 0.0 and y == 0.0 and z == 0.0)
            if x == previous[m, 0] and y == previous[m, 1] and z == previous[m, 2]:
                missing = True
            previous[m, 0] = x
            previous[m, 1] = y
            previous[m, 2] = z
            for r in range(3):
                if missing:
                    out[i, m, r] = np.nan
                else:
                    out[i, m, r] = scale * (turn[r, 0] * x + turn[r, 1] * y + turn[r, 2] * z)


@kernel(
    "void(f8[:,::1], i8[::1], f8[::1], f8[::1], f8[:,:,::1], f8[:,::1], i8[::1],"
    " f8[:,:,::1], f8[:,::1], f8[:,::1], f8[::1])"
)
def take_forces(
    values: Array,
    columns: Ints,
    scale: Array,
    limits: Array,
    turn: Array,
    origin: Array,
    foot: Ints,
    wrench: Array,
    vertical: Array,
    share: Array,
    broken: Array,
) -> None:
    """values (n, channels) as received -> what the engine keeps of each sample, written in place.

    columns, scale: (6 plates,) channel and source unit to N or Nm, in rig order. limits: (6 plates,) full scale, inf
    where unknown. turn, origin, foot: see `plates.plate_wrenches`. wrench: (n, 2, 6) of each foot about the lab origin.
    vertical: (n, 2) N. share: (n, 2) largest |channel| / limit. broken: (n,) set to 1 where a channel is no
    number; such a sample counts as unloaded and is flagged, because a NaN would live on in every filter after it.
    """
    n = len(values)
    plates = len(foot)
    channels = np.empty((n, 6 * plates))
    for i in range(n):
        lost = False
        share[i, 0] = 0.0
        share[i, 1] = 0.0
        for j in range(6 * plates):
            x = scale[j] * values[i, columns[j]]
            channels[i, j] = x
            # Infinity minus itself is no number either.
            if x - x != 0.0:
                lost = True
            f = foot[j // 6]
            load = abs(x) / limits[j]
            if load > share[i, f]:
                share[i, f] = load
        if lost:
            broken[i] = 1.0
            for j in range(6 * plates):
                channels[i, j] = 0.0
    plate_wrenches(channels, turn, origin, foot, wrench)
    for i in range(n):
        vertical[i, 0] = wrench[i, 0, 1]
        vertical[i, 1] = wrench[i, 1, 1]
