"""The causal running estimate, frame by frame, against plain numpy; heel-off, the belt's stop and its going on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from labfeedback.core import live
from labfeedback.core.legpoints import ROLE_NAMES
from tests import naive
from tests.core.windows import lab_markers, lab_wrenches
from tests.engine.walks import simulated

RATE = 200.0
BELT, STAND = 1.2, (0.035, 0.03)


@dataclass
class Frames:
    """Arguments of run_frames, with a state that lasts."""

    time: Any
    markers: Any
    force_time: Any
    wrench: Any
    roles: Any
    kinds: Any = field(default_factory=lambda: np.array([0, 1, 0], np.int64))
    surface: Any = field(default_factory=lambda: np.zeros(2))
    zero: Any = field(default_factory=lambda: np.zeros((2, 6)))

    def __post_init__(self) -> None:
        self.limits = np.array([30.0, 0.015, 0.15, 4, 16, 24, 0.005])
        self.feet = np.zeros((2, live.FOOT_STATE))
        self.feet[:, [live.CONTACT, live.STAND_HEEL, live.STAND_TOE]] = np.nan
        self.walk = np.zeros(live.WALK_STATE)
        self.walk[live.BELT] = np.nan
        none = np.full((2, 2, 3), -1, np.int64), np.zeros((2, 2), np.int64)
        self.clusters = (*none, np.zeros((2, 2, 3, 3)), np.full((2, 8, 3), np.nan))

    def run(self, first: int = 0, stop: int | None = None) -> tuple[Any, Any]:
        stop = len(self.time) if stop is None else stop
        out, noticed = np.empty((stop - first, live.COLUMNS)), np.empty((3 * (stop - first), live.NOTICED))
        count = live.run_frames(
            self.time, self.markers, 1000, first, stop, self.force_time, self.wrench, self.roles, *self.clusters,
            self.kinds, self.surface, self.zero, self.limits, self.feet, self.walk, out, noticed,
        )  # fmt: skip
        return out, noticed[:count]


def walking(seconds: float = 2.2) -> Frames:
    walk = simulated(seconds, seed=4, noise="none")
    both = lab_wrenches(walk)
    roles = np.array(
        [[walk.labels.index(getattr(walk.marker_set.leg(side), role)) for role in ROLE_NAMES] for side in (1, -1)]
    )
    wrench = np.ascontiguousarray(np.stack([both["right"], both["left"]], axis=1))
    return Frames(
        walk.markers.time.copy(), np.ascontiguousarray(lab_markers(walk)), walk.forces.time.copy(), wrench, roles
    )


def side(out: Any, foot: int, column: int) -> Any:
    return out[:, live.O_SIDE + live.PER_SIDE * foot + column]


@pytest.mark.parametrize("zeroed", [False, True])
def test_every_column_of_a_walk_is_what_numpy_says(zeroed):
    f = walking()
    if zeroed:
        f.zero = np.array([[1.0, -6.0, 2.0, 0.3, 0.1, -0.4], [-2.0, 5.0, 1.0, -0.2, 0.3, 0.2]])
        f.surface = np.array([0.01, -0.02])
    f.feet[0, live.CONTACT] = 0.3
    out, _ = f.run()
    assert (out[:, live.O_FRAME] == 1000 + np.arange(len(out))).all()
    assert (out[:, live.O_TIME] == f.time).all()
    assert (out[:, live.O_STANCE] == 1.0).all()
    assert (out[:, live.O_STANCE + 1] == 0.0).all()
    assert (out[:, live.O_MISSING] == 0.0).all()
    for foot, s in enumerate((1, -1)):
        at = {role: f.markers[:, f.roles[foot, k]] for k, role in enumerate(ROLE_NAMES)}
        knee = (at["knee_lateral"] + at["knee_medial"]) / 2
        ankle = (at["ankle_lateral"] + at["ankle_medial"]) / 2
        wrench = np.stack([np.interp(f.time, f.force_time, f.wrench[:, foot, c]) for c in range(6)], axis=1)
        wrench = wrench - f.zero[foot]
        known = f.time > f.force_time[0]
        np.testing.assert_allclose(side(out, foot, live.S_FZ)[known], wrench[known, 1], atol=1e-9)
        assert np.isnan(side(out, foot, live.S_FZ)[~known]).all()
        loaded = known & (wrench[:, 1] >= 30.0)
        moment = naive.moment_about(knee, np.zeros((1, 3)), wrench[:, :3], wrench[:, 3:])
        axes = naive.tibia_frame(knee, ankle, s * (at["knee_lateral"] - at["knee_medial"]))
        kam, kfm = naive.kam_kfm(moment, axes, s)
        for column, theirs in ((live.S_KAM, kam), (live.S_KFM, kfm)):
            np.testing.assert_allclose(side(out, foot, column)[loaded], theirs[loaded], atol=1e-9)
            assert np.isnan(side(out, foot, column)[~loaded]).all()
        height, up = f.surface[foot], np.where(loaded, wrench[:, 1], np.nan)
        x, z = (wrench[:, 5] + height * wrench[:, 0]) / up, (height * wrench[:, 2] - wrench[:, 3]) / up
        np.testing.assert_allclose(side(out, foot, live.S_COPX), x, atol=1e-9)
        np.testing.assert_allclose(side(out, foot, live.S_COPZ), z, atol=1e-9)
        np.testing.assert_allclose(
            side(out, foot, live.S_FPA), naive.foot_progression_deg(at["heel"], at["mt2"], s), atol=1e-9
        )
        np.testing.assert_allclose(side(out, foot, live.S_HEEL), at["heel"][:, 1])
        np.testing.assert_allclose(side(out, foot, live.S_TOE), (at["mt1"] + at["mt5"])[:, 1] / 2)
        assert np.isnan(side(out, foot, live.S_RESIDUAL)).all()


def test_frames_in_pieces_are_those_at_once():
    whole, pieces = walking(), walking()
    for f in (whole, pieces):
        f.walk[live.BELT], f.feet[:, live.STAND_HEEL], f.feet[:, live.STAND_TOE] = BELT, *STAND
        f.feet[0, live.CONTACT] = 0.4
    out, noticed = whole.run()
    parts = [pieces.run(a, min(a + 7, len(out))) for a in range(0, len(out), 7)]
    np.testing.assert_array_equal(np.vstack([p[0] for p in parts]), out)
    np.testing.assert_array_equal(np.vstack([p[1] for p in parts]), noticed)


def test_forces_that_are_not_there_give_no_moment():
    f = walking(1.2)
    gone = (f.force_time > 0.7) & (f.force_time < 0.72)
    f.force_time, f.wrench = f.force_time[~gone], np.ascontiguousarray(f.wrench[~gone])
    out, _ = f.run()
    hole = (f.time > 0.7 + 1e-9) & (f.time < 0.72)
    assert hole.sum() >= 3
    assert np.isnan(side(out, 0, live.S_FZ)[hole]).all()
    assert np.isfinite(side(out, 0, live.S_FZ)[(f.time > 0.01) & ~((f.time > 0.699) & (f.time < 0.721))]).all()


def test_hidden_markers_are_counted_and_their_numbers_are_none():
    f = walking(1.2)
    f.markers[100:110, f.roles[0, 0]] = np.nan
    f.markers[105:110, f.roles[1, 4]] = np.nan
    out, _ = f.run()
    assert out[95:115, live.O_MISSING].tolist() == [0.0] * 5 + [1.0] * 5 + [2.0] * 5 + [0.0] * 5
    assert np.isnan(side(out, 0, live.S_KAM)[100:110]).all()
    assert np.isfinite(side(out, 0, live.S_FPA)[100:110]).all()
    assert np.isnan(side(out, 1, live.S_FPA)[105:110]).all()


def standing(speed: float = -BELT, n: int = 200) -> Frames:
    """Both feet flat on a belt, 7 deg out, loaded with 400 N each."""
    time, base = np.arange(n) / RATE, np.array([[0.0, 0.03, 0.1], [0.0, 0.03, -0.1]])
    markers, roles = np.zeros((n, 16, 3)), np.arange(16).reshape(2, 8)
    out = np.radians(7.0)
    ahead = np.array([[np.cos(out), 0.0, s * np.sin(out)] for s in (1, -1)])
    across = np.array([[0.0, 0.0, s] for s in (1, -1)])
    up = np.array([0.0, 1.0, 0.0])
    for foot in range(2):
        heel = base[foot] + [0.0, STAND[0] - 0.03, 0.0]
        front = heel + 0.2 * ahead[foot] + (STAND[1] - STAND[0]) * up
        ankle, knee = heel + 0.05 * ahead[foot] + 0.08 * up, heel + 0.1 * ahead[foot] + 0.48 * up
        places = [
            knee + 0.06 * across[foot], knee - 0.06 * across[foot], ankle + 0.04 * across[foot],
            ankle - 0.04 * across[foot], heel, front - 0.04 * across[foot], front, front + 0.04 * across[foot],
        ]  # fmt: skip
        markers[:, 8 * foot : 8 * foot + 8] = np.array(places)
    markers[:, :, 0] += speed * time[:, None]
    force_time = np.arange(-2, 5 * n + 2) / 1000.0
    wrench = np.zeros((len(force_time), 2, 6))
    wrench[:, :, 1] = 400.0
    f = Frames(time, markers, force_time, wrench, roles)
    f.walk[live.BELT], f.feet[:, live.STAND_HEEL], f.feet[:, live.STAND_TOE] = BELT, *STAND
    return f


def heels(f: Frames, foot: int, first: int, rise: float) -> None:
    f.markers[first:, f.roles[foot, 4], 1] += rise


@pytest.mark.parametrize("foot", [0, 1])
def test_the_angle_is_out_at_the_second_frame_of_a_risen_heel(foot):
    f = standing()
    f.feet[foot, live.CONTACT] = 0.0
    turn = np.radians(2.0)
    # Half of the flat time at 7 deg, half at 9 deg toe-out.
    heel = f.roles[foot, 4]
    for role in (5, 6, 7):
        d = f.markers[60:, f.roles[foot, role]] - f.markers[60:, heel]
        s = 1 if foot == 0 else -1
        c, n = np.cos(turn), s * np.sin(turn)
        x, z = c * d[:, 0] - n * d[:, 2], n * d[:, 0] + c * d[:, 2]
        f.markers[60:, f.roles[foot, role], 0] = f.markers[60:, heel, 0] + x
        f.markers[60:, f.roles[foot, role], 2] = f.markers[60:, heel, 2] + z
    heels(f, foot, 120, 0.02)
    _, noticed = f.run()
    (row,) = noticed
    assert (row[live.N_KIND], row[live.N_FOOT], row[live.N_FRAME]) == (0.0, foot, 121)
    # A speed needs four frames: 4-119 count, 56 of them at 7 and 60 at 9 deg; a toe that turns jumps for four frames.
    assert row[live.N_VALUE] == pytest.approx((56 * 7.0 + 60 * 9.0) / 116, abs=0.05)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: heels(f, 0, 0, 0.0), True),
        (lambda f: heels(f, 0, 0, 0.0149), True),
        (lambda f: heels(f, 0, 0, 0.0151), False),
        (lambda f: heels(f, 0, 0, -0.0151), False),
        (lambda f: f.markers.__setitem__((slice(None), f.roles[0, 5:8], 1), STAND[1] + 0.0152), False),
        (lambda f: f.feet.__setitem__((0, live.CONTACT), np.nan), False),
        (lambda f: f.feet.__setitem__((0, live.SAID), 1.0), False),
        (lambda f: f.walk.__setitem__(live.BELT, np.nan), False),
        (lambda f: f.walk.__setitem__(live.BELT, BELT + 0.14), True),
        (lambda f: f.walk.__setitem__(live.BELT, BELT - 0.16), False),
        (lambda f: f.feet.__setitem__((0, live.STAND_HEEL), np.nan), False),
        (lambda f: f.limits.__setitem__(live.L_FLAT, 117), False),
    ],
)
def test_only_a_foot_that_was_flat_on_the_moving_belt_tells_its_angle(change, said):
    f = standing()
    f.feet[0, live.CONTACT] = 0.0
    change(f)
    heels(f, 0, 120, 0.03)
    _, noticed = f.run()
    assert len(noticed) == int(said)


def test_a_heel_that_only_twitches_says_nothing():
    f = standing()
    f.feet[0, live.CONTACT] = 0.0
    f.markers[120, f.roles[0, 4], 1] += 0.03
    assert len(f.run()[1]) == 0


def stopping(after: float, again: float = -BELT) -> Frames:
    """The belt runs, stands from 0.3 s to 0.7 s at `after` m/s, and runs at `again`."""
    f = standing(0.0)
    speed = np.full(len(f.time), -BELT)
    speed[60:140], speed[140:] = after, again
    f.markers[:, :, 0] += np.concatenate([[0.0], np.cumsum(speed[1:]) / RATE])[:, None]
    return f


def test_a_belt_that_stands_for_24_frames_has_stopped_and_goes_on():
    _, noticed = stopping(0.0).run()
    assert noticed[:, live.N_KIND].tolist() == [1.0, 2.0]
    first, second = noticed[:, live.N_FRAME]
    assert 60 + 24 <= first <= 60 + 24 + 4  # a speed is taken over four frames
    assert 140 <= second <= 144
    assert noticed[0, live.N_VALUE] < 0.2 < 0.3 < noticed[1, live.N_VALUE]
    assert (noticed[:, live.N_FOOT] == -1.0).all()


@pytest.mark.parametrize(
    ("speed", "belt", "load", "told"),
    [
        (-0.19, BELT, 400.0, True), (-0.21, BELT, 400.0, False), (0.19, BELT, 400.0, True),
        (-0.11, 0.4, 400.0, True), (-0.13, 0.4, 400.0, False), (0.0, np.nan, 400.0, False), (0.0, BELT, 119.0, False),
        (0.0, BELT, 121.0, True),
    ],
)  # fmt: skip
def test_how_slow_a_belt_must_be_and_how_loaded_a_foot(speed, belt, load, told):
    f = stopping(speed, again=speed)
    f.walk[live.BELT] = belt
    f.wrench[:, :, 1] = load
    _, noticed = f.run()
    assert (noticed[:, live.N_KIND] == 1.0).any() == told


def test_the_faster_end_of_the_foot_tells_whether_the_belt_moves():
    f = stopping(0.0)
    f.markers[:, f.roles[:, 7], 0] -= BELT * f.time[:, None] * (f.time[:, None] > 0.3)  # a toe that slides on
    f.wrench[:, 1] = 0.0
    assert len(f.run()[1]) == 0
