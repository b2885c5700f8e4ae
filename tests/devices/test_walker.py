"""The walker is what SCIENCE.md section 9 says it is, and its truth is true."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from devices.walker import FAULTS, Chunk, Fault, Walker
from devices.walker import reference as ref
from devices.walker.leg import MARKERS, cross
from devices.walker.moments import external_knee_moment
from devices.walker.pace import Pace
from devices.walker.plates import DEPTH_M, centre_z
from devices.walker.steps import Cue, FootSteps
from devices.walker.stride import Choice, Stride
from devices.walker.walk import LABELS

UNIT = 75.0 * 9.81 * 1.70 / 100.0  # Nm in one %BW*Ht


def steady(seed: int = 1, **more: object) -> Walker:
    """A walker without noise whose every step is the reference step."""
    return Walker(seed, noise="none", fpa_sd_deg=0.0, **more)  # type: ignore[arg-type]


def stride(side: int, fpa_deg: float = 7.0, before_deg: float = 7.0) -> Stride:
    return Stride(side, 75.0, Pace(1.0, 0.4, ()), 1.5, Choice(before_deg), Choice(fpa_deg))


def marker(chunk: Chunk, name: str) -> np.ndarray:
    column = 3 * LABELS.index(name)
    return chunk.markers.values[:, column : column + 3]


def wrench_in_lab(row: np.ndarray, plate: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Force, COP and free moment of one plate, by the textbook: (n, 6) channels -> (3, n), (3, n), (n,)."""
    fx, fy, fz, mx, my, mz = row.T
    # From the transducers to the surface centre (z down, so up is negative): M_S = M_O - o x F.
    mx, my = mx - (0 * fz - (-DEPTH_M) * fy), my - ((-DEPTH_M) * fx - 0 * fz)
    cop_x, cop_y = -my / fz, mx / fz
    free = mz - cop_x * fy + cop_y * fx
    return np.stack([fx, -fz, fy]), np.stack([cop_x, 0 * fx, cop_y + centre_z(plate)]), -free


@pytest.mark.parametrize("side", ["right", "left"])
def test_the_reference_step_has_the_published_moments(side: str) -> None:
    walker = steady()
    walker.advance(4.0)
    step = next(s for s in walker.truth if s.side == side)
    assert step.kam1_pct_bwht == pytest.approx(3.14, abs=0.005)
    assert step.kam2_pct_bwht == pytest.approx(1.88, abs=0.005)
    assert step.kfm_pct_bwht == pytest.approx(3.27, abs=0.005)
    assert step.fpa_deg == pytest.approx(7.0, abs=1e-12)
    assert step.cop_shift_mm == pytest.approx(0.0, abs=1e-9)  # the reference needs no imposing


def test_the_flexion_moment_peaks_late_and_is_smaller_at_the_first_adduction_peak() -> None:
    fraction = np.linspace(0.0, 1.0, 1001)
    step = stride(1)
    kam, kfm, _ = step.curves(step.contact_s + 0.7 * fraction)
    assert fraction[np.argmax(kfm)] == pytest.approx(0.87, abs=0.005)
    assert kfm[np.argmax(kam)] / UNIT == pytest.approx(2.1, abs=0.05)


def test_newton_euler_from_the_foot_up_equals_the_closed_form() -> None:
    step = stride(-1, 12.0)
    t = step.contact_s + np.linspace(0.01, 0.69, 50)
    leg = step.leg(t)
    wrench, _ = step.wrench(t, leg)
    whole = cross(wrench.cop - leg.knee, wrench.force)
    whole[1] += wrench.free
    for segment, mass, com, radii, length in (
        (leg.shank, 3.6, (-0.048, -0.410, -0.007), (0.28, 0.10, 0.28), 0.40),
        (leg.foot, 0.9, (0.502, -0.199, -0.034), (0.22, 0.49, 0.48), 0.139),
    ):
        axes = np.moveaxis(segment.axes, 2, 0)  # (n, 3, 3), columns are the axes
        inertia = axes @ np.diag([mass * (r * length) ** 2 for r in radii]) @ np.swapaxes(axes, 1, 2)
        offset = np.einsum("nij,j->in", axes, np.array(com) * length)
        pull = mass * (segment.acceleration(offset) + np.array([[0.0], [9.81], [0.0]]))
        spin = np.einsum("nij,jn->in", inertia, segment.spin)
        turning = np.einsum("nij,jn->in", inertia, segment.spin_rate) + cross(segment.spin, spin)
        whole -= cross(segment.origin + offset - leg.knee, pull) + turning
    assert np.allclose(whole, external_knee_moment(leg, wrench, 75.0), atol=1e-9)


