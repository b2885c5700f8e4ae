"""When a foot stands alone: told by the other foot's markers inside their windows, else the middle half of stance."""

from __future__ import annotations

import math

import pytest

from labfeedback.engine.events import OFF, STRIKE, USUAL_S, Events
from labfeedback.settings import Settings

START, END = 10.0, 11.0  # a stance of one second: shares of it are seconds


def support(offs=(), strikes=(), margin=0.02):
    events = Events(Settings(), None, lambda *_: None)  # type: ignore[arg-type]
    other = events._feet[1]
    other.heard[OFF].extend(at - USUAL_S[OFF] for at in offs)
    other.heard[STRIKE].extend(at - USUAL_S[STRIKE] for at in strikes)
    return events.single_support(0, START, END, margin)


def test_from_the_other_toe_off_to_the_other_heel_strike_less_a_margin():
    assert support([10.15], [10.85]) == pytest.approx((10.17, 10.83))
    assert support([10.15], [10.85], 0.05) == pytest.approx((10.20, 10.80))


def test_unseen_events_leave_the_middle_half():
    assert support() == pytest.approx((10.25, 10.75))
    assert support([10.15]) == pytest.approx((10.17, 10.75))
    assert support([], [10.85]) == pytest.approx((10.25, 10.83))


@pytest.mark.parametrize(
    ("offs", "strikes", "expected"),
    [
        ([9.91], [], 9.93),  # up to a tenth before the stance
        ([9.89], [], 10.25),
        ([10.49], [], 10.51),  # up to half of it
        ([10.51], [], 10.25),
        ([10.1, 10.2], [], 10.22),  # the last of several
    ],
)
def test_toe_offs_count_inside_their_window(offs, strikes, expected):
    assert support(offs, strikes)[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("strikes", "expected"),
    [([10.51], 10.49), ([10.49], 10.75), ([11.09], 11.07), ([11.11], 10.75), ([10.8, 10.9], 10.78)],
)
def test_heel_strikes_count_inside_theirs(strikes, expected):
    assert support([], strikes)[1] == pytest.approx(expected)


def test_no_time_is_no_event():
    assert all(math.isfinite(x) for x in support([math.nan], [math.nan]))
