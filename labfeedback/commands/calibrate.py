"""`labfeedback calibrate`: quiet standing into a calibration file, from the live streams or from a recorded trial."""

from __future__ import annotations

import datetime
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labfeedback.errors import BadFile, BadSetup, Hazard

if TYPE_CHECKING:
    from labfeedback.engine.calibration import Examined
    from labfeedback.engine.standing import Standing
    from labfeedback.markerset import MarkerSet
    from labfeedback.rig import Rig

_SECONDS = (1.0, 60.0)


def calibrate(
    subject: Annotated[Path, typer.Option(help="Who stands there: a TOML file with pseudonym, mass, height, sex.")],
    rig: Annotated[str, typer.Option(help="The lab: a shipped name or a TOML file.")],
    markers: Annotated[str, typer.Option(help="The marker set: a shipped name or a TOML file.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where it goes: a name that ends in .calibration.json.")],
    file: Annotated[
        Path | None, typer.Option(help="A recorded static trial (any kind of recording), not the live streams.")
    ] = None,
    date: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="Day of the FILE. Default: of its last change.")] = "",
    seconds: Annotated[float, typer.Option(help="How long the person must stand still.")] = 3.0,
    countdown: Annotated[float, typer.Option(help="Seconds before that begins.")] = 3.0,
    patience: Annotated[float, typer.Option(help="How long to wait for stillness before the verdict, s.")] = 60.0,
    wait: Annotated[float, typer.Option(help="How long to wait for the streams, s.")] = 30.0,
    override: Annotated[
        str, typer.Option(metavar="REASON", help="Save in spite of red checks; never side, sign, mirror or mass.")
    ] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Write over an older calibration.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
) -> None:
    """Measure joint centres, clusters, mass and standing heights of a person who stands quietly on both plates.

    Then the medial markers may come off. Ends with the verdict; what is red is not saved.
    """
    from labfeedback import calibration_file
    from labfeedback.commands.verdict_table import lines, verdict_table
    from labfeedback.engine.calibration import approve, examine
    from labfeedback.markerset import load_marker_set
    from labfeedback.rig import load_rig
    from labfeedback.subject import load_subject

    if not _SECONDS[0] <= seconds <= _SECONDS[1]:
        raise BadSetup(f"--seconds {seconds:g}: expected {_SECONDS[0]:g} to {_SECONDS[1]:g} s; 3 is the norm")
    for option, value in (("--countdown", countdown), ("--patience", patience), ("--wait", wait)):
        if not (math.isfinite(value) and 0 <= value <= 3600):
            raise BadSetup(f"{option} {value:g}: expected 0 to 3600 s")
    calibration_file.check_target(out, replace=replace)
    person, marker_set, the_rig = load_subject(subject), load_marker_set(markers), load_rig(rig)
    now = datetime.datetime.now().astimezone()
    day = _day(file, date) or now.date().isoformat()
    if file is not None:
        measured, source = read_standing(file, the_rig, marker_set), file.name
    else:
        measured = _live(the_rig, marker_set, seconds, countdown, patience, wait)
        source = "live streams"
    examined = examine(
        measured,
        marker_set,
        subject=person,
        rig=the_rig,
        source=source,
        date=day,
        made=now.isoformat(timespec="seconds"),
    )
    if as_json:
        typer.echo(_as_json(examined))
    else:
        verdict_table(examined.checks, f"{person.id}, {day}, {source}, {marker_set.name} in {the_rig.name}")
        for line in lines(examined):
            typer.echo(line)
    _refuse_red(examined, override)
    calibration = approve(examined, override)
    calibration_file.save(out, calibration, replace=replace)
    if as_json:
        return
    typer.echo(f"Calibration: {out}")
    off = ", ".join(sorted(marker_set.right.medial + marker_set.left.medial))
    typer.echo(f"These markers may come off now: {off}. Use it with --calibration {out.name}, this person, today.")


def _as_json(examined: Examined) -> str:
    """As `check --json` prints its lines."""
    lines = [
        {"name": one.name.replace("_", " "), "where": one.where, "light": one.light, "sentence": one.sentence,
         "remedy": one.remedy, "firm": one.firm, "reason": ""}
        for one in examined.checks
    ]  # fmt: skip
    return json.dumps({"ready": examined.light != "red", "lines": lines}, indent=1, ensure_ascii=False)


def _refuse_red(examined: Examined, override: str) -> None:
    """One sentence after the table. Raises Hazard for what nothing overrides, BadSetup for what needs a reason."""
    reds = [f"{one.name} {one.where}".strip() for one in examined.reds]
    if any(one.firm for one in examined.reds):
        firm = ", ".join(f"{one.name} {one.where}".strip() for one in examined.reds if one.firm)
        raise Hazard(f"not saved: {firm} is red, and no reason overrides that. Mend it and stand again")
    if reds and (not override.strip() or examined.calibration is None):
        can = '; or, if you must, --override "REASON"' if examined.calibration is not None else ""
        raise BadSetup(f"not saved: red is {', '.join(reds)}. Mend that and stand again{can}")


def _day(file: Path | None, date: str) -> str:
    """The day of a recorded trial; empty for a live one."""
    if file is None:
        if date:
            raise BadSetup("--date goes with --file: a live trial is of today")
        return ""
    if not file.is_file():
        raise BadFile(f"{file}: no such file")
    if not date:
        return datetime.date.fromtimestamp(file.stat().st_mtime).isoformat()
    try:
        return datetime.date.fromisoformat(date).isoformat()
    except ValueError:
        raise BadSetup(f"--date {date}: expected a day like 2026-11-26") from None


def read_standing(path: Path, rig: Rig, marker_set: MarkerSet) -> Standing:
    """A recorded static trial in the rig's lab axes. Raises LabError where it does not fit rig or marker set."""
    from labfeedback.analysis import room
    from labfeedback.analysis.own import read_any
    from labfeedback.engine.standing import standing
    from labfeedback.exchange.trial import force_stream, marker_stream

    trial = read_any(path, rig)
    legs = (marker_set.right, marker_set.left)
    doubled = sorted({x for leg in legs for x in (*leg.anatomical, *leg.shank_cluster)} & trial.doubled)
    if doubled:
        raise BadSetup(f"{path}: these labels are there twice: {', '.join(doubled)}. Rename them and export again")
    notes: list[str] = []
    fitted = room.fitted(rig, trial, notes) if trial.plates else rig
    for note in notes:
        typer.echo(note)
    return standing(marker_stream(trial, "file"), force_stream(trial, "file") if trial.plates else None, fitted)


def _live(rig: Rig, marker_set: MarkerSet, seconds: float, countdown: float, patience: float, wait: float) -> Standing:
    from labfeedback.asked import Asked
    from labfeedback.commands.verdict_table import StandingLine
    from labfeedback.hub.standing import record_standing

    with Asked() as asked, StandingLine(seconds) as line:
        return record_standing(
            rig,
            marker_set,
            seconds=seconds,
            countdown_s=countdown,
            patience_s=patience,
            wait_s=wait,
            tell=line.tell,
            stop=lambda: asked.times > 0,
        )
