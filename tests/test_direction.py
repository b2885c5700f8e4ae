"""The direction check: the standing foot straight, then turned in; anything else is not passed."""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import subprocess
import sys
import threading
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.simulated import main as simulated
from devices.walker.standing import Stander
from labfeedback.commands.direction import Teller
from labfeedback.engine.turning import LIVE_S, Turned, Turning
from labfeedback.hub.feet import foot_angle
from labfeedback.markerset import load_marker_set
from labfeedback.process import spawn
from tests.test_visit_command import SUBJECT

LAB = [sys.executable, "-m", "labfeedback.cli"]
HZ = 30.0


def walk_through(angles: Any, show_s: float = 1.0) -> list[Turned]:
    """Feed one angle every 1/30 s until it is done."""
    turning, out = Turning(show_s), []
    for number, angle in enumerate(angles):
        out.append(turning.feed(number / HZ, float(angle)))
        if out[-1].phase == "done":
            break
    return out


def turn(by: float, *, straight: float = 7.0, at_s: float = 3.0, seconds: float = 40.0) -> Any:
    """A foot that turns within a second."""
    t = np.arange(0, seconds, 1 / HZ)
    noise = np.random.default_rng(1).normal(0, 0.15, len(t))
    return straight + by * np.clip(t - at_s, 0, 1) + noise


class TestThePhases:
    def test_a_foot_that_turns_in_is_measured_and_shown(self):
        found = walk_through(turn(-12.0))
        assert list(dict.fromkeys(f.phase for f in found)) == ["straight", "turn", "shown", "done"]
        assert found[-1].result_deg == pytest.approx(-12.0, abs=0.3)

    def test_a_foot_that_turns_out_is_told_as_out(self):
        assert walk_through(turn(9.0))[-1].result_deg == pytest.approx(9.0, abs=0.3)

    def test_a_foot_that_does_not_turn_is_waited_for_and_given_up(self):
        found = walk_through(turn(0.0))
        assert found[-1].phase == "done" and found[-1].result_deg == 0.0
        assert 20 < len(found) / HZ < 24

    def test_a_small_turn_is_none(self):
        assert walk_through(turn(-4.0))[-1].result_deg == 0.0

    def test_a_restless_foot_is_not_called_straight(self):
        t = np.arange(0, 6, 1 / HZ)
        found = walk_through(7 + 4 * np.sin(2 * np.pi * t))
        assert {f.phase for f in found} == {"straight"}
        assert found[-1].trouble == "keep the foot still"

    def test_hidden_markers_are_said_and_nothing_is_shown_as_live(self):
        angles = turn(-12.0)
        angles[int(5 * HZ) :] = np.nan
        found = walk_through(angles[: int(9 * HZ)], show_s=30.0)
        late = [f for n, f in enumerate(found) if n > (5 + LIVE_S) * HZ + 1]
        assert all(math.isnan(f.change_deg) for f in late)
        hidden = walk_through(np.full(int(5 * HZ), np.nan))
        assert "hidden" in hidden[-1].trouble and hidden[-1].phase == "straight"

    @settings(max_examples=30)
    @given(st.floats(-180, 180), st.floats(-40, 40))
    def test_no_angle_of_the_room_is_a_border(self, straight, by):
        """Also where the foot points backwards (a rig whose axes are wrong), a turn is a turn."""
        angles = (turn(by, straight=straight) + 180.0) % 360.0 - 180.0
        result = walk_through(angles)[-1].result_deg
        if abs(by) > 6:
            assert result == pytest.approx(by, abs=0.5)
        elif abs(by) < 4:
            assert result == 0.0

    @given(st.lists(st.one_of(st.floats(-90, 90), st.just(float("nan"))), max_size=200))
    def test_whatever_comes_only_a_turn_in_passes(self, angles):
        for found in walk_through(angles):
            if found.result_deg == found.result_deg and found.result_deg != 0.0:
                assert abs(found.result_deg) >= 5.0


class TestTheAngle:
    @pytest.mark.parametrize("side", ["left", "right"])
    @pytest.mark.parametrize("way", [-12.0, 9.0])
    def test_it_is_that_of_the_simulated_foot(self, side, way):
        fpa = (7.0 + way, 7.0) if side == "right" else (7.0, 7.0 + way)
        chunk = Stander(1, noise="none", fpa_deg=fpa).advance(0.01).markers
        stander = Stander(1, noise="none")
        straight = stander.advance(0.01).markers
        markers = load_marker_set("simulated")
        turned, own = (
            foot_angle(stander.labels, piece.values[-1].reshape(-1, 3), markers, side) for piece in (chunk, straight)
        )
        assert turned - own == pytest.approx(way, abs=0.05)


