"""`labfeedback report`: reports of every visit in a study folder, and each person's course."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labfeedback.errors import BadSetup, LabError

if TYPE_CHECKING:
    from rich.console import Console

    from labfeedback.study import Study


def report(
    folder: Annotated[Path, typer.Argument(metavar="STUDY", help="The study folder.")],
    subject: Annotated[str, typer.Option(help="Only this person.")] = "",
    allocation: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Of a blinded study: the whole reports, into a folder beside this file."),
    ] = None,
) -> None:
    """Make the reports of all visits again from their recordings, and one page for each person's course."""
    from rich.console import Console

    from labfeedback.report.course import make_course
    from labfeedback.study import label_of, open_study

    study, console = open_study(folder), Console(highlight=False)
    into = _into(study.allocation, allocation)
    blinded = study.allocation is not None and into is None
    people = [one["participant_id"].removeprefix("sub-") for one in study.people()]
    if subject:
        if label_of(subject) not in people:
            raise BadSetup(f"{folder} has no {subject}; there are {', '.join(people) or 'none'}")
        people = [label_of(subject)]
    if not people:
        raise BadSetup(f"{folder} has no people yet; 'visit' and 'rehearse' enter them")
    failed: list[str] = []
    with console.status("reading recordings ..."):
        for person in people:
            try:
                if blinded:
                    _of_the_operator(study, person, console)
                    continue
                path = make_course(study, person, lambda text: console.print(text, soft_wrap=True), into)
                console.print(f"Course: {path}", soft_wrap=True)
            except LabError as error:
                failed.append(f"{person}: {error}")
            except Exception as error:  # one damaged visit must not cost the others their reports
                failed.append(f"{person}: a file of this person is damaged ({type(error).__name__}: {error})")
    if failed:
        raise BadSetup("; ".join(failed))


def _into(kept: Path | None, given: Path | None) -> Path | None:
    """Where whole reports of a blinded study go. Raises BadSetup for the file of another study."""
    from labfeedback import allocation
    from labfeedback.commands.allocate import unblinded

    if given is None:
        return None
    if kept is None:
        raise BadSetup("this study is not blinded: leave --allocation out")
    allocation.read(given)
    if not kept.exists() or not given.samefile(kept):
        raise BadSetup(f"{given} is not this study's allocation, which is {kept}")
    return unblinded(given)


def _of_the_operator(study: Study, person: str, console: Console) -> None:
    from labfeedback.report.make import make_reports

    for session in study.sessions(person):
        if session.recordings():
            for line in make_reports(session).lines:
                console.print(line, soft_wrap=True)
