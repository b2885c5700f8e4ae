"""The verdict of an assessment: from its recording to a table, a machine-readable file and a plot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from labfeedback.errors import BadFile, BadSetup
from labfeedback.fingerprint import engine_hash
from labfeedback.protocol.aiming import change_words, parse_change
from labfeedback.protocol.schedule import candidate_changes
from labfeedback.protocol.selection import Verdict, Walked, as_table, choose, walked
from labfeedback.report.visited import Visited, Walk


def verdict_of(visited: Visited) -> Verdict:
    """Raises BadFile where the recording is no assessment, or was cut off before its baseline was measured."""
    if visited.visit.document.purpose != "assessment":
        raise BadFile(f"{visited.paths[-1]}: protocol {visited.visit.document.id} is no assessment")
    baseline = visited.baseline()
    if baseline is None:
        raise BadFile(f"{visited.paths[-1]}: the assessment has no finished baseline, so nothing can be chosen")
    changes = candidate_changes(visited.visit.document)
    foot = visited.foot
    candidates = {
        walk.planned.condition: walked(walk.steps(foot), changes[walk.planned.condition])
        for walk in sorted(visited.counted("condition"), key=lambda w: changes[w.planned.condition])
    }
    closing = visited.counted("closing")
    missing = [change_words(changes[name]) for name in changes if name not in candidates]
    last = walked(closing[-1].steps(foot)) if closing else None
    return choose(walked(baseline.steps(foot)), candidates, last, missing)


def document(visited: Visited, verdict: Verdict, override: dict[str, str] | None = None) -> dict[str, Any]:
    """What `*_verdict.json` holds."""
    p = visited.visit.document
    return {
        **as_table(verdict),
        "override": override,
        "subject": visited.setup.subject.id,
        "side": visited.visit.side,
        "protocol": f"{p.id} {p.version}",
        "order": list(visited.visit.draws.order),
        "recordings": [path.name for path in visited.paths],
        "recorded_by_engine": visited.about.get("engine_hash"),
        "chosen_by_engine": engine_hash(),
        "note": "Research use, not for diagnosis.",
    }


def write_verdict(path: Path, text: dict[str, Any]) -> None:
    """Raises BadSetup rather than write over a verdict."""
    try:
        with path.open("x", encoding="utf-8") as file:
            json.dump(text, file, indent=2)
            file.write("\n")
    except FileExistsError:
        raise BadSetup(f"{path} exists already and is not overwritten") from None


def overridden(text: dict[str, Any], change: str, reason: str) -> dict[str, Any]:
    """The verdict with the operator's own choice. Raises BadSetup beyond 15 deg, or without a reason."""
    amount = parse_change(change)
    if len(reason.strip()) < 3:
        raise BadSetup("give a reason: it is kept with the verdict and printed in every report")
    return {**text, "override": {"change": change_words(amount), "reason": reason.strip()}}


def plot_verdict(visited: Visited, verdict: Verdict, path: Path | None = None) -> Any:
    """Larger peak against foot angle, every step and the means with their intervals. Returns the figure."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    from labfeedback.report.looks import BLUE, GREEN, GREY, ORANGE, tidy

    peak, foot = verdict.larger_peak, visited.foot
    column = f"{peak}_pct_bwht"
    figure, axes = plt.subplots(figsize=(7.5, 4.6), layout="constrained")
    walks: list[tuple[str, Walk | None, Walked, str]] = [("own angle", visited.baseline(), verdict.baseline, GREY)]
    chosen = verdict.chosen if verdict.verdict == "target" else float("nan")
    by_name = {c.name: c for c in verdict.candidates}
    for walk in sorted(visited.counted("condition"), key=lambda w: by_name[w.planned.condition].walked.change):
        c = by_name[walk.planned.condition]
        colour = GREEN if c.walked.change == chosen else (ORANGE if c.excluded else BLUE)
        walks.append((change_words(c.walked.change), walk, c.walked, colour))
    for name, one, means, colour in walks:
        if one is None:
            continue
        rows = one.steps(foot)
        rows = rows[(rows["kam_valid"] > 0) & (rows["fpa_valid"] > 0)]
        axes.plot(rows["fpa_deg"], rows[column], ".", color=colour, alpha=0.25, markersize=4)
        y = means.peak(peak)
        if np.isfinite(y.half) and np.isfinite(means.fpa.half):
            axes.errorbar(means.fpa.mean, y.mean, y.half, means.fpa.half, fmt="o", color=colour, markersize=8,
                          capsize=3, markeredgecolor="white")  # fmt: skip
            axes.annotate(name, (means.fpa.mean, y.high), xytext=(0, 6), textcoords="offset points", ha="center",
                          fontsize=9, color=colour)  # fmt: skip
    word = "first" if peak == "kam1" else "second"
    axes.set_xlabel("foot progression angle, deg   (left: toe-in, right: toe-out)")
    axes.set_ylabel(f"knee adduction moment,\n{word} peak, %BW*Ht")
    axes.set_title(f"{visited.setup.subject.id}, {visited.visit.side} leg: {verdict.words}", loc="left", fontsize=11)
    tidy(axes)
    if path is not None:
        figure.savefig(path, dpi=150)
        plt.close(figure)
    return figure