def test_json_has_a_line_for_every_new_phase_and_no_nan(capsys):
    teller = Teller("left", as_json=True)
    teller.phase("waiting", math.nan, math.nan, "")
    teller.phase("straight", math.nan, 1.5, "")
    teller.phase("straight", math.nan, 1.4, "")  # too soon for another line
    teller.phase("turn", -3.25, 12.0, "")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["phase"] for one in lines] == ["waiting", "straight", "turn"]
    assert lines[0]["change_deg"] is None and lines[2]["change_deg"] == -3.2
    assert "LEFT" in lines[1]["say"]


@pytest.mark.parametrize("words", [["--turn-in", "left"], ["--turn-in", "up:3"], ["--turn-in", "left:90"],
                                   ["--turn-in", "left:5", "--turn-out", "right:5"]])  # fmt: skip
def test_the_simulated_stand_refuses_what_is_no_turn(words, capsys):
    assert simulated(["--standing", "5", *words]) == 2
    assert "left:12" in capsys.readouterr().err


def test_nothing_of_a_quiet_stand_changes_before_the_turn():
    quiet, turning = Stander(3).advance(2.0), Stander(3, turn=("left", 12.0, 1.0)).advance(2.0)
    before = quiet.markers.time < 1.0
    assert (quiet.markers.values[before] == turning.markers.values[before]).all()
    assert (quiet.forces.values == turning.forces.values).all()
    changed = (quiet.markers.values != turning.markers.values).any(axis=0).reshape(-1, 3).any(axis=1)
    names = {name for name, moved in zip(Stander(3).labels, changed, strict=True) if moved}
    assert names == {"LCAL", "LMT1", "LMT2", "LMT5"}


def check(folder: Path, *more: str, env: dict[str, str]) -> subprocess.Popen[str]:
    (folder / "S1.toml").write_text(SUBJECT, encoding="utf-8")
    return subprocess.Popen(
        [*LAB, "direction", "--rig", "simulated", "--markers", "simulated", "--subject", str(folder / "S1.toml"),
         "--show", "0.5", "--patience", "9", *more],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env,
    )  # fmt: skip


# What the patient does (side, degrees inwards, labels exchanged), and how the command is called.
LIVE: dict[str, tuple[tuple[Any, ...], tuple[str, ...]]] = {
    "in": (("left", 12.0, False), ("--json", "--mirrored", "--beside")),
    "out": (("left", -10.0, False), ("--headless",)),
    "exchanged": (("left", 12.0, True), ("--headless",)),
}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, str]]:
    """(exit code, what it said, its errors) of each, walked side by side in private corners of the network."""
    context = multiprocessing.get_context("spawn")
    begun = {}
    for name, ((side, inwards, swapped), words) in LIVE.items():
        os.environ["LABFEEDBACK_LSL_SESSION"] = f"direction-{uuid.uuid4().hex[:8]}"
        stop, told = context.Event(), context.Event()
        patient = spawn("tests.console.patients:stand_and_turn", side, inwards, swapped, told, stop, name=name)
        env = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "DISPLAY": ":0"}
        process = check(tmp_path_factory.mktemp(name), *words, env=env)
        reader = threading.Thread(target=follow, args=(process, told, lines := []))
        reader.start()
        begun[name] = (stop, patient, process, reader, lines)
    del os.environ["LABFEEDBACK_LSL_SESSION"]
    out = {}
    for name, (stop, patient, process, reader, lines) in begun.items():
        reader.join(90)
        assert process.stderr is not None
        out[name] = (process.wait(20), "".join(lines), process.stderr.read())
        stop.set()
        patient.join(5.0)
        patient.kill()
    return out


def follow(process: subprocess.Popen[str], told: Any, lines: list[str]) -> None:
    """The patient turns the foot when the operator reads it out."""
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if "Turn the toes" in line:
            told.set()


def test_live_a_foot_that_turns_in_passes_and_the_wall_follows(live):
    code, said, errors = live["in"]
    assert code == 0, errors
    lines = [json.loads(line) for line in said.splitlines()]
    assert list(dict.fromkeys(one["phase"] for one in lines)) == ["waiting", "straight", "turn", "shown", "done"]
    last = lines[-1]
    assert last["turned_in"] and last["mirrored"] and last["side"] == "left"
    assert last["change_deg"] == pytest.approx(-12.0, abs=0.5)


def test_live_a_foot_that_turns_out_does_not_pass(live):
    code, _, errors = live["out"]
    assert code == 1
    assert "outwards by 10 deg" in errors and "Traceback" not in errors


def test_live_exchanged_labels_do_not_pass(live):
    """The patient turns the left foot; the lab thinks that it is the right one."""
    code, _, errors = live["exchanged"]
    assert code == 1
    assert "turned by less than 5 deg; inwards by at least 5 deg was asked for" in errors


def test_without_streams_it_says_what_to_do(tmp_path):
    env = {**os.environ, "LABFEEDBACK_LSL_SESSION": f"direction-{uuid.uuid4().hex[:8]}"}
    process = check(tmp_path, "--headless", "--wait", "1", env=env)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2 and "Traceback" not in errors
    assert "stream" in errors
