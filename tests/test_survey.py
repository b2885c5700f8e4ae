"""Real recordings over plates in a floor, and the table of a whole folder."""

from __future__ import annotations

import csv
from pathlib import Path

import ezc3d
import numpy as np
import pytest
from typer.testing import CliRunner

from labfeedback.analysis import Options
from labfeedback.analysis.survey import survey
from labfeedback.analysis.walk import analyse_file
from labfeedback.cli import build
from labfeedback.errors import BadSetup, Hazard
from labfeedback.records import Flag


def pig(shared_data, name):
    return shared_data / "overground_biomechzoo_pig" / name


@pytest.mark.parametrize("name", ["HC030A/HC030A05.c3d", "HC050A/HC050A11.c3d"])
def test_moments_about_a_models_points_are_the_models_own(shared_data: Path, name: str) -> None:
    file = pig(shared_data, name)
    one = analyse_file(file, Options(frame="points"))
    content = ezc3d.c3d(str(file))
    points = content["parameters"]["POINT"]
    labels = points["LABELS"]["value"] + points["LABELS2"]["value"]
    correlation, error = [], []
    for step in one.steps:
        letter = "R" if step["side"] > 0 else "L"
        theirs = content["data"]["points"][1, labels.index(f"{letter}KneeMoment")] / 1000.0  # adduction, Nm/kg
        (curve,) = [c for c in one.curves if c.step == step["step"]]
        ours, reference = curve.kam_nm / one.subject.mass_kg, theirs[curve.frame]
        seen = np.isfinite(ours) & np.isfinite(reference)
        correlation.append(np.corrcoef(ours[seen], reference[seen])[0, 1])
        error.append(np.sqrt(np.mean((ours[seen] - reference[seen]) ** 2)))
    assert len(correlation) == 2
    assert np.median(correlation) >= 0.93
    assert max(error) <= 0.04


def test_a_set_without_medial_markers_uses_the_models_points_and_says_so(shared_data: Path) -> None:
    file = pig(shared_data, "HC030A/HC030A05.c3d")
    plain, asked = analyse_file(file, Options()), analyse_file(file, Options(frame="points"))
    assert plain.settings.tibia_frame == "points"
    assert any("frame 'points' is used" in note for note in plain.notes)
    assert plain.steps["kam1_nm"] == pytest.approx(asked.steps["kam1_nm"])


def test_a_walk_around_a_corner_is_refused(shared_data: Path) -> None:
    with pytest.raises(BadSetup, match="turns by"):
        analyse_file(pig(shared_data, "HC050A/HC050A33_turn.c3d"), Options())


def test_a_static_trial_carries_the_medial_markers_of_an_overground_walk(shared_data: Path) -> None:
    folder = shared_data / "overground_jam_lenhart"
    one = analyse_file(folder / "overground_17.trc+overground_17_grf.mot", Options(static=folder / "static1.trc"))
    found = {(int(s["side"]), round(float(s["start_s"]), 1)): s for s in one.steps}
    assert set(found) == {(1, 1.3), (-1, 0.7), (-1, 1.8)}
    for step in one.steps:
        assert step["kam_valid"] and 5.0 < step["kam1_nm"] < 45.0
    right = found[1, 1.3]
    assert (right["start_s"], right["end_s"]) == (pytest.approx(1.26, abs=0.02), pytest.approx(1.94, abs=0.02))


def test_a_cortex_walk_has_the_peaks_that_are_known_of_it(shared_data: Path) -> None:
    one = analyse_file(shared_data / "overground_bmc_cortex" / "walk2.trc+walk2.forces", Options())
    right, left = one.steps[0], one.steps[1]
    assert (right["side"], left["side"]) == (1, -1)
    assert left["kam_valid"] and 32.0 <= max(left["kam1_nm"], left["kam2_nm"]) <= 35.0
    # The file begins 42 ms before this contact; its peak is given as at least 32 there, too.
    assert 28.0 <= max(right["kam1_nm"], right["kam2_nm"]) <= 35.0


def test_a_wrong_side_is_refused_in_a_survey_whatever_static_trial_lies_beside_it(shared_data: Path, tmp_path: Path):
    for name in ("walk1.trc", "walk1.forces"):
        (tmp_path / name).write_bytes((shared_data / "overground_bmc_cortex" / name).read_bytes())
    (tmp_path / "static1.trc").write_bytes((shared_data / "overground_jam_lenhart" / "static1.trc").read_bytes())
    lines = {line.name: line for line in survey(tmp_path, Options())}
    assert lines["static1.trc"].status == "static"
    walk = lines["walk1.trc+walk1.forces"]
    assert walk.status == "refused" and "mirrored" in walk.why


