"""`labfeedback check`: the list before the first step, on the live streams or on a recording."""

from __future__ import annotations

import datetime
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from labfeedback.errors import BadFile, BadSetup, LabError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from labfeedback.analysis.preflight import Line
    from labfeedback.engine.start import Calibration
    from labfeedback.exchange.trial import Trial
    from labfeedback.hub.gather import Gathered
    from labfeedback.markerset import MarkerSet
    from labfeedback.rig import Rig
    from labfeedback.subject import Subject

_SECONDS: Final = (4.0, 120.0)
_STYLES: Final = {"green": "bold green", "amber": "bold yellow", "red": "bold white on red", "grey": "dim"}
_WORDS: Final = {"green": "ok", "amber": "LOOK", "red": "STOP", "grey": "unseen"}


class NotReady(LabError):
    """Something red stands in the way of a walk."""

    exit_code = 1


def check(
    rig: Annotated[str, typer.Option(help="The lab: a shipped name or a TOML file.")],
    markers: Annotated[str, typer.Option(help="The marker set: a shipped name or a TOML file.")],
    subject: Annotated[Path, typer.Option(help="Who walks: a TOML file with pseudonym, mass, height, sex.")],
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="A recording. Default: live streams.")] = None,
    calibration: Annotated[Path | None, typer.Option(metavar="FILE", help="The person's calibration.")] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the recording will go: its disk is looked at.")
    ] = Path(),
    seconds: Annotated[float, typer.Option(help="How long to look while the person walks.")] = 10.0,
    wait: Annotated[float, typer.Option(help="How long to wait for the streams, s.")] = 15.0,
    override: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LINE=REASON", help="Accept a line; never mirrored, sides, sign or mass. May be repeated."
        ),
    ] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep it (.check.json), for 'labfeedback run --check'.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Look at streams, labels, sides, signs, plates, mass, clocks, calibration and disk while the person walks.

    Ends with 0 when nothing red stands in the way, else with 1.
    """
    from rich.console import Console

    from labfeedback.analysis import preflight
    from labfeedback.analysis.preflight.saved import Checked
    from labfeedback.analysis.preflight.saved import save as keep
    from labfeedback.markerset import load_marker_set
    from labfeedback.rig import load_rig
    from labfeedback.subject import load_subject

    if not _SECONDS[0] <= seconds <= _SECONDS[1]:
        raise BadSetup(f"--seconds {seconds:g}: expected {_SECONDS[0]:g} to {_SECONDS[1]:g} s; 10 is the norm")
    if not (math.isfinite(wait) and 0 <= wait <= 3600):
        raise BadSetup(f"--wait {wait:g}: expected 0 to 3600 s")
    reasons = reasons_of(override or [])
    the_rig, marker_set, person = load_rig(rig), load_marker_set(markers), load_subject(subject)
    saved = _calibration(calibration)
    console = Console(stderr=True)
    now = datetime.datetime.now().astimezone()
    if file is not None:
        lines, trial, the_rig = of_file(file, the_rig)
    else:
        found = _gather(the_rig, seconds, wait, console)
        lines, trial = of_gathered(found, the_rig), found.trial
    lines = [*lines, *the_rest(trial, the_rig, marker_set, person, saved, now.date(), out)]
    lines = preflight.overridden(sorted(lines, key=lambda one: preflight.ORDER.index(one.name)), reasons)
    ready = preflight.ready(lines)
    checked = Checked(
        made=now.isoformat(timespec="seconds"), subject=person.id, rig=the_rig.name, marker_set=marker_set.name,
        source=str(file) if file else "live streams", ready=ready, lines=tuple(lines),
    )  # fmt: skip
    if as_json:
        typer.echo(json.dumps(checked.model_dump(mode="json"), indent=1, ensure_ascii=False))
    else:
        show(lines, f"{person.id}, {the_rig.name}, {checked.source}", ready)
    if save is not None:
        keep(save, checked)
        typer.echo(f"Kept in {save}", err=True)
    if not ready:
        names = ", ".join(dict.fromkeys(f"{one.name} {one.where}".strip() for one in lines if in_the_way(one)))
        raise NotReady(f"not ready to walk: {names}")


def in_the_way(one: Line) -> bool:
    """Whether this line alone would stop a walk."""
    return not one.reason and (one.light == "red" or (one.light == "grey" and one.firm))


def reasons_of(override: list[str]) -> dict[str, str]:
    """LINE=REASON as a dict. Raises BadSetup with the lines there are."""
    from labfeedback.analysis.preflight import ORDER

    out = {}
    for text in override:
        name, _, reason = text.partition("=")
        if name not in ORDER or not reason.strip():
            raise BadSetup(f"--override {text!r}: expected LINE=REASON, where LINE is one of {', '.join(ORDER)}")
        out[name] = reason.strip()
    return out


def _calibration(path: Path | None) -> Calibration | None:
    from labfeedback.calibration_file import load

    return load(path) if path is not None else None


def _gather(rig: Rig, seconds: float, wait: float, console: Console) -> Gathered:
    from rich.progress import Progress

    from labfeedback.asked import Asked
    from labfeedback.hub.gather import gather

    with Asked() as asked, Progress(console=console, transient=True) as progress:
        task = progress.add_task("looking", total=1.0)

        def tell(what: str, share: float) -> None:
            progress.update(task, description=what, completed=share)

        return gather(rig, seconds=seconds, wait_s=wait, tell=tell, stop=lambda: asked.times > 0)


def of_file(path: Path, rig: Rig) -> tuple[list[Line], Trial | None, Rig]:
    """The first lines of a recording, its trial, and the rig at the recording's rates."""
    from labfeedback.analysis import room
    from labfeedback.analysis.own import read_any
    from labfeedback.analysis.preflight import line

    if "+" not in path.name and not path.is_file():
        raise BadFile(f"{path}: no such file")
    trial = read_any(path)
    if not trial.plates:
        said = line("streams", "red", f"{path.name}: {trial.no_plates}", "export the plates, too")
        return [said], None, rig
    try:
        notes: list[str] = []
        rig = room.fitted(rig, trial, notes)
    except BadSetup as error:
        return (
            [line("streams", "red", str(error).removesuffix(", or leave --rig out"), "give the rig of this recording")],
            None,
            rig,
        )
    has = f"{path.name}: {len(trial.labels)} markers, {len(trial.plates)} plates"
    return [line("streams", "green", has, found=f"{trial.duration_s:.0f} s")], trial, rig


