"""Hide each marker of each cluster for every part of stance: what does KAM change, and is it withheld?

    python -m benchmarks.occlusion --out FOLDER [--people 4]

A table and a picture. Each step of the simulated walker (standard noise, medial markers off) has one marker hidden for
one of the 55 stretches between tenths of stance; the same walk with that marker visible is the reference.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import matplotlib as mpl
import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from labfeedback.engine.calibration import calibrate
from labfeedback.records import SIDES
from tests.engine.walks import Walk, simulated, walk_through

GOAL_PCT = 0.1
SETS = {"four on the shank": (), "and the malleolus": ("ANKL",), "and the condyle": ("ANKL", "KNEL")}
SHANK, FOOT = ("SH1", "SH2", "SH3", "SH4"), ("CAL", "MT1", "MT2", "MT5")
TENTHS = np.linspace(0.0, 1.0, 11)
STRETCHES = [(a, b) for i, a in enumerate(TENTHS) for b in TENTHS[i + 1 :]]
SECONDS, FIRST_STEP = 60.0, 12


@dataclass(frozen=True, slots=True)
class Hidden:
    """One step with one marker hidden. change: of KAM1 and KAM2, %BW*Ht, the larger one; NaN when withheld."""

    cluster: str
    marker: str
    first: float
    last: float
    change: float
    valid: bool
    angle_change: float  # deg; NaN when withheld


def person(seed: int, extra: tuple[str, ...], seconds: float = SECONDS) -> tuple[Walk, Any]:
    """A walk without medial markers whose shank clusters also have `extra`, and its calibration."""
    walk = simulated(seconds, seed=seed)
    said = {}
    for side, letter in (("right", "R"), ("left", "L")):
        leg = getattr(walk.marker_set, side)
        said[side] = leg.model_copy(update={"shank_cluster": (*leg.shank_cluster, *(letter + x for x in extra))})
    walk = replace(walk, marker_set=walk.marker_set.model_copy(update=said))
    still = simulated(3.0, noise="none")
    at = still.markers.values.reshape(len(still.markers.time), -1, 3)[200]  # one instant, held: a standing patient
    calibration = calibrate(np.repeat(at[None], 400, axis=0), list(still.labels), walk.marker_set, rate_hz=200.0)
    values = walk.markers.values.copy()
    values[:, walk.columns("RKNEM", "RANKM", "LKNEM", "LANKM")] = np.nan
    return walk.with_markers(values), calibration


def hide(
    cluster: str, extra: tuple[str, ...], seed: int, plan: dict[int, list[tuple[str, float, float]]],
    seconds: float = SECONDS,
) -> Iterator[Hidden]:  # fmt: skip
    """Walk once; each valid step of side s takes the next (marker, first, last) of plan[s] and hides it."""
    walk, calibration = person(seed, extra, seconds)
    base = walk_through(walk, seconds=1.0, calibration=calibration)["steps"]
    values, time, said = walk.markers.values.copy(), walk.markers.time, {}
    for row in base[FIRST_STEP:]:
        side = int(row["side"])
        if not row["kam_valid"] or not plan[side]:
            continue
        marker, first, last = plan[side].pop()
        length = row["end_s"] - row["start_s"]
        inside = (time >= row["start_s"] + first * length - 1e-9) & (time <= row["start_s"] + last * length + 1e-9)
        values[np.ix_(inside, walk.columns(("R" if side > 0 else "L") + marker))] = np.nan
        said[int(row["step"])] = (marker, first, last)
    rows = walk_through(walk.with_markers(values), seconds=1.0, calibration=calibration)["steps"]
    assert (rows["side"] == base["side"]).all(), "a hidden marker lost a step"
    for index, (marker, first, last) in said.items():
        one, other = rows[index], base[index]
        change = max(abs(float(one[f"{k}_pct_bwht"] - other[f"{k}_pct_bwht"])) for k in ("kam1", "kam2"))
        valid = bool(one["kam_valid"])
        angle = abs(float(one["fpa_deg"] - other["fpa_deg"])) if one["fpa_valid"] else np.nan
        yield Hidden(cluster, marker, first, last, change if valid else np.nan, valid, angle)


def study(people: int) -> list[Hidden]:
    """All stretches of all markers, `people` times over."""
    found: list[Hidden] = []
    jobs = [(name, extra, k) for name, extra in SETS.items() for k in range(people)]
    for name, extra, k in track(jobs, "hiding markers"):
        rng = np.random.default_rng([k, len(extra)])
        todo = [(marker, *stretch) for marker in (*SHANK, *extra, *FOOT) for stretch in STRETCHES]
        plan = {side: [todo[int(i)] for i in rng.permutation(len(todo))] for side in SIDES}
        seed = 100 * k + 11
        while any(plan.values()):
            found += hide(name, extra, seed, plan)
            seed += 1
    return found


def draw(found: list[Hidden], path: Path) -> None:
    """Change against length of the stretch, one panel a cluster."""
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(SETS), figsize=(13, 4.4), sharey=True, layout="constrained")
    for panel, name in zip(axes, SETS, strict=True):
        own = [one for one in found if one.cluster == name]
        markers = (*SHANK, *SETS[name], *FOOT)
        for index, marker in enumerate(markers):
            these = [one for one in own if one.marker == marker and one.valid]
            kept = len(these) / sum(one.marker == marker for one in own)
            x = [100 * (one.last - one.first) + 0.7 * (index - len(markers) / 2) for one in these]
            panel.scatter(x, [one.change for one in these], s=9, label=f"{marker}: {100 * kept:.0f} % valid")
        panel.axhline(GOAL_PCT, color="black", lw=1, ls="--")
        panel.set_title(f"shank: {name}", fontsize=10)
        panel.set_xlabel("hidden part of stance, %")
        panel.legend(fontsize=7, loc="upper left", ncols=2)
    axes[0].set_ylabel("change of KAM1 or KAM2, %BW*Ht")
    axes[0].set_ylim(0, 0.16)
    figure.suptitle("What a hidden marker changes in steps that stay valid (dashed: goal)")
    figure.savefig(path, dpi=110)


def main(
    out: Annotated[Path, typer.Option(help="folder for the table and the picture")],
    people: Annotated[int, typer.Option(min=1, help="walkers for each cluster")] = 2,
) -> None:
    """See the module."""
    out.mkdir(parents=True, exist_ok=True)
    found = study(people)
    with (out / "occlusion.csv").open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(["cluster", "marker", "from", "to", "valid", "kam_change_pct_bwht", "fpa_change_deg"])
        lines.writerows(
            [
                x.cluster,
                x.marker,
                f"{x.first:.1f}",
                f"{x.last:.1f}",
                x.valid,
                f"{x.change:.4f}",
                f"{x.angle_change:.4f}",
            ]
            for x in found
        )
    table = Table("shank cluster", "hidden", "steps", "KAM valid", "worst change", "angle valid", "worst angle")
    worst = 0.0
    for name in SETS:
        for marker in (*SHANK, *SETS[name], *FOOT):
            own = [x for x in found if x.cluster == name and x.marker == marker]
            changes = [x.change for x in own if x.valid]
            angles = [x.angle_change for x in own if x.angle_change == x.angle_change]
            worst = max([worst, *changes])
            table.add_row(
                name, marker, str(len(own)), f"{100 * len(changes) / len(own):.0f} %",
                f"{max(changes):.3f} %BW*Ht" if changes else "-", f"{100 * len(angles) / len(own):.0f} %",
                f"{max(angles):.2f} deg" if angles else "-",
            )  # fmt: skip
    console = Console()
    console.print(table)
    draw(found, out / "occlusion.png")
    met = worst < GOAL_PCT
    console.print(
        f"worst change of a step that stays valid: {worst:.3f} %BW*Ht, goal {GOAL_PCT}: {'met' if met else 'MISSED'}"
    )
    raise typer.Exit(0 if met else 1)


if __name__ == "__main__":
    typer.run(main)
