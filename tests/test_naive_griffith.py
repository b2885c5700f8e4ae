"""The oracle against a second, independent implementation's curves of a real split-belt treadmill walk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import naive

ezc3d = pytest.importorskip("ezc3d")
LAB = np.array([[0.0, -1, 0], [0, 0, 1], [-1, 0, 0]])  # Z up, walking towards -Y: X = -y, Y = z, Z = -x
MASS, HEIGHT = 62.6, 1.70  # the height is not known
LETTER = {1: "R", -1: "L"}
INNER = slice(6, 195)  # 3-97 % of stance


def leg(letter: str) -> dict[str, Any]:
    """Roles of one leg's labels in this recording."""
    return {
        "knee_lateral": letter + "FCL", "knee_medial": letter + "FCM",
        "ankle_lateral": letter + "MALL", "ankle_medial": letter + "MALM",
        "heel": letter + "CAL", "mt1": letter + "MT1", "mt5": letter + "MT5", "mt2": None,
        "shank_cluster": tuple(letter + name for name in ("TBU", "TBD", "TBM", "TBC")),
    }  # fmt: skip


LEGS = {"right": leg("R"), "left": leg("L")}


def plate(parameters: Any, analogs: naive.Array, index: int) -> tuple[naive.Array, naive.Array]:
    """One TYPE 2 plate: wrench (k, 6) on the subject in lab axes, N and Nm, and its origin O (3,) in m."""
    corners = parameters["FORCE_PLATFORM"]["CORNERS"]["value"][:, :, index]
    origin = parameters["FORCE_PLATFORM"]["ORIGIN"]["value"][:, index]
    c1, c2, c3, c4 = corners.T
    x, y = naive.unit(c1 + c4 - c2 - c3), naive.unit(c1 + c2 - c3 - c4)
    axes = np.stack([x, y, np.cross(x, y)], axis=1)
    turn = LAB @ axes
    signal = analogs[6 * index : 6 * index + 6]
    wrench = np.concatenate([turn @ signal[:3], turn @ signal[3:] / 1000])
    return wrench.T, LAB @ (corners.mean(axis=1) + axes @ origin) / 1000


class Walk:
    """The recording in lab axes and the reference curves."""

    def __init__(self, folder: Path) -> None:
        c3d = ezc3d.c3d(str(folder / "walking_1.c3d"))
        self.labels = list(c3d["parameters"]["POINT"]["LABELS"]["value"])
        self.markers = np.einsum("ij,jmn->nmi", LAB, c3d["data"]["points"][:3]) / 1000
        analogs = c3d["data"]["analogs"][0]
        self.plates = {side: plate(c3d["parameters"], analogs, i) for i, side in enumerate(("left", "right"))}
        name = folder / "reference_newton_euler_200Hz.csv"
        self.reference = np.genfromtxt(name, delimiter=",", names=True)

    def analyse(self, **settings: Any) -> tuple[list[dict[str, float]], dict[str, dict[str, naive.Array]]]:
        """The oracle on this recording; at 6 Hz with de Leva's mean inertia unless told otherwise."""
        said = {"filter_hz": 6.0, "inertia_table": "deleva_mean", "markers": self.markers, "plates": self.plates}
        said |= {"mass": MASS, "height": HEIGHT} | settings
        return naive.analyse(labels=self.labels, legs=LEGS, marker_rate=200.0, force_rate=1000.0, **said)

    def compare(self, ours: str, theirs: str, **settings: Any) -> tuple[naive.Array, naive.Array]:
        """Per stance: RMSE over 3-97 % of stance and difference of the first peak, Nm."""
        steps, curves = self.analyse(**settings)
        rmse, peak = [], []
        for step in steps:
            side = "right" if step["side"] > 0 else "left"
            time = np.linspace(step["start_s"], step["end_s"], naive.POINTS)
            a = np.interp(time, curves[side]["time_s"], curves[side][ours])
            b = np.interp(time, self.reference["time"], self.reference[f"{LETTER[int(step['side'])]}_{theirs}_Nm"])
            rmse.append(np.sqrt(np.mean((a - b)[INNER] ** 2)))
            peak.append(a[6:100].max() - b[6:100].max())
        return np.array(rmse), np.array(peak)


@pytest.fixture(scope="module")
def walk(shared_data: Path) -> Walk:
    return Walk(shared_data / "treadmill_griffith_rtosim")


def test_seven_whole_stances_of_each_foot_are_found(walk):
    steps, _ = walk.analyse()
    assert [sum(step["side"] == s for step in steps) for s in (1, -1)] == [7, 7]
    assert all(0.6 < step["end_s"] - step["start_s"] < 0.8 for step in steps)


