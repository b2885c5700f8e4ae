"""`labfeedback play`: a recording poured into LSL."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def play(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A walk: C3D, XDF, walk.trc+walk_grf.mot, or our own .h5.")
    ],
    loop: Annotated[
        bool,
        typer.Option(
            "--loop", help="Begin again at the end, until stopped; the walk jumps there, so those steps are withheld."
        ),
    ] = False,
    session: Annotated[str, typer.Option(help="Private LSL session; default: the whole network sees it.")] = "",
    rig: Annotated[str, typer.Option(help="Name the streams as this rig does. Default: the rig of the plates.")] = "",
    seconds: Annotated[float | None, typer.Option(help="Stop after so many seconds of the recording.")] = None,
    wait: Annotated[float, typer.Option(help="Wait at most so long until somebody listens; 0: begin at once.")] = 60.0,
    start_delay: Annotated[float, typer.Option(help="Pause after listeners came, for a hub to get ready, s.")] = 2.0,
) -> None:
    """Pour a recording into Lab Streaming Layer at its original timing."""
    from devices.recorded import run

    run(
        str(file),
        rig=rig,
        loop=loop,
        session=session,
        seconds=seconds,
        wait_s=wait,
        start_delay_s=start_delay,
        say=lambda text: typer.echo(text, err=True),
    )
