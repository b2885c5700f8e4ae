"""The vocabulary: one numpy dtype for each thing that flows out of the engine or is stored, units beside each field.

Times are seconds on the local LSL clock. Angles carry `_deg`; toe-out is positive on both feet. Moments are external,
adduction and flexion positive on both legs (SCIENCE.md section 2). NaN means withheld or not measured, never zero.
"""

from __future__ import annotations

import functools
from enum import IntEnum, IntFlag
from typing import Final

import numpy as np
from numpy.typing import NDArray

RIGHT: Final = 1
LEFT: Final = -1
SIDES: Final = (RIGHT, LEFT)
SIDE_NAMES: Final = {RIGHT: "right", LEFT: "left"}


class Flag(IntFlag):
    """Why a step is withheld or doubted (SCIENCE.md section 5); stored as a bit mask, exported by name."""

    CROSSOVER = 1 << 0
    BELT_GAP = 1 << 1
    COP_OUTSIDE_FOOT = 1 << 2
    BELT_EDGE = 1 << 3
    FORCE_RANGE = 1 << 4
    WEIGHT_SUM = 1 << 5
    ODD_TIMING = 1 << 6
    MARKERS = 1 << 7
    STREAM_GAP = 1 << 8
    SATURATED = 1 << 9
    EVENTS = 1 << 10
    ALIGNMENT = 1 << 11  # the belts do not run along the rig's walking direction


def flag_names(mask: int) -> str:
    """`'markers;stream_gap'` for a bit mask; the empty string for none."""
    return ";".join(flag.name.lower() for flag in Flag if mask & flag and flag.name)


class CueState(IntEnum):
    """What the patient's screen is to say."""

    KEEP_WALKING = 0  # neutral: data stale, invalid or withheld
    GOOD = 1  # inside the band
    TOO_FAR_IN = 2  # below the band; of a foot angle: turn the toes out
    TOO_FAR_OUT = 3  # above the band; of a foot angle: turn the toes in
    NOT_MEASURED = 4  # this step's angle is withheld
    NATURAL = 5  # baseline: walk as you always do, no feedback
    BELT_STOPPED = 6
    PAUSED = 7
    FINISHED = 8
    ON_YOUR_OWN = 9  # no feedback on purpose: walk as practised


class EventCode(IntEnum):
    """What happened; the sentence is in the event's text."""

    STREAM_LINKED = 2
    STREAM_LOST = 3
    STREAM_SILENT = 4
    STREAM_BACK = 5
    STREAM_GAP = 6
    STANCE_REJECTED = 7
    BASELINE_DONE = 8
    TARGET_SET = 9
    TARGET_REFUSED = 10
    HAZARD = 11
    BELT_STOPPED = 12
    BELT_MOVING = 13
    PAUSED = 14
    RESUMED = 15
    COMMAND = 16
    NOTE = 17
    FINISHED = 18
    CLOCK_STEP = 19
    WEIGHT_DIFFERS = 20
    SPEED_CHANGED = 21
    MARKER_MOVED = 22
    PLATE_ZERO = 23
    PLATE_ALARM = 24
    BELT_AXIS = 25
    BELT_AXIS_OFF = 26
    MARKER_GONE = 27
    VISIT_BEGAN = 28
    VISIT_ENDED = 29
    BLOCK_BEGAN = 30
    BLOCK_ENDED = 31
    BLOCK_SKIPPED = 32
    PROMPT = 33
    ANSWER = 34
    STOP_RULE = 35
    ACKNOWLEDGED = 36
    OVERRIDE = 37
    REFUSED = 38  # a command that is not possible now
    ALARM = 39  # load of the other knee, flexion moment, belt speed: told, not acted upon


_SIDED: Final = ("right", "left")

