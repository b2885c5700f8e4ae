"""Whole visits with a simulated patient: from a document to recording, verdict and report, each from one command."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labfeedback import replay
from labfeedback.commands.rehearse import rehearse
from labfeedback.errors import BadSetup
from labfeedback.protocol_file import shipped
from labfeedback.recording.reader import Recording
from labfeedback.report.resume import standing_of
from labfeedback.report.visited import read_visit
from labfeedback.study import Study, open_study

SHORT = """\
schema = 1
id = "short"
version = "1.0"
title = "Short training"
source = "made for the tests of this project"
purpose = "training"
visits = 3

[[blocks]]
id = "baseline"
title = "Natural walking"
minutes = 0.5
measures = "baseline"
before = ["confirm: the lanyard is clipped on", "pain"]
starts = "operator"

[[blocks]]
id = "train"
title = "Training"
minutes = 0.5
measures = "training"
feedback = { variable = "fpa", target = "selected", catch = "1 in 5" }

[[blocks]]
id = "alone"
title = "On your own"
minutes = 0.3
measures = "retention"
after = ["pain"]
feedback = { variable = "fpa", target = "selected", show = "never" }
"""


def shortened(name: str, factor: float, folder: Path) -> str:
    """A shipped document with all its minutes multiplied."""
    text = shipped()[name].read_text(encoding="utf-8")
    text = re.sub(r"^minutes = ([\d.]+)$", lambda m: f"minutes = {float(m[1]) * factor:.3f}", text, flags=re.M)
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def fast(protocol: str, out: Path, **said: Any) -> Path:
    """Rehearse; the recording."""
    before = set(out.rglob("*_visit.h5")) if out.exists() else set()
    rehearse(protocol, out, fast=True, **said)
    (new,) = set(out.rglob("*_visit.h5")) - before
    return new


def equal(recording: Path) -> bool:
    with Recording.open(recording) as visit:
        return replay.check(visit).exit_code == replay.EQUAL


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An assessment of a responder and two trainings that follow it, in one study folder."""
    folder = tmp_path_factory.mktemp("study")
    assessment = shortened("assessment_fpa", 0.42, folder)
    short = folder / "short.toml"
    short.write_text(SHORT, encoding="utf-8")
    out = folder / "study"
    fast(assessment, out, patient="responder", seed=2, truth=folder / "truth.csv")
    for visit in (1, 2):
        fast(str(short), out, patient="responder", seed=2, visit=visit, pain=["3,1", "4,1"])
    return out


def truth_by_condition(path: Path) -> dict[str, float]:
    """Mean true larger (first) peak of the left leg in each measured block."""
    rows = [row for row in csv.DictReader(path.open(encoding="utf-8")) if row["side"] == "left"]
    found: dict[str, list[float]] = {}
    for row in rows:
        if row["block"] == "baseline" or row["block"].startswith("measure/"):
            found.setdefault(row["condition"] or "own", []).append(float(row["kam1_pct_bwht"]))
    return {name: float(np.mean(values)) for name, values in found.items()}


def verdict_in(folder: Path) -> dict[str, Any]:
    (path,) = folder.rglob("*_verdict.json")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_a_responders_verdict_is_what_the_truth_says(course):
    verdict, truth = verdict_in(course), truth_by_condition(course.parent / "truth.csv")
    reductions = {name: truth["own"] - mean for name, mean in truth.items() if name != "own"}
    best = max(reductions, key=lambda name: reductions[name])
    assert verdict["verdict"] == "target"
    assert verdict["chosen_change"] == best.replace("toe_", "toe-").replace("_", " ") + " deg"
    for candidate in verdict["candidates"]:
        measured, true = candidate["reduction"]["mean"], reductions[candidate["condition"]]
        assert measured == pytest.approx(true, abs=0.03)


def test_a_nonresponder_is_recognised(tmp_path):
    recording = fast(shortened("assessment_fpa", 0.42, tmp_path), tmp_path / "s", patient="nonresponder", seed=2)
    assert verdict_in(tmp_path / "s")["verdict"] == "no responder"
    with pytest.raises(BadSetup, match="there is nothing to train"):
        rehearse("training_fpa", tmp_path / "s", fast=True, patient="nonresponder", seed=2)
    assert equal(recording)


def test_the_training_aims_at_the_change_from_the_same_visits_baseline(course):
    sessions = Study(course).sessions("responder2")
    assert [s.task for s in sessions] == ["assessment", "training", "training"]
    change = verdict_in(course)["chosen_change_deg"]
    visited = read_visit(sessions[1].recordings())
    own = visited.baseline().steps(-1)
    trained = next(w for w in visited.walks if w.planned.id == "train")
    assert trained.aimed[-1].target == pytest.approx(own["fpa_deg"].mean() + change, abs=1e-6)
    assert set(trained.aimed) == {-1}
    assert (visited.steps["cued"][visited.steps["side"] == 1] == 0).all()
    later = trained.steps(-1)["fpa_deg"][-8:].mean()
    assert abs(later - trained.aimed[-1].target) < abs(own["fpa_deg"].mean() - trained.aimed[-1].target)


