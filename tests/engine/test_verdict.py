"""The verdict of a static trial: a standing walker whose joints are known, and everything that can be wrong with it."""

from __future__ import annotations

import numpy as np
import pytest

from devices.simulated import Walk, layouts
from devices.walker.standing import Stander
from labfeedback.engine.body import residuals, spread
from labfeedback.engine.calibration import approve, examine
from labfeedback.engine.standing import standing
from labfeedback.engine.start import Calibration, build_start, parse_start
from labfeedback.errors import BadSetup, Hazard
from labfeedback.markerset import load_marker_set
from labfeedback.rig import Rig, load_rig
from labfeedback.subject import Subject
from tests.engine.walks import simulated

RIG = load_rig("simulated")
SET = load_marker_set("simulated")
PERSON = Subject(id="S1", mass_kg=75.0, height_m=1.70, sex="M")
MARKERS, FORCES = layouts(Walk().walker(), RIG)


def values(seconds=3.0, seed=1, **said):
    """Marker (n, m, 3) and force values of quiet standing, as the streams carry them."""
    chunk = Stander(seed, **said).advance(seconds)
    return chunk.markers.values.reshape(len(chunk.markers.values), -1, 3).copy(), chunk.forces.values.copy()


def looked_at(points, forces=None, *, rig: Rig = RIG, marker_set=SET, person=PERSON, layout=MARKERS):
    flat = points.reshape(len(points), -1)
    weighed = None if forces is None else (FORCES, forces)
    return examine(standing((layout, flat), weighed, rig), marker_set, subject=person, rig=rig, date="2026-11-26")


def reds(examined):
    return {(one.name, one.firm) for one in examined.reds}


def column(label):
    return [channel.marker for channel in MARKERS.channels[::3]].index(label)


@pytest.fixture(scope="module")
def good():
    return looked_at(*values())


def test_quiet_standing_is_green_in_every_check(good):
    assert good.light == "green", [one.sentence for one in good.checks if one.light != "green"]
    assert {one.where.split()[-1] for one in good.checks if one.name == "visible"} == {
        label for leg in (SET.right, SET.left) for label in (*leg.anatomical, *leg.shank_cluster)
    }


def test_joint_centres_mass_and_angle_are_the_walkers_own(good):
    walker = Stander(1)
    for side, leg in ((1, good.calibration.right), (-1, good.calibration.left)):
        true = walker.rest(side)
        np.testing.assert_allclose(leg.ankle_centre_m, true.ankle[:, 0], atol=2e-4)
        np.testing.assert_allclose(leg.knee_centre_m, true.knee[:, 0], atol=2e-3)  # it sways by 3 mm
        assert leg.knee_width_m == pytest.approx(0.128, abs=5e-4)
        assert leg.ankle_width_m == pytest.approx(0.082, abs=5e-4)
        assert leg.shank_length_m == pytest.approx(0.400, abs=5e-4)
        assert leg.stand_fpa_deg == pytest.approx(7.0, abs=0.1)
        # 0.3 mm of noise on each axis, of which the fit takes up six degrees of freedom in twelve
        assert 0.2 < leg.shank.residual_mm < 0.6
        assert len(leg.shank.marker_residuals_mm) == len(leg.shank.labels) == 4
    assert good.calibration.mass_kg == pytest.approx(75.0, abs=0.1)
    assert good.calibration.subject == "S1" and good.calibration.date == "2026-11-26"


def test_a_walk_is_red_for_stillness_and_nothing_is_approved():
    walk = simulated(4.0, seed=3)
    examined = looked_at(walk.markers.values.reshape(len(walk.markers.values), -1, 3), walk.forces.values)
    assert ("still", False) in reds(examined)
    with pytest.raises((BadSetup, Hazard), match="Is this a walk"):
        approve(examined)


def test_a_half_hidden_marker_is_named_and_makes_the_verdict_amber_or_red():
    points, forces = values()
    points[: round(0.3 * len(points)), column("RKNEM")] = np.nan
    amber = looked_at(points, forces)
    assert amber.light == "amber" and approve(amber).mass_kg
    (one,) = [one for one in amber.checks if one.light == "amber"]
    assert one.where == "right RKNEM" and one.value == pytest.approx(70.0, abs=0.5)
    points[: round(0.6 * len(points)), column("RKNEM")] = np.nan
    red = looked_at(points, forces)
    assert reds(red) == {("visible", False)} and red.calibration is None
    with pytest.raises(BadSetup, match=r"RKNEM.*not visible for half"):
        approve(red, "a reason is no marker")


