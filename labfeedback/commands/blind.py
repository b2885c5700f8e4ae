"""`labfeedback blind`: from now on this study's operators see neither loads nor angles nor arms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from labfeedback.errors import BadSetup


def blind(
    study: Annotated[Path, typer.Argument(metavar="STUDY", help="The study folder; made if it is not there.")],
    allocation: Annotated[
        Path, typer.Option(metavar="FILE", help="The allocation file, outside the study folder; made if not there.")
    ],
) -> None:
    """For whoever keeps the allocation, before the first visit. The operator must not hold this role.

    Operators then see deviation from the target only; arm and target come from the allocation file, and the report that
    they get tells neither. Nothing is encrypted: recordings hold everything, so keep operators from analysing them.
    """
    from labfeedback import allocation as kept
    from labfeedback.study import open_study

    folder = open_study(study, create=True)
    there = allocation.exists()
    kept.begin(allocation)
    try:
        folder.blind(allocation)
    except BadSetup:
        if not there:
            allocation.unlink()
        raise
    typer.echo(f"{study} is blinded for its operators. Allocation: {allocation}")
    typer.echo(f"Next: labfeedback allocate {allocation} --subject S01 --arm active --change 'toe-in 5 deg'")
