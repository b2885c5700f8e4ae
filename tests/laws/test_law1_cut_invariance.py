"""Law 1: between two records that are not SAMPLES, any cutting and interleaving of the streams gives the same bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from devices.walker import Fault
from labfeedback.inputlog import FORCES, MARKERS, Command, Offset, Record, Tick
from labfeedback.protocol.training import Training
from labfeedback.records import COMPUTED, CueState, EventCode
from tests.engine.walks import NOTHING, Walk, fold, simulated

SECONDS = 30.0
SHORT = Training(side="left", direction="toe-in", degrees=3.0, baseline_s=7.0)
QUICKLY = settings(max_examples=7, deadline=None, suppress_health_check=list(HealthCheck))
# A moment at which the hub says something: data time, then a record or the name of a TICK.
Moment = tuple[float, Any]


def a_troubled_walk() -> Walk:
    """Thirty seconds with everything that can go wrong with samples: lost, doubled, missing, repeated, not a number."""
    walk = simulated(
        SECONDS,
        seed=5,
        noise="standard",
        faults=(
            Fault("lost_frames", 22.0, 24.0),
            Fault("duplicated_frames", 20.0, 22.0),
            Fault("nan_markers", 24.3, 24.9, -1),
            Fault("repeated_value", 25.3, 25.5, 1),
            Fault("zeros", 26.0, 26.05, -1, ("LMT2",)),
        ),
    )
    forces = walk.forces.values.copy()
    forces[27_300:27_310, 2] = np.nan
    return walk.with_forces(forces)


TROUBLED = a_troubled_walk()


def moments_of_a_visit() -> list[Moment]:
    """Clock offsets (one of them a step), an operator's pause, and TICKs that find nobody silent."""
    out: list[Moment] = [(t, Tick(t + 0.01, NOTHING)) for t in np.arange(0.03, SECONDS, 0.5)]
    out += [(t, Offset(MARKERS, 0.0002 * (k % 3), 0.0, NOTHING)) for k, t in enumerate((2.01, 4.013, 6.0))]
    out += [(5.0, Offset(FORCES, 0.0001, 0.0, NOTHING)), (28.0, Offset(MARKERS, 0.012, 0.0, NOTHING))]
    out += [(28.4, Offset(MARKERS, 0.012, 0.0, NOTHING))]
    out += [(17.0, Command(1, '{"do": "pause"}', NOTHING)), (17.4, Command(2, '{"do": "resume"}', NOTHING))]
    return sorted(out, key=lambda moment: moment[0])


def handed_over(walk: Walk, moments: list[Moment], late_s: float = 0.003) -> list[tuple[Any, dict[int, int]]]:
    """Each record with the count of samples of both streams that were handed over before it; forces come later."""
    out = []
    for at, record in moments:
        counts = {MARKERS: int(np.searchsorted(walk.markers.time, at))}
        counts[FORCES] = int(np.searchsorted(walk.forces.time, at - late_s))
        out.append((record, counts))
    out.append((None, {MARKERS: len(walk.markers.time), FORCES: len(walk.forces.time)}))
    return out


def cut(walk: Walk, plan: list[tuple[Any, dict[int, int]]], how: str, rng: np.random.Generator) -> list[Record]:
    """The same log with its samples cut and interleaved in one of many ways."""
    out: list[Record] = list(walk.opening())
    done = {MARKERS: 0, FORCES: 0}
    for record, upto in plan:
        if how in ("forces first", "markers first"):
            for stream in (FORCES, MARKERS) if how == "forces first" else (MARKERS, FORCES):
                if upto[stream] > done[stream]:
                    out.append(walk.samples(stream, done[stream], upto[stream]))
                    done[stream] = upto[stream]
        while done != upto:
            open_ = [stream for stream in done if done[stream] < upto[stream]]
            if how == "one by one":
                stream = min(open_, key=lambda s: (float(walk.stream(s).time[done[s]]), s))
                size = 1
            else:
                stream = int(rng.choice(open_))
                size = int(rng.choice([1, 2, 7, 40, 300, 3000]))
            stop = min(upto[stream], done[stream] + size)
            out.append(walk.samples(stream, done[stream], stop))
            done[stream] = stop
        if record is not None:
            out.append(record)
    return out


