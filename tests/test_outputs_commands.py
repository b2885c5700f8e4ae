"""Each command refuses an output that would cost a file, before it computes anything, and says so."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest

from labfeedback.cli import main
from labfeedback.commands import demo as demo_module
from tests.recording.walked import record


def _said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["labfeedback", *words])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0), capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ("analyse", "a.c3d", "--steps", "a.c3d"),
        ("analyse", "a.c3d", "--steps", "other.c3d"),
        ("analyse", "a.c3d", "--markers", "m.toml", "--steps", "m.toml"),
        ("analyse", "a.c3d", "--rig", "m.toml", "--curves", "m.toml"),
        ("analyse", "a.c3d", "--static", "pic.png", "--plot", "pic.png"),
        ("analyse", "a.c3d", "--steps", "x.csv", "--curves", "x.csv"),
        ("analyse", "a.c3d", "--plot", "picture"),
        ("analyse", "a.c3d", "link.c3d", "--steps", "link.c3d"),
        ("replay", "v.h5", "--steps", "v.h5"),
        ("demo", "--truth", "a.c3d"),
        ("demo", "--truth", "nowhere/x.csv"),
    ],
)
def test_no_command_writes_over_what_it_must_keep(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.c3d", "other.c3d", "m.toml", "pic.png", "v.h5"):
        Path(name).write_bytes(b"kept")
    Path("link.c3d").symlink_to("a.c3d")
    monkeypatch.setattr(demo_module, "_patient", None)  # a demo that goes on would fail here
    code, err = _said(monkeypatch, capsys, *words)
    assert code == 2
    assert words[-2] in err
    assert words[-1] in err
    assert all(Path(name).read_bytes() == b"kept" for name in ("a.c3d", "other.c3d", "m.toml", "pic.png", "v.h5"))


def test_a_demo_without_end_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, err = _said(monkeypatch, capsys, "demo", "--seconds", "inf")
    assert code == 2
    assert "--seconds inf: expected" in err


def test_recover_passes_over_pictures_and_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("S01.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    record(tmp_path / "S01.h5", 1.0)
    monkeypatch.setattr(sys, "argv", ["labfeedback", "recover", "S01.h5", "S01.png"])
    with pytest.raises(SystemExit) as end:
        main()
    said = capsys.readouterr().out
    assert not end.value.code
    assert "S01.png: no recording, passed over." in said
    assert "S01.h5: was finished already" in said
    code, err = _said(monkeypatch, capsys, "recover", "S01.png")
    assert code == 2
    assert "None of these files is a recording" in err


def test_several_visits_are_replayed_one_after_another_and_the_worst_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    record(tmp_path / "one.h5", 4.0)
    Path("two.h5").write_bytes(Path("one.h5").read_bytes())
    Path("noise.h5").write_bytes(b"noise" * 100)
    monkeypatch.setattr(sys, "argv", ["labfeedback", "replay", "one.h5", "noise.h5", "two.h5", "--steps", "x.csv"])
    with pytest.raises(SystemExit) as end:
        main()
    said = capsys.readouterr()
    assert end.value.code == 2
    assert "noise.h5" in said.err
    assert said.out.count("times real time") == 2
    assert " out " in said.out
    with Path("x.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows].count("one.h5") == [row["file"] for row in rows].count("two.h5") > 1
