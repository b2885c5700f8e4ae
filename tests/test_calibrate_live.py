"""`labfeedback calibrate` against real LSL streams: a person who stands, moves first, or never stands still.

LSL is configured once a process, so device and command run in children with a session of their own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devices.walker.standing import Stander
from labfeedback.calibration_file import load
from labfeedback.engine.start import parse_start
from labfeedback.recording.reader import Recording

Start = Callable[..., None]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Any]:
    """Starts devices and commands in one private session."""
    environment = {**os.environ, "LABFEEDBACK_LSL_SESSION": f"cal-{uuid.uuid4().hex[:8]}", "COLUMNS": "120"}
    devices: list[subprocess.Popen[bytes]] = []
    (tmp_path / "S1.toml").write_text('id = "S1"\nmass_kg = 75.0\nheight_m = 1.70\nsex = "M"\n', encoding="utf-8")

    class Lab:
        file = tmp_path / "S1.calibration.json"

        @staticmethod
        def device(*words: str) -> None:
            devices.append(subprocess.Popen([sys.executable, "-m", "devices.simulated", *words], env=environment))

        def command(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
            common = ["--subject", tmp_path / "S1.toml", "--rig", "simulated", "--markers", "simulated"]
            return subprocess.run(
                [sys.executable, "-m", "labfeedback.cli", words[0], *common, *words[1:]], env=environment,
                capture_output=True, text=True, check=False, timeout=120, stdin=subprocess.DEVNULL,
            )  # fmt: skip

    yield Lab()
    for device in devices:
        device.kill()
        device.wait()


def test_a_standing_person_is_calibrated_live_and_then_walks_with_it(lab: Any, tmp_path: Path) -> None:
    lab.device("--standing", "45", "--seconds", "60", "--seed", "3")
    answer = lab.command("calibrate", "--countdown", "1", "--out", lab.file)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "Verdict: green" in answer.stdout and "Keep still" in answer.stderr
    found = load(lab.file)
    assert found.mass_kg == pytest.approx(75.0, abs=0.2) and found.seconds == pytest.approx(3.0, abs=0.4)
    for side, leg in ((1, found.right), (-1, found.left)):
        np.testing.assert_allclose(leg.knee_centre_m, Stander(3).rest(side).knee[:, 0], atol=3e-3)
        np.testing.assert_allclose(leg.ankle_centre_m, Stander(3).rest(side).ankle[:, 0], atol=3e-4)
    walk = ["run", "--calibration", lab.file, "--side", "left", "--toe-in", "5", "--baseline-seconds", "5"]
    walk += ["--frame", "distal", "--inertia", "winter", "--headless", "--seconds", "6", "--out", tmp_path / "walk"]
    answer = lab.command(*walk)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    (visit,) = (tmp_path / "walk").glob("S1_*.h5")
    with Recording.open(visit) as recording:
        setup = parse_start(recording.start)
    assert setup.calibration == found, "the recording holds the calibration as it was saved"
    assert (setup.settings.tibia_frame, setup.settings.inertia) == ("distal", "winter")
    check = subprocess.run(
        [sys.executable, "-m", "labfeedback.cli", "replay", "--check", str(visit)], capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    assert check.returncode == 0 and "byte for byte" in check.stdout, check.stdout + check.stderr


def test_somebody_who_walks_is_waited_for_and_then_refused_with_the_verdict(lab: Any) -> None:
    lab.device("--seconds", "60")
    answer = lab.command("calibrate", "--countdown", "0", "--patience", "4", "--out", lab.file)
    assert answer.returncode == 2
    assert "Once more" in answer.stderr and "stand still" in answer.stderr
    assert "Verdict: red" in answer.stdout and "Is this a walk?" in answer.stdout and "not saved" in answer.stderr
    assert not lab.file.exists()


def test_streams_that_end_while_somebody_is_waited_for_are_told(lab: Any) -> None:
    lab.device("--seconds", "7")
    answer = lab.command("calibrate", "--countdown", "0", "--patience", "60", "--out", lab.file)
    assert answer.returncode == 2 and "begin again" in answer.stderr and "Traceback" not in answer.stderr
    assert not lab.file.exists()


def test_without_streams_it_says_what_it_waited_for(lab: Any) -> None:
    answer = lab.command("calibrate", "--wait", "1", "--out", lab.file)
    assert answer.returncode == 2 and "no stream answers to 'sim-markers'" in answer.stderr
    assert "Traceback" not in answer.stderr
