"""Walks in two text files: the numbers of the walk itself, and every damage told with file, line and what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from labfeedback.errors import BadFile
from labfeedback.exchange.read import read_trial
from labfeedback.exchange.trial import Trial
from tests.engine.walks import Stream, Walk, simulated, walk_through

SECONDS = 9.0
Edit = Callable[[list[str]], None]


@pytest.fixture(scope="module")
def walk() -> Walk:
    return simulated(SECONDS, seed=8)


def loads(walk: Walk) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Force, centre of pressure and free moment of each plate in lab axes, N, m, Nm; all 0 below 20 N."""
    out = []
    for index, plate in enumerate(walk.rig.plates):
        w = np.asarray(walk.forces.values[:, 6 * index : 6 * index + 6], np.float64)
        turn = plate.sign * (walk.rig.to_lab @ plate.axes)
        origin = walk.rig.to_lab @ plate.origin
        force, moment = w[:, :3] @ turn.T, w[:, 3:] @ turn.T
        moment = moment + np.cross(origin, force)  # about the lab's origin
        loaded = force[:, 1] > 20.0
        height = (walk.rig.to_lab @ plate.centre)[1]
        at = np.zeros_like(force)
        up = np.where(loaded, force[:, 1], 1.0)
        shifted = moment - np.cross([0.0, height, 0.0], force)
        at[:, 0], at[:, 1], at[:, 2] = shifted[:, 2] / up, height, -shifted[:, 0] / up
        free = shifted - np.cross(at - [0.0, height, 0.0], force)
        keep = loaded[:, None]
        out.append(tuple(np.where(keep, x, 0.0) for x in (force, at, free)))
    return out


def trc_lines(walk: Walk) -> list[str]:
    at = walk.markers.values.reshape(len(walk.markers.time), -1, 3) @ walk.rig.to_lab.T * 1000
    names = walk.labels
    lines = [
        "PathFileType\t4\t(X/Y/Z)\twalk.trc",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        f"200.00\t200.00\t{len(at)}\t{len(names)}\tmm\t200.00\t1\t{len(at)}",
        "Frame#\tTime\t" + "\t\t\t".join(names),
        "\t\t" + "\t".join(f"{axis}{k + 1}" for k in range(len(names)) for axis in "XYZ"),
    ]
    for k, (time, row) in enumerate(zip(walk.markers.time, at, strict=True)):
        lines.append(f"{k + 1}\t{time:.5f}\t" + "\t".join(f"{v:.5f}" for v in row.ravel()))
    return lines


def mot_lines(walk: Walk) -> list[str]:
    columns, parts = ["time"], [walk.forces.time[:, None]]
    for k, load in enumerate(loads(walk), 1):
        for stem, letter, values in zip(("force", "force", "torque"), ("v", "p", ""), load, strict=True):
            columns += [f"ground_{stem}_{k}_{letter}{axis}" for axis in "xyz"]
            parts.append(values)
    table = np.hstack(parts)
    lines = [
        "walk_grf.mot",
        "version=1",
        f"nRows={len(table)}",
        f"nColumns={table.shape[1]}",
        "inDegrees=yes",
        "endheader",
    ]
    return [*lines, "\t".join(columns), *("\t".join(f"{v:.8f}" for v in row) for row in table)]


def forces_lines(walk: Walk) -> list[str]:
    """As Cortex writes them: mm, Nmm about the vertical."""
    parts = [np.arange(1, len(walk.forces.time) + 1)[:, None]]
    names = ["#Sample"]
    for k, (force, at, free) in enumerate(loads(walk), 1):
        parts += [force, 1000 * at, 1000 * free[:, 1:2]]
        names += [f"{name}{k}" for name in ("FX", "FY", "FZ", "X", "Y", "Z", "MZ")]
    table = np.hstack(parts)
    head = ["[Force Data]", "NumberOfForcePlates=2", "SampleRate=1000.000000", f"NumberOfSamples={len(table)}"]
    return [*head, "\t".join(names), *("\t".join(f"{v:.6f}" for v in row) for row in table)]


