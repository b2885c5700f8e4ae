"""Stamps of arrival become the times at which samples were taken: exact ones stay, lost samples are counted on."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labfeedback.core import timefit

RATES = (100.0, 200.0)


def fitted(stamps, rate, number=None, steps=None, cuts=()):
    """(times, broken, sync) of stamps, fed in pieces cut at `cuts`."""
    state, window = timefit.new_state(rate), np.zeros(timefit.window_size(rate))
    out, broken, sync = np.array(stamps, float), np.zeros(len(stamps)), np.zeros(len(stamps))
    number = np.full(len(stamps), np.nan) if number is None else np.asarray(number, float)
    steps = np.ones(len(stamps)) if steps is None else np.asarray(steps, float)
    edges = [0, *sorted(cuts), len(stamps)]
    for a, b in pairwise(edges):
        piece, hurt, known = out[a:b].copy(), broken[a:b].copy(), sync[a:b].copy()
        timefit.fit_times(piece, steps[a:b].copy(), number[a:b].copy(), state, window, hurt, known)
        out[a:b], broken[a:b], sync[a:b] = piece, hurt, known
    return out, broken, sync


def late(true, rng, mean_s=0.005):
    """Arrivals in order, each delayed by an exponential time."""
    return np.maximum.accumulate(true + rng.exponential(mean_s, len(true))) + 1e-9 * np.arange(len(true))


@pytest.mark.parametrize("rate", [100.0, 200.0, 1000.0])
@pytest.mark.parametrize("ppm", [0, 40, -80])
def test_exact_stamps_stay_as_they_are(rate, ppm):
    true = np.arange(0, 30, 1 / rate) * (1 + 1e-6 * ppm)
    out, broken, sync = fitted(true, rate)
    np.testing.assert_allclose(out, true, atol=1e-6 * abs(ppm) + 1e-9)  # a second's drift, until the period is known
    np.testing.assert_allclose(out[len(out) // 2 :], true[len(out) // 2 :], atol=5e-6)
    assert not broken.any()
    assert sync.max() < 1e-4


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("seed", range(6))
def test_jitter_of_arrival_is_taken_out(rate, seed):
    rng = np.random.default_rng(seed)
    true = np.arange(0, 40, 1 / rate)
    stamps = late(true, rng)
    out, _, sync = fitted(stamps, rate)
    error = (out - true)[true > 2.0]
    assert (np.diff(out) > 0).all()
    assert error.min() > -1e-4
    assert error.max() < 0.002
    assert error.std() < 0.0004
    assert (stamps - true).std() > 0.004
    assert 5e-5 < np.median(sync) < 0.002


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("seed", range(6))
def test_a_dropout_bursts_and_lost_frames_are_over_one_second_later(rate, seed):
    rng = np.random.default_rng(seed)
    true = np.arange(0, 40, 1 / rate) * (1 + 30e-6)
    stamps = late(true, rng)
    burst = (true > 20) & (true < 24)
    ends = np.minimum((np.arange(len(true)) // 10 + 1) * 10 - 1, len(true) - 1)
    stamps[burst] = true[ends[burst]] + 2e-5 * (np.arange(burst.sum()) % 10)
    stamps = np.maximum.accumulate(stamps) + 1e-9 * np.arange(len(true))
    lost = (true > 10.0) & (true < 10.5) | (true > 30) & (true < 34) & (rng.random(len(true)) < 0.01)
    out, broken, _ = fitted(stamps[~lost], rate)
    left = true[~lost]
    error = np.abs(out - left)
    for first, last in ((2.0, 10.0), (11.5, 20.0), (21.0, 30.0), (35.0, 40.0)):
        assert error[(left > first) & (left < last)].max() < 0.002, (first, last)
    assert (np.diff(out) > 0).all()
    assert broken[(left > 30) & (left < 34.5)].any()


@pytest.mark.parametrize("rate", RATES)
def test_one_lost_frame_is_known_at_once_where_stamps_are_exact(rate):
    true = np.arange(0, 10, 1 / rate)
    kept = np.ones(len(true), bool)
    kept[[300, 450, 451, 452, 700]] = False
    out, broken, _ = fitted(true[kept], rate)
    np.testing.assert_allclose(out, true[kept], atol=1e-9)
    assert not broken.any()


def test_a_loss_among_jittering_stamps_is_told():
    rng, true = np.random.default_rng(3), np.arange(0, 20, 1 / 200)
    stamps, kept = late(true, rng), np.ones(len(true), bool)
    kept[2000:2004] = False
    out, broken, _ = fitted(stamps[kept], 200.0)
    (at,) = np.flatnonzero(broken)
    assert 2000 < at < 2040
    assert np.abs(out - true[kept])[at + 1 :].max() < 0.002
    assert np.abs(out - true[kept])[400:2000].max() < 0.002


def test_numbers_of_the_source_are_believed():
    rng, true = np.random.default_rng(4), np.arange(0, 20, 1 / 200)
    stamps = late(true, rng)
    kept = (rng.random(len(true)) > 0.05) | (true < 3)
    kept[2000:2060] = False
    out, broken, _ = fitted(stamps[kept], 200.0, number=np.flatnonzero(kept))
    settled = true[kept] > 3.0
    assert np.abs(out - true[kept])[settled].max() < 0.002
    assert not broken[settled].any()


def test_samples_that_were_left_out_are_counted():
    true = np.arange(0, 10, 1 / 1000)
    kept = np.ones(len(true), bool)
    kept[[2000, 4000, 4001]] = False
    steps = np.diff(np.flatnonzero(kept), prepend=-1)
    out, _, _ = fitted(true[kept], 1000.0, steps=steps)
    np.testing.assert_allclose(out, true[kept], atol=1e-9)


def test_a_queue_that_empties_at_once_is_not_a_dropout():
    true = np.arange(0, 20, 1 / 200)
    stamps = true + 0.001
    stalled = (true > 10.0) & (true < 10.3)
    stamps[stalled] = 10.3 + 1e-5 * np.arange(stalled.sum())
    out, _, _ = fitted(stamps, 200.0)
    assert (np.diff(out) > 0).all()
    after = true > 10.9
    np.testing.assert_allclose(out[after], stamps[after], atol=0.002)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1000), st.lists(st.integers(1, 1990), max_size=12, unique=True))
def test_any_cutting_gives_the_same_bits(seed, cuts):
    rng, true = np.random.default_rng(seed), np.arange(2000) / 200.0
    kept = (rng.random(2000) > 0.02) | (true < 1)
    stamps = late(true, rng, 0.002 * (seed % 4))[kept]
    whole, pieces = fitted(stamps, 200.0), fitted(stamps, 200.0, cuts=[c for c in cuts if c < len(stamps)])
    for one, other in zip(whole, pieces, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_period_that_is_not_the_nominal_one_is_learnt():
    true = np.arange(0, 60, 1 / 200) * (1 + 300e-6)
    out, broken, _ = fitted(late(true, np.random.default_rng(5), 0.001), 200.0)
    assert not broken.any()
    assert np.abs(out - true)[true > 10].max() < 0.0015
