"""Joint centres, axes and the foot angle of one frame, against the oracle and a mirror."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labfeedback.core.anatomy import leg_frames, progression_angle
from labfeedback.core.leg import carry
from labfeedback.core.legpoints import AJC, EXPRESS, FOOT, FRAME_ROWS, FRONT, HEEL, KJC, ROLES, TIBIA
from tests import naive

STANDING = np.array(
    [[0.0, 0.45, 0.15], [0.0, 0.45, 0.03], [-0.04, 0.08, 0.12], [-0.04, 0.09, 0.05],
     [-0.1, 0.03, 0.08], [0.08, 0.03, 0.05], [0.11, 0.03, 0.09], [0.07, 0.03, 0.13]]
)  # fmt: skip
MIRROR = np.array([1.0, 1.0, -1.0])


def some_leg(seed, spread=0.01):
    return STANDING + np.random.default_rng(seed).normal(0, spread, STANDING.shape)


def frames_of(points, s, kinds=(0, 1, 0)):
    out = np.empty((FRAME_ROWS, 3))
    leg_frames(np.ascontiguousarray(points), float(s), np.array(kinds, np.int64), out)
    return out


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), s=st.sampled_from([1, -1]), foot=st.integers(0, 1), express=st.integers(0, 2))
def test_frames_are_the_oracles(seed, s, foot, express):
    p = some_leg(seed)[:, None] * (MIRROR if s < 0 else 1.0)
    got = frames_of(p[:, 0], s, (foot, 0, express))
    knee, ankle = (p[0] + p[1]) / 2, (p[2] + p[3]) / 2
    tibia = naive.tibia_frame(knee, ankle, s * (p[0] - p[1]))
    front = p[6] if foot else (p[5] + p[7]) / 2
    foot_axes = naive.foot_frame(p[4], front, None if foot else s * (p[7] - p[5]))
    shown = (tibia, naive.tibia_frame(knee, ankle, s * (p[2] - p[3])), np.eye(3)[None])[express]
    np.testing.assert_allclose(got[KJC], knee[0], atol=1e-15)
    np.testing.assert_allclose(got[AJC], ankle[0], atol=1e-15)
    np.testing.assert_allclose(got[FRONT], front[0], atol=1e-15)
    for row, axes in ((TIBIA, tibia), (FOOT, foot_axes), (EXPRESS, shown)):
        np.testing.assert_allclose(got[row : row + 3], axes[0].T, atol=1e-12)


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), foot=st.integers(0, 1), angle=st.integers(0, 1))
def test_a_mirrored_leg_has_mirrored_axes_and_the_same_angle(seed, foot, angle):
    right = some_leg(seed)
    a, b = frames_of(right, 1, (foot, angle, 0)), frames_of(right * MIRROR, -1, (foot, angle, 0))
    for row in (KJC, AJC, FRONT, TIBIA, TIBIA + 1, FOOT, FOOT + 1):
        np.testing.assert_allclose(b[row], a[row] * MIRROR, atol=1e-12)
    for row in (TIBIA + 2, FOOT + 2):  # Z stays the subject's right
        np.testing.assert_allclose(b[row], -a[row] * MIRROR, atol=1e-12)
    kinds = np.array((foot, angle, 0), np.int64)
    mirrored = np.ascontiguousarray(right * MIRROR)
    assert progression_angle(mirrored, -1.0, kinds) == pytest.approx(progression_angle(right, 1.0, kinds), abs=1e-9)


@pytest.mark.parametrize("s", [1, -1])
@pytest.mark.parametrize("degrees", [-20.0, 0.0, 7.0, 35.0])
def test_toes_out_are_positive_on_both_feet(s, degrees):
    points = STANDING.copy()
    points[6] = points[4] + 0.2 * np.array([np.cos(np.radians(degrees)), 0.1, s * np.sin(np.radians(degrees))])
    assert progression_angle(points, float(s), np.array([0, 1, 0], np.int64)) == pytest.approx(degrees, abs=1e-9)


@pytest.mark.parametrize("s", [1, -1])
def test_exchanged_medial_and_lateral_labels_turn_the_tibia_backwards(s):
    points = STANDING * (MIRROR if s < 0 else 1.0)
    assert frames_of(points, s)[TIBIA, 0] > 0.9
    assert frames_of(points[[1, 0, 3, 2, 4, 5, 6, 7]], s)[TIBIA, 0] < -0.9


def test_a_missing_epicondyle_leaves_no_tibia():
    points = STANDING.copy()
    points[1] = np.nan
    assert np.isnan(frames_of(points, 1)[TIBIA : TIBIA + 3]).all()


class TestCarrying:
    """What calibrated clusters put in place of markers."""

    shank = STANDING[0] + np.array([[0.03, -0.1, 0.02], [0.02, -0.2, 0.03], [-0.02, -0.15, 0.02], [0.0, -0.25, 0.0]])
    foot = STANDING[[HEEL, 5, 6, 7]]

    def carried(self, hidden=(), turn=None, shift=(0.5, 0.1, -0.2), counts=(4, 4)):
        turn = np.eye(3) if turn is None else turn
        everything = np.concatenate([STANDING, self.shank]) @ turn.T + shift
        seen = everything.copy()
        seen[list(hidden)] = np.nan
        points = seen[:ROLES].copy()
        members = np.array([[8, 9, 10, 11], [4, 5, 6, 7]], np.int64)
        error = carry(
            seen, members, np.array(counts, np.int64), np.stack([self.shank, self.foot]), STANDING.copy(),
            np.empty((3, 3)), np.empty(3), points,
        )  # fmt: skip
        return points, everything[:ROLES], error

    def test_the_shank_brings_back_all_knee_and_ankle_markers(self):
        points, expected, error = self.carried(hidden=(0, 1, 2, 3))
        np.testing.assert_allclose(points, expected, atol=1e-9)
        assert error < 1e-9

    def test_the_foot_brings_back_only_what_is_missing(self):
        points, expected, _ = self.carried(hidden=(6,))
        np.testing.assert_allclose(points, expected, atol=1e-9)

    def test_a_shank_with_two_markers_left_carries_nothing(self):
        assert np.isnan(self.carried(hidden=(8, 9))[0][:4]).all()

    def test_without_calibration_nothing_changes(self):
        points, expected, error = self.carried(hidden=(1,), counts=(0, 0))
        assert np.isnan(points[1]).all()
        np.testing.assert_array_equal(np.delete(points, 1, 0), np.delete(expected, 1, 0))
        assert np.isnan(error)

    def test_a_lost_cluster_does_not_hide_the_misfit_of_the_other(self):
        broken = self.foot + np.random.default_rng(0).normal(0, 0.05, (4, 3))
        for hidden, references in (((8, 9), (self.shank, broken)), ((4, 5), (self.shank + broken, self.foot))):
            self_shank, self_foot = references
            seen = np.concatenate([STANDING, self.shank])
            seen[list(hidden)] = np.nan
            error = carry(
                seen, np.array([[8, 9, 10, 11], [4, 5, 6, 7]], np.int64), np.array([4, 4], np.int64),
                np.stack([self_shank, self_foot]), STANDING.copy(), np.empty((3, 3)), np.empty(3), seen[:ROLES].copy(),
            )  # fmt: skip
            assert error > 0.01

    def test_without_any_fit_there_is_no_misfit(self):
        assert np.isnan(self.carried(hidden=(8, 9, 4, 5))[2])
