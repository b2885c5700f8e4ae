"""Pictures of the patient's screen without a screen: `python -m labfeedback.display.render --all --out DIR`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Final

from labfeedback.display.geometry import geometry_for
from labfeedback.display.scene import Scene
from labfeedback.errors import BadSetup, LabError
from labfeedback.records import SIDE_NAMES, SIDES, CueState
from labfeedback.rig import Screen

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PyQt6.QtGui import QGuiApplication, QImage, QPainter

from labfeedback.display.painting import paint

_G, _I, _O, _N = CueState.GOOD, CueState.TOO_FAR_IN, CueState.TOO_FAR_OUT, CueState.NOT_MEASURED
_application: QGuiApplication | None = None  # kept alive: fonts vanish with it


def ready() -> None:
    """Fonts need an application; make one where there is none."""
    global _application
    if QGuiApplication.instance() is None:
        _application = QGuiApplication([])


def render_scene(scene: Scene, width: int, height: int, screen: Screen | None = None) -> QImage:
    """The picture of `scene`, width x height pixels, RGB32, exactly as the window paints it."""
    ready()
    screen = Screen.model_validate({}) if screen is None else screen
    image = QImage(width, height, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    paint(painter, width, height, scene, geometry_for(width, height, screen))
    painter.end()
    return image


def examples(side: int) -> dict[str, Scene]:
    """One scene for every state, by name, for the foot of `side` (+1 right, -1 left)."""
    return {
        "on_target": Scene(side, _G, 0.6, 2.0, (_G, _G, _I, _G, _O, _G), 28, 41),
        "too_far_in": Scene(side, _I, -6.5, 2.0, (_I, _G, _I, _N, _G, _G), 27, 41),
        "too_far_out": Scene(side, _O, 8.0, 2.0, (_O, _O, _G, _G, _I, _G), 27, 41),
        "invalid_step": Scene(side, _N, None, None, (_N, _G, _G, _O, _G, _G), 27, 40),
        "stale": Scene(side, CueState.KEEP_WALKING),
        "natural": Scene(side, CueState.NATURAL),
        "belt_stopped": Scene(side, CueState.BELT_STOPPED),
        "paused": Scene(side, CueState.PAUSED),
        "finished": Scene(side, CueState.FINISHED),
    }


HAS_A_FOOT: Final = ("on_target", "too_far_in", "too_far_out", "invalid_step")


def write_all(folder: Path, width: int, height: int, screen: Screen | None = None) -> list[Path]:
    """Write one picture per state into `folder`, both feet where a foot is drawn. Raises BadSetup if it cannot."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for side in SIDES:
        for name, scene in examples(side).items():
            if name in HAS_A_FOOT:
                name = f"{SIDE_NAMES[side]}_{name}"
            elif side != SIDES[0]:
                continue
            path = folder / f"{name}_{width}x{height}.png"
            if not render_scene(scene, width, height, screen).save(str(path)):
                raise BadSetup(f"{path}: the picture could not be written; check the folder and the free space")
            written.append(path)
    return written


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m labfeedback.display.render", description=__doc__)
    parser.add_argument("--all", action="store_true", help="one picture for each state (the only choice so far)")
    parser.add_argument("--size", default="1920x1080", help="WIDTHxHEIGHT in pixels")
    parser.add_argument("--distance", type=float, default=3.0, help="viewing distance, m")
    parser.add_argument("--mirrored", action="store_true", help="as for rear projection")
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    given = parser.parse_args(arguments)
    try:
        width, height = (int(part) for part in given.size.split("x"))
        screen = Screen.model_validate({"viewing_distance_m": given.distance, "mirrored": given.mirrored})
        for path in write_all(given.out, width, height, screen):
            print(path)
    except ValueError as error:
        print(f"--size {given.size} --distance {given.distance}: expected for example 1920x1080 and 3.0 ({error})")
        return 2
    except LabError as error:
        print(error)
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
