"""Walks over plates in a floor: whose foot each plate bore, which way the person walked, and what they weigh."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labfeedback.analysis.room import axis_map, from_line, front_of, up_of
from labfeedback.errors import BadSetup
from labfeedback.exchange.trial import Trial, TrialPlate
from labfeedback.markerset import MarkerSet
from labfeedback.records import SIDE_NAMES, SIDES
from labfeedback.rig import Rig

Array = NDArray[np.float64]
WALKED_M: Final = 0.8  # the feet's middle moves at least this far over ground
LOADED_N: Final = 100.0
UNDER_M: Final = 0.08  # as checks: the COP lies this near to the foot that stands there
OTHER_SHARE: Final = 0.05  # of the loaded frames nearer to the other foot: two feet on one plate
STRAIGHT_DEG: Final = 20.0
STILL_M: Final = 0.06
NEAR_AXIS_DEG: Final = 3.0


def walked(trial: Trial, markers: MarkerSet) -> Array:
    """(3,) way of the feet's middle from the first to the last frame that shows both, m, file frame."""
    middle = _middle(trial, markers)
    seen = middle[np.isfinite(middle).all(axis=1)]
    if len(seen) < 2:
        return np.zeros(3)
    tenth = max(1, len(seen) // 10)
    return np.asarray(seen[-tenth:].mean(axis=0) - seen[:tenth].mean(axis=0))


def turned_deg(trial: Trial, markers: MarkerSet) -> float:
    """How far the way turns between the first and the last third of it, deg."""
    up = up_of(trial)
    middle = _middle(trial, markers)
    seen = middle[np.isfinite(middle).all(axis=1)]
    third = len(seen) // 3
    if third < 2:
        return 0.0
    ways = [seen[third] - seen[0], seen[-1] - seen[-third]]
    flat = [way - (way @ up) * up for way in ways]
    lengths = [float(np.linalg.norm(way)) for way in flat]
    if min(lengths) < 0.2:
        return 0.0
    return float(np.degrees(np.arccos(np.clip(flat[0] @ flat[1] / (lengths[0] * lengths[1]), -1.0, 1.0))))


def is_walkway(trial: Trial, markers: MarkerSet) -> bool:
    """Whether the person walked through the room instead of on a belt."""
    up = up_of(trial)
    way = walked(trial, markers)
    return bool(np.linalg.norm(way - (way @ up) * up) > WALKED_M)


def walkway_rig(trial: Trial, markers: MarkerSet) -> tuple[Trial, Rig, str, list[str]]:
    """The trial with the plates that one foot alone stood on, its rig, a sentence about it, and notes.

    Raises BadSetup when no plate is left.
    """
    up = up_of(trial)
    if (turn := turned_deg(trial, markers)) > STRAIGHT_DEG:
        raise BadSetup(
            f"{trial.path}: the walk turns by {turn:.0f} deg; foot angle and moments are defined for a straight walk, "
            f"expected less than {STRAIGHT_DEG:.0f} deg"
        )
    way = walked(trial, markers)
    forward = way - (way @ up) * up
    forward /= np.linalg.norm(forward)
    nearest = np.eye(3)[int(np.argmax(np.abs(forward)))] * np.sign(forward[np.argmax(np.abs(forward))])
    if forward @ nearest > np.cos(np.radians(NEAR_AXIS_DEG)):
        forward = nearest
    to_lab = np.stack([forward, up, np.cross(forward, up)])
    notes, kept, plates = [], [], []
    for plate in trial.plates:
        side, why = _whose(trial, markers, plate, up)
        if not side:
            notes.append(f"plate {plate.id} left out: {why}")
            continue
        kept.append(plate)
        plates.append(
            {
                "id": plate.id,
                "side": SIDE_NAMES[side],
                "corners_m": plate.corners_m,
                "origin_m": plate.origin_m,
                "edges_known": plate.edges_known,
            }
        )
    if not plates:
        raise BadSetup(f"{trial.path}: no plate bore one foot alone ({'; '.join(notes)}): no moment can be computed")
    named = axis_map(to_lab)
    rig = Rig.model_validate(
        {
            "name": "from-file",
            "about": "walkway: plates and walking direction as found in the file",
            **({"axes": named} if named else {"rotation": tuple(map(tuple, to_lab.tolist()))}),
            "floor": "walkway",
            "plates": plates,
            "streams": {
                "markers": {"name": "markers", "type": "MoCap", "rate_hz": trial.rate_hz},
                "forces": {"name": "forces", "type": "Force", "rate_hz": trial.analog_rate_hz},
            },
        }
    )
    sides = ", ".join(f"plate {plate.id} {plate.side}" for plate in rig.plates)
    axes = "x={x} y={y} z={z}".format(**named) if named else f"forward = ({', '.join(f'{v:+.3f}' for v in forward)})"
    return replace(trial, plates=tuple(kept)), rig, f"from the file, a walkway: {axes}; {sides}", notes


def _middle(trial: Trial, markers: MarkerSet) -> Array:
    feet = [trial.marker(leg.heel) for leg in (markers.right, markers.left)]
    return np.asarray(0.5 * (feet[0] + feet[1]))


def _away(trial: Trial, markers: MarkerSet, side: int, cop: Array, up: Array) -> Array:
    """(n,) horizontal distance of the COP from a foot's heel-toe line, m."""
    leg = markers.leg(side)
    heel, front = trial.marker(leg.heel), front_of(trial, leg)

    def flat(points: Array) -> Array:
        return np.asarray(points - np.outer(points @ up, up))

    return from_line(flat(cop), flat(heel), flat(front))


def _whose(trial: Trial, markers: MarkerSet, plate: TrialPlate, up: Array) -> tuple[int, str]:
    """Side of the foot that a plate bore, or 0 and why."""
    force, cop, _ = plate.force_and_cop()
    frames = np.minimum(
        np.rint(np.arange(len(trial.points)) * trial.analog_rate_hz / trial.rate_hz).astype(int), len(force) - 1
    )
    vertical = np.abs(force[frames] @ up)
    loaded = vertical > LOADED_N
    if loaded.sum() < 0.2 * trial.rate_hz:
        return 0, "nobody stood on it"
    away = {side: _away(trial, markers, side, cop[frames], up)[loaded] for side in SIDES}
    seen = np.isfinite(away[1]) & np.isfinite(away[-1])
    if seen.mean() < 0.5:
        return 0, "the feet's markers are hidden while it is loaded"
    near = {side: float(np.median(away[side][seen])) for side in SIDES}
    side = 1 if near[1] < near[-1] else -1
    if near[side] > UNDER_M:
        return 0, f"its load lies {1000 * near[side]:.0f} mm from the nearest foot"
    others = float((away[-side][seen] < away[side][seen]).mean())
    if others > OTHER_SHARE:
        return 0, f"both feet stood on it ({100 * others:.0f} % of its load is nearer to the other foot)"
    return side, ""


def mass_over_plates(trial: Trial, rig: Rig) -> float:
    """kg: mean load over one stride whose three stances all lie on plates; NaN without one.

    From the middle of a stance to the middle of the same foot's next one, with the other foot's stance between.
    """
    up = up_of(trial)
    rate = trial.analog_rate_hz
    stances, total = [], np.zeros(len(trial.plates[0].channels))
    for plate, placed in zip(trial.plates, rig.plates, strict=True):
        vertical = np.nan_to_num(plate.force_and_cop()[0] @ up)
        total += vertical
        on = np.flatnonzero(vertical > 30.0)
        if len(on) > 0.3 * rate and on[-1] - on[0] < 1.2 * rate:
            stances.append((int(on[0]), int(on[-1]), placed.side))
    stances.sort()
    means = []
    for (a0, a1, first), (b0, b1, second), (c0, c1, third) in zip(stances, stances[1:], stances[2:], strict=False):
        if first == third != second and b0 < a1 and c0 < b1:
            means.append(float(total[(a0 + a1) // 2 : (c0 + c1) // 2].mean()))
    return float(np.mean(means)) / 9.81 if means else float("nan")


def standing(trial: Trial) -> bool:
    """Whether somebody stands still: no marker that is seen half the time moves further than 6 cm, for a second."""
    points = trial.positions_m
    if len(points) < trial.rate_hz:
        return False
    seen = np.isfinite(points[:, :, 0]).mean(axis=0) >= 0.5
    if seen.sum() < 4:
        return False
    spread = np.nanpercentile(points[:, seen], 95, axis=0) - np.nanpercentile(points[:, seen], 5, axis=0)
    return bool(np.median(spread.max(axis=1)) < STILL_M)