@pytest.mark.parametrize("name", ["kam_direct", "step_width", "weight_symmetry"])
def test_protocols_of_other_variables_rehearse_and_replay(name, tmp_path):
    recording = fast(shortened(name, 0.25, tmp_path), tmp_path / "s", patient="responder", seed=4)
    visited = read_visit([recording])
    assert visited.ended == "the visit has ended: all its blocks are walked"
    walk = next(w for w in visited.walks if w.planned.id == "training")
    assert len(walk.aimed) == (2 if name == "step_width" else 1)
    rows = walk.rows
    assert rows is not None and rows["cued"].sum() > 20
    assert equal(recording)


def test_every_recording_of_a_course_replays(course):
    assert all(equal(path) for path in course.rglob("*_visit.h5"))


class TestTheReport:
    def test_it_is_one_page_that_needs_nothing_else(self, course):
        page = next(course.rglob("*assessment_report.html")).read_text(encoding="utf-8")
        assert not re.search(r"<(script|link|img|iframe)", page)
        assert not re.search(r"url\((?!#)", page)
        assert "Research use. Not a medical device, not for diagnosis." in page
        assert page.count("<svg") >= 2
        for word in ("Candidates", "Withheld steps", "How it was measured", "Latency", "toe-in 10 deg", "MDC95"):
            assert word in page
        assert "nan" not in re.sub(r"<svg.*?</svg>", "", page, flags=re.S)

    def test_the_json_has_what_the_page_has(self, course):
        report = json.loads(next(course.rglob("*_ses-02_*report.json")).read_text(encoding="utf-8"))
        block = next(b for b in report["blocks"] if b["id"] == "train")
        assert block["target"]["band"] == 2.0
        assert set(block["error"]) == {"steps", "bias", "rmse", "in_band", "corrected"}
        assert block["sides"]["left"]["change"]["kam1"]["low"] < block["sides"]["left"]["change"]["kam1"]["high"]
        assert [r["left"] for r in report["pain"]] == [3, 4]
        assert 0.2 < report["training"]["feedback_minutes"] < 0.45
        assert report["catch"]["steps"] >= 3
        assert report["software"]["engine"]
        assert report["latency_ms"] is None  # no streams: said, not invented
        assert report["mdc_kam_between_days"] == 1.0

    def test_errors_to_the_target_are_those_of_the_steps(self, course):
        report = json.loads(next(course.rglob("*_ses-02_*report.json")).read_text(encoding="utf-8"))
        block = next(b for b in report["blocks"] if b["id"] == "train")
        with next(course.rglob("*_ses-02_*steps.csv")).open(encoding="utf-8") as file:
            rows = [
                r for r in csv.DictReader(file)
                if r["side"] == "left" and r["block"] == "1" and r["warm_up"] == "0" and r["fpa_valid"] == "true"
            ]  # fmt: skip
        off = np.array([float(r["fpa_deg"]) for r in rows]) - block["target"]["value"]
        assert len(off) == block["error"]["steps"]
        assert block["error"]["bias"] == pytest.approx(off.mean(), abs=1e-4)
        assert block["error"]["rmse"] == pytest.approx(np.sqrt((off**2).mean()), abs=1e-4)
        assert block["error"]["in_band"] == pytest.approx((np.abs(off) <= 2.0).mean(), abs=1e-4)

    def test_the_patients_page_tells_neither_arm_nor_moments(self, course):
        for path in course.rglob("*_patient.html"):
            page = re.sub(r"<svg.*?</svg>|<style.*?</style>", "", path.read_text(encoding="utf-8"), flags=re.S).lower()
            assert "you walked for" in page
            for word in ("sham", "active", "kam", "bw*ht", "verdict", "responder"):
                assert word not in page

    def test_a_course_of_visits_is_one_page(self, course):
        from labfeedback.commands.report import report

        report(course)
        page = (course / "sub-responder2" / "sub-responder2_course.html").read_text(encoding="utf-8")
        assert "3 visits" in page and "training 1" in page and "training 2" in page
        assert "first rating of the first visit to last of the last: +2 points" in page
        links = re.findall(r'<a href="([^"]+)"', page)
        assert len(links) == 3 and all((course / "sub-responder2" / link).exists() for link in links)

    def test_making_it_again_leaves_recordings_and_verdict_as_they_are(self, course):
        from labfeedback.commands.report import report

        kept = {path: path.read_bytes() for pattern in ("*.h5", "*verdict.json") for path in course.rglob(pattern)}
        report(course)
        assert {path: path.read_bytes() for path in kept} == kept


