"""`labfeedback override`: the operator's own choice of a target."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from labfeedback.errors import BadSetup


def override(
    study: Annotated[Path, typer.Argument(metavar="STUDY", help="The study folder.")],
    subject: Annotated[str, typer.Option(help="Pseudonym.")],
    change: Annotated[str, typer.Option(help="'toe-in 5 deg', 'toe-out 10 deg' or 'natural'; at most 15 deg.")],
    reason: Annotated[str, typer.Option(help="Why; kept with the verdict and printed in every report.")],
) -> None:
    """Keep a choice of one's own beside the verdict of the newest assessment; the verdict itself stays as it is."""
    from labfeedback.report.verdict import overridden, write_verdict
    from labfeedback.study import open_study

    folder = open_study(study)
    if folder.allocation is not None:
        raise BadSetup(
            "this study is blinded: whoever keeps the allocation decides, with 'labfeedback allocate --change --reason'"
        )
    found = folder.verdict_of(subject)
    if found is None:
        raise BadSetup(f"{study} has no verdict of {subject}; there is nothing to override")
    path, text = found
    stem = path.name.removesuffix("_verdict.json").split("_override")[0]
    number = len(list(path.parent.glob(f"{stem}_override*_verdict.json"))) + 1
    target = path.with_name(f"{stem}_override{number:02d}_verdict.json")
    write_verdict(target, overridden(text, change, reason))
    typer.echo(f"{target}: {subject} trains {change} instead of '{text['verdict']}'. Reason: {reason}")
