"""Markers that the cameras lost are put back where the rest of the cluster and the skin's own motion say they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from labfeedback.core.hidden import rebuild

REFERENCE = np.array([[0.045, -0.12, 0.05], [0.015, -0.14, 0.068], [0.04, -0.22, 0.042], [0.01, -0.25, 0.058]])
MEMBERS = np.array([[0, 1, 2, 3], [4, 5, 6, 7]])


def moving(n: int = 80, skin=None) -> np.ndarray:
    """(n, 4, 3) a cluster that turns and travels, its markers moved over the bone by `skin` (n, 4, 3), cluster axes."""
    turns = Rotation.from_euler("zyx", np.linspace([-0.3, 0.0, 0.05], [0.5, 0.1, -0.05], n))
    local = np.broadcast_to(REFERENCE, (n, 4, 3)) + (0.0 if skin is None else skin)
    at = np.stack([turn.apply(points) for turn, points in zip(turns, local, strict=True)])
    return at + np.linspace([0.0, 0.4, 0.1], [0.3, 0.45, 0.12], n)[:, None]


def put_back(seen: np.ndarray) -> np.ndarray:
    """rebuild of one cluster."""
    out = np.ascontiguousarray(seen)
    rebuild(out, MEMBERS, np.array([4, 0]), np.stack([REFERENCE, REFERENCE]))
    return out


@given(member=st.integers(0, 3), first=st.integers(0, 70), length=st.integers(1, 80))
def test_a_rigid_cluster_gives_back_any_hidden_marker_exactly(member, first, length):
    true = moving()
    seen = true.copy()
    seen[first : first + length, member] = np.nan
    np.testing.assert_allclose(put_back(seen), true, atol=1e-9)


@given(member=st.integers(0, 3), first=st.integers(1, 40), length=st.integers(1, 30))
def test_skin_that_has_shifted_evenly_is_known_from_both_sides_of_the_hole(member, first, length):
    drift = np.linspace(0.0, 1.0, 80)[:, None, None] * np.array([[1, -2, 3], [-2, 1, 1], [3, 0, -1], [0, 2, 2]]) * 1e-3
    true = moving(skin=drift)
    seen = true.copy()
    seen[first : first + length, member] = np.nan
    # Against the fit without the marker: what a shift of the others turns is of second order.
    np.testing.assert_allclose(put_back(seen), true, atol=5e-5)


@pytest.mark.parametrize("hole", [slice(0, 30), slice(50, 80)])
def test_at_the_windows_end_the_last_known_offset_stays(hole):
    skin = np.zeros((80, 4, 3))
    skin[:, 2] = [0.002, 0.0, -0.003]
    true = moving(skin=skin)
    seen = true.copy()
    seen[hole, 2] = np.nan
    np.testing.assert_allclose(put_back(seen), true, atol=1e-9)


def test_two_holes_that_overlap_leave_two_markers_and_no_pose():
    true = moving()
    seen = true.copy()
    seen[20:40, 0] = np.nan
    seen[30:50, 3] = np.nan
    out = put_back(seen)
    assert np.isnan(out[30:40, [0, 3]]).all()
    np.testing.assert_allclose(out[20:30], true[20:30], atol=1e-9)
    np.testing.assert_allclose(out[40:50], true[40:50], atol=1e-9)


def test_what_is_seen_is_never_touched():
    rng = np.random.default_rng(3)
    true = moving(skin=rng.normal(0, 1e-3, (80, 4, 3)))
    seen = true.copy()
    seen[25:30, 1] = np.nan
    out = put_back(seen)
    kept = ~np.isnan(seen)
    assert (out[kept] == seen[kept]).all()
    assert np.isfinite(out).all()


def test_noise_beside_a_hole_is_averaged():
    rng = np.random.default_rng(4)
    errors = []
    for _ in range(60):
        noise = np.zeros((80, 4, 3))
        noise[:, 3] = rng.normal(0, 3e-4, (80, 3))
        true = moving(skin=noise)
        seen = true.copy()
        seen[30:50, 3] = np.nan
        errors.append(put_back(seen)[30:50, 3] - moving()[30:50, 3])
    assert np.sqrt(np.mean(np.square(errors))) < 3e-4 / 4  # one frame on either side would leave 3e-4 / sqrt(2)
