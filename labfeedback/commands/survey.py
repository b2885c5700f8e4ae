"""`labfeedback survey`: every recording of a folder in one table."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Annotated, Any

import typer

from labfeedback.errors import BadFile


def survey(
    folder: Annotated[Path, typer.Argument(help="Folder with recordings; its sub-folders are searched too.")],
    table: Annotated[Path | None, typer.Option("--csv", metavar="OUT.csv", help="Write the table as CSV.")] = None,
) -> None:
    """Analyse every recording under a folder and say what was computed, withheld or refused, and why."""
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

    from labfeedback.analysis import Options
    from labfeedback.analysis.survey import survey as look

    if not folder.is_dir():
        raise BadFile(f"{folder}: no such folder; give the folder that holds the recordings")
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("reading", total=1.0)

        def advance(name: str, share: float) -> None:
            progress.update(task, description=name, completed=share)

        lines = look(folder, Options(), advance)
    if not lines:
        raise BadFile(f"{folder}: no recordings (.c3d, .trc with .mot or .forces, .xdf, .h5) in it")
    header = ("recording", "status", "right", "left", "KAM valid", "KAM1 Nm", "KAM2 Nm", "withheld by", "why")
    rows = [_cells(line) for line in lines]
    shown = Table(*header, title=str(folder))
    colours = {"computed": "green", "withheld": "yellow", "refused": "red"}
    for row in rows:
        shown.add_row(*row, style=colours.get(row[1], "dim"))
    console = Console()
    if not console.is_terminal:
        console = Console(width=220)
    console.print(shown)
    if table is not None:
        try:
            with table.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([header, *rows])
        except OSError as error:
            raise BadFile(f"{table}: cannot be written: {error}") from None


def _cells(line: Any) -> list[str]:
    def number(value: float) -> str:
        return "" if math.isnan(value) else f"{value:.1f}"

    walked = line.status in ("computed", "withheld")
    counts = [str(line.steps[0]), str(line.steps[1]), str(line.valid)] if walked else ["", "", ""]
    flags = ", ".join(f"{name or 'unflagged'} {count}" for name, count in line.flags.most_common())
    return [line.name, line.status, *counts, number(line.kam1_nm), number(line.kam2_nm), flags, line.why]
