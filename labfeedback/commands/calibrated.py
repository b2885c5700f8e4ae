"""A saved calibration before a walk: whose it is, and what the operator must accept."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from labfeedback.errors import BadSetup

if TYPE_CHECKING:
    from labfeedback.engine.start import Calibration
    from labfeedback.markerset import MarkerSet
    from labfeedback.rig import Rig
    from labfeedback.subject import Subject


def usable(
    path: Path, marker_set: MarkerSet, rig: Rig, person: Subject, *, another_day: str = "", today: str = ""
) -> Calibration:
    """The calibration in `path` for this person, marker set and rig, today (ISO day; empty: by the clock).

    One of another day is asked about: at a terminal with yes or no, else with the reason `another_day`, and that is
    kept in its remarks. Raises LabError where it is another's, or was not accepted.
    """
    from labfeedback.calibration_file import load
    from labfeedback.engine.calibration import of_another_day, refuse_misfit

    calibration = load(path)
    remarks = refuse_misfit(calibration, marker_set, rig, person, where=str(path))
    old = of_another_day(calibration, today or datetime.date.today().isoformat(), str(path))
    for said in (*remarks, *([old] if old else [])):
        typer.echo(f"Note: {said}", err=True)
    if old:
        reason = another_day.strip()
        if not reason and sys.stdin.isatty():
            reason = "yes, at the terminal" if typer.confirm("Use it all the same?", default=False) else ""
        if not reason:
            raise BadSetup(f'{old}. Record a static trial today, or say --another-day "REASON"')
        remarks.append(f"{old}; accepted: {reason}")
    return calibration.model_copy(update={"remarks": (*calibration.remarks, *remarks)})
