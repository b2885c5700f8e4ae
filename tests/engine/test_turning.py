"""The direction check as it goes, without streams: phases of the foot, and the angle of one frame."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.walker.standing import Stander
from labfeedback.engine.turning import AHEAD_DEG, HIDDEN, LUMPS, MOVING, Feet, Turned, Turning
from labfeedback.hub.turning import REPEATED_S, Seen, feet_of, foot_angle
from labfeedback.markerset import load_marker_set

HZ = 30.0
NEUTRAL_S = 0.25  # a value that is older is on no screen
APART_M = 0.26


def walk_through(
    angles: Any, show_s: float = 1.0, *, others: Any = None, apart_m: float = APART_M, patience_s: float = 20.0
) -> list[Turned]:
    """Feed one frame of a left foot every 1/30 s until it is done."""
    turning, out = Turning("left", show_s, patience_s), []
    for number, angle in enumerate(angles):
        other = 7.0 if others is None else float(others[number])
        out.append(turning.feed(number / HZ, Feet(float(angle), other, apart_m)))
        if out[-1].phase == "done":
            break
    return out


def turn(by: float, *, straight: float = 7.0, at_s: float = 3.0, seconds: float = 40.0) -> Any:
    """A foot that turns within a second."""
    t = np.arange(0, seconds, 1 / HZ)
    noise = np.random.default_rng(1).normal(0, 0.15, len(t))
    return straight + by * np.clip(t - at_s, 0, 1) + noise


class TestThePhases:
    def test_a_foot_that_turns_in_is_measured_and_shown(self):
        found = walk_through(turn(-12.0))
        assert list(dict.fromkeys(f.phase for f in found)) == ["straight", "turn", "shown", "done"]
        assert found[-1].result_deg == pytest.approx(-12.0, abs=0.3)

    def test_a_foot_that_turns_out_is_told_as_out(self):
        assert walk_through(turn(9.0))[-1].result_deg == pytest.approx(9.0, abs=0.3)

    def test_a_foot_that_does_not_turn_is_waited_for_and_given_up(self):
        found = walk_through(turn(0.0))
        assert found[-1].phase == "done" and found[-1].result_deg == 0.0
        assert 20 < len(found) / HZ < 24

    def test_a_small_turn_is_none(self):
        assert walk_through(turn(-4.0))[-1].result_deg == 0.0

    def test_a_restless_foot_is_not_called_straight(self):
        t = np.arange(0, 6, 1 / HZ)
        found = walk_through(7 + 4 * np.sin(2 * np.pi * t))
        assert {f.phase for f in found} == {"straight"}
        assert found[-1].trouble == MOVING

    def test_a_foot_that_moves_once_begins_its_two_seconds_again(self):
        angles = np.full(int(8 * HZ), 7.0)
        angles[int(1.0 * HZ) : int(1.4 * HZ)] += 10.0
        found = walk_through(angles)
        straight = [f for f in found if f.phase == "straight"]
        assert MOVING in {f.trouble for f in straight}
        assert 3.0 < len(straight) / HZ < 5.0
        assert found[-1].phase == "turn"

    def test_hidden_markers_are_said_and_are_off_the_screen_in_time(self):
        """A tick of the hub and one of the screen come on top of what is measured here."""
        angles = turn(-12.0)
        angles[int(5 * HZ) :] = np.nan
        found = walk_through(angles[: int(9 * HZ)], show_s=30.0)
        late = [f for n, f in enumerate(found) if n / HZ > 5.0 + NEUTRAL_S - 0.06]
        assert late and all(math.isnan(f.change_deg) for f in late)
        hidden = walk_through(np.full(int(5 * HZ), np.nan))
        assert hidden[-1].trouble == HIDDEN and hidden[-1].phase == "straight"

    def test_a_stream_that_says_nothing_is_off_the_screen_in_time(self):
        turning = Turning("left", 30.0)
        for number in range(int(4 * HZ)):
            found = turning.feed(number / HZ, Feet(7.0, 7.0, APART_M))
        assert found.phase == "turn" and found.change_deg == 0.0
        assert math.isnan(turning.feed(4.0 + NEUTRAL_S - 0.06, None).change_deg)

    def test_a_marker_that_flickers_is_no_reason_to_stop(self):
        angles = turn(-12.0)
        angles[::7] = np.nan
        assert walk_through(angles)[-1].result_deg == pytest.approx(-12.0, abs=0.3)

    @pytest.mark.parametrize(("lump", "passes"), [(3, True), (15, False)])
    def test_samples_in_small_lumps_are_a_stream_and_in_large_ones_none(self, lump, passes):
        turning, seen = Turning("left", 1.0), []
        for number, angle in enumerate(turn(-12.0, seconds=12.0)):
            feet = Feet(float(angle), 7.0, APART_M) if number % lump == 0 else None
            seen.append(turning.feed(number / HZ, feet))
        assert (seen[-1].result_deg == pytest.approx(-12.0, abs=0.3)) is passes
        assert passes or LUMPS in {f.trouble for f in seen}

    def test_the_other_foot_does_not_pass_and_it_is_said_which_turned(self):
        found = walk_through(turn(0.0), others=turn(-12.0))[-1]
        assert found.phase == "done" and found.result_deg == 0.0
        assert found.why.startswith("the right foot turned inwards by 12 deg, not the left one")

    def test_the_other_foot_may_move_while_the_trained_one_turns_in(self):
        assert walk_through(turn(-12.0), others=turn(-6.0))[-1].result_deg == pytest.approx(-12.0, abs=0.3)

    @pytest.mark.parametrize(
        ("straight", "apart_m", "words"),
        [
            (172.0, APART_M, "points 172 deg away from straight ahead"),  # heel and toe exchanged
            (-64.0, APART_M, "points 64 deg away"),  # the heel of one foot, the toe of the other
            (7.0, -APART_M, "the left heel is on the right side"),  # left and right exchanged
            (7.0, math.nan, "the right heel's marker is hidden"),
        ],
    )
    def test_a_foot_that_cannot_be_the_trained_one_straight_ahead_never_passes(self, straight, apart_m, words):
        found = walk_through(turn(-12.0, straight=straight, at_s=9.0), apart_m=apart_m, patience_s=4.0)
        assert {f.phase for f in found} == {"straight", "done"}
        assert found[-1].result_deg == 0.0 and words in found[-1].why

    def test_a_patient_who_is_not_in_place_yet_has_some_seconds_for_it(self):
        angles = turn(-12.0, at_s=12.0)
        angles[: int(6 * HZ)] += 90.0
        assert walk_through(angles)[-1].result_deg == pytest.approx(-12.0, abs=0.3)

    @settings(max_examples=30, deadline=None)
    @given(st.floats(-180, 180), st.floats(-40, 40))
    def test_only_a_foot_that_stood_ahead_and_turned_is_measured(self, straight, by):
        angles = (turn(by, straight=straight, seconds=12.0) + 180.0) % 360.0 - 180.0
        result = walk_through(angles, patience_s=4.0)[-1].result_deg
        if abs(straight) > AHEAD_DEG + 1 or abs(by) < 4:
            assert not abs(result) > 0.0
        elif abs(straight) < AHEAD_DEG - 1 and abs(by) > 6:
            assert result == pytest.approx(by, abs=0.5)

    @given(st.lists(st.one_of(st.floats(-90, 90), st.just(float("nan"))), max_size=200))
    def test_whatever_comes_only_a_turn_in_passes(self, angles):
        for found in walk_through(angles):
            if found.result_deg == found.result_deg and found.result_deg != 0.0:
                assert abs(found.result_deg) >= 5.0


class TestTheAngle:
    @pytest.mark.parametrize("side", ["left", "right"])
    @pytest.mark.parametrize("way", [-12.0, 9.0])
    def test_it_is_that_of_the_simulated_foot(self, side, way):
        fpa = (7.0 + way, 7.0) if side == "right" else (7.0, 7.0 + way)
        chunk = Stander(1, noise="none", fpa_deg=fpa).advance(0.01).markers
        stander = Stander(1, noise="none")
        straight = stander.advance(0.01).markers
        markers = load_marker_set("simulated")
        turned, own = (
            foot_angle(stander.labels, piece.values[-1].reshape(-1, 3), markers, side) for piece in (chunk, straight)
        )
        assert turned - own == pytest.approx(way, abs=0.05)

    @pytest.mark.parametrize("side", ["left", "right"])
    def test_a_foot_stands_to_its_own_side_of_the_other(self, side):
        stander = Stander(1, noise="none", fpa_deg=(3.0, 9.0))
        points = stander.advance(0.01).markers.values[-1].reshape(-1, 3)
        feet = feet_of(stander.labels, points, load_marker_set("simulated"), side)
        assert feet.apart_m == pytest.approx(0.26, abs=0.03)
        turned_out = {"right": 3.0, "left": 9.0}
        own = {name: foot_angle(stander.labels, points, load_marker_set("simulated"), name) for name in turned_out}
        assert own["left"] - own["right"] == pytest.approx(6.0, abs=0.05)
        assert feet.angle_deg == own[side]

    def test_a_value_that_stays_is_not_seen_and_one_that_is_met_again_is(self):
        """Cameras that round meet the same value now and then."""
        seen, points = Seen(), np.arange(9.0).reshape(3, 3)
        for look in range(6):
            points = points.copy()
            points[1] += 1e-5
            if look % 2:
                points[2] += 1e-5  # moves at every second look
            now = look * 0.8 * REPEATED_S / 2
            found = seen.of(now, points)
        assert np.isnan(found).all(axis=1).tolist() == [True, False, False]
        assert np.array_equal(seen.of(9.0, points[:2]), points[:2])  # another stream begins anew
