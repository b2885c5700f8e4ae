"""`labfeedback visit`: one visit by protocol, over the lab's own streams."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from labfeedback.commands.run import Inertia, Side, TibiaFrame
from labfeedback.errors import BadSetup

if TYPE_CHECKING:
    from labfeedback.protocol.document import Protocol
    from labfeedback.protocol.schedule import Visit
    from labfeedback.study import Session, Study


def visit(
    protocol: Annotated[str, typer.Option(help="A shipped protocol's name, or a .toml file.")],
    subject: Annotated[Path, typer.Option(help="Who walks: a TOML file with pseudonym, mass, height, sex, side.")],
    study: Annotated[Path, typer.Option(metavar="DIR", help="The study folder; made if it is not there.")],
    rig: Annotated[str, typer.Option(help="The lab: a shipped name or a TOML file.")],
    markers: Annotated[str, typer.Option(help="The marker set: a shipped name or a TOML file.")],
    visit: Annotated[int, typer.Option(help="Which visit of the protocol.")] = 1,
    side: Annotated[Side | None, typer.Option(help="The trained leg, if the subject file does not say.")] = None,
    verdict: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The assessment's verdict, if it is not in the study folder.")
    ] = None,
    target: Annotated[str, typer.Option(help="The change to train, such as 'toe-in 5 deg', without a verdict.")] = "",
    arm: Annotated[str, typer.Option(help="active or sham, as allocated.")] = "active",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a visit that was cut off, at its block.")
    ] = False,
    static: Annotated[Path | None, typer.Option(help="Static trial (a recording), if medial markers are off.")] = None,
    calibration: Annotated[
        Path | None, typer.Option(metavar="FILE", help="As 'labfeedback calibrate' saved it.")
    ] = None,
    another_day: Annotated[str, typer.Option(metavar="REASON", help="Use a calibration of another day, and why.")] = "",
    check: Annotated[Path | None, typer.Option(metavar="FILE", help="What 'labfeedback check --save' kept.")] = None,
    frame: Annotated[TibiaFrame, typer.Option(help="The axes that moments are expressed in.")] = TibiaFrame.proximal,
    inertia: Annotated[Inertia, typer.Option(help="Segment inertia.")] = Inertia.auto,
    headless: Annotated[bool, typer.Option("--headless", help="No window: pictures beside the recording.")] = False,
    wait: Annotated[float, typer.Option(help="How long to wait for the streams, s.")] = 30.0,
) -> None:
    """Run a visit: questions and blocks one after the other, keys for start, pause, pain, notes; then the report.

    Without a terminal, commands are read from the input, one a line: start, pain 3 1, yes, text WORDS, end-visit ...
    """
    from rich.console import Console

    from labfeedback.commands.visit_walk import walk_visit
    from labfeedback.commands.visiting import conclude, introduce

    ready = prepared(
        protocol=protocol, subject=subject, study=study, rig=rig, markers=markers, visit=visit,
        side=side.value if side else None, verdict=verdict, target=target, arm=arm, resume=resume, static=static,
        calibration=calibration, another_day=another_day, check=check, frame=frame.value, inertia=inertia.value,
        wait=wait,
    )  # fmt: skip
    console = Console(highlight=False)
    if ready.said:
        console.print(ready.said[0].upper() + ready.said[1:], soft_wrap=True)
    introduce(ready.visit, console, blinded=ready.blinded)
    session = ready.session
    try:
        walk_visit(ready.walk, session.next_recording(), headless=headless, blinded=ready.blinded)
    finally:
        if session.recordings():
            conclude(session, console)
        elif session.folder.is_dir() and not any(session.folder.iterdir()):
            session.folder.rmdir()  # refused before it began: its number is free again


class Ready(NamedTuple):
    """A visit that may begin. walk: what the hub is given. said: where its target comes from.

    blinded: its operator is told neither loads nor angles nor the arm.
    """

    visit: Visit
    session: Session
    walk: dict[str, Any]
    person: str
    said: str
    blinded: bool


def prepared(
    *, protocol: str, subject: Path, study: Path, rig: str, markers: str, visit: int, side: str | None,
    verdict: Path | None = None, target: str = "", arm: str = "active", resume: bool = False,
    static: Path | None = None,
    calibration: Path | None = None, another_day: str = "", check: Path | None = None, frame: str = "proximal",
    inertia: str = "auto", wait: float = 30.0, mirrored: bool | None = None, more_remarks: list[str] | None = None,
) -> Ready:  # fmt: skip
    """Everything that can be refused before a process is started. Raises BadSetup; makes the session's folder.

    mirrored: as the direction check found the wall, instead of what the rig says. more_remarks: for the recording.
    """
    from labfeedback.commands.calibrated import usable
    from labfeedback.commands.visiting import TASKS, trained_side, walk_of
    from labfeedback.markerset import load_marker_set
    from labfeedback.protocol_file import load_protocol
    from labfeedback.rig import load_rig
    from labfeedback.study import open_study
    from labfeedback.subject import load_subject

    document, person = load_protocol(protocol), load_subject(subject)
    the_rig, marker_set = load_rig(rig), load_marker_set(markers)
    if arm not in ("active", "sham"):
        raise BadSetup(f"--arm {arm}: expected active or sham")
    if not 0 < wait <= 3600:
        raise BadSetup(f"--wait {wait:g}: expected a number above zero, at most 3600 s")
    if frame == TibiaFrame.points:
        raise BadSetup("--frame points: only a recorded file has a model's points; choose proximal, distal or lab")
    if static is not None and calibration is not None:
        raise BadSetup("--static and --calibration: give one of the two; the calibration has its static trial in it")
    if static is not None and not static.is_file():
        raise BadSetup(f"{static}: no such static trial")
    leg = trained_side(person, side)
    calibrated = None
    if calibration is not None:
        calibrated = usable(calibration, marker_set, the_rig, person, another_day=another_day)
    if person.mass_kg is None and (calibrated is None or calibrated.mass_kg is None):
        raise BadSetup(f"{subject}: mass_kg is missing; weigh the subject on the plates ('labfeedback calibrate' does)")
    remarks = list(more_remarks or [])
    if mirrored is not None and mirrored != the_rig.screen.mirrored:
        the_rig = the_rig.model_copy(update={"screen": the_rig.screen.model_copy(update={"mirrored": mirrored})})
        remarks.append(f"the patient's screen is {'' if mirrored else 'not '}mirrored, as the direction check showed")
    if check is not None:
        from labfeedback.analysis.preflight.saved import remarks_of

        now = datetime.datetime.now().astimezone()
        remarks += remarks_of(check, person.id, the_rig.name, marker_set.name, now)
    folder = open_study(study, create=True)
    allocation = folder.allocation
    if allocation is not None:
        _fits_blinding(document, target=target, verdict=verdict, arm=arm)
    session: Session | None = None
    if resume and (target or verdict or arm != "active"):
        raise BadSetup("--resume goes on with the target and arm of the visit that was cut off: leave the others out")
    if resume:
        session, made, said = _continued(folder, person.id, document, visit)
    elif allocation is not None:
        made, said = _blinded(folder, allocation, person.id, document, visit, leg)
    else:
        made, said = _new(folder, person.id, document, visit, leg, verdict, target, arm)
    folder.admit(person, leg)
    if said:
        remarks.append(said)
    walk = walk_of(
        made, the_rig, person, marker_set, remarks, wait_s=wait, seconds=None,
        static=str(static.absolute()) if static else None,
        calibration=calibrated.model_dump(mode="json") if calibrated else None,
        settings={"tibia_frame": frame, "inertia": inertia},
    )  # fmt: skip
    session = session or folder.new_session(person.id, TASKS[document.purpose])
    return Ready(made, session, walk, person.id, said, allocation is not None)


def _fits_blinding(document: Protocol, *, target: str, verdict: Path | None, arm: str) -> None:
    if target or verdict or arm != "active":
        raise BadSetup(
            "this study is blinded: arm and target come from its allocation file. Leave --target, --verdict and --arm "
            "out"
        )
    if document.arm == "sham":
        raise BadSetup(
            f"this study is blinded, and protocol {document.id} is one arm's: choose the protocol of the trained arm; "
            "the allocation decides what is trained"
        )


def _blinded(
    folder: Study, allocation: Path, person: str, document: Protocol, number: int, leg: str
) -> tuple[Visit, str]:
    """Arm and target from whoever keeps them; nothing of them in what is said."""
    from labfeedback import allocation as kept
    from labfeedback.commands.visiting import make_visit
    from labfeedback.protocol.schedule import needs_selection
    from labfeedback.protocol_file import draw

    draws = draw(document, sequence=folder.order_of(person))
    if not needs_selection(document):
        return make_visit(document, number, leg, "", draws), "the operator is blinded"
    row = kept.of(allocation, person)
    said = "the operator is blinded; target and arm come from the allocation"
    return make_visit(document, number, leg, row.change, draws, arm=row.arm), said


def _new(
    folder: Study, person: str, document: Protocol, number: int, leg: str, verdict: Path | None, target: str, arm: str
) -> tuple[Visit, str]:
    from labfeedback.commands.visiting import make_visit, selection_for
    from labfeedback.protocol_file import draw

    selected, said = selection_for(document, folder, person, leg, verdict=verdict, target=target)
    draws = draw(document, sequence=folder.order_of(person))
    return make_visit(document, number, leg, selected, draws, arm=arm), said


def _continued(folder: Study, person: str, document: Protocol, number: int) -> tuple[Session, Visit, str]:
    """The cut-off visit's session, and the visit from the block at which it stopped. Raises BadSetup."""
    from labfeedback.recording.layout import parts_of
    from labfeedback.recording.recover import recover
    from labfeedback.report.resume import standing_of

    for session in reversed(folder.sessions(person)):
        loose = sorted(session.folder.glob("*.part*.h5"))
        for part in loose:
            if part.exists():
                recover(part)
        paths = session.recordings()
        if not paths or any(parts_of(path) for path in paths):
            continue
        visit, standing, ended = standing_of(paths[-1])
        if visit.document.id != document.id or visit.number != number:
            continue
        if ended:
            raise BadSetup(f"{paths[-1].name}: this visit has ended; there is nothing to go on with")
        if visit.document != document:
            raise BadSetup(
                f"{paths[-1].name} was begun by another version of {document.id}; give that document to go on with it"
            )
        today = datetime.date.today().isoformat()
        if visit.date[:10] != today:
            raise BadSetup(
                f"{paths[-1].name} is of {visit.date[:10]}: the own values of another day do not hold today (markers "
                "sit elsewhere). Begin the visit anew, without --resume"
            )
        again = visit.model_copy(update={"standing": standing})
        return session, again, f"continued from {paths[-1].name}, at block {standing.block + 1}"
    raise BadSetup(f"no visit {number} of {document.id} by {person} is in {folder.folder}: leave --resume out")
