"""The input log being written: a record goes to the engine, its results go out at once, then both go to the ring.

In the ring a record always stands before the rows that came of it, so that a recording cut short never holds a row
without its input. Publishing first saves the patient's screen the 20-30 us of the ring.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from labfeedback import wire
from labfeedback.engine.outputs import Outputs
from labfeedback.inputlog import MAX_STREAMS, Command, Link, Offset, Record, Samples, Seen, Start, Tick
from labfeedback.records import COMPUTED, LATENCY, EventCode, Rows

GAP_WORTH_SAYING_S = 0.05  # from here on the health turns amber, too


class Engine(Protocol):
    """What the loop needs of labfeedback.engine.Engine."""

    def feed(self, record: Record) -> Outputs:
        """Fold one record in."""

    def finish(self) -> Outputs:
        """Nothing more will come."""


class Ring(Protocol):
    """What the loop needs of labfeedback.ring.Ring."""

    @property
    def fill(self) -> float:
        """0..1"""

    @property
    def lost(self) -> int:
        """Messages refused so far."""

    def write(self, kind: int, *parts: object) -> bool:
        """False when there is no room."""


class Publisher(Protocol):
    """What the loop needs of labfeedback.hub.outlets.Outlets."""

    def publish(self, table: str, rows: Rows) -> None:
        """Push rows."""


@dataclass(slots=True)
class InputLog:
    """Counts what was handed over, so that every record carries `seen`."""

    engine: Engine
    ring: Ring
    outlets: Publisher
    seen: list[int] = field(default_factory=lambda: [0] * MAX_STREAMS)
    steps: int = 0
    steps_valid: int = 0
    last_step: dict[int, float] = field(default_factory=dict)  # side -> fpa_deg
    last_cue: dict[str, float] = field(default_factory=dict)
    # (code, sentence, data time, value), taken by the loop
    new_events: list[tuple[int, str, float, float]] = field(default_factory=list)
    published_s: float = 0.0
    clock: Callable[[], float] = time.perf_counter  # local time for measured rows
    _fed_s: float = 0.0
    _measured: list[Rows] = field(default_factory=list)  # latency rows that wait for the ring
    _waiting: list[tuple[Record, Outputs]] = field(default_factory=list)  # fed and published, not yet in the ring
    _cue: Rows | None = None  # the newest one, shape (1,)
    _lost_said: int = 0

    def start(self, start: Start) -> None:
        """The first record; the engine was made from it."""
        self.ring.write(*wire.pack(start))

    def link(self, stream: int, epoch: int, layout: str) -> None:
        """A stream came (layout is JSON) or went (layout is empty)."""
        self._hand(Link(stream, epoch, bool(layout), layout, self._seen()))

    def offset(self, stream: int, offset_s: float, uncertainty_s: float) -> None:
        """A measured clock offset."""
        self._hand(Offset(stream, offset_s, uncertainty_s, self._seen()))

    def tick(self, now: float) -> None:
        """The hub's clock."""
        self._hand(Tick(now, self._seen()))

    def command(self, number: int, text: str) -> None:
        """An operator's command, or a note of the hub's own."""
        self._hand(Command(number, text, self._seen()))

    def samples(self, samples: Samples, arrived_s: float = math.nan, late_s: float = math.nan) -> None:
        """Samples as they came. The ring gets them at `settle`, which must come before their memory is used again.

        arrived_s: when, by `time.perf_counter`. late_s: what the newest one's stamp was old then.
        """
        self.seen[samples.stream] += len(samples.raw_time)
        began = time.perf_counter()
        out = self._feed(samples)
        self._waiting.append((samples, out))
        if len(out.steps):
            self._latency(out.steps, samples.stream, arrived_s, late_s, began)

    def _latency(self, steps: Rows, stream: int, arrived_s: float, late_s: float, began: float) -> None:
        rows: Rows = np.zeros(len(steps), LATENCY)
        rows["time_s"] = self.clock()
        rows["step"], rows["stream"] = steps["step"], stream
        rows["tail_ms"] = 1000.0 * (steps["known_s"] - steps["end_s"])
        rows["source_ms"], rows["queue_ms"] = 1000.0 * late_s, 1000.0 * (began - arrived_s)
        rows["compute_ms"] = 1000.0 * (self._fed_s - began)
        rows["publish_ms"] = 1000.0 * (self.published_s - self._fed_s)
        self._measured.append(rows)

    def settle(self) -> None:
        """Write what was handed to the engine to the ring: later, so that a frame does not wait for its forces' way."""
        for record, out in self._waiting:
            self.ring.write(*wire.pack(record))
            self._keep(out)
        self._waiting.clear()
        for rows in self._measured:
            self.rows("latency", rows)
        self._measured.clear()

    def rows(self, table: str, rows: Rows) -> None:
        """Measured rows (health, shown, latency): to the ring only."""
        self.ring.write(*wire.pack_rows(table, rows))

    def repeat_cue(self, now: float) -> None:
        """Publish the newest cue again, unless it has expired: a screen started meanwhile must show what holds.

        The same row, so whoever has it ignores it; on LSL only, for the recording has it already.
        """
        if self._cue is not None and not now > float(self._cue["expires_s"][0]):
            self.outlets.publish("cues", self._cue)

    def finish(self) -> None:
        """What the engine still held back, then the clean end."""
        self.settle()
        out = self.engine.finish()
        self._publish(out)
        self._keep(out)
        self.note_loss()
        self.ring.write(*wire.pack_end())

    def abandon(self) -> None:
        """The end of a walk whose engine failed: a recording of what there is."""
        self.note_loss()
        self.ring.write(*wire.pack_end())

    def note_loss(self) -> None:
        """If the recorder fell behind by the whole ring, say so in the recording as soon as there is room."""
        lost = self.ring.lost
        if lost > self._lost_said and self.ring.write(*wire.pack_lost(lost)):
            self._lost_said = lost

    def _seen(self) -> Seen:
        return tuple(self.seen)

    def _hand(self, record: Record) -> None:
        self.settle()
        self._waiting.append((record, self._feed(record)))
        self.settle()

    def _feed(self, record: Record) -> Outputs:
        try:
            out = self.engine.feed(record)
        except BaseException:
            self.settle()
            self.ring.write(*wire.pack(record))  # the recording must show what the engine failed at
            raise
        self._fed_s = time.perf_counter()
        self._publish(out)
        return out

    def _publish(self, out: Outputs) -> None:
        for table in COMPUTED:
            rows = getattr(out, table)
            if len(rows):
                self.outlets.publish(table, rows)
        self.published_s = time.perf_counter()

    def _keep(self, out: Outputs) -> None:
        for table in COMPUTED:
            rows = getattr(out, table)
            if len(rows):
                self.ring.write(*wire.pack_rows(table, rows))
        for row in out.steps:
            self.steps += 1
            self.steps_valid += int(row["kam_valid"])
            self.last_step[int(row["side"])] = float(row["fpa_deg"])
        if len(out.cues):
            self._cue = out.cues[-1:].copy()
        for row in out.cues:
            self.last_cue = {name: float(row[name]) for name in ("state", "target", "good_steps", "scored_steps")}
        for row in out.events:
            if row["code"] == EventCode.STREAM_GAP and row["value"] < GAP_WORTH_SAYING_S:
                continue  # recorded, and its steps are withheld; two lines a second would hide what matters
            text = bytes(row["text"]).decode("utf-8", "replace")
            self.new_events.append((int(row["code"]), text, _number(row["time_s"]), _number(row["value"])))

    @property
    def hazard(self) -> str:
        """The sentence of a hazard event that has not been taken yet; empty without one."""
        return next((text for code, text, *_ in self.new_events if code == EventCode.HAZARD), "")


def _number(value: float) -> float:
    return float(value) if value == value else 0.0
