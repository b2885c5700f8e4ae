"""The wall of the direction check: it shows what the foot did, on the right side, mirrored where the wall is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from PyQt6.QtGui import QImage

from labfeedback.display import shapes, turned
from labfeedback.display.geometry import geometry_for
from labfeedback.display.looks import WORDS
from labfeedback.display.turned import FOOT, scene_of
from tests.display.make_golden import GOLDEN, pixels, turned_picture, turned_pictures
from tests.display.test_legible import CASES, contrast, screen_of
from tests.display.test_painting import axis_deg, where

SIZE = (1280, 800)


def foot(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(n, 2) x, y of the foot as it stands now."""
    y, x = np.nonzero(where(image, FOOT))
    return np.column_stack([x, y]).astype(float)


@pytest.mark.parametrize("name", sorted(turned_pictures()))
def test_the_picture_is_the_golden_one_to_the_pixel(name):
    golden = QImage(str(GOLDEN / name))
    assert not golden.isNull(), f"{name} is missing: python -m tests.display.make_golden"
    assert np.array_equal(pixels(golden), pixels(turned_picture(*turned_pictures()[name])))


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("change", [-20.0, -7.0, 7.0, 20.0])
def test_the_foot_turns_as_the_foot_did(side, change):
    image = pixels(turned_picture(scene_of(side, "shown", change), False))
    still = pixels(turned_picture(scene_of(side, "turn", 0.0), False))
    # Toe-out is clockwise for a right foot seen from above.
    assert axis_deg(foot(image)) - axis_deg(foot(still)) == pytest.approx(side * change, abs=1.0)
    assert (foot(image)[:, 0].mean() > SIZE[0] / 2) == (side > 0)


def test_mirrored_is_the_same_picture_the_other_way_round():
    scene = scene_of(-1, "shown", -12.0)
    plain, mirrored = (pixels(turned_picture(scene, m)).astype(int) for m in (False, True))
    assert np.abs(plain[:, ::-1] - mirrored).mean() < 0.5
    assert not np.array_equal(plain, mirrored)


def test_the_words_tell_the_fact():
    assert scene_of(-1, "straight", math.nan).words == turned.STAND
    assert scene_of(-1, "turn", -1.0).words == turned.TURN
    assert scene_of(-1, "turn", -8.0).words == turned.IN
    assert scene_of(1, "turn", 8.0).words == turned.OUT
    assert scene_of(1, "shown", -8.0).words == turned.IN


@pytest.mark.parametrize("phase", ["turn", "shown"])
def test_a_foot_that_is_not_seen_is_not_shown(phase):
    scene = scene_of(1, phase, math.nan)
    assert scene.words == turned.UNSEEN and scene.change_deg is None
    assert len(foot(pixels(turned_picture(scene, False)))) == 0


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_word_is_as_large_as_those_of_a_visit(case):
    width, height, width_m, height_m, distance = case
    g = geometry_for(width, height, screen_of(width_m, height_m, distance))
    for words in (turned.STAND, turned.TURN, turned.IN, turned.OUT, turned.UNSEEN):
        cap = min(g.main, (width - 2 * g.margin) / (shapes.width_of(words, 100.0) / 100.0))
        assert cap / g.px_per_deg >= 2.0 - 1e-6, (words, cap / g.px_per_deg)
    assert contrast(FOOT, turned.BACKGROUND) > 7 and contrast(WORDS, turned.BACKGROUND) > 7


def test_it_is_painted_on_every_screen():
    for size in ((320, 240), (3840, 2160)):
        assert turned_picture(scene_of(1, "shown", -40.0), False, size).width() == size[0]
