"""What stands still on the patient's screen, painted once and kept: half of the cost of a picture.

Notices (screens without a foot) stand still as a whole. Under a foot lie the other foot, dim; the target foot with its
lane; the instruction; captions and the name of the foot.
"""

from __future__ import annotations

from functools import lru_cache

from PyQt6.QtCore import QRectF
from PyQt6.QtGui import QImage, QPainter

from labfeedback.display import shapes
from labfeedback.display.geometry import TWIN, Geometry
from labfeedback.display.looks import (
    BACKGROUND,
    COLOURS,
    FOOT_NAME,
    INSTRUCTION,
    LANE,
    LANE_EDGE,
    NOTICE,
    OTHER_FOOT,
    QUIET_WORDS,
    WORDS,
)
from labfeedback.display.scene import MARKS
from labfeedback.display.shapes import put, put_centred
from labfeedback.records import CueState


def foot_x(g: Geometry, side: int) -> float:
    """Where the heel centre of the foot of `side` stands, px."""
    return g.width / 2.0 + side * TWIN * g.foot


def pointer_span(g: Geometry) -> tuple[float, float]:
    """From where to where, ahead of the heel centre, the lane and the foot's pointer run, px."""
    return (shapes.TOE_TIP + 0.015) * g.foot, g.pivot_y - g.lane_top


def marks_column(g: Geometry) -> tuple[float, float, float]:
    """Size of a mark, distance from one to the next, and the top of the column of marks, px."""
    top, bottom = g.lane_top, g.height - g.margin
    size, caption = g.small * 1.05, g.small * 3.35
    step = min(size * 1.6, (bottom - top - caption) / MARKS)
    return size, step, top + (bottom - top - caption - step * MARKS) / 3.0 + caption


def share_baseline(g: Geometry) -> float:
    """Baseline of the share of good steps, px."""
    return (g.lane_top + g.pivot_y) / 2.0


def _notice(painter: QPainter, g: Geometry, state: CueState) -> None:
    lines, quiet = NOTICE[state]
    room = g.width - 2.0 * g.margin
    widest = max(shapes.width_of(line, 100.0) for line in lines) / 100.0
    cap = min(g.main * 1.6, 0.92 * room / widest, 0.2 * g.height)
    small = min(g.small * 1.2, room / (shapes.width_of(quiet, 100.0) / 100.0))
    step = cap * 1.55
    total = cap + step * (len(lines) - 1) + 1.1 * cap + small
    baseline = (g.height - total) / 2.0 + cap
    for line in lines:
        put_centred(painter, line, cap, g.width / 2.0, baseline, WORDS)
        baseline += step
    put_centred(painter, quiet, small, g.width / 2.0, baseline - step + 1.1 * cap + small, QUIET_WORDS)


def _feet(painter: QPainter, g: Geometry, side: int, band_deg: float | None) -> None:
    put(painter, shapes.foot(-side, g.foot), foot_x(g, -side), g.pivot_y, OTHER_FOOT)
    x, line = foot_x(g, side), max(2.0, g.foot * 0.009)
    target = shapes.foot_outline(side, g.foot, line)
    if band_deg is None:
        put(painter, target, x, g.pivot_y, QUIET_WORDS)
        middle = x + side * 0.03 * g.foot  # of the sole, which is wider on its outer side
        put_centred(painter, "?", g.foot * 0.22, middle, g.pivot_y - 0.4 * g.foot, QUIET_WORDS)
        return
    start, end = pointer_span(g)
    put(painter, shapes.foot(side, g.foot), x, g.pivot_y, LANE)
    put(painter, target, x, g.pivot_y, LANE_EDGE)
    put(painter, shapes.lane(band_deg, start, end, 1.5 * line), x, g.pivot_y, LANE_EDGE)
    put(painter, shapes.lane(band_deg, start, end, 0.0), x, g.pivot_y, LANE)


def _instruction(painter: QPainter, g: Geometry, side: int, state: CueState) -> None:
    text, colour, middle, baseline = INSTRUCTION[state], COLOURS[state], g.width / 2.0, round(g.margin + g.main)
    if state is CueState.NOT_MEASURED:
        put_centred(painter, text, g.unmeasured, middle, baseline, colour)
        return
    put_centred(painter, text, g.main, middle, baseline, colour)
    size, top = g.main * 1.15, baseline - g.main * 1.08
    away = shapes.width_of(text, g.main) / 2.0 + g.main * 0.5
    if state is CueState.GOOD:
        put(painter, shapes.tick(size), middle - away - size, top, colour)
        return
    clockwise = (side > 0) == (state is CueState.TOO_FAR_IN)
    put(painter, shapes.turn_arrow(clockwise, size), middle + away if clockwise else middle - away - size, top, colour)


def captions(painter: QPainter, g: Geometry, name: str, has_share: bool) -> None:
    """What the columns are, and at the bottom what is shown."""
    size, step, first = marks_column(g)
    put_centred(painter, "LAST", g.small, g.aside, first - g.small * 2.35, QUIET_WORDS)
    put_centred(painter, "STEPS", g.small, g.aside, first - g.small * 0.85, QUIET_WORDS)
    half = size * 0.72
    painter.fillRect(QRectF(g.aside - half, first, 2.0 * half, step * MARKS), LANE)
    if has_share:
        baseline = share_baseline(g)
        put_centred(painter, "GOOD", g.small, g.width - g.aside, baseline + g.small * 1.9, QUIET_WORDS)
        put_centred(painter, "STEPS", g.small, g.width - g.aside, baseline + g.small * 3.4, QUIET_WORDS)
    put_centred(painter, name, g.name, g.width / 2.0, g.height - g.margin, WORDS)


def turn_to_viewer(painter: QPainter, g: Geometry) -> None:
    """Set the painter up for strokes: smooth edges, and mirrored for rear projection."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    if g.mirrored:
        painter.translate(g.width, 0.0)
        painter.scale(-1.0, 1.0)


@lru_cache(maxsize=2)
def notice(g: Geometry, state: CueState) -> QImage:
    """The whole picture of a state without a foot, RGB32, g.width x g.height."""
    image = QImage(g.width, g.height, QImage.Format.Format_RGB32)
    image.fill(BACKGROUND)
    painter = QPainter(image)
    turn_to_viewer(painter, g)
    _notice(painter, g, state)
    painter.end()
    return image


@lru_cache(maxsize=5)  # a picture of 3840 x 2160 is 33 MB
def under_the_foot(g: Geometry, side: int, state: CueState, band_deg: float | None, has_share: bool) -> QImage:
    """All that stands still while `state` lasts, RGB32. band_deg None: a step that was not measured."""
    image = QImage(g.width, g.height, QImage.Format.Format_RGB32)
    image.fill(BACKGROUND)
    painter = QPainter(image)
    turn_to_viewer(painter, g)
    _feet(painter, g, side, band_deg)
    _instruction(painter, g, side, state)
    captions(painter, g, FOOT_NAME[side], has_share)
    painter.end()
    return image


def prepare(g: Geometry, side: int, band_deg: float) -> None:
    """Paint ahead of need what stands still under each kind of step (20 ms in all), so that no first step waits."""
    for state in (CueState.GOOD, CueState.TOO_FAR_IN, CueState.TOO_FAR_OUT):
        under_the_foot(g, side, state, band_deg, True)
    under_the_foot(g, side, CueState.NOT_MEASURED, None, True)