@pytest.mark.parametrize("phase_s", [0.15, 0.79])  # in swing with the foot turning; in stance
@pytest.mark.parametrize("side", [1, -1])
def test_analytic_derivatives_match_finite_differences(side: int, phase_s: float) -> None:
    step = stride(side, fpa_deg=15.0, before_deg=-5.0)
    h = 1e-4
    t = step.begin_s + phase_s + np.array([-h, 0.0, h])
    leg = step.leg(t)
    for segment in (leg.shank, leg.foot):
        velocity = (segment.axes[:, :, 2] - segment.axes[:, :, 0]) / (2 * h)
        for axis in range(3):
            assert np.allclose(velocity[:, axis], np.cross(segment.spin[:, 1], segment.axes[:, axis, 1]), atol=1e-4)
        assert np.allclose((segment.spin[:, 2] - segment.spin[:, 0]) / (2 * h), segment.spin_rate[:, 1], atol=1e-3)
        difference = (segment.origin[:, 0] - 2 * segment.origin[:, 1] + segment.origin[:, 2]) / h**2
        assert np.allclose(difference, segment.origin_acc[:, 1], atol=1e-3)


def test_position_velocity_and_acceleration_are_continuous_at_contact_and_toe_off() -> None:
    first, second = stride(1, 9.0, 3.0), Stride(1, 75.0, Pace(1.0, 0.4, ()), 2.6, Choice(9.0), Choice(-4.0))
    for here, there, moment in ((first, first, first.contact_s), (first, second, first.end_s)):
        before, after = here.leg(np.array([moment - 1e-9])), there.leg(np.array([moment + 1e-9]))
        for old, new in ((before.shank, after.shank), (before.foot, after.foot)):
            assert np.allclose(old.origin, new.origin, atol=1e-7)
            assert np.allclose(old.spin, new.spin, atol=1e-5)
            assert np.allclose(old.origin_acc, new.origin_acc, atol=1e-4)
            assert np.allclose(old.spin_rate, new.spin_rate, atol=1e-3)


def test_a_foot_in_swing_stays_above_the_belt() -> None:
    chunk = steady().advance(5.0)
    for name in ("RCAL", "RMT2", "RMT5", "LCAL", "LMT2"):
        assert marker(chunk, name)[:, 1].min() > 0.01


def test_a_mirrored_walker_has_a_mirrored_leg_half_a_stride_later() -> None:
    chunk = steady().advance(6.0)
    later = 110  # 0.55 s of frames
    for name in MARKERS:
        right, left = marker(chunk, f"R{name}")[:-later], marker(chunk, f"L{name}")[later:]
        assert np.allclose(left, right * [1.0, 1.0, -1.0], atol=1e-9)
    later = 550
    forces = chunk.forces.values
    right, left = forces[:-later, 6:], forces[later:, :6]
    assert np.allclose(left, right * [1, -1, 1, -1, 1, -1], atol=1e-6)


def test_toe_out_turns_the_foot_and_not_the_shank() -> None:
    t = stride(1).contact_s + np.linspace(0.0, 0.69, 20)
    usual, turned = stride(1, 7.0).leg(t), stride(1, 17.0).leg(t)
    assert np.array_equal(usual.shank.axes, turned.shank.axes)
    v = turned.foot.axes[:, 0]
    assert np.allclose(np.rad2deg(np.arctan2(v[2], v[0])), 17.0)


@pytest.mark.parametrize(("letter", "side", "sign"), [("R", "right", 1), ("L", "left", -1)])
def test_heel_and_toe_markers_show_the_true_angle_in_stance(letter: str, side: str, sign: int) -> None:
    walker = Walker(3, noise="none")
    chunk = walker.advance(8.0)
    v = marker(chunk, f"{letter}MT2") - marker(chunk, f"{letter}CAL")
    angle = np.rad2deg(sign * np.arctan2(v[:, 2], v[:, 0]))
    for step in (s for s in walker.truth if s.side == side):
        inside = (chunk.markers.time >= step.contact_s) & (chunk.markers.time <= step.toe_off_s)
        assert np.allclose(angle[inside], step.fpa_deg, atol=1e-9)


