"""A person's course over all visits of a study folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from labfeedback.errors import BadSetup, LabError
from labfeedback.report.make import make_reports
from labfeedback.report.numbers import numbers
from labfeedback.report.visited import read_visit
from labfeedback.study import Session, Study, label_of


def make_course(study: Study, subject: str, say: Any, into: Path | None = None) -> Path:
    """Make the visits' reports anew, then the course's page. Returns its path. Raises LabError.

    into: below this folder, not beside the recordings; the whole reports of a blinded study.
    """
    kept = Study(into) if into is not None else study
    sessions = [s for s in study.sessions(subject) if s.recordings()]
    if not sessions:
        raise BadSetup(f"{study.folder} has no finished recording of {subject}")
    visits = []
    for session in sessions:
        try:
            make_reports(session, into)
            verdict = kept.verdict_of(subject)
            visits.append(_short(session, verdict[1].get("larger_peak", "") if verdict else ""))
        except LabError as error:
            say(f"{session.stem}: left out: {error}")
    if not visits:
        raise BadSetup(f"no visit of {subject} in {study.folder} can be reported")
    return write_course(kept, subject, visits)


def write_course(study: Study, subject: str, visits: list[dict[str, Any]]) -> Path:
    """The course's page from what `_short` gives of each visit."""
    from labfeedback.report import figures
    from labfeedback.report.page import render

    verdict = study.verdict_of(subject)
    side = visits[0]["side"]
    rated = [v for v in visits if v["pain"]]
    change = rated[-1]["pain"][-1][side] - rated[0]["pain"][0][side] if rated else None
    page = render(
        "course.html", subject=subject, side=side, visits=visits, verdict=verdict[1] if verdict else None,
        figure=figures.course(visits), pain_change=change,
    )  # fmt: skip
    label = label_of(subject)
    path = study.folder / f"sub-{label}" / f"sub-{label}_course.html"
    path.write_text(page, encoding="utf-8")
    return path


def _short(session: Session, decided: str) -> dict[str, Any]:
    visited = read_visit(session.recordings())
    found = numbers(visited)
    side, other = found["side"], "right" if found["side"] == "left" else "left"
    blocks = [b for b in found["blocks"] if not b["repeated"]]
    own = next((b for b in blocks if b["measures"] == "baseline"), None)
    trained = [b for b in blocks if b["measures"] in ("training", "retention") and "change" in b["sides"][side]]
    last = trained[-1]["sides"] if trained else None
    peak = "kam1"
    if decided:
        peak = decided
    elif own and (own["sides"][side]["kam2"]["mean"] or 0) > (own["sides"][side]["kam1"]["mean"] or 0):
        peak = "kam2"
    steps = found["steps"][side]
    number = f" {found['visit']}" if found["visits"] > 1 else ""
    return {
        **found,
        "short": f"{found['protocol']['purpose']}{number}",
        "link": f"ses-{session.number:02d}/{session.file('report.html').name}",
        "valid_share": 100.0 * steps["moment_valid"] / max(1, steps["counted"]),
        "own_angle": own["sides"][side]["fpa"]["mean"] if own else None,
        "own_kam1": own["sides"][side]["kam1"]["mean"] if own else None,
        "load_change": last[side]["change"][peak] if last else None,
        "other_change": last[other]["change"][peak] if last else None,
    }
