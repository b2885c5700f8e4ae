"""Heel strike and toe-off from markers: extremes of a foot in front of and behind the pelvis."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labfeedback.core import kinematic

RATE = 200.0


def told(curve, column=0, cuts=()):
    """(kind, time, frame that told it) of every extreme of one curve; the other three stand still."""
    time = np.arange(len(curve)) / RATE
    curves = np.zeros((len(curve), 4))
    curves[:, column] = curve
    state, found, frame = kinematic.new_curves(), np.empty((4, kinematic.FOUND)), np.zeros(1, np.int64)
    out, first = [], 0
    stops = sorted({*cuts, len(curve)})
    while first < len(curve):
        stop = next(s for s in stops if s > first)
        count = kinematic.find_extremes(time, curves, first, stop, state, found, frame)
        first = int(frame[0])
        out += [(int(row[1]), float(row[2]), first - 1) for row in found[:count]]
    return out


def swinging(seconds=5.0, period=1.1, amplitude=0.3):
    time = np.arange(round(seconds * RATE)) / RATE
    return time, amplitude * np.cos(2 * np.pi * time / period)


def test_a_heel_strikes_where_it_is_furthest_in_front():
    _, x = swinging()
    events = told(x)
    assert [kind for kind, _, _ in events] == [0] * len(events)
    assert [at for _, at, _ in events] == pytest.approx([1.1, 2.2, 3.3, 4.4], abs=1e-3)


def test_a_toe_leaves_where_it_is_furthest_behind():
    _, x = swinging()
    events = told(x, column=1)
    assert [kind for kind, _, _ in events] == [1] * len(events)
    assert [at for _, at, _ in events] == pytest.approx([0.55, 1.65, 2.75, 3.85, 4.95][: len(events)], abs=1e-3)
    assert len(events) >= 4


def test_noise_of_a_third_of_a_millimetre_moves_it_by_a_few_milliseconds():
    rng = np.random.default_rng(0)
    _, x = swinging(60.0)
    at = np.array([t for _, t, _ in told(x + rng.normal(0, 3e-4, len(x)))])
    error = at - np.round(at / 1.1) * 1.1
    assert len(at) > 50
    assert np.abs(error).max() < 0.006


def test_it_is_told_within_sixty_milliseconds():
    _, x = swinging()
    assert max(frame / RATE - at for _, at, frame in told(x)) < 0.07


def test_a_hidden_top_is_not_guessed():
    _, x = swinging()
    x[int(1.07 * RATE) : int(1.14 * RATE)] = np.nan
    assert [at for _, at, _ in told(x)] == pytest.approx([2.2, 3.3, 4.4], abs=1e-3)


def test_a_foot_that_stands_and_trembles_makes_no_event():
    rng = np.random.default_rng(1)
    assert told(0.02 * np.sin(np.arange(2000) / 9.0) + rng.normal(0, 1e-3, 2000)) == []


@given(st.lists(st.integers(1, 999), max_size=12))
def test_any_cutting_tells_the_same(cuts):
    _, x = swinging()
    assert told(x, cuts=cuts) == told(x)


def test_one_hidden_pelvis_marker_does_not_move_the_pelvis():
    rng = np.random.default_rng(2)
    markers = rng.normal(0, 0.1, (1, 4, 3)).repeat(2, axis=0)
    markers[1, :, 0] += 0.05
    offset, pelvis = np.full(4, np.nan), np.arange(4)
    first = kinematic.pelvis_x(markers, 0, pelvis, offset)
    markers[1, 2] = np.nan
    assert kinematic.pelvis_x(markers, 1, pelvis, offset) == pytest.approx(first + 0.05)
    markers[1] = np.nan
    assert np.isnan(kinematic.pelvis_x(markers, 1, pelvis, offset))
