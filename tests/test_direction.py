"""The direction check: the standing foot straight, then turned in; anything else is not passed."""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.simulated import main as simulated
from devices.walker.standing import Stander
from labfeedback.commands.direction import Teller, Wall
from labfeedback.engine.turning import AHEAD_DEG, HIDDEN, LUMPS, MOVING, Feet, Turned, Turning
from labfeedback.hub.turning import feet_of, foot_angle, unrepeated
from labfeedback.markerset import load_marker_set

LAB = [sys.executable, "-m", "labfeedback.cli"]
HZ = 30.0
NEUTRAL_S = 0.25  # a value that is older is on no screen
APART_M = 0.26


def walk_through(
    angles: Any, show_s: float = 1.0, *, others: Any = None, apart_m: float = APART_M, patience_s: float = 20.0
) -> list[Turned]:
    """Feed one frame of a left foot every 1/30 s until it is done."""
    turning, out = Turning("left", show_s, patience_s), []
    for number, angle in enumerate(angles):
        other = 7.0 if others is None else float(others[number])
        out.append(turning.feed(number / HZ, Feet(float(angle), other, apart_m)))
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
        assert found[-1].trouble == MOVING

    def test_a_foot_that_moves_once_begins_its_two_seconds_again(self):
        angles = np.full(int(8 * HZ), 7.0)
        angles[int(1.0 * HZ) : int(1.4 * HZ)] += 10.0
        found = walk_through(angles)
        straight = [f for f in found if f.phase == "straight"]
        assert MOVING in {f.trouble for f in straight}
        assert 3.0 < len(straight) / HZ < 5.0
        assert found[-1].phase == "turn"

    def test_hidden_markers_are_said_and_are_off_the_screen_in_time(self):
        """A tick of the hub and one of the screen come on top of what is measured here."""
        angles = turn(-12.0)
        angles[int(5 * HZ) :] = np.nan
        found = walk_through(angles[: int(9 * HZ)], show_s=30.0)
        late = [f for n, f in enumerate(found) if n / HZ > 5.0 + NEUTRAL_S - 0.06]
        assert late and all(math.isnan(f.change_deg) for f in late)
        hidden = walk_through(np.full(int(5 * HZ), np.nan))
        assert hidden[-1].trouble == HIDDEN and hidden[-1].phase == "straight"

    def test_a_stream_that_says_nothing_is_off_the_screen_in_time(self):
        turning = Turning("left", 30.0)
        for number in range(int(4 * HZ)):
            found = turning.feed(number / HZ, Feet(7.0, 7.0, APART_M))
        assert found.phase == "turn" and found.change_deg == 0.0
        assert math.isnan(turning.feed(4.0 + NEUTRAL_S - 0.06, None).change_deg)

    def test_a_marker_that_flickers_is_no_reason_to_stop(self):
        angles = turn(-12.0)
        angles[::7] = np.nan
        assert walk_through(angles)[-1].result_deg == pytest.approx(-12.0, abs=0.3)

    @pytest.mark.parametrize(("lump", "passes"), [(3, True), (15, False)])
    def test_samples_in_small_lumps_are_a_stream_and_in_large_ones_none(self, lump, passes):
        turning, seen = Turning("left", 1.0), []
        for number, angle in enumerate(turn(-12.0, seconds=12.0)):
            feet = Feet(float(angle), 7.0, APART_M) if number % lump == 0 else None
            seen.append(turning.feed(number / HZ, feet))
        assert (seen[-1].result_deg == pytest.approx(-12.0, abs=0.3)) is passes
        assert passes or LUMPS in {f.trouble for f in seen}

    def test_the_other_foot_does_not_pass_and_it_is_said_which_turned(self):
        found = walk_through(turn(0.0), others=turn(-12.0))[-1]
        assert found.phase == "done" and found.result_deg == 0.0
        assert found.why.startswith("the right foot turned inwards by 12 deg, not the left one")

    def test_the_other_foot_may_move_while_the_trained_one_turns_in(self):
        assert walk_through(turn(-12.0), others=turn(-6.0))[-1].result_deg == pytest.approx(-12.0, abs=0.3)

    @pytest.mark.parametrize(
        ("straight", "apart_m", "words"),
        [
            (172.0, APART_M, "points 172 deg away from straight ahead"),  # heel and toe exchanged
            (-64.0, APART_M, "points 64 deg away"),  # the heel of one foot, the toe of the other
            (7.0, -APART_M, "the left heel is on the right side"),  # left and right exchanged
            (7.0, math.nan, "the right heel's marker is hidden"),
        ],
    )
    def test_a_foot_that_cannot_be_the_trained_one_straight_ahead_never_passes(self, straight, apart_m, words):
        found = walk_through(turn(-12.0, straight=straight, at_s=9.0), apart_m=apart_m, patience_s=4.0)
        assert {f.phase for f in found} == {"straight", "done"}
        assert found[-1].result_deg == 0.0 and words in found[-1].why

    def test_a_patient_who_is_not_in_place_yet_has_some_seconds_for_it(self):
        angles = turn(-12.0, at_s=12.0)
        angles[: int(6 * HZ)] += 90.0
        assert walk_through(angles)[-1].result_deg == pytest.approx(-12.0, abs=0.3)

    @settings(max_examples=30, deadline=None)
    @given(st.floats(-180, 180), st.floats(-40, 40))
    def test_only_a_foot_that_stood_ahead_and_turned_is_measured(self, straight, by):
        angles = (turn(by, straight=straight, seconds=12.0) + 180.0) % 360.0 - 180.0
        result = walk_through(angles, patience_s=4.0)[-1].result_deg
        if abs(straight) > AHEAD_DEG + 1 or abs(by) < 4:
            assert not abs(result) > 0.0
        elif abs(straight) < AHEAD_DEG - 1 and abs(by) > 6:
            assert result == pytest.approx(by, abs=0.5)

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

    @pytest.mark.parametrize("side", ["left", "right"])
    def test_a_foot_stands_to_its_own_side_of_the_other(self, side):
        stander = Stander(1, noise="none", fpa_deg=(3.0, 9.0))
        points = stander.advance(0.01).markers.values[-1].reshape(-1, 3)
        feet = feet_of(stander.labels, points, load_marker_set("simulated"), side)
        assert feet.apart_m == pytest.approx(0.26, abs=0.03)
        turned_out = {"right": 3.0, "left": 9.0}
        own = {name: foot_angle(stander.labels, points, load_marker_set("simulated"), name) for name in turned_out}
        assert own["left"] - own["right"] == pytest.approx(6.0, abs=0.05)
        assert feet.angle_deg == own[side]

    def test_a_last_value_repeated_is_not_seen(self):
        before = np.arange(9.0).reshape(3, 3)
        points = before.copy()
        points[1] += 1e-5
        assert np.isnan(unrepeated(points, before)).all(axis=1).tolist() == [True, False, True]
        assert np.array_equal(unrepeated(points, np.empty(0)), points)


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


