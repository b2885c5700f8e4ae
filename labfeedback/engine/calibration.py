"""From a static trial to what the technical clusters carry (SCIENCE.md section 3), and whom it may be used for."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labfeedback.core.legpoints import ROLE_NAMES
from labfeedback.engine import verdict, weighing
from labfeedback.engine.body import At, leg_calibration, measure, segment, vector
from labfeedback.engine.standing import Standing
from labfeedback.engine.start import Calibration, Check, Segment, Vector
from labfeedback.errors import BadSetup, Hazard
from labfeedback.markerset import Leg, MarkerSet
from labfeedback.records import SIDE_NAMES, SIDES
from labfeedback.rig import Rig
from labfeedback.subject import Subject

SAME_AXES_DEG = 2.0
POSTURE = ("upright", "heel_pair", "toe_pair")
SAME_MASS = 0.03  # SCIENCE.md section 10
_SHANK_POINTS = ROLE_NAMES[:4]
_FOOT_POINTS = ROLE_NAMES[4:]


@dataclass(frozen=True, slots=True)
class Examined:
    """A static trial's verdict; calibration is None where it lacks what a calibration needs."""

    checks: tuple[Check, ...]
    calibration: Calibration | None

    @property
    def reds(self) -> tuple[Check, ...]:
        """What speaks against it, the firm ones first."""
        return tuple(sorted((one for one in self.checks if one.light == "red"), key=lambda one: not one.firm))

    @property
    def light(self) -> str:
        """The worst of all."""
        lights = {one.light for one in self.checks}
        return next(light for light in ("red", "amber", "green") if light in lights)


@np.errstate(divide="ignore", invalid="ignore")  # markers on one spot have no axes: their checks say so
def examine(standing: Standing, marker_set: MarkerSet, *, subject: Subject | None = None, rig: Rig | None = None,
            source: str = "", date: str = "", made: str = "") -> Examined:  # fmt: skip
    """Everything about a static trial: medians as a calibration, and the verdict. Raises nothing for a bad trial.

    Raises BadSetup where the marker set has no shank cluster. date, made: ISO day and time, which the engine cannot
    know. Bound to subject and rig where they are given.
    """
    for side in SIDES:
        if not marker_set.leg(side).shank_cluster:
            raise BadSetup(
                f"the marker set has no shank_cluster on the {SIDE_NAMES[side]} leg: a static trial cannot be used "
                "with it"
            )
    at, share, tracks = verdict.seen_at(standing)
    needed = {side: _needed(marker_set.leg(side)) for side in SIDES}
    checks = [verdict.length(standing)]
    checks += [verdict.visible(x, side, share.get(x, float("nan"))) for side in SIDES for x in needed[side]]
    restless = verdict.restless(tracks, [x for side in SIDES for x in needed[side] if x in tracks])
    if restless:
        checks.append(verdict.still(restless))
    if any(label not in at for side in SIDES for label in marker_set.leg(side).anatomical):
        return Examined(tuple(checks), None)
    legs = [measure(at, marker_set.leg(side), side) for side in SIDES]
    checks += [*verdict.facing(legs), *verdict.mirrored(legs)]
    height = subject.height_m if subject else None
    checks += [one for leg in legs for one in verdict.build(leg, height)] + verdict.pair(legs)
    made_of = {}
    for leg in legs:
        found, more = _clusters(at, leg.leg, leg.side, tracks)
        checks += more
        if found is not None:
            made_of[leg.side] = leg_calibration(leg, *found)
    if standing.loads is not None:
        checks += verdict.heights(legs, standing.loads.surface_m)
    mass, more = weighing.weight(standing, legs, subject.mass_kg if subject else None)
    checks += more
    if len(made_of) < len(SIDES):
        return Examined(tuple(checks), None)
    right, left = (made_of[side] for side in SIDES)
    return Examined(
        tuple(checks),
        Calibration(
            source=source,
            right=right,
            left=left,
            subject=subject.id if subject else "",
            date=date,
            made=made,
            marker_set=marker_set.name,
            marker_set_hash=content_hash(marker_set),
            rig=rig.name if rig else "",
            to_lab=_axes(rig) if rig else None,
            seconds=round(standing.seconds, 3),
            mass_kg=round(mass, 3) if mass is not None else None,
            checks=tuple(checks),
        ),
    )


def approve(examined: Examined, reason: str = "") -> Calibration:
    """The calibration, if its verdict allows it; `reason` overrides what is red but not firm, and is kept.

    Raises Hazard for a firm red, BadSetup for another one without a reason or where there is nothing to approve.
    """
    reds = examined.reds
    firm = [one for one in reds if one.firm]
    if firm:
        raise Hazard("static trial: " + "; ".join(f"{one.sentence}: {one.remedy}" for one in firm))
    said = "; ".join(f"{one.sentence}: {one.remedy}" for one in reds)
    if examined.calibration is None:
        raise BadSetup(f"static trial: {said}")
    if reds and not reason.strip():
        raise BadSetup(f"static trial: {said}. (Or save it with a reason: 'labfeedback calibrate --override')")
    return examined.calibration.model_copy(update={"override": reason.strip() if reds else ""})


