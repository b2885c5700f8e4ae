"""Law 3 with the real engine on a simulated patient's visit, through the real commands."""

from __future__ import annotations

import ast
import csv
import re
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from labfeedback import fingerprint, replay
from labfeedback.commands.recover import recover as recover_command
from labfeedback.commands.replay import replay as replay_command
from labfeedback.inputlog import Tick
from labfeedback.recording.calm import calm_limit, movable
from labfeedback.recording.reader import Recording
from tests.recording import visits, walked
from tests.test_replay import write


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return walked.record(tmp_path_factory.mktemp("walk") / "visit.h5", 30.0, seed=3).read_bytes()


@pytest.fixture
def visit(recorded: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "visit.h5"
    path.write_bytes(recorded)
    return path


def call(*arguments: str | Path, command: object = replay_command) -> tuple[int, str]:
    app = typer.Typer()
    app.command()(command)  # type: ignore[type-var]
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def test_an_untouched_visit_is_equal_byte_for_byte(visit: Path) -> None:
    code, said = call(visit, "--check")
    assert code == 0 and "byte for byte" in said


@pytest.mark.parametrize("seed", [1, 2])
def test_it_is_equal_however_its_samples_are_cut(visit: Path, seed: int) -> None:
    with Recording.open(visit) as recording:
        stored = {name: recording.table(name).tobytes() for name in ("frames", "steps", "cues", "events")}
        for gather in (False, True):
            again = replay.recompute(recording, cuts=np.random.default_rng(seed), gather=gather)
            assert {name: rows.tobytes() for name, rows in again.tables.items()} == stored


def test_one_byte_of_one_stored_force_is_damage(visit: Path) -> None:
    with h5py.File(visit, "r+") as file:
        row = file["input/forces/values"][12345]
        row.view("u1")[30] ^= 1
        file["input/forces/values"][12345] = row
    code, said = call(visit, "--check")
    assert code == 2 and "forces, block" in said


def test_one_stored_step_changed_is_a_difference(visit: Path) -> None:
    with h5py.File(visit, "r+") as file:
        row = file["steps"][5:6]
        row["fpa_deg"] += 0.001
        file["steps"][5:6] = row
    code, said = call(visit, "--check")
    assert code == 1 and "row 5, column fpa_deg" in said and "Steps that differ: 5 " in said


def test_forty_newtons_over_one_stance_change_that_step_alone(visit: Path) -> None:
    with Recording.open(visit) as recording:
        steps = recording.table("steps")
        begin = float(recording.table("frames")["time_s"][0])
    step = steps[12]
    plate = {1: 0, -1: 6}[int(step["side"])]
    a, b = (round((float(step[name]) - begin) * 1000) for name in ("start_s", "end_s"))
    with h5py.File(visit, "r+") as file:
        values = file["input/forces/values"]
        columns = values[a:b]
        loaded = [c for c in (2, 8) if np.abs(columns[100:-100, c]).min() > 100] or [plate + 2]
        assert len(loaded) == 1
        columns[60:-60, loaded[0]] += 40.0 * np.sign(columns[60:-60, loaded[0]])
        values[a:b] = columns
    assert call(visit, "--check")[0] == 2
    code, said = call(visit, "--check", "--ignore-digest")
    # Besides that step, only what sums both plates over a stride or looks at the other plate differs in its neighbours.
    listed = [int(n) for n in re.findall(r"(\d+) \(", said.split("Steps that differ:")[1])]
    assert code == 1 and 12 in listed and set(listed) <= set(range(11, 16))


def test_another_engine_hash_is_told(visit: Path) -> None:
    with h5py.File(visit, "r+") as file:
        del file["about/engine_hash"]
        file["about/engine_hash"] = np.bytes_("0" * 64)
    code, said = call(visit, "--check")
    assert code == 3 and "Another engine" in said and "columns are equal in all" in said


def test_the_step_table_is_printed_and_written(visit: Path, tmp_path: Path) -> None:
    code, said = call(visit, "--steps", tmp_path / "steps.csv")
    assert code == 0 and "times real time" in said and "KAM1" in said
    lines = list(csv.DictReader((tmp_path / "steps.csv").open()))
    assert len(lines) > 40 and {line["side"] for line in lines} == {"left", "right"}
    assert 0 < float(lines[0]["start_s"]) < 3 < 27 < float(lines[-1]["end_s"]) < 30


def test_only_ticks_that_find_both_streams_flowing_are_moved(visit: Path) -> None:
    with Recording.open(visit) as recording:
        limit = calm_limit(recording.start)
        assert 0.07 < limit <= 0.095
        raw = {s: np.concatenate([part.raw_time for part in recording.samples(s)]) for s in (0, 1)}
        ticks = [isinstance(record, Tick) for record in recording.records]
        mask = movable(recording.records, raw, limit)
        # A marker stream that stands still from the 100th TICK on: that TICK still finds it young, a few later none.
        late = {0: np.minimum(raw[0], raw[0][1000]), 1: raw[1]}
        stopped = movable(recording.records, late, limit)
    assert mask.sum() == sum(ticks) - 1 and not mask[~np.array(ticks)].any()
    assert 95 <= stopped.sum() <= 106 and not stopped[np.flatnonzero(stopped)[-1] + 1 :].any()
    assert not movable(recording.records, raw, 0.0).any()


def test_recover_finishes_what_a_crash_left_and_says_what_is_in_it(tmp_path: Path) -> None:
    write(tmp_path / "visit.h5", list(visits.messages(visits.log(3.0), end=False)))
    code, said = call(tmp_path / "visit.part001.h5", command=recover_command)
    assert code == 0 and "3000 samples of forces" in said and "6 steps" in said and "was cut off" in said
    (tmp_path / "noise.h5").write_bytes(b"noise" * 100)
    code, said = call(tmp_path / "noise.h5", tmp_path / "visit.h5", command=recover_command)
    assert code == 2 and "not an HDF5 file" in said and "finished already" in said


def test_replay_and_recover_load_no_screen_and_no_network() -> None:
    code = (
        "import sys, labfeedback.replay, labfeedback.commands.replay, labfeedback.commands.recover, labfeedback.engine;"
        "print([name for name in sys.modules if name.split('.')[0] in ('PyQt6', 'pylsl', 'pyqtgraph')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_everything_that_can_change_a_number_is_in_the_engines_hash() -> None:
    """A module that the engine imports and that the hash leaves out could change numbers unseen."""
    code = "import sys, labfeedback.engine; print([m for m in sys.modules if m.startswith('labfeedback.')])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    loaded = {name.split(".")[1] for name in ast.literal_eval(out.stdout)}
    hashed = {part.removesuffix(".py") for part in fingerprint._ENGINE_PARTS}
    assert loaded - hashed == {"errors", "fingerprint"}
