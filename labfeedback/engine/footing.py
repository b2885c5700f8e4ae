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
SEAM_M = 0.02  # plates nearer to each other than this have no edge between them
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
        # Nothing where a file does not say where its plates end.
        self._outlines = [
            [Outline(corners) for corners in plan.outlines[own]] if plan.edges[own].all() else []
            for own in (plan.plate_foot == 0, plan.plate_foot == 1)
        ]

    def look(
        self, foot: int, single: tuple[float, float], markers: Track, forces: Track, stance: Array, zero_n: Array,
        weight_n: float, on_belt: bool,
    ) -> Footing:  # fmt: skip
        """stance: (CURVES, 201) of `core.compute_step`. single: first and last time of single support, s.

        zero_n: (2,) vertical zero of right and left plate. weight_n: body weight. on_belt: the foot moved with a belt,
        so that there is a gap between two of them.
        """
        load_s, share = self._other_plate(foot, single, forces, zero_n)
        return Footing(
            load_s,
            share,
            self._gap(foot, single, markers) if on_belt else np.nan,
            self._cop_outside(stance),
            self._edge(foot, stance, weight_n),
        )

    def _other_plate(self, foot: int, single: tuple[float, float], forces: Track, zero_n: Array) -> tuple[float, float]:
        # Smoothed here: the track's own smooth column is only known up to some samples before the newest one.
        half = len(self._taps) // 2 / self._rate_hz
        a, b = np.searchsorted(forces.time, (single[0] - half, single[1] + half))
        if b - a < len(self._taps) + 2:
            return np.nan, np.nan
        vertical = forces.column("vertical")[a:b] - zero_n
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
        plates = self._outlines[foot]
        if not len(x) or not plates:
            return np.nan
        if len(plates) == 1:
            return float(plates[0].inside(x, z).min())
        far = np.array([plate.inside(x, z) for plate in plates])  # (plates, 4, n)
        own = far.min(axis=1).argmax(axis=0)  # the plate that the COP lies in, or is nearest to
        least = np.inf
        for index, plate in enumerate(plates):
            mine = own == index
            for edge in range(4):
                away = far[index, edge, mine]
                # Across a seam between two plates of one foot there is no edge.
                step = away + SEAM_M
                qx, qz = x[mine] + step * plate.normals[edge, 0], z[mine] + step * plate.normals[edge, 1]
                others = [other for other in plates if other is not plate]
                over = np.array([(other.inside(qx, qz) > 0).all(axis=0) for other in others]).any(axis=0)
                least = min(least, float(np.min(away[~over], initial=np.inf)))
        return least if np.isfinite(least) else np.nan


class Outline:
    """A plate seen from above. corners: (4, 2) lab x and z, m, in order."""

    def __init__(self, corners: Array) -> None:
        along = np.roll(corners, -1, axis=0) - corners
        normals = np.stack([along[:, 1], -along[:, 0]], axis=1)
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        outwards = np.sign(((corners - corners.mean(axis=0)) * normals).sum(axis=1, keepdims=True))
        self.normals = normals * outwards  # (4, 2), away from the middle
        self._reach = (corners * self.normals).sum(axis=1)

    def inside(self, x: Array, z: Array) -> Array:
        """(4, n) how far points lie inside each edge, m, negative outside."""
        return np.asarray(self._reach[:, None] - self.normals[:, :1] * x - self.normals[:, 1:] * z)
