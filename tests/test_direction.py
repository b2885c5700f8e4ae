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

from devices.simulated import main as simulated
from devices.walker.standing import Stander
from labfeedback.commands.direction import Teller, Wall
from labfeedback.engine.turning import HIDDEN, Turned

LAB = [sys.executable, "-m", "labfeedback.cli"]


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
