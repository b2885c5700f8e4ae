"""What gets through: every fault of the simulated patient through the real engine, against the truth.

    python -m benchmarks.fault_matrix [--out DIR] [--seconds 80] [--seed 1] [--faults crossover,yaw]

Each fault begins after 20 s of sound walking, so that what the engine compares with the person's own past has a past
(flags weight_sum and odd_timing are off until five valid stances exist, SCIENCE.md section 5), and lasts to the end.
Faults of the set-up (yaw, skew, offset, drift) are there from the start, as they are in a lab, and all of their steps
that are no warm-up count. A step counts as affected when the walker
says so. Withheld: its value is not valid, it is missing, or the visit was blocked as a hazard before it. Goals: no
affected step whose KAM1 or KAM2 is off by more than 0.25 %BW*Ht, or whose foot angle by more than 1.5 deg, beyond the
largest error that noise alone makes, is given out as valid; at most 2 % of good steps are withheld. Exit 1 when a goal
is missed.

Writes fault_matrix.csv, fault_matrix.md and fault_matrix.png to DIR (default: fault-matrix).
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from devices.walker.faults import FAULTS, Fault
from labfeedback.engine.calibration import calibrate
from labfeedback.records import EventCode, Flag
from tests.engine.walks import Walk, simulated, truth, walk_through

BEGIN_S: Final = 20.0
KAM_GOAL, FPA_GOAL, GOOD_GOAL = 0.25, 1.5, 0.02
SAME_STEP_S: Final = 0.08
# Where one fault has several faces. Markers: of the shank cluster, the knee, the foot.
_MARKERS: Final = {"shank": ("RSH2",), "knee": ("RKNEL",), "heel": ("RCAL",), "toe": ("RMT2",)}
_BY_MARKER: Final = ("slipped_marker", "occluded", "repeated_value", "zeros", "nan_markers")
_SET_UP: Final = ("yaw", "skew", "plate_offset", "drift")
_ONE_FOOT: Final = (*_BY_MARKER, "marker_swap", "dead_channel", "saturated")


@dataclass
class Line:
    """One row of the matrix. Errors are of affected steps that were given out as valid."""

    fault: str
    affected: int = 0
    kam_withheld: int = 0
    fpa_withheld: int = 0
    errors: dict[str, list[float]] = field(default_factory=lambda: {"kam1": [], "kam2": [], "fpa": []})
    flags: Counter[str] = field(default_factory=Counter)
    hazard: bool = False

    def worst(self, what: str) -> float:
        """Largest absolute error that got through; 0 when nothing did."""
        errors = np.abs(self.errors[what])
        return float(np.max(np.where(np.isnan(errors), np.inf, errors), initial=0.0))  # a valid NaN is no number

    def misses(self, noise: Line) -> list[str]:
        """Goals that this fault misses, by how much."""
        out = []
        for what, goal, unit in (("kam1", KAM_GOAL, "%BW*Ht"), ("kam2", KAM_GOAL, "%BW*Ht"), ("fpa", FPA_GOAL, "deg")):
            beyond = self.worst(what) - (noise.worst(what) if np.isfinite(noise.worst(what)) else 0.0)
            if beyond > goal:
                out.append(f"{what} off by {beyond:.2f} {unit} beyond noise got through (goal {goal:g})")
        return out


def account(
    line: Line,
    steps: Any,
    true_steps: Iterable[Any],
    span_s: tuple[float, float],
    hazard_s: float = np.inf,
    side: str = "",
) -> Line:
    """Compare rows of records.STEP with the true steps of `side` (empty: both) that lie inside `span_s`.

    true_steps: side, start_s, end_s, kam1_pct_bwht, kam2_pct_bwht, fpa_deg, as devices.walker.TrueStep has them. A row
    that belongs to no true step and is valid counts as an error without bound.
    """
    left = list(range(len(steps)))
    for true in true_steps:
        own = 1 if true.side == "right" else -1
        found = [i for i in left if steps["side"][i] == own and abs(steps["start_s"][i] - true.start_s) < SAME_STEP_S]
        left = [i for i in left if i not in found]
        if true.start_s < span_s[0] or true.end_s > span_s[1] or side not in ("", true.side):
            continue
        line.affected += 1
        row = steps[found[0]] if found else None
        blocked = row is not None and row["known_s"] > hazard_s
        if row is None or blocked or not row["kam_valid"]:
            line.kam_withheld += 1
        else:
            line.errors["kam1"].append(float(row["kam1_pct_bwht"] - true.kam1_pct_bwht))
            line.errors["kam2"].append(float(row["kam2_pct_bwht"] - true.kam2_pct_bwht))
        if row is None or blocked or not row["fpa_valid"]:
            line.fpa_withheld += 1
        else:
            line.errors["fpa"].append(float(row["fpa_deg"] - true.fpa_deg))
        if row is None:
            line.flags["(not found)"] += 1
        else:
            line.flags.update(flag.name.lower() for flag in Flag if int(row["flags"]) & flag and flag.name)
    for i in left:
        if side and steps["side"][i] != (1 if side == "right" else -1):
            continue
        if span_s[0] <= steps["start_s"][i] and steps["end_s"][i] < min(hazard_s, span_s[1]):
            for what, valid in (("kam1", "kam_valid"), ("kam2", "kam_valid"), ("fpa", "fpa_valid")):
                if steps[valid][i]:
                    line.errors[what].append(np.inf)
    return line


def without_medial(walk: Walk) -> tuple[Walk, Any]:
    """The walk as a stream that lacks the medial markers, and the calibration that stands for them."""
    still = simulated(3.0, noise="none")
    at = still.markers.values.reshape(len(still.markers.time), -1, 3)[200]  # one instant, held: a standing patient
    standing = np.repeat(at[None], 400, axis=0)
    calibration = calibrate(standing, list(still.labels), still.marker_set, rate_hz=200.0)
    values = walk.markers.values.copy()
    values[:, walk.columns("RKNEM", "RANKM", "LKNEM", "LANKM")] = np.nan
    return walk.with_markers(values), calibration


def cases(names: Sequence[str]) -> list[tuple[str, Fault | None]]:
    """The faults as asked for, those that touch markers once for each kind of marker."""
    out: list[tuple[str, Fault | None]] = [("none", None)]
    for name in names:
        if name in _BY_MARKER:
            out += [(f"{name} ({kind})", Fault(name, BEGIN_S, markers=labels)) for kind, labels in _MARKERS.items()]
        else:
            out.append((name, Fault(name, 0.0 if name in _SET_UP else BEGIN_S)))
    return out


def run(title: str, fault: Fault | None, seconds: float, seed: int, calibrated: bool) -> Line:
    """One walk through the engine."""
    faults = [fault] if fault else []
    walk, said = simulated(seconds, seed=seed, faults=faults), {}
    if calibrated:
        walk, said["calibration"] = without_medial(walk)
    rows = walk_through(walk, **said)
    hazards = rows["events"]["time_s"][rows["events"]["code"] == EventCode.HAZARD]
    line = Line(title, hazard=bool(len(hazards)))
    # Warm-up (the first two steps of each foot) is recorded, not used; the last step may lack its filter tail.
    used = rows["steps"][rows["steps"]["warm_up"] == 0]
    first = float(used["start_s"].min()) - SAME_STEP_S if len(used) else 3.0
    span = (BEGIN_S if fault and fault.name not in _SET_UP else first, seconds - 0.3)
    side = ("right" if fault.side > 0 else "left") if fault and fault.name in _ONE_FOOT else ""
    true = truth(seconds, seed=seed, faults=faults)
    return account(line, rows["steps"], true, span, hazards.min() if len(hazards) else np.inf, side)


def merged(lines: Sequence[Line]) -> Line:
    """Several walks of one fault as one line."""
    out = Line(lines[0].fault, hazard=any(line.hazard for line in lines))
    for line in lines:
        out.affected += line.affected
        out.kam_withheld += line.kam_withheld
        out.fpa_withheld += line.fpa_withheld
        out.flags.update(line.flags)
        for what, errors in line.errors.items():
            out.errors[what] += errors
    return out


HEADER: Final = (
    "fault", "affected steps", "KAM withheld %", "FPA withheld %", "worst KAM1", "worst KAM2", "worst FPA", "flags",
    "verdict",
)  # fmt: skip


def cells(line: Line, noise: Line) -> list[str]:
    """One line as text."""

    def share(count: int) -> str:
        return f"{100.0 * count / line.affected:.0f}" if line.affected else "-"

    flags = ", ".join(f"{name} {100.0 * n / line.affected:.0f} %" for name, n in line.flags.most_common(4))
    if line.fault == "none":
        good = line.kam_withheld <= GOOD_GOAL * line.affected
        verdict = "noise alone" if good else f"{share(line.kam_withheld)} % of good steps withheld"
    else:
        verdict = "; ".join(line.misses(noise)) or "within the goal"
    if line.hazard:
        flags = f"hazard, visit blocked; {flags}"
    worst = [f"{line.worst(what):.2f}" if line.errors[what] else "-" for what in ("kam1", "kam2", "fpa")]
    return [line.fault, str(line.affected), share(line.kam_withheld), share(line.fpa_withheld), *worst, flags, verdict]


def write(out: Path, lines: Sequence[Line], noise: Line, console: Console) -> None:
    """Terminal, CSV, Markdown and picture."""
    table = Table(*HEADER, title="what got through, %BW*Ht and deg against the truth")
    text = [cells(line, noise) for line in lines]
    for row in text:
        table.add_row(*row)
    console.print(table)
    out.mkdir(parents=True, exist_ok=True)
    with (out / "fault_matrix.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([HEADER, *text])
    rule = ["---"] * len(HEADER)
    markdown = "\n".join("| " + " | ".join(row) + " |" for row in ([*HEADER], rule, *text))
    (out / "fault_matrix.md").write_text(markdown + "\n", encoding="utf-8")
    draw(out / "fault_matrix.png", lines, noise)


def draw(path: Path, lines: Sequence[Line], noise: Line) -> None:
    """Left: what was withheld. Right: the worst that got through, against the goal."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    names = [line.fault.replace("_", " ") for line in lines]
    at = np.arange(len(lines))
    figure, (left, kam, fpa) = plt.subplots(1, 3, figsize=(14, 0.33 * len(lines) + 1.6), sharey=True)
    total = np.array([max(line.affected, 1) for line in lines])
    left.barh(at - 0.2, 100 * np.array([x.kam_withheld for x in lines]) / total, 0.38, color="#0072B2", label="KAM")
    left.barh(
        at + 0.2, 100 * np.array([x.fpa_withheld for x in lines]) / total, 0.38, color="#E69F00", label="foot angle"
    )
    left.set_yticks(at, names)
    left.set_ylim(len(lines) - 0.4, -0.6)
    left.set_xlabel("withheld, % of affected steps")
    left.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, frameon=False)
    for axes, keys, goal, unit in ((kam, ("kam1", "kam2"), KAM_GOAL, "%BW*Ht"), (fpa, ("fpa",), FPA_GOAL, "deg")):
        limit = max(noise.worst(key) for key in keys) + goal
        worst = np.array([max(line.worst(key) for key in keys) for line in lines])
        colours = [
            "#D55E00" if line.misses(noise) and w > limit else "#009E73" for line, w in zip(lines, worst, strict=True)
        ]
        axes.barh(at, np.minimum(worst, 2.0 * limit), 0.7, color=colours)
        for y, (line, w) in enumerate(zip(lines, worst, strict=True)):
            given = any(line.errors[key] for key in keys)
            axes.text(
                min(w, 2.0 * limit) + 0.02 * limit,
                y,
                f"{w:.2f}" if given else "none given out",
                va="center",
                fontsize=8,
            )
        axes.axvline(limit, color="#555555", linestyle="--", linewidth=1)
        axes.set_xlim(0, 2.4 * limit)
        axes.set_xlabel(f"worst {'KAM1, KAM2' if len(keys) == 2 else 'foot angle'} given out, {unit}")
        axes.set_title(f"goal: noise + {goal:g}", fontsize=9, color="#555555")
    for axes in (left, kam, fpa):
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=130)
    plt.close(figure)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--out", type=Path, default=Path("fault-matrix"))
    parser.add_argument("--seconds", type=float, default=80.0, help="length of each walk; 20 s of it are sound")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", default="", help="names, separated by commas; default: all")
    said = parser.parse_args(arguments)
    names = [name for name in said.faults.split(",") if name] or list(FAULTS)
    if unknown := [name for name in names if name not in FAULTS]:
        parser.error(f"no fault is called {', '.join(unknown)}; there are {', '.join(FAULTS)}")
    console = Console(width=None if sys.stdout.isatty() else 180)
    lines = []
    for title, fault in track(cases(names), description="walking", console=console):
        # Two bodies, and each with its medial markers on and off.
        walks = [(said.seed, False), (said.seed + 1, False), (said.seed, True)]
        lines.append(merged([run(title, fault, said.seconds, seed, calibrated) for seed, calibrated in walks]))
    noise = lines[0]
    write(said.out, lines, noise, console)
    missed = [f"{line.fault}: {miss}" for line in lines[1:] for miss in line.misses(noise)]
    for what, count in (("KAM", noise.kam_withheld), ("foot angle", noise.fpa_withheld)):
        if count > GOOD_GOAL * noise.affected:
            missed.append(f"none: {what} of {count} of {noise.affected} good steps withheld")
    missed += [f"none: a valid {what} of no real step" for what in noise.errors if np.isinf(noise.worst(what))]
    for miss in missed:
        console.print(f"[bold]missed[/bold] {miss}")
    console.print(f"wrote fault_matrix.csv, .md and .png to {said.out}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
