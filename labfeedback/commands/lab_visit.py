"""One visit of `labfeedback lab`: from the window's choices to its report."""

from __future__ import annotations

import contextlib
import re
import shutil
import time
import uuid
from pathlib import Path
from typing import Any, Final

from labfeedback.aside import Aside
from labfeedback.errors import BadSetup, LabError

PREPARE_PATIENCE_S: Final = 180.0  # a visit that goes on is computed again up to where it was cut off
REPORT_PATIENCE_S: Final = 180.0
SCRATCH: Final = "labfeedback-desk-"  # files of the start page before the person has a folder
TRAINING: Final = "training_fpa, visit 1, in about a week"
NO_TRAINING: Final = "no training of the foot angle; talk about what else may help"


def run_visit(
    desk: Any, chosen: dict[str, Any], asked: Any, *, headless: bool, devices: tuple[Any, ...] = (), session: str = ""
) -> None:
    """One visit. desk: the window's. Raises LabError when it cannot begin."""
    from labfeedback.commands.visit_walk import pictures_of, screen_side
    from labfeedback.commands.walking import screen_of
    from labfeedback.lab import Lab

    if not chosen.get("check") or not Path(chosen["check"]).exists():
        raise BadSetup("run the check first: nobody walks before it is ready")
    ready = Aside(f"{__name__}:prepare", chosen=chosen).answer(PREPARE_PATIENCE_S, desk.work)
    visit, place = ready.visit, ready.session
    if desk.closed:
        _leave(place.folder)
        raise BadSetup("the window was closed before the visit began. Nothing was recorded")
    recording = place.next_recording()
    name = session or uuid.uuid4().hex[:10]
    sees = screen_side(ready.walk)
    pictures = pictures_of(recording, blinded=ready.blinded) if headless else None
    try:
        screen = screen_of(ready.walk, sees, headless, pictures, beside=True)
        one = Lab(ready.walk, recording, desk, screen=screen, devices=devices, session=name, asked=asked)
    except BaseException:
        _leave(place.folder)
        raise
    heading = f"{ready.person}: {visit.document.title}, visit {visit.number}, {visit.side.upper()} leg"
    desk.page("walk", heading=heading, session=name, recording=str(recording), side=visit.side, sees=sees,
              screen=ready.walk["rig"]["screen"], blinded=ready.blinded)  # fmt: skip
    desk.lab_command = one.command
    try:
        ending = one.run()
    except BaseException:
        desk.page("start")  # nothing of a walk that is gone stays on the screen
        raise
    finally:
        desk.lab_command = None
    if ending.recording is None:
        _leave(place.folder)
        desk.page("start")
        raise BadSetup(f"{ending.why}. Nothing was recorded")
    desk.page("wait", heading=heading, text="The recording is finished. Making the report ...", blinded=ready.blinded)
    found = reported(place.folder, place.stem, desk.work)
    desk.conclude(why=ending.why, next=due(visit, found), **found)


def _leave(folder: Path) -> None:
    """A session in which nothing was recorded uses up no number."""
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def prepare(chosen: dict[str, Any]) -> Any:
    """In a process of its own: the `Ready` of what the window chose. Raises LabError."""
    from labfeedback.commands.visit import prepared

    resume = bool(chosen.get("resume"))
    ready = prepared(
        protocol=chosen["protocol"], subject=Path(chosen["subject"]), study=Path(chosen["study"]), rig=chosen["rig"],
        markers=chosen["markers"], visit=int(chosen["visit"]), side=chosen["side"] or None,
        target="" if resume else chosen.get("target", ""), check=Path(chosen["check"]), resume=resume,
        calibration=Path(chosen["calibration"]) if chosen.get("calibration") else None,
        mirrored=chosen.get("mirrored"), more_remarks=[chosen["direction"]] if chosen.get("direction") else [],
    )  # fmt: skip
    _keep_calibration(chosen.get("calibration") or "", ready.session.folder.parent)
    return ready


