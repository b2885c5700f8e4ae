"""One leg of a static trial measured: centres, widths, axes, clusters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labfeedback.core.anatomy import leg_frames, progression_angle
from labfeedback.core.legpoints import AJC, ANKLE_LATERAL, FOOT, FRAME_ROWS, FRONT, HEEL, KJC, KNEE_LATERAL, ROLE_NAMES
from labfeedback.core.rigid import rigid_fit
from labfeedback.engine.start import LegCalibration, Segment, Vector
from labfeedback.markerset import Leg

Array = NDArray[np.float64]
At = dict[str, Array]


@dataclass(frozen=True, slots=True)
class LegMeasured:
    """A leg in its medians, lab frame, m. side: +1 right, -1 left.

    points: (8, 3) roles, NaN where the set has none. frames: (12, 3) of `core.anatomy`. front_deg: (2,) angle between
    the anterior axis at knee and ankle and the foot, seen from above; over 90 it points backwards.
    """

    side: int
    leg: Leg
    points: Array
    frames: Array
    front_deg: Array
    fpa_deg: float

    @property
    def knee(self) -> Array:
        """(3,) knee centre."""
        return np.asarray(self.frames[KJC])

    @property
    def ankle(self) -> Array:
        """(3,) ankle centre."""
        return np.asarray(self.frames[AJC])

    @property
    def heel(self) -> Array:
        """(3,) heel marker."""
        return np.asarray(self.points[HEEL])

    @property
    def front(self) -> Array:
        """(3,) where the foot's axis ends."""
        return np.asarray(self.frames[FRONT])

    def width(self, lateral: int) -> float:
        """m between the markers at the knee (KNEE_LATERAL) or the ankle (ANKLE_LATERAL)."""
        return float(np.linalg.norm(self.points[lateral] - self.points[lateral + 1]))


def measure(at: At, leg: Leg, side: int) -> LegMeasured:
    """A leg from the median positions of its anatomical markers, which must all be in `at`."""
    points = np.full((len(ROLE_NAMES), 3), np.nan)
    for index, role in enumerate(ROLE_NAMES):
        if label := getattr(leg, role):
            points[index] = at[label]
    kinds = np.array([int(leg.mt1 is None or leg.mt5 is None), int(leg.mt2 is not None), 0], np.int64)
    frames = np.empty((FRAME_ROWS, 3))
    leg_frames(points, float(side), kinds, frames)
    long = frames[KJC] - frames[AJC]
    forward = frames[FOOT][[0, 2]]
    front = np.empty(2)
    for number, lateral in enumerate((KNEE_LATERAL, ANKLE_LATERAL)):
        anterior = np.cross(long, side * (points[lateral] - points[lateral + 1]))[[0, 2]]
        size = np.linalg.norm(anterior) * np.linalg.norm(forward)
        front[number] = np.degrees(np.arccos(np.clip(anterior @ forward / size, -1.0, 1.0)))
    return LegMeasured(side, leg, points, frames, front, float(progression_angle(points, float(side), kinds)))


def spread(reference: Array) -> tuple[float, float]:
    """How well a cluster (k, 3) m tells its turn: (RMS distance from its centre in mm, deg of turn per mm of error).

    The second is what one marker's error of 1 mm does to the turn about the cluster's own long axis: with the singular
    values s1 >= s2 >= s3 of the centred cluster that turn is known to 1 mm / sqrt(s2^2 + s3^2) (Soderkvist and Wedin,
    J Biomech 26:1473, 1993, whose condition number has the same root). Infinite on a line.
    """
    centred = reference - reference.mean(axis=0)
    s = np.linalg.svd(centred, compute_uv=False)
    size = 1e3 * float(np.sqrt((s * s).sum() / len(reference)))
    across = float(np.sqrt((s[1:] * s[1:]).sum()))
    return size, float(np.degrees(1e-3 / across)) if across > 1e-9 else float("inf")


def residuals(markers: Array, reference: Array) -> Array:
    """(k,) RMS mm of each marker about the rigid fit to `reference` (k, 3), over the frames of markers (n, k, 3)."""
    members = np.arange(len(reference), dtype=np.int64)
    reference = np.ascontiguousarray(reference)
    turn, shift = np.empty((3, 3)), np.empty(3)
    off = np.full(markers.shape[:2], np.nan)
    for frame, points in enumerate(np.ascontiguousarray(markers)):
        if np.isfinite(rigid_fit(reference, points, members, turn, shift)):
            off[frame] = ((points - reference @ turn.T - shift) ** 2).sum(axis=1)
    fitted = off[np.isfinite(off).all(axis=1)]  # a hidden marker has no residual, and its frame another fit
    if not len(fitted):
        return np.full(len(reference), np.nan)
    return np.asarray(1e3 * np.sqrt(fitted.mean(axis=0)))


def segment(at: At, labels: tuple[str, ...], roles: tuple[str, ...], leg: Leg, tracks: dict[str, Array]) -> Segment:
    """The cluster `labels` with what it carries. tracks: label -> (n, 3) m of the trial."""
    reference = np.array([at[label] for label in labels])
    off = residuals(np.stack([tracks[label] for label in labels], axis=1), reference)
    known = bool(np.isfinite(off).all())
    return Segment(
        labels=labels,
        reference=tuple(vector(at[label]) for label in labels),
        points={role: vector(at[label]) for role in roles if (label := getattr(leg, role))},
        residual_mm=round(float(np.sqrt((off**2).mean())), 4) if known else None,
        marker_residuals_mm=tuple(round(float(value), 4) for value in off) if known else (),
    )


def leg_calibration(body: LegMeasured, shank: Segment, foot: Segment | None) -> LegCalibration:
    """What is stored of a leg."""
    leg, p = body.leg, body.points
    front = [p[ROLE_NAMES.index(role)] for role in (("mt1", "mt5") if leg.mt1 and leg.mt5 else ("mt2",))]
    return LegCalibration(
        shank=shank,
        foot=foot,
        stand_heel_m=float(body.heel[1]),
        stand_toe_m=float(np.mean([point[1] for point in front])),
        knee_centre_m=vector(body.knee),
        ankle_centre_m=vector(body.ankle),
        knee_width_m=round(body.width(KNEE_LATERAL), 5),
        ankle_width_m=round(body.width(ANKLE_LATERAL), 5),
        shank_length_m=round(float(np.linalg.norm(body.knee - body.ankle)), 5),
        foot_length_m=round(float(np.linalg.norm(body.front - body.heel)), 5),
        stand_fpa_deg=round(body.fpa_deg, 3),
    )


def vector(point: Array) -> Vector:
    """Three plain numbers."""
    x, y, z = (float(v) for v in point)
    return x, y, z
