"""`labfeedback report`: reports of every visit in a study folder, and each person's course."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from labfeedback.errors import BadSetup, LabError


def report(
    folder: Annotated[Path, typer.Argument(metavar="STUDY", help="The study folder.")],
    subject: Annotated[str, typer.Option(help="Only this person.")] = "",
) -> None:
    """Make the reports of all visits again from their recordings, and one page for each person's course."""
    from rich.console import Console

    from labfeedback.report.course import make_course
    from labfeedback.study import label_of, open_study

    study, console = open_study(folder), Console(highlight=False)
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
                path = make_course(study, person, lambda text: console.print(text, soft_wrap=True))
                console.print(f"Course: {path}", soft_wrap=True)
            except LabError as error:
                failed.append(f"{person}: {error}")
            except Exception as error:  # one damaged visit must not cost the others their reports
                failed.append(f"{person}: a file of this person is damaged ({type(error).__name__}: {error})")
    if failed:
        raise BadSetup("; ".join(failed))
