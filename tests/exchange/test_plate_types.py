"""TYPE 1, 3 and 4 plates of C3D files: the same walk written each way has the same forces, and the same steps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from labfeedback.exchange import c3d_plate_types as types
from labfeedback.exchange.c3d import read_c3d
from tests.c3d_variants import Change, rewritten
from tests.engine.walks import Stream, Walk, recorded, walk_through

MAIN = "treadmill_griffith_rtosim/walking_1.c3d"
DEPTH = 55.0  # mm of the transducers below the surface
HALF_X, HALF_Y = 190.0, 700.0  # mm between their axes and the plate's
rng = np.random.default_rng(12)
# Sensitivities of a strain-gauge plate in N/V and Nmm/V, every cross-talk term filled in.
MATRICES = [
    np.diag([2.9, 3.0, 11.5, 2190.0, 1980.0, 956.0])
    + np.outer([0.03, 0.03, 0.03, 20.0, 20.0, 20.0], np.ones(6)) * rng.uniform(-1, 1, (6, 6))
    for _ in range(2)
]


def about_surface(file: Any, plate: int) -> np.ndarray:
    """(n, 6) of a TYPE 2 plate of the main recording about its surface's centre, N and Nmm, plate frame."""
    platform = file["parameters"]["FORCE_PLATFORM"]
    rows = platform["CHANNEL"]["value"][:, plate].astype(int) - 1
    w = file["data"]["analogs"][0][rows].T.copy()
    w[:, 3:] += np.cross(platform["ORIGIN"]["value"][:, plate], w[:, :3])
    return w


def moved(w: np.ndarray, to: list[float]) -> np.ndarray:
    """The same about a point `to` (from the surface's centre)."""
    out = w.copy()
    out[:, 3:] -= np.cross(np.array(to), w[:, :3])
    return out


def store(kind: int, channels: list[np.ndarray], origin: list[list[float]], matrix: Any = None) -> Change:
    """Write plates of another type. channels: (n, k) of each plate."""

    def change(file: Any) -> None:
        platform = file["parameters"]["FORCE_PLATFORM"]
        analogs, first, rows = file["data"]["analogs"], 12, []
        for plate in channels:
            rows.append(np.arange(first, first + plate.shape[1]) + 1)
            analogs[0, first : first + plate.shape[1]] = plate.T
            first += plate.shape[1]
        platform["TYPE"]["value"] = np.array([kind] * len(channels))
        platform["CHANNEL"]["value"] = np.stack(rows, axis=1)
        platform["ORIGIN"]["value"] = np.array(origin).T
        if matrix is not None:
            file.add_parameter("FORCE_PLATFORM", "CAL_MATRIX", np.stack(matrix, axis=2))

    return change


def as_type(kind: int, name: str = "") -> Change:
    """The main recording's two plates as `kind`."""

    def change(file: Any) -> None:
        surface = [about_surface(file, plate) for plate in range(2)]
        deep = [moved(w, [0.0, 0.0, DEPTH]) for w in surface]
        if kind == 1:
            told = []
            for w in surface:
                loaded = np.abs(w[:, 2]) > 1e-9
                px, py = (np.where(loaded, m / np.where(loaded, w[:, 2], 1.0), 0.0) for m in (-w[:, 4], w[:, 3]))
                told.append(np.column_stack([w[:, :3], px, py, w[:, 5] - px * w[:, 1] + py * w[:, 0]]))
            store(1, told, [[0.0, 0.0, -DEPTH]] * 2)(file)
        elif kind == 3:
            # Eight numbers from six: the least ones that add up.
            sums = np.zeros((6, 8))
            sums[0, [0, 1]] = sums[1, [2, 3]] = 1.0
            sums[2, 4:] = 1.0
            sums[3, 4:] = HALF_Y * np.array([1, 1, -1, -1])
            sums[4, 4:] = HALF_X * np.array([-1, 1, 1, -1])
            sums[5, :4] = [-HALF_Y, HALF_Y, HALF_X, -HALF_X]
            store(3, [w @ np.linalg.pinv(sums).T for w in deep], [[HALF_X, HALF_Y, -DEPTH]] * 2)(file)
        elif kind == 4:
            volts = [np.linalg.solve(c, w.T).T for c, w in zip(MATRICES, deep, strict=True)]
            store(4, volts, [[0.0, 0.0, -DEPTH]] * 2, MATRICES)(file)
        else:  # TYPE 2 with the origin below: as the standard has it, or as many systems write it
            store(2, deep, [[0.0, 0.0, -DEPTH if name == "standard" else DEPTH]] * 2)(file)

    return change


WRITTEN = [(1, ""), (3, ""), (4, ""), (2, "standard"), (2, "other")]


@pytest.mark.parametrize(("kind", "name"), WRITTEN)
def test_every_type_has_the_forces_and_centres_of_pressure_of_the_recording(
    shared_data: Path, tmp_path: Path, kind: int, name: str
) -> None:
    trial = read_c3d(shared_data / MAIN)
    other = read_c3d(rewritten(shared_data / MAIN, tmp_path / "other.c3d", as_type(kind, name)))
    assert other.no_plates == ""
    for one, two in zip(trial.plates, other.plates, strict=True):
        (force, cop, free), (force2, cop2, free2) = one.force_and_cop(), two.force_and_cop()
        loaded = np.abs(force[:, 2]) > 50.0
        assert loaded.sum() > 3000
        np.testing.assert_allclose(force2, force, atol=0.01)
        np.testing.assert_allclose(cop2[loaded], cop[loaded], atol=1e-5)
        np.testing.assert_allclose(free2[loaded], free[loaded], atol=5e-3)


