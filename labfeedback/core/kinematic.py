"""Heel strike and toe-off of a foot from its markers (Zeni 2008), one marker frame at a time.

The heel is furthest in front of the pelvis at heel strike, the toe furthest behind it at toe-off. Both extremes are
flat, so their time is the middle between the two places where the curve lies NEAR_M below: noise of 0.3 mm then moves
it by 1-2 ms, while the extreme sample itself scatters by 10 ms.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labfeedback.core.kernel import kernel
from labfeedback.core.legpoints import ANGLE_FROM_MT2, HEEL, MT1, MT2, MT5

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

NEAR_M: Final = 0.005
CONFIRM_M: Final = 0.015  # beyond the extreme before it counts
REARM_M: Final = 0.08  # travel the other way before the next may come: shorter steps are no walk
LONGEST_HOLE_S: Final = 0.05  # in a curve: an extreme may lie in a longer one
LOOK_BACK: Final = 400  # frames; an extreme is confirmed long before

# State of each of the four curves: right heel, right toe, left heel, left toe.
ARMED: Final = 0
BEST: Final = 1
LOW: Final = 2
SEEN_AT: Final = 3  # s, of the last frame that showed this curve
CURVE_STATE: Final = 4

# Columns of what is found.
FOOT: Final = 0  # 0 right, 1 left
KIND: Final = 1  # 0 heel strike, 1 toe-off
AT: Final = 2  # s
FOUND: Final = 3


def new_curves() -> Array:
    """(4, CURVE_STATE) nothing seen."""
    state = np.full((4, CURVE_STATE), np.nan)
    state[:, ARMED] = 0.0
    return state


@kernel("f8(f8[:,:,::1], i8, i8[::1], f8[::1])")
def pelvis_x(markers: Array, k: int, pelvis: Ints, offset: Array) -> float:
    """x of the pelvis markers' middle in frame k, m; NaN when none is seen.

    offset (p,): how far in front of the middle each marker was when all were last seen; updated. One marker that is
    hidden then does not make the pelvis jump.
    """
    count = len(pelvis)
    total = 0.0
    seen = 0
    for j in range(count):
        x = markers[k, pelvis[j], 0]
        if not math.isnan(x):
            total += x
            seen += 1
    if seen == count and count > 0:
        middle = total / count
        for j in range(count):
            offset[j] = markers[k, pelvis[j], 0] - middle
        return middle
    total = 0.0
    seen = 0
    for j in range(count):
        x = markers[k, pelvis[j], 0] - offset[j]
        if not math.isnan(x):
            total += x
            seen += 1
    if seen == 0:
        return math.nan
    return total / seen


@kernel("void(f8[:,:,::1], i8[:,::1], i8[::1], i8[::1], f8[::1], f8[:,::1])")
def reach(markers: Array, roles: Ints, kinds: Ints, pelvis: Ints, offset: Array, out: Array) -> None:
    """out (n, 4) = how far right heel, right toe, left heel and left toe lie in front of the pelvis, m.

    markers: (n, m, 3) lab frame, NaN where missing. roles: (2, 8) marker rows. The toe is MT2, else the middle of MT1
    and MT5. Without pelvis markers the middle of both feet takes the pelvis' place.
    """
    for k in range(len(markers)):
        for foot in range(2):
            out[k, 2 * foot] = markers[k, roles[foot, HEEL], 0]
            if kinds[ANGLE_FROM_MT2] == 1:
                out[k, 2 * foot + 1] = markers[k, roles[foot, MT2], 0]
            else:
                out[k, 2 * foot + 1] = 0.5 * (markers[k, roles[foot, MT1], 0] + markers[k, roles[foot, MT5], 0])
        if len(pelvis) > 0:
            body = pelvis_x(markers, k, pelvis, offset)
        else:
            body = 0.25 * (out[k, 0] + out[k, 1] + out[k, 2] + out[k, 3])
        for c in range(4):
            out[k, c] -= body


@kernel("f8(f8[::1], f8[:,::1], i8, i8, f8, f8)")
def extreme_time(time: Array, curves: Array, k: int, c: int, sign: float, best: float) -> float:
    """Time of the extreme `best` of sign * curves[:, c] that frame k confirmed; NaN if a flank of it is hidden."""
    top = k
    oldest = max(0, k - LOOK_BACK)
    while top > oldest and sign * curves[top, c] != best:
        top -= 1
    level = best - NEAR_M
    left = top
    while left > 0 and sign * curves[left, c] > level:
        left -= 1
    right = top
    while right < k and sign * curves[right, c] > level:
        right += 1
    # Comparisons with NaN end the walk outwards, and NaN then comes out.
    a, b = sign * curves[left, c], sign * curves[left + 1, c]
    early = time[left] + (level - a) / (b - a) * (time[left + 1] - time[left])
    a, b = sign * curves[right - 1, c], sign * curves[right, c]
    late = time[right - 1] + (level - a) / (b - a) * (time[right] - time[right - 1])
    if a != a or left == right or not (early <= late):
        return math.nan
    return float(0.5 * (early + late))


@kernel("i8(f8[::1], f8[:,::1], i8, i8, f8[:,::1], f8[:,::1], i8[::1])")
def find_extremes(time: Array, curves: Array, first: int, stop: int, state: Array, found: Array, frame: Ints) -> int:
    """Scan curves[first:stop] (n, 4) until a frame confirms an extreme; returns how many rows of found are written.

    frame[0]: the frame after the last one that was looked at. An extreme counts when the curve has come CONFIRM_M back
    from it, and the next one only after it has gone REARM_M the other way; after a hole in the
    curve it begins anew. found must hold 4 rows.
    """
    count = 0
    for k in range(first, stop):
        for c in range(4):
            s = state[c]
            sign = 1.0 if c % 2 == 0 else -1.0
            v = sign * curves[k, c]
            if v != v:
                continue
            if time[k] - s[SEEN_AT] > LONGEST_HOLE_S:
                s[ARMED] = 0.0
                s[LOW] = v
            s[SEEN_AT] = time[k]
            if s[ARMED] == 0.0:
                if not s[LOW] <= v:
                    s[LOW] = v
                elif v > s[LOW] + REARM_M:
                    s[ARMED] = 1.0
                    s[BEST] = v
            elif v > s[BEST]:
                s[BEST] = v
            elif v < s[BEST] - CONFIRM_M:
                s[ARMED] = 0.0
                s[LOW] = v
                at = extreme_time(time, curves, k, c, sign, s[BEST])
                if at == at:
                    found[count, FOOT] = c // 2
                    found[count, KIND] = c % 2
                    found[count, AT] = at
                    count += 1
        frame[0] = k + 1
        if count > 0:
            return count
    return count