def test_plates_give_back_the_force_its_point_and_the_free_moment() -> None:
    chunk = steady().advance(1.6)
    step = Stride(1, 75.0, Pace(1.0, 0.4, ()), 0.4, Choice(7.0), Choice(7.0))
    inside = (chunk.forces.time > 0.42) & (chunk.forces.time < 1.07)
    t = chunk.forces.time[inside]
    wrench, _ = step.wrench(t, step.leg(t))
    force, cop, free = wrench_in_lab(chunk.forces.values[inside, 6:], plate=1)
    assert np.allclose(force, wrench.force, atol=1e-9)
    assert np.allclose(cop, wrench.cop, atol=1e-9)
    assert np.allclose(free, wrench.free, atol=1e-9)
    assert force[1].min() > 0  # the subject is pushed up


def test_contact_and_toe_off_are_the_30_newton_crossings() -> None:
    walker = steady(mass_kg=60.0)
    walker.advance(4.0)
    for step in walker.truth:
        for moment in (step.start_s, step.end_s):
            fraction = (moment - step.contact_s) / (step.toe_off_s - step.contact_s)
            assert ref.VERTICAL(fraction) * 60.0 * 9.81 == pytest.approx(30.0, abs=1e-4)


def test_the_wanted_moment_is_imposed_exactly_by_the_point_of_force() -> None:
    walker = Walker(5, noise="none", slope=(0.05, -0.03), fpa_sd_deg=3.0)
    walker.advance(40.0)
    for step in walker.truth:
        turn = step.fpa_deg - 7.0
        assert step.kam1_pct_bwht == pytest.approx(3.1391 + 0.05 * turn, abs=0.002)
        assert step.kam2_pct_bwht == pytest.approx(1.8821 - 0.03 * turn, abs=0.002)
        assert step.cop_shift_mm <= 35.0


def test_noise_free_samples_analysed_apart_from_the_walker_give_its_truth() -> None:
    """Filter (8, 10, 15 Hz), finite differences and matrix algebra only: nothing of the walker's own mechanics."""
    walker = Walker(11, noise="none", slope=(0.03, -0.02))
    chunk = walker.advance(14.0)
    for hz in (8.0, 10.0, 15.0):
        kam = {side: analysed(chunk, side, hz) for side in ("right", "left")}
        angle = {side: filtered_angle(chunk, side, hz) for side in ("right", "left")}
        steps = [s for s in walker.truth if s.start_s > 1.0 and s.end_s < 13.0]
        assert len(steps) > 18
        for step in steps:
            grid = np.linspace(step.start_s, step.end_s, 201)
            curve = np.interp(grid, chunk.markers.time, kam[step.side]) / UNIT
            assert curve[6:100].max() == pytest.approx(step.kam1_pct_bwht, abs=0.01)
            assert curve[100:195].max() == pytest.approx(step.kam2_pct_bwht, abs=0.01)
            flat = np.interp(grid[40:121], chunk.markers.time, angle[step.side])
            assert flat.mean() == pytest.approx(step.fpa_deg, abs=0.05)


def smooth(values: np.ndarray, hz: float, rate: float) -> np.ndarray:
    return sosfiltfilt(butter(2, hz, fs=rate, output="sos"), values, axis=0)


def filtered_angle(chunk: Chunk, side: str, hz: float) -> np.ndarray:
    letter, sign = ("R", 1.0) if side == "right" else ("L", -1.0)
    v = smooth(marker(chunk, f"{letter}MT2"), hz, 200.0) - smooth(marker(chunk, f"{letter}CAL"), hz, 200.0)
    return np.rad2deg(sign * np.arctan2(v[:, 2], v[:, 0]))