@pytest.mark.parametrize("how", ["zeros", "repeated"])
def test_zeros_and_repeats_are_markers_that_were_not_seen(how):
    points, forces = values()
    first = len(points) // 3
    points[first:, column("LANKM")] = 0.0 if how == "zeros" else points[first - 1, column("LANKM")]
    examined = looked_at(points, forces)
    assert reds(examined) == {("visible", False)}
    assert any(one.where == "left LANKM" for one in examined.reds)


def exchanged(points, *pairs):
    out = points.copy()
    for one, other in pairs:
        out[:, [column(one), column(other)]] = points[:, [column(other), column(one)]]
    return out


def test_exchanged_sides_are_a_hazard_that_no_reason_overrides():
    points, forces = values()
    names = [channel.marker for channel in MARKERS.channels[::3] if channel.marker[1:] not in ("ASI", "PSI")]
    other = exchanged(points, *((name, "L" + name[1:]) for name in names if name[0] == "R"))
    examined = looked_at(other, forces)
    assert {("mirrored", True), ("sides", True), ("under_foot", True)} <= reds(examined)
    with pytest.raises(Hazard, match=r"labels of left and right \(or the recording is mirrored\) are exchanged"):
        approve(examined, "we always do it like this")


@pytest.mark.parametrize(
    ("pair", "name"),
    [(("RKNEL", "RKNEM"), "mirrored"), (("LANKL", "LANKM"), "mirrored"), (("RMT1", "RMT5"), "foot_order")],
)
def test_exchanged_labels_within_a_leg_are_found_at_each_joint(pair, name):
    points, forces = values()
    examined = looked_at(exchanged(points, pair), forces)
    assert (name, True) in reds(examined)
    with pytest.raises(Hazard, match="exchanged"):
        approve(examined, "never mind")


@pytest.mark.parametrize(
    ("pairs", "sentence"),
    [
        ([("RKNEL", "RKNEM"), ("LKNEL", "LKNEM")], "labels of lateral and medial at the knee are exchanged"),
        ([("RANKL", "RANKM"), ("LANKL", "LANKM")], "labels of lateral and medial at the ankle are exchanged"),
        ([("RCAL", "RMT2")], "labels of heel and toe are exchanged"),
    ],
)
def test_it_says_which_labels_are_exchanged(pairs, sentence):
    points, forces = values()
    with pytest.raises(Hazard, match=sentence):
        approve(looked_at(exchanged(points, *pairs), forces))


def test_a_mirrored_recording_is_refused():
    points, forces = values()
    points[:, :, 2] *= -1
    assert {("mirrored", True), ("sides", True)} <= reds(looked_at(points, forces))


def test_whoever_faces_the_other_way_is_refused():
    points, forces = values()
    points[:, :, [0, 2]] *= -1
    assert ("facing", True) in reds(looked_at(points, forces))


@pytest.mark.parametrize(("degrees", "light"), [(5.0, "green"), (20.0, "amber"), (40.0, "red")])
def test_how_far_the_feet_face_away_is_measured(degrees, light):
    points, _ = values(noise="none")
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    x, z = points[:, :, 0].copy(), points[:, :, 2].copy()
    points[:, :, 0], points[:, :, 2] = c * x - s * z, s * x + c * z
    (one,) = [one for one in looked_at(points).checks if one.name == "facing"]
    assert one.value == pytest.approx(degrees, abs=0.01) and one.light == light


def test_a_cluster_on_a_line_is_red_and_may_be_overridden_with_a_reason_that_is_kept():
    points, forces = values()
    for number, label in enumerate(("RSH1", "RSH2", "RSH3", "RSH4")):
        share = 0.2 + 0.2 * number
        upper, lower = points[:, column("RKNEL")], points[:, column("RANKL")]
        points[:, column(label)] = upper + share * (lower - upper)
    examined = looked_at(points, forces)
    assert reds(examined) == {("cluster_line", False)}
    with pytest.raises(BadSetup, match="nearly on one line"):
        approve(examined)
    assert approve(examined, " medial markers stay on ").override == "medial markers stay on"


def test_a_hidden_cluster_marker_may_be_left_out_with_a_reason(good):
    points, forces = values()
    points[:, column("RSH2")] = np.nan
    examined = looked_at(points, forces)
    assert reds(examined) == {("visible", False)}
    kept = approve(examined, "lost on the way").right.shank
    assert kept.labels == ("RSH1", "RSH3", "RSH4") and kept.points == good.calibration.right.shank.points