def test_the_simulated_stand_refuses_to_end_before_the_turn(capsys):
    assert simulated(["--standing", "4", "--turn-in", "left:12"]) == 2
    assert "ends before the foot has turned: expected at least 5" in capsys.readouterr().err


@pytest.fixture
def application(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Any:
    """The one application of all tests, without a monitor."""
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    return request.getfixturevalue("qapp")


@pytest.mark.usefixtures("application")
def test_the_wall_follows_what_is_known_and_is_neutral_without():
    from labfeedback.display.turned import IN, STAND, UNSEEN
    from labfeedback.rig import Screen

    wall = Wall(Screen.model_validate({}), "left", beside=True)
    shown = []
    for phase, change in (("straight", math.nan), ("turn", -8.0), ("turn", math.nan), ("shown", -8.3)):
        wall.show(Turned(phase, change, 1.0))
        shown.append((wall._window.scene.words, wall._window.scene.change_deg, wall._window._reported.words))
    wall.close()
    assert shown == [(STAND, None, STAND), (IN, -8.0, IN), (UNSEEN, None, UNSEEN), (IN, -8.3, IN)]


@pytest.mark.usefixtures("application")
@pytest.mark.parametrize("side", [1, -1])
def test_a_mirrored_wall_shows_toes_out_as_the_same_picture_the_other_way_round(side):
    from labfeedback.display.turned import scene_of
    from tests.display.make_golden import pixels, turned_picture

    plain, mirrored = (pixels(turned_picture(scene_of(side, "shown", 12.0), m)).astype(int) for m in (False, True))
    # Smooth edges are sampled from the other side: a few grey values differ, shapes do not.
    assert (np.abs(plain[:, ::-1] - mirrored).max(axis=2) > 90).mean() < 1e-4
    assert (np.abs(plain - mirrored).max(axis=2) > 90).mean() > 0.01


def test_nothing_of_a_quiet_stand_changes_before_the_turn():
    quiet, turning = Stander(3).advance(2.0), Stander(3, turn=("left", 12.0, 1.0)).advance(2.0)
    before = quiet.markers.time < 1.0
    assert (quiet.markers.values[before] == turning.markers.values[before]).all()
    assert (quiet.forces.values == turning.forces.values).all()
    changed = (quiet.markers.values != turning.markers.values).any(axis=0).reshape(-1, 3).any(axis=1)
    names = {name for name, moved in zip(Stander(3).labels, changed, strict=True) if moved}
    assert names == {"LCAL", "LMT1", "LMT2", "LMT5"}


SUBJECT = 'id = "S1"\nmass_kg = 75.0\nheight_m = 1.70\nsex = "M"\n'
SWAPPED = {"L": "R", "R": "L"}
TURN = "Turn the toes"


@dataclass
class Stand:
    """What a patient does when told to turn, what is wrong with the markers, and how the command is called."""

    words: tuple[str, ...] = ("--headless", "--json")
    turns: tuple[str, float] = ("left", 12.0)  # which foot, degrees inwards
    lump_s: float = 0.02
    named: dict[str, str] = field(default_factory=dict)  # marker -> the label that it has instead
    hides: tuple[str, ...] = ()
    ended: bool = False  # by SIGTERM
    streams: bool = True


# A foot that turns ends the check itself: there patience costs no time, and a busy computer needs it.
LIVE = {
    "left in": Stand(("--json", "--mirrored", "--patience", "30")),
    "right in": Stand(("--headless", "--side", "right", "--patience", "30"), ("right", 10.0), lump_s=0.1),
    "left out": Stand(("--headless", "--patience", "30"), ("left", -10.0)),
    "other foot": Stand(("--headless", "--json", "--patience", "30"), ("right", 12.0)),
    "sides exchanged": Stand(named={"*": "sides"}),
    "heel and toe exchanged": Stand(named={"LCAL": "LMT2", "LMT2": "LCAL"}),
    "hidden": Stand(hides=("LCAL", "LMT2")),
    "ended": Stand(("--headless", "--patience", "30"), ended=True),
    "no streams": Stand(("--headless", "--wait", "1"), streams=False),
}


def patient(session: str, stand: Stand, told: Any, stop: Any) -> None:
    """Stands in real time, and turns a foot when told to."""
    os.environ["LABFEEDBACK_LSL_SESSION"] = session
    from pylsl import local_clock

    from devices import simulated as device
    from devices.lsl import Outlet
    from labfeedback.rig import load_rig

    markers, forces = device.layouts(device.Walk().walker(), load_rig("simulated"))
    stander = Stander(4)

    def named(label: str) -> str:
        if "*" in stand.named:
            return SWAPPED.get(label[0], label[0]) + label[1:]
        return stand.named.get(label, label)

    channels = device.marker_channels([named(label) for label in stander.labels], "m")
    outlets = Outlet(markers.model_copy(update={"channels": channels})), Outlet(forces)
    hidden = [3 * stander.labels.index(label) + axis for label in stand.hides for axis in range(3)]
    begin, done, turned = local_clock(), 0.0, False
    while not stop.is_set():
        done += stand.lump_s
        time.sleep(max(0.0, begin + done - local_clock()))
        if told.is_set() and not turned:
            stander._turn, turned = (*stand.turns, stander.time_s + 0.1), True
        chunk = stander.advance(done)
        if turned:
            chunk.markers.values[:, hidden] = np.nan
        for outlet, piece in zip(outlets, (chunk.markers, chunk.forces), strict=True):
            outlet.push(device._stamped(piece, begin))


def command(session: str, words: list[str], out: str, err: str) -> None:
    """`labfeedback direction` in a process that has its imports behind it."""
    os.environ["LABFEEDBACK_LSL_SESSION"] = session
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    from labfeedback.cli import main

    sys.argv = ["labfeedback", *words]
    main()


def begin(folder: Path, stand: Stand, context: Any, session: str) -> Any:
    """The command's process; with a window it is one of its own from the first line on."""
    (folder / "S1.toml").write_text(SUBJECT, encoding="utf-8")
    words = ["direction", "--rig", "simulated", "--markers", "simulated", "--subject", str(folder / "S1.toml"),
             "--show", "0.5", "--patience", "3", *(() if "--side" in stand.words else ("--side", "left")),
             *stand.words]  # fmt: skip
    out, err = folder / "out", folder / "err"
    out.touch()
    if "--headless" in stand.words:
        process = context.Process(target=command, args=(session, words, str(out), str(err)))
        process.start()
        return process
    env = {**os.environ, "LABFEEDBACK_LSL_SESSION": session, "QT_QPA_PLATFORM": "offscreen", "DISPLAY": ":0"}
    with out.open("w") as said, err.open("w") as wrong:
        return subprocess.Popen([*LAB, *words], stdout=said, stderr=wrong, env=env)


def attend(folder: Path, stand: Stand, process: Any, told: Any) -> None:
    """The patient turns the foot when the operator reads it out; some operators end the check then."""
    alive = process.is_alive if hasattr(process, "is_alive") else lambda: process.poll() is None
    while alive():
        if TURN in (folder / "out").read_text():
            if stand.ended:
                os.kill(process.pid, signal.SIGTERM)
            told.set()
            return
        time.sleep(0.05)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, str]]:
    """(exit code, what it said, its errors) of each, stood side by side in private corners of the network."""
    ways = multiprocessing.get_all_start_methods()
    context: Any = multiprocessing.get_context("forkserver" if "forkserver" in ways else "spawn")
    if "forkserver" in ways:  # the compiled kernels are loaded once, not by each
        context.set_forkserver_preload(["labfeedback.hub.turning", "labfeedback.commands.direction", __name__])
    begun = {}
    for name, stand in LIVE.items():
        folder, session = tmp_path_factory.mktemp("stand"), f"direction-{uuid.uuid4().hex[:8]}"
        stop, told = context.Event(), context.Event()
        stander = context.Process(target=patient, args=(session, stand, told, stop))
        if stand.streams:
            stander.start()
        process = begin(folder, stand, context, session)
        thread = threading.Thread(target=attend, args=(folder, stand, process, told))
        thread.start()
        begun[name] = (folder, stop, stander, process, thread)
    out = {}
    for name, (folder, stop, stander, process, thread) in begun.items():
        thread.join(90)
        if isinstance(process, subprocess.Popen):
            code = process.wait(60)
        else:
            process.join(60)
            code = process.exitcode
        out[name] = (code, (folder / "out").read_text(), (folder / "err").read_text())
        stop.set()
        if LIVE[name].streams:
            stander.join(5.0)
            stander.kill()
    return out


