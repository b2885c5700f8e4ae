"""`labfeedback analyse` as a person or a script meets it: files, exit codes, one JSON object, no traceback."""

from __future__ import annotations

import csv
import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from labfeedback.analysis import Analysis, Options, analyse_file
from labfeedback.analysis.show import show
from labfeedback.cli import main
from labfeedback.errors import BadSetup, Hazard
from labfeedback.records import RIGHT, Flag
from labfeedback.settings import Settings
from labfeedback.subject import Subject
from tests import c3d_variants as variants

MEDIAL = ("RFCM", "LFCM", "RMALM", "LMALM")
ISSUE_COLUMNS = [
    "side", "start_s", "end_s", "valid", "fpa_valid", "flags", "fpa_deg", "fpa_early_deg", "kam1_nm", "kam2_nm",
    "kam1_nm_per_kg", "kam2_nm_per_kg", "kam1_pct_bwht", "kam2_pct_bwht", "kam1_stance_pct", "kam2_stance_pct",
    "kam2_is_peak", "kam_impulse_pct_bwht_s", "kfm_nm", "kam1_leverarm_nm", "kam2_leverarm_nm",
]  # fmt: skip


@pytest.fixture(scope="module")
def recording(shared_data: Path) -> Path:
    return shared_data / "treadmill_griffith_rtosim/walking_1.c3d"


