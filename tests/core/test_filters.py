"""The step's filter and the smoother under event detection, against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import butter, freqz, sosfiltfilt

from labfeedback.core.filters import butterworth, gaussian_taps, smooth, zero_lag


@pytest.mark.parametrize("rate", [100.0, 200.0, 1000.0])
@pytest.mark.parametrize("cutoff", [6.0, 8.0, 15.0, 30.0])
@pytest.mark.parametrize(("n", "pad"), [(12, 9), (40, 20), (173, 20), (900, 100), (101, 100)])
def test_the_filter_is_scipys_forward_and_backward_one(rate, cutoff, n, pad):
    x = np.random.default_rng(n).normal(300.0, 50.0, (n, 5))
    expected = sosfiltfilt(butter(2, cutoff, fs=rate, output="sos"), x, axis=0, padtype="odd", padlen=pad)
    got = x.copy()
    zero_lag(got, butterworth(cutoff, rate), pad)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-9)


def test_padding_that_does_not_fit_is_as_long_as_the_data_allow():
    x = np.random.default_rng(1).normal(size=(15, 2))
    expected = sosfiltfilt(butter(2, 15.0, fs=200.0, output="sos"), x, axis=0, padtype="odd", padlen=14)
    zero_lag(x, butterworth(15.0, 200.0), 400)
    np.testing.assert_allclose(x, expected, atol=1e-10)


def test_a_constant_and_a_straight_ramp_pass_unchanged():
    k = np.arange(120.0)
    x = np.stack([np.full(120, 7.0), 3.0 * k - 20.0], axis=1)
    got = x.copy()
    zero_lag(got, butterworth(8.0, 200.0), 20)
    np.testing.assert_allclose(got[:, 0], x[:, 0], atol=1e-9)
    np.testing.assert_allclose(got[40:80, 1], x[40:80, 1], atol=1e-2)


@pytest.mark.parametrize(("cutoff", "rate"), [(25.0, 1000.0), (30.0, 2000.0), (20.0, 500.0)])
def test_the_smoother_halves_the_power_at_its_cut_off_and_keeps_a_constant(cutoff, rate):
    taps = gaussian_taps(cutoff, rate)
    _, (gain,) = freqz(taps, worN=[cutoff], fs=rate)
    assert abs(gain) == pytest.approx(np.sqrt(0.5), abs=0.005)
    assert taps.sum() == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_array_equal(taps, taps[::-1])


def test_the_smoother_is_a_plain_convolution_in_the_part_that_it_was_asked_for():
    x = np.random.default_rng(2).normal(size=(200, 2))
    taps = gaussian_taps(25.0, 1000.0)
    half = len(taps) // 2
    out = np.full_like(x, -1.0)
    smooth(x, 60, 150, taps, out)
    for c in range(2):
        expected = np.convolve(x[:, c], taps, mode="same")
        np.testing.assert_allclose(out[60:150, c], expected[60:150], atol=1e-13)
    assert half < 60
    assert np.all(out[:60] == -1.0)
    assert np.all(out[150:] == -1.0)
