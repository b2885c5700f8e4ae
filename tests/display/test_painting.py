"""The picture says what the scene says: found again from its pixels."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from PyQt6.QtGui import QColor, QImage

from labfeedback.display.geometry import LARGEST_TURN_DEG, Geometry, geometry_for
from labfeedback.display.looks import COLOURS
from labfeedback.display.render import examples, render_scene
from labfeedback.display.scene import Scene
from labfeedback.records import LEFT, RIGHT, SIDES, CueState
from labfeedback.rig import Screen
from tests.display.make_golden import GOLDEN, pictures, pixels

SIZE = (1920, 1080)
OFF = {-1: CueState.TOO_FAR_IN, 1: CueState.TOO_FAR_OUT}


def wall(**fields: object) -> Screen:
    return Screen.model_validate(fields)


def scene(side: int, deviation: float, **fields: object) -> Scene:
    state = CueState.GOOD if abs(deviation) <= 2.0 else OFF[int(np.sign(deviation))]
    return Scene(side, state, deviation, 2.0, **fields)  # type: ignore[arg-type]


def picture(what: Scene, size: tuple[int, int] = SIZE, screen: Screen | None = None) -> NDArray[np.uint8]:
    return pixels(render_scene(what, *size, screen))


def where(image: NDArray[np.uint8], colour: QColor) -> NDArray[np.bool_]:
    return np.asarray((image == np.array([colour.red(), colour.green(), colour.blue()])).all(axis=2))


def foot_pixels(what: Scene) -> tuple[NDArray[np.float64], Geometry]:
    """(n, 2) x, y of the live foot's sole and toes: the state's colour between the instruction and the foot's name."""
    g = geometry_for(*SIZE, wall())
    y, x = np.nonzero(where(picture(what), COLOURS[what.state]))
    inside = (y > g.pivot_y - 0.93 * g.foot) & (abs(x - g.width / 2) < g.foot)
    return np.column_stack([x[inside], y[inside]]).astype(float), g


def axis_deg(points: NDArray[np.float64]) -> float:
    """Clockwise turn of the longest axis of the points, deg from straight up."""
    centred = points - points.mean(axis=0)
    x, y = np.linalg.eigh(centred.T @ centred)[1][:, 1]
    return float(np.degrees(np.arctan2(x * -np.sign(y), abs(y))))


@pytest.mark.parametrize("name", sorted(pictures()))
def test_the_picture_is_the_golden_one_to_the_pixel(name: str) -> None:
    what, width, height = pictures()[name]
    golden = QImage(str(GOLDEN / name))
    assert not golden.isNull(), f"{name} is missing: python -m tests.display.make_golden"
    np.testing.assert_array_equal(picture(what, (width, height)), pixels(golden))


@pytest.mark.parametrize(("side", "deviation"), list(product(SIDES, (-20.0, -10.0, -3.0, 3.0, 10.0, 20.0))))
def test_the_foot_is_turned_by_its_deviation_to_the_side_of_that_foot(side: int, deviation: float) -> None:
    straight, turned = foot_pixels(scene(side, 0.0))[0], foot_pixels(scene(side, deviation))[0]
    # Seen from above, toe-out turns a right foot clockwise and a left foot the other way.
    assert axis_deg(turned) - axis_deg(straight) == pytest.approx(side * deviation, abs=0.6)


@pytest.mark.parametrize("side", SIDES)
def test_toes_point_away_from_the_body_midline_when_too_far_out(side: int) -> None:
    straight, turned = foot_pixels(scene(side, 0.0))[0], foot_pixels(scene(side, 12.0))[0]
    toe = [points[points[:, 1] < points[:, 1].min() + 20][:, 0].mean() for points in (straight, turned)]
    assert np.sign(toe[1] - toe[0]) == side