# One row per marker frame: a causal running estimate for live curves, never what a target is judged by.
FRAME: Final = np.dtype(
    [("frame", "<i8"), ("time_s", "<f8")]
    + [
        (f"{side}_{name}", "<f8")
        for side in _SIDED
        for name in ("fz_n", "kam_nm", "kfm_nm", "fpa_deg", "cop_x_m", "cop_z_m", "heel_y_m", "toe_y_m", "residual_mm")
    ]
    + [("right_stance", "<i8"), ("left_stance", "<i8"), ("missing_markers", "<i8")]
)

# One row per step (one stance of one foot), written once, after toe-off and the filter's tail.
STEP: Final = np.dtype(
    [
        ("step", "<i8"),  # ordinal over both feet, in the order of toe-off
        ("side", "<i8"),  # +1 right, -1 left
        ("start_s", "<f8"),
        ("end_s", "<f8"),
        ("known_s", "<f8"),  # time of the marker frame that completed it
        ("kam_valid", "<i8"),
        ("fpa_valid", "<i8"),
        ("flags", "<i8"),  # bit mask of Flag
        ("fpa_deg", "<f8"),  # mean over 20-60 % of stance
        ("fpa_early_deg", "<f8"),  # as published at heel-off
        ("kam1_nm", "<f8"),
        ("kam2_nm", "<f8"),
        ("kam1_nm_per_kg", "<f8"),
        ("kam2_nm_per_kg", "<f8"),
        ("kam1_pct_bwht", "<f8"),
        ("kam2_pct_bwht", "<f8"),
        ("kam1_stance_pct", "<f8"),
        ("kam2_stance_pct", "<f8"),
        ("kam2_is_peak", "<i8"),
        ("kam_impulse_nm_s", "<f8"),
        ("kam_impulse_pct_bwht_s", "<f8"),
        ("kfm_nm", "<f8"),
        ("kfm_stance_pct", "<f8"),
        ("kam1_leverarm_nm", "<f8"),
        ("kam2_leverarm_nm", "<f8"),
        ("kam_minus_leverarm_nm", "<f8"),  # at the worse peak (flag markers: above 0.3 %BW*Ht)
        ("fz_peak_bw", "<f8"),  # the numbers behind flag force_range
        ("fz_mean_bw", "<f8"),
        ("missing_markers", "<i8"),  # frames x markers of this leg missing in the filter's window (flag markers)
        ("missing_foot_markers", "<i8"),
        ("residual_mm", "<f8"),  # largest cluster residual in the stance
        ("gap_s", "<f8"),  # longest hole of either stream in the filter's window (flag stream_gap)
        ("load_share", "<f8"),  # largest |channel| / its limit (flag saturated)
        ("cop_to_foot_m", "<f8"),  # mean horizontal distance of COP to the heel-toe line, 20-80 % of stance
        ("warm_up", "<i8"),  # 1 for the first two steps of each foot after a start, a pause or another speed
        ("contact_apart_s", "<f8"),  # plate minus markers (moved by their median offset); flag events
        ("off_apart_s", "<f8"),
        ("single_start_s", "<f8"),  # single support of this foot, by the other foot's markers
        ("single_end_s", "<f8"),
        ("other_load_s", "<f8"),  # longest load of the other plate in single support (flag crossover)
        ("other_share", "<f8"),  # its largest share of both plates' load then
        ("gap_distance_m", "<f8"),  # least distance of a foot marker from the gap, negative beyond (flag belt_gap)
        ("cop_outside_share", "<f8"),  # of 20-80 % of stance, outside the foot's hull (flag cop_outside_foot)
        ("edge_distance_m", "<f8"),  # least distance of the COP from the plate's edge (flag belt_edge)
        ("weight_ratio", "<f8"),  # both plates over the stride that ends here, over body weight (flag weight_sum)
        ("timing_off", "<f8"),  # stance time over its median, minus 1 (flag odd_timing)
        ("shape_off_m", "<f8"),  # largest change of a distance between two markers of a segment (flag markers)
        ("residual_off_mm", "<f8"),  # cluster residual over its median (flag markers)
        ("zero_off_n", "<f8"),  # largest force by which the last swings say the plate is off zero (flag weight_sum)
        ("zero_off_nm", "<f8"),
        ("axis_deg", "<f8"),  # the belts' direction from the rig's X, towards the right (flag alignment)
        ("kam1_sd_nm", "<f8"),  # uncertainty, one standard deviation (engine.doubt)
        ("kam2_sd_nm", "<f8"),
        # The rest of the gait (engine.gait, engine.posture). NaN where what it is made of cannot be vouched for.
        ("kfm_nm_per_kg", "<f8"),
        ("kfm_pct_bwht", "<f8"),
        ("stance_s", "<f8"),
        ("step_time_s", "<f8"),  # from the other foot's contact to this one
        ("stride_s", "<f8"),  # from this foot's last contact to this one
        ("cadence_per_min", "<f8"),  # steps a minute, over that stride
        ("double_support_s", "<f8"),  # both ends of this stance together
        ("belt_speed_m_s", "<f8"),  # of the standing heel; 0 over ground
        ("step_length_m", "<f8"),  # from the other foot's print to this one, along the progression
        ("stride_length_m", "<f8"),  # from this foot's last print
        ("step_width_m", "<f8"),  # across the progression; negative: the feet cross
        ("vertical_impulse_bw_s", "<f8"),
        ("stance_symmetry_pct", "<f8"),  # this foot's minus the other's, over their mean
        ("impulse_symmetry_pct", "<f8"),
        ("pelvis_drop_deg", "<f8"),  # peak, positive: the swinging side is lower
        ("trunk_lean_deg", "<f8"),  # peak, positive: towards this foot
        ("knee_varus_deg", "<f8"),  # hip-knee-ankle in the tibia's frontal plane, mean over 20-60 % of stance
        ("sync_s", "<f8"),  # how well the times of markers and forces are known against their own clocks
        ("shank_lean_deg", "<f8"),  # in the lab's frontal plane, positive: the knee outside the ankle
        ("block", "<i8"),  # of the visit's plan, from 0; -1: of none (pauses, between blocks, no protocol)
        ("cued", "<i8"),  # 1: the patient was shown a verdict on it
    ]
)