def lines_of(said: str) -> list[dict[str, Any]]:
    """What was said as JSON."""
    return [json.loads(line) for line in said.splitlines()]


def test_live_a_left_foot_that_turns_in_passes_with_its_picture_on_a_window(live):
    code, said, errors = live["left in"]
    assert code == 0, errors
    lines = lines_of(said)
    assert list(dict.fromkeys(one["phase"] for one in lines)) == ["waiting", "straight", "turn", "shown", "done"]
    last = lines[-1]
    assert set(last) == {"phase", "side", "change_deg", "words", "way", "turned_in", "mirrored"}
    assert last["turned_in"] and last["mirrored"] and last["side"] == "left" and last["way"] == "inwards"
    assert last["change_deg"] == pytest.approx(-12.0, abs=0.5)
    assert all(set(one) == {"phase", "say", "left_s", "change_deg"} for one in lines[:-1])


def test_live_a_right_foot_that_turns_in_passes_also_where_samples_come_in_lumps(live):
    code, said, errors = live["right in"]
    assert code == 0, errors
    assert said.splitlines() == [
        "Waiting for the streams",
        "Stand still, the RIGHT foot straight ahead",
        "Turn the toes of the RIGHT foot inwards, and stay so",
        "Look at the wall: does it show what the foot does?",
        "The RIGHT foot turned inwards by 10 deg.",
    ]


