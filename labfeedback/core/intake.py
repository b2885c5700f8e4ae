"""From received values to lab coordinates, with what is missing marked as missing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labfeedback.core.kernel import kernel

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


@kernel("void(f8[:,::1], i8[::1], f8[::1], f8[:,::1])")
def take_channels(values: Array, columns: Ints, scale: Array, out: Array) -> None:
    """out[:, j] = scale[j] * values[:, columns[j]]: plate channels in rig order, N and Nm."""
    for i in range(len(values)):
        for j in range(len(columns)):
            out[i, j] = scale[j] * values[i, columns[j]]
