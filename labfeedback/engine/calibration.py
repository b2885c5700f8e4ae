"""From a static trial to what the technical clusters carry (SCIENCE.md section 3)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labfeedback.core.anatomy import leg_frames
from labfeedback.core.legpoints import FOOT, FRAME_ROWS, ROLE_NAMES, TIBIA
from labfeedback.engine.start import Calibration, LegCalibration, Segment, Vector
from labfeedback.errors import BadSetup, Hazard
from labfeedback.markerset import Leg, MarkerSet

LEAST_SECONDS = 1.0
STILL_M = 0.04
_SHANK_POINTS = ROLE_NAMES[:4]
_FOOT_POINTS = ROLE_NAMES[4:]


def calibrate(
    markers: NDArray[np.float64], labels: list[str], marker_set: MarkerSet, *, rate_hz: float, source: str = ""
) -> Calibration:
    """Medians of quiet standing as a calibration.

    markers: (n, m, 3) m in the lab frame, NaN where missing. Raises BadSetup naming the markers that are not visible
    for at least half of the trial, or a trial shorter than 1 s.
    """
    if len(markers) < LEAST_SECONDS * rate_hz:
        raise BadSetup(f"static trial of {len(markers) / rate_hz:.2f} s: at least {LEAST_SECONDS:g} s are needed")
    _refuse_moving(markers, labels, marker_set)
    with np.errstate(all="ignore"):
        seen = np.isfinite(markers[:, :, 0]).mean(axis=0)
    at = {label: np.nanmedian(markers[:, column], axis=0) for column, label in enumerate(labels) if seen[column] >= 0.5}
    return Calibration(
        source=source,
        right=_leg(at, marker_set.right, "right"),
        left=_leg(at, marker_set.left, "left"),
    )


def _leg(at: dict[str, NDArray[np.float64]], leg: Leg, side: str) -> LegCalibration:
    if not leg.shank_cluster:
        raise BadSetup(f"the marker set has no shank_cluster on the {side} leg: a static trial cannot be used with it")
    needed = (*leg.anatomical, *leg.shank_cluster)
    hidden = sorted({label for label in needed if label not in at})
    if hidden:
        raise BadSetup(
            f"static trial: {', '.join(hidden)} ({side} leg) not visible for half of the trial: record it again"
        )

    def point(label: str) -> Vector:
        x, y, z = (float(v) for v in at[label])
        return x, y, z

    def points(roles: tuple[str, ...]) -> dict[str, Vector]:
        return {role: point(getattr(leg, role)) for role in roles if getattr(leg, role)}

    foot = None
    cluster = tuple(label for label in leg.foot_cluster if label in at)
    if len(cluster) >= 3:
        foot = Segment(labels=cluster, reference=tuple(point(x) for x in cluster), points=points(_FOOT_POINTS))
    _refuse_mirrored(at, leg, side)
    front = [at[label] for label in ((leg.mt1, leg.mt5) if leg.mt1 and leg.mt5 else (leg.mt2,)) if label]
    return LegCalibration(
        shank=Segment(
            labels=leg.shank_cluster,
            reference=tuple(point(label) for label in leg.shank_cluster),
            points=points(_SHANK_POINTS),
        ),
        foot=foot,
        stand_heel_m=float(at[leg.heel][1]),
        stand_toe_m=float(np.mean([p[1] for p in front])),
    )


def _refuse_mirrored(at: dict[str, NDArray[np.float64]], leg: Leg, side: str) -> None:
    """Exchanged labels make the tibia's anterior axis point backwards, against the foot."""
    points = np.full((len(ROLE_NAMES), 3), np.nan)
    for index, role in enumerate(ROLE_NAMES):
        if label := getattr(leg, role):
            points[index] = at[label]
    kinds = np.array([int(leg.mt1 is None or leg.mt5 is None), 0, 0], np.int64)
    frames = np.empty((FRAME_ROWS, 3))
    leg_frames(points, 1.0 if side == "right" else -1.0, kinds, frames)
    if float(frames[TIBIA] @ frames[FOOT]) < 0:
        raise Hazard(
            f"static trial: the front of the {side} tibia points against the foot: the labels of left and right, or of "
            "lateral and medial, are exchanged. Mend the label map and record it again"
        )


def _refuse_moving(markers: NDArray[np.float64], labels: list[str], marker_set: MarkerSet) -> None:
    """A walk is no static trial: joint centres from its medians lie where no joint ever was."""
    legs = {label for leg in (marker_set.right, marker_set.left) for label in (*leg.anatomical, *leg.shank_cluster)}
    worst, which = 0.0, ""
    for column, label in enumerate(labels):
        seen = markers[np.isfinite(markers[:, column, 0]), column]
        if label in legs and len(seen):
            spread = float((np.percentile(seen, 95, axis=0) - np.percentile(seen, 5, axis=0)).max())
            if spread > worst:
                worst, which = spread, label
    if worst > STILL_M:
        raise BadSetup(
            f"static trial: {which} moves by {1000 * worst:.0f} mm; quiet standing stays within "
            f"{1000 * STILL_M:.0f} mm. Is this a walk? Record quiet standing"
        )
