"""Static trials of real people: what their verdicts say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labfeedback.commands.calibrate import read_standing
from labfeedback.engine.calibration import Examined, approve, examine
from labfeedback.errors import Hazard
from labfeedback.exchange.c3d import read_c3d
from labfeedback.markerset import MarkerSet, load_marker_set
from labfeedback.rig import load_rig
from labfeedback.subject import Subject

PERSON = Subject(id="G7", sex="unknown")


def emg_set() -> MarkerSet:
    """The labels of 1min_emg_static.c3d: full sets of the forefoot and a shank cluster of three."""

    def leg(side: str) -> dict[str, Any]:
        roles = ("knee_lateral", "knee_medial", "ankle_lateral", "ankle_medial", "heel", "mt1", "mt2", "mt5")
        names = dict(zip(roles, ("KNE", "KNM", "ANK", "MED", "HEE", "FMH", "SMH", "VMH"), strict=True))
        clusters = {"shank_cluster": ("TIB", "TIAP", "TIAD"), "foot_cluster": ("HEE", "FMH", "VMH")}
        return {
            **{role: side + name for role, name in names.items()},
            **{key: tuple(side + name for name in cluster) for key, cluster in clusters.items()},
        }

    return MarkerSet.model_validate({"name": "emg", "right": leg("R"), "left": leg("L")})


def verdict(folder: Path, name: str, markers: MarkerSet) -> Examined:
    rig = load_rig("grail")
    return examine(read_standing(folder / "treadmill_grail_gaitalytics" / name, rig, markers), markers, subject=PERSON,
                   rig=rig)  # fmt: skip


def value(examined: Examined, name: str, where: str = "") -> float:
    (one,) = [one for one in examined.checks if one.name == name and one.where == where]
    assert one.value is not None
    return one.value


def test_a_real_static_trial_is_green_throughout(shared_data: Path) -> None:
    examined = verdict(shared_data, "1min_emg_static.c3d", emg_set())
    assert examined.light == "green", [one.sentence for one in examined.checks if one.light != "green"]
    calibration = approve(examined)
    trial = read_c3d(shared_data / "treadmill_grail_gaitalytics" / "1min_emg_static.c3d")
    # Z is up in this file and both plates' z points down: their channels alone weigh the person.
    weight = sum(float(plate.force_and_cop()[0][:, 2].mean()) for plate in trial.plates)
    assert calibration.mass_kg == pytest.approx(abs(weight) / 9.81, rel=1e-3)
    for side, leg in (("R", calibration.right), ("L", calibration.left)):
        lateral, medial = (np.nanmedian(trial.marker(side + name), axis=0) for name in ("KNE", "KNM"))
        assert leg.knee_width_m == pytest.approx(np.linalg.norm(lateral - medial), abs=1e-4)
        assert np.linalg.norm(leg.knee_centre_m) == pytest.approx(np.linalg.norm((lateral + medial) / 2), abs=1e-6)
    # camera noise of a good system, standing: nothing but skin moves a cluster
    assert all(leg.shank.residual_mm and leg.shank.residual_mm < 0.3 for leg in (calibration.right, calibration.left))


def test_exchanged_foot_labels_of_a_real_trial_are_found(shared_data: Path) -> None:
    """In 1min_CGM_HBM_static.c3d RMT2 lies 86 mm outside RMT5; the angle of that foot would be off by over 20 deg."""
    examined = verdict(shared_data, "1min_CGM_HBM_static.c3d", load_marker_set("grail"))
    assert [(one.where, one.firm) for one in examined.reds if one.name == "foot_order"] == [("right", True)]
    trial = read_c3d(shared_data / "treadmill_grail_gaitalytics" / "1min_CGM_HBM_static.c3d")
    # The person faces -Y with Z up, so the right is at smaller x: on the right foot MT5 should have the smaller one.
    x = {name: float(np.nanmedian(trial.marker(name)[:, 0])) for name in ("RMT2", "RMT5", "LMT2", "LMT5")}
    assert x["RMT5"] > x["RMT2"] and x["LMT5"] > x["LMT2"]
    assert value(examined, "foot_order", "right") < 0 < value(examined, "foot_order", "left")
    with pytest.raises(Hazard, match="RMT2 and RMT5 are exchanged"):
        approve(examined, "it is only the foot")


def test_a_real_cluster_on_a_line_is_called_useless(shared_data: Path) -> None:
    """This marker set's shank has one marker of its own, nearly on the line of the two lateral landmarks."""
    examined = verdict(shared_data, "1min_CGM_HBM_static.c3d", load_marker_set("grail"))
    assert value(examined, "cluster_line", "left shank") > 5.0
    assert {one.where for one in examined.reds if one.name == "cluster_line"} == {"left shank"}


def test_the_same_person_weighs_the_same_in_both_trials(shared_data: Path) -> None:
    one = verdict(shared_data, "1min_emg_static.c3d", emg_set())
    other = verdict(shared_data, "1min_CGM_HBM_static.c3d", load_marker_set("grail"))
    assert value(one, "mass") == pytest.approx(value(other, "mass"), rel=0.012)


def test_a_real_walk_is_no_static_trial(shared_data: Path) -> None:
    examined = verdict(shared_data, "treadmill_events.c3d", load_marker_set("grail"))
    assert any(one.name == "still" for one in examined.reds)
