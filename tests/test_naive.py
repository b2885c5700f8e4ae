"""The oracle itself, against cases worked by hand from SCIENCE.md."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation

from tests import naive

UPRIGHT = np.eye(3)[None]
STILL = (0.0, np.zeros((1, 3)), np.zeros((1, 3)), np.zeros((1, 3)))  # a body without mass


def row(*numbers: float) -> naive.Array:
    """One frame of one vector."""
    return np.array([numbers], dtype=float)


# ---- signs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("s", [1, -1])
def test_a_force_20_mm_medial_of_the_knee_gives_15_nm_of_adduction_on_both_legs(s):
    moment = naive.recursion(
        row(0, 0.45, 0), row(0, 0.05, 0), row(0, 0, -0.02 * s), row(0, 750, 0), np.zeros((1, 3)), STILL, STILL
    )
    kam, kfm = naive.kam_kfm(moment, UPRIGHT, s)
    assert kam[0] == pytest.approx(15.0)
    assert kfm[0] == pytest.approx(0.0)


@pytest.mark.parametrize("s", [1, -1])
def test_a_force_50_mm_behind_the_knee_flexes_it_on_both_legs(s):
    moment = naive.moment_about(row(0, 0.45, 0), row(-0.05, 0, 0), row(0, 750, 0), np.zeros((1, 3)))
    assert naive.kam_kfm(moment, UPRIGHT, s)[1][0] == pytest.approx(37.5)


@pytest.mark.parametrize("s", [1, -1])
def test_toes_turned_away_from_the_body_are_toe_out_on_both_feet(s):
    toe = row(0.2 * np.cos(np.radians(10)), -0.05, s * 0.2 * np.sin(np.radians(10)))
    assert naive.foot_progression_deg(row(0, 0, 0), toe, s)[0] == pytest.approx(10.0)


@pytest.mark.parametrize("s", [1, -1])
def test_frames_of_an_upright_leg_are_the_lab_axes_on_both_sides(s):
    lateral_minus_medial = row(0, 0, s * 0.1)
    tibia = naive.tibia_frame(row(0, 0.5, 0), row(0, 0.1, 0), s * lateral_minus_medial)
    foot = naive.foot_frame(row(-0.05, 0, 0), row(0.15, 0, 0), s * lateral_minus_medial)
    without_mt1 = naive.foot_frame(row(-0.05, 0, 0), row(0.15, 0, 0), None)
    for frame in (tibia, foot, without_mt1):
        np.testing.assert_allclose(frame[0], np.eye(3), atol=1e-12)


# ---- moments ------------------------------------------------------------------------------------------------------


def test_closed_form_equals_the_recursion_for_any_motion():
    rng = np.random.default_rng(7)
    k, a, p, f, t = rng.normal(size=(5, 50, 3))
    bodies = [(m, *rng.normal(size=(3, 50, 3))) for m in (0.9, 3.6)]
    np.testing.assert_allclose(
        naive.recursion(k, a, p, f, t, *bodies), naive.closed_form(k, p, f, t, *bodies), atol=1e-11
    )


def test_the_moment_does_not_depend_on_the_point_the_wrench_is_written_about():
    rng = np.random.default_rng(8)
    k, a, p, q, f, t = rng.normal(size=(6, 20, 3))
    bodies = [(m, *rng.normal(size=(3, 20, 3))) for m in (0.9, 3.6)]
    about_q = naive.moment_about(q, p, f, t)
    np.testing.assert_allclose(
        naive.recursion(k, a, p, f, t, *bodies), naive.recursion(k, a, q, f, about_q, *bodies), atol=1e-11
    )


def test_a_leg_hanging_forward_at_rest_is_extended_by_its_own_weight():
    # 4 kg, centre 0.1 m in front of the knee, no plate force: weight 39.24 N turns the shank down, into flexion.
    shank = (4.0, row(0.1, 0.0, 0), np.zeros((1, 3)), np.zeros((1, 3)))
    zero = np.zeros((1, 3))
    moment = naive.recursion(zero, row(0.4, 0, 0), zero, zero, zero, STILL, shank)
    assert naive.kam_kfm(moment, UPRIGHT, 1)[1][0] == pytest.approx(3.924)


def test_angular_momentum_of_a_body_spinning_about_a_tilted_axis():
    rate, w = 1000.0, np.array([0.0, 0.0, 3.0])
    time = np.arange(400) / rate
    frames = Rotation.from_rotvec(time[:, None] * w).as_matrix()
    tensor = np.array([[3.0, 0.2, 0.5], [0.2, 2.0, -0.4], [0.5, -0.4, 1.0]])
    # w x (I w), in the body's axes: (-w^2 Iyz, w^2 Ixz, 0)
    expected = np.einsum("nij,j->ni", frames, [9 * 0.4, 9 * 0.5, 0.0])
    _, change = naive.segment_motion(frames, np.zeros((400, 3)), tensor, rate)
    np.testing.assert_allclose(change[5:-5], expected[5:-5], atol=1e-4)


def test_angular_momentum_of_a_body_speeding_up_about_its_axis():
    time = np.arange(400) / 1000.0
    frames = Rotation.from_rotvec(np.outer(time**2 / 2, [0.0, 4.0, 0.0])).as_matrix()
    _, change = naive.segment_motion(frames, np.zeros((400, 3)), np.diag([3.0, 2.0, 1.0]), 1000.0)
    np.testing.assert_allclose(change[5:-5], np.tile([0.0, 8.0, 0.0], (390, 1)), atol=1e-3)


# ---- inertia ------------------------------------------------------------------------------------------------------


def test_dumas_shank_of_a_75_kg_man_is_mirrored_on_the_left():
    m, com, tensor = naive.inertia("dumas_male", "shank", 1, 75, 0.40, 0.139, 0.2)
    assert m == pytest.approx(3.6)
    np.testing.assert_allclose(com, [-0.0192, -0.164, 0.0028])
    right = [[0.0451584, -0.0009216, -0.0002304], [-0.0009216, 0.00576, 0.00144], [-0.0002304, 0.00144, 0.0451584]]
    np.testing.assert_allclose(tensor, right, rtol=1e-9)
    _, com, tensor = naive.inertia("dumas_male", "shank", -1, 75, 0.40, 0.139, 0.2)
    np.testing.assert_allclose(com, [-0.0192, -0.164, -0.0028])
    np.testing.assert_allclose(tensor, np.array(right) * [[1, 1, -1], [1, 1, -1], [-1, -1, 1]], rtol=1e-9)


def test_dumas_foot_of_a_60_kg_woman():
    m, com, tensor = naive.inertia("dumas_female", "foot", 1, 60, 0.40, 0.10, 0.2)
    assert m == pytest.approx(0.6)
    np.testing.assert_allclose(com, [0.0382, -0.0309, 0.0055])
    np.testing.assert_allclose(np.diag(tensor), [0.6e-2 * 0.24**2, 0.6e-2 * 0.51**2, 0.6e-2 * 0.5**2])
    np.testing.assert_allclose(tensor[[0, 0, 1], [1, 2, 2]], [-0.6e-2 * 0.0225, 0.6e-2 * 0.0081, -0.6e-2 * 0.0025])


def test_winter_has_no_inertia_about_the_long_axes():
    m, com, tensor = naive.inertia("winter", "shank", 1, 75, 0.40, 0.139, 0.2)
    assert m == pytest.approx(3.4875)
    np.testing.assert_allclose(com, [0, -0.1732, 0])
    np.testing.assert_allclose(tensor, np.diag([0.0508918, 0, 0.0508918]), rtol=1e-5)
    m, _, tensor = naive.inertia("winter", "foot", 1, 75, 0.40, 0.139, 0.2)
    assert m == pytest.approx(1.0875)
    np.testing.assert_allclose(tensor, np.diag([0, 0.00474076, 0.00474076]), rtol=1e-5)


def test_de_leva_mean_lies_between_man_and_woman_and_counts_the_foot_from_the_heel():
    m, com, tensor = naive.inertia("deleva_mean", "shank", 1, 75, 0.40, 0.139, 0.2)
    assert m == pytest.approx(75 * 0.0457)
    np.testing.assert_allclose(com, [0, -0.4 * 0.43735, 0])
    np.testing.assert_allclose(np.sqrt(np.diag(tensor) / m), [0.4 * 0.259, 0.4 * 0.097, 0.4 * 0.2545])
    m, com, tensor = naive.inertia("deleva_mean", "foot", 1, 75, 0.40, 0.139, 0.2)
    np.testing.assert_allclose(com, [0.24 * 0.42145, 0, 0])
    np.testing.assert_allclose(np.sqrt(np.diag(tensor) / m), [0.24 * 0.1315, 0.24 * 0.278, 0.24 * 0.262])


def standing_leg(s: int, wrench: naive.Array, table: str, tibia: str) -> dict[str, naive.Array]:
    """Curves of a leg of 60 kg at rest: knee 0.5 m above O, ankle 0.1, malleoli turned out by 20 degrees."""
    ankle, out = np.array([0, 0.1, 0]), 0.04 * np.array([-np.sin(np.radians(20)), 0, s * np.cos(np.radians(20))])
    at = {
        "KL": [0, 0.5, s * 0.05], "KM": [0, 0.5, -s * 0.05], "AL": ankle + out, "AM": ankle - out,
        "CAL": [-0.05, 0.02, 0], "M1": [0.15, 0.02, -s * 0.04], "M5": [0.15, 0.02, s * 0.04],
    }  # fmt: skip
    return naive.leg_curves(
        lambda name: np.tile(np.array(at[name], dtype=float), (5, 1)), LEG, s, np.arange(5) / 100, 100.0,
        np.tile(wrench, (5, 1)), np.zeros(3), 60.0, table, tibia, None,
    )  # fmt: skip


def test_winters_foot_weighs_down_half_way_between_ankle_and_forefoot():
    curves = standing_leg(1, np.zeros(6), "winter", "proximal")
    np.testing.assert_allclose(curves["kfm_nm"], 0.075 * 0.0145 * 60 * 9.81)  # the shank hangs plumb and adds nothing


@pytest.mark.parametrize("s", [1, -1])
def test_the_tibia_option_turns_the_axis_that_the_moment_is_read_on(s):
    wrench = np.array([0, 0, 0, s * 10.0, 0, 0])
    read = {
        tibia: standing_leg(s, wrench, "winter", tibia)["kam_leverarm_nm"][0] for tibia in ("proximal", "distal", "lab")
    }
    assert read == pytest.approx({"proximal": 10.0, "distal": 10 * np.cos(np.radians(20)), "lab": 10.0})


# ---- plates -------------------------------------------------------------------------------------------------------


def test_a_plate_wrench_written_by_hand_gives_back_its_cop_and_free_moment():
    # S lies at (0.2, -0.8, 0.03) from O; (20, -30, -700) N acts 0.10, 0.05 m from S with 4 Nm: arm (0.3, -0.75, 0.03).
    force, moment, o = row(20, -30, -700), row(525.9, 210.6, 6 + 4), np.array([0.2, -0.8, 0.03])
    x, y, free = naive.cop_plate(force, moment, o)
    assert (x[0], y[0], free[0]) == pytest.approx((0.10, 0.05, 4.0))


def test_the_moment_at_the_knee_is_the_same_straight_from_the_wrench_and_through_the_cop():
    force, moment, o = row(20, -30, -700), row(525.9, 210.6, 10), np.array([0.2, -0.8, 0.03])
    x, y, free = naive.cop_plate(force, moment, o)
    knee = row(0.31, -0.7, -0.42)
    cop = o + row(x[0], y[0], 0)
    through_cop = np.cross(cop - knee, force) + row(0, 0, free[0])
    np.testing.assert_allclose(naive.moment_about(knee, np.zeros(3), force, moment), through_cop, atol=1e-9)


@pytest.mark.parametrize("trial", ["walking2", "walking5"])
def test_cop_and_free_moment_of_real_plates_are_those_that_opensim_wrote(shared_data, trial):
    ezc3d = pytest.importorskip("ezc3d")
    folder = shared_data / "overground_opensim_core"
    c3d = ezc3d.c3d(str(folder / f"{trial}.c3d"))
    parameters, analogs = c3d["parameters"], c3d["data"]["analogs"][0]
    lines = (folder / f"std_cop_{trial}_grfs.sto").read_text().split("endheader")[1].strip().splitlines()[1:]
    rows = np.array([[float(value) for value in line.split()] for line in lines])  # mm, Nmm, file axes
    samples = np.round(rows[:, 0] * parameters["ANALOG"]["RATE"]["value"][0]).astype(int)
    for index in range(2):
        c1, c2, c3, c4 = parameters["FORCE_PLATFORM"]["CORNERS"]["value"][:, :, index].T
        x, y = naive.unit(c1 + c4 - c2 - c3), naive.unit(c1 + c2 - c3 - c4)
        axes = np.stack([x, y, np.cross(x, y)], axis=1)
        o = -parameters["FORCE_PLATFORM"]["ORIGIN"]["value"][:, index]  # the file holds S to O, 38 and 57 mm down
        theirs = rows[:, 1 + 9 * index : 10 + 9 * index]
        loaded = theirs[:, 2] > 30
        signal = analogs[6 * index : 6 * index + 6, samples[loaded]].T
        cop_x, cop_y, free = naive.cop_plate(signal[:, :3], signal[:, 3:], o)
        cop = (c1 + c2 + c3 + c4) / 4 + np.stack([cop_x, cop_y, 0 * cop_x], axis=1) @ axes.T
        assert loaded.sum() >= 9
        np.testing.assert_allclose(signal[:, :3] @ axes.T, theirs[loaded, :3], atol=0.001)
        np.testing.assert_allclose(cop, theirs[loaded, 3:6], atol=0.01)
        np.testing.assert_allclose(free * axes[2, 2], theirs[loaded, 8], atol=0.1)


# ---- rigid fit and static trial -----------------------------------------------------------------------------------

LEG = {
    "knee_lateral": "KL", "knee_medial": "KM", "ankle_lateral": "AL", "ankle_medial": "AM",
    "heel": "CAL", "mt1": "M1", "mt5": "M5", "mt2": None, "shank_cluster": ("S1", "S2", "S3", "S4"),
}  # fmt: skip
STANDING = {
    "KL": (0.01, 0.5, 0.15), "KM": (-0.01, 0.49, 0.03), "AL": (-0.02, 0.09, 0.14), "AM": (0.01, 0.1, 0.05),
    "S1": (0.03, 0.40, 0.14), "S2": (0.05, 0.25, 0.12), "S3": (0.02, 0.35, 0.16), "S4": (0.04, 0.3, 0.09),
}  # fmt: skip


def test_joint_centres_come_back_from_the_cluster_when_the_medial_markers_are_off():
    labels = list(STANDING)
    static = np.tile(np.array(list(STANDING.values())), (200, 1, 1))
    calibration = naive.calibrate(static, labels, {"right": LEG})
    turn = Rotation.from_euler("xyz", [10, -25, 40], degrees=True).as_matrix()
    shift = np.array([1.0, -0.2, 0.3])
    walking = {name: (turn @ STANDING[name] + shift)[None] for name in LEG["shank_cluster"]}
    walking["S3"] = np.full((1, 3), np.nan)  # three of four are enough
    found = naive.shank_points(walking.__getitem__, LEG, 1, calibration["right"])
    knee = (np.array(STANDING["KL"]) + STANDING["KM"]) / 2
    axis = np.array(STANDING["KL"]) - STANDING["KM"]
    np.testing.assert_allclose(found["knee"][0], turn @ knee + shift, atol=1e-12)
    np.testing.assert_allclose(found["proximal"][0], turn @ axis, atol=1e-12)
    assert found["residual"][0] < 1e-12


def test_two_visible_cluster_markers_are_not_enough():
    reference = np.array([STANDING[name] for name in LEG["shank_cluster"]])
    seen = reference.copy()
    seen[:2] = np.nan
    assert np.isnan(naive.rigid_fit(reference, seen)[0]).all()


def test_a_slipped_cluster_marker_shows_in_the_residual_and_never_mirrors_the_segment():
    reference = np.array([STANDING[name] for name in LEG["shank_cluster"]])
    rotation, _, residual = naive.rigid_fit(reference, reference[[1, 0, 2, 3]])
    assert np.linalg.det(rotation) == pytest.approx(1.0)
    assert residual > 0.01


def test_nan_zeros_and_the_last_value_repeated_are_all_missing():
    markers = np.array([[[1.0, 2, 3]], [[1, 2, 4]], [[1, 2, 4]], [[0, 0, 0]], [[np.nan, 2, 3]], [[1, 2, 5]]])
    missing = np.isnan(naive.mark_missing(markers)[:, 0]).all(axis=1)
    assert missing.tolist() == [False, False, True, True, True, False]


# ---- events and steps ---------------------------------------------------------------------------------------------


def test_contact_is_dated_to_the_30_n_crossing_and_toe_off_likewise():
    time = np.arange(3000) / 1000
    found = naive.stances(400 * np.sin(2 * np.pi * (time + 0.2)), 1000.0)
    early = np.arcsin(30 / 400) / (2 * np.pi)
    # the record begins within one stance and ends within another: neither is whole
    np.testing.assert_allclose(found, [(n - 0.2 + early, n + 0.3 - early) for n in (1, 2)], atol=2e-4)


def test_contact_is_dated_back_over_a_shelf_between_30_and_50_n():
    time = np.arange(2000) / 1000
    load = np.maximum(400 * np.sin(2 * np.pi * (time - 0.75)), np.where((time > 0.65) & (time < 0.9), 40.0, 0.0))
    ((start, _),) = naive.stances(load, 1000.0)
    assert start == pytest.approx(0.65, abs=0.015)


def test_a_dip_below_30_n_shorter_than_20_ms_does_not_end_a_stance():
    time = np.arange(2000) / 1000
    load = 400 * np.sin(2 * np.pi * (time - 0.75))  # stance from 0.75 to 1.25 s
    dip = load - 402 * np.exp(-(((time - 1.0) / 0.035) ** 2))
    below = naive.low_pass(dip, 1000.0, 25.0)[900:1100] < 30
    assert 0 < below.sum() < 20
    assert len(naive.stances(dip, 1000.0)) == len(naive.stances(load, 1000.0)) == 1


def test_stances_shorter_than_350_ms_are_rejected():
    time = np.arange(3000) / 1000
    assert naive.stances(400 * np.sin(2 * np.pi * 1.6 * time), 1000.0) == []


def curves_of(kam: naive.Array, start: float, end: float) -> dict[str, naive.Array]:
    """Per-frame curves at 1 kHz whose KAM over the stance is the given one."""
    time = np.arange(0, end + 0.2, 0.001)
    level = np.interp(time, np.linspace(start, end, len(kam)), kam)
    angle = np.where((time > start + 0.2 * (end - start)) & (time < start + 0.6 * (end - start)), 6.0, 40.0)
    return {"time_s": time, "kam_nm": level, "kfm_nm": 2 * level, "kam_leverarm_nm": level + 1, "fpa_deg": angle}


def test_a_made_curve_gives_its_two_peaks_its_impulse_and_its_normalised_values():
    x = np.linspace(0, 1, 2001)
    kam = 30 * np.exp(-(((x - 0.25) / 0.1) ** 2)) + 20 * np.exp(-(((x - 0.75) / 0.1) ** 2)) - 5
    step = naive.step_of(curves_of(kam, 0.3, 1.0), 1, 0.3, 1.0, 75.0, 1.70)
    assert (step["kam1_nm"], step["kam2_nm"]) == pytest.approx((25.0, 15.0), abs=0.01)
    assert (step["kam1_stance_pct"], step["kam2_stance_pct"]) == pytest.approx((25.0, 75.0), abs=0.5)
    assert step["kam1_is_peak"] and step["kam2_is_peak"]
    assert step["kam1_pct_bwht"] == pytest.approx(100 * 25 / (75 * 9.81 * 1.70), abs=0.001)
    assert step["kam1_nm_per_kg"] == pytest.approx(25 / 75, abs=0.001)
    assert step["kam_impulse_nm_s"] == pytest.approx(0.7 * np.trapezoid(np.maximum(kam, 0), x), abs=0.005)
    assert step["kfm_nm"] == pytest.approx(50.0, abs=0.02)
    assert step["kam1_leverarm_nm"] == pytest.approx(26.0, abs=0.01)
    assert step["fpa_deg"] == pytest.approx(6.0, abs=1.0)  # both ends of the window lie on the step's edge


def test_the_flank_of_the_first_peak_is_not_a_second_peak():
    x = np.linspace(0, 1, 2001)
    step = naive.step_of(curves_of(30 * np.exp(-(((x - 0.3) / 0.2) ** 2)), 0.3, 1.0), 1, 0.3, 1.0, 75.0, 1.70)
    assert step["kam1_is_peak"] and not step["kam2_is_peak"]
    assert step["kam2_stance_pct"] == 50.0


def test_the_first_and_the_last_three_percent_cannot_hold_a_peak():
    curve = np.ones(naive.POINTS)
    curve[[5, 99, 195]] = 9.0, 2.0, 9.0
    assert naive.largest(curve, naive.WINDOW_1)[0] == 2.0
    assert naive.largest(curve, naive.WINDOW_2)[0] == 1.0


def test_the_filter_has_its_cut_off_halved_in_amplitude_and_no_lag():
    time = np.arange(4000) / 1000
    wave = np.sin(2 * np.pi * 15 * time)
    out = naive.low_pass(wave, 1000.0, 15.0)[1000:3000]
    np.testing.assert_allclose(out, wave[1000:3000] / 2, atol=1e-3)  # butter(2) twice: 1/sqrt(2) squared


# ---- the reference stance of SCIENCE.md section 9 -----------------------------------------------------------------


def curve(at: str, values: str, x: naive.Array) -> naive.Array:
    """A natural cubic spline through points of the stance fraction."""
    return CubicSpline([float(v) for v in at.split()], [float(v) for v in values.split()], bc_type="natural")(x)


@pytest.mark.parametrize("s", [1, -1])
def test_the_walkers_reference_stance_has_the_stated_moments(s):
    x = np.linspace(0, 1, 1401)
    time, rate, weight, speed = 0.7 * x, 2000.0, 75 * 9.81, 1.25
    ankle = np.stack(
        [
            0.30 - speed * time + curve("0 .5 .6 .8 1", "0 0 .01 .06 .15", x),
            curve("0 .1 .5 .6 .8 1", ".10 .09 .09 .095 .13 .19", x),
            s * (0.09 + curve("0 .2 .5 .8 1", "0 .002 .004 .002 0", x)),
        ],
        axis=1,
    )
    lean = np.radians(curve("0 .1 .2 .5 .8 1", "-18 -7 0 11 32 52", x))
    frontal = np.radians(curve("0 .2 .5 .8 1", "3.5 4.5 4.0 3.5 2.5", x))
    long = np.stack([np.sin(lean) * np.cos(frontal), np.cos(lean) * np.cos(frontal), s * np.sin(frontal)], axis=1)
    knee = ankle + 0.40 * long
    pitch, out = np.radians(curve("0 .1 .55 .7 .85 1", "18 2 0 -12 -35 -60", x)), np.radians(7)
    toe = np.stack([np.cos(pitch) * np.cos(out), np.sin(pitch), s * np.cos(pitch) * np.sin(out)], axis=1)
    tibia = naive.tibia_frame(knee, ankle, np.broadcast_to([0.0, 0.0, 1.0], knee.shape))
    foot = naive.foot_frame(ankle, ankle + toe, None)
    force = weight * np.stack(
        [
            curve("0 .05 .18 .35 .52 .7 .86 .96 1", "0 -.05 -.15 -.08 0 .10 .19 .06 0", x),
            np.maximum(
                curve("0 .04 .12 .24 .38 .5 .62 .76 .88 .96 1", "0 .35 .85 1.08 .88 .76 .86 1.06 .72 .2 0", x), 0
            ),
            -s * curve("0 .04 .12 .25 .5 .75 .9 1", "0 -.02 .035 .055 .04 .055 .03 0", x),
        ],
        axis=1,
    )
    free = np.outer(curve("0 .2 .5 .8 1", "0 -1.5 1 4 0", x), [0.0, s, 0.0])
    along = curve("0 .1 .2 .3 .5 .7 .9 1", "-.045 -.005 .03 .05 .075 .115 .155 .17", x)
    cop = np.stack([0.30 - speed * time + along * np.cos(out), 0 * x, s * (0.09 + along * np.sin(out) + 0.006)], axis=1)
    bodies = []
    for segment, axes, start in (("foot", foot, ankle), ("shank", tibia, knee)):
        m, com, tensor = naive.inertia("dumas_male", segment, s, 75, 0.40, 0.139, 0.2)
        centre = start + naive.rotate(axes, com)
        bodies.append((m, centre, *naive.segment_motion(axes, centre, np.diag(np.diag(tensor)), rate)))
    moment = naive.recursion(knee, ankle, cop, force, free, *bodies)
    kam, kfm = naive.kam_kfm(moment, tibia, s)
    percent = 100 / (weight * 1.70)
    at = np.linspace(0, 1, naive.POINTS)
    kam201, kfm201 = np.interp(at, x, kam * percent), np.interp(at, x, kfm * percent)
    assert naive.largest(kam201, naive.WINDOW_1)[0] == pytest.approx(3.14, abs=0.01)
    assert naive.largest(kam201, naive.WINDOW_2)[0] == pytest.approx(1.88, abs=0.01)
    value, where, _ = naive.largest(kfm201, (0, 200))
    assert value == pytest.approx(3.27, abs=0.01)
    assert where == pytest.approx(87, abs=1)
