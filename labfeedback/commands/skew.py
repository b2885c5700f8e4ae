"""`labfeedback skew`: how far the plates' clock is from the cameras', from a recorded stamp trial."""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labfeedback.commands.run import Side
from labfeedback.errors import BadFile, BadSetup

if TYPE_CHECKING:
    from labfeedback.engine.skew import Skew
    from labfeedback.rig import Rig

_WORTH_S = 0.001


def skew(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A recorded stamp trial: C3D, XDF, or two files.")],
    side: Annotated[Side, typer.Option(help="The foot that stamped.")],
    rig: Annotated[str, typer.Option(help="The lab: a shipped name or a TOML file.")],
    markers: Annotated[str, typer.Option(help="The marker set: a shipped name or a TOML file.")],
    date: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="Day of the trial. Default: of the file.")] = "",
    save: Annotated[bool, typer.Option("--save", help="Write it into the rig's TOML file.")] = False,
) -> None:
    """Measure how much later force stamps are than marker stamps.

    Stamp six to ten times with one foot, heel first, a second apart. A walk does not do: its heels stop 10-20 ms before
    the force rises, differently in every person.
    """
    from labfeedback.analysis.stamp import skew_of
    from labfeedback.exchange.read import read_trial
    from labfeedback.markerset import load_marker_set
    from labfeedback.rig import load_rig

    the_rig, marker_set = load_rig(rig), load_marker_set(markers)
    if save and not Path(rig).is_file():
        raise BadSetup(f"--save: {rig!r} is a shipped rig; copy it to a file of your own and give that with --rig")
    found = skew_of(read_trial(file), the_rig, marker_set, 1 if side.value == "right" else -1)
    day = date or datetime.date.fromtimestamp(file.stat().st_mtime if file.exists() else 0).isoformat()
    for line in _lines(found, the_rig):
        typer.echo(line)
    block = (  # what the rig's other numbers were is kept with it: when they change, the trial is asked for again
        f'[sync]\ndate = "{day}"\nskew_s = {found.skew_s:.5f}\nspread_s = {found.spread_s:.5f}\n'
        f"contacts = {len(found.contacts)}\n"
        f'rig = "{the_rig.timing_hash}"\n'
    )
    if not save:
        typer.echo(f"To apply it, put this into the rig's file (or --save):\n\n{block}")
        return
    if found.spread_s > _WORTH_S:
        raise BadFile(
            f"not saved: the stamps scatter too much ({1000 * found.spread_s:.1f} ms): stamp more, and harder"
        )
    path = Path(rig)
    text = re.sub(r"(?ms)^\[sync\]\n.*?(?=^\[|\Z)", "", path.read_text(encoding="utf-8")).rstrip() + "\n\n" + block
    path.write_text(text, encoding="utf-8")
    load_rig(rig)
    typer.echo(f"written into {path}")


def _lines(found: Skew, rig: Rig) -> list[str]:
    way = "later" if found.skew_s >= 0 else "earlier"
    milliseconds = ", ".join(f"{1000 * one:+.1f}" for one in found.contacts)
    applied = rig.force_latency_s
    return [
        f"force stamps are {1000 * abs(found.skew_s):.1f} ms {way} than marker stamps, known to "
        f"{1000 * found.spread_s:.1f} ms, from {len(found.contacts)} stamps ({milliseconds} ms; correlation "
        f"{found.alike:.2f})",
        f"this rig takes {1000 * applied:.1f} ms off the force stamps now: what is left is "
        f"{1000 * (found.skew_s - applied):+.1f} ms",
    ]