def test_an_override_without_anything_red_is_not_recorded(good):
    assert approve(good, "just in case").override == ""


def test_a_cluster_that_is_too_small_is_red():
    points, forces = values(noise="none")
    middle = points[:, [column(f"LSH{n}") for n in (1, 2, 3, 4)]].mean(axis=1, keepdims=True)
    for n in (1, 2, 3, 4):
        points[:, column(f"LSH{n}")] = (middle + 0.15 * (points[:, [column(f"LSH{n}")]] - middle))[:, 0]
    assert ("cluster_size", False) in reds(looked_at(points, forces))


def test_one_unloaded_plate_is_red():
    examined = looked_at(*values(share=0.05))
    assert reds(examined) == {("share", False)}
    assert examined.calibration.mass_kg == pytest.approx(75.0, abs=0.2)


def test_a_plate_that_pulls_down_has_its_sign_reversed():
    points, forces = values()
    forces[:, 6:] *= -1
    examined = looked_at(points, forces)
    assert reds(examined) == {("sign", True)} and examined.calibration.mass_kg is None


def test_exchanged_plates_are_found_where_the_feet_are():
    points, forces = values(share=0.45)
    assert ("under_foot", True) in reds(looked_at(points, np.roll(forces, 6, axis=1)))


@pytest.mark.parametrize(("said", "light"), [(75.3, "green"), (76.5, "amber"), (78.5, "red"), (70.0, "red")])
def test_another_mass_than_the_subject_files_asks_again(said, light):
    examined = looked_at(*values(), person=PERSON.model_copy(update={"mass_kg": said}))
    (one,) = [one for one in examined.checks if one.name == "mass_said"]
    assert one.light == light and one.value == pytest.approx(100 * abs(75.0 / said - 1), abs=0.1)
    if light == "red":
        with pytest.raises(Hazard, match="is it this person"):
            approve(examined, "new shoes")


def test_nobody_weighs_two_kilograms():
    points, forces = values()
    assert ("mass", True) in reds(looked_at(points, forces / 40, person=PERSON.model_copy(update={"mass_kg": None})))


def test_bent_knees_and_a_lifted_heel_are_red_but_may_be_overridden():
    assert ("upright", False) in reds(looked_at(*values(lean_deg=25.0)))
    points, forces = values()
    points[:, column("LCAL"), 1] += 0.05
    assert ("heel_pair", False) in reds(looked_at(points, forces))


@pytest.mark.parametrize(("label", "check"), [("RKNEM", "knee_width"), ("RANKM", "ankle_width")])
def test_a_joint_that_is_too_wide_is_red(label, check):
    points, forces = values()
    points[:, column(label), 2] -= 0.07
    assert (check, False) in reds(looked_at(points, forces))


def test_half_a_second_is_too_short():
    assert reds(looked_at(*values(seconds=0.5))) == {("length", False)}


def test_millimetres_and_a_turned_rig_give_the_same_calibration(good):
    points, forces = values()
    z_up = replace_axes("-y", "z", "-x")
    turned = np.stack([-points[:, :, 2], -points[:, :, 0], points[:, :, 1]], axis=2) * 1000.0
    mm = MARKERS.model_copy(update={"channels": tuple(c.model_copy(update={"unit": "mm"}) for c in MARKERS.channels)})
    examined = looked_at(turned, None, rig=z_up, layout=mm)
    for mine, same in ((examined.calibration.left, good.calibration.left),):
        np.testing.assert_allclose(mine.knee_centre_m, same.knee_centre_m, atol=1e-9)
    assert any(one.name == "mass" and one.light == "amber" for one in examined.checks), "nothing was weighed"
    del forces


