"""What a recording looks like inside: names, row types, and how a log record becomes a row (docs/recording.md)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from labfeedback.inputlog import MAX_STREAMS, Command, Link, Offset, Record, Samples, Start, Tick
from labfeedback.records import TABLES
from labfeedback.wire import End, Kind, Lost

SCHEMA: Final = 1
STREAMS: Final = ("markers", "forces", *(f"stream{n}" for n in range(2, MAX_STREAMS)))
MAX_BLOCK: Final = 4096  # samples or log records per digest

# One row per record of the input log that is not SAMPLES. Fields a kind does not use are zero.
LOG: Final = np.dtype(
    [
        ("kind", "<i8"),  # wire.Kind
        ("seen", "<i8", (MAX_STREAMS,)),  # samples of every stream handed over before it
        ("stream", "<i8"),
        ("epoch", "<i8"),
        ("connected", "<i8"),
        ("id", "<i8"),  # COMMAND: its id; LOST: messages refused
        ("time_s", "<f8"),  # TICK: local clock
        ("offset_s", "<f8"),
        ("uncertainty_s", "<f8"),
        ("text_at", "<i8"),  # START, COMMAND, LINK: where its UTF-8 lies in /input/log/text
        ("text_bytes", "<i8"),
    ]
)

# SHA-256 over the digest before it and one block's bytes (digest.py says which).
DIGEST: Final = np.dtype([("first", "<i8"), ("count", "<i8"), ("fresh", "<i8"), ("sha256", "u1", (32,))])

# One row per flush of a live part, written last: up to here everything is on disk and consistent.
FLUSH: Final = np.dtype(
    [
        ("position", "<i8"),  # of the ring: the first message that is not in yet
        ("first", "<i8", (MAX_STREAMS,)),  # index of this part's first sample of each stream, -1: none yet
        ("samples", "<i8", (MAX_STREAMS,)),
        ("blocks", "<i8", (MAX_STREAMS,)),
        ("log", "<i8"),
        ("log_text", "<i8"),
        ("log_blocks", "<i8"),
    ]
    + [(name, "<i8") for name in TABLES]
)

Array = NDArray[Any]
LogRecord = Start | Link | Offset | Tick | Command  # every record but SAMPLES


def part_path(final: Path, number: int) -> Path:
    """`visit.part001.h5` for `visit.h5`."""
    return final.with_name(f"{final.stem}.part{number:03d}.h5")


def part_number(path: Path) -> int | None:
    """The number in a part's name; None for any other file."""
    stem, dot, tail = path.stem.rpartition(".part")
    return int(tail) if dot and stem and tail.isdigit() and path.suffix == ".h5" else None


def final_path(path: Path) -> Path:
    """The finished recording's path for itself or any of its parts."""
    if part_number(path) is None:
        return path
    return path.with_name(path.stem.rpartition(".part")[0] + ".h5")


def parts_of(final: Path) -> list[Path]:
    """The parts that lie beside a finished recording's path, in order."""
    numbered = [(part_number(path), path) for path in final.parent.glob(f"{_literal(final.stem)}.part*.h5")]
    return [path for number, path in sorted((n, p) for n, p in numbered if n is not None)]


def _literal(stem: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in stem)


def put_text(group: Any, name: str, text: str) -> None:
    """A text as a fixed-length string: SWMR allows no variable length, and any HDF5 viewer shows it."""
    group.create_dataset(name, data=np.bytes_(text.encode() or b" "))


