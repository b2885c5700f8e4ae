"""Two plates under two belts, and their channels for a known force: section 4 of SCIENCE.md the other way round."""

from __future__ import annotations

from typing import Final

import numpy as np

from devices.walker.moments import Wrench
from devices.walker.reference import Array, smoothstep

# Half length and width of a belt, the gap between them, and the depth of the transducers under the surface, m.
HALF_LENGTH_M: Final = 0.90
WIDTH_M: Final = 0.50
GAP_M: Final = 0.010
DEPTH_M: Final = 0.040
# Plate axes in the lab: x forward, y to the right, z down. Channels are the force on the subject (rig sign +1).
_STRADDLE_M: Final = 0.030  # a centre of pressure nearer to the gap than this loads both plates
_APART_M: Final = 0.040


def centre_z(plate: int) -> float:
    """Lab z of the surface centre: plate 0 is left, plate 1 is right."""
    return (GAP_M + WIDTH_M) / 2 * (1 if plate else -1)


def corners(plate: int) -> tuple[tuple[float, float, float], ...]:
    """Corners in the lab frame, m, in C3D order (+x+y, -x+y, -x-y, +x-y of the plate's own frame)."""
    z = centre_z(plate)
    near, far = round(z - WIDTH_M / 2, 9), round(z + WIDTH_M / 2, 9)
    x = HALF_LENGTH_M
    return ((x, 0.0, far), (-x, 0.0, far), (-x, 0.0, near), (x, 0.0, near))


def channels(wrench: Wrench) -> Array:
    """Fx Fy Fz Mx My Mz of plate 0 and plate 1 for one foot's force on the floor, (n, 12), N and Nm.

    Near the gap the load is shared, both parts 40 mm apart, so that their sum keeps the foot's force and moment.
    """
    z = wrench.cop[2]
    right = smoothstep((z + _STRADDLE_M) / (2 * _STRADDLE_M))
    out = np.empty((len(z), 12))
    for plate, share in ((0, 1.0 - right), (1, right)):
        apart = (1.0 - share) * _APART_M * (1 if plate else -1)
        fx, fy, fz = wrench.force * share
        # The vector from the transducer origin to the point of force, lab axes.
        rx, ry, rz = wrench.cop[0], wrench.cop[1] + DEPTH_M, z + apart - centre_z(plate)
        mx, my, mz = ry * fz - rz * fy, rz * fx - rx * fz + share * wrench.free, rx * fy - ry * fx
        out[:, 6 * plate : 6 * plate + 6] = np.stack([fx, fz, -fy, mx, mz, -my], axis=1)
    return out
