"""A blinded study: who keeps the allocation, what its operators may do, and what no file of theirs may tell."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labfeedback import allocation as kept
from labfeedback.commands import lab_visit
from labfeedback.commands.allocate import allocate
from labfeedback.commands.blind import blind
from labfeedback.commands.lab_look import look
from labfeedback.commands.lab_visit import in_short
from labfeedback.commands.override import override
from labfeedback.commands.rehearse import rehearse
from labfeedback.commands.report import report
from labfeedback.commands.visit import prepared
from labfeedback.commands.visit_walk import walk_visit
from labfeedback.errors import BadSetup
from labfeedback.report.numbers import numbers
from labfeedback.report.veiled import veiled_numbers
from labfeedback.report.visited import read_visit
from labfeedback.study import Study, open_study
from tests.test_allocation import row
from tests.test_visit_command import SUBJECT

SHORT = """\
schema = 1
id = "short"
version = "1.0"
title = "Training"
source = "made for a test of blinding"
purpose = "training"
visits = 2

[[blocks]]
id = "baseline"
title = "Natural walking"
minutes = 0.6
measures = "baseline"
before = ["confirm: the lanyard is clipped on", "pain"]
starts = "operator"

[[blocks]]
id = "train"
title = "Training"
minutes = 0.6
measures = "training"
feedback = { variable = "fpa", target = "selected" }

