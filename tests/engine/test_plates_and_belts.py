"""Plate zero and noise, the belts' direction, and what a patient is told while one of them is wrong."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.walker import Fault
from labfeedback.core import step as core
from labfeedback.engine.axis import STEPS, BeltAxis
from labfeedback.engine.doubt import doubt
from labfeedback.engine.footing import Outline
from labfeedback.errors import BadSetup
from labfeedback.protocol.training import Training
from labfeedback.records import CueState, EventCode, Flag
from labfeedback.rig import Rig
from labfeedback.settings import Settings
from tests.engine.walks import fold, simulated, texts, truth, walk_through

JUDGED = (CueState.GOOD, CueState.TOO_FAR_IN, CueState.TOO_FAR_OUT)
SHORT = Training(side="left", direction="toe-in", degrees=5.0, baseline_s=6.0)


def events(rows, code):
    return rows["events"][rows["events"]["code"] == code]


def test_a_sound_walk_raises_no_alarm_of_plates_or_belts():
    rows = walk_through(simulated(40.0, seed=3))
    for code in (EventCode.PLATE_ALARM, EventCode.BELT_AXIS_OFF, EventCode.MARKER_MOVED, EventCode.SPEED_CHANGED):
        assert not len(events(rows, code)), texts(events(rows, code))
    assert len(events(rows, EventCode.BELT_AXIS)) == 1
    assert not rows["steps"]["flags"].any()


def test_an_unzeroed_plate_is_told_and_no_step_on_it_counts():
    rows = walk_through(simulated(20.0, seed=3, faults=[Fault("plate_offset")]))
    assert len(events(rows, EventCode.PLATE_ALARM)) == 2  # once for each plate
    counted = rows["steps"][rows["steps"]["warm_up"] == 0]
    assert len(counted) > 20
    assert (counted["flags"] & Flag.WEIGHT_SUM).all()
    assert not counted["kam_valid"].any()
    assert counted["fpa_valid"].all()  # the angle leans on no plate


def test_a_slow_drift_is_taken_off_and_the_moments_stay():
    drifting = simulated(110.0, seed=3, faults=[Fault("drift")])
    rows, sound = walk_through(drifting), walk_through(simulated(110.0, seed=3))
    moved = events(rows, EventCode.PLATE_ZERO)
    assert len(moved) > 6
    assert np.abs(np.diff(np.sort(moved["value"]))).max() < 2.0
    assert not len(events(rows, EventCode.PLATE_ALARM))
    assert rows["steps"]["kam_valid"].all()
    last = rows["steps"][-20:]
    assert len(rows["steps"]) == len(sound["steps"])
    # 9 N of drift, of which all but some 3 N are off; the load of whole strides is weighed without it.
    assert (last["zero_off_n"] < 4.0).all()
    assert np.abs(last["weight_ratio"] - sound["steps"]["weight_ratio"][-20:]).max() < 0.01
    for peak in ("kam1_pct_bwht", "kam2_pct_bwht"):
        assert np.abs(last[peak] - sound["steps"][peak][-20:]).max() < 0.08


def test_a_zero_that_has_grown_beyond_its_limit_withholds():
    rows = walk_through(simulated(170.0, seed=3, faults=[Fault("drift")]))
    alarms = events(rows, EventCode.PLATE_ALARM)
    assert len(alarms) == 2  # contacts are found in the force as received: one alarm a plate, not one a step
    assert alarms["time_s"].min() > 110.0
    assert not rows["steps"]["kam_valid"][rows["steps"]["start_s"] > alarms["time_s"].max() + 1.0].any()


@pytest.mark.parametrize("seconds", [0.03, 0.5, 2.0])
def test_a_zero_that_moves_does_not_depend_on_the_chunks(seconds):
    walk = simulated(60.0, seed=3, faults=[Fault("drift")])
    whole = walk_through(walk)
    assert len(events(whole, EventCode.PLATE_ZERO)) >= 4
    cut = fold(walk.start(), [*walk.opening(), *walk.chunks(seconds)])
    for table in ("frames", "steps", "events"):
        assert cut[table].tobytes() == whole[table].tobytes(), table


@pytest.fixture(scope="module")
def rows():
    """The cameras are turned by 2 deg against the treadmill."""
    return walk_through(simulated(40.0, seed=3, faults=[Fault("yaw")]), training=SHORT)


class TestYaw:
    """What comes of cameras that do not look along the belts."""

    def test_it_is_measured_with_its_sign_and_told_once(self, rows):
        (told,) = events(rows, EventCode.BELT_AXIS_OFF)
        assert 1.0 < told["value"] < 3.0  # from the first steps that leave no doubt
        assert rows["steps"]["axis_deg"][-1] == pytest.approx(2.0, abs=0.3)
        assert not len(events(rows, EventCode.BELT_AXIS))
        known = rows["steps"][np.isfinite(rows["steps"]["axis_deg"])]
        by_foot = {
            side: np.mean(
                [
                    s["fpa_deg"] - min(self.true(side), key=lambda t, s=s: abs(t.start_s - s["start_s"])).fpa_deg
                    for s in known[known["side"] == side]
                ]
            )
            for side in (1, -1)
        }
        # What a researcher has to take off the angle: the axis on the right foot, its negative on the left.
        for side, error in by_foot.items():
            assert error - side * np.median(known["axis_deg"]) == pytest.approx(0.0, abs=0.1)

    @staticmethod
    def true(side):
        name = "right" if side > 0 else "left"
        return [t for t in truth(40.0, seed=3, faults=[Fault("yaw")]) if t.side == name]

    def test_moments_and_angles_are_withheld(self, rows):
        known = rows["steps"][np.isfinite(rows["steps"]["axis_deg"])]
        assert len(known) > 40
        assert (known["flags"] & Flag.ALIGNMENT).all()
        assert not known["kam_valid"].any() and not known["fpa_valid"].any()


def test_cameras_that_are_pushed_end_the_angle_on_the_screen_too():
    rows = walk_through(simulated(45.0, seed=3, faults=[Fault("yaw", 22.0)]), training=SHORT)
    (told,) = events(rows, EventCode.BELT_AXIS_OFF)
    assert 22.0 < told["time_s"] < 36.0
    judged = rows["cues"][np.isin(rows["cues"]["state"], JUDGED)]
    assert (judged["time_s"] < 22.0).any()
    assert not (judged["time_s"] > told["time_s"]).any()


def test_a_foot_marker_that_has_moved_ends_the_angle_on_the_screen_too():
    walk = simulated(40.0, seed=3, faults=[Fault("slipped_marker", 20.0, side=-1, markers=("LMT2",))])
    rows = walk_through(walk, training=SHORT)
    judged = rows["cues"][np.isin(rows["cues"]["state"], JUDGED)]
    assert ((judged["time_s"] > 12.0) & (judged["time_s"] < 20.0)).any()
    assert not (judged["time_s"] > 22.5).any()  # the first stance with it may be told at its heel-off
    (moved,) = {text.split(" changed")[0] for text in texts(events(rows, EventCode.MARKER_MOVED))[:1]}
    assert "LMT2" in moved


@given(st.floats(-10, 10))
def test_the_axis_is_the_angle_that_the_belts_run_at(yaw_deg):
    axis, yaw = BeltAxis(), math.radians(yaw_deg)
    said = [axis.add(-0.2 * math.cos(yaw), -0.2 * math.sin(yaw)) for _ in range(STEPS + 30)]
    assert axis.yaw_deg == pytest.approx(yaw_deg, abs=1e-9)
    assert len([text for text in said if text]) == 1


def test_a_heel_that_stands_still_is_no_belt():
    axis = BeltAxis()
    assert [axis.add(x, 0.1) for x in (0.0, 0.1, math.nan) for _ in range(30)] == [""] * 90
    assert math.isnan(axis.yaw_deg)


def test_feet_on_the_wrong_belt_of_silent_plates_end_no_visit():
    # Without noise the plate that nobody stands on says exactly nothing, and no peak of it has an uncertainty.
    rows = walk_through(simulated(30.0, seed=3, noise="none", faults=[Fault("wrong_belt", 12.0)]))
    late = rows["steps"][rows["steps"]["start_s"] > 12.5]
    assert len(late) > 20
    assert not late["kam_valid"].any()


def test_an_unloaded_plate_has_no_uncertainty_and_a_loaded_one_has_all_its_parts():
    stance = np.zeros((core.CURVES, 201))
    assert math.isnan(doubt(stance, (25.0, 75.0), 0.7, math.nan, 0.0, Settings(), (200.0, 1000.0)).kam1_nm)
    stance[core.C_FZ], stance[core.C_KAM] = 700.0, 30.0
    bare = Settings(knee_centre_sd_m=0.0, cop_sd_m=0.0, skew_sd_s=0.0)
    noise = doubt(stance, (25.0, 75.0), 0.7, math.nan, 0.0, bare, (200.0, 1000.0)).kam1_nm
    parts = {
        "knee_centre_sd_m": 700.0 * 0.003,
        "cop_sd_m": 700.0 * 0.002,
    }
    for name, expected in parts.items():
        only = bare.model_copy(update={name: getattr(Settings(), name)})
        found = doubt(stance, (25.0, 75.0), 0.7, math.nan, 0.0, only, (200.0, 1000.0)).kam1_nm
        assert math.sqrt(found * found - noise * noise) == pytest.approx(expected)


@given(st.floats(0, 6.28), st.floats(-2, 2), st.floats(-2, 2))
def test_distances_to_a_plates_edges_do_not_depend_on_how_it_lies(turn, x, z):
    corners = np.array([[0.8, 0.24], [-0.8, 0.24], [-0.8, -0.24], [0.8, -0.24]])
    rotate = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    moved = rotate @ [x, z] + [1.0, -3.0]
    found = Outline(corners @ rotate.T + [1.0, -3.0]).inside(moved[:1], moved[1:])[:, 0]
    assert sorted(found) == pytest.approx(sorted([0.8 - x, 0.8 + x, 0.24 - z, 0.24 + z]), abs=1e-9)
    mirrored = Outline(corners[::-1]).inside(np.array([x]), np.array([z]))[:, 0]
    assert sorted(mirrored) == pytest.approx(sorted(found), abs=1e-9)


@pytest.mark.parametrize("frame", ["points"])
def test_a_frame_of_points_is_refused_where_no_model_wrote_any(frame):
    walk = simulated(3.0)
    with pytest.raises(BadSetup, match="vendor's model"):
        walk.start(settings=Settings(tibia_frame=frame))


def turned(walk, yaw_deg):
    """The walk with its markers turned about the vertical: the belts then run that far to the right of the rig's X."""
    c, s = np.cos(np.radians(yaw_deg)), np.sin(np.radians(yaw_deg))
    turn = np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])
    source = walk.rig.to_lab.T @ turn @ walk.rig.to_lab
    values = walk.markers.values.reshape(len(walk.markers.time), -1, 3) @ source.T
    return walk.with_markers(values.reshape(len(values), -1))