def analysed(chunk: Chunk, side: str, hz: float) -> np.ndarray:
    """KAM of every frame, Nm, from filtered samples: the closed form with numerical derivatives."""
    letter, sign, plate = ("R", 1.0, 1) if side == "right" else ("L", -1.0, 0)
    p = {name: smooth(marker(chunk, f"{letter}{name}"), hz, 200.0) for name in MARKERS}
    channels = smooth(chunk.forces.values[:, 6 * plate : 6 * plate + 6], hz, 1000.0)[::5]
    n = len(chunk.markers.time)
    knee, ankle = (p["KNEL"] + p["KNEM"]) / 2, (p["ANKL"] + p["ANKM"]) / 2

    def frame(y: np.ndarray, z: np.ndarray) -> np.ndarray:
        x = np.cross(y, z)
        x /= np.linalg.norm(x, axis=1)[:, None]
        return np.stack([x, y, np.cross(x, y)], axis=2)

    y = (knee - ankle) / np.linalg.norm(knee - ankle, axis=1)[:, None]
    tibia = frame(y, sign * (p["KNEL"] - p["KNEM"]))
    middle = (p["MT1"] + p["MT5"]) / 2
    x = (middle - p["CAL"]) / np.linalg.norm(middle - p["CAL"], axis=1)[:, None]
    y = np.cross(sign * (p["MT5"] - p["MT1"]), x)
    y /= np.linalg.norm(y, axis=1)[:, None]
    foot = np.stack([x, y, np.cross(x, y)], axis=2)

    force = np.stack([channels[:, 0], -channels[:, 2], channels[:, 1]], axis=1)
    couple = np.stack([channels[:, 3], -channels[:, 5], channels[:, 4]], axis=1)
    origin = np.array([0.0, -DEPTH_M, centre_z(plate)])
    whole = couple + np.cross(origin - knee, force)
    for axes, at, share, com, radii, length in (
        (tibia, knee, 0.048, (-0.048, -0.410, sign * 0.007), (0.28, 0.10, 0.28), 0.40),
        (foot, ankle, 0.012, (0.502, -0.199, sign * 0.034), (0.22, 0.49, 0.48), 0.139),
    ):
        mass = 75.0 * share
        centre = at + np.einsum("nij,j->ni", axes, np.array(com) * length)
        rate = np.gradient(axes, 0.005, axis=0) @ np.swapaxes(axes, 1, 2)
        spin = np.stack([rate[:, 2, 1], rate[:, 0, 2], rate[:, 1, 0]], axis=1)
        inertia = axes @ np.diag([mass * (r * length) ** 2 for r in radii]) @ np.swapaxes(axes, 1, 2)
        turning = np.gradient(np.einsum("nij,nj->ni", inertia, spin), 0.005, axis=0)
        acceleration = np.gradient(np.gradient(centre, 0.005, axis=0), 0.005, axis=0)
        whole -= np.cross(centre - knee, mass * (acceleration + np.array([0.0, 9.81, 0.0]))) + turning
    assert whole.shape == (n, 3)
    return sign * np.einsum("ni,ni->n", whole, tibia[:, :, 0])


# -- the same walk, however it is asked for --------------------------------------------------------------------------


def portions(walker: Walker, seconds: float, seed: int, longest: float = 0.4) -> Chunk:
    rng, until, parts = np.random.default_rng(seed), 0.0, []
    while until < seconds:
        until = min(seconds, until + float(rng.uniform(0.0, longest)))
        if rng.random() < 0.3:
            walker.prepare(until + 0.03)
        parts.append(walker.advance(until))
    markers_, forces = ([getattr(part, name) for part in parts] for name in ("markers", "forces"))
    joined = [
        type(s[0])(np.concatenate([p.time for p in s]), np.concatenate([p.values for p in s]))
        for s in (markers_, forces)
    ]
    return Chunk(*joined)


ALL_FAULTS = tuple(
    Fault(name, 1.0 + 0.31 * i, 3.0 + 0.31 * i)
    for i, name in enumerate(FAULTS)
    if name not in ("belt_stop", "silent_forces")
)


@pytest.mark.parametrize(
    ("noise", "faults"), [("standard", ()), ("hard", ALL_FAULTS), ("hard", (Fault("belt_stop", 2, 5),))]
)
def test_any_portions_give_the_same_bytes(noise: str, faults: tuple[Fault, ...]) -> None:
    whole = Walker(7, noise=noise, faults=faults).advance(9.0)
    for seed in (0, 1):
        cut = portions(Walker(7, noise=noise, faults=faults), 9.0, seed)
        for stream in (0, 1):
            assert cut[stream].time.tobytes() == whole[stream].time.tobytes()
            assert cut[stream].values.tobytes() == whole[stream].values.tobytes()


def test_a_seed_is_a_person_and_another_seed_another_one() -> None:
    one, same, other = (Walker(seed).advance(3.0) for seed in (4, 4, 5))
    assert one.markers.values.tobytes() == same.markers.values.tobytes()
    assert one.forces.values.tobytes() == same.forces.values.tobytes()
    assert one.markers.values.tobytes() != other.markers.values.tobytes()