@pytest.fixture(scope="module")
def written(walk: Walk) -> dict[str, list[str]]:
    return {"walk.trc": trc_lines(walk), "walk_grf.mot": mot_lines(walk), "walk.forces": forces_lines(walk)}


def put(folder: Path, written: dict[str, list[str]], edits: dict[str, Edit] | None = None) -> Path:
    for name, lines in written.items():
        mine = list(lines)
        if edits and name in edits:
            edits[name](mine)
        (folder / name).write_text("\n".join(mine) + "\n", encoding="utf-8")
    return folder


def steps_of(walk: Walk, trial: Trial) -> np.ndarray:
    """The pair's steps; its plates and its frame are the lab's."""
    plates = tuple(
        plate.model_copy(
            update={"corners_m": read.corners_m, "origin_m": read.origin_m, "sign": 1, "edges_known": False}
        )
        for plate, read in zip(walk.rig.plates, trial.plates, strict=True)
    )
    rig = walk.rig.model_validate(
        walk.rig.model_dump() | {"axes": {"x": "x", "y": "y", "z": "z"}, "plates": [p.model_dump() for p in plates]}
    )
    values = np.hstack([plate.channels for plate in trial.plates])
    points = trial.points.reshape(len(trial.points), -1)
    read = replace(
        walk, rig=rig, labels=trial.labels, unit=trial.point_unit,
        markers=Stream(np.arange(len(points)) / trial.rate_hz, points),
        forces=Stream(np.arange(len(values)) / trial.analog_rate_hz, values),
    )  # fmt: skip
    return walk_through(read)["steps"]


@pytest.mark.parametrize("second", ["walk_grf.mot", "walk.forces"])
def test_a_walk_in_two_files_has_the_steps_of_the_walk(walk, written, tmp_path, second):
    trial = read_trial(put(tmp_path, written) / f"walk.trc+{second}")
    assert (trial.rate_hz, trial.analog_rate_hz, trial.point_unit) == (200.0, 1000.0, "mm")
    assert trial.labels == walk.labels
    rows, true = steps_of(walk, trial), walk_through(walk)["steps"]
    assert len(rows) == len(true) > 10
    assert (rows["side"] == true["side"]).all()
    np.testing.assert_allclose(rows["fpa_deg"], true["fpa_deg"], atol=0.01)
    # The files have no load below 20 N and a free moment about the vertical only: as an exporter writes them.
    for name in ("kam1_nm", "kam2_nm", "kfm_nm"):
        np.testing.assert_allclose(rows[name], true[name], atol=0.6)
        assert np.median(np.abs(rows[name] - true[name])) < 0.1


def test_markers_alone_say_how_to_name_the_forces(written, tmp_path):
    trial = read_trial(put(tmp_path, written) / "walk.trc")
    assert trial.plates == ()
    assert "walk.trc+forces.mot" in trial.no_plates


def line(index: int, change: Callable[[str], str]) -> Edit:
    def edit(lines: list[str]) -> None:
        lines[index] = change(lines[index])

    return edit


def drop(first: int, last: int) -> Edit:
    def edit(lines: list[str]) -> None:
        del lines[first:last]

    return edit


