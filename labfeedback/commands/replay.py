"""`labfeedback replay`: recompute visits from their recordings."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labfeedback.errors import LabError

if TYPE_CHECKING:
    from labfeedback.recording.reader import Recording
    from labfeedback.records import Rows
    from labfeedback.replay import Replayed, Verdict


def replay(
    visits: Annotated[
        list[Path], typer.Argument(metavar="VISIT.h5...", help="Recordings, finished or left by a crash.")
    ],
    check: Annotated[bool, typer.Option("--check", help="Compare with the stored rows, byte for byte.")] = False,
    ignore_digest: Annotated[
        bool, typer.Option("--ignore-digest", help="Go on although the stored input is not what was recorded.")
    ] = False,
    steps: Annotated[Path | None, typer.Option(metavar="OUT.csv", help="Write one line per step.")] = None,
) -> None:
    """Compute visits' frames, steps, cues and events again from their recorded input.

    --check: ends with 0 when they equal the stored ones, 1 when rows differ, 2 when the input is damaged, 3 when
    another version of the engine computed the stored ones; of several visits the highest counts. Times in the table
    and in OUT.csv count from the first marker frame, on the lab's clock; of several visits OUT.csv has a column `file`.
    """
    from labfeedback.exchange.outputs import check_outputs

    check_outputs([("--steps", steps)], visits)
    several = len(visits) > 1
    found: list[tuple[str, Rows, float, dict[str, str]]] = []
    worst = 0
    for visit in visits:
        if several:
            typer.echo(f"{visit}:")
        try:
            verdict, said = _one(visit, check=check, ignore_digest=ignore_digest)
        except LabError as error:
            if not several:
                raise
            typer.echo(str(error), err=True)
            worst = max(worst, error.exit_code)
            continue
        if verdict.replayed is not None:
            _show(verdict.replayed, table=not check)
            found.append((str(visit), verdict.replayed.tables["steps"], verdict.replayed.t0, said))
        for sentence in verdict.sentences:
            typer.echo(sentence)
        worst = max(worst, verdict.exit_code)
    if steps is not None and found:
        from labfeedback.exchange.steps_csv import write_steps, write_steps_of_files

        if several:
            write_steps_of_files(steps, found)
        else:
            write_steps(steps, *found[0][1:])
    raise typer.Exit(worst)


def _one(visit: Path, *, check: bool, ignore_digest: bool) -> tuple[Verdict, dict[str, str]]:
    """The verdict, and by name what the moments were computed with."""
    from labfeedback import replay as replaying
    from labfeedback.recording.reader import Recording

    with Recording.open(visit) as recording:
        if check:
            verdict = replaying.check(recording, ignore_digest=ignore_digest)
            return verdict, _basis(recording) if verdict.replayed else {}
        damaged = [] if ignore_digest else replaying.damage(recording)
        if damaged:
            advice = "Copy the file again from where it was recorded, or replay it all the same with --ignore-digest."
            return replaying.Verdict(replaying.DAMAGED, [*damaged, advice]), {}
        replayed = replaying.recompute(recording)
        said = [f"The engine stopped before the end: {replayed.failure}"] if replayed.failure else []
        return replaying.Verdict(replaying.EQUAL, said, replayed), _basis(recording)


def _basis(recording: Recording) -> dict[str, str]:
    from labfeedback.engine.start import basis, parse_start

    setup = parse_start(recording.start)
    return basis(setup.settings, setup.subject.sex)


def _show(replayed: Replayed, *, table: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    from labfeedback.commands.operator import toe_words
    from labfeedback.records import SIDE_NAMES, flag_names

    rows = replayed.tables["steps"]
    if table:
        out = Table(title="Steps (times from the first marker frame)")
        for title in ("step", "foot", "start s", "end s", "foot angle, deg", "KAM1 Nm", "KAM2 Nm", "KFM Nm", "flags"):
            out.add_column(title, justify="left" if title in ("foot", "flags") else "right")
        for row in rows:
            angle = "" if math.isnan(row["fpa_deg"]) else toe_words(float(row["fpa_deg"])).replace("toe-", "")
            flank = "~" if row["kam_valid"] and not row["kam2_is_peak"] else ""
            numbers = [angle, _number(row["kam1_nm"]), _number(row["kam2_nm"]) + flank, _number(row["kfm_nm"])]
            times = [f"{row[name] - replayed.t0:.3f}" for name in ("start_s", "end_s")]
            side = SIDE_NAMES.get(int(row["side"]), "?")
            out.add_row(str(row["step"]), side, *times, *numbers, flag_names(int(row["flags"])))
        if ((rows["kam_valid"] == 1) & (rows["kam2_is_peak"] == 0)).any():
            out.caption = "~ no true second peak: value at the border of the window"
        Console().print(out)
    speed = replayed.span_s / replayed.took_s if replayed.took_s > 0 else 0.0
    typer.echo(
        f"{len(rows)} steps in {replayed.span_s:.1f} s of walking, computed in {replayed.took_s:.2f} s "
        f"({speed:.0f} times real time)."
    )


def _number(value: float) -> str:
    return "" if value != value else f"{value:.2f}"