@pytest.mark.parametrize("yaw_deg", [3.0, -8.0])
def test_a_rig_that_knows_its_belts_direction_has_the_numbers_of_one_that_is_straight(yaw_deg):
    walk = simulated(seconds=30.0, seed=5)
    askew = turned(walk, yaw_deg)
    c, s = np.cos(np.radians(yaw_deg)), np.sin(np.radians(yaw_deg))
    source = walk.rig.to_lab.T @ np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]]) @ walk.rig.to_lab
    said = walk.rig.model_dump()
    for plate in said["plates"]:
        plate["corners_m"] = [tuple(source @ corner) for corner in np.array(plate["corners_m"])]
    askew = replace(askew, rig=Rig.model_validate(said | {"belt_yaw_deg": yaw_deg}))
    one, other = (walk_through(each)["steps"] for each in (walk, askew))
    assert len(one) == len(other) > 40
    for name in ("fpa_deg", "kam1_nm", "kam2_nm", "kfm_nm", "step_width_m", "step_length_m", "axis_deg"):
        np.testing.assert_allclose(other[name], one[name], atol=1e-6, err_msg=name)
    assert (one["flags"] == other["flags"]).all()


@pytest.mark.parametrize("yaw_deg", [2.0, -2.0])
def test_belts_that_are_clearly_askew_are_told_before_twenty_steps(yaw_deg):
    tables = walk_through(turned(simulated(seconds=30.0, seed=6), yaw_deg))
    flagged = (tables["steps"]["flags"] & int(Flag.ALIGNMENT)) > 0
    assert 4 <= flagged.argmax() <= 8  # two steps of each foot are warm-up
    assert flagged[flagged.argmax() :].all()
    assert not tables["steps"]["fpa_valid"][flagged].any()
    assert len(events(tables, EventCode.BELT_AXIS_OFF)) == 1


def test_five_scattered_steps_are_no_proof():
    axis = BeltAxis()
    for angle in (4.5, -1.0, 2.0, -2.0, 3.5):
        assert not axis.add(-np.cos(np.radians(angle)), -np.sin(np.radians(angle)))
    assert not axis.off
