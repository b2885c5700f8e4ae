"""The rest of the gait: times, lengths, symmetry, pelvis, trunk, alignment of every step; what may be fed back."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from devices.walker import Fault
from labfeedback.errors import BadSetup
from labfeedback.inputlog import Command
from labfeedback.records import SIDE_NAMES, STEP, Flag
from labfeedback.variables import FEEDBACK_VARIABLES, value_of
from tests import naive_gait
from tests.engine.walks import NOTHING, Stream, Walk, fold, recorded, simulated, truth, walk_through

RELATIVE = ("step_time_s", "step_length_m", "step_width_m", "stance_symmetry_pct", "impulse_symmetry_pct")
QUIET = {"seconds": 24.0, "seed": 5, "noise": "none"}


def moved(walk: Walk, change) -> Walk:
    """The walk with `change(labels, lab positions (n, m, 3), time)` done to its markers, lab frame, m."""
    scale = {"m": 1.0, "mm": 1e-3}[walk.unit]
    values = walk.markers.values.reshape(len(walk.markers.time), -1, 3)
    lab = scale * np.asarray(values, np.float64) @ walk.rig.to_lab.T
    change(walk.labels, lab, walk.markers.time)
    return walk.with_markers((lab @ walk.rig.to_lab / scale).reshape(len(lab), -1))


def with_c7(walk: Walk, lean_deg: float) -> Walk:
    """A seventh cervical vertebra half a metre above the pelvis, leant to the right."""
    pelvis = np.mean([walk.markers.values[:, walk.columns(x)] for x in walk.marker_set.pelvis], axis=0)
    lean = np.radians(lean_deg)
    offset = walk.rig.to_lab.T @ np.array([0.0, 0.5 * np.cos(lean), 0.5 * np.sin(lean)])
    values = np.hstack([walk.markers.values, pelvis + offset])
    trunk = walk.marker_set.model_copy(update={"trunk": ("C7",)})
    return replace(walk, marker_set=trunk, labels=(*walk.labels, "C7"), markers=Stream(walk.markers.time, values))


def rolled(degrees: float):
    """The pelvis turned about the walking direction, its right side up."""

    def change(labels, lab, _time):
        rows = [labels.index(x) for x in ("RASI", "LASI", "RPSI", "LPSI")]
        middle = lab[:, rows].mean(axis=1, keepdims=True)
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        turn = np.array([[1, 0, 0], [0, c, s], [0, -s, c]])
        lab[:, rows] = (lab[:, rows] - middle) @ turn.T + middle

    return change


@pytest.fixture(scope="module")
def quiet():
    return walk_through(simulated(**QUIET))["steps"]


def test_times_are_those_of_the_walker(quiet):
    true = sorted(truth(**QUIET), key=lambda t: t.start_s)
    checked = 0
    for row in quiet[3:-2]:
        own = [t for t in true if t.side == SIDE_NAMES[int(row["side"])] and abs(t.start_s - row["start_s"]) < 0.01]
        other = [t for t in true if t.side != SIDE_NAMES[int(row["side"])]]
        before = [t for t in other if t.start_s < own[0].start_s][-1]
        after = next(t for t in other if t.start_s > own[0].start_s)
        assert row["stance_s"] == pytest.approx(own[0].end_s - own[0].start_s, abs=0.004)
        assert row["step_time_s"] == pytest.approx(own[0].start_s - before.start_s, abs=0.004)
        assert row["stride_s"] == pytest.approx(1.1, abs=0.002)
        assert row["cadence_per_min"] == pytest.approx(120 / 1.1, abs=0.3)
        both = before.end_s - own[0].start_s + own[0].end_s - after.start_s
        assert row["double_support_s"] == pytest.approx(both, abs=0.008)
        assert abs(row["stance_symmetry_pct"]) < 0.5
        assert abs(row["impulse_symmetry_pct"]) < 0.5
        checked += 1
    assert checked > 30


def test_a_first_step_has_no_neighbours(quiet):
    for name in (*RELATIVE, "stride_s", "stride_length_m", "cadence_per_min", "double_support_s"):
        assert np.isnan(quiet[0][name]), name
    assert np.isfinite(quiet[0]["stance_s"])
    assert np.isfinite(quiet[0]["shank_lean_deg"])


def compare(walk: Walk, rows, trunk: list[str]) -> None:
    """Every step of a walk against the slow reading."""
    scale = {"m": 1.0, "mm": 1e-3}[walk.unit]
    values = np.asarray(walk.markers.values, np.float64).reshape(len(walk.markers.time), -1, 3)
    lab = naive_gait.filtered(scale * values @ walk.rig.to_lab.T, walk.rig.streams.markers.rate_hz, 15.0)
    time = walk.markers.time

    def get(label):
        return lab[:, walk.labels.index(label)]

    loads = {}
    for index, plate in enumerate(walk.rig.plates):
        force = walk.forces.values[:, 6 * index : 6 * index + 3]
        axes = plate.sign * (walk.rig.to_lab @ plate.axes)
        up = np.asarray(force, np.float64) @ axes.T[:, 1]
        loads[plate.side] = (
            walk.forces.time,
            naive_gait.filtered(up[:, None], walk.rig.streams.forces.rate_hz, 15.0)[:, 0],
        )
    heels = {side: get(walk.marker_set.leg(1 if side == "right" else -1).heel) for side in ("right", "left")}
    steps = [{"side": SIDE_NAMES[int(r["side"])], "start": r["start_s"], "end": r["end_s"]} for r in rows]
    theirs = naive_gait.neighbours(time, heels, steps, loads)
    tolerance = {
        "stance_s": 1e-9, "step_time_s": 1e-9, "stride_s": 1e-9, "cadence_per_min": 1e-6, "double_support_s": 1e-9,
        "step_length_m": 0.006, "stride_length_m": 0.012, "step_width_m": 0.001, "stance_symmetry_pct": 1e-6,
        "impulse_symmetry_pct": 0.3,
    }  # fmt: skip
    for row, slow in zip(rows, theirs, strict=True):
        for name, within in tolerance.items():
            if name in slow and np.isfinite(row[name]):
                assert row[name] == pytest.approx(slow[name], abs=within), name
    for name in tolerance:
        assert np.isfinite(rows[name]).sum() >= len(rows) - 4, name
    pelvis = dict(zip(("rf", "lf", "rb", "lb"), walk.marker_set.pelvis, strict=True))
    for row, step in zip(rows, steps, strict=True):
        leg = walk.marker_set.leg(int(row["side"]))
        slow = naive_gait.posture(get, step, time, pelvis | leg.model_dump(), trunk)
        for name, angle in slow.items():
            assert row[name] == pytest.approx(angle, abs=0.05, nan_ok=True), name


def test_the_main_recording_is_read_alike_by_the_oracle(shared_data):
    walk = recorded(shared_data)
    rows = walk_through(walk)["steps"]
    assert len(rows) == 14
    compare(walk, rows, [])


def test_a_simulated_walk_with_a_trunk_is_read_alike_by_the_oracle():
    walk = with_c7(simulated(8.0, seed=3), 4.0)
    rows = walk_through(walk)["steps"]
    compare(moved(walk, lambda *_: None), rows, ["C7"])


@pytest.mark.parametrize("degrees", [5.0, -3.0])
def test_a_pelvis_that_is_higher_on_the_right_drops_on_right_steps_and_rises_on_left_ones(degrees):
    rows = walk_through(moved(simulated(**QUIET), rolled(degrees)))["steps"]
    np.testing.assert_allclose(rows["pelvis_drop_deg"], rows["side"] * degrees, atol=0.02)


@pytest.mark.parametrize("lean_deg", [6.0, -4.0])
def test_a_trunk_that_leans_right_leans_over_the_right_leg_and_away_from_the_left(lean_deg):
    rows = walk_through(with_c7(simulated(**QUIET), lean_deg))["steps"]
    np.testing.assert_allclose(rows["trunk_lean_deg"], rows["side"] * lean_deg, atol=0.02)


def test_a_hip_further_out_is_less_varus(quiet):
    def change(labels, lab, _time):
        lab[:, [labels.index(x) for x in ("RASI", "LASI", "RPSI", "LPSI")], 2] += 0.03  # to the right

    rows = walk_through(moved(simulated(**QUIET), change))["steps"]
    thigh = 0.42  # m, from the knee at about 0.49 m to the hip at about 0.91 m
    change_deg = -rows["side"] * np.degrees(0.03 / thigh)
    np.testing.assert_allclose(rows["knee_varus_deg"] - quiet["knee_varus_deg"], change_deg, atol=0.4)
    np.testing.assert_allclose(rows["shank_lean_deg"], quiet["shank_lean_deg"], atol=1e-9)


def test_a_foot_set_down_further_out_widens_both_steps_and_not_their_length(quiet):
    def change(labels, lab, _time):
        lab[:, [k for k, label in enumerate(labels) if label in ("LCAL", "LMT1", "LMT2", "LMT5")], 2] -= 0.02

    rows = walk_through(moved(simulated(**QUIET), change))["steps"]
    np.testing.assert_allclose(rows["step_width_m"][1:] - quiet["step_width_m"][1:], 0.02, atol=1e-4)
    np.testing.assert_allclose(rows["step_length_m"][1:], quiet["step_length_m"][1:], atol=1e-3)
    assert (quiet["step_width_m"][1:] > 0.1).all()


def test_a_foot_set_down_further_ahead_lengthens_its_own_steps_and_shortens_the_other_ones(quiet):
    def change(labels, lab, _time):
        lab[:, [k for k, label in enumerate(labels) if label in ("LCAL", "LMT1", "LMT2", "LMT5")], 0] += 0.03

    rows = walk_through(moved(simulated(**QUIET), change))["steps"]
    change_m = np.where(rows["side"] < 0, 0.03, -0.03)
    np.testing.assert_allclose((rows["step_length_m"] - quiet["step_length_m"])[1:], change_m[1:], atol=2e-3)
    np.testing.assert_allclose(rows["stride_length_m"][2:], quiet["stride_length_m"][2:], atol=2e-3)


def test_a_hidden_pelvis_marker_withholds_its_angles_in_those_steps_only(quiet):
    walk = simulated(**QUIET)
    values = walk.markers.values.copy()
    hidden = (walk.markers.time > 9.0) & (walk.markers.time < 11.0)
    values[np.ix_(hidden, walk.columns("RPSI"))] = np.nan
    rows = walk_through(walk.with_markers(values))["steps"]
    touched = (rows["end_s"] > 9.0) & (rows["start_s"] < 11.0)
    assert touched.sum() >= 4
    for name in ("pelvis_drop_deg", "knee_varus_deg"):
        assert (np.isnan(rows[name]) == touched).all()
    np.testing.assert_array_equal(rows["shank_lean_deg"], quiet["shank_lean_deg"])


def test_a_hidden_heel_withholds_the_lengths_of_its_step_and_the_next(quiet):
    walk = simulated(**QUIET)
    row = quiet[10]
    middle = 0.5 * (row["start_s"] + row["end_s"])
    values = walk.markers.values.copy()
    hidden = np.abs(walk.markers.time - middle) < 0.03
    values[np.ix_(hidden, walk.columns("RCAL" if row["side"] > 0 else "LCAL"))] = np.nan
    rows = walk_through(walk.with_markers(values))["steps"]
    assert np.flatnonzero(np.isnan(rows["step_width_m"])).tolist() == [0, 10, 11]
    assert np.flatnonzero(np.isnan(rows["stride_length_m"])).tolist() == [0, 1, 10, 12]
    np.testing.assert_allclose(rows["stance_s"], quiet["stance_s"], atol=1e-9)


def test_a_load_that_may_be_another_foots_is_no_impulse():
    faults = (Fault("crossover", 8.0, 13.0),)
    rows = walk_through(simulated(20.0, seed=4, faults=faults))["steps"]
    crossed = (rows["flags"] & int(Flag.CROSSOVER)) > 0
    assert crossed.sum() >= 3
    assert np.isnan(rows["vertical_impulse_bw_s"][crossed]).all()
    assert np.isnan(rows["impulse_symmetry_pct"][1:][crossed[:-1]]).all()
    good = rows["kam_valid"] == 1
    assert np.isfinite(rows["vertical_impulse_bw_s"][good]).all()


def test_steps_across_a_pause_are_no_neighbours():
    walk = simulated(**QUIET)
    records = [*walk.opening(), *walk.chunks()]
    middle = len(records) // 2
    said = [Command(k, json.dumps({"do": what}), NOTHING) for k, what in enumerate(("pause", "resume"))]
    # A command acts after the samples it has seen: those that were handed over before it.
    seen = [0] * len(NOTHING)
    for record in records[:middle]:
        if hasattr(record, "values"):
            seen[record.stream] = record.first + len(record.values)
    said = [replace(command, seen=tuple(seen)) for command in said]
    rows = fold(walk.start(), [*records[:middle], *said, *records[middle:]])["steps"]
    alone = np.flatnonzero(np.isnan(rows["step_time_s"]))
    assert len(alone) == 2
    assert alone[0] == 0
    assert rows["warm_up"][alone[1]] == 1


# --- what may be fed back ---


def test_every_variable_has_a_column_and_words():
    assert len({v.column for v in FEEDBACK_VARIABLES.values()}) == len(FEEDBACK_VARIABLES)
    for one in FEEDBACK_VARIABLES.values():
        assert one.column in (STEP.names or ())
        assert one.label
        assert one.more != one.less
    asked = {"fpa", "kam1", "kam2", "step_width", "step_length", "cadence", "weight_distribution", "pelvis_drop"}
    assert asked | {"trunk_lean", "knee_alignment", "kfm", "stance_symmetry"} <= set(FEEDBACK_VARIABLES)


def test_what_is_withheld_has_no_value_to_show(quiet):
    row = quiet[20].copy()
    assert value_of(row, "kam1") == row["kam1_pct_bwht"]
    assert value_of(row, "fpa") == row["fpa_deg"]
    row["kam_valid"] = 0
    for name in ("kam1", "kam2", "kam_impulse", "kfm"):
        assert np.isnan(value_of(row, name)), name
    assert value_of(row, "fpa") == row["fpa_deg"]
    row["fpa_valid"] = 0
    assert np.isnan(value_of(row, "fpa"))
    assert value_of(row, "step_width") == row["step_width_m"]
    row["warm_up"] = 1
    assert all(np.isnan(value_of(row, name)) for name in FEEDBACK_VARIABLES)


def test_an_unknown_variable_is_refused_with_the_names_that_exist(quiet):
    with pytest.raises(BadSetup, match=r"'stepwidth'.*step_width"):
        value_of(quiet[20], "stepwidth")


def test_exchanged_feet_leave_nothing_to_show():
    rows = walk_through(simulated(20.0, seed=2, faults=(Fault("swapped_plates", 8.0),)))["steps"]
    later = rows[rows["start_s"] > 12.0]
    assert len(later) > 4
    for name in ("stance_s", "step_length_m", "step_width_m", "vertical_impulse_bw_s"):
        assert np.isnan(later[name]).all(), name
