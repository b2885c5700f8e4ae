"""Markers that the cameras lost: put back from the rest of their cluster, or bridged so that a filter can run."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labfeedback.core.kernel import kernel
from labfeedback.core.rigid import rigid_fit

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
EDGE: Final = 16  # frames beside a hole whose mean counts: one frame's noise of 0.3 mm would last through the hole


@kernel("void(f8[:,:,::1])")
def bridge(x: Array) -> None:
    """Fill holes (NaN) of x (n, markers, 3) by straight lines, ends by the nearest value: only so that the filter can
    run. What leans on a bridged sample is flagged by the caller."""
    n = len(x)
    for m in range(x.shape[1]):
        last = -1
        for k in range(n):
            if not math.isnan(x[k, m, 0]):
                if last < k - 1:
                    for h in range(last + 1, k):
                        share = (h - last) / (k - last)
                        for c in range(3):
                            if last < 0:
                                x[h, m, c] = x[k, m, c]
                            else:
                                x[h, m, c] = x[last, m, c] + share * (x[k, m, c] - x[last, m, c])
                last = k
        if last >= 0:
            for h in range(last + 1, n):
                for c in range(3):
                    x[h, m, c] = x[last, m, c]


@kernel("b1(f8[:,::1], f8[:,::1], i8[::1], i8[::1], i8[::1], f8[:,::1], f8[:,::1], f8[::1])")
def pose_without(
    reference: Array, points: Array, members: Ints, gone: Ints, own: Ints, seen: Array, turn: Array, shift: Array
) -> bool:
    """Fit of one frame's cluster without the members that `gone` (k,) marks; False where too few are left.

    points: (m, 3) m. own: (k,) 0, 1, 2 ...; seen: (k, 3) scratch. Writes turn and shift, see `rigid_fit`.
    """
    for j in range(len(members)):
        for c in range(3):
            seen[j, c] = np.nan if gone[j] == 1 else points[members[j], c]
    error = rigid_fit(reference, seen, own, turn, shift)
    return bool(error == error)


@kernel("void(f8[:,::1], f8[::1], f8[::1], i8, f8[:,::1], f8[::1])")
def local_offset(turn: Array, shift: Array, point: Array, j: int, reference: Array, out: Array) -> None:
    """out (3,) = how far `point` (3,) lies from where the pose puts member j, in the cluster's own axes, m."""
    for c in range(3):
        out[c] = -reference[j, c]
        for r in range(3):
            out[c] += turn[r, c] * (point[r] - shift[r])


@kernel("f8(f8[:,::1], f8[:,:,::1], i8[::1], i8[:,::1], i8, i8, i8, i8, f8[::1])")
def mean_offset(
    reference: Array, x: Array, members: Ints, gone: Ints, hole: int, first: int, step: int, j: int, out: Array
) -> float:
    """Mean local offset (3,) of member j over up to EDGE frames from `first` on, going by `step` (-1 or +1).

    The pose is that of the members which frame `hole` still shows. Stops at the next hole of j, the window's end, or
    a frame without a pose. Returns the frames' mean index; NaN, and out as it was, when there is none.
    """
    count = len(members)
    own = np.arange(count)
    seen = np.empty((count, 3))
    turn = np.empty((3, 3))
    shift = np.empty(3)
    offset = np.empty(3)
    total = np.zeros(3)
    frames = 0
    places = 0.0
    k = first
    while 0 <= k < len(x) and frames < EDGE and gone[k, j] == 0:
        if not pose_without(reference, x[k], members, gone[hole], own, seen, turn, shift):
            break
        local_offset(turn, shift, x[k, members[j]], j, reference, offset)
        for c in range(3):
            total[c] += offset[c]
        places += k
        frames += 1
        k += step
    if frames == 0:
        return math.nan
    for c in range(3):
        out[c] = total[c] / frames
    return places / frames


@kernel("void(f8[:,:,::1], i8[:,::1], i8[::1], f8[:,:,::1])")
def rebuild(x: Array, members: Ints, counts: Ints, reference: Array) -> None:
    """Put hidden members of a calibrated cluster where the visible three or more say they are (x: (n, markers, 3)).

    Skin moves: a marker lies some mm beside its place of the static trial. How far, in the cluster's axes and against
    the very markers that are left, is known in the frames before and after the hole; between them it is drawn as a
    straight line, beyond the window's end it stays. Without that the cluster's pose would jump where a marker goes and
    where it comes back.
    """
    n = len(x)
    for segment in range(2):
        count = counts[segment]
        own_members = members[segment, :count]
        ref = reference[segment, :count]
        gone = np.zeros((n, count), np.int64)
        any_gone = False
        for k in range(n):
            for j in range(count):
                if math.isnan(x[k, own_members[j], 0]):
                    gone[k, j] = 1
                    any_gone = True
        if not any_gone:
            continue
        own = np.arange(count)
        seen = np.empty((count, 3))
        turn = np.empty((3, 3))
        shift = np.empty(3)
        before = np.empty(3)
        after = np.empty(3)
        fill = np.full((n, count, 3), np.nan)
        for j in range(count):
            k = 0
            while k < n:
                if gone[k, j] == 0:
                    k += 1
                    continue
                first = k
                while k < n and gone[k, j] == 1:
                    k += 1
                early = mean_offset(ref, x, own_members, gone, first, first - 1, -1, j, before)
                late = mean_offset(ref, x, own_members, gone, k - 1, k, 1, j, after)
                for c in range(3):
                    if math.isnan(early):
                        before[c] = 0.0 if math.isnan(late) else after[c]
                    if math.isnan(late):
                        after[c] = before[c]
                for h in range(first, k):
                    if pose_without(ref, x[h], own_members, gone[h], own, seen, turn, shift):
                        share = 0.0
                        if late - early > 0.0:
                            share = (h - early) / (late - early)
                        for r in range(3):
                            place = shift[r]
                            for c in range(3):
                                place += turn[r, c] * (ref[j, c] + before[c] + share * (after[c] - before[c]))
                            fill[h, j, r] = place
        for k in range(n):
            for j in range(count):
                if gone[k, j] == 1:
                    for r in range(3):
                        x[k, own_members[j], r] = fill[k, j, r]
