"""The belts' direction from few steps: told as off only where twice the standard error leaves no doubt."""

from __future__ import annotations

import math

import pytest

from labfeedback.engine.axis import LIMIT_DEG, SURE_FROM, BeltAxis


def drifts(angles):
    return [(-math.cos(math.radians(a)), -math.sin(math.radians(a))) for a in angles]


def told(angles):
    axis = BeltAxis()
    return axis, [axis.add(*one) for one in drifts(angles)]


@pytest.mark.parametrize("way", [1, -1])
@pytest.mark.parametrize("scatter", [0.2, 0.4, 0.9])
def test_five_steps_tell_of_an_axis_that_is_off_if_twice_their_standard_error_leaves_no_doubt(way, scatter):
    error = 1.2533 * 1.4826 * scatter / math.sqrt(5)  # of a median, from the median absolute deviation
    for beyond, is_off in ((2.0 * error + 0.02, True), (2.0 * error - 0.02, False)):
        middle = LIMIT_DEG + beyond
        axis, _ = told([way * (middle + k * scatter) for k in (1, -1, 0, -1, 1)])
        assert axis.off is is_off, beyond
        assert math.isnan(axis.yaw_deg) is not is_off


def test_before_five_steps_nothing_is_told():
    _, said = told([8.0] * (SURE_FROM - 1))
    assert said == [""] * (SURE_FROM - 1)
    axis, said = told([8.0] * SURE_FROM)
    assert axis.off and "8.0 deg to the right" in said[-1]


def test_what_is_off_stays_off_until_it_is_well_within():
    axis, _ = told([1.5] * 20)
    assert axis.off
    for angle, off in ((0.95, True), (0.85, True), (0.7, False)):
        for one in drifts([angle] * 20):
            axis.add(*one)
        assert axis.off is off, angle


def test_a_foot_that_does_not_move_backward_says_nothing():
    axis = BeltAxis()
    for one in [(0.1, 0.5), (float("nan"), 0.1), (-1.0, float("nan")), (0.0, 0.1)] * 10:
        assert axis.add(*one) == ""
    assert math.isnan(axis.yaw_deg)