def of_gathered(found: Gathered, rig: Rig) -> list[Line]:
    """The lines about the streams themselves."""
    from labfeedback.analysis.preflight import line

    names = f"{rig.streams.markers.name!r} and {rig.streams.forces.name!r}"
    if found.trouble:
        seen = "; ".join(found.visible) or "nothing at all"
        out = [line("streams", "red", f"{'; '.join(found.trouble)}. Visible on the network: {seen}",
                    "start the device's bridge, or correct the stream in the rig")]  # fmt: skip
    else:
        out = [line("streams", "green", f"{names} are there and are what the rig says")]
    for name, which in found.doubled:
        out.append(line("duplicates", "red", f"several streams answer to {name!r}: {which}; the oldest was looked at",
                        "stop all but one, or give the rig the source_id of the right one", where=name))  # fmt: skip
    if not found.doubled:
        out.append(line("duplicates", "green", "no stream is there twice"))
    for name, count in found.others.items():
        known = {0: f"{name!r} is not there: it will not be recorded", 1: f"{name!r} is there"}
        out.append(line("other streams", "green" if count == 1 else "amber",
                        known.get(count, f"{count} streams answer to {name!r}: none will be recorded"),
                        "start its source, or stop all but one", where=name))  # fmt: skip
    return out


def the_rest(
    trial: Trial | None, rig: Rig, markers: MarkerSet, subject: Subject, calibration: Calibration | None,
    today: datetime.date, out: Path,
) -> Iterable[Line]:  # fmt: skip
    """What the samples, the rig, the calibration and the disk say."""
    from labfeedback.analysis import preflight
    from labfeedback.analysis.preflight import NOT_LOOKED_AT

    if trial is None:
        for name in preflight.ORDER[2:14]:
            yield preflight.line(name, "grey", f"{NOT_LOOKED_AT}: no samples", "mend the streams first")
    else:
        yield from preflight.look(trial, rig, markers, subject, calibration)
        yield preflight.owner(calibration, trial, rig, markers, subject, today)
    yield preflight.stamp_trial(rig, today)
    yield preflight.disk(out)


def show(lines: list[Line], title: str, ready: bool, console: Console | None = None) -> None:
    """The list for people: worst lines last, where the eye ends, with what to do."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    from labfeedback.analysis.preflight import NOT_LOOKED_AT

    console = console or Console()
    if not console.is_terminal and console.width < 120:
        console = Console(width=140)
    table = Table(box=None, pad_edge=False, title=f"Before the first step: {title}", title_justify="left")
    table.add_column("", no_wrap=True)
    table.add_column("line", no_wrap=True)
    table.add_column("what was found", overflow="fold")
    unseen = [one for one in lines if one.light == "grey" and one.sentence.startswith(NOT_LOOKED_AT)]
    for one in lines:
        name = f"{one.name} {one.where}".strip()
        if one in unseen:
            if one is unseen[-1]:
                names = ", ".join(dict.fromkeys(each.name for each in unseen))
                table.add_row(Text(f" {_WORDS['grey']} ", _STYLES["grey"]), "the rest", f"{one.sentence}: {names}")
            continue
        table.add_row(Text(f" {_WORDS[one.light]} ", _STYLES[one.light]), name, one.sentence)
    console.print(table)
    bad = [one for one in lines if one.light != "green" and one.remedy and one not in unseen]
    if bad:
        console.print()
    said = set()
    for one in sorted(bad, key=lambda one: ("grey", "amber", "red").index(one.light)):
        if (one.name, one.remedy) in said:
            continue
        said.add((one.name, one.remedy))
        console.print(Text(f"{_WORDS[one.light]}  {one.name} {one.where}".rstrip(), _STYLES[one.light]))
        if one.reason:
            console.print(Padding(Text(f"overridden: {one.reason}"), (0, 0, 0, 6)))
            continue
        never = " (nothing overrides this)" if one.firm else ""
        console.print(Padding(Text(f"-> {one.remedy[:1].upper()}{one.remedy[1:]}{never}"), (0, 0, 0, 6)))
    console.print()
    if ready:
        amber = sum(one.light in ("amber", "grey") for one in lines)
        also = f", {amber} to look at" if amber else ""
        console.print(Text(f"READY{also}", "bold green"))
    else:
        console.print(Text("NOT READY", "bold white on red"))