def first_difference(a: dict[str, Any], b: dict[str, Any]) -> str:
    """Empty if the bytes of all tables are equal, else where they differ first."""
    for name in COMPUTED:
        if a[name].tobytes() == b[name].tobytes():
            continue
        if len(a[name]) != len(b[name]):
            return f"{name}: {len(a[name])} and {len(b[name])} rows: {a[name][-3:]} and {b[name][-3:]}"
        for row, (x, y) in enumerate(zip(a[name], b[name], strict=True)):
            for column in a[name].dtype.names:
                if np.asarray(x[column]).tobytes() != np.asarray(y[column]).tobytes():
                    return f"{name} row {row}, {column}: {x[column]!r} and {y[column]!r}"
    return ""


def compare(walk: Walk, moments: list[Moment], how: str, seed: int = 0) -> dict[str, Any]:
    """Fail with the first difference between the walk cut at its records only and cut as said."""
    plan = handed_over(walk, moments)
    start = walk.start(training=SHORT)
    plain = fold(start, cut(walk, plan, "forces first", np.random.default_rng(0)))
    other = fold(start, cut(walk, plan, how, np.random.default_rng(seed)))
    assert first_difference(plain, other) == ""
    return plain


def test_the_walk_of_this_law_has_everything_in_it():
    rows = fold(
        TROUBLED.start(training=SHORT),
        cut(TROUBLED, handed_over(TROUBLED, moments_of_a_visit()), "forces first", np.random.default_rng(0)),
    )
    assert len(rows["steps"]) > 25
    assert {CueState.NATURAL, CueState.PAUSED, CueState.NOT_MEASURED} <= set(rows["cues"]["state"].tolist())
    assert {CueState.GOOD, CueState.TOO_FAR_OUT, CueState.TOO_FAR_IN} & set(rows["cues"]["state"].tolist())
    assert {EventCode.TARGET_SET, EventCode.CLOCK_STEP, EventCode.COMMAND} <= set(rows["events"]["code"].tolist())
    assert len({int(flags) for flags in rows["steps"]["flags"]}) >= 3
    early = rows["cues"][np.isin(rows["cues"]["state"], (CueState.GOOD, CueState.TOO_FAR_OUT, CueState.TOO_FAR_IN))]
    ends = rows["steps"]["end_s"][rows["steps"]["side"] == -1]
    assert any(np.min(np.abs(ends - t)) > 0.03 for t in early["time_s"]), "no cue came at heel-off"


@pytest.mark.parametrize("how", ["markers first", "one by one"])
def test_whole_pieces_and_single_samples_give_the_same_bytes(how):
    compare(TROUBLED, moments_of_a_visit(), how)


@QUICKLY
@given(seed=st.integers(0, 2**32 - 1))
def test_any_cutting_and_interleaving_gives_the_same_bytes(seed):
    compare(TROUBLED, moments_of_a_visit(), "at random", seed)


def test_a_file_fed_at_once_equals_one_fed_sample_by_sample():
    compare(TROUBLED, [], "one by one")
    compare(TROUBLED, [], "markers first")


@QUICKLY
@given(shifts=st.lists(st.floats(-0.04, 0.04), min_size=60, max_size=60), drop=st.integers(1, 5))
def test_moving_ticks_that_find_nobody_silent_changes_nothing(shifts, drop):
    moments = moments_of_a_visit()
    ticks = [moment for moment in moments if isinstance(moment[1], Tick)]
    others = [moment for moment in moments if not isinstance(moment[1], Tick)]
    moved = [
        (max(0.02, at + shift), Tick(max(0.02, at + shift) + 0.1 + shift, NOTHING))
        for (at, _), shift in zip(ticks, shifts, strict=True)
    ][::drop]
    start = TROUBLED.start(training=SHORT)
    rows = [
        fold(
            start,
            cut(
                TROUBLED,
                handed_over(TROUBLED, sorted(chosen, key=lambda m: m[0])),
                "forces first",
                np.random.default_rng(0),
            ),
        )
        for chosen in (moments, others + moved)
    ]
    assert first_difference(*rows) == ""


