"""The command line: what it refuses, and that it always answers in sentences."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from labfeedback import cli
from labfeedback.commands.operator import status_line, toe_words
from labfeedback.commands.run import in_words, training_of
from labfeedback.errors import BadSetup, Hazard

RUN = ["run", "--rig", "simulated", "--markers", "simulated", "--side", "left", "--out", "never"]


def labfeedback(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "labfeedback.cli", *arguments], capture_output=True, text=True, check=False, timeout=60
    )


def subject(folder: Path, text: str) -> str:
    path = folder / "subject.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_help_lists_every_command_and_is_quick() -> None:
    began = time.perf_counter()
    answer = labfeedback("--help")
    assert time.perf_counter() - began < 3
    assert answer.returncode == 0 and all(name in answer.stdout for name in cli.COMMANDS)
    assert "Ends with 0" in answer.stdout and "70" in answer.stdout and "130" in answer.stdout


def test_help_imports_no_command() -> None:
    code = (
        "import sys; from labfeedback import cli; cli.build(None); "
        "print([m for m in sys.modules if m.startswith('labfeedback.commands') or m in ('numpy', 'PyQt6', 'pylsl')])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("angle", "sentence"),
    [
        (["--toe-in", "-5"], "angles are given in words, never by sign"),
        (["--toe-out", "0"], "Give a number above zero"),
        (["--toe-in", "16"], "more than 15 deg is refused"),
        (["--toe-in", "nan"], "Give a number above zero"),
        (["--toe-in", "5", "--toe-out", "5"], "one of the two"),
        ([], "either --toe-in DEG or --toe-out DEG"),
        (["--toe-in", "5", "--band", "20"], "expected 0.5 to 10 deg"),
        (["--toe-in", "5", "--baseline-seconds", "1"], "expected 5 to 600 s"),
        (["--toe-in", "5", "--wait", "-1"], "--wait -1: expected"),
        (["--toe-in", "5", "--wait", "nan"], "--wait nan: expected"),
        (["--toe-in", "5", "--seconds", "inf"], "--seconds inf: expected"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_a_sentence(
    tmp_path: Path, angle: list[str], sentence: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    person = subject(tmp_path, 'id = "S01"\nmass_kg = 70.0\n')
    monkeypatch.setattr(sys, "argv", ["labfeedback", *RUN, "--subject", person, *angle])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr()
    assert ended.value.code == 2 and sentence in said.err and "Traceback" not in said.err


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('id = "S01"\n', "mass_kg is missing"),
        ('id = "S01"\nmass_kg = 70.0\ntrained_side = "right"\n', "the trained side of S01 is the right one"),
        ('id = "S01"\nmass_kg = 700.0\n', "mass_kg"),
        ('id = "Jane Doe"\nmass_kg = 70.0\n', "expected a pseudonym"),
        ("id = \n", "not readable as TOML"),
    ],
)
def test_a_subject_who_cannot_walk_here_is_refused_in_a_sentence(
    tmp_path: Path, text: str, sentence: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["labfeedback", *RUN, "--subject", subject(tmp_path, text), "--toe-in", "5"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr()
    assert ended.value.code == 2 and sentence in said.err and "Traceback" not in said.err


def test_an_error_leaves_with_its_own_exit_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Other(Hazard):
        exit_code = 5

    def fail(_: str | None) -> None:
        raise Other("left and right are exchanged")

    monkeypatch.setattr(cli, "build", lambda _: lambda: fail(None))
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 5 and "left and right are exchanged" in capsys.readouterr().err


def test_what_nobody_foresaw_is_a_sentence_and_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(cli, "build", lambda _: lambda: 1 / 0)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr().err
    assert ended.value.code == 70 and "Traceback" not in said and "division by zero" in said
    (log,) = tmp_path.glob("labfeedback-*.log")
    assert str(log) in said and "Traceback" in log.read_text()


def test_the_walk_is_told_in_words() -> None:
    training = training_of("left", 5.0, None, "baseline", 60.0, 2.0)
    assert in_words(training) == (
        "LEFT foot: 5 deg toe-in from the own angle, measured over the first 60 s of natural walking; "
        "within 2 deg counts as good"
    )
    assert "straight ahead" in in_words(training_of("right", None, 3.0, "absolute", 60.0, 2.0))
    with pytest.raises(BadSetup):
        training_of("left", float("inf"), None, "baseline", 60.0, 2.0)


def test_the_operators_line_speaks_in_words_and_shows_what_is_wrong() -> None:
    status = {
        "state": 2,
        "steps": 20,
        "steps_valid": 19,
        "fpa_deg": {"left": -3.04, "right": 7.2},
        "cue": {"good_steps": 3.0, "scored_steps": 4.0},
        "markers_age_s": 0.31,
        "forces_age_s": 0.002,
        "silent": ["markers"],
        "latency_ms": 1.26,
        "ring_fill": 0.5,
        "lost": 0,
    }
    line = status_line(status, 75.0).plain
    for word in (
        "DATA SILENT",
        "markers",
        "1:15",
        "steps 20 (95% valid)",
        "last: left 3.0 deg toe-in, right 7.2 deg toe-out",
    ):
        assert word in line
    assert "in the band 75%" in line and "310 ms old" in line and "recorder behind" in line
    assert toe_words(float("nan")) == "not measured"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("walk.trc", "DataRate"),
        ("walk.mot", "name the markers too, as in walk.trc+walk.mot"),
        ("walk.trc+walk.mot", "no such file"),
        ("walk.xdf", "cannot be read as an XDF file"),
        ("walk.txt", "expected C3D (.c3d), XDF (.xdf), markers and forces"),
    ],
)
def test_formats_that_are_not_read_are_answered_in_a_sentence(name: str, words: str, tmp_path: Path) -> None:
    name = name if "+" not in name else "other.trc+walk.mot"
    if "+" not in name:
        (tmp_path / name).write_text("PathFileType\t4\n" + 6 * "\n")
    answer = labfeedback("analyse", str(tmp_path / name))
    assert answer.returncode == 2 and words in answer.stderr, answer.stderr
