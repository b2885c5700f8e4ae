"""One leg as two rigid segments, with analytic derivatives, and its markers.

Vectors are (3, n) in the lab frame (x forward, y up, z right). `side` is +1 right, -1 left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from devices.walker.reference import Array

SHANK_M: Final = 0.40
FOOT_M: Final = 0.139  # ankle to the middle of the metatarsal heads
KNEE_WIDTH_M: Final = 0.128
ANKLE_WIDTH_M: Final = 0.082
HEEL_TOE_M: Final = 0.238
FOREFOOT_WIDTH_M: Final = 0.084
_SOLE_M: Final = -0.055  # height of the foot's marker line under the ankle centre
_MT_X_M: Final = float(np.sqrt(FOOT_M**2 - _SOLE_M**2))
_MT2_X_M: Final = _MT_X_M + 0.018

# name: (segment, x, y, z) in the segment's frame, right leg; tibia from the knee centre, foot from the ankle centre.
# Heel and second metatarsal lie on the foot axis, so that the angle of the markers is the angle of the axis.
MARKERS: Final[dict[str, tuple[str, float, float, float]]] = {
    "KNEL": ("shank", 0.0, 0.0, KNEE_WIDTH_M / 2),
    "KNEM": ("shank", 0.0, 0.0, -KNEE_WIDTH_M / 2),
    "ANKL": ("shank", 0.0, -SHANK_M, ANKLE_WIDTH_M / 2),
    "ANKM": ("shank", 0.0, -SHANK_M, -ANKLE_WIDTH_M / 2),
    "SH1": ("shank", 0.045, -0.12, 0.050),
    "SH2": ("shank", 0.015, -0.14, 0.068),
    "SH3": ("shank", 0.040, -0.22, 0.042),
    "SH4": ("shank", 0.010, -0.25, 0.058),
    "CAL": ("foot", _MT2_X_M - HEEL_TOE_M, _SOLE_M, 0.0),
    "MT1": ("foot", _MT_X_M, _SOLE_M, -FOREFOOT_WIDTH_M / 2),
    "MT2": ("foot", _MT2_X_M, _SOLE_M, 0.0),
    "MT5": ("foot", _MT_X_M, _SOLE_M, FOREFOOT_WIDTH_M / 2),
}


@dataclass(frozen=True, slots=True)
class Segment:
    """A rigid segment. axes: (3, 3, n), [:, j] is the j-th axis; spin in rad/s, spin_rate in rad/s2; origin in m."""

    axes: Array
    spin: Array
    spin_rate: Array
    origin: Array
    origin_acc: Array

    def point(self, x: float, y: float, z: float) -> Array:
        """Offset of a fixed point from the origin, (3, n)."""
        return np.asarray(x * self.axes[:, 0] + y * self.axes[:, 1] + z * self.axes[:, 2])

    def acceleration(self, offset: Array) -> Array:
        """Acceleration of a fixed point at `offset` from the origin, (3, n)."""
        return self.origin_acc + cross(self.spin_rate, offset) + cross(self.spin, cross(self.spin, offset))


@dataclass(frozen=True, slots=True)
class Leg:
    """A leg at n instants."""

    side: int
    ankle: Array
    knee: Array
    shank: Segment
    foot: Segment


def cross(a: Array, b: Array) -> Array:
    """Cross product of (3, n) arrays."""
    out = np.empty_like(a)
    out[0] = a[1] * b[2] - a[2] * b[1]
    out[1] = a[2] * b[0] - a[0] * b[2]
    out[2] = a[0] * b[1] - a[1] * b[0]
    return out


def dot(a: Array, b: Array) -> Array:
    """Dot product of (3, n) arrays, (n,)."""
    return np.asarray(a[0] * b[0] + a[1] * b[1] + a[2] * b[2])


def build(side: int, q: Array, qd: Array, qdd: Array) -> Leg:
    """The leg from seven coordinates (six of `reference.pose`, then FPA in rad) and their time derivatives, (7, n)."""
    s = float(side)
    zero, one = np.zeros(q.shape[1]), np.ones(q.shape[1])
    flip = np.array([[1.0], [1.0], [s]])
    ankle, ankle_acc = q[:3] * flip, qdd[:3] * flip

    th, thd, thdd = q[3], qd[3], qdd[3]
    ph, phd, phdd = q[4], qd[4], qdd[4]
    st, ct, sp, cp = np.sin(th), np.cos(th), np.sin(ph), np.cos(ph)
    # Tibia z is lab z made perpendicular to the long axis; x then stays in the sagittal plane.
    x = np.stack([ct, -st, zero])
    axes = np.stack([x, np.stack([st * cp, ct * cp, s * sp]), np.stack([-s * sp * st, -s * sp * ct, cp])], axis=1)
    x_rate = np.stack([-thd * st, -thd * ct, zero])
    lab_z = np.stack([zero, zero, one])
    spin = -thd * lab_z + s * phd * x
    spin_rate = -thdd * lab_z + s * phdd * x + s * phd * x_rate
    shaft = SHANK_M * axes[:, 1]
    knee = ankle + shaft
    knee_acc = ankle_acc + cross(spin_rate, shaft) + cross(spin, cross(spin, shaft))
    shank = Segment(axes, spin, spin_rate, knee, knee_acc)

    pi, pid, pidd = q[5], qd[5], qdd[5]
    ya, yad, yadd = q[6], qd[6], qdd[6]
    sp, cp, sy, cy = np.sin(pi), np.cos(pi), np.sin(ya), np.cos(ya)
    z = np.stack([-s * sy, zero, cy])
    axes = np.stack([np.stack([cp * cy, sp, s * cp * sy]), np.stack([-sp * cy, cp, -s * sp * sy]), z], axis=1)
    z_rate = np.stack([-s * cy * yad, zero, -sy * yad])
    up = np.stack([zero, one, zero])
    spin = -s * yad * up + pid * z
    spin_rate = -s * yadd * up + pidd * z + pid * z_rate
    return Leg(side, ankle, knee, shank, Segment(axes, spin, spin_rate, ankle, ankle_acc))


def markers(leg: Leg) -> Array:
    """True marker positions in the order of MARKERS, (n, 3 * 12), m."""
    rows = []
    for name, x, y, z in MARKERS.values():
        segment = leg.shank if name == "shank" else leg.foot
        rows.append(segment.origin + segment.point(x, y, leg.side * z))
    return np.ascontiguousarray(np.concatenate(rows, axis=0).T)
