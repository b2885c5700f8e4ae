"""The parent of a walk: what it starts, what it starts again, and how it ends."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from labfeedback.lab import Lab, visit_file
from labfeedback.process import spawn

CHILDREN = "tests.lab_children"
PROGRAMS = (f"{CHILDREN}:hub", f"{CHILDREN}:recorder", f"{CHILDREN}:screen")


class Told:
    """The news of a walk, and what to do on some of them."""

    def __init__(self, on: Callable[[dict[str, Any]], None] = lambda _: None) -> None:
        self.news: list[dict[str, Any]] = []
        self._on = on

    def __call__(self, news: dict[str, Any]) -> None:
        self.news.append(news)
        self._on(news)

    @property
    def loud(self) -> str:
        return " | ".join(n["text"] for n in self.news if n.get("loud"))


def kill_when_there(path: Path, take: Callable[[str], list[int]]) -> None:
    """Wait until the file names a process, then kill it the hard way."""
    for _ in range(400):
        pids = take(path.read_text()) if path.exists() else []
        if pids:
            time.sleep(0.2)
            psutil.Process(pids[-1]).kill()
            return
        time.sleep(0.02)


def ticks(recording: Path) -> list[int]:
    return [int(line) for line in recording.read_text().splitlines() if not line.startswith("pid")]


def test_a_walk_ends_with_everything_recorded_and_nobody_left(tmp_path: Path) -> None:
    told = Told()
    lab = Lab(
        {"seconds": 0.5},
        tmp_path / "visit.h5",
        told,
        screen={"pid_file": str(tmp_path / "screen")},
        devices=(lambda stop: spawn(f"{CHILDREN}:device", stop, name="device"),),
        programs=PROGRAMS,
    )
    ending = lab.run()
    assert (ending.why, ending.exit_code, ending.recording) == ("time", 0, tmp_path / "visit.h5")
    assert ticks(tmp_path / "visit.h5") == list(range(ending.steps)) and ending.steps > 10
    assert not psutil.pid_exists(int((tmp_path / "screen").read_text()))
    assert told.loud == ""


def test_a_killed_recorder_is_started_again_and_loses_nothing(tmp_path: Path) -> None:
    part = tmp_path / "visit.part"
    threading.Thread(
        target=kill_when_there,
        args=(part, lambda text: [int(line[4:]) for line in text.splitlines() if line.startswith("pid")]),
    ).start()
    told = Told()
    ending = Lab({"seconds": 3.0}, tmp_path / "visit.h5", told, programs=PROGRAMS).run()
    assert ending.exit_code == 0
    assert "the recorder died" in told.loud and "started again" in told.loud
    text = (tmp_path / "visit.h5").read_text()
    assert text.count("pid") == 2
    assert sorted(set(ticks(tmp_path / "visit.h5"))) == list(range(ending.steps))


def test_a_killed_screen_is_started_again(tmp_path: Path) -> None:
    pids = tmp_path / "screen"
    threading.Thread(target=kill_when_there, args=(pids, lambda text: [int(x) for x in text.split()])).start()
    told = Told()
    lab = Lab({"seconds": 2.5}, tmp_path / "visit.h5", told, screen={"pid_file": str(pids)}, programs=PROGRAMS)
    assert lab.run().exit_code == 0
    assert len(pids.read_text().split()) == 2 and "screen died" in told.loud


def test_a_recorder_that_cannot_run_is_not_started_for_ever(tmp_path: Path) -> None:
    lab: Lab

    def when_given_up(news: dict[str, Any]) -> None:
        if "not started again" in news.get("text", ""):
            lab.command({"do": "stop"})

    told = Told(when_given_up)
    lab = Lab(
        {"seconds": 20.0},
        tmp_path / "visit.h5",
        told,
        programs=(PROGRAMS[0], f"{CHILDREN}:failing_recorder", PROGRAMS[2]),
    )
    ending = lab.run()
    assert ending.recording is None
    assert "died 7 times in a minute" in told.loud and "Nothing more is recorded" in told.loud


def test_the_loss_of_the_hub_ends_the_walk_aloud_and_leaves_a_finished_recording(tmp_path: Path) -> None:
    told = Told()
    ending = Lab({"seconds": 1.0, "end": "die"}, tmp_path / "visit.h5", told, programs=PROGRAMS).run()
    assert ending.exit_code == 1 and "the hub is gone (exit code 9)" in ending.why
    assert "the hub is gone" in told.loud
    assert ending.recording is not None and len(ticks(ending.recording)) > 20


def test_a_hazard_ends_the_walk_with_its_sentence_and_code(tmp_path: Path) -> None:
    ending = Lab({"seconds": 0.3, "end": "hazard"}, tmp_path / "visit.h5", Told(), programs=PROGRAMS).run()
    assert (ending.why, ending.exit_code) == ("left and right are exchanged", 2)


def test_commands_reach_the_hub(tmp_path: Path) -> None:
    lab: Lab

    def when_linked(news: dict[str, Any]) -> None:
        if news["kind"] == "linked":
            lab.command({"do": "stop"})

    lab = Lab({"seconds": 20.0}, tmp_path / "visit.h5", Told(when_linked), programs=PROGRAMS)
    assert lab.run().why == "stop"


def test_ctrl_c_ends_the_walk_cleanly(tmp_path: Path) -> None:
    def when_linked(news: dict[str, Any]) -> None:
        if news["kind"] == "linked":
            raise KeyboardInterrupt  # what Ctrl+C does to the parent, wherever it just is

    told = Told(when_linked)
    ending = Lab({"seconds": 20.0}, tmp_path / "visit.h5", told, programs=PROGRAMS).run()
    assert (ending.why, ending.exit_code) == ("asked", 0)
    assert ending.recording is not None and "Ctrl+C" in told.loud


def test_visits_never_share_a_name(tmp_path: Path) -> None:
    first = visit_file(tmp_path / "new", "S01")
    first.touch()
    second = visit_file(tmp_path / "new", "S01")
    assert first != second and not second.exists()
    assert first.name.startswith("S01_") and len(first.stem) == len("S01_20260101T000000")


@pytest.mark.parametrize("module", ["labfeedback.lab", "labfeedback.cli", "labfeedback.commands.walking"])
def test_the_parent_imports_neither_qt_nor_lsl_nor_hdf5(module: str) -> None:
    code = f"import sys, {module}; print([m for m in ('PyQt6', 'pylsl', 'h5py', 'numba') if m in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