def create_table(
    group: Any, name: str, dtype: Any, *, shape: tuple[int, ...] = (), compress: bool = False, chunk: int = 0
) -> Any:
    """An empty dataset that grows along its first axis; `shape` are the axes after it."""
    dtype = np.dtype(dtype)
    width = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
    rows = chunk or max(16, min(8192, (256 if compress else 48) * 1024 // max(width, 1)))
    packing = {"compression": "gzip", "compression_opts": 3, "shuffle": True} if compress else {}
    return group.create_dataset(
        name,
        shape=(0, *shape),
        maxshape=(None, *shape),
        chunks=(rows, *(max(n, 1) for n in shape)),
        dtype=dtype,
        **packing,
    )


def append(dataset: Any, rows: Array) -> None:
    """Rows at the end of a growing dataset."""
    if len(rows):
        end = dataset.shape[0]
        dataset.resize(end + len(rows), axis=0)
        dataset[end:] = rows


def create_stream(group: Any, name: str, channels: int, dtype: Any, layout: str, *, compress: bool) -> Any:
    """`/input/<name>` with its four datasets; `layout` is the JSON of `labfeedback.layout.Layout`."""
    stream = group.create_group(name)
    create_table(stream, "values", dtype, shape=(channels,), compress=compress)
    create_table(stream, "raw_time", "<f8", compress=compress)
    create_table(stream, "epoch", "<i4", compress=compress)
    create_table(stream, "digest", DIGEST, compress=compress, chunk=0 if compress else 64)
    put_text(stream, "layout", layout)
    return stream


def create_common(file: Any, about: Mapping[str, str], *, compress: bool) -> None:
    """Everything a file has whatever its streams: `/input/log`, the tables, `/about`."""
    file.attrs["schema"] = SCHEMA
    log = file.create_group("input").create_group("log")
    chunk = 0 if compress else 256
    create_table(log, "records", LOG, compress=compress, chunk=chunk)
    create_table(log, "text", "u1", compress=compress, chunk=0 if compress else 16384)
    create_table(log, "digest", DIGEST, compress=compress, chunk=0 if compress else 64)
    for name, dtype in TABLES.items():
        create_table(file, name, dtype, compress=compress, chunk=0 if compress else 64)
    texts = file.create_group("about")
    for name, text in about.items():
        put_text(texts, name, text)


def to_row(record: Record | Lost | End, text_at: int) -> tuple[Array, bytes]:
    """A log record as one LOG row (shape (1,)) and its text's bytes, which will lie at `text_at`."""
    row = np.zeros(1, LOG)
    text = b""
    match record:
        case Samples():
            raise TypeError("samples have datasets of their own")
        case Start():
            row["kind"], text = Kind.START, record.text.encode()
        case Link():
            row["kind"], text = Kind.LINK, record.layout.encode()
            row["stream"], row["epoch"], row["connected"] = record.stream, record.epoch, record.connected
        case Offset():
            row["kind"], row["stream"] = Kind.OFFSET, record.stream
            row["offset_s"], row["uncertainty_s"] = record.offset_s, record.uncertainty_s
        case Tick():
            row["kind"], row["time_s"] = Kind.TICK, record.local_s
        case Command():
            row["kind"], row["id"], text = Kind.COMMAND, record.id, record.text.encode()
        case Lost():
            row["kind"], row["id"] = Kind.LOST, record.messages
        case End():
            row["kind"] = Kind.END
    if not isinstance(record, (Lost, End)):
        row["seen"] = record.seen
    row["text_at"], row["text_bytes"] = text_at, len(text)
    return row, text


def from_rows(rows: Array, text: bytes) -> list[LogRecord | Lost | End]:
    """The log records of LOG rows; `text` is everything their `text_at` counts in."""
    out: list[LogRecord | Lost | End] = []
    seens = rows["seen"].tolist()
    names = [name for name in LOG.names or () if name != "seen"]
    columns = [rows[name].tolist() for name in names]
    for seen_list, (kind, stream, epoch, connected, number, time_s, offset_s, uncertainty_s, at, size) in zip(
        seens, zip(*columns, strict=True), strict=True
    ):
        seen = tuple(seen_list)
        match kind:
            case Kind.TICK:
                out.append(Tick(time_s, seen))
            case Kind.OFFSET:
                out.append(Offset(stream, offset_s, uncertainty_s, seen))
            case Kind.LINK:
                out.append(Link(stream, epoch, bool(connected), text[at : at + size].decode(), seen))
            case Kind.COMMAND:
                out.append(Command(number, text[at : at + size].decode(), seen))
            case Kind.START:
                out.append(Start(text[at : at + size].decode(), seen))
            case Kind.LOST:
                out.append(Lost(number))
            case Kind.END:
                out.append(End())
            case _:
                raise ValueError(f"unknown kind of log record: {kind}")
    return out
