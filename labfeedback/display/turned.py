"""The direction check on the wall: the standing foot as it is now, and what it did; no feedback, no instruction arrow.

The words tell the fact (TOES IN), where those of a visit tell what to do: a check that read like an instruction would
pass with a picture that is the wrong way round.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from PyQt6.QtGui import QColor, QPainter

from labfeedback.display import backdrop, shapes
from labfeedback.display.geometry import Geometry
from labfeedback.display.looks import BACKGROUND, FOOT_NAME, LANE_EDGE, OTHER_FOOT, WORDS
from labfeedback.display.painting import turn_on_screen
from labfeedback.display.shapes import put, put_centred

STAND: Final = "STAND STILL"
TURN: Final = "TURN TOES IN"
IN: Final = "TOES IN"
OUT: Final = "TOES OUT"
UNSEEN: Final = "NOT SEEN"
SHOWN_DEG: Final = 3.0  # a smaller turn has no word yet
FOOT: Final = QColor("#e8eef5")


@dataclass(frozen=True)
class TurnedScene:
    """side: +1 right, -1 left. change_deg: against the straight foot, toe-out positive; None while it is not seen."""

    side: int
    words: str
    change_deg: float | None


def scene_of(side: int, phase: str, change_deg: float) -> TurnedScene:
    """What the wall says in a phase of `engine.turning`."""
    if phase == "straight":
        return TurnedScene(side, STAND, None)
    if math.isnan(change_deg):
        return TurnedScene(side, UNSEEN, None)
    words = TURN if phase == "turn" else ""
    if abs(change_deg) >= SHOWN_DEG:
        words = IN if change_deg < 0 else OUT
    return TurnedScene(side, words, round(change_deg, 1))


def paint_turned(painter: QPainter, width: int, height: int, scene: TurnedScene, g: Geometry) -> None:
    """Paint `scene` over the whole width x height (px) of the painter's device; g is that size's own."""
    painter.fillRect(0, 0, width, height, BACKGROUND)
    painter.save()
    backdrop.turn_to_viewer(painter, g)
    x, line = backdrop.foot_x(g, scene.side), max(2.0, g.foot * 0.009)
    put(painter, shapes.foot(-scene.side, g.foot), backdrop.foot_x(g, -scene.side), g.pivot_y, OTHER_FOOT)
    put(painter, shapes.foot_outline(scene.side, g.foot, line), x, g.pivot_y, LANE_EDGE)
    if scene.change_deg is not None:
        painter.save()
        painter.translate(x, g.pivot_y)
        painter.rotate(turn_on_screen(scene.side, scene.change_deg))
        painter.fillPath(shapes.foot(scene.side, g.foot), FOOT)
        painter.restore()
    if scene.words:
        room = width - 2.0 * g.margin
        cap = min(g.main, room / (shapes.width_of(scene.words, 100.0) / 100.0))
        put_centred(painter, scene.words, cap, width / 2.0, round(g.margin + g.main), WORDS)
    put_centred(painter, FOOT_NAME[scene.side], g.name, width / 2.0, height - g.margin, WORDS)
    painter.restore()