def test_live_a_foot_that_turns_out_does_not_pass(live):
    code, said, errors = live["left out"]
    assert code == 1
    assert "outwards by 10 deg" in errors and "Traceback" not in errors
    assert said.splitlines()[-1] == "The LEFT foot turned outwards by 10 deg."


def test_live_the_other_foot_does_not_pass_and_it_is_said_which_turned(live):
    code, said, errors = live["other foot"]
    assert code == 1
    assert "the right foot turned inwards by 12 deg, not the left one" in errors
    last = lines_of(said)[-1]
    assert (last["turned_in"], last["way"], last["change_deg"], last["mirrored"]) == (False, "", 0.0, False)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sides exchanged", "the left heel is on the right side of the other heel"),
        ("heel and toe exchanged", "deg away from straight ahead: the labels of heel and toe are exchanged"),
    ],
)
def test_live_exchanged_labels_do_not_pass(live, name, words):
    code, said, errors = live[name]
    assert code == 1 and "Traceback" not in errors
    assert words in errors
    assert not lines_of(said)[-1]["turned_in"]


def test_live_hidden_markers_are_said_and_do_not_pass(live):
    code, said, errors = live["hidden"]
    assert code == 1 and "Traceback" not in errors
    lines = lines_of(said)
    trouble = [one for one in lines if HIDDEN in one.get("say", "")]
    assert trouble and all(one["change_deg"] is None for one in trouble)
    assert not lines[-1]["turned_in"]


def test_live_a_check_that_is_ended_says_so_and_leaves_cleanly(live):
    code, _, errors = live["ended"]
    assert code == 1
    assert errors.splitlines() == ["labfeedback: the direction check was ended before the foot was turned"]


def test_without_streams_it_says_what_to_do(live):
    code, _, errors = live["no streams"]
    assert code == 2 and "Traceback" not in errors
    assert "no stream answers" in errors and "Start the device's bridge" in errors
