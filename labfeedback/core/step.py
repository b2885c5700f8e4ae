"""All of one step in one call: bridge, filter, carry, moments, peaks, angle (SCIENCE.md sections 3-6)."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labfeedback.core.anatomy import leg_frames, progression_angle
from labfeedback.core.dynamics import stance_moments
from labfeedback.core.filters import zero_lag
from labfeedback.core.hidden import bridge, rebuild
from labfeedback.core.kernel import kernel
from labfeedback.core.leg import carry
from labfeedback.core.legpoints import FOOT, FRAME_ROWS, FRONT, HEEL, KJC, MT1, MT2, MT5, ROLES, TIBIA
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
from labfeedback.core.plates import centre_of_pressure

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

# Entries of the summary.
KAM1: Final = 0
KAM2: Final = 1
KAM1_AT: Final = 2  # % of stance
KAM2_AT: Final = 3
KAM2_IS_PEAK: Final = 4
IMPULSE: Final = 5
KFM: Final = 6
KFM_AT: Final = 7
KAM1_LEVER: Final = 8
KAM2_LEVER: Final = 9
FPA: Final = 10
FZ_PEAK: Final = 11  # N
FZ_MEAN: Final = 12
COP_TO_FOOT: Final = 13  # m, mean over 20-80 % of stance
HEEL_SPEED: Final = 14  # m/s along X, mean over 25-45 %: minus the belt's speed
FACING: Final = 15  # mean over 20-60 % of (tibia's X) . (foot's X): negative when left and right labels are exchanged
HEEL_LOW: Final = 16  # lowest tenth of the heel's height in stance, m
TOE_LOW: Final = 17
BRAKE: Final = 18  # mean fore-aft force over 10-30 %, N: a foot in front brakes (negative)
PUSH: Final = 19  # the same over 70-90 %: a foot behind pushes (positive)
INWARD: Final = 20  # mean force towards the body's midline over the mean vertical force: 0.03-0.08 in walking people
SUMMARY: Final = 21

# Columns of the curves, one row a frame of the window.
C_KAM: Final = 0
C_KFM: Final = 1
C_KAM_LEVER: Final = 2
C_KFM_LEVER: Final = 3
C_FZ: Final = 4
C_FPA: Final = 5
C_COP: Final = 6
C_HEEL_X: Final = 7
C_FACING: Final = 8
C_HEEL_Y: Final = 9
C_TOE_Y: Final = 10
C_FX: Final = 11
C_INWARD: Final = 12
C_COP_X: Final = 13  # m, lab, NaN below 30 N
C_COP_Z: Final = 14
C_COP_OUT: Final = 15  # m from the COP to the hull of the foot's markers on the floor, 0 inside
C_HEEL_Z: Final = 16
C_SHANK_LEAN: Final = 17  # deg in the lab's frontal plane, positive when the knee lies outside the ankle
C_KNEE: Final = 18  # three: knee centre, m, lab
C_LONG: Final = 21  # three: the tibia's long axis
C_ACROSS: Final = 24  # three: its Z, to the subject's right
CURVES: Final = 27


@kernel("void(f8[::1], f8[:,::1], f8[::1], f8[:,::1])")
def at_frames(force_time: Array, wrench: Array, frame_time: Array, out: Array) -> None:
    """out (n, 6) = wrench (f, 6) interpolated linearly at the frames' times; NaN outside."""
    last = len(force_time) - 1
    j = 0
    for k in range(len(frame_time)):
        t = frame_time[k]
        if t < force_time[0] or t > force_time[last]:
            for c in range(6):
                out[k, c] = np.nan
            continue
        while j < last - 1 and force_time[j + 1] < t:
            j += 1
        share = (t - force_time[j]) / (force_time[j + 1] - force_time[j])
        for c in range(6):
            out[k, c] = wrench[j, c] + share * (wrench[j + 1, c] - wrench[j, c])


