"""`labfeedback run`: one training walk with the lab's own devices."""

from __future__ import annotations

import datetime
import math
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from labfeedback.errors import BadSetup

FURTHEST_DEG = 15.0
LONGEST_WAIT_S = 3600.0


class Side(StrEnum):
    """The foot that is trained."""

    left = "left"
    right = "right"


class Reference(StrEnum):
    """What the angle is counted from."""

    baseline = "baseline"
    absolute = "absolute"


class TibiaFrame(StrEnum):
    """Settings.tibia_frame."""

    proximal = "proximal"
    distal = "distal"
    lab = "lab"
    points = "points"


class Inertia(StrEnum):
    """Settings.inertia."""

    auto = "auto"
    dumas = "dumas"
    winter = "winter"
    deleva = "deleva"


def run(
    rig: Annotated[str, typer.Option(help="The lab: a shipped name or a TOML file.")],
    markers: Annotated[str, typer.Option(help="The marker set: a shipped name or a TOML file.")],
    subject: Annotated[Path, typer.Option(help="Who walks: a TOML file with pseudonym, mass, height, sex.")],
    side: Annotated[Side, typer.Option(help="The foot to train.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the recording goes.")],
    toe_in: Annotated[float | None, typer.Option(metavar="DEG", help="Turn the foot inwards by this much.")] = None,
    toe_out: Annotated[float | None, typer.Option(metavar="DEG", help="Turn the foot outwards by this much.")] = None,
    relative_to: Annotated[
        Reference, typer.Option(help="'baseline': from the own angle of the first minute; 'absolute': from straight.")
    ] = Reference.baseline,
    baseline_seconds: Annotated[float, typer.Option(help="Natural walking before feedback begins.")] = 60.0,
    band: Annotated[float, typer.Option(help="How far from the target still counts as good, deg.")] = 2.0,
    static: Annotated[
        Path | None, typer.Option(help="Static trial (a recording), if the medial markers are off.")
    ] = None,
    calibration: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The person's calibration, as 'labfeedback calibrate' saved it.")
    ] = None,
    another_day: Annotated[
        str, typer.Option(metavar="REASON", help="Use a calibration of another day: why its markers still sit there.")
    ] = "",
    check: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What 'labfeedback check --save' kept: it must be ready.")
    ] = None,
    frame: Annotated[
        TibiaFrame, typer.Option(help="The axes that moments are expressed in; stored with the results.")
    ] = TibiaFrame.proximal,
    inertia: Annotated[
        Inertia, typer.Option(help="Segment inertia; 'auto': Dumas by sex, Winter where sex is unknown.")
    ] = Inertia.auto,
    headless: Annotated[bool, typer.Option("--headless", help="No window: pictures go to DIR/pictures.")] = False,
    seconds: Annotated[float | None, typer.Option(help="End after so many seconds of walking.")] = None,
    wait: Annotated[float, typer.Option(help="How long to wait for the streams, s.")] = 30.0,
) -> None:
    """One training walk. Ends with Ctrl+C, after --seconds, or 5 s after the devices' streams ended."""
    from labfeedback.markerset import load_marker_set
    from labfeedback.rig import load_rig
    from labfeedback.subject import load_subject

    training = training_of(side.value, toe_in, toe_out, relative_to.value, baseline_seconds, band)
    check_seconds(seconds)
    if not 0 < wait <= LONGEST_WAIT_S:
        raise BadSetup(f"--wait {wait:g}: expected a number above zero, at most {LONGEST_WAIT_S:g} s; 30 is the norm")
    person = load_subject(subject)
    the_rig, marker_set = load_rig(rig), load_marker_set(markers)
    if frame is TibiaFrame.points:
        raise BadSetup(
            "--frame points: only a recorded file has a model's points ('labfeedback analyse'); live, choose "
            "proximal, distal or lab"
        )
    if static is not None and calibration is not None:
        raise BadSetup("--static and --calibration: give one of the two; the calibration has its static trial in it")
    calibrated = None
    if calibration is not None:
        from labfeedback.commands.calibrated import usable

        calibrated = usable(calibration, marker_set, the_rig, person, another_day=another_day)
    if person.mass_kg is None and (calibrated is None or calibrated.mass_kg is None):
        raise BadSetup(
            f"{subject}: mass_kg is missing; the moments need it. Weigh the subject on the plates ('labfeedback "
            "calibrate' does) and write it there"
        )
    if person.trained_side is not None and person.trained_side != side.value:
        raise BadSetup(
            f"{subject} says the trained side of {person.id} is the {person.trained_side} one, the command says "
            f"{side.value}. The untrained leg is never trained: check which of the two is right"
        )
    if static is not None and not static.is_file():
        raise BadSetup(f"{static}: no such static trial")
    remarks: list[str] = []
    if check is not None:
        from labfeedback.analysis.preflight.saved import remarks_of

        now = datetime.datetime.now().astimezone()
        remarks = remarks_of(check, person.id, the_rig.name, marker_set.name, now)
    walk = {
        "remarks": remarks,
        "rig": the_rig.model_dump(mode="json"),
        "subject": person.model_dump(mode="json"),
        "marker_set": marker_set.model_dump(mode="json"),
        "training": training,
        "static": str(static.absolute()) if static else None,
        "calibration": calibrated.model_dump(mode="json") if calibrated else None,
        "settings": {"tibia_frame": frame.value, "inertia": inertia.value},
        "seconds": seconds,
        "wait_s": wait,
    }
    from labfeedback.commands.walking import walk_to_the_end

    walk_to_the_end(walk, out=out, headless=headless)


