"""`labfeedback rehearse`: a visit with a simulated patient, by any protocol."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from labfeedback.errors import BadSetup

if TYPE_CHECKING:
    from rich.console import Console

    from labfeedback.protocol.schedule import Visit
    from labfeedback.study import Session
    from labfeedback.subject import Subject

FALLBACK: Final = "toe-in 5 deg"


def rehearse(
    protocol: Annotated[str, typer.Argument(help="A shipped protocol's name, or a .toml file.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="A study folder; made if it is not there.")],
    patient: Annotated[str, typer.Option(help="responder, nonresponder, noisy or slow-learner.")] = "responder",
    visit: Annotated[int, typer.Option(help="Which visit of the protocol.")] = 1,
    seed: Annotated[int, typer.Option(help="Another number, another patient and another drawn order.")] = 1,
    fast: Annotated[bool, typer.Option("--fast", help="In one process, as fast as it goes, without LSL.")] = False,
    side: Annotated[str, typer.Option(help="The trained leg: left or right.")] = "left",
    arm: Annotated[str, typer.Option(help="active or sham.")] = "active",
    target: Annotated[str, typer.Option(help="The change to train, such as 'toe-in 5 deg'.")] = "",
    truth: Annotated[
        Path | None, typer.Option(metavar="OUT.csv", help="What every step really was, as the walker knows it.")
    ] = None,
    subject: Annotated[str, typer.Option(help="Pseudonym; made from patient and seed when left out.")] = "",
    pain: Annotated[
        list[str] | None, typer.Option(metavar="L,R", help="Pain of left and right knee at each question, in order.")
    ] = None,
    headless: Annotated[bool, typer.Option("--headless", help="No window in a rehearsal in real time.")] = False,
) -> None:
    """Walk a protocol with a simulated patient and an operator that answers by itself; leaves recording and report."""
    from rich.console import Console

    from devices.walker.people import person
    from labfeedback.commands.visiting import conclude, introduce, make_visit, selection_for
    from labfeedback.exchange.outputs import check_outputs
    from labfeedback.protocol.aiming import parse_change
    from labfeedback.protocol_file import draw, load_protocol
    from labfeedback.study import label_of, open_study
    from labfeedback.subject import Subject

    document = load_protocol(protocol)
    check_outputs([("--truth", truth)])
    if side not in ("left", "right"):
        raise BadSetup(f"--side {side}: expected left or right")
    if arm not in ("active", "sham"):
        raise BadSetup(f"--arm {arm}: expected active or sham")
    ratings = tuple(_rating(text) for text in pain) if pain else ((2, 1),)
    if not 0 <= seed < 2**31:
        raise BadSetup(f"--seed {seed}: expected a whole number from 0 on")
    who = person(patient, seed)
    name = subject or f"{patient.replace('-', '')}{seed}"
    label_of(name)
    someone = Subject(
        id=name,
        mass_kg=who["mass_kg"],
        height_m=who["height_m"],
        sex="M",
        trained_side="left" if side == "left" else "right",
    )
    study = open_study(out, create=True)
    if study.allocation is not None:
        raise BadSetup(f"{out} is a blinded study of real visits; rehearse into another folder")
    console = Console(highlight=False)
    chosen, said = "", ""
    try:
        chosen, said = selection_for(document, study, name, side, verdict=None, target=target)
    except BadSetup:
        if study.verdict_of(name) is not None:
            raise
        chosen, said = FALLBACK, f"no assessment of {name} in {out}: rehearsed with {FALLBACK}"
    if chosen:
        amount = parse_change(chosen)
        earlier = visit - 1 if document.purpose == "training" else 6
        who = person(
            patient, seed, side=1 if side == "right" else -1, earlier=earlier,
            change_deg=0.0 if "sham" in (arm, document.arm) else amount,
        )  # fmt: skip
    if said:
        console.print(said[0].upper() + said[1:])
    made = make_visit(document, visit, side, chosen, draw(document, seed + 1000 * visit, study.order_of(name)), arm=arm)
    study.admit(someone, side)
    introduce(made, console)
    session = study.new_session(name, _task(document.purpose))
    remarks = [f"rehearsal: simulated patient {patient}, seed {seed}", *([said] if said else [])]
    if fast:
        _fast(made, who, someone, session, remarks, ratings, truth, console)
    else:
        _live(made, who, someone, session, remarks, ratings, truth, headless)
    conclude(session, console)
    if truth is not None:
        console.print(f"Truth: {truth}", soft_wrap=True)


def _task(purpose: str) -> str:
    from labfeedback.commands.visiting import TASKS

    return TASKS[purpose]


def _rating(text: str) -> tuple[int, int]:
    parts = text.split(",")
    if len(parts) != 2 or not all(part.strip().isdigit() and 0 <= int(part) <= 10 for part in parts):
        raise BadSetup(f"--pain {text}: expected two whole numbers 0 to 10, left and right, such as 3,1")
    return int(parts[0]), int(parts[1])


def _fast(
    made: Visit, who: dict[str, Any], someone: Subject, session: Session, remarks: list[str],
    ratings: tuple[tuple[int, int], ...], truth: Path | None, console: Console,
) -> None:  # fmt: skip
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from devices.simulated import Walk, layouts
    from devices.walker.truth import rows_of
    from labfeedback.engine.start import build_start
    from labfeedback.hub.begin import versions
    from labfeedback.markerset import load_marker_set
    from labfeedback.protocol.schedule import plan
    from labfeedback.rehearsal import PretendOperator, walk_fast
    from labfeedback.rig import load_rig

    rig = load_rig("simulated")
    walker = Walk(**who).walker()
    start = build_start(rig, someone, load_marker_set("simulated"), visit=made, versions=versions(), remarks=remarks)
    expected = sum(60.0 * (p.block.minutes or 0.0) + 1.1 * (p.block.steps or 0) for p in plan(made)) + 20.0
    began = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[at]}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("rehearsing", total=expected, at="")

        def show(now_s: float, visit: Any) -> None:
            bar.update(task, completed=min(now_s, expected), at=f"{now_s / 60:.1f} min  {visit.block.id}")

        went = walk_fast(
            start, layouts(walker, rig), walker, session.next_recording(),
            operator=PretendOperator(ratings), progress=show,
        )  # fmt: skip
    took = time.monotonic() - began
    console.print(
        f"{went.why[0].upper()}{went.why[1:]}: {went.seconds / 60:.1f} min of walking in {took:.0f} s, "
        f"{went.steps} steps, {went.steps_valid} with a valid moment."
    )
    console.print(f"Recording: {went.recording}", soft_wrap=True)
    if truth is not None:
        write_truth(truth, rows_of(walker.truth, 0.0), went.recording, walker.slopes)  # data time is its clock


def write_truth(path: Path, rows: list[dict[str, str]], recording: Path, slopes: tuple[float, float]) -> None:
    """The walker's truth with the block that each step fell into, and the person's slopes.

    rows: of `devices.walker.truth.rows_of`, with times on the recording's clock.
    """
    import csv

    from labfeedback.report.visited import read_visit

    spans = [(w.planned.id, w.planned.condition, w.began_s, w.ended_s) for w in read_visit([recording]).counted()]
    names = ("kam1_slope_pct_bwht_per_deg", "kam2_slope_pct_bwht_per_deg")
    persons = {name: f"{slope:.9g}" for name, slope in zip(names, slopes, strict=True)}
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, ["block", "condition", *(rows[0] if rows else ()), *names], restval="")
        table.writeheader()
        for row in rows:
            begin, end = float(row["start_lsl_s"]), float(row["end_lsl_s"])
            block, condition = next(((s[0], s[1]) for s in spans if s[2] <= begin and end <= s[3]), ("", ""))
            table.writerow({"block": block, "condition": condition, **row, **persons})


def _live(
    made: Visit, who: dict[str, Any], someone: Subject, session: Session, remarks: list[str],
    ratings: tuple[tuple[int, int], ...], truth: Path | None, headless: bool,
) -> None:  # fmt: skip
    import csv

    from devices.simulated import Walk
    from labfeedback.commands.visit_walk import AutoOperator, walk_visit
    from labfeedback.commands.visiting import walk_of
    from labfeedback.markerset import load_marker_set
    from labfeedback.rehearsal import PretendOperator
    from labfeedback.rig import load_rig

    os.environ.setdefault("LABFEEDBACK_LSL_SESSION", f"rehearse-{uuid.uuid4().hex[:8]}")
    name = uuid.uuid4().hex[:10]
    steps = session.folder / f".{uuid.uuid4().hex}.csv" if truth is not None else None
    walk = walk_of(
        made, load_rig("simulated"), someone, load_marker_set("simulated"), remarks, seconds=None, wait_s=60.0
    )
    recording = session.next_recording()
    try:
        walk_visit(
            walk, recording, headless=headless, operator=AutoOperator(PretendOperator(ratings)),
            devices=(_device(name, Walk(**who), steps),), session=name,
        )  # fmt: skip
        if truth is not None and steps is not None and steps.exists():
            with steps.open(newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            write_truth(truth, rows, recording, who["slope"])
    finally:
        if steps is not None:
            steps.unlink(missing_ok=True)


def _device(session: str, walk: Any, truth: Path | None) -> Callable[[Any], BaseProcess]:
    from labfeedback.process import spawn

    path = str(truth.absolute()) if truth is not None else None
    return lambda stop: spawn(f"{__name__}:walk_simulated", session, walk, path, stop, name="simulated patient")


def walk_simulated(session: str, walk: Any, truth: str | None, stop: Any) -> None:
    """The patient's process: walks until told to stop, and follows the cues of this session."""
    from devices.simulated import run

    run(walk, stop, session=session, truth=truth, wait=True)
