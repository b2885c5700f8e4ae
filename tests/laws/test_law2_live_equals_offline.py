"""Law 2a: the engine's steps, computed while samples come, are those of an analysis of the whole record at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labfeedback.settings import Settings
from tests import naive
from tests.core.windows import lab_markers, lab_wrenches
from tests.engine.walks import Walk, recorded, simulated, walk_through

KAM_PCT = 0.02
FPA_DEG = 0.05


def offline(walk: Walk, filter_hz: float) -> list[dict[str, float]]:
    """The oracle on the whole record."""
    legs = {side: walk.marker_set.leg(1 if side == "right" else -1).model_dump() for side in ("right", "left")}
    wrenches = lab_wrenches(walk)
    return naive.analyse(
        lab_markers(walk), list(walk.labels), legs, marker_rate=walk.rig.streams.markers.rate_hz,
        plates={side: (wrenches[side], np.zeros(3)) for side in legs}, force_rate=walk.rig.streams.forces.rate_hz,
        mass=walk.subject.mass_kg, height=walk.subject.height_m, sex={"F": "female", "M": "male"}[walk.subject.sex],
        filter_hz=filter_hz,
    )[0]  # fmt: skip


def pairs(walk: Walk, filter_hz: float, **said: Any) -> list[tuple[Any, dict[str, float]]]:
    """Each step of the engine with the oracle's; every oracle's step whose lead and tail are in the record has one."""
    settings = Settings(filter_hz=filter_hz)
    rows = walk_through(walk, settings=settings, **said)["steps"]
    theirs = offline(walk, filter_hz)
    first, last = walk.markers.time[0] + settings.lead_s, walk.markers.time[-1] - settings.tail_s - 0.01
    whole = [step for step in theirs if step["start_s"] > first and step["end_s"] < last]
    out = []
    for step in whole:
        same = [r for r in rows if r["side"] == step["side"] and abs(r["start_s"] - step["start_s"]) < 0.01]
        assert len(same) == 1, f"the engine has {len(same)} steps at {step['start_s']:.3f} s"
        out.append((same[0], step))
    assert len(rows) == len(out), "the engine has steps that the whole record has not"
    return out


@pytest.fixture(scope="module")
def recording(shared_data: Path) -> Walk:
    """The main recording, which begins at zero."""
    return recorded(shared_data)


@pytest.mark.parametrize("filter_hz", [6.0, 8.0, 10.0, 15.0])
class TestTheRecording:
    def test_has_the_same_steps(self, recording, filter_hz):
        both = pairs(recording, filter_hz)
        assert len(both) >= 12
        for ours, theirs in both:
            # The engine smooths for events with a filter that needs no future; that moves a crossing by some ms.
            assert ours["start_s"] == pytest.approx(theirs["start_s"], abs=0.004)
            assert ours["end_s"] == pytest.approx(theirs["end_s"], abs=0.004)
            assert ours["kam_valid"] == ours["fpa_valid"] == 1
            assert ours["flags"] == 0

    def test_has_the_same_moments_and_angles(self, recording, filter_hz):
        for ours, theirs in pairs(recording, filter_hz):
            for name in ("kam1_pct_bwht", "kam2_pct_bwht"):
                assert ours[name] == pytest.approx(theirs[name], abs=KAM_PCT), (name, ours["side"], ours["start_s"])
            assert ours["fpa_deg"] == pytest.approx(theirs["fpa_deg"], abs=FPA_DEG)


@pytest.mark.parametrize("filter_hz", [6.0, 15.0])
@pytest.mark.parametrize("noise", ["none", "standard"])
def test_a_simulated_walk_has_the_same_steps_live_and_offline(noise, filter_hz):
    walk = simulated(12.0, seed=21, noise=noise)
    both = pairs(walk, filter_hz)
    assert len(both) >= 16
    for ours, theirs in both:
        for name in ("kam1_pct_bwht", "kam2_pct_bwht"):
            assert ours[name] == pytest.approx(theirs[name], abs=KAM_PCT), (name, ours["side"], ours["start_s"])
        assert ours["fpa_deg"] == pytest.approx(theirs["fpa_deg"], abs=FPA_DEG)
