"""A short pretended visit: samples, a tiny engine that is a fold like the real one, and the messages of its hub."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from labfeedback import wire
from labfeedback.engine.outputs import Outputs
from labfeedback.inputlog import FORCES, MARKERS, MAX_STREAMS, Command, Link, Offset, Record, Samples, Start, Tick
from labfeedback.records import COMPUTED, CUE, EVENT, FRAME, HEALTH, STEP

STRIDE = 50  # marker frames per pretended step
RATIO = 10  # force samples per marker frame
START = Start(json.dumps({"schema": 1, "rig": {"id": "pretended"}, "subject": {"id": "S01"}, "versions": {}}))


class TinyEngine:
    """One frame row per marker sample, one step row per STRIDE of them: cut-invariant, history included."""

    def __init__(self, start: Start) -> None:
        assert start == START
        self._markers = np.zeros((0, 1))
        self._times = np.zeros(0)
        self._forces = np.zeros(0)
        self._steps = 0
        self._offset = 0.0

    def feed(self, record: Record) -> Outputs:
        out = Outputs()
        match record:
            case Offset():
                self._offset = record.offset_s
            case Link() | Command():
                out.events = np.zeros(1, EVENT)
                out.events["text"] = type(record).__name__.encode()
            case Samples() if record.stream == MARKERS:
                out.frames = np.zeros(len(record.raw_time), FRAME)
                out.frames["frame"] = record.first + np.arange(len(record.raw_time))
                out.frames["time_s"] = record.raw_time + self._offset
                self._markers = np.concatenate([self._markers, record.values[:, :1]])
                self._times = np.concatenate([self._times, out.frames["time_s"]])
            case Samples() if record.stream == FORCES:
                self._forces = np.concatenate([self._forces, record.values[:, 2]])
        self._complete(out)
        return out

    def finish(self) -> Outputs:
        out = Outputs()
        out.events = np.zeros(1, EVENT)
        out.events["text"] = b"finished"
        return out

    def _complete(self, out: Outputs) -> None:
        rows = []
        while min(len(self._markers), len(self._forces) // RATIO) >= (self._steps + 1) * STRIDE:
            a, b = self._steps * STRIDE, (self._steps + 1) * STRIDE
            row = np.zeros(1, STEP)
            row["step"], row["side"] = self._steps, 1 if self._steps % 2 else -1
            row["start_s"], row["end_s"], row["known_s"] = self._times[a], self._times[b - 1], self._times[b - 1]
            row["fpa_deg"] = np.mean(self._markers[a:b])
            row["kam1_nm"] = np.nan if self._steps % 5 == 4 else np.mean(self._forces[a * RATIO : b * RATIO])
            rows.append(row)
            self._steps += 1
        if rows:
            out.steps = np.concatenate(rows)
            out.cues = np.zeros(len(rows), CUE)
            out.cues["step"] = out.steps["step"]


def log(seconds: float = 3.0, *, seed: int = 1, relayout_at: float | None = None) -> Iterator[Record]:
    """The input log of a visit at 100 and 1000 Hz; `relayout_at`: markers come back with one marker more."""
    random = np.random.default_rng(seed)
    seen = [0] * MAX_STREAMS
    yield START
    yield Link(MARKERS, 0, True, '{"name":"m"}', tuple(seen))
    yield Link(FORCES, 0, True, '{"name":"f"}', tuple(seen))
    epoch, channels = 0, 6
    for tick in range(round(seconds * 20)):
        if relayout_at is not None and tick == round(relayout_at * 20):
            epoch, channels = 1, 9
            yield Link(MARKERS, 0, False, "", tuple(seen))
            yield Link(MARKERS, 1, True, '{"name":"m2"}', tuple(seen))
        if tick % 20 == 5:
            yield Offset(MARKERS, 0.001 * tick, 1e-4, tuple(seen))
        if tick == 7:
            yield Command(1, '{"do":"note","text":"größer"}', tuple(seen))
        for stream, count, width in ((MARKERS, 5, channels), (FORCES, 50, 12)):
            done = 0
            while done < count:
                n = int(random.integers(1, count - done + 1))
                at = seen[stream]
                raw = (at + np.arange(n)) / (100.0 if stream == MARKERS else 1000.0)
                values = random.normal(size=(n, width)).astype("<f4")
                if stream == MARKERS:
                    values[random.random(n) < 0.05] = np.nan
                    values[:, 0] = at
                yield Samples(stream, epoch if stream == MARKERS else 0, at, raw, values)
                seen[stream] += n
                done += n
        yield Tick(0.05 * tick, tuple(seen))


def messages(records: Iterator[Record], *, end: bool = True) -> Iterator[tuple[int, bytes]]:
    """What the hub writes into the ring for them: each record, then the rows that the engine gave back."""
    engine: TinyEngine | None = None
    for record in records:
        yield joined(wire.encode(record))
        if isinstance(record, Start):
            engine = TinyEngine(record)
            continue
        assert engine is not None
        yield from of_rows(engine.feed(record))
        if isinstance(record, Tick):
            yield joined(wire.encode_rows("health", np.zeros(1, HEALTH)))
    if end:
        assert engine is not None
        yield from of_rows(engine.finish())
        yield joined(wire.encode_end())


def of_rows(out: Outputs) -> Iterator[tuple[int, bytes]]:
    for table in COMPUTED:
        if len(rows := getattr(out, table)):
            yield joined(wire.encode_rows(table, rows))


def joined(message: tuple[int, tuple[Any, ...]]) -> tuple[int, bytes]:
    kind, parts = message
    return kind, b"".join(bytes(memoryview(part)) for part in parts)


def streams_of(records: Iterator[Record]) -> dict[int, bytes]:
    """Raw stamps, values and epochs of every stream, as bytes, however they are cut."""
    out: dict[int, list[bytes]] = {}
    for record in records:
        if isinstance(record, Samples):
            for raw, row in zip(record.raw_time, record.values, strict=True):
                out.setdefault(record.stream, []).append(raw.tobytes() + row.tobytes() + bytes([record.epoch]))
    return {stream: b"".join(rows) for stream, rows in out.items()}


def others_of(records: Iterator[Record]) -> list[Record]:
    return [record for record in records if not isinstance(record, Samples)]
