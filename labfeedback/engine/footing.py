"""Where the foot stood and whose load its plate bore: crossover, belt gap, centre of pressure, plate edge.

SCIENCE.md section 5, flags 1-4. Each check gives the number that raises its flag; NaN where it cannot be told.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labfeedback.core import step as core
from labfeedback.engine.plan import Plan
from labfeedback.engine.track import Track
from labfeedback.records import SIDES
from labfeedback.settings import Settings

Array = NDArray[np.float64]
GRAVITY = 9.81
EDGE_FROM_BW = 0.2  # below this the COP of a light load wanders over the edge by itself


@dataclass(frozen=True, slots=True)
class Footing:
    """The numbers behind flags 1-4.

    other_load_s: longest time that the other plate bore more than its limit in single support. other_share: its largest
    share of both loads then. gap_m: least distance of a foot marker from the gap on its own side, negative beyond.
    cop_outside: share of 20-80 % of stance with the COP further from the foot than allowed. edge_m: least distance of
    the COP from the plate's edge, negative outside.
    """

    other_load_s: float
    other_share: float
    gap_m: float
    cop_outside: float
    edge_m: float


class Ground:
    """Plates and gap of one rig in lab coordinates; looks at one stance after another. Holds no history."""

    def __init__(self, plan: Plan, settings: Settings, force_rate_hz: float, taps: Array) -> None:
        self._plan, self._settings, self._rate_hz, self._taps = plan, settings, force_rate_hz, taps

    def look(
        self, foot: int, single: tuple[float, float], markers: Track, forces: Track, stance: Array, weight_n: float,
        on_belt: bool,
    ) -> Footing:  # fmt: skip
        """stance: (CURVES, 201) of `core.compute_step`. single: first and last time of single support, s.

        weight_n: body weight. on_belt: the foot moved with a belt, so that there is a gap between two of them.
        """
        load_s, share = self._other_plate(foot, single, forces)
        return Footing(
            load_s,
            share,
            self._gap(foot, single, markers) if on_belt else np.nan,
            self._cop_outside(stance),
            self._edge(foot, stance, weight_n),
        )

    def _other_plate(self, foot: int, single: tuple[float, float], forces: Track) -> tuple[float, float]:
        # Smoothed here: the track's own smooth column is only known up to some samples before the newest one.
        half = len(self._taps) // 2 / self._rate_hz
        a, b = np.searchsorted(forces.time, (single[0] - half, single[1] + half))
        if b - a < len(self._taps) + 2:
            return np.nan, np.nan
        vertical = forces.column("vertical")[a:b]
        smooth = np.stack([np.convolve(vertical[:, side], self._taps, "valid") for side in range(2)], axis=1)
        own, other = smooth[:, foot], smooth[:, 1 - foot]
        both = own + other
        share = float(np.max(other[both > 0] / both[both > 0], initial=0.0))
        loaded = np.concatenate([[0], (other > self._settings.other_plate_n).astype(np.int64), [0]])
        edges = np.flatnonzero(np.diff(loaded))
        longest = int(np.max(edges[1::2] - edges[::2], initial=0))
        return longest / self._rate_hz, share

    def _gap(self, foot: int, single: tuple[float, float], markers: Track) -> float:
        plan = self._plan
        if plan.gap_z != plan.gap_z:
            return np.nan
        a, b = np.searchsorted(markers.time, single)
        z = markers.column("position")[a:b, plan.legs[foot].stands_on, 2]
        seen = z[np.isfinite(z)]
        return float((SIDES[foot] * (seen - plan.gap_z)).min()) if len(seen) else np.nan

    def _cop_outside(self, stance: Array) -> float:
        out = stance[core.C_COP_OUT, 40:161]
        known = out[np.isfinite(out)]
        return float((known > self._settings.cop_beside_foot_m).mean()) if len(known) else np.nan

    def _edge(self, foot: int, stance: Array, weight_n: float) -> float:
        loaded = stance[core.C_FZ] >= EDGE_FROM_BW * weight_n
        x, z = stance[core.C_COP_X][loaded], stance[core.C_COP_Z][loaded]
        plates = [p for p, own in zip(self._plan.outlines, self._plan.plate_foot, strict=True) if own == foot]
        if not len(x) or not plates or not self._plan.edges[self._plan.plate_foot == foot].all():
            return np.nan
        inside = np.array([distances(p, x, z).min(axis=0) for p in plates])  # (plates, n)
        own = inside.argmax(axis=0)
        least = np.inf
        for index, plate in enumerate(plates):
            mine = own == index
            if not mine.any():
                continue
            px, pz = x[mine], z[mine]
            far = distances(plate, px, pz)
            for edge in range(4):
                normal = outward(plate, edge)
                near = far[edge] < self._settings.plate_edge_m
                if near.any() and len(plates) > 1:
                    # Across a seam between two plates of one foot there is no edge.
                    step = far[edge][near] + 0.02
                    qx, qz = px[near] + step * normal[0], pz[near] + step * normal[1]
                    over = np.zeros(len(qx), np.bool_)
                    for other, outline in enumerate(plates):
                        if other != index:
                            over |= (distances(outline, qx, qz) > 0).all(axis=0)
                    far[edge][near] = np.where(over, np.inf, far[edge][near])
            least = min(least, float(far.min()))
        return least if np.isfinite(least) else np.nan


def outward(plate: Array, edge: int) -> Array:
    """(2,) unit normal of one edge, in x and z, away from the middle. plate: (4, 2) corners in order."""
    a, b = plate[edge], plate[(edge + 1) % 4]
    along = (b - a) / np.linalg.norm(b - a)
    normal = np.array([along[1], -along[0]])
    return np.asarray(normal if normal @ (a - plate.mean(axis=0)) > 0 else -normal)


def distances(plate: Array, x: Array, z: Array) -> Array:
    """(4, n) how far points lie inside each edge of a plate, m, negative outside. plate: (4, 2) corners in order."""
    out = np.empty((4, len(x)))
    for edge in range(4):
        normal = outward(plate, edge)
        out[edge] = (plate[edge] @ normal) - (x * normal[0] + z * normal[1])
    return out
