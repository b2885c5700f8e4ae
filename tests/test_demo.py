"""The whole lab on this computer, for a few seconds: real processes, real streams, a real recording."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil

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


def test_with_a_screen_the_operators_window_stands_beside_and_stays_until_it_is_closed(tmp_path: Path) -> None:
    """A display that is only named is enough for Qt's offscreen platform."""
    environment = {name: value for name, value in os.environ.items() if name != "LABFEEDBACK_LSL_SESSION"}
    environment |= {"DISPLAY": ":0", "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-m", "labfeedback.cli", "demo", "--seconds", "6", "--baseline-seconds", "5"]
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )
    assert process.stdout is not None
    said: list[str] = []
    try:
        for line in process.stdout:
            said.append(line)
            if "stays until it is closed" in line:
                window = [one for one in psutil.Process(process.pid).children() if one.is_running()]
                assert len(window) >= 2  # the window, and Python's own keeper of shared memory
                process.terminate()
                break
        assert process.wait(30) == 0, "".join(said)
    finally:
        process.kill()
    assert any("stays until it is closed" in line for line in said), "".join(said)
    assert not any("Traceback" in line for line in said)