[[blocks]]
id = "alone"
title = "On your own"
minutes = 0.4
measures = "retention"
after = ["pain"]
feedback = { variable = "fpa", target = "selected", show = "never" }
"""
TELLS = re.compile(r"sham|active|toe.?in|toe.?out|KAM|%BW|moment peak|own angle|selected", re.IGNORECASE)


class TestTheStudy:
    def test_the_allocation_lies_outside(self, tmp_path):
        with pytest.raises(BadSetup, match="another place"):
            blind(tmp_path / "study", tmp_path / "study" / "a.allocation")
        assert not (tmp_path / "study" / "a.allocation").exists()

    def test_a_study_that_tells_already_is_not_called_blinded(self, tmp_path):
        study = open_study(tmp_path / "study", create=True)
        place = study.new_session("S1", "assessment")
        place.file("verdict.json").write_text("{}", encoding="utf-8")
        with pytest.raises(BadSetup, match="such as sub-S1"):
            blind(study.folder, tmp_path / "a.allocation")
        assert study.allocation is None and not (tmp_path / "a.allocation").exists()

    def test_a_damaged_note_does_not_unblind(self, tmp_path):
        blind(tmp_path / "study", tmp_path / "a.allocation")
        (tmp_path / "study" / "blinding.json").write_text("{", encoding="utf-8")
        with pytest.raises(BadSetup, match="the study is blinded"):
            _ = Study(tmp_path / "study").allocation

    def test_a_study_that_moved_with_its_allocation_still_finds_it(self, tmp_path):
        (tmp_path / "a").mkdir()
        blind(tmp_path / "a" / "study", tmp_path / "a" / "kept.allocation")
        (tmp_path / "a").rename(tmp_path / "b")
        assert Study(tmp_path / "b" / "study").allocation == tmp_path / "b" / "kept.allocation"


@pytest.fixture
def blinded(tmp_path: Path) -> Path:
    (tmp_path / "S1.toml").write_text(SUBJECT, encoding="utf-8")
    (tmp_path / "short.toml").write_text(SHORT, encoding="utf-8")
    blind(tmp_path / "study", tmp_path / "a.allocation")
    return tmp_path


def ready(folder: Path, protocol: str = "", **more: Any) -> Any:
    return prepared(
        protocol=protocol or str(folder / "short.toml"), subject=folder / "S1.toml", study=folder / "study",
        rig="simulated", markers="simulated", visit=1, side=None, **more,
    )  # fmt: skip


class TestTheOperator:
    def test_trains_what_is_allocated_and_is_not_told_what(self, blinded):
        kept.add(blinded / "a.allocation", row(change="toe-out 10 deg"))
        found = ready(blinded)
        assert (found.visit.arm, found.visit.selected, found.blinded) == ("active", "toe-out 10 deg", True)
        assert not TELLS.search(found.said) and not TELLS.search(" ".join(found.walk["remarks"]))
        assert not TELLS.search(found.session.stem)

    def test_a_sham_visit_has_the_same_words_and_names(self, blinded):
        kept.add(blinded / "a.allocation", row(arm="sham"))
        sham = ready(blinded)
        kept.add(blinded / "a.allocation", row(arm="active", reason="for this test"))
        active = ready(blinded)
        assert sham.visit.arm == "sham" and active.visit.arm == "active"
        assert (sham.said, sham.walk["remarks"]) == (active.said, active.walk["remarks"])
        assert sham.session == active.session  # the first was never walked, so its place is free
        assert sham.visit.document == active.visit.document

    @pytest.mark.parametrize("given", [{"target": "toe-in 5 deg"}, {"arm": "sham"}, {"verdict": Path("v.json")}])
    def test_says_nothing_of_arm_or_target(self, blinded, given):
        kept.add(blinded / "a.allocation", row())
        with pytest.raises(BadSetup, match="blinded"):
            ready(blinded, **given)

    def test_does_not_choose_the_arm_by_its_protocol(self, blinded):
        kept.add(blinded / "a.allocation", row())
        with pytest.raises(BadSetup, match="one arm's"):
            ready(blinded, "sham")

    def test_walks_nobody_who_is_not_allocated(self, blinded):
        with pytest.raises(BadSetup, match="not allocated yet"):
            ready(blinded)

    def test_assesses_without_an_allocation(self, blinded):
        assert ready(blinded, "assessment_fpa").blinded

    def test_overrides_nothing(self, blinded):
        with pytest.raises(BadSetup, match="blinded"):
            override(blinded / "study", "S1", "toe-in 5 deg", "because")

    def test_rehearses_elsewhere(self, blinded):
        with pytest.raises(BadSetup, match="another folder"):
            rehearse(str(blinded / "short.toml"), blinded / "study", fast=True)

    @pytest.mark.parametrize("secret", [True, False])
    def test_leaves_no_pictures_of_the_patients_screen(self, monkeypatch, tmp_path, secret):
        """Their first good step, and when it was painted, tell who had to learn a change."""
        recording, folder = tmp_path / "run-01_visit.h5", None if secret else tmp_path / "run-01_visit_pictures"
        walk = {"rig": {"screen": {}}, "visit": {"side": "left", "number": 1,
                                                 "document": {"title": "Training", "blocks": []}}}  # fmt: skip
        given: list[Any] = []

        class Refusing:
            def __init__(self, *_: Any, screen: dict[str, Any], **__: Any) -> None:
                given.append(screen["pictures_dir"])
                raise BadSetup("no memory")

        monkeypatch.setattr("labfeedback.lab.Lab", Refusing)
        monkeypatch.setattr("labfeedback.commands.walking.Lab", Refusing)
        with pytest.raises(BadSetup, match="no memory"):
            walk_visit(walk, recording, headless=True, blinded=secret)
        visit = SimpleNamespace(document=SimpleNamespace(title="Training"), number=1, side="left")
        place = SimpleNamespace(folder=tmp_path / "ses-01", next_recording=lambda: recording)
        ready = SimpleNamespace(visit=visit, session=place, walk=walk, person="S1", blinded=secret)
        monkeypatch.setattr(lab_visit, "Aside", lambda *_, **__: SimpleNamespace(answer=lambda *_: ready))
        (tmp_path / "check.json").touch()
        desk = SimpleNamespace(closed=False, work=None)
        with pytest.raises(BadSetup, match="no memory"):
            lab_visit.run_visit(desk, {"check": str(tmp_path / "check.json")}, None, headless=True)
        assert given == [folder, folder]

    def test_the_start_page_knows_that_it_is_blinded(self, blinded):
        found = look(str(blinded / "study"), str(blinded / "S1.toml"), "training_fpa")
        assert found["blinded"] and not TELLS.search(json.dumps(found))


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study in which two people walked, one of each arm, then blinded as if it had been from the beginning."""
    folder = tmp_path_factory.mktemp("blinded")
    (folder / "short.toml").write_text(SHORT, encoding="utf-8")
    for subject, arm, seed in (("A1", "active", 3), ("B1", "sham", 3)):
        rehearse(str(folder / "short.toml"), folder / "study", fast=True, subject=subject, arm=arm, seed=seed,
                 target="toe-in 5 deg", pain=["2,1", "2,1"])  # fmt: skip
    for path in folder.glob("study/sub-*/**/*"):
        if path.is_file() and path.suffix != ".h5":
            path.unlink()
    (folder / "kept").mkdir()
    blind(folder / "study", folder / "kept" / "a.allocation")
    kept.add(folder / "kept" / "a.allocation", row("A1"))
    kept.add(folder / "kept" / "a.allocation", row("B1", "sham"))
    return folder


