"""The window paints when there is something new, reports it once, and can be closed without harm."""

from __future__ import annotations

import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest

from labfeedback.display import render
from labfeedback.display.geometry import geometry_for
from labfeedback.display.program import run
from labfeedback.display.render import render_scene
from labfeedback.display.scene import Scene
from labfeedback.display.window import PatientWindow, chosen_screen
from labfeedback.errors import BadSetup
from labfeedback.records import LEFT, CueState
from labfeedback.rig import Screen
from tests.display.make_golden import pixels

WALL = Screen.model_validate({})


@pytest.fixture
def reported() -> list[Scene]:
    return []


@pytest.fixture
def window(reported: list[Scene]) -> PatientWindow:
    out = PatientWindow(Scene(LEFT), WALL, lambda scene, _: reported.append(scene))
    out.resize(640, 400)
    out.show()
    QTest.qWait(30)
    return out


def test_the_window_shows_what_the_picture_shows(window: PatientWindow) -> None:
    scene = Scene(LEFT, CueState.TOO_FAR_IN, -4.0, 2.0, (CueState.TOO_FAR_IN,), 0, 1)
    window.show_scene(scene)
    assert (pixels(window.grab().toImage()) == pixels(render_scene(scene, 640, 400, WALL))).all()


def test_a_new_scene_is_painted_at_once_and_reported_once(window: PatientWindow, reported: list[Scene]) -> None:
    good = Scene(LEFT, CueState.GOOD, 1.0, 2.0, cue=7)
    assert window.show_scene(good)
    assert not window.show_scene(good)
    window.repaint()
    assert reported == [Scene(LEFT), good]


def test_escape_closes_the_window(window: PatientWindow) -> None:
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert window.closed


def test_an_unknown_display_falls_back_to_one_that_is_there() -> None:
    assert chosen_screen("no such output") is not None


def test_a_side_that_is_none_is_refused_in_a_sentence() -> None:
    with pytest.raises(BadSetup, match="expected 'left', 'right' or 'both'"):
        run("s", "middle", {}, headless=True)  # type: ignore[arg-type]


def test_the_parent_may_import_the_program_without_qt_or_lsl() -> None:
    code = "import sys, labfeedback.display.program; print([m for m in sys.modules if m in ('PyQt6', 'pylsl', 'h5py')])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert out.stdout.strip() == "[]"


def test_the_font_is_shipped_with_its_licence() -> None:
    fonts = resources.files("labfeedback.display") / "fonts"
    assert (fonts / "DejaVuSans-Bold.ttf").is_file()
    assert "Bitstream" in (fonts / "DejaVuSans-LICENSE.txt").read_text(encoding="utf-8")


def test_all_pictures_are_written_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert render.main(["--all", "--size", "640x400", "--out", str(tmp_path)]) == 0
    assert len(list(tmp_path.glob("*.png"))) == len(capsys.readouterr().out.splitlines()) == 13
    assert render.main(["--size", "big", "--out", str(tmp_path)]) == 2
    assert "expected for example 1920x1080" in capsys.readouterr().out


def test_geometry_of_equal_screens_is_equal_so_that_caches_are_shared() -> None:
    assert geometry_for(640, 400, WALL) == geometry_for(640, 400, Screen.model_validate({}))