def calibrate(
    markers: NDArray[np.float64], labels: list[str], marker_set: MarkerSet, *, rate_hz: float, source: str = ""
) -> Calibration:
    """Medians of quiet standing as a calibration, from markers alone and for one use.

    markers: (n, m, 3) m in the lab frame, NaN where missing. Raises BadSetup or Hazard where a check is red; a crooked
    posture is let pass, because only the standing heights depend on it.
    """
    examined = examine(Standing(tuple(labels), markers, rate_hz), marker_set, source=source)
    only_posture = all(one.name in POSTURE for one in examined.reds)
    return approve(examined, "used once: joint centres and clusters hold in any posture" if only_posture else "")


def _needed(leg: Leg) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*leg.anatomical, *leg.shank_cluster)))


def _clusters(
    at: At, leg: Leg, side: int, tracks: dict[str, NDArray[np.float64]]
) -> tuple[tuple[Segment, Segment | None] | None, list[Check]]:
    """Shank and foot as seen, with their checks; None where fewer than three markers of the shank were seen."""
    shank = tuple(label for label in leg.shank_cluster if label in at)
    foot = tuple(label for label in leg.foot_cluster if label in at)
    if len(shank) < 3:
        return None, []
    made = segment(at, shank, _SHANK_POINTS, leg, tracks)
    checks = verdict.cluster("shank", side, made)
    carried = segment(at, foot, _FOOT_POINTS, leg, tracks) if len(foot) >= 3 else None
    if carried is not None:
        checks += verdict.cluster("foot", side, carried)
    return (made, carried), checks


def content_hash(marker_set: MarkerSet) -> str:
    """SHA-256 of what a marker set says; its name and its prose may change."""
    said = marker_set.model_dump(mode="json", exclude={"name", "about"})
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def refuse_misfit(
    calibration: Calibration,
    marker_set: MarkerSet,
    rig: Rig,
    subject: Subject | None = None,
    *,
    where: str = "the calibration",
) -> list[str]:
    """What a reader must know of a calibration that may be used here.

    Raises Hazard for another person or mass, BadSetup for other markers or axes.
    """
    if subject is not None and calibration.subject and calibration.subject != subject.id:
        raise Hazard(
            f"{where} is of {calibration.subject}, the subject is {subject.id}: one person's joints are not another's. "
            "Record a static trial of this person"
        )
    if calibration.marker_set_hash and calibration.marker_set_hash != content_hash(marker_set):
        raise BadSetup(
            f"{where} was made with another marker set: {calibration.marker_set!r} "
            f"({calibration.marker_set_hash[:12]}), here is {marker_set.name!r} ({content_hash(marker_set)[:12]}). Use "
            "the set it was made with, or record a static trial with this one"
        )
    if calibration.to_lab is not None:
        cosine = (np.array(calibration.to_lab) * rig.to_lab).sum(axis=1).min()
        apart = float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
        if apart > SAME_AXES_DEG:
            raise BadSetup(
                f"{where} was made in rig {calibration.rig!r}, whose axes are {apart:.0f} deg away from those of "
                f"{rig.name!r}: standing heights and sides would not hold. Record a static trial in this rig"
            )
    if subject is not None and subject.mass_kg is not None and calibration.mass_kg is not None:
        off = calibration.mass_kg / subject.mass_kg - 1
        if abs(off) > SAME_MASS:
            raise Hazard(
                f"{where} weighed {calibration.mass_kg:.1f} kg, the subject's mass is given as {subject.mass_kg:.1f} "
                f"kg ({100 * off:+.0f} %, at most {100 * SAME_MASS:.0f} allowed): is it this person? Weigh again, and "
                "correct the mass or record a new static trial"
            )
    if not calibration.override:
        return []
    reds = ", ".join(f"{one.name} {one.where}".strip() for one in calibration.checks if one.light == "red")
    return [f"{where} was saved in spite of red checks ({reds}): {calibration.override}"]


def of_another_day(calibration: Calibration, date: str, where: str = "the calibration") -> str:
    """A sentence where a calibration is of another ISO day than the walk; empty where it is not, or not known."""
    if not date or not calibration.date or calibration.date == date:
        return ""
    return f"{where} is of {calibration.date}, the walk is of {date}: it holds only if no marker came off since"


def _axes(rig: Rig) -> tuple[Vector, Vector, Vector]:
    x, y, z = (vector(row) for row in rig.to_lab)
    return x, y, z
