"""The real lab loses a process in the middle of a walk: no finished step is lost, and the recording replays exactly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from labfeedback.recording.reader import Recording
from labfeedback.settings import Settings

COMMAND = [sys.executable, "-m", "labfeedback.cli"]
SETTLED_S = (
    Settings().tail_s + 0.25
)  # after a step's end until its row is in the ring, with a margin for a busy computer


class Walk:
    """`labfeedback demo` as a person starts it, and what lies under its hands."""

    def __init__(self, folder: Path, seconds: float = 60.0) -> None:
        self.out, self.truth, self.log = folder / "out", folder / "truth.csv", folder / "said.log"
        environment = {name: value for name, value in os.environ.items() if name != "LABFEEDBACK_LSL_SESSION"}
        demo = ["demo", "--headless", "--seconds", f"{seconds:g}", "--baseline-seconds", "5"]
        demo += ["--out", str(self.out), "--truth", str(self.truth)]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*COMMAND, *demo], stdout=log, stderr=log, env=environment, start_new_session=True
            )
        try:
            self.wait_for("receiving sim-markers", 60.0)
        except BaseException:
            self.process.kill()
            raise
        self.children = psutil.Process(self.process.pid).children()

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, text: str, seconds: float) -> None:
        until(lambda: text in self.said, seconds, lambda: f"{text!r} was not said:\n{self.said}")

    def child(self, name: str) -> psutil.Process:
        """The child that prints into <name>.log, which only it has open."""
        for each in psutil.Process(self.process.pid).children():
            if any(Path(file.path).name == f"{name}.log" for file in each.open_files()):
                return each
        raise AssertionError(f"no {name} among the children")

    def recording(self) -> Path:
        (path,) = self.out.glob("demo_*.h5")
        return path


def until(done: Callable[[], bool], seconds: float, why: Callable[[], str]) -> None:
    give_up = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < give_up, why()
        time.sleep(0.05)


def is_whole(path: Path, truth: Path) -> int:
    """Every step that the walker had finished is there, every sample follows the one before; the count of steps."""
    with Recording.open(path) as visit:
        assert visit.finished and visit.lost == 0 and not list(visit.verify())
        steps, frames = visit.table("steps"), visit.table("frames")
        for stream in (0, 1):
            parts = list(visit.samples(stream))
            counts = np.cumsum([0, *(len(part.raw_time) for part in parts)])
            assert [part.first for part in parts] == counts[:-1].tolist()
            assert np.diff(np.concatenate([part.raw_time for part in parts])).max() < 0.006, "a sample is missing"
    known = np.genfromtxt(truth, delimiter=",", names=True, usecols=("start_lsl_s", "end_lsl_s"))
    begin, end = frames["time_s"][0] + 0.2, frames["time_s"][-1] - SETTLED_S
    finished = known[(known["start_lsl_s"] > begin) & (known["end_lsl_s"] < end)]
    for step in finished:
        assert np.abs(steps["start_s"] - step["start_lsl_s"]).min() < 0.03, f"the step at {step['start_lsl_s']} is lost"
    replayed: Any = subprocess.run(
        [*COMMAND, "replay", "--check", str(path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    return len(finished)


@pytest.fixture
def walk(tmp_path: Path) -> Any:
    one = Walk(tmp_path)
    yield one
    for process in [*one.children, one.process]:
        if psutil.pid_exists(process.pid) and (process is one.process or process.is_running()):
            process.kill()
    one.process.wait(10)


def test_killing_recorder_and_screen_loses_nothing_and_terminate_ends_cleanly(walk: Walk) -> None:
    time.sleep(3.0)
    walk.child("recorder").kill()
    walk.wait_for("the recorder died", 5.0)
    time.sleep(1.0)
    walk.child("screen").kill()
    walk.wait_for("the patient's screen died", 5.0)
    time.sleep(4.0)
    if os.name == "nt":
        walk.child("hub").kill()  # `terminate` would be a hard kill of the lab itself
        assert walk.process.wait(40) == 1
    else:
        os.killpg(walk.process.pid, signal.SIGTERM)  # to everybody, as `timeout` and service managers do
        assert walk.process.wait(40) == 0, walk.said
        assert "ended by SIGTERM" in walk.said and "is gone" not in walk.said and "Error" not in walk.said
    assert is_whole(walk.recording(), walk.truth) >= 10


def test_killing_the_hub_ends_the_walk_aloud_and_loses_no_finished_step(walk: Walk) -> None:
    time.sleep(6.0)
    walk.child("hub").kill()
    assert walk.process.wait(40) == 1
    assert "the hub is gone" in walk.said and "keep walking until the belt stops" in walk.said.replace("\n", " ")
    assert is_whole(walk.recording(), walk.truth) >= 6


def test_killing_the_lab_itself_leaves_a_finished_recording_and_nothing_running(walk: Walk) -> None:
    time.sleep(2.0)
    walk.process.kill()
    walk.process.wait(10)
    until(
        lambda: not [each for each in walk.children if each.is_running() and each.status() != psutil.STATUS_ZOMBIE],
        20.0,
        lambda: f"still running: {walk.children}",
    )
    assert is_whole(walk.recording(), walk.truth) >= 1
    shared = Path("/dev/shm")
    if shared.is_dir():
        assert not list(shared.glob(f"lf{walk.process.pid:x}*")), "the ring was left behind"
