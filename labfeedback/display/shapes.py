"""Shapes of the patient's screen as cached outlines: words, the foot, the turning arrow, the tick.

Words are drawn as outlines of one font file, so that a picture depends on no installed font and no hinting.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from math import radians, tan
from pathlib import Path
from typing import Final

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import (
    QColor,
    QFont,
    QGuiApplication,
    QPainter,
    QPainterPath,
    QPainterPathStroker,
    QRawFont,
    QTransform,
)

from labfeedback.errors import BadSetup
from labfeedback.footprint import SOLE, TOES

FONT_FILE: Final = "DejaVuSans-Bold.ttf"
_EM: Final = 1000.0
_TRACKING: Final = 0.02  # em between letters: a little air helps tired eyes at a distance

TOE_TIP: Final = 0.935  # of the foot's length ahead of the heel centre


@lru_cache(maxsize=1)
def _font() -> tuple[QRawFont, float]:
    """The face at 1000 px per em and its cap height in the same pixels. Needs a running QGuiApplication."""
    assert QGuiApplication.instance() is not None, "a QGuiApplication must run before words are drawn"
    path = Path(str(resources.files("labfeedback.display"))) / "fonts" / FONT_FILE
    font = QRawFont(str(path), _EM, QFont.HintingPreference.PreferNoHinting)
    if not font.isValid():
        raise BadSetup(f"{path}: the font of the patient's screen is missing or damaged; install labfeedback again")
    return font, font.pathForGlyph(font.glyphIndexesForString("H")[0]).boundingRect().height()


@lru_cache(maxsize=128)
def words(text: str, cap_px: float) -> QPainterPath:
    """The outline of `text`, cap height cap_px, left edge of the ink at x = 0, baseline at y = 0."""
    font, cap = _font()
    glyphs = font.glyphIndexesForString(text)
    advances = font.advancesForGlyphIndexes(glyphs, QRawFont.LayoutFlag.KernedAdvances)
    line = QPainterPath()
    line.setFillRule(Qt.FillRule.WindingFill)
    x = 0.0
    for glyph, advance in zip(glyphs, advances, strict=True):
        line.addPath(font.pathForGlyph(glyph).translated(x, 0.0))
        x += advance.x() + _TRACKING * _EM
    scale = cap_px / cap
    left = line.boundingRect().left()
    return QTransform.fromScale(scale, scale).map(line.translated(-left, 0.0))


def width_of(text: str, cap_px: float) -> float:
    """Width of the ink of `text` in pixels."""
    return words(text, cap_px).boundingRect().width()


@lru_cache(maxsize=8)
def foot(side: int, length_px: float) -> QPainterPath:
    """The foot of `side` (+1 right, -1 left) from above, toes up, heel centre at the origin, length_px long."""
    sole = QPainterPath(QPointF(*SOLE[0][0]))
    for end, first, second in SOLE[1:]:
        assert first is not None and second is not None
        sole.cubicTo(QPointF(*first), QPointF(*second), QPointF(*end))
    sole.closeSubpath()
    whole = QPainterPath(sole)
    for (x, y), (rx, ry), turn in TOES:
        toe = QPainterPath()
        toe.addEllipse(QPointF(0.0, 0.0), rx, ry)
        whole.addPath(QTransform().translate(x, y).rotate(turn).map(toe))
    return QTransform.fromScale(side * length_px, length_px).map(whole)


@lru_cache(maxsize=8)
def foot_outline(side: int, length_px: float, line_px: float) -> QPainterPath:
    """The outline of the foot, a line of line_px around it: a foot that is asked for or not known."""
    pen = QPainterPathStroker()
    pen.setWidth(2.0 * line_px)
    body = foot(side, length_px)
    return pen.createStroke(body).united(body).subtracted(body)


@lru_cache(maxsize=16)
def lane(half_deg: float, start_px: float, end_px: float, edge_px: float) -> QPainterPath:
    """The wedge of +-half_deg about straight up, start_px to end_px ahead of the origin, edge_px wider each side."""
    near, far = (tan(radians(half_deg)) * ahead + edge_px for ahead in (start_px, end_px))
    path = QPainterPath(QPointF(-near, -start_px))
    path.lineTo(-far, -end_px)
    path.lineTo(far, -end_px)
    path.lineTo(near, -start_px)
    path.closeSubpath()
    return path


@lru_cache(maxsize=8)
def turn_arrow(clockwise: bool, size_px: float) -> QPainterPath:
    """A bent arrow in a square of size_px whose top left corner is the origin: which way the toes are to turn."""
    pen = QPainterPathStroker()
    pen.setWidth(190.0)
    arc = QPainterPath()
    box = QRectF(95.0, 160.0, 620.0, 860.0)
    arc.arcMoveTo(box, 178.0)
    arc.arcTo(box, 178.0, -172.0)
    path = pen.createStroke(arc)
    head = QPainterPath(QPointF(415.0, 490.0))
    head.lineTo(1000.0, 490.0)
    head.lineTo(708.0, 960.0)
    head.closeSubpath()
    path = path.united(head)
    if not clockwise:
        path = QTransform(-1.0, 0.0, 0.0, 1.0, 1000.0, 0.0).map(path)
    return QTransform.fromScale(size_px / 1000.0, size_px / 1000.0).map(path)


@lru_cache(maxsize=8)
def straight_arrow(up: bool, size_px: float) -> QPainterPath:
    """An arrow up or down in a square of size_px whose top left corner is the origin: more, or less."""
    path = QPainterPath(QPointF(0.5, 0.02))
    for x, y in ((0.95, 0.5), (0.66, 0.5), (0.66, 0.98), (0.34, 0.98), (0.34, 0.5), (0.05, 0.5)):
        path.lineTo(x, y)
    path.closeSubpath()
    if not up:
        path = QTransform(1.0, 0.0, 0.0, -1.0, 0.0, 1.0).map(path)
    return QTransform.fromScale(size_px, size_px).map(path)


@lru_cache(maxsize=8)
def pointer(start_px: float, end_px: float, width_px: float) -> QPainterPath:
    """A bar straight up from start_px to end_px ahead of the origin."""
    path = QPainterPath()
    path.addRect(QRectF(-width_px / 2.0, -end_px, width_px, end_px - start_px))
    return path


@lru_cache(maxsize=4)
def tick(size_px: float) -> QPainterPath:
    """A tick in a square of size_px whose top left corner is the origin."""
    line = QPainterPath(QPointF(0.08, 0.56))
    line.lineTo(0.37, 0.84)
    line.lineTo(0.92, 0.16)
    pen = QPainterPathStroker()
    pen.setWidth(0.2)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    return QTransform.fromScale(size_px, size_px).map(pen.createStroke(line))


@lru_cache(maxsize=16)
def mark(pointing: int, size_px: float) -> QPainterPath:
    """One of the last steps, centred at the origin: 0 a disc (good), -1 and +1 a wedge whose tip points left, right."""
    path = QPainterPath()
    half = size_px / 2.0
    if pointing == 0:
        path.addEllipse(QPointF(0.0, 0.0), half, half)
        return path
    path.moveTo(pointing * half, 0.0)
    path.lineTo(-pointing * half * 0.8, -half)
    path.lineTo(-pointing * half * 0.8, half)
    path.closeSubpath()
    return path


@lru_cache(maxsize=4)
def ring(size_px: float) -> QPainterPath:
    """A step that could not be measured: a ring centred at the origin."""
    path = QPainterPath()
    path.addEllipse(QPointF(0.0, 0.0), size_px / 2.0, size_px / 2.0)
    path.addEllipse(QPointF(0.0, 0.0), size_px * 0.32, size_px * 0.32)
    path.setFillRule(Qt.FillRule.OddEvenFill)
    return path


def put(painter: QPainter, path: QPainterPath, x: float, y: float, colour: QColor) -> None:
    """Fill `path` with its origin at (x, y)."""
    painter.translate(x, y)
    painter.fillPath(path, colour)
    painter.translate(-x, -y)


def put_centred(painter: QPainter, text: str, cap_px: float, x: float, baseline: float, colour: QColor) -> None:
    """Write `text` with the middle of its ink at x, to the nearest pixel: stems that share their edges stay crisp."""
    path = words(text, cap_px)
    put(painter, path, round(x - path.boundingRect().width() / 2.0), round(baseline), colour)
