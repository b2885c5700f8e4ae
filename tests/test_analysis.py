"""`analyse` on real recordings: the reference is met, the room does not matter, and what is wrong is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from labfeedback.analysis import Analysis, Options, analyse_file
from labfeedback.analysis.tables import curve_table, summary
from labfeedback.errors import BadFile, BadSetup, Hazard
from labfeedback.records import LEFT, RIGHT, flag_names
from labfeedback.rig import find
from tests import c3d_variants as variants

MAIN = "treadmill_griffith_rtosim/walking_1.c3d"
GRAIL = "treadmill_grail_gaitalytics/treadmill_events.c3d"
SIX = Options(filter_hz=6.0, mass_kg=62.6)
NUMBERS = ("kam1_nm", "kam2_nm", "kfm_nm", "kam1_leverarm_nm", "kam2_leverarm_nm")


@pytest.fixture(scope="module")
def main(shared_data: Path) -> Path:
    return shared_data / MAIN


@pytest.fixture(scope="module")
def walk(main: Path) -> Analysis:
    return analyse_file(main, SIX)


@pytest.fixture(scope="module")
def reference(shared_data: Path) -> NDArray[np.void]:
    name = shared_data / "treadmill_griffith_rtosim/reference_newton_euler_200Hz.csv"
    return np.asarray(np.genfromtxt(name, delimiter=",", names=True))


def _over_stance(
    walk: Analysis, reference: NDArray[np.void], name: str
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """(ours, theirs) at 201 points of every stance."""
    table = curve_table(walk)
    columns = {RIGHT: 1, LEFT: 5}
    out = []
    for step in walk.steps:
        time = np.linspace(step["start_s"], step["end_s"], 201)
        ours = table[:, columns[int(step["side"])] + (0 if name == "KAM" else 1)]
        seen = np.isfinite(ours)
        theirs = reference[f"{'R' if step['side'] > 0 else 'L'}_{name}_newtoneuler_Nm"]
        out.append((np.interp(time, table[seen, 0], ours[seen]), np.interp(time, reference["time"], theirs)))
    return out


def test_seven_stances_of_each_foot_are_found_and_valid(walk: Analysis) -> None:
    assert [len(walk.side(side)) for side in (RIGHT, LEFT)] == [7, 7]
    assert (walk.steps["kam_valid"] == 1).all()
    assert (walk.steps["fpa_valid"] == 1).all()


def test_the_adduction_moment_follows_the_independent_reference(walk: Analysis, reference: NDArray[np.void]) -> None:
    for ours, theirs in _over_stance(walk, reference, "KAM"):
        inner = slice(6, 195)  # 3-97 %
        assert np.sqrt(np.mean((ours - theirs)[inner] ** 2)) <= 0.6
        assert abs(ours[6:100].max() - theirs[6:100].max()) <= 0.5


def test_the_flexion_moment_follows_the_independent_reference(walk: Analysis, reference: NDArray[np.void]) -> None:
    for ours, theirs in _over_stance(walk, reference, "KFM"):
        assert np.sqrt(np.mean((ours - theirs)[6:195] ** 2)) <= 1.5  # forces of the reference are 2 ms late


def test_the_step_tables_peaks_are_those_of_the_curves(walk: Analysis, reference: NDArray[np.void]) -> None:
    for step, (ours, _) in zip(walk.steps, _over_stance(walk, reference, "KAM"), strict=True):
        assert step["kam1_nm"] == pytest.approx(ours[6:100].max(), abs=0.05)
        assert step["kam2_nm"] == pytest.approx(ours[100:195].max(), abs=0.05)


def test_foot_angles_are_the_known_means(walk: Analysis) -> None:
    assert walk.side(RIGHT)["fpa_deg"].mean() == pytest.approx(12.8, abs=1.0)
    assert walk.side(LEFT)["fpa_deg"].mean() == pytest.approx(8.7, abs=1.0)


def test_without_a_height_nothing_is_divided_by_one(walk: Analysis) -> None:
    assert walk.subject.height_m is None
    assert np.isnan(walk.steps["kam1_pct_bwht"]).all()
    assert np.isfinite(walk.steps["kam1_nm_per_kg"]).all()
    assert any("height not given" in note for note in walk.notes)


def test_mass_comes_from_the_plates_and_that_is_said(main: Path) -> None:
    walk = analyse_file(main, Options())
    assert walk.subject.mass_kg == pytest.approx(62.6, abs=0.5)
    assert walk.mass_source == "from the plates"
    assert any("mass not given: 62." in note for note in walk.notes)


def test_a_mass_that_the_plates_contradict_is_said(main: Path) -> None:
    walk = analyse_file(main, Options(mass_kg=80.0))
    assert any("-22 % from the 62." in note for note in walk.notes)


def test_the_files_own_plates_give_the_same_as_the_shipped_rig(main: Path, walk: Analysis) -> None:
    shipped = analyse_file(main, Options(filter_hz=6.0, mass_kg=62.6, rig="griffith", markers="griffith"))
    for name in NUMBERS:
        assert np.allclose(shipped.steps[name], walk.steps[name], atol=1e-4)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("turned by 90 deg", variants.turned(90)),
        ("turned by 180 deg", variants.turned(180)),
        ("turned by 37 deg", variants.turned(37)),
        ("shifted by 3 m", variants.shifted(3000, -3000)),
        ("in metres", variants.in_metres),
        ("with V for the plates' units", variants.lying_units),
    ],
)
def test_the_room_and_the_units_do_not_matter(
    main: Path, walk: Analysis, tmp_path: Path, name: str, change: variants.Change
) -> None:
    other = analyse_file(variants.rewritten(main, tmp_path / f"{name}.c3d", change), SIX)
    assert len(other.steps) == 14
    assert (other.steps["side"] == walk.steps["side"]).all()
    for number in NUMBERS:
        assert np.abs(other.steps[number] - walk.steps[number]).max() < 0.01
    assert np.abs(other.steps["fpa_deg"] - walk.steps["fpa_deg"]).max() < 0.01


def test_a_cut_recording_gives_the_same_for_the_steps_it_holds(main: Path, walk: Analysis, tmp_path: Path) -> None:
    first, last = 350, 1300
    part = analyse_file(variants.rewritten(main, tmp_path / "cut.c3d", variants.cut(first, last)), SIX)
    tail = part.settings.tail_s
    whole = [
        step
        for step in walk.steps
        if step["start_s"] - part.settings.lead_s >= first / 200 and step["end_s"] + tail <= (last - 1) / 200
    ]
    # One that the cut leaves with its lead but whose contact is not yet settled may be missing, none may be added.
    assert len(whole) - 1 <= len(part.steps) <= len(whole)
    for step in part.steps:
        same = min(whole, key=lambda other: abs(other["start_s"] - first / 200 - step["start_s"]))
        assert same["side"] == step["side"]
        for number in NUMBERS:
            assert step[number] == pytest.approx(same[number], abs=0.01)


def test_a_true_mirror_exchanges_the_legs(main: Path, walk: Analysis, tmp_path: Path) -> None:
    mirror = analyse_file(variants.rewritten(main, tmp_path / "mirror.c3d", variants.mirrored), SIX)
    assert (mirror.steps["side"] == -walk.steps["side"]).all()
    for number in (*NUMBERS, "fpa_deg"):
        assert np.abs(mirror.steps[number] - walk.steps[number]).max() < 0.01


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (variants.exchange_sides, "labels of left and right are exchanged"),
        (variants.exchange_medial_and_lateral, "right shank's anterior axis points backwards"),
        (variants.swapped_plates, "the plates are swapped"),
        (variants.reversed_channels(2), "plate 1 pulls its foot down"),
        (variants.reversed_channels(6, 7, 8, 9, 10, 11), "plate 2 pulls its foot down"),
        (variants.reversed_channels(0), "sideways force is reversed"),
        (variants.reversed_channels(7), "fore-aft force is reversed"),
        (variants.reversed_channels(3), "the load is not under the foot"),
    ],
)
def test_what_could_train_the_wrong_way_is_refused(
    main: Path, tmp_path: Path, change: variants.Change, words: str
) -> None:
    spoiled = variants.rewritten(main, tmp_path / "spoiled.c3d", change)
    with pytest.raises(Hazard, match=words):
        analyse_file(spoiled, Options())


def test_a_rig_that_looks_the_other_way_is_refused(main: Path, tmp_path: Path) -> None:
    text = Path(str(find("rigs", "griffith"))).read_text(encoding="utf-8")
    for old, new in (
        ('"-y"', '"y"'),
        ('"-x"', '"x"'),
        ('"left"', '"LEFT"'),
        ('"right"', '"left"'),
        ('"LEFT"', '"right"'),
    ):
        text = text.replace(old, new)
    backwards = tmp_path / "backwards.toml"
    backwards.write_text(text, encoding="utf-8")
    with pytest.raises(Hazard, match="points against the rig's walking direction"):
        analyse_file(main, Options(rig=str(backwards)))


def test_a_rig_of_another_laboratory_is_refused(main: Path) -> None:
    with pytest.raises(BadSetup, match="not where rig 'grail' has them"):
        analyse_file(main, Options(rig="grail"))


def test_every_damaged_copy_is_refused_or_recovered_with_the_right_numbers(shared_data: Path, walk: Analysis) -> None:
    outcome = {}
    for path in sorted((shared_data / "c3d_corrupt_derived").glob("*.c3d")):
        try:
            found = analyse_file(path, SIX)
        except (BadFile, BadSetup) as error:
            assert str(path) in str(error)
            outcome[path.stem] = "refused"
        else:
            assert any("header" in note for note in found.notes)
            assert np.array_equal(found.steps["kam1_nm"], walk.steps["kam1_nm"])
            outcome[path.stem] = "recovered"
    recovered = {"header_wrong_last_frame", "header_wrong_point_count", "header_zero_rate"}
    assert len(outcome) == 11
    assert {name for name, what in outcome.items() if what == "recovered"} == recovered


@pytest.mark.parametrize("how", ["nan", "zero", "repeat"])
def test_a_heel_that_was_not_seen_withholds_its_step_and_no_other(
    main: Path, walk: Analysis, tmp_path: Path, how: str
) -> None:
    hurt = walk.side(RIGHT)[3]
    middle = round(200 * (hurt["start_s"] + hurt["end_s"]) / 2)
    hidden = variants.hidden("RCAL", middle - 40, middle + 40, how)
    found = analyse_file(variants.rewritten(main, tmp_path / "hidden.c3d", hidden), SIX)
    assert len(found.steps) == 14
    for step, before in zip(found.steps, walk.steps, strict=True):
        if before["step"] == hurt["step"]:
            assert "markers" in flag_names(int(step["flags"]))
            assert not step["fpa_valid"]
        else:
            assert step["kam1_nm"] == pytest.approx(before["kam1_nm"], abs=1e-6)
            assert step["fpa_deg"] == pytest.approx(before["fpa_deg"], abs=1e-6)
            assert step["kam_valid"]


def test_no_marker_set_fits_is_a_list(shared_data: Path) -> None:
    with pytest.raises(BadSetup, match=r"griffith \(lacks") as error:
        analyse_file(shared_data / "treadmill_grail_gaitalytics/overground_test_small.c3d", Options())
    assert "LFHD" in str(error.value)  # what the file has
    with pytest.raises(BadSetup, match="lacks, or has twice"):
        analyse_file(shared_data / "overground_opensim_core/walking2.c3d", Options(markers="griffith"))


def test_the_messy_treadmill_walk_is_analysed_from_its_raw_markers(shared_data: Path) -> None:
    walk = analyse_file(shared_data / GRAIL, Options())
    assert walk.markers.name == "grail"
    assert walk.subject.mass_kg == pytest.approx(55.33, abs=0.01)
    assert walk.height_source == "from the file (PROCESSING:Height)"
    assert len(walk.steps) >= 4
    valid = walk.steps[walk.steps["kam_valid"] == 1]
    assert (np.abs(valid["kam1_pct_bwht"]) < 8).all()


def test_steps_come_in_order_and_times_count_from_the_first_frame(walk: Analysis) -> None:
    assert (np.diff(walk.steps["end_s"]) > 0).all()
    assert walk.steps["start_s"][0] > 0
    assert walk.steps["end_s"][-1] < walk.frames / walk.rate_hz
    assert summary(walk)["right"]["steps"] == 7


def test_curves_are_empty_outside_stance(walk: Analysis) -> None:
    table = curve_table(walk)
    assert table.shape == (1732, 9)
    step = walk.side(RIGHT)[2]
    inside = (table[:, 0] > step["start_s"] + 0.01) & (table[:, 0] < step["end_s"] - 0.01)
    assert np.isfinite(table[inside, 1:5]).all()
    swing = (table[:, 0] > step["end_s"] + 0.02) & (table[:, 0] < step["end_s"] + 0.2)
    assert np.isnan(table[swing, 1:5]).all()
    assert table[inside, 3].max() == pytest.approx(9.81 * 62.6 * step["fz_peak_bw"], rel=0.02)
