"""Marker-to-force skew from one stamp trial: to a millisecond, with its spread, applied to the walk."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import devices.rigs
from devices.walker.stamp import FALL_S, LIFT_S, STOP_S, Stamper
from devices.walker.walk import LABELS
from devices.walker.write import write_c3d
from labfeedback.analysis.stamp import skew_of
from labfeedback.cli import build
from labfeedback.engine.skew import measure_skew
from labfeedback.errors import BadFile, BadSetup
from labfeedback.exchange.c3d import read_c3d
from labfeedback.markerset import load_marker_set
from labfeedback.records import Flag
from labfeedback.rig import Rig, Sync, load_rig
from tests.core.windows import lab_markers, lab_wrenches
from tests.engine.walks import recorded, simulated, walk_through

AT_S = tuple(2.0 + 1.7 * k for k in range(8))
SHIFTS = (-0.050, -0.020, -0.003, 0.0, 0.007, 0.020, 0.050)


def trial(seed: int, side: int, noise: str = "standard", at_s: tuple[float, ...] = AT_S):
    """Marker times, heel height, force times, vertical force of a stamp trial."""
    person = Stamper(seed, at_s, side, noise=noise)
    chunk = person.advance(at_s[-1] + 3.0)
    heel = LABELS.index("RCAL" if side > 0 else "LCAL")
    rig = load_rig("simulated")
    (k,) = [k for k, plate in enumerate(rig.plates) if plate.side == ("right" if side > 0 else "left")]
    plate = rig.plates[k]
    height = chunk.markers.values.reshape(len(chunk.markers.time), -1, 3)[:, heel] @ rig.to_lab[1]
    up = plate.sign * chunk.forces.values[:, 6 * k : 6 * k + 3] @ (rig.to_lab @ plate.axes)[1]
    return chunk.markers.time, height, chunk.forces.time, up


def test_a_stamp_is_what_it_says():
    person = Stamper(1, (3.0,), noise="none")
    t = np.arange(0, 6, 1e-4)
    height = person.height(t)
    assert height[t < 3.0 - FALL_S - LIFT_S].max() == 0.0
    assert height.max() == pytest.approx(0.08, abs=1e-4)
    np.testing.assert_allclose(height[t > 3.0 + STOP_S], 0.0, atol=1e-6)
    acceleration = np.gradient(np.gradient(height, t), t)
    inside = (t > 3.001) & (t < 3.0 + STOP_S - 0.001)
    np.testing.assert_allclose(acceleration[inside], person.stopping(t)[inside], atol=0.3)


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("seed", [3, 4, 5])
@pytest.mark.parametrize("shift_s", SHIFTS)
def test_a_skew_is_recovered_to_a_millisecond_from_one_trial(seed, side, shift_s):
    marker_time, height, force_time, up = trial(seed, side)
    found = measure_skew(marker_time, height, force_time + shift_s, up)
    assert found.skew_s == pytest.approx(shift_s, abs=0.001)
    assert 6 <= len(found.contacts) <= 11
    assert found.spread_s < 0.001
    assert found.alike > 0.7


def test_the_spread_tells_what_the_skew_is_worth():
    errors, spreads = [], []
    for seed in range(10, 22):
        found = measure_skew(*trial(seed, 1))
        errors.append(found.skew_s)
        spreads.append(found.spread_s)
    assert np.std(errors) < 2.5 * np.median(spreads)
    assert np.median(spreads) < 2.5 * np.std(errors)


@pytest.mark.parametrize(("side", "label"), [("right", "RCAL"), ("left", "LCAL")])
@pytest.mark.parametrize("shift_s", SHIFTS)
def test_a_shift_of_the_main_recording_is_seen_to_a_millisecond(shared_data: Path, side, label, shift_s):
    walk = recorded(shared_data)
    height = lab_markers(walk)[:, walk.labels.index(label), 1]
    up = lab_wrenches(walk)[side][:, 1]
    plain = measure_skew(walk.markers.time, height, walk.forces.time, up)
    moved = measure_skew(walk.markers.time, height, walk.forces.time + shift_s, up)
    assert moved.skew_s - plain.skew_s == pytest.approx(shift_s, abs=0.001)
    assert 0.005 < plain.skew_s < 0.025  # a heel that strikes stops before the force rises: no stamp


@pytest.mark.parametrize("shift_s", [-0.05, -0.02, 0.02, 0.05])
def test_a_walk_after_correction_has_the_moments_of_one_without_skew(shift_s):
    walk = simulated(24.0, seed=7)
    late = walk.with_forces(walk.forces.values, walk.forces.time + shift_s)
    found = measure_skew(*(x + shift_s if k == 2 else x for k, x in enumerate(trial(7, 1))))
    sync = Sync(date="2026-11-26", skew_s=found.skew_s, spread_s=found.spread_s, contacts=len(found.contacts))
    rig = Rig.model_validate(walk.rig.model_dump() | {"sync": sync.model_dump()})
    plain, mended = walk_through(walk)["steps"], walk_through(replace(late, rig=rig))["steps"]
    assert len(mended) == len(plain) > 30
    assert (mended["kam_valid"] == plain["kam_valid"]).all()
    for name in ("kam1_pct_bwht", "kam2_pct_bwht"):
        np.testing.assert_allclose(mended[name], plain[name], atol=0.02)
    if shift_s != -0.02:  # that changes KAM by less than 0.06 %BW*Ht; the others are seen by themselves
        spoilt = walk_through(late)["steps"]
        assert (spoilt["flags"] & int(Flag.EVENTS | Flag.COP_OUTSIDE_FOOT)).any()


def test_what_is_no_stamp_trial_is_refused():
    marker_time, height, force_time, up = trial(3, 1)
    with pytest.raises(BadFile, match="at least 3 are needed: stamp six times"):
        measure_skew(marker_time, np.full(len(height), 0.03) + 1e-4 * np.sin(marker_time), force_time, up)
    with pytest.raises(BadFile, match="0 contacts"):
        measure_skew(marker_time, height, force_time, np.full(len(up), 400.0))
    with pytest.raises(BadFile, match="seen in 0 frames"):
        measure_skew(marker_time, np.full(len(height), np.nan), force_time, up)
    with pytest.raises(BadFile, match="too short"):
        measure_skew(marker_time, height, force_time + 100.0, up)


def test_a_stamp_with_a_hidden_heel_does_not_count():
    marker_time, height, force_time, up = trial(3, 1, "none")
    assert len(measure_skew(marker_time, height, force_time, up).contacts) == 8
    height = height.copy()
    height[np.abs(marker_time - AT_S[2]) < 0.02] = np.nan
    assert len(measure_skew(marker_time, height, force_time, up).contacts) == 7


class TestTheCommand:
    """`labfeedback skew` reads a trial, says what it found and writes it into the rig."""

    @pytest.fixture
    def stamped(self, tmp_path: Path) -> Path:
        write_c3d(tmp_path / "stamp.c3d", Stamper(5, AT_S, -1), 16.5)
        return tmp_path / "stamp.c3d"

    def call(self, *words: object):
        return CliRunner().invoke(build("skew"), ["skew", *map(str, words)])

    def test_it_tells_skew_spread_and_every_stamp(self, stamped):
        said = self.call(stamped, "--side", "left", "--rig", "simulated", "--markers", "simulated")
        assert said.exit_code == 0, said.output
        assert "force stamps are" in said.output
        assert "from 8 stamps" in said.output or "from 7 stamps" in said.output or "from 9 stamps" in said.output
        assert "[sync]\ndate = " in said.output

    def test_it_saves_and_replaces_in_a_rig_of_ones_own(self, stamped, tmp_path):
        own = tmp_path / "my_rig.toml"
        shutil.copy(Path(devices.rigs.__path__[0]) / "simulated.toml", own)
        words = (stamped, "--side", "left", "--rig", own, "--markers", "simulated", "--date", "2026-03-14", "--save")
        assert self.call(*words).exit_code == 0
        once = own.read_text()
        sync = load_rig(str(own)).sync
        assert sync is not None
        assert sync.date == "2026-03-14"
        assert abs(sync.skew_s) < 0.001
        assert self.call(*words).exit_code == 0
        assert own.read_text() == once
        assert load_rig(str(own)).model_dump(exclude={"sync"}) == load_rig("simulated").model_dump(exclude={"sync"})

    def test_a_shipped_rig_is_not_written_to(self, stamped):
        said = self.call(stamped, "--side", "left", "--rig", "simulated", "--markers", "simulated", "--save")
        assert isinstance(said.exception, BadSetup)
        assert "copy it to a file of your own" in str(said.exception)

    def test_the_wrong_foot_is_refused(self, stamped):
        with pytest.raises(BadFile, match="contacts show foot and plate stopping together"):
            skew_of(read_c3d(stamped), load_rig("simulated"), load_marker_set("simulated"), 1)