@pytest.mark.parametrize("side", SIDES)
def test_the_great_toe_is_on_the_inner_side_and_the_foot_stands_on_its_own_side(side: int) -> None:
    points, g = foot_pixels(scene(side, 0.0))
    assert np.sign(points[:, 0].mean() - g.width / 2) == side
    toes = points[points[:, 1] < g.pivot_y - 0.80 * g.foot]
    heel = points[points[:, 1] > g.pivot_y - 0.05 * g.foot]
    assert np.sign(heel[:, 0].mean() - toes[:, 0].mean()) == side  # longest toes lie medially


@pytest.mark.parametrize("side", SIDES)
def test_a_left_foot_is_the_mirror_image_of_a_right_foot(side: int) -> None:
    mine, other = foot_pixels(scene(side, 6.0))[0], foot_pixels(scene(-side, 6.0))[0]
    np.testing.assert_allclose(SIZE[0] - other[:, 0].mean(), mine[:, 0].mean(), atol=1.0)
    np.testing.assert_allclose(other[:, 1].mean(), mine[:, 1].mean(), atol=1.0)


@pytest.mark.parametrize(("side", "deviation"), list(product(SIDES, (-8.0, 8.0))))
def test_the_turning_arrow_stands_where_the_toes_must_go(side: int, deviation: float) -> None:
    what = scene(side, deviation)
    g = geometry_for(*SIZE, wall())
    _, x = np.nonzero(where(picture(what), COLOURS[what.state])[: int(g.margin + 1.1 * g.main)])
    middle = (x.min() + x.max()) / 2  # of word and arrow: the arrow moves it to its own side
    assert np.sign(middle - g.width / 2) == -np.sign(side * deviation)


@pytest.mark.parametrize("side", SIDES)
def test_the_pointer_is_inside_the_lane_exactly_when_the_step_was_good(side: int) -> None:
    g = geometry_for(*SIZE, wall())
    row = int(g.lane_top + 12)  # near the far end of the lane
    reach = g.pivot_y - row
    for deviation in (-4.0, -1.0, 0.0, 1.0, 4.0):
        what = scene(side, deviation)
        x = np.nonzero(where(picture(what), COLOURS[what.state])[row])[0]
        angle = np.degrees(np.arctan2(x.mean() - (g.width / 2 + side * 0.27 * g.foot), reach))
        assert angle == pytest.approx(side * deviation, abs=0.2)
        assert (abs(angle) <= 2.0) == (what.state is CueState.GOOD)


def test_each_last_step_lies_where_its_toes_pointed() -> None:
    marks = (CueState.TOO_FAR_OUT, CueState.TOO_FAR_IN, CueState.GOOD)
    g = geometry_for(*SIZE, wall())
    for side in SIDES:
        image = picture(Scene(side, CueState.NOT_MEASURED, marks=marks))
        for state, place in zip(marks, (side, -side, 0), strict=True):
            x = np.nonzero(where(image, COLOURS[state]))[1].mean()
            assert np.sign(round((x - g.aside) / g.small)) == place


def test_a_mirrored_screen_flips_the_whole_picture() -> None:
    # Smooth edges are sampled from the other side, so a few grey values at edges may differ; shapes may not.
    for what in (scene(RIGHT, -7.0, scored_steps=5, good_steps=3), Scene(LEFT)):
        plain = picture(what).astype(int)
        flipped = picture(what, screen=wall(mirrored=True))[:, ::-1].astype(int)
        assert (abs(plain - flipped).max(axis=2) > 90).mean() < 1e-4


def test_beyond_the_largest_turn_the_foot_stays_where_it_is() -> None:
    np.testing.assert_array_equal(picture(scene(LEFT, 60.0)), picture(scene(LEFT, LARGEST_TURN_DEG)))


def test_the_cue_number_and_its_time_are_not_painted() -> None:
    np.testing.assert_array_equal(picture(scene(LEFT, 3.0)), picture(scene(LEFT, 3.0, cue=9, cue_time_s=1e6)))


@pytest.mark.parametrize("name", sorted(examples(RIGHT)))
def test_every_state_has_a_picture_of_its_own(name: str) -> None:
    own = picture(examples(RIGHT)[name], (640, 400))
    for other, what in examples(RIGHT).items():
        assert other == name or (picture(what, (640, 400)) != own).any()
