"""Checks before a number is computed: wrong side, wrong sign, wrong plate are refused (SCIENCE.md section 10)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from labfeedback.analysis.room import from_line, front_of
from labfeedback.errors import BadSetup, Hazard
from labfeedback.exchange.trial import Trial
from labfeedback.markerset import MarkerSet
from labfeedback.records import SIDE_NAMES, SIDES
from labfeedback.rig import Rig

Array = NDArray[np.float64]
_LOADED_N = 100.0
_STANDING_N = 200.0
# Median distance of the centre of pressure from its own foot's heel-toe line. Right plates give 10-25 mm, exchanged
# ones over 150 mm, on both treadmill recordings.
_UNDER_FOOT_M = 0.08


@dataclass(frozen=True, slots=True)
class Load:
    """What the plates of one side carry, lab axes. force_n: (n, 3) N. cop_m: (n, 3) m, NaN without load."""

    force_n: Array
    cop_m: Array

    @property
    def up_n(self) -> Array:
        """(n,) vertical force, N."""
        return np.asarray(self.force_n[:, 1])


def loads(trial: Trial, rig: Rig) -> dict[int, Load]:
    """Force and centre of pressure of each side's plates, lab axes; rig and trial have the same plates in order."""
    out = {}
    for side in SIDES:
        force = np.zeros((len(trial.plates[0].channels), 3))
        moment = np.zeros_like(force)
        height = 0.0
        for plate, measured in zip(rig.plates, trial.plates, strict=True):
            if plate.side != SIDE_NAMES[side]:
                continue
            turn = plate.sign * (rig.to_lab @ plate.axes)
            wrench = measured.wrench
            f = wrench[:, :3] @ turn.T
            force += f
            moment += wrench[:, 3:] @ turn.T + np.cross(rig.to_lab @ plate.origin, f)
            height = float((rig.to_lab @ plate.centre)[1])
        up = force[:, 1]
        safe = np.where(np.abs(up) > _LOADED_N, up, np.nan)
        cop = np.stack(
            [
                (moment[:, 2] + height * force[:, 0]) / safe,
                np.full(len(up), height),
                (height * force[:, 2] - moment[:, 0]) / safe,
            ],
            axis=1,
        )
        out[side] = Load(force, cop)
    return out


def refuse_exchanged_labels(trial: Trial, rig: Rig, markers: MarkerSet) -> None:
    """Raise Hazard if feet point backwards or an anterior axis of a shank does (SCIENCE.md section 3).

    The anterior axis comes from lateral and medial markers and the side's sign, so exchanged left and right labels, a
    mirrored coordinate system, or exchanged medial and lateral labels turn it around. A walking trial without medial
    markers has only its feet checked here: its static trial is checked as well.
    """
    up = rig.to_lab[1]
    backwards = []
    for side in SIDES:
        leg = markers.leg(side)
        along = np.nanmedian((front_of(trial, leg) - trial.marker(leg.heel)) @ rig.to_lab[0])
        if not along > 0:
            raise Hazard(
                f"{trial.path}: the {SIDE_NAMES[side]} foot points against the rig's walking direction "
                f"({1e3 * along:+.0f} mm from heel to toe): left and right would be exchanged. Check the rig's axes "
                "and the heel and toe labels"
            )
        if not set(leg.medial) <= set(trial.labels):
            continue
        knee = [trial.marker(label) for label in (leg.knee_lateral, leg.knee_medial)]
        ankle = [trial.marker(label) for label in (leg.ankle_lateral, leg.ankle_medial)]
        long = (knee[0] + knee[1] - ankle[0] - ankle[1]) / 2
        if np.nanmedian(long @ up) < 0:
            raise Hazard(f"{trial.path}: the {SIDE_NAMES[side]} knee is below its ankle: check labels and rig")
        anterior = np.cross(long, side * (knee[0] - knee[1])) @ rig.to_lab[0]
        if not np.isfinite(anterior).any():
            raise BadSetup(f"{trial.path}: the {SIDE_NAMES[side]} knee and ankle markers are never all visible")
        if np.nanmedian(anterior) < 0:
            backwards.append(SIDE_NAMES[side])
    if len(backwards) == 2:
        raise Hazard(
            f"{trial.path}: both shanks' anterior axes point backwards: the labels of left and right are exchanged, or "
            "the recording is mirrored. Nothing is computed; correct the labels and export again"
        )
    if backwards:
        raise Hazard(
            f"{trial.path}: the {backwards[0]} shank's anterior axis points backwards: its medial and lateral labels "
            "are exchanged. Nothing is computed; correct the labels and export again"
        )