@pytest.mark.parametrize(("kind", "name"), WRITTEN[1:4])
def test_the_steps_are_the_same_in_every_type(shared_data: Path, tmp_path: Path, kind: int, name: str) -> None:
    walk = recorded(shared_data)
    rows = walk_through(walk)["steps"]
    other = read_c3d(rewritten(shared_data / MAIN, tmp_path / "other.c3d", as_type(kind, name)))
    plates = tuple(
        plate.model_copy(update={"origin_m": written.origin_m})
        for plate, written in zip(walk.rig.plates, other.plates, strict=True)
    )
    values = np.hstack([plate.channels for plate in other.plates])
    same: Walk = replace(
        walk, rig=walk.rig.model_copy(update={"plates": plates}), forces=Stream(walk.forces.time, values)
    )
    again = walk_through(same)["steps"]
    assert len(again) == len(rows) == 14
    for column in ("kam1_nm", "kam2_nm", "kfm_nm"):
        np.testing.assert_allclose(again[column], rows[column], atol=0.01)


def test_the_pressure_of_a_recorded_type_4_plate_rolls_forward_under_the_foot(shared_data: Path) -> None:
    # Two plates of a Motion Analysis lab: volts and full matrices, ORIGIN as the standard has it. Read with the other
    # sign the centre of pressure lies 2 x 59 mm x Fx / Fz away, and runs back by 2-4 cm more while the foot pushes off.
    trial = read_c3d(shared_data / "overground_bmc_cortex/Gait.c3d")
    assert [plate.moment_unit for plate in trial.plates] == ["Nmm", "Nmm"]
    assert sum("as the C3D standard has it" in note for note in trial.notes) == 2
    for plate, (heel, toe) in zip(trial.plates, (("LHEE", "LTOE"), ("RHEE", "RTOE")), strict=True):
        back = {}
        for sign in (1, -1):
            force, cop, free = replace(plate, origin_m=tuple(sign * v for v in plate.origin_m)).force_and_cop()
            assert force[:, 2].max() > 700.0
            loaded = np.flatnonzero(force[:, 2] > 450.0)
            frames = loaded // round(trial.analog_rate_hz / trial.rate_hz)
            at_heel, at_toe = trial.marker(heel)[frames, :2], trial.marker(toe)[frames, :2]
            foot = np.linalg.norm(at_toe - at_heel, axis=1)
            along = ((cop[loaded, :2] - at_heel) * (at_toe - at_heel)).sum(axis=1) / foot
            assert -0.2 < (along / foot).min() < (along / foot).max() < 1.1
            assert np.abs(free[loaded]).max() < 8.0
            back[sign] = along.max() - along[-1]
        assert back[1] < back[-1] - 0.02


@given(arrays(np.float64, (3, 6), elements=st.floats(-800, 800)), st.integers(0, 10_000))
def test_a_calibration_matrix_is_undone_exactly(wrench: np.ndarray, seed: int) -> None:
    matrix = MATRICES[seed % 2]
    volts = np.linalg.solve(matrix, wrench.T).T
    np.testing.assert_allclose(types.wrench(4, volts, np.zeros(3), matrix), wrench, atol=1e-6)


def test_one_loaded_transducer_tips_a_type_3_plate_towards_its_corner() -> None:
    # Kistler: 1 lies at +x +y, 2 at -x +y, 3 at -x -y, 4 at +x -y; z down, so a person's weight is positive.
    for k, (x, y) in enumerate(((1, 1), (-1, 1), (-1, -1), (1, -1))):
        signals = np.zeros((1, 8))
        signals[0, 4 + k] = 100.0
        w = types.wrench(3, signals, np.array([120.0, 200.0, -45.0]), None)[0]
        assert (-w[4] / w[2], w[3] / w[2]) == (120.0 * x, 200.0 * y)


def _wide(file: Any) -> None:
    file.add_parameter("FORCE_PLATFORM", "CAL_MATRIX", np.ones((6, 8, 2)))


def _none(file: Any) -> None:
    del file["parameters"]["FORCE_PLATFORM"]["CAL_MATRIX"]


def _dead(file: Any) -> None:
    file["parameters"]["FORCE_PLATFORM"]["CAL_MATRIX"]["value"][2, 2, 1] = 0.0


def _types(*kinds: int) -> Change:
    def change(file: Any) -> None:
        file["parameters"]["FORCE_PLATFORM"]["TYPE"]["value"] = np.array(kinds)

    return change


def _channel(file: Any) -> None:
    file["parameters"]["FORCE_PLATFORM"]["CHANNEL"]["value"][5, 1] = 99


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_wide, "no 6x6 matrix for it (found 6x8x2)"),
        (_none, "no 6x6 matrix for it (found nothing)"),
        (_dead, "zeros on its diagonal"),
        (_types(4, 7), "plate type 7 is not supported: expected TYPE 1"),
        (_types(3, 3), "no CHANNEL"),
        (_channel, "names analog channel 99"),
    ],
)
def test_what_a_plate_lacks_is_said(shared_data: Path, tmp_path: Path, change: Change, words: str) -> None:
    trial = read_c3d(rewritten(shared_data / MAIN, tmp_path / "spoiled.c3d", as_type(4), change))
    assert trial.plates == ()
    assert words in trial.no_plates
