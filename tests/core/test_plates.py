"""Wrenches, centre of pressure and moments by arithmetic that can be followed with a pencil."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from labfeedback.core.intake import take_forces, take_markers
from labfeedback.core.plates import centre_of_pressure, moment_about, plate_wrenches
from tests import naive

# A plate frame with z down, x forward and y to the right, as the lab sees it (columns).
DOWN = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])


def wrenches(channels, turns, origins, feet):
    out = np.empty((len(channels), 2, 6))
    plate_wrenches(
        np.ascontiguousarray(channels),
        np.ascontiguousarray(turns),
        np.array(origins, float),
        np.array(feet, np.int64),
        out,
    )
    return out


def test_a_weight_on_a_plate_pushes_up_where_it_stands():
    # 700 N on the subject is -700 along the plate's z; at 0.2 m ahead and 0.1 m to the right of the origin.
    force = np.array([0.0, 0.0, -700.0])
    moment = np.cross([0.2, 0.1, 0.0], force)
    right, left = wrenches(np.concatenate([force, moment])[None], DOWN[None], [[1.0, 0.0, 0.3]], [0])[0]
    np.testing.assert_allclose(right[:3], [0, 700, 0], atol=1e-9)
    cop = np.empty(3)
    centre_of_pressure(right, 0.0, 30.0, cop)
    np.testing.assert_allclose(cop, [1.2, 0.4, 0.0], atol=1e-12)
    assert not left.any()


def test_two_plates_of_one_foot_add_up():
    channels = np.tile([0.0, 0, -100, 0, 0, 0], 2)[None]
    out = wrenches(channels, np.stack([DOWN, DOWN]), [[0.5, 0, 0], [-0.5, 0, 0]], [1, 1])
    np.testing.assert_allclose(out[0, 1, :3], [0, 200, 0])
    cop = np.empty(3)
    centre_of_pressure(out[0, 1], 0.0, 30.0, cop)
    np.testing.assert_allclose(cop[:2], [0, 0], atol=1e-12)


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_wrench_cop_and_free_moment_are_the_oracles_for_any_plate(seed):
    rng = np.random.default_rng(seed)
    n = 5
    yaw = Rotation.from_rotvec([0, rng.uniform(-3, 3), 0]).as_matrix() @ DOWN
    force = rng.normal(0, 100, (n, 3))
    force[:, 2] = rng.uniform(-900, -50, n)
    moment = rng.normal(0, 80, (n, 3))
    centre = rng.normal(0, 1, 3)
    offset = rng.normal(0, 0.1, 3)  # surface centre to transducer origin, plate frame
    out = wrenches(np.hstack([force, moment]), yaw[None], [centre + yaw @ offset], [0])[:, 0]
    x, y, free = naive.cop_plate(force, moment, -offset)
    expected = centre + np.stack([x, y, 0 * x], axis=1) @ yaw.T
    for k in range(n):
        got = np.empty(3)
        centre_of_pressure(out[k], float(centre[1]), 30.0, got)
        np.testing.assert_allclose(got, [expected[k, 0], expected[k, 2], -free[k]], atol=1e-9)  # plate z points down
        point = rng.normal(0, 1, 3)
        about = np.empty(3)
        moment_about(out[k], *point, about)
        lab = naive.moment_about(
            point[None], (centre + yaw @ offset)[None], (force[k] @ yaw.T)[None], (moment[k] @ yaw.T)[None]
        )
        np.testing.assert_allclose(about, lab[0], atol=1e-9)


def test_below_the_threshold_there_is_no_centre_of_pressure():
    got = np.empty(3)
    for vertical in (29.99, 0.0, -500.0, np.nan):
        centre_of_pressure(np.array([0, vertical, 0, 1, 1, 1.0]), 0.0, 30.0, got)
        assert np.isnan(got).all()
    centre_of_pressure(np.array([0, 30.0, 0, 1, 1, 1.0]), 0.0, 30.0, got)
    assert np.isfinite(got).all()


def test_channels_are_picked_and_scaled():
    values = np.array([[0.0, 7, 1, 2, 3, 4, 5], [np.nan, -700, 1, 2, 3, 4, 5], [9.0, np.inf, 1, 2, 3, 4, 5]])
    wrench, vertical, share, broken = np.empty((3, 2, 6)), np.empty((3, 2)), np.empty((3, 2)), np.zeros(3)
    turn, origin = np.diag([1.0, 2.0, 3.0])[None], np.zeros((1, 3))
    take_forces(
        values,
        np.array([2, 1, 3, 4, 5, 6]),
        np.array([1.0, 10.0, 1.0, 1e-3, 1e-3, 1e-3]),
        np.array([np.inf, 1000.0, 10.0, np.inf, np.inf, np.inf]),
        turn,
        origin,
        np.array([1]),
        wrench,
        vertical,
        share,
        broken,
    )
    np.testing.assert_allclose(wrench[0, 1], [1, 140, 6, 0.003, 0.008, 0.015])
    assert not wrench[:, 0].any(), "the foot without a plate has no load"
    np.testing.assert_allclose(vertical[0], [0, 140])
    np.testing.assert_allclose(share[:2], [[0, 0.2], [0, 7.0]])
    np.testing.assert_allclose(broken, [0, 0, 1])
    assert not wrench[2].any(), "a sample that is no number must not reach a filter"


class TestMissingMarkers:
    """NaN, exact zeros and a repeated value are missing; anything else is a position."""

    def taken(self, *rows, cut=()):
        values = np.array(rows, float)
        columns, previous = np.array([[0, 1, 2]]), np.full((1, 3), np.nan)
        turn = np.array([[0.0, -1, 0], [0, 0, 1], [-1, 0, 0]])
        out = np.empty((len(values), 1, 3))
        for part in np.split(np.arange(len(values)), cut):
            piece = np.empty((len(part), 1, 3))
            take_markers(np.ascontiguousarray(values[part]), columns, 1e-3, turn, previous, piece)
            out[part] = piece
        return out[:, 0]

    def test_a_position_is_turned_and_scaled(self):
        np.testing.assert_allclose(self.taken((100.0, 200.0, 300.0)), [[-0.2, 0.3, -0.1]])

    @pytest.mark.parametrize("gone", [(np.nan, 2, 3), (1, np.nan, 3), (1, 2, np.nan), (0, 0, 0), (-0.0, 0, 0)])
    def test_what_is_gone_is_nan(self, gone):
        out = self.taken((1, 2, 3), gone, (4, 5, 6))
        assert np.isnan(out[1]).all()
        assert np.isfinite(out[[0, 2]]).all()

    @pytest.mark.parametrize("cut", [(), (1,), (2,), (1, 2, 3)])
    def test_a_repeated_value_is_gone_also_over_the_border_of_a_chunk(self, cut):
        out = self.taken((1, 2, 3), (1, 2, 3), (1, 2, 3), (1, 2, 4), cut=cut)
        np.testing.assert_array_equal(np.isnan(out[:, 0]), [False, True, True, False])

    def test_one_coordinate_at_zero_or_repeated_is_a_position(self):
        assert np.isfinite(self.taken((0, 2, 3), (0, 2, 4), (0, 0, 4))).all()
