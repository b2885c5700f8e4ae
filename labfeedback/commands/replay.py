"""`labfeedback replay`: recompute a visit from its recording."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from labfeedback.replay import Replayed


def replay(
    visit: Annotated[Path, typer.Argument(metavar="VISIT.h5", help="A recording, finished or left by a crash.")],
    check: Annotated[bool, typer.Option("--check", help="Compare with the stored rows, byte for byte.")] = False,
    ignore_digest: Annotated[
        bool, typer.Option("--ignore-digest", help="Go on although the stored input is not what was recorded.")
    ] = False,
    steps: Annotated[Path | None, typer.Option(metavar="OUT.csv", help="Write one line per step.")] = None,
) -> None:
    """Compute a visit's frames, steps, cues and events again from its recorded input.

    --check: ends with 0 when they equal the stored ones, 1 when rows differ, 2 when the input is damaged, 3 when
    another version of the engine computed the stored ones. Times in the table and in OUT.csv count from the first
    marker frame, on the lab's clock.
    """
    from labfeedback import replay as replaying
    from labfeedback.recording.reader import Recording

    with Recording.open(visit) as recording:
        if check:
            verdict = replaying.check(recording, ignore_digest=ignore_digest)
        else:
            damaged = [] if ignore_digest else replaying.damage(recording)
            if damaged:
                advice = (
                    "Copy the file again from where it was recorded, or replay it all the same with --ignore-digest."
                )
                verdict = replaying.Verdict(replaying.DAMAGED, [*damaged, advice])
            else:
                replayed = replaying.recompute(recording)
                said = [f"The engine stopped before the end: {replayed.failure}"] if replayed.failure else []
                verdict = replaying.Verdict(replaying.EQUAL, said, replayed)
    if verdict.replayed is not None:
        _show(verdict.replayed, table=not check)
        if steps is not None:
            from labfeedback.exchange.steps_csv import write_steps

            write_steps(steps, verdict.replayed.tables["steps"], verdict.replayed.t0)
    for sentence in verdict.sentences:
        typer.echo(sentence)
    raise typer.Exit(verdict.exit_code)


def _show(replayed: Replayed, *, table: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    from labfeedback.records import SIDE_NAMES, flag_names

    rows = replayed.tables["steps"]
    if table:
        out = Table(title="Steps (times from the first marker frame)")
        for title in ("step", "foot", "start s", "end s", "FPA deg", "KAM1 Nm", "KAM2 Nm", "KFM Nm", "flags"):
            out.add_column(title, justify="left" if title in ("foot", "flags") else "right")
        for row in rows:
            numbers = [_number(row[name]) for name in ("fpa_deg", "kam1_nm", "kam2_nm", "kfm_nm")]
            times = [f"{row[name] - replayed.t0:.3f}" for name in ("start_s", "end_s")]
            side = SIDE_NAMES.get(int(row["side"]), "?")
            out.add_row(str(row["step"]), side, *times, *numbers, flag_names(int(row["flags"])))
        Console().print(out)
    speed = replayed.span_s / replayed.took_s if replayed.took_s > 0 else 0.0
    typer.echo(
        f"{len(rows)} steps in {replayed.span_s:.1f} s of walking, computed in {replayed.took_s:.2f} s "
        f"({speed:.0f} times real time)."
    )


def _number(value: float) -> str:
    return "" if value != value else f"{value:.2f}"