def test_standard_noise_has_the_stated_sizes() -> None:
    noisy, clean = Walker(2).advance(20.0), Walker(2, noise="none").advance(20.0)
    force = noisy.forces.values - clean.forces.values
    assert force[:, [0, 1, 6, 7]].std() == pytest.approx(3.0, abs=0.1)
    assert force[:, [2, 8]].std() == pytest.approx(np.sqrt(10.0**2 + 10.0**2 / 2), abs=0.3)  # white noise and ringing
    assert force[:, [3, 4, 5, 9, 10, 11]].std() == pytest.approx(1.0, abs=0.05)
    spectrum = np.abs(np.fft.rfft(force[:, 2] - force[:, 2].mean())) ** 2
    hertz = np.fft.rfftfreq(len(force), 0.001)
    ringing = (hertz > 22) & (hertz < 36)
    assert spectrum[ringing].mean() > 10 * spectrum[~ringing].mean()
    assert np.diff(noisy.markers.values - clean.markers.values, axis=0).std() == pytest.approx(
        0.0003 * np.sqrt(2), rel=0.05
    )


def test_natural_steps_vary_as_people_do() -> None:
    foot = FootSteps(9, 1, 7.0, 1.65, 7.0)
    angle = np.array([foot.decide(step, []) for step in range(4000)])
    assert angle.mean() == pytest.approx(7.0, abs=0.15)
    assert angle.std() == pytest.approx(1.65, abs=0.06)
    assert np.corrcoef(angle[1:], angle[:-1])[0, 1] == pytest.approx(0.23, abs=0.05)


# -- learning --------------------------------------------------------------------------------------------------------


def test_a_cue_acts_from_that_foots_next_but_one_step_on() -> None:
    plain, cued = Walker(6, noise="none"), Walker(6, noise="none")
    plain.advance(12.0)
    cued.advance(3.3)  # in the right foot's stance 2, which began at 2.6 s
    cued.cue(3.25, 1, 8.0, "TOO_FAR_OUT")
    cued.advance(12.0)
    for a, b in zip(plain.truth, cued.truth, strict=True):
        if a.side == "left" or a.step < 4:
            assert a.fpa_deg == b.fpa_deg
        elif a.step == 4:
            assert b.fpa_deg != a.fpa_deg
    assert cued.late_cues == 0


def test_cues_given_late_in_real_time_but_early_in_data_time_make_the_same_walk() -> None:
    fast, slow = Walker(6), Walker(6)
    for walker, delay in ((fast, 0.0), (slow, 0.25)):
        for step in range(6):
            known = 1.0 + 1.1 * step
            walker.advance(known + delay)
            walker.cue(known, 1, -5.0, "TOO_FAR_IN")
        walker.advance(10.0)
    assert [s.fpa_deg for s in fast.truth] == [s.fpa_deg for s in slow.truth]


@pytest.mark.parametrize("change", [-10.0, -5.0, 5.0])
def test_people_learn_with_cues_as_the_published_36_did(change: float) -> None:
    errors = []
    for seed in range(12):
        foot, past = FootSteps(seed, 1, 7.0, 1.65, 7.0), []
        for step in range(1150):
            deviation = past[step - 2] if step >= 2 else None
            state = "" if deviation is None else "GOOD" if abs(deviation) <= 2 else "TOO_FAR"
            cues = [] if deviation is None else [Cue(0.0, 1, deviation, state)]
            past.append(foot.decide(step, cues) - 7.0 - change)
        errors.append(past[60:])
    early, *_, late = np.array_split(np.array(errors), 4, axis=1)
    assert np.sqrt((early**2).mean()) == pytest.approx(3.0, abs=0.3)
    assert np.sqrt((late**2).mean()) == pytest.approx(2.3, abs=0.3)
    assert 0.45 < (np.abs(early) <= 2).mean() < (np.abs(late) <= 2).mean() < 0.68
    assert 0.5 < -np.sign(change) * late.mean() < 1.0  # they stop short


def test_a_good_step_asks_for_nothing() -> None:
    foot = FootSteps(1, 1, 7.0, 0.0, 7.0)
    foot.decide(0, [Cue(0.0, 1, 1.5, "GOOD")])
    assert foot.aim_deg == 7.0