def with_silence(stream: int, begin: float, end: float, late: bool) -> tuple[Walk, list[tuple[Any, dict[int, int]]]]:
    """Streams say nothing from begin to end (2: both); what they had to say is lost, or comes late and all at once."""
    walk = TROUBLED
    hushed = (MARKERS, FORCES) if stream == 2 else (stream,)
    if not late:
        for one in hushed:
            keep = (walk.stream(one).time < begin) | (walk.stream(one).time >= end)
            values, time = walk.stream(one).values[keep], walk.stream(one).time[keep]
            walk = walk.with_markers(values, time) if one == MARKERS else walk.with_forces(values, time)
    plan = []
    for record, upto in handed_over(walk, [(t, Tick(t + 0.01, NOTHING)) for t in np.arange(0.03, SECONDS, 0.05)]):
        if late and record is not None and begin < record.local_s < end:
            for one in hushed:
                upto[one] = min(upto[one], int(np.searchsorted(walk.stream(one).time, begin)))
        plan.append((record, upto))
    return walk, plan


@QUICKLY
@given(
    stream=st.integers(0, 2),
    begin=st.floats(8.5, 26.0),
    lasts=st.sampled_from([0.3, 0.6, 1.0, 1.7, 2.3, 2.6]),
    late=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
@example(stream=1, begin=10.0, lasts=1.0, late=True, seed=1)
@example(stream=2, begin=10.0, lasts=0.6, late=True, seed=2)
@example(stream=0, begin=17.0, lasts=2.6, late=True, seed=3)
def test_a_silence_and_what_comes_after_it_do_not_depend_on_the_cutting(stream, begin, lasts, late, seed):
    walk, plan = with_silence(stream, begin, begin + lasts, late)
    start = walk.start(training=SHORT)
    plain = fold(start, cut(walk, plan, "forces first", np.random.default_rng(0)))
    assert EventCode.STREAM_SILENT in plain["events"]["code"]
    assert first_difference(plain, fold(start, cut(walk, plan, "markers first", np.random.default_rng(0)))) == ""
    assert first_difference(plain, fold(start, cut(walk, plan, "at random", np.random.default_rng(seed)))) == ""


def test_forces_that_step_on_the_sampling_grid_do_not_depend_on_the_cutting():
    """Crossings, windows and frames that fall on the same instant to the last bit."""
    walk = simulated(6.0, seed=2, noise="none")
    forces = np.round(walk.forces.values, 9)
    forces[:, 2] = np.where(np.abs(forces[:, 2]) > 60.0, np.sign(forces[:, 2]) * 700.0, 0.0)
    forces[:, 8] = np.where(np.abs(forces[:, 8]) > 60.0, np.sign(forces[:, 8]) * 700.0, 0.0)
    walk = walk.with_forces(forces)
    for how in ("markers first", "one by one"):
        assert len(compare(walk, [], how)["steps"]) > 4


def test_a_stamp_that_is_not_a_number_is_left_out_however_the_stream_is_cut():
    time = TROUBLED.markers.time[:2000].copy()
    time[701] = np.nan
    walk = simulated(10.0, seed=5).with_markers(TROUBLED.markers.values[:2000], time)
    plan = [(None, {MARKERS: 2000, FORCES: 10_000})]
    rows = [fold(walk.start(), cut(walk, plan, how, np.random.default_rng(1))) for how in ("forces first", "at random")]
    assert first_difference(*rows) == ""
    assert len(rows[0]["frames"]) > 1900