def test_a_mirrored_cortex_walk_is_refused(shared_data: Path) -> None:
    with pytest.raises(Hazard, match="exchanged, or the recording is mirrored"):
        analyse_file(shared_data / "overground_bmc_cortex" / "walk1.trc+walk1.forces", Options())


@pytest.fixture(scope="module")
def found(shared_data: Path):
    """Steps of the messy treadmill walk, and the trial with the file's own events."""
    from labfeedback.exchange.c3d import read_c3d

    file = shared_data / "treadmill_grail_gaitalytics" / "treadmill_events.c3d"
    return analyse_file(file, Options()).steps, read_c3d(file)


class TestGrail:
    """The messy treadmill: every stance is found, and the events come from whom they belong to."""

    def test_all_twenty_stances_are_found_and_none_is_merged(self, found) -> None:
        steps, trial = found
        strikes = {1: [], -1: []}
        for event in trial.events:
            if "Strike" in event.label and event.time_s < trial.duration_s - 1.0:
                strikes[1 if event.context == "Right" else -1].append(event.time_s)
        assert len(steps) == 20
        for side, times in strikes.items():
            starts = steps["start_s"][steps["side"] == side]
            assert len(starts) == 10
            assert all(np.abs(starts - time).min() < 0.05 for time in times)
        assert (steps["end_s"] - steps["start_s"]).max() < 0.8

    @pytest.mark.parametrize(("label", "column", "within"), [("Strike", "start_s", 0.03), ("Off", "end_s", 0.04)])
    def test_nine_of_ten_events_are_the_files_own(self, found, label, column, within) -> None:
        steps, trial = found
        near = []
        for event in trial.events:
            if label in event.label and 0.1 < event.time_s < trial.duration_s - 0.1:
                own = steps[column][steps["side"] == (1 if event.context == "Right" else -1)]
                away = np.abs(own - event.time_s).min()
                if away < 0.5:  # a stance that is not whole in the file has no row
                    near.append(away <= within)
        assert len(near) >= 18
        assert np.mean(near) >= 0.9

    def test_a_foot_with_its_load_on_the_other_belt_is_withheld(self, found) -> None:
        steps, _ = found
        much = steps["other_share"] > 0.12
        assert much.sum() >= 6
        assert not steps["kam_valid"][much].any()
        assert (steps["flags"][much] & Flag.CROSSOVER).all()

    def test_a_foot_on_its_own_belt_is_withheld_for_no_other_reason_than_its_events(self, found) -> None:
        # Section 5: an event that the other foot's load hides comes from the markers, and such a step has no moment.
        steps, _ = found
        little = (steps["other_share"] < 0.06) & (steps["gap_s"] == 0)
        assert little.sum() >= 10
        assert not (steps["flags"][little] & ~int(Flag.EVENTS)).any()
        assert steps["kam_valid"][little & ((steps["flags"] & Flag.EVENTS) == 0)].all()


def test_one_command_tables_every_recording(shared_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "survey.csv"
    result = CliRunner().invoke(build("survey"), ["survey", str(shared_data), "--csv", str(out)])
    assert result.exit_code == 0, result.output
    assert "Traceback" not in result.output
    lines = {line["recording"].replace("\\", "/"): line for line in csv.DictReader(out.open(encoding="utf-8"))}
    assert len(lines) > 30
    status = {name: line["status"] for name, line in lines.items()}
    assert status["treadmill_griffith_rtosim/walking_1.c3d"] == "computed"
    assert status["overground_bmc_cortex/walk1.trc+walk1.forces"] == "refused"
    assert status["treadmill_grail_gaitalytics/1min_emg_static.c3d"] == "static"
    main = lines["treadmill_griffith_rtosim/walking_1.c3d"]["KAM1 Nm"]
    for name, line in lines.items():
        if name.startswith("c3d_corrupt_derived/"):
            assert line["status"] == "refused" or line["KAM1 Nm"] == main, name
        if line["status"] in ("refused", "not read"):
            assert line["why"], name


def test_a_folder_without_recordings_is_a_sentence(tmp_path: Path) -> None:
    result = CliRunner().invoke(build("survey"), ["survey", str(tmp_path)])
    assert result.exit_code != 0
    assert "no recordings" in str(result.exception)
