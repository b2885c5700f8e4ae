"""The messages of the ring: input-log records, rows of every table, and the two notes of the hub (END, LOST).

Order for the hub: write a record before feeding it to the engine, and the rows the engine gave back after. A recording
cut short then never holds a row without the input it came from.

    ring.write(*pack(record))            ring.write(*pack_rows("steps", out.steps))
    ring.write(*pack_lost(ring.lost))    ring.write(*pack_end())

Little-endian structs followed by raw array bytes; nothing is ever unpickled.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import numpy as np

from labfeedback.inputlog import MAX_STREAMS, Command, Link, Offset, Record, Samples, Start, Tick
from labfeedback.records import TABLES, Rows


class Kind(IntEnum):
    """What a ring message is."""

    START = 1
    LINK = 2
    OFFSET = 3
    TICK = 4
    COMMAND = 5
    SAMPLES = 6
    FRAMES = 16
    STEPS = 17
    CUES = 18
    EVENTS = 19
    HEALTH = 20
    SHOWN = 21
    LATENCY = 22
    LOST = 30
    END = 31


@dataclass(frozen=True, slots=True)
class Lost:
    """The recorder fell behind: so many messages since the start were refused by the ring."""

    messages: int


@dataclass(frozen=True, slots=True)
class End:
    """The clean end: nothing follows."""


Message = Record | tuple[str, Rows] | Lost | End
Parts = tuple[Any, ...]

_TABLE_KIND: Final = {name: Kind[name.upper()] for name in TABLES}
_KIND_TABLE: Final = {kind: name for name, kind in _TABLE_KIND.items()}
_SEEN: Final = struct.Struct(f"<{MAX_STREAMS}q")
_LINK: Final = struct.Struct("<qq?7x")
_OFFSET: Final = struct.Struct("<qdd")
_TICK: Final = struct.Struct("<d")
_COMMAND: Final = struct.Struct("<q")
_SAMPLES: Final = struct.Struct("<qqqqqq")  # stream, epoch, first, samples, channels, bytes per value
_LOST: Final = struct.Struct("<q")
_FLOATS: Final[dict[int, np.dtype[Any]]] = {4: np.dtype("<f4"), 8: np.dtype("<f8")}


def encode(record: Record) -> tuple[int, Parts]:
    """Kind and parts of an input-log record. Sample values must be (n, channels) float32 or float64."""
    match record:
        case Samples():
            values = np.ascontiguousarray(record.values)
            raw = np.ascontiguousarray(record.raw_time, "<f8")
            if values.ndim != 2 or values.dtype not in _FLOATS.values() or raw.shape != values.shape[:1]:
                raise ValueError(f"samples must be (n, channels) float32 or float64, not {values.shape} {values.dtype}")
            count, channels = values.shape
            header = _SAMPLES.pack(record.stream, record.epoch, record.first, count, channels, values.dtype.itemsize)
            return Kind.SAMPLES, (header, raw, values)
        case Tick():
            return Kind.TICK, (_SEEN.pack(*record.seen), _TICK.pack(record.local_s))
        case Offset():
            body = _OFFSET.pack(record.stream, record.offset_s, record.uncertainty_s)
            return Kind.OFFSET, (_SEEN.pack(*record.seen), body)
        case Command():
            return Kind.COMMAND, (_SEEN.pack(*record.seen), _COMMAND.pack(record.id), record.text.encode())
        case Link():
            body = _LINK.pack(record.stream, record.epoch, record.connected)
            return Kind.LINK, (_SEEN.pack(*record.seen), body, record.layout.encode())
        case Start():
            return Kind.START, (_SEEN.pack(*record.seen), record.text.encode())


def encode_rows(table: str, rows: Rows) -> tuple[int, Parts]:
    """Kind and parts of rows of a table of `records.TABLES`, which must have exactly that table's dtype."""
    if rows.dtype != TABLES[table]:
        raise ValueError(f"rows of '{table}' must have the dtype of records.TABLES['{table}']")
    return _TABLE_KIND[table], (rows.tobytes(),)


def encode_lost(messages: int) -> tuple[int, Parts]:
    """Kind and parts of the note that so many messages were refused since the start."""
    return Kind.LOST, (_LOST.pack(messages),)


def encode_end() -> tuple[int, Parts]:
    """Kind and parts of the clean end."""
    return Kind.END, ()


def pack(record: Record) -> tuple[Any, ...]:
    """`encode`, flat: the arguments of `Ring.write`."""
    kind, parts = encode(record)
    return (kind, *parts)


def pack_rows(table: str, rows: Rows) -> tuple[Any, ...]:
    """`encode_rows`, flat: the arguments of `Ring.write`."""
    kind, parts = encode_rows(table, rows)
    return (kind, *parts)


def pack_lost(messages: int) -> tuple[Any, ...]:
    """`encode_lost`, flat: the arguments of `Ring.write`."""
    kind, parts = encode_lost(messages)
    return (kind, *parts)


def pack_end() -> tuple[Any, ...]:
    """`encode_end`, flat: the arguments of `Ring.write`."""
    return (Kind.END,)


def decode(kind: int, payload: bytes) -> Message:
    """The message that was encoded; arrays are fresh and writable. Raises ValueError for an unknown kind."""
    if kind in _KIND_TABLE:
        name = _KIND_TABLE[Kind(kind)]
        return name, np.frombuffer(payload, TABLES[name]).copy()
    if kind == Kind.SAMPLES:
        return _decode_samples(payload)
    if kind == Kind.LOST:
        return Lost(_LOST.unpack(payload)[0])
    if kind == Kind.END:
        return End()
    seen = _SEEN.unpack_from(payload)
    at = _SEEN.size
    match kind:
        case Kind.TICK:
            return Tick(_TICK.unpack_from(payload, at)[0], seen)
        case Kind.OFFSET:
            stream, offset_s, uncertainty_s = _OFFSET.unpack_from(payload, at)
            return Offset(stream, offset_s, uncertainty_s, seen)
        case Kind.COMMAND:
            (number,) = _COMMAND.unpack_from(payload, at)
            return Command(number, payload[at + _COMMAND.size :].decode(), seen)
        case Kind.LINK:
            stream, epoch, connected = _LINK.unpack_from(payload, at)
            return Link(stream, epoch, connected, payload[at + _LINK.size :].decode(), seen)
        case Kind.START:
            return Start(payload[at:].decode(), seen)
    raise ValueError(f"unknown kind of ring message: {kind}")


def _decode_samples(payload: bytes) -> Samples:
    stream, epoch, first, count, channels, width = _SAMPLES.unpack_from(payload)
    raw = np.frombuffer(payload, _FLOATS[8], count, _SAMPLES.size).copy()
    values = np.frombuffer(payload, _FLOATS[width], count * channels, _SAMPLES.size + raw.nbytes).copy()
    return Samples(stream, epoch, first, raw, values.reshape(count, channels))
