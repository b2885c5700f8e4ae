"""Every measure of the clock in one table: files, mapped times, skew, the check, secondary streams.

    python -m benchmarks.clock --data ../shared/data --out FOLDER [--live] [--secondary]

--live: the check's faults are played into LSL (three minutes); --secondary: four walks with every process, two of them
beside a stream of 60 channels at 1 kHz (two and a half minutes). Ends with 1 where a goal is missed.
"""

from __future__ import annotations

import csv
import dataclasses
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from labfeedback.analysis import Options, analyse_file
from labfeedback.engine.skew import measure_skew
from labfeedback.exchange.read import read_trial
from labfeedback.records import Flag
from labfeedback.rig import Rig
from tests.core.test_timefit import fitted, late
from tests.core.windows import lab_markers, lab_wrenches
from tests.engine.walks import recorded, simulated, walk_through
from tests.test_skew import SHIFTS, trial

ROOT = Path(__file__).resolve().parents[1]
MAIN = "treadmill_griffith_rtosim/walking_1.c3d"
OFFSET_MS, DRIFT_PPM = -1234.5, 80.0  # put into the messy file's force stream, at its beginning


class Row(NamedTuple):
    """what, what was measured, the goal, and whether it was met; None: told, not judged."""

    what: str
    found: str
    goal: str
    met: bool | None


def files(data: Path) -> Iterator[Row]:
    """The same walk out of every kind of file, and what a messy recording costs."""
    options = Options(height_m=1.7)
    c3d = analyse_file(data / MAIN, options).steps
    clean = analyse_file(data / "xdf/derived_treadmill_clean.xdf", options).steps
    worst = max(float(np.abs(clean[name] - c3d[name]).max()) for name in ("kam1_nm", "kam2_nm"))
    yield Row("clean XDF against the C3D", f"{len(clean)} of {len(c3d)} steps, {worst:.4f} Nm", "0.1 Nm", worst < 0.1)
    path = data / "xdf/derived_treadmill_messy.xdf"
    messy = analyse_file(path, options).steps
    told = next(note for note in read_trial(path).notes if note.startswith("clock of 'TreadmillForces'"))
    offset, drift = (float(told.split(" ")[k].removesuffix(",")) for k in (3, 9))
    # The note tells the offset at the recording's middle, 4.75 s after the beginning by the sender's clock.
    off = abs(offset - (OFFSET_MS + 1e-3 * DRIFT_PPM * 4.75))
    yield Row("messy XDF, clock offset", f"{off:.2f} ms off", "1 ms", off < 1.0)
    yield Row("messy XDF, drift", f"{drift:.1f} of {DRIFT_PPM:g} ppm", "10 ppm", abs(drift - DRIFT_PPM) < 10)
    valid = messy["kam_valid"] == 1
    rest = max(float(np.abs(messy[name] - c3d[name])[valid].max()) for name in ("kam1_nm", "kam2_nm"))
    yield Row("messy XDF, steps that stay", f"{valid.sum()} of 14, {rest:.2f} Nm", "0.5 Nm", rest < 0.5)
    hurt = (messy["flags"] & int(Flag.STREAM_GAP | Flag.MARKERS)) > 0
    passed = int(messy["kam_valid"][hurt].sum())
    yield Row("messy XDF, damaged steps", f"{hurt.sum()} flagged, {passed} used", "none used", passed == 0)


