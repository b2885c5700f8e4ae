"""Hiding any one marker of any cluster for any part of stance changes KAM by less than 0.1 %BW*Ht, or withholds it.

The whole study is `python -m benchmarks.occlusion`; here is a walk of every cluster with a draw of its cases.
"""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.occlusion import FOOT, GOAL_PCT, SETS, SHANK, STRETCHES, hide, person
from labfeedback.engine.carrying import Carrying
from labfeedback.records import SIDES, Flag
from labfeedback.settings import Settings
from tests.engine.walks import walk_through


@pytest.mark.parametrize("name", SETS)
def test_a_hidden_marker_changes_little_or_withholds(name):
    rng = np.random.default_rng(len(name))
    markers = (*SHANK, *SETS[name], *FOOT)
    plan = {
        side: [(markers[k % len(markers)], *STRETCHES[rng.integers(len(STRETCHES))]) for k in range(200)]
        for side in SIDES
    }
    found = list(hide(name, SETS[name], 31, plan, seconds=50.0))
    assert len(found) > 60
    valid = [one for one in found if one.valid]
    assert len(valid) > 25
    assert max(one.change for one in valid) < GOAL_PCT
    for one in found:
        if one.marker in FOOT:
            assert one.valid, one
        else:
            assert np.isfinite(one.angle_change), one  # the foot was seen all the time


def test_a_shank_of_six_markers_is_worth_wearing():
    rng = np.random.default_rng(6)
    plan = {side: [(SHANK[k % 4], *STRETCHES[rng.integers(len(STRETCHES))]) for k in range(100)] for side in SIDES}
    found = list(hide("six", SETS["and the condyle"], 33, plan, seconds=50.0))
    assert np.mean([one.valid for one in found]) > 0.9
    assert max(one.change for one in found if one.valid) < GOAL_PCT


def test_a_step_that_is_still_carried_says_so():
    walk, calibration = person(31, SETS["and the condyle"], 20.0)
    base = walk_through(walk, calibration=calibration)["steps"]
    row = base[14]
    middle = 0.5 * (row["start_s"] + row["end_s"])
    values = walk.markers.values.copy()
    rows = np.abs(walk.markers.time - middle) < 0.05
    values[np.ix_(rows, walk.columns(("R" if row["side"] > 0 else "L") + "SH2"))] = np.nan
    got = walk_through(walk.with_markers(values), calibration=calibration)["steps"][14]
    assert got["flags"] == int(Flag.MARKERS)
    assert got["missing_markers"] == rows.sum()
    assert got["kam_valid"]


def leg():
    return person(31, SETS["and the condyle"], 5.0)[1].right


def carrying(rate_hz: float = 200.0, **said) -> Carrying:
    one = leg()
    return Carrying(one, set(one.shank.labels), Settings(**said), rate_hz, 1.7)


def test_what_is_left_moves_more_the_less_is_left():
    one = carrying()
    whole = np.ones(6, np.bool_)
    assert one.moved_pct(whole, 0.3) == pytest.approx(0.0, abs=1e-12)
    for index in range(6):
        left = whole.copy()
        left[index] = False
        first = one.moved_pct(left, 0.05)
        assert 0.0 < first < one.moved_pct(left, 0.5)
        fewer = left.copy()
        fewer[(index + 1) % 6] = False
        assert one.moved_pct(fewer, 0.05) > 0.3 * first
    assert one.moved_pct(np.array([1, 1, 0, 0, 0, 0], np.bool_), 0.01) == np.inf


def test_a_softer_filter_and_a_faster_camera_pass_less_noise():
    left = np.array([0, 1, 1, 1, 1, 1], np.bool_)
    assert carrying(filter_hz=6.0).moved_pct(left, 0.05) < 0.3 * carrying().moved_pct(left, 0.05)
    ratio = carrying(400.0).moved_pct(left, 0.001) / carrying(100.0).moved_pct(left, 0.001)
    assert ratio == pytest.approx(0.5, abs=0.01)


def test_markers_on_a_line_carry_nothing():
    one = leg()
    reference = tuple((0.0, -0.1 * k, 0.05) for k in range(3)) + one.shank.reference[3:]
    shank = one.shank.model_copy(update={"reference": reference})
    made = Carrying(one.model_copy(update={"shank": shank}), set(shank.labels), Settings(), 200.0, None)
    assert made.moved_pct(np.array([1, 1, 1, 0, 0, 0], np.bool_), 0.01) == np.inf
