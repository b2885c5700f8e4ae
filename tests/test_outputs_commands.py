"""Each command refuses an output that would cost a file, before it computes anything, and says so."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from labfeedback.cli import main
from labfeedback.commands import demo as demo_module


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