@pytest.mark.parametrize(
    ("name", "edit", "words"),
    [
        ("walk.trc", line(0, lambda _: "hello"), r"walk\.trc: no TRC file"),
        ("walk.trc", line(2, lambda s: s.replace("mm", "furlong")), "unit 'furlong', expected m or mm"),
        ("walk.trc", line(2, lambda s: s.replace("200.00", "abc", 1)), "has no number for"),
        ("walk.trc", line(2, lambda s: s.replace("\t28\t", "\t40\t")), "NumMarkers says 40, the header names 28"),
        ("walk.trc", drop(900, 1000), "NumFrames says 1800, it has 1700 rows: cut off"),
        ("walk.trc", line(50, lambda s: s.replace("\t", "\tx", 3)), r"line 51: 'x.*' is no number"),
        ("walk.trc", line(60, lambda s: s + "\t1.0"), r"line 61: 87 cells, the header names 86"),
        ("walk.trc", line(70, lambda s: "\t".join(["66", "0.00000", *s.split("\t")[2:]])), "time does not rise after"),
        ("walk.trc", line(2, lambda s: s.replace("200.00", "100.00")), "header says 100 Hz, its time column 200 Hz"),
        ("walk_grf.mot", line(5, lambda _: "end"), "no line 'endheader'"),
        ("walk_grf.mot", line(2, lambda _: "nRows=5"), "nRows says 5, it has 9000 rows"),
        ("walk_grf.mot", line(6, lambda s: s.replace("ground_force_1_px", "nothing")), "load 'ground_force_1' lacks"),
        ("walk_grf.mot", line(6, lambda s: s.replace("_v", "_w")), "no columns of a ground force"),
        ("walk_grf.mot", line(6, lambda s: s.replace("time", "frame")), "first column is 'frame', expected time"),
        ("walk_grf.mot", line(99, lambda s: s.replace("0", "O", 1)), "line 100: .* is no number"),
        ("walk.forces", line(0, lambda _: "[EMG]"), r"not \[Force Data\]"),
        ("walk.forces", line(1, lambda _: "NumberOfForcePlates=3"), "of 3 plates"),
        ("walk.forces", line(3, lambda _: "NumberOfSamples=10"), "NumberOfSamples says 10, it has 9000"),
        ("walk.forces", line(2, lambda _: "Rate=1"), "lacks, or has no number for, 'SampleRate'"),
    ],
)  # fmt: skip
def test_damage_is_told_in_a_sentence(written, tmp_path, name, edit, words):
    put(tmp_path, written, {name: edit})
    second = "walk.forces" if name == "walk.forces" else "walk_grf.mot"
    with pytest.raises(BadFile, match=words) as told:
        read_trial(tmp_path / f"walk.trc+{second}")
    assert "Traceback" not in str(told.value)


def test_forces_on_the_plates_are_refused(written, tmp_path):
    def turned(lines: list[str]) -> None:
        for k in range(7, len(lines)):
            cells = lines[k].split("\t")
            for first in (1, 10):
                cells[first : first + 3] = [f"{-float(v):.6f}" for v in cells[first : first + 3]]
            lines[k] = "\t".join(cells)

    with pytest.raises(BadFile, match="forces push down"):
        read_trial(put(tmp_path, written, {"walk_grf.mot": turned}) / "walk.trc+walk_grf.mot")


def test_a_few_missing_frames_are_holes_and_are_counted(written, tmp_path):
    def gone(lines: list[str]) -> None:
        del lines[500:510]
        lines[2] = lines[2].replace("1800", "1790")

    trial = read_trial(put(tmp_path, written, {"walk.trc": gone}) / "walk.trc+walk_grf.mot")
    assert len(trial.points) == 1800
    assert np.isnan(trial.points[495:505]).all()
    assert "10 frames are missing" in trial.notes


def test_hidden_markers_are_empty_cells_or_zeros(written, tmp_path):
    def hide(lines: list[str]) -> None:
        for k, word in ((100, ""), (101, "0.00000")):
            cells = lines[k].split("\t")
            cells[2:5] = [word] * 3
            lines[k] = "\t".join(cells)

    trial = read_trial(put(tmp_path, written, {"walk.trc": hide}) / "walk.trc")
    assert np.isnan(trial.points[95:97, 0]).all()
    assert np.isfinite(trial.points[95:97, 1:]).all()
    assert np.isfinite(trial.points[[94, 97]]).all()


def test_labels_that_are_there_twice_count_once_and_are_told(walk, written, tmp_path):
    edit = line(3, lambda s: s.replace(walk.labels[5], walk.labels[4]))
    trial = read_trial(put(tmp_path, written, {"walk.trc": edit}) / "walk.trc")
    assert walk.labels[4] in trial.doubled
    assert len(trial.labels) == len(set(trial.labels)) == len(walk.labels) - 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nothing.trc", "no such file"),
        ("walk.mot", "forces alone"),
        ("walk.avi", "expected C3D"),
        ("walk.trc+a.csv", "as in walk.trc"),
    ],
)
def test_a_wrong_name_says_what_is_expected(tmp_path, name, words):
    with pytest.raises(BadFile, match=words):
        read_trial(tmp_path / name)