def test_the_adduction_moment_follows_the_reference(walk):
    rmse, peak = walk.compare("kam_nm", "KAM_newtoneuler")
    assert len(rmse) == 14
    assert rmse.max() <= 0.4
    assert np.abs(peak).max() <= 0.3


def test_with_the_references_forces_2_ms_early_nothing_but_the_differentiation_is_left(walk):
    assert walk.compare("kam_leverarm_nm", "KAM_leverarm", force_start_s=-0.002)[0].max() <= 0.005
    rmse, peak = walk.compare("kam_nm", "KAM_newtoneuler", force_start_s=-0.002)
    assert rmse.max() <= 0.05
    assert np.abs(peak).max() <= 0.06
    assert walk.compare("kfm_nm", "KFM_newtoneuler", force_start_s=-0.002)[0].max() <= 0.08


@pytest.mark.parametrize("table", ["dumas_female", "dumas_male", "winter"])
def test_the_choice_of_inertia_moves_the_adduction_moment_little(walk, table):
    rmse, peak = walk.compare("kam_nm", "KAM_newtoneuler", inertia_table=table)
    assert rmse.max() <= 0.6
    assert np.abs(peak).max() <= 0.5


def test_both_feet_are_toed_out_by_the_stated_angles(walk):
    steps, _ = walk.analyse()
    right, left = (np.mean([step["fpa_deg"] for step in steps if step["side"] == s]) for s in (1, -1))
    assert right == pytest.approx(12.8, abs=0.1)
    assert left == pytest.approx(8.7, abs=0.1)


def test_the_zero_of_time_does_not_matter(walk):
    steps, _ = walk.analyse()
    later, _ = walk.analyse(marker_start_s=5.0, force_start_s=5.0)
    assert [step["start_s"] - 5 for step in later] == pytest.approx([step["start_s"] for step in steps])
    assert [step["kam1_nm"] for step in later] == pytest.approx([step["kam1_nm"] for step in steps])


def test_closed_form_equals_the_recursion_on_real_motion(walk):
    _, curves = walk.analyse(filter_hz=15.0, inertia_table="dumas_female")
    for side in curves:
        np.testing.assert_allclose(curves[side]["closed_nm"], curves[side]["kam_nm"], atol=1e-9)


@pytest.mark.parametrize("table", ["dumas_female", "winter", "deleva_male"])
def test_the_mirrored_walker_has_the_same_numbers_on_the_other_leg(walk, table):
    steps, _ = walk.analyse(inertia_table=table)
    swap = [walk.labels.index({"R": "L", "L": "R"}[name[0]] + name[1:]) for name in walk.labels]
    other = {"right": "left", "left": "right"}
    mirrored_wrench = np.array([1, 1, -1, -1, -1, 1])  # a moment is an axial vector
    plates = {
        side: (walk.plates[other[side]][0] * mirrored_wrench, walk.plates[other[side]][1] * [1, 1, -1])
        for side in other
    }
    mirrored, _ = walk.analyse(inertia_table=table, markers=walk.markers[:, swap] * [1, 1, -1], plates=plates)
    assert [-step["side"] for step in mirrored] == [step["side"] for step in steps]
    for name in ("kam1_nm", "kam2_nm", "kfm_nm", "kam_impulse_nm_s", "fpa_deg", "kam1_leverarm_nm"):
        np.testing.assert_allclose([s[name] for s in mirrored], [s[name] for s in steps], atol=1e-8)


def test_joint_centres_from_the_shank_cluster_agree_where_they_were_calibrated(walk):
    steps, _ = walk.analyse()
    calibration, calibrated = {}, []
    for side, s in (("right", 1), ("left", -1)):
        i = next(i for i, step in enumerate(steps) if step["side"] == s)
        middle = round(200 * (steps[i]["start_s"] + 0.25 * (steps[i]["end_s"] - steps[i]["start_s"])))
        calibration |= naive.calibrate(walk.markers[middle - 5 : middle + 6], walk.labels, {side: LEGS[side]})
        calibrated.append(i)
    off = walk.markers.copy()
    for name in ("RFCM", "RMALM", "LFCM", "LMALM"):
        off[:, walk.labels.index(name)] = np.nan
    from_cluster, curves = walk.analyse(markers=off, calibration=calibration)
    change = np.array([a["kam1_nm"] - b["kam1_nm"] for a, b in zip(from_cluster, steps, strict=True)])
    assert np.abs(change[calibrated]).max() < 0.5
    assert np.abs(change).max() < 5.0  # condyle markers ride on the thigh: some mm from step to step
    assert all(np.nanmax(curve["residual_m"]) < 0.002 for curve in curves.values())