@kernel("f8(f8[::1], i8, i8)")
def lowest_tenth(curve: Array, first: int, last: int) -> float:
    """The 10th percentile (nearest rank) of curve[first..last]."""
    values = np.sort(curve[first : last + 1])
    return float(values[len(values) // 10])


@kernel("f8(f8, f8, f8, f8, f8, f8)")
def to_segment(x: float, z: float, ax: float, az: float, bx: float, bz: float) -> float:
    """Distance of (x, z) to the line from (ax, az) to (bx, bz)."""
    dx, dz = bx - ax, bz - az
    length = dx * dx + dz * dz
    share = 0.0
    if length > 0.0:
        share = ((x - ax) * dx + (z - az) * dz) / length
        if share < 0.0:
            share = 0.0
        elif share > 1.0:
            share = 1.0
    ex, ez = x - ax - share * dx, z - az - share * dz
    return math.sqrt(ex * ex + ez * ez)


@kernel("f8(f8[:,::1], f8, f8)")
def outside_foot(points: Array, x: float, z: float) -> float:
    """Distance of (x, z) to the hull of heel and metatarsal markers seen from above, 0 inside; NaN without three.

    points: (8, 3) of one leg. A metatarsal head on one side only (MT5 and MT2, no MT1) has its mirror image across the
    line from heel to MT2 on the other.
    """
    hx, hz = points[HEEL, 0], points[HEEL, 2]
    px = np.empty(4)
    pz = np.empty(4)
    px[0], pz[0] = hx, hz
    count = 1
    for j in range(MT1, MT5 + 1):
        if not math.isnan(points[j, 0]):
            px[count], pz[count] = points[j, 0], points[j, 2]
            count += 1
    if count < 4 and not math.isnan(points[MT2, 0]):
        lone = MT5 if math.isnan(points[MT1, 0]) else MT1
        dx, dz = points[MT2, 0] - hx, points[MT2, 2] - hz
        ox, oz = points[lone, 0] - hx, points[lone, 2] - hz
        along = (ox * dx + oz * dz) / (dx * dx + dz * dz)
        mx, mz = hx + 2.0 * along * dx - ox, hz + 2.0 * along * dz - oz
        if not math.isnan(mx):
            px[count], pz[count] = mx, mz
            count += 1
    # Four points' hull is the union of their triangles; outside it the nearest place lies on one of their lines.
    nearest = math.inf
    for i in range(count):
        for j in range(i + 1, count):
            for k in range(j + 1, count):
                a = (px[j] - px[i]) * (z - pz[i]) - (pz[j] - pz[i]) * (x - px[i])
                b = (px[k] - px[j]) * (z - pz[j]) - (pz[k] - pz[j]) * (x - px[j])
                c = (px[i] - px[k]) * (z - pz[k]) - (pz[i] - pz[k]) * (x - px[k])
                if (a >= 0.0 and b >= 0.0 and c >= 0.0) or (a <= 0.0 and b <= 0.0 and c <= 0.0):
                    return 0.0
            far = to_segment(x, z, px[i], pz[i], px[j], pz[j])
            if far < nearest:
                nearest = far
    if math.isnan(x) or math.isnan(hx) or count < 3:
        return math.nan
    return nearest


@kernel(
    "void(f8[::1], f8[:,:,::1], f8[::1], f8[:,::1], f8, f8, f8, f8, f8, i8[::1], f8[::1], f8[::1], f8[::1], i8, i8,"
    " i8[:,::1], i8[::1], f8[:,:,::1], f8[:,::1], f8[::1], f8[:,::1], f8[:,::1])"
)
def compute_step(
    time: Array,
    markers: Array,
    force_time: Array,
    wrench: Array,
    start: float,
    end: float,
    dt: float,
    s: float,
    surface: float,
    kinds: Ints,
    inertia: Array,
    marker_section: Array,
    force_section: Array,
    marker_pad: int,
    force_pad: int,
    members: Ints,
    counts: Ints,
    reference: Array,
    local: Array,
    summary: Array,
    curves: Array,
    stance: Array,
) -> None:
    """One step from its buffered window.

    time: (n,) s, mapped frame times. markers: (n, m, 3) m, lab frame, NaN where missing; rows 0-7 of each frame are the
    roles (all 0 where this set has none), the rest the clusters; overwritten. force_time: (f,), wrench:
    (f, 6) about the lab origin; overwritten. start, end: contact and toe-off, s. dt: nominal frame interval.
    s: +1 right, -1 left. surface: plate height, m.
    marker_section, force_section: (7,) of `filters.butterworth` at each rate. members, counts, reference, local: as in
    `leg.carry`. Writes summary (SUMMARY,), curves (n, CURVES) and stance (CURVES, 201).
    """
    n, m = markers.shape[0], markers.shape[1]
    rebuild(markers, members, counts, reference)
    bridge(markers)
    worn = np.empty(ROLES, np.bool_)
    for j in range(ROLES):
        worn[j] = markers[0, j, 0] != 0.0 or markers[0, j, 1] != 0.0 or markers[0, j, 2] != 0.0
    flat = markers.reshape(n, m * 3)
    zero_lag(flat, marker_section, marker_pad)
    zero_lag(wrench, force_section, force_pad)
    forces = np.empty((n, 6))
    at_frames(force_time, wrench, time, forces)
    turn = np.empty((3, 3))
    shift = np.empty(3)
    points = np.empty((n, ROLES, 3))
    frames = np.empty((FRAME_ROWS, 3))
    cop = np.empty(3)
    for k in range(n):
        for j in range(ROLES):
            for c in range(3):
                points[k, j, c] = markers[k, j, c] if worn[j] else np.nan
        carry(markers[k], members, counts, reference, local, turn, shift, points[k])
    moments = np.empty((n, 4))
    stance_moments(points, forces, dt, s, kinds, inertia, moments)
    for k in range(n):
        leg_frames(points[k], s, kinds, frames)
        for c in range(4):
            curves[k, c] = moments[k, c]
        curves[k, C_FZ] = forces[k, 1]
        curves[k, C_FPA] = progression_angle(points[k], s, kinds)
        centre_of_pressure(forces[k], surface, 30.0, cop)
        # Distance of the COP to the heel-to-metatarsals line, both seen from above.
        hx, hz = points[k, HEEL, 0], points[k, HEEL, 2]
        curves[k, C_COP] = to_segment(cop[0], cop[1], hx, hz, frames[FRONT, 0], frames[FRONT, 2])
        curves[k, C_COP_X] = cop[0]
        curves[k, C_COP_Z] = cop[1]
        curves[k, C_COP_OUT] = outside_foot(points[k], cop[0], cop[1])
        curves[k, C_HEEL_X] = hx
        curves[k, C_HEEL_Z] = hz
        curves[k, C_FACING] = (
            frames[TIBIA, 0] * frames[FOOT, 0] + frames[TIBIA, 1] * frames[FOOT, 1] + frames[TIBIA, 2] * frames[FOOT, 2]
        )
        curves[k, C_HEEL_Y] = points[k, HEEL, 1]
        curves[k, C_TOE_Y] = frames[FRONT, 1]
        curves[k, C_FX] = forces[k, 0]
        curves[k, C_INWARD] = -s * forces[k, 2]
        curves[k, C_SHANK_LEAN] = s * math.atan2(frames[TIBIA + 1, 2], frames[TIBIA + 1, 1]) * (180.0 / math.pi)
        for c in range(3):
            curves[k, C_KNEE + c] = frames[KJC, c]
            curves[k, C_LONG + c] = frames[TIBIA + 1, c]
            curves[k, C_ACROSS + c] = frames[TIBIA + 2, c]
    for c in range(CURVES):
        over_stance(time, curves, c, start, end, stance[c])
    duration = end - start
    kam = stance[C_KAM]
    for c in range(SUMMARY):
        summary[c] = np.nan
    first = highest(kam, FIRST, MIDDLE - 1)
    second = highest(kam, MIDDLE, LAST)
    if first >= 0 and second >= 0:
        summary[KAM1] = kam[first]
        summary[KAM1_AT] = 0.5 * first
        summary[KAM2] = kam[second]
        summary[KAM2_AT] = 0.5 * second
        summary[KAM2_IS_PEAK] = 1.0 if is_local_peak(kam, second) else 0.0
        summary[IMPULSE] = positive_impulse(kam, duration)
    flexion = highest(stance[C_KFM], FIRST, LAST)
    if flexion >= 0:
        summary[KFM] = stance[C_KFM, flexion]
        summary[KFM_AT] = 0.5 * flexion
    first = highest(stance[C_KAM_LEVER], FIRST, MIDDLE - 1)
    second = highest(stance[C_KAM_LEVER], MIDDLE, LAST)
    if first >= 0 and second >= 0:
        summary[KAM1_LEVER] = stance[C_KAM_LEVER, first]
        summary[KAM2_LEVER] = stance[C_KAM_LEVER, second]
    summary[FPA] = mean_between(stance[C_FPA], 40, 120)
    top = highest(stance[C_FZ], 0, POINTS - 1)
    if top >= 0:
        summary[FZ_PEAK] = stance[C_FZ, top]
        summary[FZ_MEAN] = mean_between(stance[C_FZ], 0, POINTS - 1)
        summary[BRAKE] = mean_between(stance[C_FX], 20, 60)
        summary[PUSH] = mean_between(stance[C_FX], 140, 180)
        summary[INWARD] = mean_between(stance[C_INWARD], 0, POINTS - 1) / summary[FZ_MEAN]
    summary[COP_TO_FOOT] = mean_between(stance[C_COP], 40, 160)
    summary[HEEL_SPEED] = (stance[C_HEEL_X, 90] - stance[C_HEEL_X, 50]) / (0.2 * duration)
    summary[FACING] = mean_between(stance[C_FACING], 40, 120)
    summary[HEEL_LOW] = lowest_tenth(stance[C_HEEL_Y], 0, POINTS - 1)
    summary[TOE_LOW] = lowest_tenth(stance[C_TOE_Y], 0, POINTS - 1)
