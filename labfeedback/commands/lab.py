"""`labfeedback lab`: the operator's window, from the check to the report; what a desktop icon runs."""

from __future__ import annotations

import multiprocessing
import tempfile
import time
import uuid
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from labfeedback.errors import BadSetup, LabError

LOOK_S: Final = 0.05
REPORT_PATIENCE_S: Final = 120.0


def lab(
    study: Annotated[Path | None, typer.Option(metavar="DIR", help="The study folder to begin with.")] = None,
    rig: Annotated[str, typer.Option(help="The rig to begin with.")] = "",
    markers: Annotated[str, typer.Option(help="The marker set to begin with.")] = "",
    light: Annotated[bool, typer.Option("--light", help="Dark words on a light ground.")] = False,
    headless: Annotated[bool, typer.Option("--headless", help="The patient's screen without a window.")] = False,
) -> None:
    """Open the operator's window and stay until it is closed; each visit is run from there."""
    from labfeedback.asked import Asked
    from labfeedback.commands.walking import can_show
    from labfeedback.desk import Desk

    no_screen = can_show(headless, typer.echo)
    last = {"study": str(study or ""), "rig": rig, "markers": markers}
    desk = Desk(choices(last), headless=no_screen, dark=not light)
    with Asked() as asked:
        desk.begin()
        try:
            while not desk.closed and not asked.times:
                serve(desk, asked, headless=no_screen)
                time.sleep(LOOK_S)
        finally:
            desk.close()


def choices(last: dict[str, Any]) -> dict[str, Any]:
    """What there is to choose from, and what was chosen last."""
    from labfeedback.protocol_file import load_protocol, shipped
    from labfeedback.rig import shipped as of_devices

    folder = Path(tempfile.gettempdir()) / f"labfeedback-desk-{uuid.uuid4().hex[:8]}"
    turns = [
        name for name in shipped()
        if any(b.feedback is not None and b.feedback.variable == "fpa" for b in load_protocol(name).blocks)
    ]  # fmt: skip
    return {
        "rigs": list(of_devices("rigs")), "markers": list(of_devices("markersets")), "protocols": list(shipped()),
        "turns": turns, "last": last, "check_file": f"{folder}.check.json", "calibration_file": f"{folder}.cal.json",
    }  # fmt: skip


def serve(
    desk: Any, asked: Any, *, headless: bool, devices: tuple[Callable[[Any], BaseProcess], ...] = (), session: str = ""
) -> None:
    """Do what the window asked for, one thing at a time."""
    desk.work()
    while desk.asked:
        command = desk.asked.popleft()
        try:
            if command["do"] == "begin":
                run_visit(desk, command, asked, headless=headless, devices=devices, session=session)
            elif command["do"] == "another":
                desk.offer({**desk.choices["last"], **_chosen(desk)})
                desk.page("start")
            elif command["do"] == "override verdict":
                _override(desk, command)
        except LabError as error:
            desk.refuse(str(error))


def _chosen(desk: Any) -> dict[str, Any]:
    chosen: dict[str, Any] = desk.choices.get("chosen", {})
    return chosen