class Terminal:
    """Runs the command line and keeps what it said."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *words: str | Path) -> tuple[int, str, str]:
        self._monkeypatch.setattr(sys, "argv", ["labfeedback", "analyse", *map(str, words)])
        try:
            main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        said = self._capsys.readouterr()
        return code, said.out, said.err


@pytest.fixture
def analyse(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(monkeypatch, capsys)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_tables_and_picture_are_written(analyse: Terminal, recording: Path, tmp_path: Path) -> None:
    steps, curves, plot = tmp_path / "steps.csv", tmp_path / "curves.csv", tmp_path / "plot.png"
    code, out, _ = analyse(
        recording, "--height", "1.7", "--sex", "F", "--steps", steps, "--curves", curves, "--plot", plot
    )
    assert code == 0
    assert "7 of 7 steps valid" in out
    assert "toe-out" in out
    rows = _rows(steps)
    assert list(rows[0])[: len(ISSUE_COLUMNS)] == ISSUE_COLUMNS
    assert [row["side"] for row in rows].count("left") == 7
    assert {row["valid"] for row in rows} == {"true"}
    assert all(float(row["kam1_pct_bwht"]) > 1 for row in rows)
    lines = _rows(curves)
    assert len(lines) == 1732
    assert list(lines[0]) == [
        "time_s",
        *(f"{side}_{name}" for side in ("right", "left") for name in ("kam_nm", "kfm_nm", "fz_n", "fpa_deg")),
    ]
    assert {lines[0]["right_kam_nm"], lines[0]["left_kam_nm"]} == {""}
    assert plot.read_bytes()[:4] == b"\x89PNG"
    assert plot.stat().st_size > 50_000


def test_json_is_one_object_and_nothing_else(analyse: Terminal, recording: Path) -> None:
    code, out, err = analyse(recording, "--json")
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert len(found["steps"]) == 14
    assert found["steps"][0]["side"] == "left"
    assert found["steps"][0]["kam1_pct_bwht"] is None
    assert found["subject"]["mass_source"] == "from the plates"
    assert "from the file's plates" in found["rig_source"]
    assert found["summary"]["right"]["valid"] == 7
    assert any("mass not given" in note for note in found["notes"])


def test_one_bad_file_does_not_hide_the_good_ones(
    analyse: Terminal, recording: Path, shared_data: Path, tmp_path: Path
) -> None:
    bad = shared_data / "c3d_corrupt_derived/truncated_60pct.c3d"
    good = shared_data / "c3d_corrupt_derived/header_zero_rate.c3d"
    steps = tmp_path / "steps.csv"
    code, out, err = analyse(recording, bad, good, "--steps", steps)
    assert code != 0
    assert "1035 of 1732 frames" in err
    assert "taken from the parameters: 200 Hz" in out
    assert sorted({row["file"] for row in _rows(steps)}) == sorted([str(recording), str(good)])
    code, out, _ = analyse(recording, bad, "--json")
    files = json.loads(out)["files"]
    assert code != 0
    assert [entry["file"] for entry in files] == [str(recording), str(bad)]
    assert files[1]["kind"] == "BadFile"
    assert len(files[0]["steps"]) == 14


def test_every_damaged_file_ends_in_a_sentence_or_in_a_stated_recovery(analyse: Terminal, shared_data: Path) -> None:
    for path in sorted((shared_data / "c3d_corrupt_derived").glob("*.c3d")):
        code, out, err = analyse(path)
        assert "Traceback" not in out + err
        if code == 0:
            assert "note" in out
            assert "header" in out
        else:
            assert code == 2
            assert path.name in err
            assert "kam" not in out.lower()


def test_a_hazard_is_refused_with_its_sentence(analyse: Terminal, recording: Path, tmp_path: Path) -> None:
    steps = tmp_path / "steps.csv"
    spoiled = variants.rewritten(recording, tmp_path / "x.c3d", variants.exchange_sides)
    code, out, err = analyse(spoiled, "--steps", steps)
    assert code == 2
    assert out == ""
    assert "labels of left and right are exchanged" in err
    assert not steps.exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--mass", "0"), "--mass 0 kg: expected 20 to 250 kg"),
        (("--mass", "nan"), "--mass nan kg: expected"),
        (("--height", "170"), "--height 170: expected 0.9 to 2.3 m; is that centimetres?"),
        (("--filter-hz", "inf"), "--filter-hz inf Hz: expected 3 to 50 Hz"),
        (("--rig", "nowhere"), "neither a file nor one of the shipped rigs"),
        (("--markers", "nowhere"), "neither a file nor one of the shipped markersets"),
        (("--rig", "grail"), "rig 'grail' has them"),
        (("--steps", "no/such/folder/steps.csv"), "does not exist"),
        (("--static", "nothing.c3d"), "no such file"),
    ],
)
def test_what_was_typed_wrong_is_answered_in_a_sentence(
    analyse: Terminal, recording: Path, words: tuple[str, ...], sentence: str
) -> None:
    code, _, err = analyse(recording, *words)
    assert code == 2
    assert sentence in err
    assert "Traceback" not in err


def test_a_walk_without_medial_markers_uses_its_static_trial(recording: Path, tmp_path: Path) -> None:
    static = variants.rewritten(recording, tmp_path / "static.c3d", variants.standing_still(215, 300))
    walk = variants.rewritten(recording, tmp_path / "walk.c3d", variants.without(*MEDIAL))
    with pytest.raises(BadSetup, match="lacks"):
        analyse_file(walk, Options())
    with_static = analyse_file(walk, Options(static=static, mass_kg=62.6))
    direct = analyse_file(recording, Options(mass_kg=62.6))
    assert len(with_static.steps) == 14
    assert np.isfinite(with_static.side(RIGHT)["kam1_nm"]).all()
    # Condyle markers ride on the thigh, a cluster does not: some mm of the knee centre, some Nm.
    assert np.abs(with_static.steps["kam1_nm"] - direct.steps["kam1_nm"]).max() < 8.0
    assert (with_static.steps["kam_valid"] == 1).all()
    assert np.isfinite(with_static.steps["residual_mm"]).all()


def test_exchanged_labels_in_the_static_trial_are_refused(recording: Path, tmp_path: Path) -> None:
    static = variants.rewritten(
        recording, tmp_path / "static.c3d", variants.standing_still(215, 300), variants.exchange_medial_and_lateral
    )
    walk = variants.rewritten(recording, tmp_path / "walk.c3d", variants.without(*MEDIAL))
    with pytest.raises(Hazard, match=r"static\.c3d: the right shank's anterior axis"):
        analyse_file(walk, Options(static=static))


def test_the_limits_of_options_are_those_of_subject_and_settings() -> None:
    for low, high, name, model in ((20, 250, "mass_kg", Subject), (0.9, 2.3, "height_m", Subject)):
        for value in (low, high):
            assert getattr(Options(**{name: value}), name) == value
            assert getattr(model(id="x", **{name: value}), name) == value
    for value in (3.0, 50.0):
        assert Options(filter_hz=value).filter_hz == Settings(filter_hz=value).filter_hz


def test_the_static_trial_is_named_and_blamed_for_its_own_labels(
    analyse: Terminal, recording: Path, shared_data: Path, tmp_path: Path
) -> None:
    static = variants.rewritten(recording, tmp_path / "static.c3d", variants.standing_still(215, 300))
    _, out, _ = analyse(recording, "--static", static)
    assert f"static trial {static}" in out
    _, out, _ = analyse(recording, "--static", static, "--json")
    assert json.loads(out)["static"] == str(static)
    foreign = shared_data / "treadmill_grail_gaitalytics/treadmill_events.c3d"
    for words in ((), ("--markers", "griffith")):
        code, _, err = analyse(recording, "--static", foreign, *words)
        assert code == 2
        assert f"{foreign} (the static trial) lacks" in err


def _shown(one: Analysis) -> str:
    console = Console(width=160, record=True, force_terminal=True, file=io.StringIO())
    show(one, console)
    return console.export_text()


def test_a_second_moment_that_is_no_peak_is_not_shown_as_one(recording: Path) -> None:
    one = analyse_file(recording, Options(height_m=1.7))
    steps = one.steps.copy()
    steps["kam2_is_peak"] = steps["side"] == RIGHT
    text = _shown(replace(one, steps=steps))
    assert "~ no true second peak: value at the border of the window" in text
    assert "no true peak in 7 of 7 steps" in next(line for line in text.splitlines() if line.startswith("left: "))
    assert "no true peak" not in next(line for line in text.splitlines() if line.startswith("right: "))
    left = steps[steps["side"] != RIGHT][0]
    assert f"{left['kam2_nm']:.1f}~" in text
    steps["kam2_is_peak"] = 1
    assert "~" not in _shown(replace(one, steps=steps))


def test_a_walk_without_valid_steps_says_why(recording: Path) -> None:
    one = analyse_file(recording, Options(height_m=1.7))
    steps = one.steps[one.steps["side"] == RIGHT].copy()
    steps["kam_valid"] = 0
    steps["flags"] = Flag.MARKERS
    text = _shown(replace(one, steps=steps))
    assert "right: 0 of 7 steps valid: all withheld because of markers" in text
    assert "left: 0 of 0 steps: no complete stance of 0.35-1.2 s was found" in text
