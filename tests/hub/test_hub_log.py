"""What the hub publishes again, and what it never records twice."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from labfeedback.engine.outputs import Outputs
from labfeedback.hub.log import InputLog
from labfeedback.inputlog import FORCES, Samples, Tick
from labfeedback.records import CUE, LATENCY, STEP, CueState
from labfeedback.wire import Kind


class Lab:
    """Engine, ring and outlets in one: the engine gives one cue at the first TICK, valid until 50 s."""

    fill, lost = 0.0, 0

    def __init__(self) -> None:
        self.kept: list[int] = []
        self.published: list[Any] = []
        self._given = False

    def feed(self, record: Any) -> Outputs:
        out = Outputs()
        if isinstance(record, Tick) and not self._given:
            self._given = True
            out.cues = np.zeros(2, CUE)
            out.cues["cue"], out.cues["time_s"], out.cues["expires_s"] = [6, 7], [9.0, 9.5], [12.0, 50.0]
            out.cues["state"] = int(CueState.BELT_STOPPED)
        return out

    def finish(self) -> Outputs:
        return Outputs()

    def write(self, kind: int, *_: object) -> bool:
        self.kept.append(kind)
        return True

    def publish(self, table: str, rows: Any) -> None:
        self.published.append((table, rows.copy()))


@pytest.fixture
def lab() -> Lab:
    return Lab()


def test_the_newest_cue_is_published_again_while_it_holds_and_recorded_once(lab: Lab) -> None:
    log = InputLog(lab, lab, lab)
    log.repeat_cue(9.0)
    assert not lab.published, "nothing to repeat yet"
    log.tick(10.0)
    kept, (table, rows) = list(lab.kept), lab.published[-1]
    assert table == "cues"
    for now in (11.0, 49.9):
        log.repeat_cue(now)
        again, row = lab.published[-1]
        assert again == "cues" and row.tobytes() == rows[-1:].tobytes()
    assert len(lab.published) == 3 and lab.kept == kept
    log.repeat_cue(50.1)
    assert len(lab.published) == 3, "an expired cue is not said again"


def test_the_time_of_a_step_is_taken_apart_and_recorded_after_its_rows() -> None:
    written: list[tuple[int, Any]] = []

    class Stepping(Lab):
        def feed(self, _: Any) -> Outputs:
            out = Outputs()
            out.steps = np.zeros(1, STEP)
            out.steps["step"], out.steps["end_s"], out.steps["known_s"] = 5, 10.0, 10.0625
            time.sleep(0.02)
            return out

        def publish(self, *_: Any) -> None:
            time.sleep(0.01)

        def write(self, kind: int, *parts: Any) -> bool:
            written.append((kind, parts))
            return True

    engine = Stepping()
    log = InputLog(engine, engine, engine, clock=lambda: 77.0)
    samples = Samples(FORCES, 0, 0, np.array([10.06]), np.zeros((1, 12), np.float32))
    log.samples(samples, time.perf_counter() - 0.005, 0.003)
    log.settle()
    kinds = [kind for kind, _ in written]
    assert kinds == [Kind.SAMPLES, Kind.STEPS, Kind.LATENCY]
    row = np.frombuffer(b"".join(bytes(part) for part in written[-1][1]), LATENCY)[0]
    assert (row["time_s"], row["step"], row["stream"]) == (77.0, 5, FORCES)
    assert row["tail_ms"] == pytest.approx(62.5)
    assert row["source_ms"] == pytest.approx(3.0)
    assert 5.0 <= row["queue_ms"] < 15.0
    assert 20.0 <= row["compute_ms"] < 40.0
    assert 10.0 <= row["publish_ms"] < 30.0
