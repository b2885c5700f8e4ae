"""Resampling over a stance, peaks, impulse and means against numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labfeedback.core.hidden import bridge
from labfeedback.core.peaks import (
    FIRST,
    LAST,
    MIDDLE,
    POINTS,
    highest,
    is_local_peak,
    mean_between,
    over_stance,
    positive_impulse,
)
from labfeedback.core.step import at_frames, lowest_tenth
from tests import naive


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_stance_is_interpolated_as_numpy_does(seed):
    rng = np.random.default_rng(seed)
    time = np.cumsum(rng.uniform(0.003, 0.02, 150))
    curves = rng.normal(size=(150, 3))
    start, end = np.sort(rng.uniform(time[0], time[-1], 2))
    out = np.empty(POINTS)
    over_stance(time, curves, 1, start, end, out)
    np.testing.assert_allclose(out, np.interp(np.linspace(start, end, POINTS), time, curves[:, 1]), atol=1e-12)


def test_outside_of_the_data_a_stance_is_nan():
    time, out = np.arange(10.0), np.empty(POINTS)
    over_stance(time, np.ones((10, 1)), 0, -1.0, 9.5, out)
    at = np.linspace(-1.0, 9.5, POINTS)
    np.testing.assert_array_equal(np.isnan(out), (at < 0) | (at > 9))


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_forces_come_to_the_frames_by_straight_lines(seed):
    rng = np.random.default_rng(seed)
    force_time = np.arange(300) / 1000.0 + 0.0004
    wrench = rng.normal(size=(300, 6))
    frames = np.sort(rng.uniform(-0.02, 0.32, 60))
    out = np.empty((60, 6))
    at_frames(force_time, wrench, frames, out)
    for c in range(6):
        expected = np.interp(frames, force_time, wrench[:, c], left=np.nan, right=np.nan)
        np.testing.assert_allclose(out[:, c], expected, atol=1e-12)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0.0, 0.95))
def test_holes_are_bridged_by_straight_lines_and_the_nearest_value(seed, share):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(80, 4, 3))
    x[rng.random((80, 4)) < share] = np.nan
    x[:, 3] = np.nan
    got = x.copy()
    bridge(got)
    for m in range(3):
        seen = np.flatnonzero(np.isfinite(x[:, m, 0]))
        for c in range(3):
            expected = np.interp(np.arange(80), seen, x[seen, m, c]) if len(seen) else np.full(80, np.nan)
            np.testing.assert_allclose(got[:, m, c], expected, atol=1e-12)
    assert np.isnan(got[:, 3]).all()


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_peaks_and_impulse_are_the_oracles(seed):
    curve = np.cumsum(np.random.default_rng(seed).normal(size=POINTS))
    for window in (naive.WINDOW_1, naive.WINDOW_2):
        value, at, peak = naive.largest(curve, window)
        j = highest(curve, *window)
        assert (curve[j], 0.5 * j, is_local_peak(curve, j)) == (value, at, peak)
    expected = np.trapezoid(np.maximum(curve, 0), dx=0.7 / (POINTS - 1))
    assert positive_impulse(curve, 0.7) == pytest.approx(expected, rel=1e-12)
    assert mean_between(curve, 40, 120) == pytest.approx(curve[40:121].mean(), rel=1e-12)


def test_the_windows_are_those_of_the_specification():
    assert (FIRST, MIDDLE - 1) == naive.WINDOW_1
    assert (MIDDLE, LAST) == naive.WINDOW_2


def test_a_hole_in_a_window_leaves_no_peak_and_one_outside_does():
    curve = np.sin(np.linspace(0, 3, POINTS))
    curve[150] = np.nan
    assert highest(curve, MIDDLE, LAST) == -1
    assert highest(curve, FIRST, MIDDLE - 1) == MIDDLE - 1
    assert np.isnan(positive_impulse(curve, 0.7))


def test_a_flank_at_the_border_is_no_peak():
    falling = np.linspace(1.0, 0.0, POINTS)
    assert highest(falling, MIDDLE, LAST) == MIDDLE
    assert not is_local_peak(falling, MIDDLE)


def test_the_lowest_tenth_is_a_percentile_of_the_window_only():
    curve = np.concatenate([[-100.0], np.random.default_rng(0).permutation(100.0 + np.arange(200))])
    assert lowest_tenth(curve, 1, 200) == 120.0