class TestTheStudy:
    def test_nobody_changes_leg_or_height(self, course):
        from labfeedback.subject import Subject

        study = open_study(course)
        same = Subject(id="responder2", height_m=float(study.people()[0]["height_m"]), mass_kg=80)
        study.admit(same, "left")
        with pytest.raises(BadSetup, match="trained side left, now it is right"):
            study.admit(same, "right")
        with pytest.raises(BadSetup, match="height"):
            study.admit(same.model_copy(update={"height_m": 1.2}), "left")
        with pytest.raises(BadSetup, match="pseudonym"):
            study.admit(same.model_copy(update={"id": "responder_2"}), "left")

    def test_names_tell_the_purpose_and_never_the_arm(self, tmp_path):
        short = tmp_path / "short.toml"
        short.write_text(SHORT.replace('purpose = "training"', 'purpose = "training"\narm = "sham"'), encoding="utf-8")
        fast(str(short), tmp_path / "s", arm="sham")
        names = [path.name for path in (tmp_path / "s").rglob("*")]
        assert not [name for name in names if "sham" in name or "active" in name]
        assert any("task-training" in name for name in names)

    def test_a_folder_that_is_no_study_is_said_so(self, tmp_path):
        with pytest.raises(BadSetup, match="is no study folder"):
            open_study(tmp_path)

    def test_an_override_is_kept_beside_the_verdict_and_trained(self, course, tmp_path):
        import shutil

        from labfeedback.commands.override import override

        copy = tmp_path / "copy"
        shutil.copytree(course, copy)
        before = next(copy.rglob("*assessment_verdict.json")).read_bytes()
        with pytest.raises(BadSetup, match="more than 15 deg"):
            override(copy, "responder2", "toe-in 16 deg", "because")
        with pytest.raises(BadSetup, match="give a reason"):
            override(copy, "responder2", "toe-in 5 deg", " ")
        override(copy, "responder2", "toe-in 5 deg", "ten is too much for the hip")
        assert next(copy.rglob("*assessment_verdict.json")).read_bytes() == before
        short = tmp_path / "short.toml"
        short.write_text(SHORT, encoding="utf-8")
        visited = read_visit([fast(str(short), copy, patient="responder", seed=2, visit=3)])
        assert visited.visit.selected == "toe-in 5 deg"
        assert any("ten is too much for the hip" in remark for remark in visited.setup.remarks)


def test_pain_of_six_holds_the_visit_and_the_second_time_ends_it(tmp_path):
    short = tmp_path / "short.toml"
    short.write_text(SHORT.replace('"pain"]\n', '"pain"]\n', 1) + "", encoding="utf-8")
    text = short.read_text(encoding="utf-8").replace(
        'purpose = "training"', 'purpose = "training"\n\n[stop]\npain_every_min = 0.3'
    )
    text = text.replace("visits = 3\n", "").replace("\n[stop]", "\nvisits = 3\n\n[stop]")
    short.write_text(text, encoding="utf-8")
    recording = fast(str(short), tmp_path / "s", pain=["1,1", "6,1", "6,1"])
    visited = read_visit([recording])
    assert "a stop rule" in visited.ended
    assert equal(recording)
    report = json.loads(next((tmp_path / "s").rglob("*_report.json")).read_text(encoding="utf-8"))
    assert any("pain is 6 of 10, for the second time" in i["what"] for i in report["incidents"])


def test_a_visit_that_was_cut_off_goes_on_at_its_block(tmp_path):
    """The recording of a walk that ends in the middle of training, then the rest, as one visit."""
    from devices.simulated import Walk, layouts
    from labfeedback.commands.visiting import make_visit
    from labfeedback.engine.start import build_start
    from labfeedback.markerset import load_marker_set
    from labfeedback.protocol_file import draw, parse_protocol
    from labfeedback.rehearsal import walk_fast
    from labfeedback.rig import load_rig
    from labfeedback.subject import Subject

    protocol = parse_protocol(SHORT, "short.toml")
    visit = make_visit(protocol, 1, "left", "toe-in 5 deg", draw(protocol, 1))
    person = Subject(id="S1", mass_kg=75.0, height_m=1.70, sex="M", trained_side="left")
    session = open_study(tmp_path / "s", create=True).new_session("S1", "training")

    def walked(visit: Any, cut_s: float) -> Path:
        walk = Walk(seed=3, slope=(0.04, -0.02))
        walker, rig = walk.walker(), load_rig("simulated")
        start = build_start(rig, person, load_marker_set("simulated"), visit=visit)
        return walk_fast(
            start, layouts(walker, rig), walker, session.next_recording(), until=lambda now: now > cut_s
        ).recording

    first = walked(visit, 55.0)
    again, standing, ended = standing_of(first)
    assert (standing.block, ended, again.selected) == (1, False, "toe-in 5 deg")
    assert standing.own["left"]["fpa"] == pytest.approx(7.0, abs=1.0)
    second = walked(again.model_copy(update={"standing": standing}), 1e9)
    assert [path.name[-15:] for path in session.recordings()] == ["run-01_visit.h5", "run-02_visit.h5"]
    whole = read_visit(session.recordings())
    assert whole.ended
    assert [(w.planned.id, w.repeated) for w in whole.walks] == [
        ("baseline", False), ("train", True), ("train", False), ("alone", False),
    ]  # fmt: skip
    targets = [w.aimed[-1].target for w in whole.walks if w.planned.id == "train"]
    assert targets[0] == targets[1]  # from the first part's baseline
    assert equal(first) and equal(second)
    assert standing_of(second)[2]