# What the patient is to see. One per step of the trained foot, and one whenever feedback starts, pauses or goes stale.
CUE: Final = np.dtype(
    [
        ("cue", "<i8"),
        ("time_s", "<f8"),  # data time at which it became known
        ("step", "<i8"),  # ordinal of this foot's stance since START, -1 for cues that belong to no step
        ("side", "<i8"),  # the trained foot
        ("state", "<i8"),  # CueState
        ("variable", "<i8"),  # ordinal in variables.FEEDBACK_VARIABLES, 0: the foot angle
        ("value", "<f8"),  # in the variable's unit; NaN where nothing is judged
        ("target", "<f8"),
        ("band", "<f8"),
        ("deviation", "<f8"),  # value - target: positive is too far out, too much
        ("good_side", "<i8"),  # 0: only inside the band; -1, +1: also everything below, above the target
        ("good_steps", "<i8"),
        ("scored_steps", "<i8"),
        ("expires_s", "<f8"),  # must not be shown after this time
    ]
)

EVENT: Final = np.dtype(
    [("time_s", "<f8"), ("code", "<i8"), ("side", "<i8"), ("value", "<f8"), ("text", "S240")]
)  # text: one UTF-8 sentence

# Measured by the hub, not computed by the engine: outside law 3.
HEALTH: Final = np.dtype(
    [
        ("time_s", "<f8"),
        ("state", "<i8"),  # 0 ok, 1 warn (50 ms), 2 neutral (250 ms), 3 paused (2 s)
        ("markers_age_s", "<f8"),
        ("forces_age_s", "<f8"),
        ("markers_rate_hz", "<f8"),
        ("forces_rate_hz", "<f8"),
        ("markers_samples", "<i8"),
        ("forces_samples", "<i8"),
        ("loop_p50_ms", "<f8"),
        ("loop_p99_ms", "<f8"),
        ("ring_fill", "<f8"),  # 0..1
        ("steps", "<i8"),
        ("steps_valid", "<i8"),
    ]
)