def _keep_calibration(text: str, folder: Path) -> None:
    """A first visit's calibration was made before the person had a folder; there a new start of the lab finds it."""
    path = Path(text)
    if path.name.startswith(SCRATCH) and folder.is_dir():
        with contextlib.suppress(OSError):  # a copy that cannot be made costs another calibration, never the visit
            made = time.strftime("%Y%m%dT%H%M%S", time.localtime(path.stat().st_mtime))
            kept = folder / f"{folder.name}_date-{made}.calibration.json"
            if not kept.exists():
                shutil.copyfile(path, kept)


def due(visit: Any, found: dict[str, Any]) -> str:
    """What comes next for this person, in words."""
    document = visit.document
    if not found.get("ended", True):
        return "this visit was cut off: choose it again today, and it goes on where it was"
    if document.purpose == "training":
        if visit.number < document.visits:
            return f"visit {visit.number + 1} of {document.visits}, in about a week"
        return "the training is over: retention, in some months"
    if document.purpose == "assessment":
        verdict = found.get("verdict")
        if verdict is None:
            return "training, once the target is chosen and allocated" if found.get("blinded") else ""
        said = {"target": TRAINING, "repeat": "the assessment once more, on another day"}
        return said.get(verdict["verdict"], NO_TRAINING)
    return ""


def reported(folder: Path, stem: str, meanwhile: Any = lambda: None) -> dict[str, Any]:
    """Make the reports in a process of their own: the parent of walks never loads HDF5."""
    try:
        found: dict[str, Any] = Aside(f"{__name__}:make_them", folder=str(folder), stem=stem).answer(
            REPORT_PATIENCE_S, meanwhile
        )
    except LabError as error:
        return {"lines": [f"No report: {error}", "The recording is whole: labfeedback report makes the report again"]}
    return found


def make_them(folder: str, stem: str) -> dict[str, Any]:
    """In the process of `reported`."""
    import json

    from labfeedback.report.make import make_reports
    from labfeedback.study import Session, Study

    match = re.fullmatch(r"sub-([A-Za-z0-9]+)_ses-(\d+)_task-([a-z]+)", stem)
    assert match is not None
    session = Session(Path(folder).parent.parent, match[1], int(match[2]), match[3])
    made = make_reports(session)
    verdict = session.file("verdict.json")
    return {
        "lines": made.lines, "numbers": in_short(made.found), "report": str(made.report),
        "verdict": json.loads(verdict.read_text(encoding="utf-8")) if verdict.exists() else None,
        "blinded": Study(session.study).allocation is not None, "ended": not made.found["ended"].startswith("cut off"),
    }  # fmt: skip


def in_short(report: dict[str, Any]) -> list[str]:
    """The few numbers that an operator tells the patient."""
    steps, training = report["steps"][report["side"]], report["training"]
    valid = 100.0 * steps["moment_valid"] / max(1, steps["counted"])
    minutes = round(report["walked_minutes"])
    walked = f"{minutes} minute{'' if minutes == 1 else 's'} walked"
    out = [f"{walked}, {valid:.0f} % of the steps with a valid moment"]
    for kind, words in (("training", "with feedback"), ("retention", "on their own")):
        if kind in training:
            out.append(f"{100 * training[kind]['in_band']:.0f} % of the steps in the band {words}")
    if report["pain"]:
        first, last = report["pain"][0], report["pain"][-1]
        out.append(
            f"Pain left / right: {first['left']} / {first['right']} at first, {last['left']} / {last['right']} now"
        )
    return out


def override_verdict(desk: Any, command: dict[str, Any]) -> None:
    """Keep the operator's own choice beside the verdict. Raises LabError."""
    from labfeedback.commands.override import override
    from labfeedback.protocol.aiming import parse_change
    from labfeedback.subject import load_subject

    chosen = desk.choices["last"]
    override(Path(chosen["study"]), load_subject(Path(chosen["subject"])).id, command["change"], command["reason"])
    desk.overridden(command["change"], command["reason"], TRAINING if parse_change(command["change"]) else NO_TRAINING)
