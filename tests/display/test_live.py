"""The screen as it runs in the lab: real LSL, its own process, nobody's monitor."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from labfeedback.records import LEFT, CueState

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What pretend_hub.py saw of a real screen, and the names of the pictures that the screen left.

    In a process of its own, because LSL reads its settings once per process.
    """
    folder = tmp_path_factory.mktemp("pictures")
    session = f"test-{uuid.uuid4().hex[:8]}"
    done = subprocess.run(
        [sys.executable, "-m", "tests.display.pretend_hub", str(folder)],
        env={**os.environ, "LABFEEDBACK_LSL_SESSION": session},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    said["pictures"] = sorted(path.name for path in folder.glob("*.png"))
    return said


def painted(lived: dict[str, Any], cue: int, state: CueState) -> list[dict[str, float]]:
    return [row for row in lived["shown"] if row["cue"] == cue and row["state"] == state]


def test_every_cue_is_reported_as_painted_within_a_tick_or_two(lived: dict[str, Any]) -> None:
    good, off = painted(lived, 0, CueState.GOOD)[0], painted(lived, 1, CueState.TOO_FAR_IN)[0]
    assert (good["deviation"], off["deviation"]) == (0.5, -6.0)
    # 20 ms on an idle machine; a shared one may need more.
    assert 0 < good["painted_s"] - lived["good_s"] < 0.2
    assert 0 < off["painted_s"] - lived["in_s"] < 0.2
    assert good["cue_time_s"] == lived["good_s"]


def test_a_cue_of_the_right_foot_never_reaches_a_left_foots_screen(lived: dict[str, Any]) -> None:
    assert not [row for row in lived["shown"] if row["cue"] == 2]
    assert {row["side"] for row in lived["shown"]} == {LEFT}


def test_a_value_leaves_the_screen_by_its_expiry(lived: dict[str, Any]) -> None:
    assert painted(lived, 3, CueState.TOO_FAR_OUT)
    gone = painted(lived, 3, CueState.KEEP_WALKING)[0]
    assert gone["painted_s"] - lived["short_s"] == pytest.approx(0.3, abs=0.05)


def test_a_silent_hub_makes_the_screen_neutral_within_250_ms(lived: dict[str, Any]) -> None:
    silent = painted(lived, 4, CueState.KEEP_WALKING)[0]
    assert 0.15 < silent["painted_s"] - lived["last_health_s"] <= 0.25 + 0.03  # 30 ms for a busy test machine


def test_the_screen_finds_a_hub_that_was_restarted(lived: dict[str, Any]) -> None:
    assert painted(lived, 100, CueState.NOT_MEASURED)
    assert lived["shown"][-1]["state"] == CueState.FINISHED


def test_each_state_leaves_a_picture_and_so_does_the_last_one(lived: dict[str, Any]) -> None:
    states = ("keep_walking", "good", "too_far_in", "too_far_out", "not_measured", "finished")
    expected = {f"screen_left_{state}.png" for state in states} | {"screen_last_left_finished.png"}
    assert set(lived["pictures"]) == expected


def test_the_screen_ends_when_it_is_asked_to(lived: dict[str, Any]) -> None:
    assert lived["exit_code"] == 0


def test_cues_with_other_channels_are_not_listened_to_and_the_screen_says_why(lived: dict[str, Any]) -> None:
    said = lived["other_channels"]
    assert said.startswith("labfeedback-cues has the channels kam, fpa; expected cue, time_s, step, side")


def test_two_hubs_of_one_session_are_both_refused(lived: dict[str, Any]) -> None:
    assert lived["two_streams"].startswith("2 streams claim to be labfeedback-cues")
