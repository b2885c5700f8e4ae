"""`labfeedback analyse`: recorded walks into step tables, curves and pictures."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from labfeedback.commands.run import Inertia, TibiaFrame
from labfeedback.errors import LabError
from labfeedback.exchange.outputs import check_outputs, check_picture

if TYPE_CHECKING:
    from labfeedback.analysis import Analysis, Options


class Sex(StrEnum):
    """Selects the segments' inertia."""

    F = "F"
    M = "M"
    unknown = "unknown"


def analyse(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="Recorded walks: C3D, XDF, walk.trc+walk_grf.mot, walk.trc+walk.forces, or our own .h5.",
        ),
    ],
    static: Annotated[Path | None, typer.Option(help="Static trial (C3D) with the medial markers.")] = None,
    calibration: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A calibration that 'labfeedback calibrate' saved.")
    ] = None,
    markers: Annotated[str, typer.Option(help="Marker set: a shipped name or a TOML file.")] = "",
    rig: Annotated[str, typer.Option(help="Rig: a shipped name or a TOML file. Default: from the file.")] = "",
    mass: Annotated[float | None, typer.Option(help="Body mass, kg. Default: from the file or its plates.")] = None,
    height: Annotated[float | None, typer.Option(help="Body height without shoes, m.")] = None,
    sex: Annotated[Sex, typer.Option(help="For segment inertia.")] = Sex.unknown,
    filter_hz: Annotated[float, typer.Option(help="Zero-lag cut-off of markers and forces, Hz.")] = 15.0,
    frame: Annotated[
        TibiaFrame, typer.Option(help="The axes that moments are expressed in; stored with the results.")
    ] = TibiaFrame.proximal,
    inertia: Annotated[
        Inertia, typer.Option(help="Segment inertia; 'auto': Dumas by sex, Winter where sex is unknown.")
    ] = Inertia.auto,
    steps: Annotated[Path | None, typer.Option(metavar="OUT.csv", help="Write one line per step.")] = None,
    curves: Annotated[Path | None, typer.Option(metavar="OUT.csv", help="Write one line per marker frame.")] = None,
    plot: Annotated[Path | None, typer.Option(metavar="OUT.png", help="Draw moments and foot angles.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Compute foot progression angle and knee adduction moment of every step of recorded walks.

    With several FILEs each is analysed by itself; tables get a column `file`, pictures the file's name in theirs. A
    file that cannot be analysed does not stop the others, but the command then ends with an error.
    """
    from labfeedback.analysis import Options

    options = Options(
        static=static,
        markers=markers,
        rig=rig,
        mass_kg=mass,
        height_m=height,
        sex=sex.value,
        filter_hz=filter_hz,
        calibration=calibration,
        frame=frame.value,
        inertia=inertia.value,
    )
    pictures = _picture_names(plot, files)
    check_picture("--plot", plot)
    check_outputs(
        [("--steps", steps), ("--curves", curves), *(("--plot", picture) for picture in pictures)],
        [*files, static, calibration, *(Path(name) for name in (markers, rig) if name)],
    )
    done, refused = _all(files, options, quiet=as_json)
    several = len(files) > 1
    if refused and not several and not as_json:
        raise refused[0][1]
    from labfeedback.analysis import tables

    if steps and done:
        tables.write_step_table(steps, done, several)
    if curves and done:
        tables.write_curves(curves, done, several)
    drawn = []
    if plot:
        from labfeedback.analysis.picture import draw

        names = dict(zip(files, pictures, strict=True))
        for one in done:
            draw(one, names[one.path])
            drawn.append(names[one.path])
    if as_json:
        _print_json(files, done, refused)
    else:
        from labfeedback.analysis.show import show

        for one in done:
            show(one)
        for path, error in refused:
            typer.echo(f"refused: {path}: {str(error).removeprefix(f'{path}: ')}", err=True)
        for written in (steps, curves, *drawn):
            if written and done:
                typer.echo(f"wrote {written}", err=True)
    if refused:
        raise typer.Exit(max(error.exit_code for _, error in refused))


def _picture_names(plot: Path | None, files: list[Path]) -> list[Path]:
    """The picture of each file: its name in the picture's, with a number where two files have the same name."""
    if plot is None:
        return []
    if len(files) == 1:
        return [plot]
    names: list[Path] = []
    for number, file in enumerate(files, 1):
        name = plot.with_stem(f"{plot.stem}-{file.stem}")
        names.append(name if name not in names else plot.with_stem(f"{plot.stem}-{file.stem}-{number}"))
    return names


def _all(files: list[Path], options: Options, quiet: bool) -> tuple[list[Analysis], list[tuple[Path, LabError]]]:
    """Analyse each file; a bar on stderr while it takes long enough to be seen."""
    from rich.console import Console
    from rich.progress import Progress

    from labfeedback.analysis import analyse_file

    done, refused = [], []
    with Progress(console=Console(stderr=True), transient=True, disable=quiet) as progress:
        for path in files:
            task = progress.add_task(path.name, total=1.0)

            def advance(share: float, task: Any = task) -> None:
                progress.update(task, completed=share)

            try:
                done.append(analyse_file(path, options, advance))
            except LabError as error:
                refused.append((path, error))
            progress.update(task, completed=1.0)
    return done, refused


def _print_json(files: list[Path], done: list[Analysis], refused: list[tuple[Path, LabError]]) -> None:
    """One file: its object. Several: {"files": [...]} in the order given. A refused file has `error` and `kind`."""
    import json

    from labfeedback.analysis.tables import as_json

    found: dict[Path, dict[str, Any]] = {one.path: as_json(one) for one in done}
    for path, error in refused:
        found[path] = {"file": str(path), "error": str(error), "kind": type(error).__name__}
    objects = [found[path] for path in files]
    typer.echo(json.dumps(objects[0] if len(files) == 1 else {"files": objects}, indent=1, allow_nan=False))
