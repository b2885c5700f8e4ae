"""Readable at three and four metres by eyes over sixty, by colour-blind ones too, on every usual screen."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from numpy.typing import NDArray
from PyQt6.QtGui import QColor

from labfeedback.display import looks, shapes
from labfeedback.display.geometry import LARGEST_TURN_DEG, geometry_for
from labfeedback.display.render import examples, render_scene
from labfeedback.display.scene import MARKS, Scene
from labfeedback.errors import BadSetup
from labfeedback.records import LEFT, RIGHT, SIDES, CueState
from labfeedback.rig import Screen
from tests.display.make_golden import pixels

# Pixels, metres, metres to the eye: projections of 2 m width in 16:10, 16:9 and 4:3.
WALLS = [
    (1280, 800, 2.0, 1.25),
    (1920, 1080, 2.0, 1.125),
    (3840, 2160, 2.0, 1.125),
    (1024, 768, 2.0, 1.5),
    (1600, 1200, 2.0, 1.5),
]
CASES = [(*wall, distance) for wall, distance in product(WALLS, (3.0, 4.0))]


def screen_of(width_m: float, height_m: float, distance_m: float) -> Screen:
    return Screen.model_validate({"width_m": width_m, "height_m": height_m, "viewing_distance_m": distance_m})


def luminance(colour: QColor) -> float:
    c = np.array([colour.redF(), colour.greenF(), colour.blueF()])
    return float(np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])


def contrast(a: QColor, b: QColor) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_cap_heights_measured_in_pixels_reach_their_visual_angle(case: tuple[int, int, float, float, float]) -> None:
    width, height, width_m, height_m, distance = case
    g = geometry_for(width, height, screen_of(width_m, height_m, distance))
    assert g.readable
    degree_px = 2 * distance * np.tan(np.radians(0.5)) * height / height_m
    # H of the painted outlines, not the numbers of the geometry.
    for cap, least in ((g.main, 2.0), (g.name, 0.8), (g.small, 0.8), (g.number, 0.8)):
        assert shapes.words("H", cap).boundingRect().height() / degree_px >= least - 1e-3
    image = pixels(render_scene(Scene(LEFT), width, height, screen_of(width_m, height_m, distance)))
    rows = np.nonzero((image == 255).all(axis=(1, 2)) | (image == 255).all(axis=2).any(axis=1))[0]
    first_line = np.flatnonzero(np.diff(rows) > 1)[0] + 1
    assert first_line / degree_px >= 2.0


def test_a_wall_too_small_for_its_distance_is_filled_and_says_that_it_is_not_readable() -> None:
    g = geometry_for(1920, 1080, screen_of(0.5, 0.28, 4.0))
    assert not g.readable
    assert 0 < g.small < g.main < g.height


def test_a_picture_of_no_size_is_refused_in_a_sentence() -> None:
    with pytest.raises(BadSetup, match="100 x 50 pixels; expected at least"):
        geometry_for(100, 50, screen_of(2, 1, 3))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_nothing_is_clipped_at_the_edges(case: tuple[int, int, float, float, float]) -> None:
    width, height, *metres = case
    for side, scene in product(SIDES, examples(RIGHT)):
        image = pixels(render_scene(examples(side)[scene], width, height, screen_of(*metres)))
        edge = round(0.02 * height)
        frame = np.ones(image.shape[:2], dtype=bool)
        frame[edge:-edge, edge:-edge] = False
        assert (image[frame] == image[0, 0]).all()


def _ink(width: int, height: int, screen: Screen, scene: Scene, without: Scene) -> NDArray[np.bool_]:
    """Where the pictures of two scenes differ."""
    a, b = (pixels(render_scene(s, width, height, screen)) for s in (scene, without))
    return np.asarray((a != b).any(axis=2))


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("side", SIDES)
def test_the_foot_at_its_largest_turn_touches_neither_words_nor_marks(
    case: tuple[int, int, float, float, float], side: int
) -> None:
    width, height, *metres = case
    g = geometry_for(width, height, screen_of(*metres))
    for state, turn in ((CueState.TOO_FAR_IN, -LARGEST_TURN_DEG), (CueState.TOO_FAR_OUT, LARGEST_TURN_DEG)):
        full = Scene(side, state, turn, 2.0, (state,) * MARKS, 100, 100)
        image = pixels(render_scene(full, width, height, screen_of(*metres)))
        c = looks.COLOURS[state]
        colour = (image == [c.red(), c.green(), c.blue()]).all(axis=2)
        colour[: round(g.lane_top)] = False
        columns = np.flatnonzero(colour.any(axis=0))
        # Marks, a clear gap, the foot: two groups of columns, and the foot's stays off both columns of words.
        groups = np.split(columns, np.flatnonzero(np.diff(columns) > g.small * 0.3) + 1)
        foot = groups[-1]
        assert len(groups) == 2
        caption = max(shapes.width_of("STEPS", g.small), shapes.width_of("100%", g.number)) / 2
        assert foot[0] > g.aside + caption
        assert foot[-1] < width - g.aside - caption
        assert np.flatnonzero(colour[:, foot[0] : foot[-1]].any(axis=1))[-1] < height - g.margin - g.name


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_columns_of_words_stay_clear_of_the_top_line_and_the_name(
    case: tuple[int, int, float, float, float],
) -> None:
    width, height, *metres = case
    g = geometry_for(width, height, screen_of(*metres))
    name = shapes.width_of("RIGHT FOOT", g.name) / 2
    caption = shapes.width_of("STEPS", g.small) / 2
    assert g.aside + caption < width / 2 - name
    assert g.aside - caption >= 0.9 * g.margin
    share = Scene(RIGHT, CueState.NOT_MEASURED, None, None, (), 100, 100)
    ink = _ink(width, height, screen_of(*metres), share, Scene(RIGHT, CueState.NOT_MEASURED))
    y, x = np.nonzero(ink)
    assert y.min() > g.lane_top
    assert x.max() < width - 0.9 * g.margin


def test_words_keep_a_contrast_of_seven_to_one() -> None:
    for colour in (looks.WORDS, looks.QUIET_WORDS, *looks.COLOURS.values()):
        assert contrast(colour, looks.BACKGROUND) >= 7.0


def test_shapes_that_carry_meaning_keep_a_contrast_of_three_to_one() -> None:
    assert contrast(looks.LANE_EDGE, looks.BACKGROUND) >= 3.0
    for colour in looks.COLOURS.values():
        assert contrast(colour, looks.LANE) >= 3.0


# Machado, Oliveira & Fernandes 2009, severity 1.0, on linear RGB.
_BLIND = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def _lab(colour: QColor, eye: str) -> NDArray[np.float64]:
    c = np.array([colour.redF(), colour.greenF(), colour.blueF()])
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.array(_BLIND[eye]) @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    t = xyz / [0.9505, 1.0, 1.089]
    f = np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("eye", sorted(_BLIND))
def test_the_three_colours_stay_apart_for_colour_blind_eyes(eye: str) -> None:
    feedback = [looks.COLOURS[s] for s in (CueState.GOOD, CueState.TOO_FAR_IN, CueState.TOO_FAR_OUT)]
    for a, b in combinations(feedback, 2):
        assert np.linalg.norm(_lab(a, eye) - _lab(b, eye)) > 30.0


def test_the_words_say_what_to_do_and_never_a_signed_number() -> None:
    assert looks.INSTRUCTION[CueState.TOO_FAR_IN] == "TOE OUT"
    assert looks.INSTRUCTION[CueState.TOO_FAR_OUT] == "TOE IN"
    assert (looks.FOOT_NAME[LEFT], looks.FOOT_NAME[RIGHT]) == ("LEFT FOOT", "RIGHT FOOT")
    assert set(looks.INSTRUCTION) | set(looks.NOTICE) == set(CueState)
