"""How far the plates' times are from the cameras', measured from a foot that comes down hard (SCIENCE.md section 10).

A stamp stops the foot within some 40 ms: the heel's upward acceleration and the plate's force rise together. Both pass
the same zero-lag band of 8-35 Hz and are compared by cross-correlation around each contact, to a part of a millisecond;
the median over the stamps is the skew, and its spread tells what it is worth. Every contact that shows a sharp stop is
taken: six to ten stamps of one foot make a trial.

In a walk the heel's stop precedes the force by 10-20 ms (heel pad, shank that comes after), differently in every
person: a walk shows that a skew has changed, not what it is.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labfeedback.errors import BadFile

Array = NDArray[np.float64]
BAND_HZ: Final = (8.0, 35.0)
GRID_HZ: Final = 1000.0
AROUND_S: Final = 0.15
FURTHEST_S: Final = 0.09
RISES_N: Final = 50.0
ALIKE: Final = 0.6  # least correlation of a contact that counts
SHARP_M_S2: Final = 3.0  # least band-passed acceleration of the heel
LEAST: Final = 3
APART_S: Final = 0.4


@dataclass(frozen=True, slots=True)
class Skew:
    """skew_s: what force times are later than marker times. spread_s: standard error of the median. contacts: (n,) the
    skew of each contact that counted. alike: median correlation."""

    skew_s: float
    spread_s: float
    contacts: tuple[float, ...]
    alike: float


def measure_skew(marker_time: Array, height: Array, force_time: Array, vertical: Array) -> Skew:
    """marker_time: (n,) s. height: (n,) m of the heel (or of a wand that taps the plate), NaN where hidden. force_time:
    (f,) s. vertical: (f,) N of that plate. Raises BadFile with what was found."""
    from scipy.interpolate import CubicSpline
    from scipy.signal import butter, sosfiltfilt

    seen = np.isfinite(height)
    if seen.sum() < 50 or len(force_time) < 50:
        raise BadFile(f"the heel is seen in {int(seen.sum())} frames: too few for a stamp trial")
    first = max(float(marker_time[seen][0]), float(force_time[0]))
    last = min(float(marker_time[seen][-1]), float(force_time[-1]))
    time = np.arange(first, last, 1.0 / GRID_HZ)
    if len(time) < 4 * AROUND_S * GRID_HZ:
        raise BadFile(f"markers and forces have {max(last - first, 0.0):.2f} s together: too short for a stamp trial")
    section = butter(2, BAND_HZ, btype="band", fs=GRID_HZ, output="sos")
    stop = sosfiltfilt(section, CubicSpline(marker_time[seen], height[seen])(time, 2))
    force = np.interp(time, force_time, vertical)
    push = sosfiltfilt(section, force)
    hidden = np.interp(time, marker_time, (~seen).astype(np.float64)) > 0.0
    found, before = [], -math.inf
    for contact in np.flatnonzero((force[1:] > RISES_N) & (force[:-1] <= RISES_N)).tolist():
        again, before = contact - before < APART_S * GRID_HZ, contact  # the force dips while the weight comes back
        one = None if again else _lag(stop, push, contact, hidden)
        if one is not None:
            found.append(one)
    if len(found) < LEAST:
        raise BadFile(
            f"{len(found)} contacts show foot and plate stopping together, at least {LEAST} are needed: stamp six "
            "times with one foot, a second apart, heel first"
        )
    lags = [lag for lag, _ in found]
    skew = statistics.median(lags)
    away = 1.4826 * statistics.median(abs(lag - skew) for lag in lags)
    return Skew(skew, 1.2533 * away / math.sqrt(len(lags)), tuple(lags), statistics.median(r for _, r in found))


def _lag(stop: Array, push: Array, contact: int, hidden: NDArray[np.bool_]) -> tuple[float, float] | None:
    """(s that `push` is later than `stop` around a contact, correlation); None where they do not go together."""
    half, most = round(AROUND_S * GRID_HZ), round(FURTHEST_S * GRID_HZ)
    low, high = contact - half, contact + half
    if low - most < 0 or high + most >= len(stop) or hidden[low - most : high + most].any():
        return None
    own = push[low:high]
    alike = np.empty(2 * most + 1)
    for k, lag in enumerate(range(-most, most + 1)):
        other = stop[low - lag : high - lag]
        size = math.sqrt(float(own @ own) * float(other @ other))
        alike[k] = float(own @ other) / size if size > 0.0 else 0.0
    best = int(alike.argmax())
    near = stop[low - most : high + most]
    if not 0 < best < 2 * most or alike[best] < ALIKE or float(np.abs(near).max()) < SHARP_M_S2:
        return None
    a, b, c = alike[best - 1 : best + 2]
    return (best - most + (a - c) / (2.0 * (a - 2.0 * b + c))) / GRID_HZ, float(b)
