"""The parent of a walk: what it starts, what it starts again, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from labfeedback import asked, upkeep
from labfeedback import lab as lab_module
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
    assert any(news["kind"] == "finishing" for news in told.news)  # what a desk reopens its window on


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


def with_recorder(name: str) -> tuple[str, str, str]:
    return PROGRAMS[0], f"{CHILDREN}:{name}", PROGRAMS[2]


def test_a_recorder_that_dies_again_and_again_is_tried_again_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "RESTART_AFTER_S", (0.0, 0.1, 0.2))
    told = Told()
    programs = with_recorder("recorder_after_five_deaths")
    # Longer than six processes take to start: a recorder that never came up has nothing to catch up with.
    ending = Lab({"seconds": 6.0}, tmp_path / "visit.h5", told, programs=programs).run()
    assert ending.exit_code == 0 and ticks(tmp_path / "visit.h5") == list(range(ending.steps))
    for said in ("started again now", "in 0.1 s", "in 0.2 s", "It died 5 times in a minute", "waits in memory"):
        assert said in told.loud


@pytest.mark.parametrize(
    ("recorder", "sentence"),
    [
        ("failing_recorder", "NOTHING WAS RECORDED"),
        ("recorder_that_leaves_a_part", "labfeedback recover"),
    ],
)
def test_a_walk_without_a_finished_recording_ends_as_a_failure_that_says_so(
    tmp_path: Path, recorder: str, sentence: str
) -> None:
    told = Told()
    ending = Lab({"seconds": 0.5}, tmp_path / "visit.h5", told, programs=with_recorder(recorder)).run()
    assert ending.recording is None and ending.exit_code == 1
    assert sentence in ending.why and sentence in told.loud
    assert ("visit.part001.h5" in ending.why) == (recorder != "failing_recorder")


def test_messages_that_did_not_fit_the_memory_make_the_walk_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "RESTART_AFTER_S", (0.0, 0.1))
    programs = with_recorder("recorder_after_five_deaths")
    # As above: longer than six processes take to start, on a busy machine too.
    ending = Lab({"seconds": 6.0}, tmp_path / "visit.h5", Told(), programs=programs, ring_size=4096).run()
    assert ending.exit_code == 1 and "NOT RECORDED" in ending.why


def test_a_hub_that_hangs_is_noticed_and_ended_and_the_recording_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lab_module, "STUCK_S", 1.6)
    told = Told()
    ending = Lab({"seconds": 60.0, "end": "hang", "hangs_s": 60}, tmp_path / "visit.h5", told, programs=PROGRAMS).run()
    assert ending.exit_code == 1 and "did not answer and was ended" in ending.why
    assert "HUB SILENT" in told.loud and any(news["kind"] == "hub silent" for news in told.news)
    assert ending.recording is not None and ticks(ending.recording) == list(range(50))


def test_a_hub_that_hangs_for_a_moment_is_heard_again(tmp_path: Path) -> None:
    told = Told()
    walk = {"seconds": 3.0, "end": "hang", "hangs_s": 1.6}
    ending = Lab(walk, tmp_path / "visit.h5", told, programs=PROGRAMS).run()
    assert ending.exit_code == 0 and "HUB SILENT" in told.loud and "speaks again" in told.loud


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this system cannot stop a process")
def test_ctrl_c_ends_a_walk_whose_hub_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_module, "STUCK_S", 1.6)

    def when_linked(news: dict[str, Any]) -> None:
        if news["kind"] == "linked":
            os.kill(news["pid"], signal.SIGSTOP)
            raise KeyboardInterrupt

    began = time.monotonic()
    ending = Lab({"seconds": 60.0}, tmp_path / "visit.h5", Told(when_linked), programs=PROGRAMS).run()
    assert ending.exit_code == 1 and time.monotonic() - began < 15


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


def by_signal(name: str) -> Callable[[dict[str, Any]], None]:
    def when_linked(news: dict[str, Any]) -> None:
        if news["kind"] == "linked":
            signal.raise_signal(getattr(signal, name))

    return when_linked


def test_terminate_ends_the_walk_as_ctrl_c_does_and_is_called_by_its_name(tmp_path: Path) -> None:
    told = Told(by_signal("SIGTERM"))
    before = signal.getsignal(signal.SIGTERM)
    ending = Lab({"seconds": 20.0}, tmp_path / "visit.h5", told, programs=PROGRAMS).run()
    assert (ending.why, ending.exit_code) == ("asked", 0) and ending.recording is not None
    assert "SIGTERM: ending the walk" in told.loud and "Ctrl+C:" not in told.loud
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize(("times", "left_in_parts"), [(2, False), (3, True)])
def test_asking_again_and_again_still_ends_with_a_sentence_about_the_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int, left_in_parts: bool
) -> None:
    monkeypatch.setitem(asked.SAME_S, "SIGINT", 0.0)

    def when_it_hangs(news: dict[str, Any]) -> None:
        if "HUB SILENT" in news.get("text", ""):
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)
        elif left_in_parts and "third" in news.get("text", ""):
            (tmp_path / "visit.part001.h5").touch()

    walk = {"seconds": 20.0, "end": "hang", "hangs_s": 20.0}
    ending = Lab(walk, tmp_path / "visit.h5", Told(when_it_hangs), programs=PROGRAMS).run()
    assert ending.exit_code == 1 and "asked to end twice" in ending.why
    assert (ending.recording is None) == left_in_parts == ("labfeedback recover" in ending.why)


def test_one_order_that_arrives_twice_is_asking_once() -> None:
    counted = asked.Asked()
    for _ in range(2):  # `timeout` signals the program and then its group
        counted.ask("SIGTERM")
    assert (counted.times, counted.word) == (1, "SIGTERM")
    counted.ask("SIGINT")
    assert (counted.times, counted.word) == (2, "SIGTERM")


def test_wishes_to_end_are_counted_until_the_outermost_has_said_its_last() -> None:
    before = signal.getsignal(signal.SIGINT)
    with asked.Asked() as counted:
        with counted:
            pass
        signal.raise_signal(signal.SIGINT)
        assert counted.times == 1
    assert signal.getsignal(signal.SIGINT) == before


@pytest.mark.skipif(os.name == "nt", reason="Windows has no process groups that are signalled as one")
@pytest.mark.parametrize("order", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_what_is_sent_to_the_whole_group_ends_the_walk_once_and_in_peace(tmp_path: Path, order: str) -> None:
    code = f"""
import os, signal, time
from pathlib import Path
from labfeedback.lab import Lab
def on(news):
    if news["kind"] == "linked":
        time.sleep(0.2)
        os.killpg(0, getattr(signal, os.environ["ORDER"]))
if __name__ == "__main__":
    ending = Lab({{"seconds": 20.0}}, Path({str(tmp_path / "visit.h5")!r}), on, programs={PROGRAMS!r}).run()
    print(ending.exit_code, ending.why, ending.recording.name)
"""
    script = tmp_path / "walk.py"
    script.write_text(code)
    answer = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "ORDER": order},
    )
    assert answer.stderr == "" and answer.returncode == 0
    assert answer.stdout.strip() == "0 asked visit.h5"


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
