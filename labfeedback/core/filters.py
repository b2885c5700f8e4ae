"""Zero-lag low-pass of a step's window, and the symmetric smoother under event detection."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labfeedback.core.kernel import kernel

Array = NDArray[np.float64]


def butterworth(cutoff_hz: float, rate_hz: float) -> Array:
    """(7,) b0 b1 b2 a1 a2 and the two steady-state initial conditions of `butter(2, cutoff)` as one section.

    Run forward and backward by `zero_lag` this is 4th order in all, zero lag, cut-off as given, no correction
    (SCIENCE.md section 6).
    """
    # A second to import, and needed only where a START is made: a replay has its coefficients in the recording.
    from scipy.signal import butter, sosfilt_zi

    sos = butter(2, cutoff_hz, fs=rate_hz, output="sos")
    zi = sosfilt_zi(sos)[0]
    return np.array([sos[0, 0], sos[0, 1], sos[0, 2], sos[0, 4], sos[0, 5], zi[0], zi[1]])


@kernel("void(f8[:,::1], f8[::1], i8)")
def zero_lag(x: Array, section: Array, pad: int) -> None:
    """Filter the columns of x (n, channels) in place, forward and backward, with odd padding of `pad` samples.

    Equals scipy.signal.sosfiltfilt(padtype="odd", padlen=pad). pad must be below n (it is cut to n - 1).
    """
    n, channels = x.shape
    if pad > n - 1:
        pad = n - 1
    b0, b1, b2, a1, a2 = section[0], section[1], section[2], section[3], section[4]
    total = n + 2 * pad
    y = np.empty((total, channels))
    for c in range(channels):
        for i in range(pad):
            y[i, c] = 2.0 * x[0, c] - x[pad - i, c]
            y[pad + n + i, c] = 2.0 * x[n - 1, c] - x[n - 2 - i, c]
        for i in range(n):
            y[pad + i, c] = x[i, c]
    z0 = np.empty(channels)
    z1 = np.empty(channels)
    for c in range(channels):
        z0[c] = section[5] * y[0, c]
        z1[c] = section[6] * y[0, c]
    for i in range(total):
        for c in range(channels):
            v = y[i, c]
            w = b0 * v + z0[c]
            z0[c] = b1 * v - a1 * w + z1[c]
            z1[c] = b2 * v - a2 * w
            y[i, c] = w
    for c in range(channels):
        z0[c] = section[5] * y[total - 1, c]
        z1[c] = section[6] * y[total - 1, c]
    for j in range(total):
        i = total - 1 - j
        for c in range(channels):
            v = y[i, c]
            w = b0 * v + z0[c]
            z0[c] = b1 * v - a1 * w + z1[c]
            z1[c] = b2 * v - a2 * w
            y[i, c] = w
    for i in range(n):
        for c in range(channels):
            x[i, c] = y[pad + i, c]


def gaussian_taps(cutoff_hz: float, rate_hz: float) -> Array:
    """(2 h + 1,) symmetric taps, -3 dB at cutoff_hz, cut at four standard deviations, unit sum.

    A Gaussian has no ringing, so the flat zero before a contact stays flat; symmetric taps shift no crossing of a
    straight ramp and need only h samples of the future, live as offline.
    """
    sigma = np.sqrt(np.log(2.0)) / (2.0 * np.pi * cutoff_hz) * rate_hz
    half = int(np.ceil(4.0 * sigma))
    k = np.arange(-half, half + 1)
    taps = np.exp(-0.5 * (k / sigma) * (k / sigma))
    return np.asarray(taps / taps.sum())


@kernel("void(f8[:,::1], i8, i8, f8[::1], f8[:,::1])")
def smooth(x: Array, first: int, stop: int, taps: Array, out: Array) -> None:
    """out[first:stop] = symmetric FIR of x (n, channels); every tap must lie inside x.

    A fixed order of the sum, so that the result does not depend on how the stream was cut.
    """
    half = len(taps) // 2
    for i in range(first, stop):
        for c in range(x.shape[1]):
            total = 0.0
            for k in range(len(taps)):
                total += taps[k] * x[i - half + k, c]
            out[i, c] = total
