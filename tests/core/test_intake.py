"""Received values into the lab, and what is missing or broken."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labfeedback.core.intake import take_forces, take_markers
from labfeedback.core.leg import carry, place
from labfeedback.core.plates import centre_of_pressure, moment_about, plate_wrenches

rng = np.random.default_rng(5)
TURN = np.linalg.qr(rng.normal(size=(3, 3)))[0]
TURN *= np.linalg.det(TURN)
COLUMNS = np.array([[3, 1, 2], [0, 4, 6]])


def taken(values: np.ndarray, previous: np.ndarray | None = None) -> np.ndarray:
    out = np.empty((len(values), 2, 3))
    take_markers(values, COLUMNS, 1e-3, TURN, np.full((2, 3), np.nan) if previous is None else previous, out)
    return out


def test_markers_are_turned_and_scaled():
    values = rng.normal(0, 500, (20, 7))
    expected = np.stack([1e-3 * values[:, row] @ TURN.T for row in COLUMNS], axis=1)
    np.testing.assert_allclose(taken(values), expected, atol=1e-12)


@pytest.mark.parametrize("column", [3, 1, 2])
def test_one_coordinate_that_is_no_number_hides_the_marker(column):
    values = rng.normal(0, 500, (5, 7))
    values[2, column] = np.nan
    assert np.isnan(taken(values)).all(axis=2).tolist() == [[False, False]] * 2 + [[True, False]] + [[False, False]] * 2


def test_exact_zeros_and_repeats_are_missing_and_one_zero_or_one_repeat_is_not():
    values = rng.normal(0, 500, (8, 7))
    values[1, [3, 1, 2]] = 0.0
    values[2, [3, 1]] = 0.0
    values[4, [0, 4, 6]] = values[3, [0, 4, 6]]
    values[5, [0, 4]] = values[4, [0, 4]]
    missing = np.isnan(taken(values)).all(axis=2)
    assert np.argwhere(missing).tolist() == [[1, 0], [4, 1]]


def test_a_repeat_is_seen_across_chunks():
    values = rng.normal(0, 500, (6, 7))
    values[3] = values[2]
    previous = np.full((2, 3), np.nan)
    parts = [taken(values[:3], previous), taken(values[3:], previous)]
    np.testing.assert_array_equal(np.vstack(parts), taken(values))
    assert np.isnan(parts[1][0]).all()
    assert np.isfinite(parts[1][1:]).all()


PLATES = 3
FOOT = np.array([0, 1, 0])
PLATE_TURN = np.stack([np.linalg.qr(rng.normal(size=(3, 3)))[0] for _ in range(PLATES)])
ORIGIN = rng.normal(0, 0.5, (PLATES, 3))


def wrenches(channels: np.ndarray) -> np.ndarray:
    """(n, 2, 6) by numpy."""
    out = np.zeros((len(channels), 2, 6))
    for plate in range(PLATES):
        part = channels[:, 6 * plate : 6 * plate + 6]
        force = part[:, :3] @ PLATE_TURN[plate].T
        moment = part[:, 3:] @ PLATE_TURN[plate].T + np.cross(ORIGIN[plate], force)
        out[:, FOOT[plate]] += np.hstack([force, moment])
    return out


def received(values: np.ndarray, limits: np.ndarray | None = None) -> tuple[np.ndarray, ...]:
    n = len(values)
    out = np.empty((n, 2, 6)), np.empty((n, 2)), np.empty((n, 2)), np.zeros(n)
    columns = np.arange(18)[::-1].copy()
    scale = np.tile([1.0, 1.0, 1.0, 1e-3, 1e-3, 1e-3], PLATES)
    full = np.full(18, np.inf) if limits is None else limits
    take_forces(values, columns, scale, full, PLATE_TURN, ORIGIN, FOOT, *out)
    return out


def test_plates_of_one_foot_add_up_about_the_labs_origin():
    values = rng.normal(0, 300, (12, 18))
    wrench, vertical, share, broken = received(values)
    channels = values[:, ::-1] * np.tile([1.0, 1.0, 1.0, 1e-3, 1e-3, 1e-3], PLATES)
    np.testing.assert_allclose(wrench, wrenches(channels), atol=1e-9)
    np.testing.assert_allclose(vertical, wrenches(channels)[:, :, 1], atol=1e-9)
    assert not share.any()
    assert not broken.any()
    again = np.empty((12, 2, 6))
    plate_wrenches(np.ascontiguousarray(channels), PLATE_TURN, ORIGIN, FOOT, again)
    np.testing.assert_array_equal(again, wrench)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("channel", [0, 9, 17])
def test_a_channel_that_is_no_number_breaks_its_sample_alone(bad, channel):
    values = rng.normal(0, 300, (5, 18))
    values[3, channel] = bad
    wrench, vertical, _, broken = received(values)
    assert broken.tolist() == [0, 0, 0, 1, 0]
    assert not wrench[3].any()
    assert not vertical[3].any()
    assert np.isfinite(wrench).all()


def test_the_largest_share_of_full_scale_belongs_to_the_plates_foot():
    values = np.zeros((2, 18))
    limits = np.full(18, 1000.0)
    values[0, 17 - 2] = -950.0  # plate 0, Fz: right foot
    values[1, 17 - 8] = 400.0  # plate 1, Fz: left foot
    values[1, 17 - 12] = 100.0  # plate 2, Fx: right foot
    _, _, share, _ = received(values, limits)
    np.testing.assert_allclose(share, [[0.95, 0.0], [0.1, 0.4]])


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(-0.1, 0.1), st.floats(-30, 30), st.floats(31, 1500))
def test_a_force_at_a_point_has_its_pressure_there_and_its_own_twist(x, z, height, twist, up):
    force = np.array([30.0, up, -20.0])
    wrench = np.hstack([force, np.cross([x, height, z], force) + np.array([0.0, twist, 0.0])])
    out = np.empty(3)
    centre_of_pressure(wrench, height, 30.0, out)
    np.testing.assert_allclose(out, [x, z, twist], atol=1e-8)
    at = np.empty(3)
    moment_about(wrench, x, height, z, at)
    np.testing.assert_allclose(at, [0.0, twist, 0.0], atol=1e-8)
    centre_of_pressure(wrench, height, up * 1.001, out)
    assert np.isnan(out).all()


def test_a_calibrated_shank_is_always_carried_and_a_foot_only_where_it_is_hidden():
    local = rng.normal(0, 0.1, (8, 3))
    reference = rng.normal(0, 0.1, (2, 4, 3))
    markers = np.empty((8, 3))
    poses = [(TURN, np.array([0.1, 0.2, 0.3])), (np.eye(3), np.array([1.0, 0.0, -1.0]))]
    for segment, (turn, shift) in enumerate(poses):
        markers[4 * segment : 4 * segment + 4] = reference[segment] @ turn.T + shift
    members, counts = np.arange(8).reshape(2, 4), np.array([4, 4])
    seen = rng.normal(size=(8, 3))
    points = seen.copy()
    points[6] = np.nan
    worst = carry(markers, members, counts, reference, local, np.empty((3, 3)), np.empty(3), points)
    assert worst == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_allclose(points[:4], local[:4] @ poses[0][0].T + poses[0][1], atol=1e-9)
    np.testing.assert_array_equal(points[[4, 5, 7]], seen[[4, 5, 7]])
    np.testing.assert_allclose(points[6], local[6] + poses[1][1], atol=1e-9)
    points = seen.copy()
    none = carry(markers, members, np.zeros(2, np.int64), reference, local, np.empty((3, 3)), np.empty(3), points)
    assert np.isnan(none)
    np.testing.assert_array_equal(points, seen)
    bent = markers.copy()
    bent[4] += [0.01, 0.0, 0.0]  # the worse of both residuals is told
    points = seen.copy()
    worst = carry(bent, members, counts, reference, local, np.empty((3, 3)), np.empty(3), points)
    assert 0.002 < worst < 0.01
    bent[4] -= [0.01, 0.0, 0.0]
    bent[0] += [0.01, 0.0, 0.0]
    assert 0.002 < carry(bent, members, counts, reference, local, np.empty((3, 3)), np.empty(3), points) < 0.01


def test_place_moves_only_the_rows_it_is_asked_for():
    local, points = rng.normal(size=(8, 3)), np.zeros((8, 3))
    place(local, 2, 5, TURN, np.array([1.0, 2.0, 3.0]), points)
    np.testing.assert_allclose(points[2:5], local[2:5] @ TURN.T + [1.0, 2.0, 3.0], atol=1e-12)
    assert not points[[0, 1, 5, 6, 7]].any()
