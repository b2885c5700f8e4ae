"""`labfeedback allocate`: what each person of a blinded study trains; for whoever keeps the allocation."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labfeedback.errors import BadSetup

if TYPE_CHECKING:
    from labfeedback.allocation import Allocated


def allocate(
    allocation: Annotated[Path, typer.Argument(metavar="FILE", help="The allocation file of 'labfeedback blind'.")],
    subject: Annotated[str, typer.Option(help="Pseudonym.")] = "",
    arm: Annotated[str, typer.Option(help="active or sham, as your trial's list says.")] = "",
    change: Annotated[str, typer.Option(help="'toe-in 5 deg' ..., or what the assessment chose with --study.")] = "",
    study: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Take the change from the person's assessment in this study.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; needed when the person has a row already.")] = "",
    show: Annotated[bool, typer.Option("--show", help="Print all rows. Not where an operator can see it.")] = False,
) -> None:
    """Allocate one person to an arm, with the change to train; or show all rows.

    A row is added, never written over; the newest one of a person counts.
    """
    from labfeedback import allocation as kept
    from labfeedback.study import label_of

    if show:
        if subject or arm or change or study:
            raise BadSetup("--show goes alone")
        _show(kept.read(allocation))
        return
    if not subject or not arm:
        raise BadSetup("give --subject and --arm, or --show")
    label_of(subject)
    if bool(change) == (study is not None):
        raise BadSetup("give one of --change 'toe-in 5 deg' and --study DIR (what the assessment chose)")
    said = reason
    if study is not None:
        change, where = chosen_in(study, allocation, subject)
        said = f"{where}{f'; {reason}' if reason else ''}"
    now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    row = kept.allocated(subject, arm, change, said, now)
    if study is not None and not reason and any(one.subject == subject for one in kept.read(allocation)):
        raise BadSetup(f"{subject} is allocated already; to change that, give --reason: both rows are kept")
    kept.add(allocation, row)
    typer.echo(f"{subject}: arm {row.arm}, {row.change}")


def chosen_in(study: Path, allocation: Path, subject: str) -> tuple[str, str]:
    """(the change, its verdict's file), from the reports made beside the allocation. Raises BadSetup."""
    from labfeedback.report.make import make_reports
    from labfeedback.study import Study, change_of, open_study

    folder, mine = open_study(study), Study(unblinded(allocation))
    for session in folder.sessions(subject):
        if session.task == "assessment" and session.recordings():
            make_reports(session, mine.folder)
    found = mine.verdict_of(subject)
    if found is None:
        raise BadSetup(f"{study} has no finished assessment of {subject}; give --change")
    path, text = found
    return change_of(path, text, subject, str(text["side"])), path.name


def unblinded(allocation: Path) -> Path:
    """The folder of whole reports: beside the allocation, where only those look who may know."""
    return allocation.absolute().parent / f"{allocation.stem}_reports"


def _show(rows: list[Allocated]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in ("person", "arm", "change", "made", "reason"):
        table.add_column(name)
    for row in rows:
        table.add_row(row.subject, row.arm, row.change, row.made, row.reason)
    Console(highlight=False).print(table)
