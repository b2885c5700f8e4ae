"""The patient's screen as a picture: `paint` turns a scene into strokes and knows nothing else.

One dominant thing: what to do. Above, the instruction with a turning arrow on the side the toes must go to, or GOOD
with a tick; below it the foot from above, turned by the deviation one to one, over the dim shape of the foot as it
should be, with a pointer that runs in the lane of the band; to the left the last steps, each where its toes pointed;
to the right the share of good steps; at the bottom LEFT FOOT or RIGHT FOOT. State is told by word, shape, place and
colour.
"""

from __future__ import annotations

from PyQt6.QtGui import QPainter

from labfeedback.display import backdrop, gauge, shapes
from labfeedback.display.geometry import LARGEST_TURN_DEG, Geometry
from labfeedback.display.looks import COLOURS, WORDS
from labfeedback.display.scene import OF_A_STEP, Scene
from labfeedback.display.shapes import put, put_centred
from labfeedback.records import CueState


def turn_on_screen(side: int, deviation_deg: float) -> float:
    """Degrees clockwise as seen from above for a deviation (toe-out positive): right foot +, left foot -."""
    return side * max(-LARGEST_TURN_DEG, min(LARGEST_TURN_DEG, deviation_deg))


def _foot(painter: QPainter, g: Geometry, scene: Scene, deviation_deg: float) -> None:
    x, turn, colour = backdrop.foot_x(g, scene.side), turn_on_screen(scene.side, deviation_deg), COLOURS[scene.state]
    painter.translate(x, g.pivot_y)
    painter.rotate(turn)
    painter.fillPath(shapes.foot(scene.side, g.foot), colour)
    # The foot's own axis, drawn on into the lane: at three metres 2 deg are easier to see on a pointer than on toes.
    painter.fillPath(shapes.pointer(*backdrop.pointer_span(g), 0.022 * g.foot), colour)
    painter.rotate(-turn)
    painter.translate(-x, -g.pivot_y)


def _marks(painter: QPainter, g: Geometry, scene: Scene) -> None:
    size, step, top = backdrop.marks_column(g)
    for place, state in enumerate(scene.marks):
        pointing = scene.side * {CueState.TOO_FAR_IN: -1, CueState.TOO_FAR_OUT: 1}.get(state, 0)
        path = shapes.ring(size) if state is CueState.NOT_MEASURED else shapes.mark(pointing, size)
        put(painter, path, g.aside + pointing * size * 1.4, top + step * (place + 0.5), COLOURS[state])


def paint(painter: QPainter, width: int, height: int, scene: Scene, geometry: Geometry) -> None:
    """Paint `scene` over the whole width x height (px) of the painter's device; geometry is that size's own."""
    assert (width, height) == (geometry.width, geometry.height)
    if scene.state not in OF_A_STEP:
        painter.drawImage(0, 0, backdrop.notice(geometry, scene.state))
        return
    if scene.variable:
        gauge.paint(painter, scene, geometry)
        return
    has_share = scene.scored_steps > 0
    below = backdrop.under_the_foot(geometry, scene.side, scene.state, scene.band, has_share)
    painter.drawImage(0, 0, below)
    painter.save()
    backdrop.turn_to_viewer(painter, geometry)
    if scene.deviation is not None:
        _foot(painter, geometry, scene, scene.deviation)
    _marks(painter, geometry, scene)
    if has_share:
        share = f"{100 * scene.good_steps // scene.scored_steps}%"
        baseline = backdrop.share_baseline(geometry)
        put_centred(painter, share, geometry.number, width - geometry.aside, baseline, WORDS)
    painter.restore()
