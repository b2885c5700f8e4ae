"""`labfeedback demo`: a simulated patient walks through the whole lab on this computer."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from labfeedback.asked import Asked
from labfeedback.errors import LabError

if TYPE_CHECKING:
    from labfeedback.desk import Desk
    from labfeedback.lab import Ending

LAST_PAGE_S: Final = 120.0  # then a demo that nobody looks at ends by itself
MASS_KG: Final = 75.0
HEIGHT_M: Final = 1.70
NATURAL_DEG: Final = (6.0, 7.2)  # right, left; toe-out


def demo(
    headless: Annotated[bool, typer.Option("--headless", help="No window: pictures of the screen instead.")] = False,
    seconds: Annotated[float, typer.Option(help="How long the patient walks.")] = 90.0,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where everything goes.")] = Path("labfeedback-demo"),
    truth: Annotated[
        Path | None, typer.Option(metavar="OUT.csv", help="Write what every step really was, as the walker knows it.")
    ] = None,
    baseline_seconds: Annotated[float, typer.Option(help="Natural walking before feedback begins.")] = 20.0,
    seed: Annotated[int, typer.Option(help="Another number, another patient.")] = 1,
    calibration: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A calibration of 'demo' in the rig simulated."),
    ] = None,
) -> None:
    """The whole lab on this computer: simulated patient, real streams, hub, patient's screen, recorder, operator.

    The left foot is trained towards 5 deg toe-in from its own angle; the simulated patient sees the cues and learns.
    Ends with the recording, a table of the steps, pictures of the screen and a plot of foot angle and knee moment.
    """
    from labfeedback.commands.run import check_seconds, training_of
    from labfeedback.commands.walking import can_show, walk_to_the_end
    from labfeedback.exchange.outputs import check_outputs
    from labfeedback.markerset import load_marker_set
    from labfeedback.rig import load_rig
    from labfeedback.subject import Subject

    check_seconds(seconds)
    training = training_of("left", 5.0, None, "baseline", baseline_seconds, 2.0)
    check_outputs([("--truth", truth)])
    if seconds < baseline_seconds + 10:
        typer.echo(
            f"{seconds:g} s are short after {baseline_seconds:g} s of natural walking: there will be little feedback"
        )
    # A demo must neither see the lab's real streams nor be seen by them; every child inherits this.
    os.environ.setdefault("LABFEEDBACK_LSL_SESSION", f"demo-{uuid.uuid4().hex[:8]}")
    session = uuid.uuid4().hex[:10]
    patient = Subject(id="demo", mass_kg=MASS_KG, height_m=HEIGHT_M, sex="M", trained_side="left")
    rig, marker_set = load_rig("simulated"), load_marker_set("simulated")
    calibrated = None
    if calibration is not None:
        from labfeedback.commands.calibrated import usable

        calibrated = usable(calibration, marker_set, rig, patient)
    walk = {
        "rig": rig.model_dump(mode="json"),
        "subject": patient.model_dump(mode="json"),
        "marker_set": marker_set.model_dump(mode="json"),
        "training": training,
        "static": None,
        "calibration": calibrated.model_dump(mode="json") if calibrated else None,
        "seconds": seconds,
        "wait_s": 60.0,
    }
    headless = can_show(headless, typer.echo)
    desk = None if headless else _desk(walk, session)
    try:
        ending = walk_to_the_end(
            walk, out=out, headless=headless, pictures=True, devices=(_patient(session, seed, truth),),
            session=session, desk=desk,
        )  # fmt: skip
        if ending.recording is None:
            raise LabError("the walk left no recording; what the recorder said stands above")
        from labfeedback.commands.summary import show_summary

        if desk is not None:
            desk.page("wait", text="The walk is over. Making the plot ...")
        plot = show_summary(ending.recording, out)
        if truth is not None:
            typer.echo(f"Truth: {truth}")
        if desk is not None and not ending.why.startswith("ended by"):
            _last_page(desk, ending, plot, out)
    finally:
        if desk is not None:
            desk.close()


def _desk(walk: dict[str, Any], session: str) -> Desk:
    """The operator's window beside the patient's screen."""
    from labfeedback.desk import Desk

    desk = Desk({})
    heading = "Demo: a simulated patient, LEFT foot, learns to turn the toes 5 deg in from the own angle"
    desk.page("walk", heading=heading, session=session, side="left", sees="left", screen=walk["rig"]["screen"])
    desk.begin()
    return desk


def _last_page(desk: Desk, ending: Ending, plot: Path | None, out: Path) -> None:
    """What came of it, until the window is closed."""
    lines = [f"Recording: {ending.recording}", f"Pictures of the patient's screen: {out / 'pictures'}"]
    valid = f"{ending.steps} steps, {ending.steps_valid} with a valid moment"
    desk.conclude(why=ending.why, numbers=[valid], lines=lines, report=str(plot or ""), last=True)
    typer.echo("The operator's window stays until it is closed (or Ctrl+C).")
    end = time.monotonic() + LAST_PAGE_S
    with Asked() as asked:
        while not desk.closed and not asked.times and time.monotonic() < end:
            desk.work()
            time.sleep(0.05)


def _patient(session: str, seed: int, truth: Path | None) -> Callable[[Any], BaseProcess]:
    from labfeedback.process import spawn

    path = str(truth.absolute()) if truth is not None else None
    return lambda stop: spawn(f"{__name__}:walk_simulated", session, seed, path, stop, name="simulated patient")


def walk_simulated(session: str, seed: int, truth: str | None, stop: Any) -> None:
    """The patient's process: walks until told to stop, and learns from the cues of this session."""
    from devices.simulated import Walk, run

    walk = Walk(seed=seed, mass_kg=MASS_KG, height_m=HEIGHT_M, natural_fpa_deg=NATURAL_DEG)
    run(walk, stop, session=session, truth=truth)
