"""What `visit` and `rehearse` share: which visit it is, what it trains, and what is made of it when it is over."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from labfeedback.errors import BadSetup, LabError
from labfeedback.protocol.document import Protocol
from labfeedback.protocol.schedule import Draws, Standing, Visit, needs_selection, plan
from labfeedback.study import Session, Study, change_of, read_verdict
from labfeedback.subject import Subject
from labfeedback.veil import unnamed

TASKS: Final = {"assessment": "assessment", "training": "training", "retention": "retention", "practice": "practice",
                "observation": "walk"}  # fmt: skip


def selection_for(
    protocol: Protocol, study: Study, subject: str, side: str, *, verdict: Path | None, target: str
) -> tuple[str, str]:
    """(change in words, where it comes from); both empty where the protocol needs none. Raises BadSetup."""
    if not needs_selection(protocol):
        if target or verdict:
            raise BadSetup(f"protocol {protocol.id} names its targets itself; leave --target and --verdict out")
        return "", ""
    if target:
        return target, f"target by --target: {target}"
    found = (verdict, read_verdict(verdict)) if verdict else study.verdict_of(subject)
    if found is None:
        raise BadSetup(
            f"protocol {protocol.id} trains what an assessment chose, and {study.folder} has no verdict of {subject}. "
            "Run assessment_fpa first, or give --verdict FILE or --target 'toe-in 5 deg'"
        )
    path, text = found
    change = change_of(path, text, subject, side)
    override = text.get("override")
    said = f"target from {path.name}: {change}"
    if override:
        said += f", overriding '{text['verdict']}': {override['reason']}"
    return change, said


def make_visit(
    protocol: Protocol, number: int, side: str, selected: str, draws: Draws, *, arm: str = "active",
    standing: Standing | None = None,
) -> Visit:  # fmt: skip
    """Raises BadSetup where number, side or selection do not belong to the document."""
    if not 1 <= number <= protocol.visits:
        raise BadSetup(f"--visit {number}: protocol {protocol.id} has visits 1 to {protocol.visits}")
    if arm == "sham" and not needs_selection(protocol):
        raise BadSetup(
            f"protocol {protocol.id} names its targets itself and has no sham arm: what it trains is active. "
            "Leave --arm out"
        )
    visit = Visit.model_validate(
        {"document": protocol.model_dump(mode="json", by_alias=True), "number": number, "side": side,
         "arm": arm, "selected": selected, "draws": draws, "standing": standing,
         "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds")}
    )  # fmt: skip
    try:
        plan(visit)
    except ValueError as error:
        raise BadSetup(str(error)) from None
    return visit


def trained_side(subject: Subject, side: str | None) -> str:
    """Raises BadSetup when it is not said, or twice and differently."""
    if subject.trained_side is not None and side is not None and subject.trained_side != side:
        raise BadSetup(
            f"the trained side of {subject.id} is the {subject.trained_side} one, the command says {side}. The "
            "untrained leg is never trained: check which of the two is right"
        )
    found = side or subject.trained_side
    if found is None:
        raise BadSetup(
            f"say which leg is trained: --side left or --side right, or trained_side in the file of {subject.id}"
        )
    return found


def introduce(visit: Visit, console: Console, *, blinded: bool = False) -> None:
    """What is going to happen, before it does. blinded: without the names of the candidates."""
    from rich.table import Table

    p = visit.document
    console.print(f"[bold]{p.title}[/bold]  ({p.id} {p.version}, visit {visit.number} of {p.visits}, {visit.side} leg)")
    table = Table(box=None, pad_edge=False)
    for name in ("block", "length", "feedback"):
        table.add_column(name)
    for planned in plan(visit):
        block = planned.block
        length = f"{block.minutes:g} min" if block.minutes else (f"{block.steps} steps" if block.steps else "")
        told = ""
        if block.feedback is not None:
            shown = "never shown" if planned.on_s <= 0 else "shown"
            if planned.on_s > 0 and planned.off_s > 0:
                shown = f"shown {planned.on_s:g} s, then not for {planned.off_s:g} s"
            aim = "the chosen angle" if block.feedback.target == "selected" else planned.target
            if blinded and block.feedback.target == "condition":
                aim = "a candidate"
            told = f"{block.feedback.variable}, {aim}, {shown}"
        table.add_row(unnamed(planned.id) if blinded else planned.id, length, told)
    console.print(table)


def conclude(session: Session, console: Console) -> None:
    """Verdict, report, patient's page: everything that is made from a finished visit; names each file."""
    from labfeedback.report.make import make_reports

    try:
        for line in make_reports(session).lines:
            console.print(line, soft_wrap=True, highlight=False)
    except LabError as error:
        console.print(f"[bold red]No report could be made:[/bold red] {error}", soft_wrap=True)
        console.print(f"The recording is whole. Make it again with: labfeedback report {session.study}", soft_wrap=True)


def walk_of(
    visit: Visit, rig: Any, subject: Subject, marker_set: Any, remarks: list[str], **more: Any
) -> dict[str, Any]:
    """What the hub is given."""
    return {
        "rig": rig.model_dump(mode="json"),
        "subject": subject.model_dump(mode="json"),
        "marker_set": marker_set.model_dump(mode="json"),
        "training": None,
        "visit": visit.dump(),
        "remarks": remarks,
        "static": None,
        "calibration": None,
        **more,
    }
