"""The rigid fit against the oracle's singular value decomposition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from labfeedback.core.rigid import rigid_fit
from tests import naive


def fitted(reference, points, members=None):
    members = np.arange(len(reference)) if members is None else members
    turn, shift = np.empty((3, 3)), np.empty(3)
    error = rigid_fit(np.ascontiguousarray(reference), np.ascontiguousarray(points), members, turn, shift)
    return turn, shift, error


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(3, 6),
    hidden=st.integers(0, 3),
    noise=st.sampled_from([0.0, 1e-4, 1e-3, 0.01]),
    size=st.sampled_from([0.02, 0.1, 0.5]),
)
def test_the_fit_equals_the_one_by_singular_values(seed, count, hidden, noise, size):
    rng = np.random.default_rng(seed)
    reference = rng.normal(0, size, (count, 3)) + rng.normal(0, 1, 3)
    true = Rotation.random(rng=rng).as_matrix()
    points = reference @ true.T + rng.normal(0, 2, 3) + rng.normal(0, noise, (count, 3))
    points[rng.permutation(count)[: min(hidden, count - 3)]] = np.nan
    left = reference[np.isfinite(points[:, 0])]
    spread = np.linalg.svd(left - left.mean(0))[1]
    turn, shift, error = fitted(reference, points)
    if noise > 0.1 * spread[1]:
        return  # nearly on one line, and noise enough to turn it about that line: no fit is better than another
    expected_turn, expected_shift, expected_error = naive.rigid_fit(reference, points)
    slack = 1e-9 * (size / spread[1]) ** 2 + 1e-9
    np.testing.assert_allclose(turn, expected_turn, atol=slack)
    np.testing.assert_allclose(shift, expected_shift, atol=5 * slack)
    assert error == pytest.approx(expected_error, abs=1e-7)
    assert np.linalg.det(turn) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("degrees", [0.0, 1e-6, 90.0, 179.9999, 180.0, 270.0])
@pytest.mark.parametrize("axis", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1), (1, -2, 0.5)])
def test_no_angle_of_rotation_is_special(degrees, axis):
    reference = np.array([[0.0, 0, 0], [0.1, 0, 0.01], [0, 0.12, 0], [0.03, 0.02, 0.08]])
    true = Rotation.from_rotvec(np.radians(degrees) * naive.unit(np.array(axis, float))).as_matrix()
    turn, shift, error = fitted(reference, reference @ true.T + [1.0, 2.0, 3.0])
    np.testing.assert_allclose(turn, true, atol=1e-7)
    np.testing.assert_allclose(shift, [1, 2, 3], atol=1e-7)
    assert error < 1e-8


def test_members_choose_which_markers_of_the_frame_belong_to_the_cluster():
    reference = np.array([[0.0, 0, 0], [0.1, 0, 0], [0, 0.1, 0]])
    frame = np.full((7, 3), 55.0)
    frame[[6, 0, 3]] = reference + np.array([0.0, 0.5, 0.0])
    turn, shift, error = fitted(reference, frame, np.array([6, 0, 3]))
    np.testing.assert_allclose(turn, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(shift, [0, 0.5, 0], atol=1e-12)
    assert error < 1e-12


@pytest.mark.parametrize("visible", [0, 1, 2])
def test_fewer_than_three_visible_markers_give_no_fit(visible):
    reference = np.random.default_rng(0).normal(size=(4, 3))
    points = reference.copy()
    points[visible:] = np.nan
    turn, shift, error = fitted(reference, points)
    assert np.isnan(turn).all()
    assert np.isnan(shift).all()
    assert np.isnan(error)


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(3, 6))
def test_markers_on_one_line_give_no_fit(seed, count):
    rng = np.random.default_rng(seed)
    reference = rng.normal(0, 1, 3) + np.outer(rng.uniform(-0.2, 0.2, count), naive.unit(rng.normal(size=3)))
    turn, _, error = fitted(reference, reference @ Rotation.random(rng=rng).as_matrix().T)
    assert np.isnan(error)
    assert np.isnan(turn).all()


def test_markers_all_in_one_place_give_no_fit():
    assert np.isnan(fitted(np.ones((4, 3)), np.ones((4, 3)))[2])


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(3, 6))
def test_a_mirror_image_is_never_taken_for_a_rotation(seed, count):
    rng = np.random.default_rng(seed)
    reference = rng.normal(0, 0.1, (count, 3))
    mirrored = reference * [1, 1, -1]
    turn, _, error = fitted(reference, mirrored)
    if np.isnan(error):
        return  # a mirrored cluster may leave the turn undecided, which is said
    assert np.linalg.det(turn) == pytest.approx(1.0, abs=1e-6)
    expected = naive.rigid_fit(reference, mirrored)[2]
    assert error == pytest.approx(expected, abs=1e-6)
    if count > 3:  # three markers span a plane, and a plane turned over is its own mirror image
        assert error > 1e-3 or np.linalg.svd(reference - reference.mean(0))[1][2] < 0.01
