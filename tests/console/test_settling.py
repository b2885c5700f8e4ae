"""What a blinded operator may see of a deviation: nothing of the approach, no side, nothing the patient did not see."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from labfeedback.console.settling import AGAIN, FIRST, SETTLED, STRETCH, Settling

BAND = 2.0
Walked = list[tuple[float, bool]]
WALKS = st.lists(st.tuples(st.floats(-20.0, 20.0), st.booleans()), max_size=3 * FIRST)


def told(steps: Walked, target: float = 0.0, settling: Settling | None = None) -> list[float]:
    """Distances of steps, (deviation deg, shown to the patient) each."""
    settling = settling or Settling()
    return [settling.distance(target + off, target, BAND, cued=cued) for off, cued in steps]


def there(values: list[float]) -> list[float]:
    return [value for value in values if value == value]


@given(WALKS)
def test_the_side_of_a_change_does_not_matter(steps):
    assert np.array_equal(told(steps), told([(-off, cued) for off, cued in steps]), equal_nan=True)


@given(WALKS)
def test_nothing_before_its_time_and_nothing_that_the_patient_did_not_see(steps):
    seen = 0
    for (off, cued), distance in zip(steps, told(steps), strict=True):
        seen += cued
        assert math.isnan(distance) or (cued and distance == abs(off) and seen > FIRST)


@given(st.floats(BAND + 0.1, 20.0), st.integers(FIRST, 3 * FIRST))
def test_who_never_reaches_the_band_is_never_shown(off, count):
    assert there(told([(off, True)] * count)) == []


def test_once_settled_a_step_outside_the_band_is_shown():
    steps: Walked = [(0.5, True)] * FIRST + [(9.0, True)] * SETTLED
    assert there(told(steps)) == [9.0] * SETTLED


def test_a_slow_learner_is_shown_later():
    values = told([(8.0, True)] * (FIRST + 10) + [(1.0, True)] * (SETTLED + 5))
    first = next(n for n, value in enumerate(values) if value == value)
    assert first == FIRST + 10 + SETTLED // 2 + 1


def test_another_target_begins_anew():
    settling = Settling()
    assert there(told([(0.0, True)] * (FIRST + 5), 2.0, settling)) == [0.0] * 5
    assert there(told([(0.0, True)] * FIRST, 3.0, settling)) == []


def test_after_a_stretch_without_feedback_the_return_is_not_shown():
    """Without feedback a change is forgotten in part; the way back would tell that there is one."""
    for away, held in ((STRETCH, 0), (STRETCH + 1, STRETCH + 1), (AGAIN, AGAIN), (10 * AGAIN, AGAIN)):
        steps: Walked = [(0.0, True)] * FIRST + [(0.0, False)] * away + [(1.0, True)] * (2 * AGAIN)
        assert there(told(steps)[FIRST:]) == [1.0] * (2 * AGAIN - held), away


def test_a_step_that_could_not_be_measured_is_not_shown_and_holds_nothing_back():
    steps: Walked = [(0.0, True)] * FIRST + [(math.nan, True)] * STRETCH + [(1.0, True)]
    values = told(steps)
    assert all(math.isnan(v) for v in values[FIRST:-1]) and values[-1] == 1.0


def test_by_the_size_alone_one_who_stops_short_of_a_change_can_hardly_be_told():
    """Undershoot 0.75 deg, spread 2 deg (SCIENCE.md section 8): over what one plot shows, sizes differ by less than
    two plots of the same person do, while the sides differ by far more."""
    random = np.random.default_rng(5)
    plots = random.normal(0.0, 2.0, (2, 400, 60))
    sham, active = plots[0], plots[1] + 0.75
    by_size = abs(np.abs(active).mean() - np.abs(sham).mean()) / np.abs(sham).mean(axis=1).std()
    by_side = abs(active.mean() - sham.mean()) / sham.mean(axis=1).std()
    assert by_size < 1.0 < 2.5 < by_side