def refuse_wrong_plates(trial: Trial, rig: Rig, markers: MarkerSet) -> dict[int, Load]:
    """Raise Hazard if a plate pulls its foot down or its load is not under its own foot. Gives the loads back."""
    for plate, measured in zip(rig.plates, trial.plates, strict=True):
        up = plate.sign * (measured.wrench[:, :3] @ plate.axes.T @ rig.to_lab[1])
        loaded = up[np.abs(up) > _LOADED_N]
        if len(loaded) and np.median(loaded) < 0:
            raise Hazard(
                f"{trial.path}: plate {plate.id} pulls its foot down ({np.median(loaded):+.0f} N upwards, median under "
                f"load): its sign is reversed. If the device reports the force on the plate, set sign = {-plate.sign} "
                "for it in a rig and give that with --rig"
            )
    for side in SIDES:
        if rig.floor == "belts" and all(plate.side != SIDE_NAMES[side] for plate in rig.plates):
            raise BadSetup(
                f"{trial.path}: no plate of the rig {rig.name!r} is the {SIDE_NAMES[side]} one; each foot needs "
                "a plate of its own"
            )
    found = loads(trial, rig)
    feet = {side: _foot(trial, rig, markers, side) for side in SIDES}
    step = trial.analog_rate_hz / trial.rate_hz
    at = np.minimum(np.rint(np.arange(len(trial.points)) * step).astype(int), len(found[SIDES[0]].up_n) - 1)
    away = {side: _distance(found[side], feet[side], at) for side in SIDES}
    for side in SIDES:
        if rig.floor == "walkway" and not np.isfinite(away[side]):
            away[side] = 0.0  # this foot stood on no plate
        if not np.isfinite(away[side]):
            raise BadSetup(
                f"{trial.path}: the {SIDE_NAMES[side]} foot's plate never carries more than {_STANDING_N:.0f} N while "
                "the foot's markers are visible: nothing to analyse"
            )
    if max(away.values()) > _UNDER_FOOT_M:
        distances = ", ".join(f"{SIDE_NAMES[s]} {1e3 * away[s]:.0f} mm" for s in SIDES)
        exchanged = exchanged_plates(trial)
        other = loads(exchanged, rig) if exchanged is not None else None
        if other is not None and max(_distance(other[s], feet[s], at) for s in SIDES) < _UNDER_FOOT_M:
            what = "with the two plates' channels exchanged it would be: the plates are swapped. Correct the channels"
        else:
            what = "a plate is swapped, unsynchronised, or one of its channels has a wrong sign. Correct the source"
        raise Hazard(
            f"{trial.path}: the load is not under the foot of its side (median distance from the heel-toe line: "
            f"{distances}; at most {1e3 * _UNDER_FOOT_M:.0f}); {what} and export again"
        )
    _refuse_reversed_shear(trial, found, feet, at)
    return found


def _refuse_reversed_shear(
    trial: Trial, found: dict[int, Load], feet: dict[int, tuple[Array, Array]], at: NDArray[np.int_]
) -> None:
    """Raise Hazard if a plate's horizontal forces have the wrong sign, which no centre of pressure shows.

    A foot in front brakes and a foot behind pushes (correlation -0.83 to -0.92 in the treadmill recordings), and each
    foot is pushed towards the other (4 to 7 % of the vertical force).
    """
    for side in SIDES:
        force = found[side].force_n[at]
        lead = feet[side][0][:, 0] - feet[-side][0][:, 0]
        loaded = (force[:, 1] > _STANDING_N) & np.isfinite(lead)
        if loaded.sum() < 20:
            continue
        brakes = float(np.corrcoef(force[loaded, 0], lead[loaded])[0, 1])
        inwards = float(-side * force[loaded, 2].mean() / force[loaded, 1].mean())
        if brakes > 0.3:
            raise Hazard(
                f"{trial.path}: the {SIDE_NAMES[side]} foot's plate pushes forward while the foot is in front and "
                "brakes while it is behind: the sign of its fore-aft force is reversed. Correct the source and export "
                "again"
            )
        if inwards < -0.02:
            raise Hazard(
                f"{trial.path}: the {SIDE_NAMES[side]} foot's plate pushes it outwards ({100 * inwards:+.1f} % of the "
                "vertical force towards the midline; walking people have +3 to +8): the sign of its sideways force is "
                "reversed. Correct the source and export again"
            )


def _foot(trial: Trial, rig: Rig, markers: MarkerSet, side: int) -> tuple[Array, Array]:
    leg = markers.leg(side)
    return trial.marker(leg.heel) @ rig.to_lab.T, front_of(trial, leg) @ rig.to_lab.T


def _distance(load: Load, foot: tuple[Array, Array], at: NDArray[np.int_]) -> float:
    """Median horizontal distance m of the centre of pressure from the foot's heel-toe line, under load."""
    heel, front = (points[:, (0, 2)] for points in foot)
    cop = load.cop_m[at][:, (0, 2)]
    away = from_line(cop, heel, front)
    away = away[(load.up_n[at] > _STANDING_N) & np.isfinite(away)]
    return float(np.median(away)) if len(away) else float("nan")


def exchanged_plates(trial: Trial) -> Trial | None:
    """The trial with its two plates' channels exchanged; None where there are not two."""
    if len(trial.plates) != 2:
        return None
    one, two = trial.plates
    return replace(trial, plates=(replace(one, channels=two.channels), replace(two, channels=one.channels)))


def mass_from_plates(found: dict[int, Load], rate_hz: float) -> float:
    """kg: mean vertical force over whole strides (contact to contact of the same foot). NaN with fewer than two."""
    total = sum(load.up_n for load in found.values())
    means = []
    for load in found.values():
        contacts = _contacts(load.up_n, rate_hz)
        if len(contacts) >= 3:
            means.append(float(np.mean(np.asarray(total)[contacts[0] : contacts[-1]])))
    return float(np.mean(means)) / 9.81 if means else float("nan")


def _contacts(up: Array, rate_hz: float) -> list[int]:
    """Samples where the load rises through 50 N after at least 0.2 s below it."""
    above = up > 50.0
    rises = np.flatnonzero(above[1:] & ~above[:-1]) + 1
    quiet = round(0.2 * rate_hz)
    return [int(i) for i in rises if i >= quiet and not above[i - quiet : i].any()]
