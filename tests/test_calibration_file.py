"""A calibration as a file: whole or refused, and only for whom, where and when it was made."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devices.simulated import Walk
from devices.simulated import main as simulated
from labfeedback import calibration_file
from labfeedback.analysis import Options, analyse_file
from labfeedback.calibration_file import load, save
from labfeedback.cli import main
from labfeedback.commands.calibrate import read_standing
from labfeedback.commands.calibrated import usable
from labfeedback.engine.calibration import examine, of_another_day, refuse_misfit
from labfeedback.engine.start import Calibration
from labfeedback.errors import BadFile, BadSetup, Hazard
from labfeedback.markerset import MarkerSet, load_marker_set
from labfeedback.rig import Rig, load_rig
from labfeedback.subject import Subject

RIG, SET = load_rig("simulated"), load_marker_set("simulated")
PERSON = Subject(id="S1", mass_kg=75.0, height_m=1.70, sex="M")
MEDIAL = ("RKNEM", "RANKM", "LKNEM", "LANKM")


@pytest.fixture(scope="module")
def static(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A static trial of the simulated person as a C3D file."""
    path = tmp_path_factory.mktemp("static") / "static.c3d"
    assert simulated(["--standing", "3", "--c3d", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def made(static: Path) -> Calibration:
    found = examine(
        read_standing(static, RIG, SET), SET, subject=PERSON, rig=RIG, source=static.name, date="2026-11-26"
    )
    assert found.calibration is not None and found.light == "green"
    return found.calibration


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs the command line: (exit code, stdout, stderr)."""

    def run(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setenv("COLUMNS", "110")
        monkeypatch.setattr(sys, "argv", ["labfeedback", *map(str, words)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        out = capsys.readouterr()
        assert "Traceback" not in out.err
        return code, out.out, out.err

    return run


def test_what_is_saved_is_what_is_loaded(made: Calibration, tmp_path: Path) -> None:
    path = tmp_path / "S1.calibration.json"
    save(path, made)
    assert load(path) == made
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if '"knee_lateral": [' in line and line.endswith("],")], "a point is one line"
    assert '"sentence": "right knee 128 mm wide"' in path.read_text(encoding="utf-8"), "people can read it"
    assert list(tmp_path.iterdir()) == [path]


def test_an_older_calibration_is_not_written_over_unless_that_is_said(made: Calibration, tmp_path: Path) -> None:
    path = tmp_path / "S1.calibration.json"
    save(path, made)
    with pytest.raises(BadSetup, match="is not written over"):
        save(path, made)
    save(path, made.model_copy(update={"subject": "S2"}), replace=True)
    assert load(path).subject == "S2"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("S1.json", r"ends in \.calibration\.json"), ("no/where.calibration.json", "does not exist")],
)
def test_a_place_that_cannot_be_is_refused_before_anybody_stands(name: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(BadSetup, match=sentence):
        calibration_file.check_target(tmp_path / name)


def _changed(path: Path, change: Any) -> Path:
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda c: c["calibration"]["right"]["shank"]["points"]["knee_medial"].__setitem__(2, 0.1), "digest differs"),
        (lambda c: c["calibration"].__setitem__("subject", "S2"), "digest differs"),
        (lambda c: c["calibration"].__setitem__("mass_kg", "heavy"), r"calibration\.mass_kg = 'heavy'"),
        (lambda c: c["calibration"].pop("left"), r"calibration\.left is missing"),
        (lambda c: c.__setitem__("schema", 9), "this version reads form 1"),
        (lambda c: c.pop("kind"), "this is no calibration"),
    ],
)
def test_a_changed_file_is_refused_in_words(change: Any, sentence: str, made: Calibration, tmp_path: Path) -> None:
    path = tmp_path / "S1.calibration.json"
    save(path, made)
    with pytest.raises(BadFile, match=sentence):
        load(_changed(path, change))


@pytest.mark.parametrize(
    ("content", "sentence"), [(b"{", "not readable"), (b"[1]", "no calibration"), (b"\xff\xfe", "not readable")]
)
def test_what_is_no_calibration_is_refused_in_words(content: bytes, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "x.calibration.json"
    path.write_bytes(content)
    with pytest.raises(BadFile, match=sentence):
        load(path)
    with pytest.raises(BadFile, match="no such calibration"):
        load(tmp_path / "none.calibration.json")


def test_another_person_is_refused(made: Calibration) -> None:
    assert refuse_misfit(made, SET, RIG, PERSON) == []
    with pytest.raises(Hazard, match="is of S1, the subject is S2"):
        refuse_misfit(made, SET, RIG, PERSON.model_copy(update={"id": "S2"}))


@pytest.mark.parametrize(("mass", "fits"), [(73.2, True), (76.9, True), (72.0, False), (78.0, False)])
def test_a_mass_that_differs_by_over_three_percent_is_refused(mass: float, fits: bool, made: Calibration) -> None:
    person = PERSON.model_copy(update={"mass_kg": mass})
    if fits:
        assert refuse_misfit(made, SET, RIG, person) == []
        return
    with pytest.raises(Hazard, match="is it this person"):
        refuse_misfit(made, SET, RIG, person)


def test_other_marker_content_is_refused_though_the_name_is_the_same(made: Calibration) -> None:
    changed = SET.model_dump()
    changed["right"]["shank_cluster"] = ("RSH1", "RSH2", "RSH3")
    with pytest.raises(BadSetup, match="another marker set: 'simulated'"):
        refuse_misfit(made, MarkerSet.model_validate(changed), RIG, PERSON)
    renamed = MarkerSet.model_validate({**SET.model_dump(), "name": "ours", "about": "the same markers"})
    assert refuse_misfit(made, renamed, RIG, PERSON) == []


def test_another_rigs_axes_are_refused(made: Calibration) -> None:
    with pytest.raises(BadSetup, match="made in rig 'simulated'"):
        refuse_misfit(made, SET, load_rig("grail"), PERSON)
    c, s = np.cos(np.radians(1.0)), np.sin(np.radians(1.0))
    turned = {**RIG.model_dump(), "axes": None, "rotation": ((c, 0.0, s), (0.0, 1.0, 0.0), (-s, 0.0, c))}
    assert refuse_misfit(made, SET, Rig.model_validate(turned), PERSON) == [], "a degree of yaw is a measured belt axis"


def test_an_overridden_red_is_told_whenever_it_is_used(made: Calibration) -> None:
    used = made.model_copy(update={"override": "medial markers stay on"})
    (note,) = refuse_misfit(used, SET, RIG, PERSON)
    assert "in spite of red checks" in note and "medial markers stay on" in note


def test_another_day_asks_again_and_what_was_answered_is_kept(
    made: Calibration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "S1.calibration.json"
    save(path, made)
    assert of_another_day(made, "2026-11-26") == "" and "2026-11-27" in of_another_day(made, "2026-11-27")
    assert usable(path, SET, RIG, PERSON, today="2026-11-26").remarks == ()
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    with pytest.raises(BadSetup, match=r"only if no marker came off since.*--another-day"):
        usable(path, SET, RIG, PERSON, today="2026-11-27")
    (remark,) = usable(path, SET, RIG, PERSON, today="2026-11-27", another_day="slept with them on").remarks
    assert "accepted: slept with them on" in remark
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", lambda *_, **__: True)
    (remark,) = usable(path, SET, RIG, PERSON, today="2026-11-27").remarks
    assert "yes, at the terminal" in remark
    assert "Note:" in capsys.readouterr().err


def subject_file(folder: Path, text: str = 'id = "S1"\nmass_kg = 75.0\nheight_m = 1.70\nsex = "M"\n') -> Path:
    path = folder / "S1.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_recorded_static_trial_becomes_a_calibration_on_the_command_line(
    static: Path, tmp_path: Path, said: Any
) -> None:
    words = ["calibrate", "--subject", subject_file(tmp_path), "--rig", "simulated", "--markers", "simulated"]
    words += ["--file", static, "--date", "2026-11-25", "--out", tmp_path / "S1.calibration.json"]
    code, out, err = said(*words)
    assert code == 0, err
    assert "Verdict: green" in out and "LANKM, LKNEM, RANKM, RKNEM" in out and "Mass: 75.0 kg" in out
    calibration = load(tmp_path / "S1.calibration.json")
    assert (calibration.subject, calibration.date, calibration.source) == ("S1", "2026-11-25", "static.c3d")
    code, _, err = said(*words)
    assert code == 2 and "not written over" in err


def test_a_red_verdict_is_shown_and_not_saved(tmp_path: Path, static: Path, said: Any) -> None:
    out_file = tmp_path / "S1.calibration.json"
    heavy = subject_file(tmp_path, 'id = "S1"\nmass_kg = 90.0\n')
    code, out, err = said("calibrate", "--subject", heavy, "--rig", "simulated", "--markers", "simulated", "--file",
                          static, "--out", out_file, "--override", "I am sure")  # fmt: skip
    assert code == 2 and "mass_said is red, and no reason overrides that" in err and "Verdict: red" in out
    assert not out_file.exists()


def test_a_red_that_may_be_overridden_is_saved_with_its_reason_only(tmp_path: Path, said: Any) -> None:
    from devices.walker.standing import Stander
    from devices.walker.write import write_c3d

    crooked, out_file = tmp_path / "crooked.c3d", tmp_path / "S1.calibration.json"
    write_c3d(crooked, Stander(1, share=0.1), 3.0)
    words = ["calibrate", "--subject", subject_file(tmp_path), "--rig", "simulated", "--markers", "simulated"]
    words += ["--file", crooked, "--out", out_file]
    code, _, err = said(*words)
    assert code == 2 and "red is share" in err and '--override "REASON"' in err and not out_file.exists()
    code, _, err = said(*words, "--override", "  ")
    assert code == 2 and not out_file.exists(), "blanks are no reason"
    code, _, err = said(*words, "--override", "cannot load the left leg")
    assert code == 0, err
    saved = load(out_file)
    assert saved.override == "cannot load the left leg"
    assert [one.name for one in saved.checks if one.light == "red"] == ["share"]


def test_a_walk_is_no_static_trial_on_the_command_line(tmp_path: Path, said: Any) -> None:
    walk = tmp_path / "walk.c3d"
    assert simulated(["--seconds", "3", "--c3d", str(walk)]) == 0
    code, out, err = said("calibrate", "--subject", subject_file(tmp_path), "--rig", "simulated", "--markers",
                          "simulated", "--file", walk, "--out", tmp_path / "S1.calibration.json")  # fmt: skip
    assert code == 2 and "Is this a walk?" in out and "not saved" in err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--date", "yesterday"], "expected a day like"),
        (["--seconds", "0.5"], "expected 1 to 60 s"),
        (["--file", "static.trc"], "no such file"),
        (["--rig", "grail"], "not where rig 'grail' has them"),
    ],
)
def test_what_cannot_be_calibrated_is_refused_in_words(
    words: list[str], sentence: str, static: Path, tmp_path: Path, said: Any
) -> None:
    code, _, err = said("calibrate", "--subject", subject_file(tmp_path), "--rig", "simulated", "--markers",
                        "simulated", "--file", static, "--out", tmp_path / "S1.calibration.json", *words)  # fmt: skip
    assert code == 2 and sentence in err


@pytest.mark.parametrize(
    ("person", "words", "sentence"),
    [
        ('id = "S2"\nmass_kg = 75.0\n', [], "is of S1, the subject is S2"),
        ('id = "S1"\nmass_kg = 80.0\n', [], "is it this person"),
        ('id = "S1"\nmass_kg = 75.0\n', ["--rig", "griffith"], "made in rig 'simulated'"),
        ('id = "S1"\nmass_kg = 75.0\n', ["--markers", "griffith"], "another marker set"),
        ('id = "S1"\nmass_kg = 75.0\n', [], "--another-day"),
        ('id = "S1"\nmass_kg = 75.0\n', ["--static", __file__], "give one of the two"),
    ],
)
def test_run_refuses_a_calibration_that_is_not_for_this_walk(
    person: str, words: list[str], sentence: str, made: Calibration, tmp_path: Path, said: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    path = tmp_path / "S1.calibration.json"
    save(path, made.model_copy(update={"date": "2020-01-01"}))
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    code, _, err = said("run", "--rig", "simulated", "--markers", "simulated", "--subject",
                        subject_file(tmp_path, person), "--side", "left", "--toe-in", "5", "--out", tmp_path / "walk",
                        "--calibration", path, *words)  # fmt: skip
    assert code == 2 and sentence in err
    assert not (tmp_path / "walk").exists(), "nothing began"


def without_medial(path: Path, seconds: float = 8.0) -> Path:
    """A walk of the simulated person whose medial markers are off."""
    import ezc3d

    from devices.walker.write import write_c3d

    write_c3d(path, Walk(seed=4, noise="none").walker(), seconds)
    file = ezc3d.c3d(str(path))
    labels = file["parameters"]["POINT"]["LABELS"]["value"]
    keep = [number for number, label in enumerate(labels) if label not in MEDIAL]
    file["data"]["points"] = file["data"]["points"][:, keep]
    for name in ("residuals", "camera_masks"):
        file["data"]["meta_points"][name] = file["data"]["meta_points"][name][:, keep]
    file["parameters"]["POINT"]["LABELS"]["value"] = [labels[number] for number in keep]
    file.write(str(path))
    return path


def test_a_walk_without_medial_markers_is_analysed_with_the_saved_calibration(
    made: Calibration, tmp_path: Path
) -> None:
    from devices.walker.write import write_c3d

    path = tmp_path / "S1.calibration.json"
    save(path, made)
    whole = tmp_path / "whole.c3d"
    write_c3d(whole, Walk(seed=4, noise="none").walker(), 8.0)
    plain = analyse_file(whole, Options(height_m=1.7, sex="M", mass_kg=75.0))
    off = analyse_file(without_medial(tmp_path / "off.c3d"), Options(calibration=path, height_m=1.7, sex="M"))
    assert off.mass_source == "from the calibration" and off.subject.mass_kg == pytest.approx(75.0, abs=0.1)
    assert len(off.steps) == len(plain.steps) >= 10 and (off.steps["kam_valid"] == 1).all()
    # 0.3 mm of noise and sway in the static trial
    assert np.abs(off.steps["kam1_pct_bwht"] - plain.steps["kam1_pct_bwht"]).max() < 0.05
    assert any("calibration" in note and "2026-11-26" in note for note in off.notes)
    with pytest.raises(Hazard, match="is it this person"):
        analyse_file(tmp_path / "off.c3d", Options(calibration=path, mass_kg=90.0))


def test_frame_and_inertia_change_the_moments_and_stand_beside_them(tmp_path: Path, said: Any) -> None:
    from devices.walker.write import write_c3d

    walk = tmp_path / "walk.c3d"
    write_c3d(walk, Walk(seed=4, noise="none").walker(), 5.0)
    found = {}
    for frame, inertia in (("proximal", "auto"), ("lab", "winter"), ("distal", "deleva")):
        table = tmp_path / f"{frame}.csv"
        code, out, err = said("analyse", walk, "--frame", frame, "--inertia", inertia, "--height", "1.7", "--sex", "M",
                              "--steps", table, "--json")  # fmt: skip
        assert code == 0, err
        content = json.loads(out)
        resolved = "dumas" if inertia == "auto" else inertia
        assert content["computed_with"] == {"tibia_frame": frame, "inertia": resolved}
        header, line = table.read_text(encoding="utf-8").splitlines()[:2]
        assert header.endswith(",tibia_frame,inertia") and line.endswith(f",{frame},{resolved}")
        found[frame] = content["summary"]["left"]["kam1_pct_bwht_mean"]
    assert len(set(found.values())) == 3