# What the patient's screen painted, and when.
SHOWN: Final = np.dtype(
    [
        ("painted_s", "<f8"),
        ("cue", "<i8"),
        ("cue_time_s", "<f8"),
        ("side", "<i8"),
        ("state", "<i8"),  # CueState that was really painted (an expired cue is painted as KEEP_WALKING)
        ("variable", "<i8"),
        ("deviation", "<f8"),
        ("paint_ms", "<f8"),
    ]
)

# Where the time of each step went, measured by the hub. From the last sample that the step's result needed.
LATENCY: Final = np.dtype(
    [
        ("time_s", "<f8"),  # local time at which the row went out
        ("step", "<i8"),
        ("stream", "<i8"),  # whose samples completed it: 0 markers, 1 forces
        ("tail_ms", "<f8"),  # from toe-off to the frame that completes the filter's tail
        ("source_ms", "<f8"),  # from the newest sample's stamp to its arrival in the hub
        ("queue_ms", "<f8"),  # from arrival to the engine
        ("compute_ms", "<f8"),  # engine, all records of this chunk
        ("publish_ms", "<f8"),  # until all outlets have the rows
    ]
)

TABLES: Final = {"frames": FRAME, "steps": STEP, "cues": CUE, "events": EVENT, "health": HEALTH, "shown": SHOWN,
          "latency": LATENCY}  # fmt: skip
# The tables that the engine computes and that a replay must reproduce byte for byte.
COMPUTED: Final = ("frames", "steps", "cues", "events")

Rows = NDArray[np.void]


@functools.cache
def numeric_fields(dtype: np.dtype[np.void]) -> tuple[str, ...]:
    """Names of the fields that travel as numbers (all but text)."""
    return tuple(name for name in dtype.names or () if dtype[name].kind != "S")


@functools.cache
def _whole_columns(dtype: np.dtype[np.void]) -> list[int]:
    return [column for column, name in enumerate(dtype.names or ()) if dtype[name].kind == "i"]


def as_numbers(rows: Rows) -> NDArray[np.float64]:
    """Rows as an (n, fields) float64 array, one column per numeric field: what an LSL outlet carries."""
    names = numeric_fields(rows.dtype)
    if rows.dtype.itemsize == 8 * len(names):
        # All fields are eight bytes wide: copied in one go, 3 us instead of 17 for the row of each frame.
        flat = np.ascontiguousarray(rows)
        values = flat.view("<f8").reshape(len(rows), len(names)).copy()
        whole = _whole_columns(rows.dtype)
        values[:, whole] = flat.view("<i8").reshape(len(rows), len(names))[:, whole]
        return np.asarray(values)
    out = np.empty((len(rows), len(names)))
    for column, name in enumerate(names):
        out[:, column] = rows[name]
    return out


def from_numbers(values: NDArray[np.float64], dtype: np.dtype[np.void]) -> Rows:
    """The inverse of `as_numbers`; text fields stay empty."""
    rows: Rows = np.zeros(len(values), dtype)
    if dtype.itemsize == 8 * values.shape[1]:
        # All fields are eight bytes wide: copy them in one go, then mend the integers. This runs for every frame.
        rows.view("<f8").reshape(values.shape)[:] = values
        whole = _whole_columns(dtype)
        rows.view("<i8").reshape(values.shape)[:, whole] = values[:, whole]
        return rows
    for column, name in enumerate(numeric_fields(dtype)):
        rows[name] = values[:, column]
    return rows


def joined(parts: list[Rows], dtype: np.dtype[np.void]) -> Rows:
    """Rows one after another. numpy's own concatenate compares every field of structured arrays: 25 us a call."""
    if len(parts) == 1:
        return parts[0]
    size = sum(len(part) for part in parts)
    out: Rows = np.empty(size, dtype)
    at = 0
    for part in parts:
        out[at : at + len(part)] = part
        at += len(part)
    return out
