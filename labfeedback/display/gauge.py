"""The patient's screen for other variables than the foot angle: a gauge with the band in its middle.

Up is more. A bar stands where the last step was; the instruction says what to do, an arrow says which way. The band is
drawn as large for every variable (a sixth of the gauge's height on either side), so nobody sees a number or a unit.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from PyQt6.QtCore import QRectF
from PyQt6.QtGui import QImage, QPainter

from labfeedback.display import backdrop, shapes
from labfeedback.display.geometry import Geometry
from labfeedback.display.looks import (
    BACKGROUND,
    COLOURS,
    GAUGE,
    GAUGE_NAMES,
    INSTRUCTION,
    LANE,
    LANE_EDGE,
    QUIET_WORDS,
    WORDS,
)
from labfeedback.display.scene import Scene
from labfeedback.display.shapes import put, put_centred
from labfeedback.records import CueState
from labfeedback.variables import FEEDBACK_VARIABLES

BAND_SHARE: Final = 1.0 / 6.0  # of the gauge's height is half the band
FARTHEST: Final = 0.5 - 0.03  # of its height, drawn
_NAMES: Final = tuple(FEEDBACK_VARIABLES)
BOTH: Final = frozenset({"step_width", "step_length", "stride_length", "cadence", "trunk_lean"})


def _frame(g: Geometry) -> QRectF:
    height = g.pivot_y - g.lane_top
    return QRectF(g.width / 2.0 - 0.22 * height, g.lane_top, 0.44 * height, height)


def words_of(scene: Scene) -> tuple[str, str]:
    """The instruction, and the caption at the bottom."""
    name = _NAMES[scene.variable]
    more, less, caption = GAUGE[name]
    instruction = {CueState.TOO_FAR_IN: more, CueState.TOO_FAR_OUT: less}.get(scene.state, INSTRUCTION[scene.state])
    return instruction, caption if name in BOTH else f"{GAUGE_NAMES[scene.side]} {caption}"


@lru_cache(maxsize=5)
def under_the_gauge(
    g: Geometry, side: int, state: CueState, variable: int, good_side: int, measured: bool, has_share: bool
) -> QImage:
    """All that stands still while `state` lasts, RGB32."""
    image = QImage(g.width, g.height, QImage.Format.Format_RGB32)
    image.fill(BACKGROUND)
    painter = QPainter(image)
    backdrop.turn_to_viewer(painter, g)
    scene, frame, line = Scene(side, state, variable=variable), _frame(g), max(2.0, g.foot * 0.009)
    instruction, caption = words_of(scene)
    middle, half = frame.center().y(), BAND_SHARE * frame.height()
    top = frame.top() if good_side > 0 else middle - half
    bottom = frame.bottom() if good_side < 0 else middle + half
    painter.fillRect(frame.adjusted(-line, -line, line, line), LANE_EDGE)
    painter.fillRect(frame, BACKGROUND)
    if measured:
        painter.fillRect(QRectF(frame.left(), top, frame.width(), bottom - top), LANE)
        for edge in (middle - half, middle + half):
            if frame.top() < edge < frame.bottom() and edge in (top, bottom):
                painter.fillRect(QRectF(frame.left(), edge - line, frame.width(), 2.0 * line), LANE_EDGE)
    else:
        put_centred(painter, "?", 0.3 * frame.height(), frame.center().x(), middle + 0.15 * frame.height(), QUIET_WORDS)
    size, width = g.main, shapes.width_of(instruction, g.main)
    room = g.width - 2.0 * g.margin - 4.0 * g.main
    size *= min(1.0, room / width)
    baseline, x = round(g.margin + g.main), g.width / 2.0
    put_centred(painter, instruction, size, x, baseline, COLOURS[state])
    away = shapes.width_of(instruction, size) / 2.0 + size * 0.5
    if state is CueState.GOOD:
        put(painter, shapes.tick(size * 1.15), x - away - size * 1.15, baseline - size * 1.08, COLOURS[state])
    elif state is not CueState.NOT_MEASURED:
        arrow = shapes.straight_arrow(state is CueState.TOO_FAR_IN, size * 1.15)
        put(painter, arrow, x + away, baseline - size * 1.08, COLOURS[state])
        put(painter, arrow, x - away - size * 1.15, baseline - size * 1.08, COLOURS[state])
    backdrop.captions(painter, g, caption, has_share)
    painter.end()
    return image


def paint(painter: QPainter, scene: Scene, g: Geometry) -> None:
    """Paint a step's scene over the whole picture."""
    has_share, measured = scene.scored_steps > 0, scene.deviation is not None
    below = under_the_gauge(g, scene.side, scene.state, scene.variable, scene.good_side, measured, has_share)
    painter.drawImage(0, 0, below)
    painter.save()
    backdrop.turn_to_viewer(painter, g)
    frame = _frame(g)
    if scene.deviation is not None and scene.band:
        off = max(-FARTHEST, min(FARTHEST, BAND_SHARE * scene.deviation / scene.band))
        y, thick = frame.center().y() - off * frame.height(), 0.05 * frame.height()
        over = 0.06 * frame.width()
        bar = QRectF(frame.left() - over, y - thick / 2.0, frame.width() + 2.0 * over, thick)
        painter.fillRect(bar, COLOURS[scene.state])
    size, step, first = backdrop.marks_column(g)
    for place, state in enumerate(scene.marks):
        up = {CueState.TOO_FAR_IN: -1, CueState.TOO_FAR_OUT: 1}.get(state, 0)
        path = shapes.ring(size) if state is CueState.NOT_MEASURED else shapes.mark(abs(up), size)
        painter.translate(g.aside, first + step * (place + 0.5))
        painter.rotate(-90.0 * up)
        painter.fillPath(path, COLOURS[state])
        painter.rotate(90.0 * up)
        painter.translate(-g.aside, -(first + step * (place + 0.5)))
    if has_share:
        share = f"{100 * scene.good_steps // scene.scored_steps}%"
        put_centred(painter, share, g.number, g.width - g.aside, backdrop.share_baseline(g), WORDS)
    painter.restore()
