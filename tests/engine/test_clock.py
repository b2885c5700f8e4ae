"""A walk whose stamps are those of arrival: delays, bursts, dropouts and lost frames cost the steps they touch."""

from __future__ import annotations

import numpy as np
import pytest

from labfeedback.inputlog import FORCES, MARKERS
from labfeedback.records import Flag
from tests.engine.walks import Stream, fold, simulated, walk_through

SECONDS = 30.0


def arrived(time, rng, mean_s=0.005):
    return np.maximum.accumulate(time + rng.exponential(mean_s, len(time))) + 1e-9 * np.arange(len(time))


def messy(seed=1, lost=(), burst=(0.0, 0.0), mean_s=0.005):
    """The walk with marker stamps of arrival; `lost`: spans of frames that never came."""
    walk, rng = simulated(SECONDS, seed=seed), np.random.default_rng(seed)
    true = walk.markers.time
    stamps = arrived(true, rng, mean_s)
    held = (true >= burst[0]) & (true < burst[1])
    ends = np.minimum((np.arange(len(true)) // 10 + 1) * 10 - 1, len(true) - 1)
    stamps[held] = true[ends[held]] + 2e-5 * (np.arange(held.sum()) % 10)
    stamps = np.maximum.accumulate(stamps) + 1e-9 * np.arange(len(true))
    kept = np.ones(len(true), bool)
    for begin, end in lost:
        kept &= ~((true >= begin) & (true < end))
    return walk.with_markers(walk.markers.values[kept], stamps[kept])


@pytest.mark.parametrize("seed", [1, 2])
def test_jitter_of_arrival_costs_no_step_and_hardly_moves_a_moment(seed):
    plain = walk_through(simulated(SECONDS, seed=seed))["steps"]
    rows = walk_through(messy(seed))["steps"]
    assert len(rows) == len(plain) > 45
    settled = rows["start_s"] > 2.0
    assert rows["kam_valid"][settled].mean() > 0.97
    good = settled & (rows["kam_valid"] == 1)
    for name, within in (("kam1_pct_bwht", 0.03), ("kam2_pct_bwht", 0.03), ("fpa_deg", 0.1)):
        np.testing.assert_allclose(rows[name][good], plain[name][good], atol=within)
    assert 1e-4 < np.median(rows["sync_s"]) < 2e-3


def test_a_dropout_withholds_what_it_touches_and_the_rest_is_right():
    walk = messy(lost=((10.0, 10.5), (18.0, 18.02)), burst=(22.0, 24.0))
    rows, plain = walk_through(walk)["steps"], walk_through(simulated(SECONDS, seed=1))["steps"]
    over = (rows["end_s"] > 9.9) & (rows["start_s"] < 10.6)
    assert over.any()
    assert not rows["kam_valid"][over].any()
    assert (rows["flags"][over] & int(Flag.STREAM_GAP)).any()
    small = (rows["end_s"] > 18.0) & (rows["start_s"] < 18.2)
    assert (rows["flags"][small] & int(Flag.STREAM_GAP)).any()
    for row in rows[rows["kam_valid"] == 1]:
        same = plain[(plain["side"] == row["side"]) & (np.abs(plain["start_s"] - row["start_s"]) < 0.02)]
        if row["start_s"] > 2.0 and len(same):
            assert row["kam1_pct_bwht"] == pytest.approx(same[0]["kam1_pct_bwht"], abs=0.06)
            assert row["kam2_pct_bwht"] == pytest.approx(same[0]["kam2_pct_bwht"], abs=0.06)
    late = rows["start_s"] > 25.0
    assert rows["kam_valid"][late].mean() > 0.9


def test_messy_stamps_give_the_same_bytes_however_they_are_cut():
    walk = messy(lost=((10.0, 10.5), (18.0, 18.02)), burst=(22.0, 24.0))
    jittered = arrived(walk.forces.time, np.random.default_rng(9), 0.0005)
    walk = walk.with_forces(walk.forces.values, jittered)
    records = [*walk.opening()]
    rng = np.random.default_rng(3)
    at = {MARKERS: 0, FORCES: 0}
    whole = {MARKERS: len(walk.markers.time), FORCES: len(walk.forces.time)}
    while at != whole:
        stream = int(rng.integers(2))
        stop = min(whole[stream], at[stream] + int(rng.integers(1, 400)))
        if stop > at[stream]:
            records.append(walk.samples(stream, at[stream], stop))
            at[stream] = stop
    one, other = walk_through(walk, seconds=1.0), fold(walk.start(), records)
    for table in ("frames", "steps", "events"):
        assert one[table].tobytes() == other[table].tobytes(), table


def test_a_source_that_numbers_its_frames_is_believed():
    walk = simulated(12.0, seed=3)
    kept = np.ones(len(walk.markers.time), bool)
    kept[1000:1003] = kept[1500:1501] = False
    rng = np.random.default_rng(1)
    stamps = arrived(walk.markers.time, rng)
    layouts = walk.layouts()
    numbered = layouts[MARKERS].model_copy(
        update={"channels": (*layouts[MARKERS].channels, layouts[MARKERS].channels[0].model_copy(
            update={"label": "frame", "marker": "", "type": "FrameNumber", "unit": "1"}))}
    )  # fmt: skip
    values = np.column_stack([walk.markers.values, np.arange(len(kept))])[kept]
    told = walk.with_markers(values, stamps[kept])
    opening = told.opening()
    opening[0] = type(opening[0])(MARKERS, 0, True, numbered.model_dump_json(), opening[0].seen)
    frames = fold(told.start(), [*opening, *told.chunks()])["frames"]
    true = walk.markers.time[kept][: len(frames)]
    late = (true > 2.0) & np.isfinite(frames["time_s"])
    assert np.abs(frames["time_s"] - true)[late].max() < 0.002
    assert isinstance(told.markers, Stream)