def mapped() -> Iterator[Row]:
    """Times after stamps of arrival with exponential delays of 5 ms, one second after each kind of trouble."""
    for name in ("no trouble", "0.5 s dropout", "bursts of 10 frames", "1 % lost frames"):
        worst = 0.0
        for rate in (100.0, 200.0):
            for seed in range(6):
                rng = np.random.default_rng(seed)
                true = np.arange(0, 40, 1 / rate) * (1 + 30e-6)
                stamps = late(true, rng)
                lost = np.zeros(len(true), np.bool_)
                if name.startswith("0.5"):
                    lost = (true > 20.0) & (true < 20.5)
                elif name.startswith("bursts"):
                    inside = (true > 17) & (true < 20.5)
                    ends = np.minimum((np.arange(len(true)) // 10 + 1) * 10 - 1, len(true) - 1)
                    stamps[inside] = true[ends[inside]] + 2e-5 * (np.arange(inside.sum()) % 10)
                    stamps = np.maximum.accumulate(stamps) + 1e-9 * np.arange(len(true))
                elif name.startswith("1 %"):
                    lost = (true > 15) & (true < 20.5) & (rng.random(len(true)) < 0.01)
                out, _, _ = fitted(stamps[~lost], rate)
                left = true[~lost]
                worst = max(worst, float(np.abs(out - left)[left > 21.5].max()))
        yield Row(f"mapped times, {name}", f"{1e3 * worst:.2f} ms", "2 ms", worst < 0.002)


def skews(data: Path) -> Iterator[Row]:
    """Skews put into stamp trials of the walker and into the main recording."""
    errors = []
    for side in (1, -1):
        for seed in (3, 4, 5):
            marker_time, height, force_time, up = trial(seed, side)
            errors += [measure_skew(marker_time, height, force_time + s, up).skew_s - s for s in SHIFTS]
    worst = float(np.abs(errors).max())
    yield Row(f"skew from a stamp trial, {len(errors)} trials", f"{1e3 * worst:.2f} ms off", "1 ms", worst < 0.001)
    walk, errors = recorded(data), []
    for name, label in (("right", "RCAL"), ("left", "LCAL")):
        height = lab_markers(walk)[:, walk.labels.index(label), 1]
        up = lab_wrenches(walk)[name][:, 1]
        plain = measure_skew(walk.markers.time, height, walk.forces.time, up).skew_s
        errors += [measure_skew(walk.markers.time, height, walk.forces.time + s, up).skew_s - plain - s for s in SHIFTS]
    worst = float(np.abs(errors).max())
    yield Row("skew put into the main recording", f"{1e3 * worst:.2f} ms off", "1 ms", worst < 0.001)


def corrected() -> Iterator[Row]:
    """A walk whose forces are late or early, after the skew that its person's stamp trial measured is applied."""
    walk, worst, lost = simulated(24.0, seed=7), 0.0, 0
    plain = walk_through(walk)["steps"]
    for shift in (-0.05, -0.02, 0.02, 0.05):
        marker_time, height, force_time, up = trial(7, 1)
        found = measure_skew(marker_time, height, force_time + shift, up)
        sync = {"date": "2026-01-01", "skew_s": found.skew_s, "spread_s": found.spread_s}
        late_walk = walk.with_forces(walk.forces.values, walk.forces.time + shift)
        rig = Rig.model_validate(walk.rig.model_dump() | {"sync": sync})
        mended = walk_through(dataclasses.replace(late_walk, rig=rig))["steps"]
        lost += int((mended["kam_valid"] != plain["kam_valid"]).sum())
        for name in ("kam1_pct_bwht", "kam2_pct_bwht"):
            worst = max(worst, float(np.abs(mended[name] - plain[name]).max()))
    found_text = f"{worst:.3f} %BW*Ht, {lost} steps judged otherwise"
    yield Row("KAM after a corrected skew of 20, 50 ms", found_text, "0.02, 0", worst < 0.02 and not lost)


def programs(data: Path, out: Path, live: bool, secondary: bool) -> Iterator[Row]:
    """What has a table of its own."""
    check = ["benchmarks.check_faults", str(data / MAIN), "--rig", "griffith", "--markers", "griffith"]
    check += ["--mass", "62.6", "--out", str(out), *(["--live"] if live else [])]
    done = _run(check)
    how = "live" if live else "file"
    with (out / f"check_{how}.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    good = sum(row["exactly there"] == "yes" for row in rows)
    yield Row(f"check, {how}", f"{good} of {len(rows)} at exactly their line", "all", done.returncode == 0)
    if secondary:
        done = _run(["benchmarks.latency", "--seconds", "25", "--secondary"])
        last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr.strip()[-200:]
        yield Row("60 channels at 1 kHz beside", last, "within noise", done.returncode == 0)


def _run(words: list[str]) -> subprocess.CompletedProcess[str]:
    said = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", *words], cwd=ROOT, env=said, capture_output=True, text=True, check=False
    )


def main(
    data: Annotated[Path, typer.Option(help="the folder of real recordings")],
    out: Annotated[Path, typer.Option(help="folder for the tables")],
    live: Annotated[bool, typer.Option("--live")] = False,
    secondary: Annotated[bool, typer.Option("--secondary")] = False,
) -> None:
    """See the module."""
    out.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    with Console(stderr=True).status("measuring"):
        for part in (
            files(data),
            mapped(),
            skews(data),
            corrected(),
            programs(data.absolute(), out.absolute(), live, secondary),
        ):
            rows += part
    table = Table("what", "found", "goal", "met", title="Clock, files and check")
    for row in rows:
        table.add_row(row.what, row.found, row.goal, "yes" if row.met else "NO", style="" if row.met else "red")
    Console(width=150).print(table)
    with (out / "clock.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([Row._fields, *rows])
    raise typer.Exit(0 if all(row.met for row in rows) else 1)


if __name__ == "__main__":
    typer.run(main)