def replace_axes(x, y, z):
    plates = []
    back = np.array([[0.0, 0.0, -1.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])  # source = back @ lab
    for plate in RIG.plates:
        corners = [tuple((back @ np.array(corner)).tolist()) for corner in plate.corners_m]
        plates.append({**plate.model_dump(), "corners_m": corners})
    return Rig.model_validate({**RIG.model_dump(), "axes": {"x": x, "y": y, "z": z}, "plates": plates})


def test_spread_is_that_of_known_shapes():
    square = np.array([[1.0, 1, 0], [1, -1, 0], [-1, 1, 0], [-1, -1, 0]]) * 0.05
    size, turn = spread(square)
    assert size == pytest.approx(50 * np.sqrt(2))
    assert turn == pytest.approx(np.degrees(0.001 / 0.1))  # s2 = sqrt(4) * 50 mm
    line = np.array([[0.0, 0, 0], [0, 0.1, 0], [0, 0.2, 0]])
    assert spread(line)[1] == np.inf


def test_the_turn_of_a_noisy_cluster_is_as_uncertain_as_its_spread_says():
    """Monte Carlo: the check's number is the standard deviation of the turn about the long axis."""
    from labfeedback.core.rigid import rigid_fit

    reference = np.array([[0.0, 0.15, 0.01], [0.0, 0.0, -0.02], [0.0, -0.15, 0.01]])
    rng = np.random.default_rng(5)
    members, turn, shift = np.arange(3), np.empty((3, 3)), np.empty(3)
    found = []
    for _ in range(4000):
        rigid_fit(reference, reference + 0.001 * rng.standard_normal((3, 3)), members, turn, shift)
        found.append(np.degrees(np.arctan2(turn[0, 2], turn[2, 2])))
    assert np.std(found) == pytest.approx(spread(reference)[1], rel=0.06)


def test_a_loose_marker_stands_out_in_its_own_residual():
    rng = np.random.default_rng(2)
    reference = np.array([[0.05, 0, 0], [0, 0.06, 0], [-0.04, 0, 0.03], [0, -0.05, 0.01]])
    markers = reference + 0.0002 * rng.standard_normal((200, 4, 3))
    markers[:, 2] += 0.006 * rng.standard_normal((200, 3))
    off = residuals(markers, reference)
    assert np.argmax(off) == 2 and off[2] > 1.5 * np.delete(off, 2).max()


def test_a_calibration_without_what_came_later_can_still_be_read(good):
    old = good.calibration.model_dump(mode="json", include={"source", "right", "left"})
    for side in ("right", "left"):
        old[side] = {key: old[side][key] for key in ("shank", "foot", "stand_heel_m", "stand_toe_m")}
        for part in ("shank", "foot"):
            old[side][part] = {key: old[side][part][key] for key in ("labels", "reference", "points")}
    assert Calibration.model_validate(old).right.shank.points == good.calibration.right.shank.points


def test_start_carries_the_whole_calibration_and_the_mass_it_weighed(good):
    nobody_weighed = PERSON.model_copy(update={"mass_kg": None})
    setup = parse_start(build_start(RIG, nobody_weighed, SET, calibration=good.calibration))
    assert setup.calibration == good.calibration
    assert setup.subject.mass_kg == round(good.calibration.mass_kg, 2)
    with pytest.raises(BadSetup, match="weigh the subject"):
        build_start(RIG, nobody_weighed, SET)


@pytest.mark.parametrize("seed", range(40))
def test_whatever_comes_there_is_a_verdict_in_words_and_no_approval_by_accident(seed):
    """Broken trials: holes, zeros, huge numbers, markers on one spot, plates without numbers."""
    rng = np.random.default_rng(seed)
    points, forces = values(seconds=1.2)
    for _ in range(rng.integers(1, 4)):
        some = rng.choice(points.shape[1], rng.integers(1, 28), replace=False)
        what = rng.integers(0, 6)
        if what == 0:
            points[:, some] = np.nan
        elif what == 1:
            points[:, some] = points[:, some[:1]]
        elif what == 2:
            points[:, some] *= 1e6
        elif what == 3:
            points[rng.random(len(points)) < 0.7] = np.nan
        elif what == 4:
            forces[rng.random(len(forces)) < rng.random()] = np.nan
        else:
            forces[:] = rng.choice([0.0, np.nan, 1e9, -1e9])
    examined = looked_at(points, forces)
    assert all(one.sentence and (one.light == "green" or one.remedy) for one in examined.checks)
    assert not any("nan" in one.sentence or "inf" in one.sentence for one in examined.checks)
    if examined.reds:
        with pytest.raises((BadSetup, Hazard)):
            approve(examined)
    else:
        assert approve(examined).mass_kg == pytest.approx(75.0, abs=1.0)


def test_some_samples_without_numbers_do_not_change_the_weight():
    points, forces = values()
    forces[::50] = np.nan
    examined = looked_at(points, forces)
    assert examined.light == "green" and examined.calibration.mass_kg == pytest.approx(75.0, abs=0.1)
