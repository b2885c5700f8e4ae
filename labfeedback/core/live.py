"""The causal running estimate, one marker frame after another, for both legs.

It feeds live curves, finds heel-off (so that the foot angle is out before the step ends) and sees the belt stop. What a
target is judged by comes from `core.step`, never from here.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labfeedback.core.anatomy import leg_frames, progression_angle
from labfeedback.core.kernel import kernel
from labfeedback.core.leg import carry
from labfeedback.core.legpoints import EXPRESS, FRAME_ROWS, FRONT, HEEL, KJC, ROLES
from labfeedback.core.plates import centre_of_pressure, moment_about

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

# Columns of one output row: as records.FRAME.
O_FRAME: Final = 0
O_TIME: Final = 1
O_SIDE: Final = 2  # nine per foot, right first
PER_SIDE: Final = 9
S_FZ, S_KAM, S_KFM, S_FPA, S_COPX, S_COPZ, S_HEEL, S_TOE, S_RESIDUAL = 0, 1, 2, 3, 4, 5, 6, 7, 8
O_STANCE: Final = 20
O_MISSING: Final = 22
COLUMNS: Final = 23

# State of each foot.
CONTACT: Final = 0  # time of the stance that is under way, NaN in the air; set by the engine
FLAT_SUM: Final = 1
FLAT_COUNT: Final = 2
RISEN: Final = 3  # frames in a row with the heel off the belt
SAID: Final = 4  # 1 when this stance's early angle is out
STAND_HEEL: Final = 5  # standing heights, NaN until known; set by the engine
STAND_TOE: Final = 6
FOOT_STATE: Final = 7

# State of both.
BELT: Final = 0  # m/s, NaN until known; set by the engine
SLOW: Final = 1  # frames in a row in which the loaded foot does not move
STOPPED: Final = 2
CURSOR: Final = 3  # force sample before the last frame
WALK_STATE: Final = 4

# Limits.
L_LEVEL: Final = 0  # N
L_HEIGHT: Final = 1  # m over standing height
L_SPEED: Final = 2  # m/s off the belt
L_SPAN: Final = 3  # frames over which a speed is taken
L_FLAT: Final = 4  # least frames of foot-flat
L_SLOW: Final = 5  # frames until the belt counts as stopped
L_GAP: Final = 6  # s, longest interval between force samples that is bridged
LIMITS: Final = 7

# A belt slower than the one has stopped, faster than the other moves again; both less for a belt that was slow itself.
STOPPED_M_S: Final = 0.2
MOVING_M_S: Final = 0.3

# Columns of what is noticed.
N_FRAME: Final = 0
N_KIND: Final = 1  # 0 heel-off: early angle; 1 belt stopped; 2 belt moves again
N_FOOT: Final = 2
N_VALUE: Final = 3
NOTICED: Final = 4


@kernel(
    "i8(f8[::1], f8[:,:,::1], i8, i8, i8, f8[::1], f8[:,:,::1], i8[:,::1], i8[:,:,::1], i8[:,::1], f8[:,:,:,::1],"
    " f8[:,:,::1], i8[::1], f8[::1], f8[:,::1], f8[::1], f8[:,::1], f8[::1], f8[:,::1], f8[:,::1])"
)
def run_frames(
    time: Array,
    markers: Array,
    base: int,
    first: int,
    stop: int,
    force_time: Array,
    wrench: Array,
    roles: Ints,
    members: Ints,
    counts: Ints,
    reference: Array,
    local: Array,
    kinds: Ints,
    surface: Array,
    zero: Array,
    limits: Array,
    feet: Array,
    walk: Array,
    out: Array,
    noticed: Array,
) -> int:
    """Frames first..stop of the buffers: fill out (stop - first, COLUMNS) and noticed; returns the rows of the latter.

    time: (n,) s; markers: (n, m, 3) m, lab frame, NaN where missing; base: stream index of row 0. force_time: (f,) s;
    wrench: (f, 2, 6) of right and left foot about the lab origin. roles: (2, 8) marker rows, -1 where there is none.
    members (2, 2, k), counts (2, 2), reference (2, 2, k, 3), local (2, 8, 3): clusters of both legs, see `leg.carry`.
    surface: (2,) plate heights, m. zero: (2, 6) wrenches to be taken off. noticed must hold 3 (stop - first) rows.
    """
    points = np.empty((ROLES, 3))
    frames = np.empty((FRAME_ROWS, 3))
    turn = np.empty((3, 3))
    shift = np.empty(3)
    force = np.empty(6)
    cop = np.empty(3)
    moment = np.empty(3)
    span = int(limits[L_SPAN])
    said = 0
    forces = len(force_time)
    for k in range(first, stop):
        row = out[k - first]
        t = time[k]
        row[O_FRAME] = base + k
        row[O_TIME] = t
        hidden = 0
        j = int(walk[CURSOR])
        while j < forces - 2 and force_time[j + 1] < t:
            j += 1
        walk[CURSOR] = j
        # Strictly after the one before: a frame at the very first force sample must not depend on whether the second
        # has come.
        known = forces >= 2 and force_time[j] < t and t <= force_time[j + 1]
        known = known and force_time[j + 1] - force_time[j] <= limits[L_GAP]
        fastest = np.nan
        for f in range(2):
            s = 1.0 if f == 0 else -1.0
            foot = feet[f]
            o = O_SIDE + PER_SIDE * f
            for r in range(ROLES):
                m = roles[f, r]
                if m < 0:
                    for c in range(3):
                        points[r, c] = np.nan
                else:
                    for c in range(3):
                        points[r, c] = markers[k, m, c]
                    if math.isnan(points[r, 0]):
                        hidden += 1
            error = carry(markers[k], members[f], counts[f], reference[f], local[f], turn, shift, points)
            leg_frames(points, s, kinds, frames)
            angle = progression_angle(points, s, kinds)
            for c in range(6):
                force[c] = np.nan
            if known:
                share = (t - force_time[j]) / (force_time[j + 1] - force_time[j])
                for c in range(6):
                    force[c] = wrench[j, f, c] + share * (wrench[j + 1, f, c] - wrench[j, f, c]) - zero[f, c]
            loaded = force[1] >= limits[L_LEVEL]
            row[o + S_FZ] = force[1]
            if loaded:
                moment_about(force, frames[KJC, 0], frames[KJC, 1], frames[KJC, 2], moment)
                row[o + S_KAM] = s * (
                    moment[0] * frames[EXPRESS, 0] + moment[1] * frames[EXPRESS, 1] + moment[2] * frames[EXPRESS, 2]
                )
                row[o + S_KFM] = -(
                    moment[0] * frames[EXPRESS + 2, 0]
                    + moment[1] * frames[EXPRESS + 2, 1]
                    + moment[2] * frames[EXPRESS + 2, 2]
                )
            else:
                row[o + S_KAM] = np.nan
                row[o + S_KFM] = np.nan
            centre_of_pressure(force, surface[f], limits[L_LEVEL], cop)
            row[o + S_FPA] = angle
            row[o + S_COPX] = cop[0]
            row[o + S_COPZ] = cop[1]
            row[o + S_HEEL] = points[HEEL, 1]
            row[o + S_TOE] = frames[FRONT, 1]
            row[o + S_RESIDUAL] = error * 1000.0
            standing = foot[CONTACT] == foot[CONTACT]
            row[O_STANCE + f] = 1.0 if standing else 0.0
            heel_speed = np.nan
            toe_speed = np.nan
            front = roles[f, 6] if kinds[0] == 1 else roles[f, 7]
            if k >= span and roles[f, HEEL] >= 0 and front >= 0:
                lapse = t - time[k - span]
                heel_speed = (markers[k, roles[f, HEEL], 0] - markers[k - span, roles[f, HEEL], 0]) / lapse
                toe_speed = (markers[k, front, 0] - markers[k - span, front, 0]) / lapse
            if loaded and force[1] > 4.0 * limits[L_LEVEL]:
                for speed in (heel_speed, toe_speed):
                    if speed == speed and not abs(speed) <= fastest:
                        fastest = abs(speed)
            if standing and foot[SAID] == 0.0 and foot[STAND_HEEL] == foot[STAND_HEEL] and walk[BELT] == walk[BELT]:
                heel_up = points[HEEL, 1] - foot[STAND_HEEL]
                flat = (
                    abs(heel_up) <= limits[L_HEIGHT]
                    and abs(frames[FRONT, 1] - foot[STAND_TOE]) <= limits[L_HEIGHT]
                    and abs(heel_speed + walk[BELT]) <= limits[L_SPEED]
                    and abs(toe_speed + walk[BELT]) <= limits[L_SPEED]
                    and angle == angle
                )
                if flat:
                    foot[FLAT_SUM] += angle
                    foot[FLAT_COUNT] += 1.0
                    foot[RISEN] = 0.0
                elif foot[FLAT_COUNT] >= limits[L_FLAT] and heel_up > limits[L_HEIGHT]:
                    foot[RISEN] += 1.0
                    if foot[RISEN] >= 2.0:
                        foot[SAID] = 1.0
                        noticed[said, N_FRAME] = k
                        noticed[said, N_KIND] = 0.0
                        noticed[said, N_FOOT] = f
                        noticed[said, N_VALUE] = foot[FLAT_SUM] / foot[FLAT_COUNT]
                        said += 1
        row[O_MISSING] = hidden
        # A planted heel or toe moves with the belt, so the faster end of a loaded foot tells whether the belt moves.
        if walk[BELT] == walk[BELT] and fastest == fastest:
            if fastest < min(0.3 * walk[BELT], STOPPED_M_S):
                walk[SLOW] += 1.0
                if walk[SLOW] >= limits[L_SLOW] and walk[STOPPED] == 0.0:
                    walk[STOPPED] = 1.0
                    noticed[said, N_FRAME] = k
                    noticed[said, N_KIND] = 1.0
                    noticed[said, N_FOOT] = -1.0
                    noticed[said, N_VALUE] = fastest
                    said += 1
            else:
                walk[SLOW] = 0.0
                if walk[STOPPED] == 1.0 and fastest > min(0.5 * walk[BELT], MOVING_M_S):
                    walk[STOPPED] = 0.0
                    noticed[said, N_FRAME] = k
                    noticed[said, N_KIND] = 2.0
                    noticed[said, N_FOOT] = -1.0
                    noticed[said, N_VALUE] = fastest
                    said += 1
    return said
