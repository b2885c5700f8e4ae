"""A visit without a patient: an operator that answers by itself, and a walk through the engine as fast as it can go.

The same operator serves a rehearsal through the real processes. It acts at moments of data time, so that both are the
same visit.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import numpy as np

from labfeedback import wire
from labfeedback.engine import Engine
from labfeedback.engine.outputs import Outputs
from labfeedback.inputlog import FORCES, MARKERS, MAX_STREAMS, Command, Link, Offset, Record, Samples, Start, Tick
from labfeedback.layout import Layout
from labfeedback.recording.finalise import finalise
from labfeedback.recording.writer import LiveWriter
from labfeedback.records import COMPUTED, CueState, EventCode, Rows

PORTION_S: Final = 0.5  # of data at a time; a walker reacts to a cue 1.3 s later at the earliest
BATCH: Final = 1500  # messages to the disk at once
ANSWER_S: Final = 3.0  # how long a prompt waits for its answer
START_S: Final = 5.0  # after the last answer
NOTICE_S: Final = 8.0  # until a stop rule is acknowledged
# What a patient acts upon.
SEEN: Final = frozenset(
    {CueState.GOOD, CueState.TOO_FAR_IN, CueState.TOO_FAR_OUT, CueState.NATURAL, CueState.ON_YOUR_OWN}
)
LONGEST_S: Final = 4 * 3600.0


class Patient(Protocol):
    """What walks: both streams in data time."""

    def advance(self, until_s: float) -> Any:
        """(markers, forces), each (time, values), up to until_s."""

    def cue(self, time_s: float, side: int, deviation_deg: float | None, state: str = "") -> None:
        """What is shown at data time time_s."""


class PretendOperator:
    """Answers prompts, begins blocks, acknowledges rules and goes on. Times are data time, s.

    pain: the ratings (left, right) in the order in which they are asked for; the last one stays.
    """

    def __init__(self, pain: tuple[tuple[int, int], ...] = ((2, 1),)) -> None:
        self._pain = pain
        self._asked = 0
        self._waiting: list[tuple[float, int, dict[str, Any]]] = []
        self._count = 0
        self._walking = False

    def _later(self, at_s: float, command: dict[str, Any]) -> None:
        self._count += 1
        heapq.heappush(self._waiting, (at_s, self._count, command))

    def hear(self, code: int, text: str, time_s: float, value: float) -> None:
        """An event of the visit."""
        if code == EventCode.VISIT_BEGAN:
            self._start_at(time_s + START_S)
        elif code == EventCode.PROMPT:
            kind = text.partition("?")[0]
            self._waiting = [one for one in self._waiting if one[2].get("kind") != kind or kind == "confirm"]
            heapq.heapify(self._waiting)
            self._later(time_s + ANSWER_S, {"do": "answer", "prompt": int(value), "kind": kind, **self._answer(text)})
            if not self._walking:
                self._start_at(time_s + ANSWER_S + START_S)
        elif code == EventCode.BLOCK_BEGAN:
            self._walking = True
            self._start_at(None)
        elif code == EventCode.BLOCK_ENDED:
            self._walking = False
        elif code == EventCode.STOP_RULE and text.endswith("acknowledge it to go on"):
            self._later(time_s + NOTICE_S, {"do": "acknowledge", "reason": "seen"})
            self._later(time_s + 2 * NOTICE_S, {"do": "resume"})
        elif code in (EventCode.STOP_RULE, EventCode.TARGET_REFUSED):
            self._later(time_s + NOTICE_S, {"do": "acknowledge", "reason": "seen"})
            self._start_at(time_s + 2 * NOTICE_S)

    def _start_at(self, at_s: float | None) -> None:
        self._waiting = [one for one in self._waiting if one[2]["do"] != "start"]
        heapq.heapify(self._waiting)
        if at_s is not None:
            self._later(at_s, {"do": "start"})

    def _answer(self, text: str) -> dict[str, Any]:
        kind = text.partition("?")[0]
        if kind == "pain":
            left, right = self._pain[min(self._asked, len(self._pain) - 1)]
            self._asked += 1
            return {"left": left, "right": right}
        if kind == "confirm":
            return {"yes": True}
        return {"text": "laboratory shoes" if kind == "footwear" else "rehearsal"}

    @property
    def next_s(self) -> float:
        """When the next command is due; infinite when none is."""
        return self._waiting[0][0] if self._waiting else float("inf")

    def due(self, now_s: float) -> list[dict[str, Any]]:
        """Commands whose moment has come; `at_s` says which it was."""
        out = []
        while self._waiting and self.next_s <= now_s:
            at_s, _, command = heapq.heappop(self._waiting)
            out.append({**command, "at_s": round(at_s, 3)})
        return out


class Walked(NamedTuple):
    """How a fast rehearsal went."""

    recording: Path
    seconds: float  # of walking
    steps: int
    steps_valid: int
    why: str


def walk_fast(
    start: Start,
    layouts: tuple[Layout, Layout],
    patient: Patient,
    recording: Path,
    *,
    operator: PretendOperator | None = None,
    progress: Callable[[float, Any], None] = lambda _s, _v: None,
    longest_s: float = LONGEST_S,
    until: Callable[[float], bool] = lambda _s: False,
) -> Walked:
    """Walk a visit to its end and leave a finished recording.

    layouts: of markers and forces. progress: called now and then with the data time and the engine's visit. until: ends
    the recording early, as a cut would.
    """
    operator = operator or PretendOperator()
    engine = Engine(start)
    writer = LiveWriter(recording, 7, {})
    tape = _Tape(writer)
    tape.put(_message(wire.encode(start)))
    counts = [0] * MAX_STREAMS
    steps = valid = numbers = 0

    def feed(record: Record) -> None:
        nonlocal steps, valid
        out = engine.feed(record)
        tape.put(_message(wire.encode(record)))
        tape.rows(out)
        steps += len(out.steps)
        valid += int(out.steps["kam_valid"].sum())
        for row in out.events:
            operator.hear(int(row["code"]), bytes(row["text"]).decode("utf-8", "replace"), *_when(row))
        for row in out.cues:
            state = CueState(int(row["state"]))
            if state in SEEN and int(row["variable"]) == 0:
                patient.cue(float(row["time_s"]), int(row["side"]), float(row["deviation"]), state.name)

    for stream, layout in zip((MARKERS, FORCES), layouts, strict=True):
        feed(Link(stream, 0, True, layout.model_dump_json(), tuple(counts)))
        feed(Offset(stream, 0.0, 1e-4, tuple(counts)))
    now, why = 0.0, "the longest rehearsal is over"
    while now < longest_s:
        now = min(now + PORTION_S, max(operator.next_s, now + 0.01))
        markers, forces = patient.advance(now)
        for stream, (times, values) in ((FORCES, forces), (MARKERS, markers)):
            if len(times):
                feed(Samples(stream, 0, counts[stream], times, values.astype(np.float32)))
                counts[stream] += len(times)
        for command in operator.due(now):
            numbers += 1
            feed(Command(numbers, json.dumps(command), tuple(counts)))
        feed(Tick(now, tuple(counts)))
        progress(now, engine.visit)
        if until(now):
            why = "cut off"
            break
        if engine.visit is None or engine.visit.state == "over":
            why = "the visit has ended"
            break
    if why != "cut off":
        tape.rows(engine.finish())
        tape.put(_message(wire.encode_end()))
    tape.close()
    return Walked(finalise(recording), now, steps, valid, why)


class _Tape:
    """Messages to the disk, in batches."""

    def __init__(self, writer: LiveWriter) -> None:
        self._writer, self._batch, self._position = writer, [], 0  # type: ignore[var-annotated]

    def put(self, message: tuple[int, bytes]) -> None:
        self._batch.append(message)
        if len(self._batch) >= BATCH:
            self._flush()

    def rows(self, out: Outputs) -> None:
        for table in COMPUTED:
            rows: Rows = getattr(out, table)
            if len(rows):
                self.put(_message(wire.encode_rows(table, rows)))

    def _flush(self) -> None:
        self._position = self._writer.take(self._batch, self._position)
        self._batch = []

    def close(self) -> None:
        self._flush()
        self._writer.close()


def _message(encoded: tuple[int, tuple[Any, ...]]) -> tuple[int, bytes]:
    kind, parts = encoded
    return kind, b"".join(bytes(memoryview(part)) for part in parts)


def _when(row: Any) -> tuple[float, float]:
    return float(row["time_s"]) if row["time_s"] == row["time_s"] else 0.0, float(row["value"])
