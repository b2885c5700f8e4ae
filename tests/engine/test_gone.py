"""A marker that has fallen off is named, once, and again when it was back."""

from __future__ import annotations

import numpy as np
import pytest

from labfeedback.engine.gone import Gone
from labfeedback.records import EventCode, Flag
from tests.engine.walks import simulated, texts, walk_through


def test_it_takes_three_steps_in_a_row_and_is_told_once():
    gone = Gone()
    said = [gone.look(0, one) for one in (("A",), ("A",), (), ("A",), ("A",), ("A",), ("A", "B"), ("B",), ("B",))]
    assert [bool(one) for one in said] == [False] * 5 + [True, False, False, True]
    assert said[5].startswith("A has not been seen for 3 steps")
    assert said[8].startswith("B has not")
    assert gone.look(1, ("A",)) == ""  # the other foot counts by itself


@pytest.mark.parametrize(("label", "side"), [("RANKL", 1), ("LCAL", -1)])
def test_a_marker_that_falls_off_is_named_and_its_steps_are_withheld(label, side):
    walk = simulated(14.0, seed=8)
    values = walk.markers.values.copy()
    values[np.ix_(walk.markers.time > 5.0, walk.columns(label))] = np.nan
    rows = walk_through(walk.with_markers(values))
    events = rows["events"][rows["events"]["code"] == EventCode.MARKER_GONE]
    (said,) = texts(events)
    assert said.startswith(f"{label} has not been seen for 3 steps")
    assert 7.0 < events["time_s"][0] < 9.5
    after = rows["steps"][(rows["steps"]["side"] == side) & (rows["steps"]["start_s"] > 5.0)]
    assert len(after) > 5 and not after["kam_valid"].any()
    assert (after["flags"] & int(Flag.MARKERS)).all()
    other = rows["steps"][(rows["steps"]["side"] == -side) & (rows["steps"]["start_s"] > 5.0)]
    assert other["kam_valid"].all()


def test_medial_markers_that_are_off_are_not_missed():
    from tests.laws.numbers import calibration_of

    walk = simulated(8.0, seed=23)
    values = walk.markers.values.copy()
    values[:, walk.columns("RKNEM", "LKNEM", "RANKM", "LANKM")] = np.nan
    rows = walk_through(walk.with_markers(values), calibration=calibration_of(23))
    assert EventCode.MARKER_GONE not in rows["events"]["code"]
    assert rows["steps"]["kam_valid"].sum() > 8
