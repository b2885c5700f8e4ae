"""Reading C3D: the numbers of other programs are met, and damage is refused or its recovery said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from labfeedback.errors import BadFile
from labfeedback.exchange.c3d import read_c3d
from labfeedback.exchange.trial import Trial, force_stream, marker_stream

MAIN = "treadmill_griffith_rtosim/walking_1.c3d"
GRAIL = "treadmill_grail_gaitalytics/treadmill_events.c3d"


@pytest.fixture(scope="module")
def walk(shared_data: Path) -> Trial:
    return read_c3d(shared_data / MAIN)


def _sto(path: Path) -> NDArray[np.float64]:
    body = path.read_text().split("endheader")[1].strip().splitlines()[1:]
    return np.array([[float(word) for word in line.split()] for line in body])


@pytest.mark.parametrize("name", ["walking2", "walking5"])
def test_force_and_centre_of_pressure_equal_those_of_opensim(shared_data: Path, name: str) -> None:
    folder = shared_data / "overground_opensim_core"
    trial = read_c3d(folder / f"{name}.c3d")
    table = _sto(folder / f"std_cop_{name}_grfs.sto")
    at = np.rint(table[:, 0] * trial.analog_rate_hz).astype(int)
    table, at = table[at < len(trial.plates[0].channels)], at[at < len(trial.plates[0].channels)]
    for index, plate in enumerate(trial.plates):
        theirs = table[:, 1 + 9 * index : 10 + 9 * index]
        loaded = np.abs(theirs[:, 2]) > 30.0
        assert loaded.sum() >= 9
        force, cop, free = plate.force_and_cop()
        assert np.abs(force[at] - theirs[:, :3])[loaded].max() < 0.1
        assert np.abs(1e3 * cop[at] - theirs[:, 3:6])[loaded].max() < 0.1
        assert np.abs(-1e3 * free[at] - theirs[:, 8])[loaded].max() < 1.0  # the plate's z points down; Nmm


def test_the_main_recording_is_read_whole(walk: Trial) -> None:
    assert walk.points.shape == (1732, 34, 3)
    assert (walk.rate_hz, walk.analog_rate_hz, walk.first_frame) == (200.0, 1000.0, 1)
    assert walk.point_unit == "mm"
    assert np.isfinite(walk.points).all()
    assert [plate.channels.shape for plate in walk.plates] == [(8660, 6)] * 2
    assert {plate.moment_unit for plate in walk.plates} == {"Nmm"}
    assert walk.notes == ()


def test_positions_are_in_metres(walk: Trial) -> None:
    heel = walk.marker("RCAL")
    assert 0.0 < np.median(heel[:, 2]) + 0.026 < 0.4
    with pytest.raises(KeyError):
        walk.marker("NOSE")


def test_event_times_count_from_the_first_frame(shared_data: Path) -> None:
    trial = read_c3d(shared_data / GRAIL)
    assert trial.first_frame == 45
    assert len(trial.events) == 43
    assert trial.events[0].time_s >= 0.0
    assert trial.events[-1].time_s <= trial.duration_s
    strikes = [e.time_s for e in trial.events if (e.label, e.context) == ("Foot Strike", "Right")]
    vertical = trial.plates[1].force_and_cop()[0][:, 2]
    after = [vertical[int(1000 * (t + 0.1))] for t in strikes if t + 0.1 < trial.duration_s]
    before = [vertical[int(1000 * (t - 0.1))] for t in strikes if t > 0.1]
    assert np.median(after) > 300.0 > 60.0 > np.median(before)  # not so if frame 45 were taken for frame 1


def test_mass_and_height_of_the_vendors_processing_are_kept(shared_data: Path) -> None:
    trial = read_c3d(shared_data / GRAIL)
    assert trial.mass_kg == pytest.approx(55.326, abs=1e-3)
    assert trial.height_m == pytest.approx(1.7197, abs=1e-4)


def test_a_vendors_angles_and_moments_are_no_markers(shared_data: Path) -> None:
    trial = read_c3d(shared_data / GRAIL)
    assert "LLEK" in trial.labels
    assert not {"LKneeAngles", "RKneeMoment", "LAnklePower"} & set(trial.labels)


def test_labels_beyond_255_are_read(shared_data: Path) -> None:
    trial = read_c3d(shared_data / "overground_biomechzoo_pig/HC030A/HC030A05.c3d")
    assert not any(label.startswith("point") for label in trial.labels)
    assert "RTIO" in trial.labels
    assert trial.first_frame == 286


def test_doubled_labels_are_said(shared_data: Path) -> None:
    trial = read_c3d(shared_data / "overground_bmc_cortex/Gait.c3d")
    assert {"RKNE", "LANK"} <= trial.doubled
    assert "RKNE (2)" in trial.labels
    assert np.isnan(trial.points).any()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bad_magic", "not a C3D file"),
        ("text_not_c3d", "not a C3D file"),
        ("zero_bytes", "empty"),
        ("header_only_512", "before its parameter section"),
        ("truncated_in_parameters", "inside its parameter section"),
        ("truncated_60pct", "1035 of 1732 frames"),
    ],
)
def test_a_damaged_file_is_refused_in_a_sentence(shared_data: Path, name: str, words: str) -> None:
    with pytest.raises(BadFile, match=words):
        read_c3d(shared_data / "c3d_corrupt_derived" / f"{name}.c3d")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("header_wrong_last_frame", "disagree on frames (1732 or 65535)"),
        ("header_wrong_point_count", "disagree on points (34 or 9999)"),
        ("header_zero_rate", "taken from the parameters: 200 Hz"),
    ],
)
def test_a_wrong_header_is_recovered_and_said(shared_data: Path, walk: Trial, name: str, words: str) -> None:
    trial = read_c3d(shared_data / "c3d_corrupt_derived" / f"{name}.c3d")
    assert any(words in note for note in trial.notes)
    assert np.array_equal(trial.points, walk.points)
    assert np.array_equal(trial.plates[1].channels, walk.plates[1].channels)
    assert (trial.rate_hz, trial.analog_rate_hz) == (200.0, 1000.0)


@pytest.mark.parametrize(
    ("name", "words"), [("force_platform_group_renamed", "no force plates"), ("corners_missing", "no CORNERS")]
)
def test_a_file_without_usable_plates_says_why(shared_data: Path, name: str, words: str) -> None:
    trial = read_c3d(shared_data / "c3d_corrupt_derived" / f"{name}.c3d")
    assert trial.plates == ()
    assert words in trial.no_plates


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="no such file"):
        read_c3d(tmp_path / "nothing.c3d")


def test_any_cut_of_the_file_is_refused(shared_data: Path, tmp_path: Path) -> None:
    content = (shared_data / MAIN).read_bytes()
    for kept in (513, 5000, 11_775, 11_776, 12_000, len(content) // 2, len(content) - 512, len(content) - 1):
        cut = tmp_path / f"{kept}.c3d"
        cut.write_bytes(content[:kept])
        with pytest.raises(BadFile):
            read_c3d(cut)


def test_streams_carry_the_files_own_numbers(walk: Trial) -> None:
    layout, values = marker_stream(walk, "markers")
    assert values.dtype == np.float32
    assert values.shape == (1732, 102)
    assert [c.label for c in layout.channels[:3]] == ["RASI_X", "RASI_Y", "RASI_Z"]
    assert {c.unit for c in layout.channels} == {"mm"}
    layout, values = force_stream(walk, "forces", sides=("left", "right"))
    assert values.shape == (8660, 12)
    assert [c.label for c in layout.channels[6:9]] == ["FP2_Fx", "FP2_Fy", "FP2_Fz"]
    assert [c.unit for c in layout.channels[:6]] == ["N"] * 3 + ["Nmm"] * 3
    assert [p.side for p in layout.plates] == ["left", "right"]
    assert values[:, 8].max() < 30.0  # the plate's z points down, the subject is pushed up
    assert np.array_equal(values[:, 6:], walk.plates[1].channels)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\x05\x04SCALE\x9a\x00\x04\x01\x25", b"\x05\x04SCAXE\x9a\x00\x04\x01\x25"),  # ANALOG:SCALE is gone
        (b"END_FIELD\n\x00\x02\x01", b"END_FIELD\n\x00\x02\xdd"),  # a parameter with 221 dimensions
        (b"\x05\x04SCALE\x9a\x00\x04\x01\x25", b"\x05\x04SCALE\x9a\x00\x04\x01\xff"),  # more values than there is room
        (b"\x06\x04LABELSW\x02\xff", b"\x06\xaaLABELSW\x02\xff"),  # ANALOG:LABELS belongs to no group
    ],
)
def test_a_damaged_parameter_that_would_crash_the_reader_is_refused(
    shared_data: Path, tmp_path: Path, old: bytes, new: bytes
) -> None:
    content = (shared_data / MAIN).read_bytes()
    assert content.count(old) == 1
    (tmp_path / "damaged.c3d").write_bytes(content.replace(old, new))
    with pytest.raises(BadFile, match="parameter"):
        read_c3d(tmp_path / "damaged.c3d")


def test_a_file_whose_data_end_on_a_block_is_whole(tmp_path: Path) -> None:
    # 28 markers x 4 floats x 400 frames are exactly 350 blocks; ezc3d, a common writer, then pads a whole one more.
    import ezc3d

    file = ezc3d.c3d()
    file["parameters"]["POINT"]["UNITS"]["value"] = ["m"]
    file["parameters"]["POINT"]["RATE"]["value"] = [200.0]
    file["parameters"]["POINT"]["LABELS"]["value"] = [f"M{i:02d}" for i in range(28)]
    points = np.ones((4, 28, 400))
    points[:3] = np.random.default_rng(0).normal(size=(3, 28, 400))
    file["data"]["points"] = points
    path = tmp_path / "whole.c3d"
    file.write(str(path))
    trial = read_c3d(path)
    assert trial.points.shape == (400, 28, 3)
    np.testing.assert_allclose(trial.points, points[:3].transpose(2, 1, 0), rtol=1e-6)
