"""From plate channels to the wrench on a foot (SCIENCE.md section 4).

All wrenches are kept about the lab origin: (Fx, Fy, Fz, Mx, My, Mz), force on the subject, lab axes. Moving the moment
to the knee, M_K = M - K x F, then needs neither a centre of pressure nor the height of the surface.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labfeedback.core.kernel import kernel

Array = NDArray[np.float64]
Ints = NDArray[np.int64]


@kernel("void(f8[:,::1], f8[:,:,::1], f8[:,::1], i8[::1], f8[:,:,::1])")
def plate_wrenches(channels: Array, turn: Array, origin: Array, foot: Ints, out: Array) -> None:
    """Sum each foot's plates into one wrench about the lab origin.

    channels: (n, 6 plates), N and Nm in each plate's own frame about its transducer origin. turn: (plates, 3, 3), plate
    to lab, sign included. origin: (plates, 3) m, lab. foot: (plates,) 0 right, 1 left. out: (n, 2, 6).
    """
    for i in range(len(channels)):
        for f in range(2):
            for c in range(6):
                out[i, f, c] = 0.0
        for p in range(len(foot)):
            f = foot[p]
            fx = fy = fz = mx = my = mz = 0.0
            for c in range(3):
                force = channels[i, 6 * p + c]
                moment = channels[i, 6 * p + 3 + c]
                fx += turn[p, 0, c] * force
                fy += turn[p, 1, c] * force
                fz += turn[p, 2, c] * force
                mx += turn[p, 0, c] * moment
                my += turn[p, 1, c] * moment
                mz += turn[p, 2, c] * moment
            out[i, f, 0] += fx
            out[i, f, 1] += fy
            out[i, f, 2] += fz
            out[i, f, 3] += mx + origin[p, 1] * fz - origin[p, 2] * fy
            out[i, f, 4] += my + origin[p, 2] * fx - origin[p, 0] * fz
            out[i, f, 5] += mz + origin[p, 0] * fy - origin[p, 1] * fx


@kernel("void(f8[::1], f8, f8, f8[::1])")
def centre_of_pressure(wrench: Array, height: float, threshold: float, out: Array) -> None:
    """out = COP x, COP z (m, on the surface y = height) and free moment about the vertical (Nm).

    NaN below `threshold` N of vertical force. For display and checks only: no moment is computed from it.
    """
    if not wrench[1] >= threshold:
        out[0] = out[1] = out[2] = np.nan
        return
    x = (wrench[5] + height * wrench[0]) / wrench[1]
    z = -(wrench[3] - height * wrench[2]) / wrench[1]
    out[0] = x
    out[1] = z
    out[2] = wrench[4] - (z * wrench[0] - x * wrench[2])


@kernel("void(f8[::1], f8, f8, f8, f8[::1])")
def moment_about(wrench: Array, x: float, y: float, z: float, out: Array) -> None:
    """out (3,) = M - K x F, the wrench's moment about K = (x, y, z)."""
    out[0] = wrench[3] - (y * wrench[2] - z * wrench[1])
    out[1] = wrench[4] - (z * wrench[0] - x * wrench[2])
    out[2] = wrench[5] - (x * wrench[1] - y * wrench[0])
