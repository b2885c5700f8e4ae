"""Laws 1 and 3 for whole visits: pauses, stop rules, overrides, a belt that stops, streams that are lost."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devices.walker import Fault
from labfeedback import replay, wire
from labfeedback.engine import Engine
from labfeedback.inputlog import Command, Record, Samples, Start, Tick
from labfeedback.recording.finalise import finalise
from labfeedback.recording.reader import Recording
from labfeedback.recording.writer import LiveWriter
from labfeedback.records import COMPUTED, CueState, EventCode
from tests.engine import visits
from tests.engine.walks import NOTHING, fold, simulated, ticked
from tests.laws.test_law1_cut_invariance import cut, handed_over
from tests.recording.visits import joined, of_rows


def written(start: Start, records: Iterable[Record], final: Path) -> Path:
    """A finished recording of these records, as the hub would have made it."""
    writer, engine, position = LiveWriter(final, 7, {}), Engine(start), 0
    batch = [joined(wire.encode(start))]
    counts = [0] * len(NOTHING)
    for record in records:
        if isinstance(record, Samples):
            counts[record.stream] += len(record.raw_time)
        else:
            record = type(record)(
                **{**{name: getattr(record, name) for name in record.__slots__}, "seen": tuple(counts)}
            )
        batch += [joined(wire.encode(record)), *of_rows(engine.feed(record))]
        if len(batch) > 200:
            position, batch = writer.take(batch, position), []
    batch += [*of_rows(engine.finish()), joined(wire.encode_end())]
    writer.take(batch, position)
    writer.close()
    return finalise(final)


def everything() -> list[Record]:
    return ticked(visits.walk(), visits.commands(), visits.SILENT)


def test_a_whole_visit_replays_byte_for_byte_however_it_is_cut(tmp_path):
    path = written(visits.start(), everything(), tmp_path / "visit.h5")
    for cuts in (None, np.random.default_rng(1)):
        with Recording.open(path) as recording:
            verdict = replay.check(recording, cuts=cuts)
            events = recording.table("events")
        assert verdict.exit_code == replay.EQUAL, verdict.sentences
    codes = {EventCode(int(code)) for code in events["code"]}
    assert codes >= {
        EventCode.PAUSED, EventCode.STOP_RULE, EventCode.OVERRIDE, EventCode.STREAM_LOST, EventCode.STREAM_SILENT,
        EventCode.BELT_STOPPED, EventCode.BLOCK_SKIPPED, EventCode.REFUSED, EventCode.VISIT_ENDED,
    }  # fmt: skip


@pytest.mark.parametrize("how", ["one by one", "forces first", "markers first", "at random"])
def test_the_cutting_of_samples_changes_no_row_of_a_visit(how):
    walk = visits.walk()
    moments = sorted(
        [*visits.commands().items(), *((t, Tick(t + 0.01, NOTHING)) for t in np.arange(0.1, visits.SECONDS, 0.5))],
        key=lambda moment: moment[0],
    )
    plan = handed_over(walk, moments)
    start = visits.start()
    whole = fold(start, cut(walk, plan, "forces first", np.random.default_rng(0)))
    if how == "one by one":  # the first blocks are enough: a record for each sample takes long
        plan = [(record, {s: min(n, 45_000 if s else 9_000) for s, n in upto.items()}) for record, upto in plan[:95]]
        whole = fold(start, cut(walk, plan, "forces first", np.random.default_rng(0)))
    again = fold(start, cut(walk, plan, how, np.random.default_rng(3)))
    for name in COMPUTED:
        assert again[name].tobytes() == whole[name].tobytes(), name
    assert len(whole["steps"]) > 20


def test_moving_ticks_that_find_nobody_silent_changes_nothing():
    walk, start = visits.walk(), visits.start()
    with_ticks, without = (
        sorted([*visits.commands().items(), *((t, Tick(t, NOTHING)) for t in ticks)], key=lambda moment: moment[0])
        for ticks in (np.arange(0.1, visits.SECONDS, 0.15), ())
    )
    rows = [
        fold(start, cut(walk, handed_over(walk, m), "forces first", np.random.default_rng(0)))
        for m in (with_ticks, without)
    ]
    for name in COMPUTED:
        assert rows[0][name].tobytes() == rows[1][name].tobytes(), name


def test_a_verdict_is_shown_in_running_blocks_alone_and_of_the_right_foot():
    rows = fold(visits.start(), everything())
    judged = rows["cues"][np.isin(rows["cues"]["state"], (CueState.GOOD, CueState.TOO_FAR_IN, CueState.TOO_FAR_OUT))]
    spans, begun = [], 0.0
    for event in rows["events"]:
        code = int(event["code"])
        if code == EventCode.BLOCK_BEGAN:
            begun = float(event["time_s"])
        elif code in (EventCode.BLOCK_ENDED, EventCode.BLOCK_SKIPPED):
            spans.append((int(event["value"]), begun, float(event["time_s"])))
    angle = judged[judged["variable"] == 0]
    width = judged[judged["variable"] == 5]
    assert len(angle) >= 5 and len(width) > 10
    assert set(angle["side"]) == {-1}
    assert set(width["side"]) == {-1, 1}
    for cues, block in ((angle, 1), (width, 2)):
        (span,) = [s for s in spans if s[0] == block]
        assert (cues["time_s"] >= span[1]).all() and (cues["time_s"] <= span[2] + 1e-9).all()
    # Held by the operator, by a rule, by silence and by the belt: nothing is judged then.
    for a, b in ((34.0, 36.5), (39.2, 40.3), (43.4, 44.2), (57.0, 60.0)):
        assert not ((judged["time_s"] > a) & (judged["time_s"] < b)).any()


def screen(rows: dict[str, Any], at: float) -> CueState:
    """What the patient's screen says at that data time."""
    cues = rows["cues"]
    return CueState(int(cues["state"][cues["time_s"] <= at][-1]))


