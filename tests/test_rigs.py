"""The shipped rigs and marker sets fit the recordings they were written for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from labfeedback.exchange.c3d import read_c3d
from labfeedback.exchange.trial import Trial
from labfeedback.markerset import MarkerSet, load_marker_set, shipped_marker_sets
from labfeedback.rig import Rig, load_rig

RECORDINGS = {
    "griffith": "treadmill_griffith_rtosim/walking_1.c3d",
    "grail": "treadmill_grail_gaitalytics/treadmill_events.c3d",
}
Lab = tuple[Rig, MarkerSet, Trial]


@pytest.fixture(scope="module", params=sorted(RECORDINGS))
def lab(request: pytest.FixtureRequest, shared_data: Path) -> Lab:
    name = str(request.param)
    return load_rig(name), load_marker_set(name), read_c3d(shared_data / RECORDINGS[name])


def test_the_rigs_plates_are_those_of_the_recording(lab: Lab) -> None:
    rig, _, trial = lab
    assert len(rig.plates) == len(trial.plates) == 2
    for plate, measured in zip(rig.plates, trial.plates, strict=True):
        assert np.allclose(plate.corners_m, measured.corners_m, atol=1e-6)
        assert np.allclose(plate.origin_m, measured.origin_m, atol=1e-6)
    assert rig.streams.markers.rate_hz == trial.rate_hz
    assert rig.streams.forces.rate_hz == trial.analog_rate_hz


def test_in_lab_axes_feet_point_forward_and_lie_on_their_own_sides(lab: Lab) -> None:
    rig, markers, trial = lab
    heel_z = {}
    for side, leg in ((1, markers.right), (-1, markers.left)):
        heel = trial.marker(leg.heel) @ rig.to_lab.T
        front = trial.marker(leg.mt5 or "") @ rig.to_lab.T
        assert np.nanmean(front[:, 0] - heel[:, 0]) > 0.05
        assert np.nanmedian(heel[:, 1]) < 0.3
        knee = trial.marker(leg.knee_lateral) @ rig.to_lab.T
        assert 0.3 < np.nanmedian(knee[:, 1]) < 0.7
        assert np.nanmean(side * (knee - trial.marker(leg.knee_medial) @ rig.to_lab.T)[:, 2]) > 0.05
        heel_z[side] = np.nanmean(heel[:, 2])
    assert heel_z[1] > heel_z[-1]
    centres = {plate.side: float((rig.to_lab @ plate.centre)[2]) for plate in rig.plates}
    assert centres["right"] > rig.belt_gap_z_m > centres["left"]


def test_loads_push_the_subject_up(lab: Lab) -> None:
    rig, _, trial = lab
    for plate, measured in zip(rig.plates, trial.plates, strict=True):
        up = plate.sign * (measured.wrench[:, :3] @ plate.axes.T @ rig.to_lab.T)[:, 1]
        assert np.median(up[np.abs(up) > 100.0]) > 300.0


def test_every_marker_of_the_set_is_in_the_recording(lab: Lab) -> None:
    _, markers, trial = lab
    clusters = {label for leg in (markers.right, markers.left) for label in leg.shank_cluster + leg.foot_cluster}
    assert markers.required | clusters | set(markers.pelvis) <= set(trial.labels)


def test_clusters_are_rigid_enough_to_carry_a_segment(lab: Lab) -> None:
    _, markers, trial = lab
    for leg in (markers.right, markers.left):
        for cluster in (leg.shank_cluster, leg.foot_cluster):
            points = np.stack([trial.marker(label) for label in cluster], axis=1)
            for i in range(len(cluster)):
                for j in range(i):
                    distance = np.linalg.norm(points[:, i] - points[:, j], axis=1)
                    assert np.nanstd(distance) < 0.006


def test_no_recording_fits_two_shipped_marker_sets(lab: Lab) -> None:
    _, markers, trial = lab
    fitting = [name for name, one in shipped_marker_sets().items() if one.required <= set(trial.labels)]
    assert fitting == [markers.name]


def test_the_vendors_copies_are_not_used(shared_data: Path) -> None:
    trial = read_c3d(shared_data / RECORDINGS["grail"])
    copies = {"LASI", "RASI", "LKNE", "RKNE", "LANK", "RANK", "LTOE", "RTOE"}
    assert copies <= set(trial.labels)
    assert not copies & load_marker_set("grail").required
