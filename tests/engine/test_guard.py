"""What could train a patient the wrong way, or on another person's numbers, and is caught while it happens."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from labfeedback.engine.calibration import calibrate
from labfeedback.engine.history import History
from labfeedback.engine.scale import Scale
from labfeedback.engine.track import Track
from labfeedback.errors import BadSetup, StreamTrouble
from labfeedback.inputlog import FORCES, MARKERS, Offset
from labfeedback.protocol.training import LONGEST_STRIDE_S, Course, Training
from labfeedback.records import CueState, EventCode, Flag
from tests.engine.walks import LEFT_IN, NOTHING, fold, simulated, texts, walk_through

SEVEN = Training(side="left", direction="toe-out", degrees=15.0, baseline_s=10.0)


@pytest.mark.parametrize("words", ["sideways", "fore-aft"])
@pytest.mark.parametrize("plate", [0, 1])
def test_a_horizontal_force_with_the_wrong_sign_is_a_hazard(plate, words):
    # The plates' x axis lies across the belt and y along it, whichever way the corners turn them.
    walk = simulated(15.0)
    axes = walk.rig.plates[plate].axes
    across = int(np.argmax(np.abs(walk.rig.to_lab[2] @ axes[:, :2])))
    column = 6 * plate + (across if words == "sideways" else 1 - across)
    values = walk.forces.values.copy()
    values[:, column] *= -1
    rows = walk_through(walk.with_forces(values), training=LEFT_IN)
    hazards = rows["events"][rows["events"]["code"] == EventCode.HAZARD]
    assert words in texts(hazards)[0]
    side = {"left": -1, "right": 1}[walk.rig.plates[plate].side]
    touched = rows["steps"][rows["steps"]["side"] == side]
    assert not touched["kam_valid"].any()
    assert (touched["flags"][:3] & Flag.COP_OUTSIDE_FOOT).all()


def test_forces_beside_the_foot_are_withheld():
    walk = simulated(8.0)
    values = walk.forces.values.copy()
    # Moving a plate by d adds d x F to its moments: 10 cm across the belt.
    plate = walk.rig.plates[1]
    d = plate.axes.T @ walk.rig.to_lab.T @ np.array([0.0, 0.0, 0.10])
    values[:, 9:12] += np.cross(d, values[:, 6:9])
    steps = walk_through(walk.with_forces(values))["steps"]
    side = {"left": -1, "right": 1}[plate.side]
    assert not steps["kam_valid"][steps["side"] == side].any()
    assert steps["kam_valid"][steps["side"] == -side].all()


@pytest.mark.parametrize("fault", ["swapped labels"])
def test_exchanged_feet_are_told_even_when_a_marker_is_missing_now_and_then(fault):
    walk = simulated(15.0)
    swap = [walk.labels.index(("L" if x[0] == "R" else "R") + x[1:]) for x in walk.labels]
    values = walk.markers.values.reshape(len(walk.markers.time), -1, 3)[:, swap].reshape(len(walk.markers.time), -1)
    values = values.copy()
    values[::37, walk.columns("RSH1", "LSH2")] = np.nan
    events = walk_through(walk.with_markers(values))["events"]
    assert (events["code"] == EventCode.HAZARD).any(), fault


def test_a_calibrated_cluster_that_is_not_in_the_stream_is_refused_not_computed_from_zeros():
    walk = simulated(3.0, noise="none")
    standing = walk.markers.values[200:201].reshape(1, -1, 3).repeat(400, axis=0)
    calibration = calibrate(standing, list(walk.labels), walk.marker_set, rate_hz=200.0)
    gone = walk.marker_set.right.shank_cluster[:2]
    kept = [i for i, label in enumerate(walk.labels) if label not in gone]
    columns = [3 * i + axis for i in kept for axis in range(3)]

    less = replace(
        walk.with_markers(np.ascontiguousarray(walk.markers.values[:, columns])),
        labels=tuple(walk.labels[i] for i in kept),
    )
    with pytest.raises(StreamTrouble, match="at least 3 are needed"):
        fold(less.start(calibration=calibration), less.opening())


def test_a_cue_lives_one_and_a_half_strides_also_when_steps_are_missed():
    walk = simulated(60.0, seed=2)
    values = walk.markers.values.copy()
    heel = walk.columns(walk.marker_set.left.heel)
    # Every other left stance without its heel.
    lefts = [s for s in walk_through(walk)["steps"] if s["side"] == -1]
    for step in lefts[::2]:
        inside = (walk.markers.time > step["start_s"]) & (walk.markers.time < step["end_s"])
        values[np.ix_(inside, heel)] = np.nan
    cues = walk_through(walk.with_markers(values), training=LEFT_IN)["cues"]
    judged = cues[np.isin(cues["state"], [CueState.GOOD, CueState.TOO_FAR_IN, CueState.TOO_FAR_OUT])]
    assert len(judged) > 5
    assert (judged["expires_s"] - judged["time_s"] < 1.5 * 1.2).all()


def test_the_stride_is_the_time_between_contacts_whatever_the_steps_are_worth():
    history = History()
    for k in range(6):
        history.contact(0, 1.1 * k)
    assert history.stride(0) == pytest.approx(1.1)


@pytest.mark.parametrize("step_s", [-0.05, -0.02, 0.05])
@pytest.mark.parametrize("stream", [MARKERS, FORCES])
def test_a_clock_that_steps_inside_a_stance_withholds_it(stream, step_s):
    walk = simulated(10.0)
    chunks = walk.chunks()
    middle = next(i for i, record in enumerate(chunks) if record.raw_time[0] > 5.2)
    # Twice: a single measurement that far off waits for a second one that agrees.
    steps = [Offset(stream, step_s, 1e-5, NOTHING)] * 2
    rows = fold(walk.start(), [*walk.opening(), *chunks[:middle], *steps, *chunks[middle:]])
    touched = [s for s in rows["steps"] if s["start_s"] - 0.1 < 5.2 < s["end_s"]]
    assert touched
    for step in touched:
        assert step["flags"] & Flag.STREAM_GAP and not step["kam_valid"] and not step["fpa_valid"]
    assert (rows["events"]["code"] == EventCode.CLOCK_STEP).sum() == 1


@pytest.mark.parametrize("own", np.linspace(-9.7, 21.3, 201))
def test_the_furthest_target_that_may_be_asked_for_is_not_refused_by_rounding(own):
    for direction in ("toe-in", "toe-out"):
        course = Course(SEVEN.model_copy(update={"direction": direction}))
        decided = [course.add_step(1.1 * k, float(own), True) for k in range(16)]
        assert "target" in decided and "refused" not in decided


def test_a_target_beyond_fifteen_degrees_of_the_own_angle_is_refused():
    course = Course(SEVEN.model_copy(update={"reference": "absolute"}))
    assert "refused" in [course.add_step(1.1 * k, -0.5, True) for k in range(16)]
    assert not course.has_target()


def test_a_pause_is_no_part_of_the_baseline():
    course = Course(SEVEN)
    for k in range(6):
        course.add_step(1.1 * k, 7.0, True)
    course.interrupt()
    assert course.walked_s == pytest.approx(3 * 1.1)
    later = [course.add_step(300.0 + 1.1 * k, 7.0, True) for k in range(4)]
    assert later == [""] * 4
    assert course.walked_s == pytest.approx(4 * 1.1)
    assert math.isnan(course.target_deg)
    # Two contacts further apart than a stride, without a pause in between, do not count either.
    course.add_step(310.0, 7.0, True)
    assert course.walked_s == pytest.approx(4 * 1.1)
    assert LONGEST_STRIDE_S < 310.0 - 303.3


@pytest.mark.parametrize("share, told", [(1.0, False), (0.9, True), (1.1, True)])
def test_a_mass_that_the_plates_do_not_carry_is_told_once(share, told):
    walk = simulated(12.0)
    subject = walk.subject.model_copy(update={"mass_kg": walk.subject.mass_kg * share})
    events = walk_through(replace(walk, subject=subject))["events"]
    differs = events[events["code"] == EventCode.WEIGHT_DIFFERS]
    assert len(differs) == (1 if told else 0)
    if told:
        assert differs["value"][0] * share == pytest.approx(1.02, abs=0.02)


def test_a_person_that_jumps_to_another_place_has_no_valid_step_there():
    # What a looped recording does at its seam.
    walk = simulated(12.0)
    values = walk.markers.values.copy()
    values[walk.markers.time > 6.3] += 0.2
    steps = walk_through(walk.with_markers(values))["steps"]
    touched = (steps["start_s"] - 0.1 < 6.3) & (steps["end_s"] + 0.06 > 6.3)
    assert touched.any()
    assert not steps["kam_valid"][touched].any()
    assert (steps["flags"][touched] & Flag.MARKERS).all()
    assert steps["kam_valid"][~touched].mean() > 0.5  # the other foot's load is off its foot from there on


def test_two_feet_on_one_belt_are_no_stance_of_one():
    walk = simulated(20.0)
    values = walk.forces.values.copy()
    whole = walk_through(walk)["steps"]
    lefts = whole[whole["side"] == -1]
    one = lefts[8]
    # The left plate keeps 150 N for 0.2 s after its foot has gone.
    later = (walk.forces.time > one["end_s"] - 0.03) & (walk.forces.time < one["end_s"] + 0.2)
    left = next(i for i, plate in enumerate(walk.rig.plates) if plate.side == "left")
    values[later, 6 * left + 2] = np.sign(walk.rig.plates[left].sign * -1) * 150.0
    steps = walk_through(walk.with_forces(values))["steps"]
    (same,) = [s for s in steps if s["start_s"] == one["start_s"]]
    assert same["end_s"] == pytest.approx(one["end_s"], abs=0.02)  # its toe knows when it left
    assert same["end_s"] != one["end_s"]
    assert same["flags"] & Flag.EVENTS and not same["kam_valid"]
    assert same["fpa_valid"] and same["fpa_deg"] == pytest.approx(one["fpa_deg"], abs=0.5)


def test_a_walk_is_no_static_trial():
    walk = simulated(5.0)
    positions = walk.markers.values.reshape(len(walk.markers.time), -1, 3)
    with pytest.raises(BadSetup, match="moves by"):
        calibrate(positions, list(walk.labels), walk.marker_set, rate_hz=200.0)


def weighed(ratio: float, contacts: list[tuple[int, float]]) -> list[str]:
    """What the scale says at each contact (foot, s) of 75 kg on plates that carry `ratio` of it."""
    track = Track({"vertical": (2,)})
    time = np.arange(0, 30, 0.01)
    track.rows("vertical", track.extend(time, 0, None))[:] = 0.5 * ratio * 75.0 * 9.81
    scale = Scale(75.0)
    return [scale.contact(foot, at, track) for foot, at in contacts]


def test_a_mass_that_differs_is_told_once_after_five_whole_strides():
    said = weighed(1.08, [(k % 2, 1.0 + 0.55 * k) for k in range(20)])
    told = [k for k, text in enumerate(said) if text]
    assert told == [10], "the sixth contact of the right foot ends the fifth stride"
    assert "carry 81.0 kg, the subject file says 75.0 kg" in said[10]
    assert not any(weighed(1.02, [(0, 1.0 + 1.1 * k) for k in range(12)]))


@pytest.mark.parametrize("apart_s", [2.6, 0.0, -1.0])
def test_a_pause_or_a_contact_out_of_order_is_no_stride(apart_s):
    assert not any(weighed(1.2, [(0, 20.0 + apart_s * k if apart_s <= 0 else 1.0 + apart_s * k) for k in range(9)]))