def run_visit(
    desk: Any, chosen: dict[str, Any], asked: Any, *, headless: bool, devices: tuple[Any, ...] = (), session: str = ""
) -> None:
    """One visit from the window's choices to its report. Raises LabError when it cannot begin."""
    from labfeedback.commands.visit import prepared
    from labfeedback.commands.visit_walk import screen_side
    from labfeedback.commands.walking import screen_of
    from labfeedback.lab import Lab

    desk.choices["chosen"] = {k: v for k, v in chosen.items() if k not in ("do", "check")}
    check = Path(chosen["check"]) if chosen.get("check") else None
    if check is None or not check.exists():
        raise BadSetup("run the check first: nobody walks before it is ready")
    ready = prepared(
        protocol=chosen["protocol"], subject=Path(chosen["subject"]), study=Path(chosen["study"]), rig=chosen["rig"],
        markers=chosen["markers"], visit=int(chosen["visit"]), side=chosen["side"] or None,
        target=chosen.get("target", ""), check=check,
        calibration=Path(chosen["calibration"]) if chosen.get("calibration") else None,
    )  # fmt: skip
    visit, place = ready.visit, ready.session
    recording = place.next_recording()
    name = session or uuid.uuid4().hex[:10]
    pictures = recording.with_name(recording.stem + "_pictures") if headless else None
    sees = screen_side(ready.walk)
    screen = screen_of(ready.walk, sees, headless, pictures)
    heading = f"{ready.person}: {visit.document.title}, visit {visit.number}, {visit.side.upper()} leg"
    desk.page("walk", heading=heading, session=name, recording=str(recording), side=visit.side,
              sees=sees, screen=ready.walk["rig"]["screen"])  # fmt: skip
    one = Lab(ready.walk, recording, desk, screen=screen, devices=devices, session=name, asked=asked)
    desk.lab_command = one.command
    try:
        ending = one.run()
    finally:
        desk.lab_command = None
    if ending.recording is None:
        if place.folder.is_dir() and not any(place.folder.iterdir()):
            place.folder.rmdir()
        desk.page("start")
        raise BadSetup(f"{ending.why}. Nothing was recorded")
    found = reported(place.folder, place.stem)
    due = ""
    if visit.document.purpose == "training" and visit.number < visit.document.visits:
        due = f"visit {visit.number + 1} of {visit.document.visits}, in about a week"
    desk.conclude(why=ending.why, next=due, **found)


def reported(folder: Path, stem: str) -> dict[str, Any]:
    """Make the reports in a process of their own: the parent of walks never loads HDF5."""
    from labfeedback.process import spawn

    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = spawn(f"{__name__}:make_them", theirs, str(folder), stem, name="reports")
    theirs.close()
    try:
        if ours.poll(REPORT_PATIENCE_S):
            found: dict[str, Any] = ours.recv()
            return found
    except (EOFError, OSError):
        pass
    finally:
        process.join(5.0)
        if process.is_alive():
            process.kill()
        ours.close()
    return {"lines": ["no report could be made; the recording is whole: labfeedback report makes it again"]}


def make_them(pipe: Any, folder: str, stem: str) -> None:
    """In the process of `reported`."""
    import json
    import re

    from labfeedback.report.make import make_reports
    from labfeedback.study import Session

    match = re.fullmatch(r"sub-([A-Za-z0-9]+)_ses-(\d+)_task-([a-z]+)", stem)
    assert match is not None
    session = Session(Path(folder).parent.parent, match[1], int(match[2]), match[3])
    try:
        lines = make_reports(session)
    except LabError as error:
        pipe.send({"lines": [f"no report: {error}"]})
        return
    verdict = session.file("verdict.json")
    pipe.send(
        {
            "lines": lines,
            "numbers": in_short(json.loads(session.file("report.json").read_text(encoding="utf-8"))),
            "report": str(session.file("report.html")),
            "verdict": json.loads(verdict.read_text(encoding="utf-8")) if verdict.exists() else None,
        }
    )


def in_short(report: dict[str, Any]) -> list[str]:
    """The few numbers that an operator tells the patient."""
    steps, training = report["steps"][report["side"]], report["training"]
    valid = 100.0 * steps["moment_valid"] / max(1, steps["counted"])
    out = [f"{report['walked_minutes']:.0f} minutes walked, {valid:.0f} % of the steps with a valid moment"]
    for kind, words in (("training", "with feedback"), ("retention", "on their own")):
        if kind in training:
            out.append(f"{100 * training[kind]['in_band']:.0f} % of the steps in the band {words}")
    if report["pain"]:
        first, last = report["pain"][0], report["pain"][-1]
        out.append(
            f"Pain left / right: {first['left']} / {first['right']} at first, {last['left']} / {last['right']} now"
        )
    return out


def _override(desk: Any, command: dict[str, Any]) -> None:
    from labfeedback.commands.override import override
    from labfeedback.subject import load_subject

    chosen = _chosen(desk)
    override(Path(chosen["study"]), load_subject(Path(chosen["subject"])).id, command["change"], command["reason"])
    desk({"kind": "note", "text": f"target overridden: {command['change']} ({command['reason']})", "loud": True})
