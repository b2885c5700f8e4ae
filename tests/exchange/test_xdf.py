"""LSL recordings: the C3D's own steps again, clocks told apart, and what is no walk refused with what is in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from labfeedback.analysis.walk import Options, analyse_file
from labfeedback.errors import BadFile, LabError
from labfeedback.exchange.xdf import read_xdf
from labfeedback.records import Flag

CLEAN, MESSY = "xdf/derived_treadmill_clean.xdf", "xdf/derived_treadmill_messy.xdf"
LATENCY_S = 0.004  # of the messy file's markers; no file tells it, a stamp trial does


@pytest.fixture(scope="module")
def steps(shared_data: Path):
    files = ("treadmill_griffith_rtosim/walking_1.c3d", CLEAN, MESSY)
    return [analyse_file(shared_data / name, Options(height_m=1.7)).steps for name in files]


def test_a_clean_recording_has_the_c3ds_steps(steps):
    c3d, clean, _ = steps
    assert len(c3d) == len(clean) == 14
    assert clean["kam_valid"].all()
    for name in ("kam1_nm", "kam2_nm", "kfm_nm"):
        np.testing.assert_allclose(clean[name], c3d[name], atol=0.01)
    np.testing.assert_allclose(clean["fpa_deg"], c3d["fpa_deg"], atol=0.01)
    np.testing.assert_allclose(clean["start_s"], c3d["start_s"], atol=0.001)
    assert clean["sync_s"].max() < 5e-5


def test_a_messy_one_withholds_what_is_damaged_and_has_the_rest_right(steps):
    c3d, _, messy = steps
    assert (messy["side"] == c3d["side"]).all()
    valid = messy["kam_valid"] == 1
    assert 6 <= valid.sum() < 14
    for name in ("kam1_nm", "kam2_nm"):
        np.testing.assert_allclose(messy[name][valid], c3d[name][valid], atol=0.5)
    seen = messy["fpa_valid"] == 1
    np.testing.assert_allclose(messy["fpa_deg"][seen], c3d["fpa_deg"][seen], atol=0.05)
    # Eight frames are gone in three places; RCAL is hidden for 60 frames, LFCM is zero for 12.
    gaps = (messy["flags"] & int(Flag.STREAM_GAP)) > 0
    hidden = (messy["flags"] & int(Flag.MARKERS)) > 0
    assert gaps.sum() >= 3
    assert set(messy["side"][hidden].tolist()) == {1, -1}
    assert not messy["kam_valid"][gaps | hidden].any()
    assert 1e-4 < np.median(messy["sync_s"]) < 1e-3  # arrival jitter of 1.5 ms


def test_the_clocks_of_a_messy_recording_are_told_apart(shared_data: Path):
    trial = read_xdf(shared_data / MESSY)
    (told,) = [note for note in trial.notes if note.startswith("clock of 'TreadmillForces'")]
    offset, drift = (float(told.split(" ")[k].removesuffix(",")) for k in (3, 9))
    # 1.2345 s at the beginning, 80 ppm of 8.66 s later at its end; the middle of it is what is told.
    assert offset == pytest.approx(-1234.5 + 80e-3 * 4.75, abs=1.0)
    assert drift == pytest.approx(80.0, abs=10.0)
    assert any("gives no rate: 200 Hz" in note for note in trial.notes)
    assert any("other streams, not looked at: 'TrialMarkers'" in note for note in trial.notes)


def test_permuted_channels_are_found_by_their_labels(shared_data: Path):
    clean, messy = read_xdf(shared_data / CLEAN), read_xdf(shared_data / MESSY)
    assert set(clean.labels) == set(messy.labels)
    assert clean.labels != messy.labels
    for label in ("RCAL", "LFCM", "RASI"):
        np.testing.assert_allclose(messy.marker(label)[100], clean.marker(label)[100], atol=1e-5)


def test_plates_are_those_of_the_c3d(shared_data: Path):
    from labfeedback.exchange.c3d import read_c3d

    xdf, c3d = read_xdf(shared_data / CLEAN), read_c3d(shared_data / "treadmill_griffith_rtosim/walking_1.c3d")
    for one, other in zip(xdf.plates, c3d.plates, strict=True):
        np.testing.assert_allclose(one.corners_m, other.corners_m, atol=1e-6)
        np.testing.assert_allclose(one.origin_m, other.origin_m, atol=1e-6)
        np.testing.assert_array_equal(one.channels, other.channels)
        assert one.moment_unit == other.moment_unit == "Nmm"


@pytest.mark.parametrize("name", ["minimal", "empty_streams", "clock_resets"])
def test_a_recording_without_a_walk_says_what_it_has(shared_data: Path, name: str):
    with pytest.raises(BadFile, match="no stream of type MoCap with samples and described channels; it has '"):
        read_xdf(shared_data / "xdf" / f"{name}.xdf")


def test_what_is_no_xdf_file_is_refused(tmp_path: Path):
    for name, content in (("text", b"hello world"), ("empty", b""), ("head", b"XDF:")):
        path = tmp_path / f"{name}.xdf"
        path.write_bytes(content)
        with pytest.raises(BadFile, match=f"{name}.xdf: "):
            read_xdf(path)
    with pytest.raises(BadFile, match="no such file"):
        read_xdf(tmp_path / "nothing.xdf")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.999])
def test_a_recording_that_was_cut_off_is_refused_or_has_the_steps_before_the_cut(
    shared_data: Path, tmp_path: Path, steps, share: float
):
    whole = (shared_data / CLEAN).read_bytes()
    path = tmp_path / "cut.xdf"
    path.write_bytes(whole[: int(share * len(whole))])
    try:
        cut = analyse_file(path, Options(height_m=1.7, mass_kg=62.8)).steps
    except LabError as told:
        assert str(path) in str(told)
        return
    for row in cut[cut["kam_valid"] == 1]:
        same = steps[1][np.argmin(np.abs(steps[1]["start_s"] - row["start_s"]))]
        assert row["kam1_nm"] == pytest.approx(same["kam1_nm"], abs=0.1)
