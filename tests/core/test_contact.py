"""Contact and toe-off on force curves drawn by hand, 1000 Hz, thresholds 50 and 30 N, hold 20 ms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labfeedback.core import contact
from labfeedback.core.contact import find_contacts, new_state
from tests import naive

RISE, LEVEL, HOLD = 50.0, 30.0, 0.020


def found(right, left=None, cuts=(), half=3):
    """(rows of contact.FOUND) for curves of both feet (n,), scanned in the given pieces."""
    left = np.zeros_like(right) if left is None else left
    vertical = np.ascontiguousarray(np.stack([right, left], axis=1))
    time = np.arange(len(vertical) + half) / 1000.0
    state, rows, done = new_state(), [], 0
    for stop in (*cuts, len(vertical)):
        out = np.empty((2 * (stop - done) + 2, contact.FOUND))
        count = find_contacts(time, vertical, done, stop, half, RISE, LEVEL, HOLD, state, out)
        rows.append(out[:count])
        done = stop
    return np.concatenate(rows)


def curve(*pieces):
    """Straight lines: (milliseconds, N at its end), from 0 N."""
    out, last = [], 0.0
    for ms, end in pieces:
        out.append(np.linspace(last, end, ms, endpoint=False))
        last = end
    return np.concatenate(out)


STANCE = ((200, 0), (10, 700), (500, 700), (10, 0), (200, 0))


def test_a_plain_stance_begins_and_ends_at_the_lower_level():
    contact_row, toe_off = found(curve(*STANCE))
    assert contact_row[contact.KIND] == 0
    assert toe_off[contact.KIND] == 1
    # 30 N of a ramp of 70 N a millisecond
    assert contact_row[contact.START] == pytest.approx(0.200 + 0.030 / 70, abs=1e-9)
    assert toe_off[contact.START] == contact_row[contact.START]
    assert toe_off[contact.END] == pytest.approx(0.720 - 0.030 / 70, abs=1e-9)


def test_a_contact_is_decided_after_the_hold_and_the_smoothers_future():
    contact_row, toe_off = found(curve(*STANCE), half=5)
    assert contact_row[contact.DECIDED] == pytest.approx(0.201 + HOLD + 0.005, abs=0.0011)
    assert toe_off[contact.DECIDED] == pytest.approx(0.720 + HOLD + 0.005, abs=0.0011)


def test_a_knock_shorter_than_the_hold_is_no_contact():
    assert len(found(curve((200, 0), (1, 300), (18, 300), (1, 0), (300, 0)))) == 0


def test_a_load_between_the_levels_is_no_contact_but_dates_it():
    rows = found(curve((100, 0), (1, 40), (99, 40), (10, 700), (400, 700), (10, 0), (100, 0)))
    assert len(rows) == 2
    assert rows[0, contact.START] == pytest.approx(0.1 + 0.00075, abs=1e-6)


def test_a_dip_between_knock_and_contact_moves_the_date_to_the_last_crossing():
    rows = found(curve((100, 0), (1, 40), (9, 40), (1, 0), (9, 0), (10, 700), (400, 700), (10, 0), (100, 0)))
    assert rows[0, contact.START] == pytest.approx(0.120 + 0.030 / 70, abs=1e-6)


@pytest.mark.parametrize(("dip_ms", "feet"), [(10, 1), (18, 1), (30, 2), (60, 2)])
def test_a_dip_in_stance_splits_it_only_when_it_lasts_longer_than_the_hold(dip_ms, feet):
    rows = found(curve((200, 0), (5, 700), (300, 700), (1, 0), (dip_ms, 0), (1, 700), (300, 700), (5, 0), (200, 0)))
    assert int((rows[:, contact.KIND] == 1).sum()) == feet


def test_a_dip_to_between_the_levels_does_not_end_a_stance():
    rows = found(curve((200, 0), (5, 700), (100, 700), (1, 35), (200, 35), (1, 700), (100, 700), (5, 0), (100, 0)))
    assert len(rows) == 2


def test_a_recording_that_begins_in_stance_gives_a_toe_off_without_a_start():
    rows = found(curve((1, 700), (300, 700), (10, 0), (200, 0))[1:])
    assert rows[0, contact.KIND] == 0
    assert np.isnan(rows[0, contact.START])
    assert rows[-1, contact.KIND] == 1
    assert np.isnan(rows[-1, contact.START])
    assert rows[-1, contact.END] == pytest.approx(0.3105, abs=0.002)


def test_a_recording_that_ends_in_stance_gives_no_toe_off():
    assert found(curve((200, 0), (10, 700), (300, 700)))[:, contact.KIND].tolist() == [0]


def test_noise_around_zero_and_small_pulls_are_no_contact():
    noise = np.random.default_rng(0).normal(0, 12, 5000)
    assert len(found(noise)) == 0
    assert len(found(curve((100, 0), (10, -150), (800, -150), (10, 0), (100, 0)))) == 0


def test_a_plate_that_pulls_is_said_once():
    rows = found(np.concatenate([-curve(*STANCE)] * 4))
    assert rows[:, contact.KIND].tolist() == [2]
    assert rows[0, contact.DECIDED] == pytest.approx(0.2 + 0.003 + 0.2 + 0.003, abs=0.002)


def test_both_feet_are_found_apart_and_in_the_order_of_deciding():
    right, left = curve(*STANCE, (600, 0)), np.roll(curve(*STANCE, (600, 0)), 400)
    rows = found(right, left)
    assert rows[:, contact.FOOT].tolist() == [0, 1, 0, 1]
    assert rows[:, contact.KIND].tolist() == [0, 0, 1, 1]
    assert (np.diff(rows[:, contact.DECIDED]) > 0).all()
    np.testing.assert_allclose(rows[1, contact.START] - rows[0, contact.START], 0.4, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_any_cutting_of_any_curve_finds_the_same(seed):
    rng = np.random.default_rng(seed)
    curves = [np.repeat(rng.choice([0.0, 20, 35, 45, 60, 300, -250], 60), rng.integers(1, 60, 60)) for _ in range(2)]
    n = min(len(c) for c in curves)
    right, left = (c[:n] + rng.normal(0, 3, n) for c in curves)
    whole = found(right, left)
    cuts = sorted(rng.integers(0, n, 12).tolist())
    assert found(right, left, cuts).tobytes() == whole.tobytes()
    assert found(right, left, range(1, n)).tobytes() == whole.tobytes()
    for foot in range(2):  # contacts and toe-offs of a foot take turns, and every stance is longer than nothing
        kinds = whole[(whole[:, contact.FOOT] == foot) & (whole[:, contact.KIND] < 2)]
        assert (np.diff(kinds[:, contact.KIND]) != 0).all()
        off = kinds[kinds[:, contact.KIND] == 1]
        assert not (off[:, contact.END] <= off[:, contact.START]).any()


def test_stances_of_a_walk_are_the_oracles(walker_walk):
    from labfeedback.core.filters import gaussian_taps, smooth

    up = walker_walk.forces.values[:, 8] * -1.0
    vertical = np.ascontiguousarray(np.stack([up, up], axis=1))
    taps = gaussian_taps(25.0, 1000.0)
    half = len(taps) // 2
    out = np.zeros_like(vertical)
    smooth(vertical, half, len(up) - half, taps, out)
    state, rows = new_state(), np.empty((2 * len(up) + 2, contact.FOUND))
    time = walker_walk.forces.time
    count = find_contacts(time, out, half, len(up) - half, half, RISE, LEVEL, HOLD, state, rows)
    ours = rows[:count][(rows[:count, contact.FOOT] == 0) & (rows[:count, contact.KIND] == 1)]
    theirs = naive.stances(up, 1000.0)
    assert len(theirs) > 8
    np.testing.assert_allclose(ours[:, [contact.START, contact.END]], theirs, atol=0.004)
