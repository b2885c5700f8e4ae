"""The whole lab on this computer, for a few seconds: real processes, real streams, a real recording."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from labfeedback.recording.reader import Recording


def test_the_demo_leaves_a_recording_a_step_table_pictures_and_a_plot(tmp_path: Path) -> None:
    out, truth = tmp_path / "out", tmp_path / "truth.csv"
    environment = {name: value for name, value in os.environ.items() if name != "LABFEEDBACK_LSL_SESSION"}
    command = [sys.executable, "-m", "labfeedback.cli", "demo", "--headless", "--seconds", "8"]
    command += ["--baseline-seconds", "5", "--out", str(out), "--truth", str(truth)]
    answer = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
        env=environment,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    (recording,) = out.glob("demo_*.h5")
    for said in ("LEFT foot: 5 deg toe-in", "8 s are over", "steps", f"Recording: {recording}", "Plot: "):
        assert said in answer.stdout
    assert recording.with_suffix(".png").stat().st_size > 20_000
    assert any((out / "pictures").glob("screen_left_*.png"))
    with Recording.open(recording) as visit:
        steps, frames, health = (visit.table(name) for name in ("steps", "frames", "health"))
        assert visit.finished and visit.clean_end and visit.lost == 0
        assert visit.about["subject"]["id"] == "demo" and visit.about["versions"]["engine"]
    assert len(steps) >= 10 and len(frames) > 1400 and len(health) > 140
    # The walker says what its feet really did; both know the time on the same clock.
    known = np.genfromtxt(truth, delimiter=",", names=True, usecols=("start_lsl_s", "fpa_deg", "kam1_pct_bwht"))
    for step in steps[steps["kam_valid"] > 0]:
        true = known[np.argmin(np.abs(known["start_lsl_s"] - step["start_s"]))]
        assert abs(true["fpa_deg"] - step["fpa_deg"]) < 2.0
        assert abs(true["kam1_pct_bwht"] - step["kam1_pct_bwht"]) < 0.3