def texts(folder: Path) -> str:
    return "\n".join(
        f"{path.name}\n{path.read_text(encoding='utf-8')}"
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix not in (".h5", ".png")
    )


def test_the_operators_reports_tell_neither_arm_nor_angle_nor_load(walked):
    report(walked / "study")
    found = texts(walked / "study")
    assert "_operator.html" in found and "_patient.html" in found
    assert not [hit for hit in TELLS.findall(found) if hit != "active"] and "active" not in found.replace(
        "inactive", ""
    )
    for end in ("report.html", "report.json", "steps.csv", "verdict.json"):
        assert not list(walked.glob(f"study/**/*_{end}"))


def test_no_number_of_the_whole_report_that_is_an_angle_or_load_is_in_the_operators(walked):
    report(walked / "study")
    for session in (Study(walked / "study").sessions(name)[0] for name in ("A1", "B1")):
        page = session.file("operator.html").read_text(encoding="utf-8")
        page = re.sub(r"<(svg|style).*?</\1>", "", page, flags=re.DOTALL)  # coordinates of the curve of pain
        found = numbers(read_visit(session.recordings()))
        for block in found["blocks"]:
            for name in ("fpa", "kam1", "kam2", "kfm"):
                mean = block["sides"]["left"][name]["mean"]
                assert not re.search(rf"(?<![\d.]){abs(mean):.1f}\d?(?!\d)", page), (block["id"], name, mean)


def test_how_near_to_the_target_somebody_walked_is_no_number_for_the_operator(walked):
    """One whose target is their own walk is in the band at once and stays there; one who learns a change is not."""
    report(walked / "study")
    for session in (Study(walked / "study").sessions(name)[0] for name in ("A1", "B1")):
        visited = read_visit(session.recordings())
        whole = numbers(visited)
        told = veiled_numbers(whole)
        assert {"training", "retention"} <= set(whole["training"]) and whole["blocks"][1]["error"]["in_band"] > 0
        assert not re.search("in_band|bias|rmse", json.dumps(told))
        assert in_short(told) == [line for line in in_short(whole) if "band" not in line] != in_short(whole)
        for end in ("operator.html", "patient.html"):
            page = session.file(end).read_text(encoding="utf-8")
            assert page.count("<svg") == (end == "operator.html")  # that of pain
            assert not re.search("in the band|in band|of 10|with feedback|without feedback|the screen", page)


def test_whoever_keeps_the_allocation_gets_everything(walked):
    report(walked / "study", "", walked / "kept" / "a.allocation")
    made = walked / "kept" / "a_reports"
    page = next(made.glob("sub-B1/ses-01/*_report.json"))
    assert json.loads(page.read_text(encoding="utf-8"))["arm"] == "sham"
    assert (made / "sub-A1" / "sub-A1_course.html").exists()
    assert not list(walked.glob("study/**/*_report.json"))


def test_another_studys_allocation_opens_nothing(walked, tmp_path):
    kept.begin(tmp_path / "other.allocation")
    with pytest.raises(BadSetup, match="not this study's"):
        report(walked / "study", "", tmp_path / "other.allocation")


def test_the_second_role_allocates_by_command(blinded, capsys):
    path = blinded / "a.allocation"
    allocate(path, subject="S1", arm="sham", change="toe-in 5 deg")
    allocate(path, show=True)
    assert "toe-in 5 deg" in capsys.readouterr().out
    with pytest.raises(BadSetup, match="one of --change"):
        allocate(path, subject="S2", arm="sham")
    with pytest.raises(BadSetup, match="has no finished assessment"):
        allocate(path, subject="S2", arm="active", study=blinded / "study")