def training_of(
    side: str, toe_in: float | None, toe_out: float | None, reference: str, baseline_s: float, band_deg: float
) -> dict[str, Any]:
    """The training as START has it. Raises BadSetup for anything but one positive angle of at most 15 deg."""
    if (toe_in is None) == (toe_out is None):
        raise BadSetup("say what to train: either --toe-in DEG or --toe-out DEG, one of the two")
    direction, degrees = ("toe-in", toe_in) if toe_in is not None else ("toe-out", toe_out)
    assert degrees is not None
    if not degrees > 0:
        other = "--toe-out" if direction == "toe-in" else "--toe-in"
        raise BadSetup(
            f"--{direction} {degrees:g}: angles are given in words, never by sign. Give a number above zero"
            + (f"; for the other direction use {other} {-degrees:g}" if degrees < 0 else "")
        )
    if degrees > FURTHEST_DEG:
        raise BadSetup(f"--{direction} {degrees:g}: more than {FURTHEST_DEG:g} deg is refused; give a smaller change")
    if not 0.5 <= band_deg <= 10:
        raise BadSetup(f"--band {band_deg:g}: expected 0.5 to 10 deg; 2 is the norm")
    if not 5 <= baseline_s <= 600:
        raise BadSetup(f"--baseline-seconds {baseline_s:g}: expected 5 to 600 s; 60 is the norm")
    return {
        "side": side,
        "direction": direction,
        "degrees": float(degrees),
        "reference": reference,
        "band_deg": float(band_deg),
        "baseline_s": float(baseline_s),
    }


def check_seconds(seconds: float | None) -> None:
    """Raises BadSetup for a walk of no length, or of no end; without --seconds it goes on until Ctrl+C."""
    if seconds is not None and not (math.isfinite(seconds) and seconds > 0):
        raise BadSetup(f"--seconds {seconds:g}: expected a number above zero")


def in_words(training: dict[str, Any]) -> str:
    """'LEFT foot: 5 deg toe-in from the own angle, measured over the first 60 s; within 2 deg counts as good'."""
    start = f"{training['side'].upper()} foot: {training['degrees']:g} deg {training['direction']}"
    if training["reference"] == "baseline":
        start += f" from the own angle, measured over the first {training['baseline_s']:g} s of natural walking"
    else:
        start += f" of straight ahead, after {training['baseline_s']:g} s of natural walking"
    return f"{start}; within {training['band_deg']:g} deg counts as good"
