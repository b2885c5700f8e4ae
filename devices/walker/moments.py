"""The external knee moment of a known leg under a known force: Newton-Euler from the foot up (SCIENCE.md section 6)."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from devices.walker.leg import FOOT_M, SHANK_M, Leg, Segment, cross, dot
from devices.walker.reference import Array, G

# Dumas 2007, male: mass share, length, COM and radii of gyration as shares of the length; diagonal terms only.
_SHANK: Final = (0.048, SHANK_M, (-0.048, -0.410, 0.007), (0.28, 0.10, 0.28))
_FOOT: Final = (0.012, FOOT_M, (0.502, -0.199, 0.034), (0.22, 0.49, 0.48))
_Part = tuple[float, float, tuple[float, float, float], tuple[float, float, float]]


class Wrench(NamedTuple):
    """Force on the foot (N), its point on the floor (m) and the free moment about the vertical (Nm)."""

    force: Array  # (3, n)
    cop: Array  # (3, n)
    free: Array  # (n,)


def _rate_of_spin(segment: Segment, mass: float, length: float, radii: tuple[float, float, float]) -> Array:
    inertia = [mass * (radius * length) ** 2 for radius in radii]
    w = [dot(segment.axes[:, j], segment.spin) for j in range(3)]
    wd = [dot(segment.axes[:, j], segment.spin_rate) for j in range(3)]
    local = (
        inertia[0] * wd[0] + (inertia[2] - inertia[1]) * w[1] * w[2],
        inertia[1] * wd[1] + (inertia[0] - inertia[2]) * w[2] * w[0],
        inertia[2] * wd[2] + (inertia[1] - inertia[0]) * w[0] * w[1],
    )
    return np.asarray(sum(local[j] * segment.axes[:, j] for j in range(3)))


def _part(segment: Segment, side: int, body_kg: float, part: _Part) -> tuple[Array, Array, Array]:
    share, length, com, radii = part
    offset = segment.point(com[0] * length, com[1] * length, side * com[2] * length)
    weightless = segment.acceleration(offset)
    weightless[1] += G
    mass = share * body_kg
    return segment.origin + offset, mass * weightless, _rate_of_spin(segment, mass, length, radii)


def external_knee_moment(leg: Leg, wrench: Wrench, body_kg: float) -> Array:
    """(3, n) Nm in the lab frame."""
    free = np.zeros_like(wrench.force)
    free[1] = wrench.free
    foot_com, foot_ma, foot_hd = _part(leg.foot, leg.side, body_kg, _FOOT)
    force_a = foot_ma - wrench.force
    moment_a = foot_hd - cross(wrench.cop - foot_com, wrench.force) - free - cross(leg.ankle - foot_com, force_a)
    com, shank_ma, shank_hd = _part(leg.shank, leg.side, body_kg, _SHANK)
    force_k = shank_ma + force_a
    return -(shank_hd + moment_a + cross(leg.ankle - com, force_a) - cross(leg.knee - com, force_k))


def adduction(leg: Leg, moment: Array) -> Array:
    """KAM, Nm, adduction positive on both legs, (n,)."""
    return leg.side * dot(moment, leg.shank.axes[:, 0])


def flexion(leg: Leg, moment: Array) -> Array:
    """KFM, Nm, flexion positive, (n,)."""
    return -dot(moment, leg.shank.axes[:, 2])


def adduction_per_metre(leg: Leg, force: Array) -> Array:
    """Change of KAM when the COP moves along lab z, Nm/m, (n,)."""
    e_z = np.zeros_like(force)
    e_z[2] = 1.0
    return leg.side * dot(cross(e_z, force), leg.shank.axes[:, 0])
