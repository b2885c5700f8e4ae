"""Silence, stops, missing markers, bad forces: flagged, with the number that raised the flag, never shown as live."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from devices.walker import Fault
from labfeedback.engine.clock import Clock
from labfeedback.inputlog import FORCES, MARKERS, Link, Offset, Tick
from labfeedback.records import CueState, EventCode, Flag
from labfeedback.settings import Settings
from tests.engine.walks import LEFT_IN, NOTHING, belt_speed, fold, simulated, truth, walk_through

JUDGED = (CueState.GOOD, CueState.TOO_FAR_IN, CueState.TOO_FAR_OUT)
TICK_S = 0.05


def ticking(walk, until=None):
    """The walk as a hub hands it on, 10 ms late, with a TICK every 50 ms that comes also when nothing else does."""
    records, done = [], {FORCES: 0, MARKERS: 0}
    end = walk.markers.time[-1] if until is None else until
    for now in np.arange(0.01, end + 0.05, 0.01):
        for stream in done:
            stop = int(np.searchsorted(walk.stream(stream).time, now - 0.01))
            if stop > done[stream]:
                records.append(walk.samples(stream, done[stream], stop))
                done[stream] = stop
        if round(now / 0.01) % 5 == 0:
            records.append(Tick(float(now), NOTHING))
    return [*walk.opening(), *records]


def without(walk, streams, begin, end):
    """The walk with streams that say nothing from begin to end."""
    for stream in streams:
        time = walk.stream(stream).time
        keep = (time < begin) | (time >= end)
        values = walk.stream(stream).values[keep]
        walk = walk.with_markers(values, time[keep]) if stream == MARKERS else walk.with_forces(values, time[keep])
    return walk


def steps_touching(rows, begin, end, settings=None):
    settings = settings or Settings()
    a, b = rows["steps"]["start_s"] - settings.lead_s, rows["steps"]["end_s"] + settings.tail_s
    return rows["steps"][(a < end) & (b > begin)], rows["steps"][(a >= end) | (b <= begin)]


@pytest.mark.parametrize("streams", [(MARKERS,), (FORCES,), (MARKERS, FORCES)])
@pytest.mark.parametrize("begin", [18.0, 18.3, 18.7])
class TestSilence:
    """From 18 s on something says nothing for 3 s; feedback is running by then."""

    @staticmethod
    @lru_cache(maxsize=9)
    def rows(streams, begin):
        walk = without(simulated(27.0, seed=1), streams, begin, begin + 3.0)
        return fold(walk.start(training=LEFT_IN), ticking(walk))

    def test_the_screen_goes_neutral_within_250_ms_and_a_tick(self, streams, begin):
        rows = self.rows(streams, begin)
        (silent,) = [e["time_s"] for e in rows["events"] if e["code"] == EventCode.STREAM_SILENT][:1]
        assert 0.2 < silent - begin <= 0.25 + TICK_S + 0.011
        neutral = [c for c in rows["cues"] if c["time_s"] == silent]
        assert [c["state"] for c in neutral] == [CueState.KEEP_WALKING]
        judged = rows["cues"][np.isin(rows["cues"]["state"], JUDGED)]
        assert not ((judged["time_s"] > silent) & (judged["time_s"] < begin + 3.0)).any()

    def test_after_two_seconds_it_pauses_and_goes_on_when_all_are_back(self, streams, begin):
        rows = self.rows(streams, begin)
        paused = rows["events"]["time_s"][rows["events"]["code"] == EventCode.PAUSED]
        resumed = rows["events"]["time_s"][rows["events"]["code"] == EventCode.RESUMED]
        assert len(paused) == len(resumed) == 1
        assert 2.0 - 0.02 < paused[0] - begin <= 2.0 + TICK_S + 0.011
        assert begin + 3.0 < resumed[0] <= begin + 3.0 + TICK_S + 0.021
        states = [int(s) for s in rows["cues"]["state"][(rows["cues"]["time_s"] > begin + 0.2)]]
        assert states[:3] == [CueState.KEEP_WALKING, CueState.PAUSED, CueState.KEEP_WALKING]
        after = [s for s in states[3:] if s in JUDGED]
        assert after, "feedback did not go on"

    def test_steps_that_touch_the_hole_are_withheld_and_say_how_long_it_was(self, streams, begin):
        touching, others = steps_touching(self.rows(streams, begin), begin, begin + 3.0)
        assert not touching["kam_valid"].any()
        assert not touching["fpa_valid"].any()
        assert (touching["flags"] & Flag.STREAM_GAP).all()
        assert (touching["gap_s"] > 0.001).all()
        late = others["start_s"] > begin + 3.0
        assert others["kam_valid"].all()
        assert late.sum() >= 4


def test_a_short_gap_withholds_only_the_steps_that_it_touches():
    for stream, hole in ((FORCES, 0.012), (MARKERS, 0.021)):
        walk = without(simulated(8.0, seed=1, noise="none"), (stream,), 4.5, 4.5 + hole)
        touching, others = steps_touching(walk_through(walk), 4.49, 4.5 + hole)
        assert 1 <= len(touching) <= 2
        assert not touching["kam_valid"].any()
        assert not touching["fpa_valid"].any()
        assert others["kam_valid"].all()
        assert touching["gap_s"].max() == pytest.approx(hole, abs=0.0101)


@pytest.mark.parametrize("jitter_s", [0.0001, 0.0003])
def test_stamps_that_jitter_cost_no_step(jitter_s):
    """A chunk's stamps are as even as the sender's scheduler; the numbers hardly move."""
    walk = simulated(10.0, seed=1, noise="none")
    rng = np.random.default_rng(0)
    jittered = walk.with_forces(walk.forces.values, walk.forces.time + rng.normal(0, jitter_s, len(walk.forces.time)))
    jittered = jittered.with_markers(
        walk.markers.values, walk.markers.time + rng.normal(0, jitter_s, len(walk.markers.time))
    )
    steps, plain = walk_through(jittered)["steps"], walk_through(walk)["steps"]
    assert len(steps) == len(plain) > 10
    assert steps["kam_valid"].all()
    assert steps["fpa_valid"].all()
    for name in ("kam1_pct_bwht", "kam2_pct_bwht"):
        np.testing.assert_allclose(steps[name], plain[name], atol=0.01)


@pytest.mark.parametrize("later_s", [1e4, 1e6, 1e7])
def test_a_clock_that_has_run_for_months_changes_nothing(later_s):
    walk = simulated(8.0, seed=1, noise="none")
    later = walk.with_forces(walk.forces.values, walk.forces.time + later_s)
    later = later.with_markers(walk.markers.values, walk.markers.time + later_s)
    steps, plain = walk_through(later)["steps"], walk_through(walk)["steps"]
    assert len(steps) == len(plain) > 8
    assert not steps["flags"].any()
    np.testing.assert_allclose(steps["kam1_pct_bwht"], plain["kam1_pct_bwht"], atol=1e-4)


def test_one_lost_frame_is_a_gap_and_a_doubled_one_is_none():
    walk = simulated(6.0, seed=1, noise="none")
    keep = np.arange(len(walk.markers.time)) != 700
    lost = walk_through(walk.with_markers(walk.markers.values[keep], walk.markers.time[keep]))
    assert (lost["steps"]["flags"] & Flag.STREAM_GAP).any()
    twice = np.sort(np.append(np.arange(len(walk.markers.time)), [700, 701, 900]))
    double = walk_through(walk.with_markers(walk.markers.values[twice], walk.markers.time[twice]))
    plain = walk_through(walk)
    np.testing.assert_array_equal(double["steps"]["kam1_nm"], plain["steps"]["kam1_nm"])
    assert not double["steps"]["flags"].any()


@pytest.fixture(scope="module")
def stopped_walk():
    """The belt stops at 18 s and goes on at 22 s."""
    walk = simulated(32.0, seed=1, faults=[Fault("belt_stop", 18.0, 22.0)])
    return fold(walk.start(training=LEFT_IN), ticking(walk))


@pytest.mark.parametrize("begin", [18.0, 18.15, 18.3, 18.45, 18.8])
def test_a_stop_is_seen_within_a_quarter_of_a_second(begin):
    faults = (Fault("belt_stop", begin, 22.0),)
    rows = walk_through(simulated(24.0, seed=1, faults=faults), training=LEFT_IN)
    stopped = rows["cues"]["time_s"][rows["cues"]["state"] == CueState.BELT_STOPPED]
    assert len(stopped) == 1
    said = rows["events"]["time_s"][rows["events"]["code"] == EventCode.BELT_STOPPED]
    assert said[0] == stopped[0]
    times = np.arange(begin, 22.0, 0.001)
    rests = times[np.argmax(belt_speed(times, 24.0, faults=faults) < 0.2)]  # a ramp of up to 1.2 s comes before
    assert 0.0 < stopped[0] - rests < 0.25


class TestTheBelt:
    """Around a stop from 18 to 22 s."""

    def test_nothing_is_judged_until_two_steps_after_it_moves_again(self, stopped_walk):
        rows = stopped_walk
        judged = rows["cues"][np.isin(rows["cues"]["state"], JUDGED)]["time_s"]
        assert (judged < 18.5).any()
        assert not ((judged > 19.05) & (judged < 24.0)).any()
        assert (judged > 24.0).any()
        assert EventCode.BELT_MOVING in rows["events"]["code"]

    def test_a_walk_that_never_stops_is_never_said_to(self):
        rows = walk_through(simulated(30.0, seed=1), training=LEFT_IN)
        assert EventCode.BELT_STOPPED not in rows["events"]["code"]
        slower = walk_through(simulated(30.0, seed=1, faults=[Fault("speed_change", 15.0)]), training=LEFT_IN)
        assert EventCode.BELT_STOPPED not in slower["events"]["code"]


@pytest.mark.parametrize("fault", ["nan_markers", "zeros", "repeated_value"])
@pytest.mark.parametrize(("marker", "on_foot"), [("RCAL", True), ("RMT2", True), ("RKNEL", False), ("RANKM", False)])
def test_a_missing_marker_is_flagged_and_a_foot_without_one_has_no_angle(fault, marker, on_foot):
    walk = simulated(9.0, seed=1, faults=[Fault(fault, 4.0, 4.5, 1, (marker,))])
    rows = walk_through(walk)
    touching, others = steps_touching(rows, 4.0, 4.5)
    mine = touching[(touching["side"] == 1) & (touching["start_s"] < 4.45) & (touching["end_s"] > 4.05)]
    assert len(mine) >= 1
    assert (mine["flags"] & Flag.MARKERS).all()
    assert (mine["missing_markers"] > 0).all()
    assert not mine["kam_valid"].any(), "nothing carries that marker without a static trial"
    assert (mine["fpa_valid"] == (0 if on_foot else 1)).all()
    left = rows["steps"][rows["steps"]["side"] == -1]
    assert not left["flags"].any()
    assert not others["flags"].any()


def test_a_withheld_angle_is_told_as_not_measured():
    walk = simulated(22.0, seed=1, faults=[Fault("nan_markers", 18.0, 19.2, -1, ("LCAL",))])
    rows = walk_through(walk, training=LEFT_IN)
    bad = rows["steps"][(rows["steps"]["side"] == -1) & (rows["steps"]["fpa_valid"] == 0)]
    assert len(bad) >= 1
    for step in bad:
        cue = rows["cues"][np.searchsorted(rows["cues"]["time_s"], step["known_s"])]
        assert cue["state"] == CueState.NOT_MEASURED
        assert np.isnan(cue["value"])


@pytest.mark.parametrize(("mass", "flagged"), [(75.0, False), (125.0, True), (45.0, True)])
def test_a_wrong_mass_shows_in_the_range_of_the_forces(mass, flagged):
    walk = simulated(6.0, seed=1)
    walk = replace(walk, subject=walk.subject.model_copy(update={"mass_kg": mass}))
    steps = walk_through(walk)["steps"]
    assert bool((steps["flags"] & Flag.FORCE_RANGE).all()) is flagged
    assert bool(steps["kam_valid"].any()) is not flagged
    assert steps["fpa_valid"].all(), "the angle needs no force"
    peak = 1.08 * 75.0 / mass
    np.testing.assert_allclose(steps["fz_peak_bw"], peak, rtol=0.06)


def test_a_plate_near_its_full_scale_is_flagged_saturated():
    walk = simulated(6.0, seed=1, noise="none")
    plates = tuple(
        plate.model_copy(
            update={"limits": (2000.0, 2000.0, 700.0 if plate.side == "right" else 4000.0, 900.0, 900.0, 900.0)}
        )
        for plate in walk.rig.plates
    )
    steps = walk_through(replace(walk, rig=walk.rig.model_copy(update={"plates": plates})))["steps"]
    right, left = steps[steps["side"] == 1], steps[steps["side"] == -1]
    assert (right["flags"] == Flag.SATURATED).all()
    assert (right["load_share"] >= 0.98).all()
    assert not right["kam_valid"].any()
    assert right["fpa_valid"].all()
    assert left["kam_valid"].all()
    assert (left["load_share"] < 0.98).all()


def test_a_force_sample_that_is_no_number_withholds_the_step_and_nothing_later():
    walk = simulated(9.0, seed=1, noise="none")
    forces = walk.forces.values.copy()
    forces[4100:4103, 9] = np.nan
    rows = walk_through(walk.with_forces(forces))
    touching, others = steps_touching(rows, 4.1, 4.103)
    assert len(touching) >= 1
    assert (touching["flags"] & Flag.STREAM_GAP).all()
    assert not touching["kam_valid"].any()
    assert others["kam_valid"].all()
    assert np.isfinite(others["kam1_nm"]).all()
    frames = rows["frames"]
    assert np.isfinite(frames["right_fz_n"][frames["time_s"] > 5.0]).all()


class TestTheEarlyAngle:
    """At heel-off, before the step ends, and the same as afterwards."""

    @pytest.mark.parametrize(("noise", "mean_deg", "most_deg"), [("none", 0.02, 0.05), ("standard", 0.3, 1.0)])
    def test_it_is_nearly_the_final_one(self, noise, mean_deg, most_deg):
        rows = walk_through(simulated(30.0, seed=6, noise=noise))
        known = rows["steps"][rows["steps"]["start_s"] > 6.0]
        early = known["fpa_early_deg"]
        assert np.isfinite(early).mean() > 0.9
        difference = (early - known["fpa_deg"])[np.isfinite(early)]
        assert abs(difference.mean()) < mean_deg
        assert np.abs(difference).max() < most_deg

    def test_it_is_published_before_the_foot_leaves_the_ground(self):
        rows = fold(simulated(24.0, seed=6).start(training=LEFT_IN), ticking(simulated(24.0, seed=6)))
        judged = rows["cues"][np.isin(rows["cues"]["state"], JUDGED)]
        steps = rows["steps"][rows["steps"]["side"] == -1]
        before = [
            step["end_s"] - cue["time_s"]
            for cue in judged
            for step in steps
            if step["start_s"] < cue["time_s"] < step["end_s"]
        ]
        assert len(before) >= 0.9 * len(judged) > 3
        assert min(before) > 0.05


@pytest.mark.parametrize("side", ["right", "left"])
def test_angles_and_moments_of_a_noise_free_walk_are_the_truth(side):
    rows = walk_through(simulated(20.0, seed=8, noise="none"))
    foot = 1 if side == "right" else -1
    known = {round(one.start_s, 1): one for one in truth(20.0, seed=8, noise="none") if one.side == side}
    mine = rows["steps"][rows["steps"]["side"] == foot]
    assert len(mine) > 14
    for step in mine:
        one = known[round(float(step["start_s"]), 1)]
        assert step["kam1_pct_bwht"] == pytest.approx(one.kam1_pct_bwht, abs=0.01)
        assert step["kam2_pct_bwht"] == pytest.approx(one.kam2_pct_bwht, abs=0.01)
        assert step["fpa_deg"] == pytest.approx(one.fpa_deg, abs=0.05)


class TestTheClock:
    """Offsets from the log; one alone is never believed when it is far off."""

    def test_the_median_of_nine_counts(self):
        clock = Clock(0.01)
        for offset in (1.000, 1.001, 1.002, 1.0, 1.0):
            assert not clock.add(offset)
        assert clock.map(np.array([5.0]))[0] == pytest.approx(5.0 + 1.0 - 0.01)

    def test_one_far_off_measurement_changes_nothing_and_two_that_agree_are_a_step(self):
        clock = Clock(0.0)
        for offset in (1.0, 1.0, 1.0):
            clock.add(offset)
        assert not clock.add(1.2)
        assert clock.offset_s == 1.0
        assert not clock.add(1.0)
        assert not clock.add(1.2)
        assert clock.add(1.201)
        assert clock.offset_s == pytest.approx(1.201)

    @pytest.mark.parametrize("drift", [80e-6, -35e-6, 0.0])
    def test_a_clock_that_runs_apart_is_followed_and_not_lagged_behind(self, drift):
        clock, rng = Clock(0.0), np.random.default_rng(1)
        for k in range(40):
            raw = 5000.0 + 5.0 * k
            queue = 0.002 if k % 7 == 3 else 0.0  # now and then a measurement waits
            clock.add(1.2345 + drift * (raw - 5000.0) + rng.normal(0, 3e-5) + queue, raw)
            if k >= 6:
                ahead = raw + 5.0  # until the next measurement
                true = ahead + 1.2345 + drift * (ahead - 5000.0)
                assert clock.map(np.array([ahead]))[0] == pytest.approx(true, abs=2e-4)
        assert clock.drift == pytest.approx(drift, abs=2e-6)

    def test_a_sender_that_is_back_has_a_clock_of_its_own(self):
        clock = Clock(0.0)
        clock.add(1.0)
        clock.restart()
        clock.add(-500.0)
        assert clock.offset_s == -500.0

    def test_streams_of_other_computers_are_joined_by_their_offsets(self):
        walk = simulated(6.0, seed=1, noise="none")
        away = walk.with_markers(walk.markers.values, walk.markers.time - 1000.0)
        opening = [
            Offset(r.stream, 1000.0, 0.0, NOTHING) if isinstance(r, Offset) and r.stream == MARKERS else r
            for r in away.opening()
        ]
        steps = fold(away.start(), [*opening, *away.chunks(10_000.0)])["steps"]
        plain = walk_through(walk)["steps"]
        assert len(steps) == len(plain) > 5
        np.testing.assert_allclose(steps["kam1_nm"], plain["kam1_nm"], atol=1e-6)

    def test_a_device_that_restarts_is_heard_again(self):
        """After a reconnect the sender's clock began anew; its first offset says so."""
        walk = simulated(14.0, seed=1, noise="none")
        records = []
        for stream in (FORCES, MARKERS):
            cut = int(np.searchsorted(walk.stream(stream).time, 6.0))
            records.append(walk.samples(stream, 0, cut))
        back = walk.layouts()[MARKERS].model_dump_json()
        records += [
            Link(MARKERS, 0, False, "", NOTHING),
            Link(MARKERS, 1, True, back, NOTHING),
            Offset(MARKERS, 6.5, 0.0, NOTHING),
        ]
        again = walk.with_markers(walk.markers.values, walk.markers.time - 6.5)
        for stream in (FORCES, MARKERS):
            cut = int(np.searchsorted(walk.stream(stream).time, 6.5 if stream == MARKERS else 6.0))
            records.append(again.samples(stream, cut, len(walk.stream(stream).time)))
        rows = fold(walk.start(), [*walk.opening(), *records])
        late = rows["steps"][rows["steps"]["start_s"] > 6.7]
        assert len(late) > 8
        assert late["kam_valid"].all()
        assert {EventCode.STREAM_LOST, EventCode.STREAM_LINKED} <= set(rows["events"]["code"].tolist())