def stopped_belt(said: dict[float, str], faults: list[Fault]) -> dict[str, Any]:
    walk = simulated(24.0, seed=33, faults=faults)
    commands: dict[float, Record] = {at: Command(n, text, NOTHING) for n, (at, text) in enumerate(said.items())}
    return fold(walk.start(visit=visits.visit()), ticked(walk, commands))


def when(rows: dict[str, Any], code: EventCode) -> float:
    (time,) = rows["events"]["time_s"][rows["events"]["code"] == code]
    return float(time)


def test_a_belt_that_moves_again_is_never_said_to_stand():
    """Between blocks, where no step will say so: the patient reads the screen before the next foot lands."""
    rows = stopped_belt({23.0: '{"do": "note", "text": "x"}'}, [Fault("belt_stop", 8.0, 10.0)])
    stops, moves = when(rows, EventCode.BELT_STOPPED), when(rows, EventCode.BELT_MOVING)
    assert screen(rows, stops + 0.01) == CueState.BELT_STOPPED
    assert screen(rows, moves + 0.01) == CueState.KEEP_WALKING


def test_nobody_is_told_to_keep_walking_on_a_belt_that_stands():
    answers = {at: json.dumps(what) for at, what in visits.SAID[1:6]}
    paused = stopped_belt({**answers, 10.0: '{"do": "pause"}'}, [Fault("belt_stop", 12.0, 16.0)])
    stops, moves = when(paused, EventCode.BELT_STOPPED), when(paused, EventCode.BELT_MOVING)
    assert screen(paused, stops - 0.5) == CueState.PAUSED
    assert screen(paused, (stops + moves) / 2) == CueState.BELT_STOPPED
    assert screen(paused, moves + 0.01) == CueState.PAUSED
    ended = stopped_belt(
        {**answers, 14.5: '{"do": "pause"}', 15.0: '{"do": "resume"}'}, [Fault("belt_stop", 12.0, 16.0)]
    )
    assert screen(ended, 15.01) == CueState.BELT_STOPPED  # resumed, but the belt still stands
    assert screen(ended, when(ended, EventCode.BELT_MOVING) + 0.01) == CueState.KEEP_WALKING


def test_feedback_that_is_off_or_caught_is_not_shown_but_measured():
    rows = fold(visits.start(), everything())
    steps = rows["steps"]
    trained = steps[(steps["block"] == 1) & (steps["side"] == -1) & (steps["warm_up"] == 0)]
    assert 0 < trained["cued"].sum() < len(trained)
    assert (trained["fpa_valid"] == 1).sum() > trained["cued"].sum()
    alone = steps[(steps["block"] == 3) & (steps["side"] == -1)]
    assert len(alone) >= 5 and alone["cued"].sum() == 0
