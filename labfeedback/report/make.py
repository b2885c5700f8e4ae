"""All that is made from a finished visit: verdict, report as page, JSON and CSV, and a page for the patient.

In a blinded study only the operator's report and the patient's page are made beside the recordings; whoever keeps the
allocation makes the rest into a folder of their own (`labfeedback report --allocation`).
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from labfeedback.errors import LabError
from labfeedback.protocol.aiming import parse_target
from labfeedback.report.numbers import numbers
from labfeedback.report.veiled import veiled_numbers
from labfeedback.report.visited import Visited, read_visit
from labfeedback.study import Session, Study, read_verdict


class Made(NamedTuple):
    """What was made. lines: one for each file. report: the page to open. found: its numbers, see `numbers`."""

    lines: list[str]
    report: Path
    found: dict[str, Any]


def make_reports(session: Session, into: Path | None = None) -> Made:
    """Write them beside the recordings, or below `into`; a verdict that is there stays.

    Raises LabError where the recordings cannot be read, or nothing can be written.
    """
    blinded = into is None and Study(session.study).allocation is not None
    visited = read_visit(session.recordings())
    try:
        if blinded:
            return _for_the_operator(session, visited)
        if into is not None:
            session = replace(session, study=into)
            session.folder.mkdir(parents=True, exist_ok=True)
        return _make(session, visited)
    except OSError as error:
        raise LabError(f"{session.folder}: {error.strerror or error}") from None


def _for_the_operator(session: Session, visited: Visited) -> Made:
    from labfeedback.report import figures
    from labfeedback.report.page import render

    found = veiled_numbers(numbers(visited))
    steps = found["steps"][found["side"]]
    page = render(
        "operator.html", r=found, pain=figures.pain(found),
        valid_share=100.0 * steps["moment_valid"] / max(1, steps["counted"]),
    )  # fmt: skip
    session.file("operator.html").write_text(page, encoding="utf-8")
    session.file("patient.html").write_text(patient_page(visited, found, None), encoding="utf-8")
    lines = [f"Report: {session.file('operator.html')}", f"Patient's page: {session.file('patient.html')}"]
    return Made(lines, session.file("operator.html"), found)


def _make(session: Session, visited: Visited) -> Made:
    from labfeedback.engine.start import basis
    from labfeedback.exchange.steps_csv import write_steps

    lines: list[str] = []
    found = numbers(visited)
    verdict_text, plot, trouble = _verdict(session, visited, lines)
    if trouble:
        lines.append(trouble)
    report = {**found, "verdict": verdict_text}
    session.file("report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    write_steps(
        session.file("steps.csv"), visited.steps, visited.t0, basis(visited.setup.settings, visited.setup.subject.sex)
    )
    page = visit_page(visited, found, verdict_text, plot)
    session.file("report.html").write_text(page, encoding="utf-8")
    session.file("patient.html").write_text(patient_page(visited, found, verdict_text), encoding="utf-8")
    lines += [f"Report: {session.file('report.html')}", f"Patient's page: {session.file('patient.html')}"]
    return Made(lines, session.file("report.html"), found)


def _verdict(session: Session, visited: Visited, lines: list[str]) -> tuple[dict[str, Any] | None, str, str]:
    if visited.visit.document.purpose != "assessment":
        return None, "", ""
    from labfeedback.report.looks import as_svg
    from labfeedback.report.verdict import document, plot_verdict, verdict_of, write_verdict

    if not visited.ended:
        return None, "", "No verdict: the assessment was cut off; continue it with 'visit --resume'"
    try:
        verdict = verdict_of(visited)
    except LabError as error:
        return None, "", f"No verdict: {error}"
    path = session.file("verdict.json")
    if path.exists():
        text = read_verdict(path)
    else:
        text = document(visited, verdict)
        write_verdict(path, text)
    newest = Study(session.study).verdict_of(visited.setup.subject.id)
    if newest is not None and newest[0].parent == path.parent:
        text = newest[1]
    plot_verdict(visited, verdict, session.file("verdict.png"))
    chosen = f": {text['chosen_change']}" if text["chosen_change"] else ""
    lines.append(f"Verdict: {text['verdict']}{chosen} ({text['deciding_rule']})")
    lines.append(f"Verdict file: {path}")
    return text, as_svg(plot_verdict(visited, verdict)), ""


def visit_page(visited: Visited, found: dict[str, Any], verdict: dict[str, Any] | None, plot: str) -> str:
    """The report as one self-contained HTML page."""
    from labfeedback.report import figures
    from labfeedback.report.page import render

    steps = found["steps"][found["side"]]
    return render(
        "visit.html",
        r=found,
        v=verdict,
        plot=plot,
        timeline=figures.timeline(visited),
        learning=figures.learning(found),
        pain=figures.pain(found),
        valid_share=100.0 * steps["moment_valid"] / max(1, steps["counted"]),
        other_side="right" if found["side"] == "left" else "left",
        other_peak="kam2" if verdict and verdict["larger_peak"] == "kam1" else "kam1",
    )


def patient_page(visited: Visited, found: dict[str, Any], verdict: dict[str, Any] | None) -> str:
    """One page in plain words, with one picture; tells neither arm nor moments."""
    from labfeedback.report import figures
    from labfeedback.report.page import render

    minutes, side = round(found["walked_minutes"]), found["side"]
    lines = [f"Thank you. You walked for {minutes} minutes."]
    picture = ""
    training = found["training"].get("training")
    if training:
        lines.append(f"With the screen, {round(10 * training['in_band'])} of 10 steps were where they should be.")
    alone = found["training"].get("retention")
    if alone:
        lines.append(f"On your own, without the screen, it was {round(10 * alone['in_band'])} of 10.")
    if verdict is not None:
        change = verdict["override"]["change"] if verdict.get("override") else verdict["chosen_change"]
        baseline = visited.baseline()
        if change and change != "natural" and baseline is not None:
            amount = parse_target(change, "fpa").amount
            way = "outwards" if amount > 0 else "inwards"
            lines.append(f"In the next visits you will practise to turn your {side} foot a little {way}.")
            own = verdict["baseline"]["fpa"]["mean"]
            picture = figures.foot_picture(own, own + amount, visited.foot)
        elif verdict["verdict"] == "repeat":
            lines.append("We need to measure once more before we can tell which way of walking is best for you.")
        else:
            lines.append("Turning your foot does not unload your knee. We will talk about what else may help.")
    return render("patient.html", lines=lines, picture=picture, date=found["date"][:10])
