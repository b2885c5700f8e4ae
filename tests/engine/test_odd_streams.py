"""Streams that misbehave in ways that no filter mends: broken stamps, senders that never send, holes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from labfeedback.engine import Engine
from labfeedback.engine.feedback import Feedback
from labfeedback.inputlog import FORCES, MARKERS, Samples, Tick
from labfeedback.protocol.training import Course
from labfeedback.records import LEFT, CueState, EventCode
from tests.engine.walks import LEFT_IN, NOTHING, fold, simulated, walk_through


@pytest.mark.parametrize("stamp", [1e6, np.inf, np.nan, -5.0])
@pytest.mark.parametrize("stream", [MARKERS, FORCES])
def test_one_broken_stamp_does_not_outlaw_the_samples_after_it(stream, stamp):
    walk = simulated(10.0)
    whole = walk_through(walk)["steps"]
    time = walk.stream(stream).time.copy()
    at = len(time) // 2
    time[at] = stamp
    # The chunks of the sound walk, so that the stamp alone is broken.
    chunks = [
        replace(r, raw_time=time[r.first : r.first + len(r.raw_time)])
        if isinstance(r, Samples) and r.stream == stream
        else r
        for r in walk.chunks()
    ]
    steps = fold(walk.start(), [*walk.opening(), *chunks])["steps"]
    assert len(steps) == len(whole)
    # One lost marker frame costs the steps whose window it lies in; one lost force sample of a thousand costs none.
    assert (steps["kam_valid"] == 0).sum() <= 2


def test_a_linked_stream_that_never_sends_is_found_silent():
    walk = simulated(4.0)
    engine = Engine(walk.start(training=LEFT_IN))
    for record in walk.opening():
        engine.feed(record)
    said = []
    for k in range(80):
        until = 0.05 * (k + 1)
        first, stop = np.searchsorted(walk.markers.time, (until - 0.05, until))
        engine.feed(walk.samples(MARKERS, int(first), int(stop)))
        out = engine.feed(Tick(until, NOTHING))
        said += [(float(row["time_s"]), int(row["code"])) for row in out.events]
    codes = [code for _, code in said]
    assert EventCode.STREAM_SILENT in codes
    assert EventCode.PAUSED in codes
    assert min(t for t, code in said if code == EventCode.STREAM_SILENT) < 0.3


def test_every_hole_is_an_event_with_its_length():
    walk = simulated(8.0)
    kept = np.ones(len(walk.markers.time), bool)
    kept[600:640] = False
    kept[900] = False
    events = walk_through(walk.with_markers(walk.markers.values[kept], walk.markers.time[kept]))["events"]
    holes = events[events["code"] == EventCode.STREAM_GAP]
    assert holes["value"] == pytest.approx([41 / 200, 2 / 200])
    assert holes["time_s"] == pytest.approx(walk.markers.time[[640, 901]])


def test_a_stance_that_is_rejected_takes_its_early_verdict_back():
    walk = simulated(40.0, seed=3)
    whole = walk_through(walk, training=LEFT_IN)
    judged = (CueState.GOOD, CueState.TOO_FAR_IN, CueState.TOO_FAR_OUT)
    early = [row for row in whole["cues"] if row["state"] in judged]
    assert early, "the walk must be judged for this test to say anything"
    at = float(early[3]["time_s"])
    # The plate of the trained (left) foot keeps its load after heel-off for a second, and its toe is hidden: nothing
    # tells when the stance ended.
    forces = walk.forces.values.copy()
    held = (walk.forces.time > at) & (walk.forces.time < at + 1.0)
    forces[held, :6] = forces[np.searchsorted(walk.forces.time, at), :6]
    markers = walk.markers.values.copy()
    hidden = (walk.markers.time > at) & (walk.markers.time < at + 1.0)
    markers[np.ix_(hidden, walk.columns("LMT1", "LMT2", "LMT5"))] = np.nan
    cues = walk_through(walk.with_forces(forces).with_markers(markers), training=LEFT_IN)["cues"]
    after = [row for row in cues if at < row["time_s"] < at + 1.6]
    assert CueState.NOT_MEASURED in [row["state"] for row in after]
    taken = next(row for row in after if row["state"] == CueState.NOT_MEASURED)
    assert taken["scored_steps"] == early[3]["scored_steps"] - 1


def test_the_cue_after_a_rejected_stance_bears_another_number():
    aim = Course(LEFT_IN)
    aim.target_deg, aim.warm_up = 3.0, 0
    course = Feedback(aim)
    first = course.early(1.0, LEFT, 0.5, 3.0, 1.5)[0]
    taken = course.take_back(1.9, LEFT, 0.5, 1.5)[0]
    following = course.early(2.2, LEFT, 1.7, 3.0, 1.5)[0]
    assert first["step"][0] == taken["step"][0] == following["step"][0] - 1
