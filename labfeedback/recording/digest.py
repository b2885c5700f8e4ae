"""SHA-256 per block of the input, chained: which block is no longer what was written, and that none was cut out."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from labfeedback.recording.file import Piece, RecordingFile
from labfeedback.recording.layout import DIGEST, MAX_BLOCK, STREAMS, Array

_FRESH: Final = bytes(32)
_WINDOW: Final = 32768  # samples read from the file at a time


class Chain:
    """The digests of one dataset group. `first` counts samples (or log records) from the start of the visit or part."""

    def __init__(self) -> None:
        self._last = _FRESH
        self._fresh = 1

    def add(self, first: int, *arrays: Array) -> Array:
        """DIGEST rows for the next rows of `arrays` (equal lengths), at most MAX_BLOCK of them per digest."""
        count = len(arrays[0])
        rows = np.zeros(-(-count // MAX_BLOCK), DIGEST)
        for number, row in enumerate(rows):
            at = number * MAX_BLOCK
            pieces = [array[at : at + MAX_BLOCK] for array in arrays]
            self._last = link(self._last, pieces)
            row["first"], row["count"], row["fresh"] = first + at, len(pieces[0]), self._fresh
            row["sha256"] = np.frombuffer(self._last, "u1")
            self._fresh = 0
        return rows


def link(before: bytes, arrays: list[Array]) -> bytes:
    """SHA-256 of: the digest before (32 zero bytes at a fresh chain), the count (int64), then each array's bytes."""
    digest = hashlib.sha256(before)
    digest.update(struct.pack("<q", len(arrays[0])))
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.digest()


def log_arrays(rows: Array, texts: Iterable[bytes]) -> list[Array]:
    """What is hashed of log rows: the rows but for where their text lies (a merge moves it), and their texts."""
    rows = rows.copy()
    rows["text_at"] = 0
    return [rows, text_digests(texts)]


def text_digests(texts: Iterable[bytes]) -> Array:
    """One SHA-256 per text, shape (n, 32): gives every log row's text a place in its row's block."""
    return np.frombuffer(b"".join(hashlib.sha256(text).digest() for text in texts), "u1").reshape(-1, 32)


@dataclass(frozen=True, slots=True)
class Damage:
    """One block that is not what was written."""

    where: str  # 'forces', 'markers', 'log'
    block: int  # counted from 0 in its file
    first: int
    count: int
    why: str

    def __str__(self) -> str:
        unit = "records" if self.where == "log" else "samples"
        span = f"{unit} {self.first} to {self.first + self.count - 1}" if self.count else f"at {unit} {self.first}"
        return f"{self.where}, block {self.block} ({span}): {self.why}"


def _verify(where: str, digests: Array, read: Callable[[int, int], list[Array]]) -> Iterator[Damage]:
    """Check every block; `read(first, count)` gives a block's arrays.

    The chain goes on with the *stored* digest, so one bad block is named once and does not accuse those after it.
    """
    before = _FRESH
    expected = None
    for number, row in enumerate(digests):
        first, count = int(row["first"]), int(row["count"])
        stored = row["sha256"].tobytes()
        if row["fresh"]:
            before = _FRESH
        elif number == 0:
            yield Damage(
                where, number, first, count, "the chain of digests does not begin here: earlier blocks are gone"
            )
        if expected is not None and first != expected:
            yield Damage(where, number, first, count, f"{expected} was expected to come first: blocks are missing")
        try:
            arrays = read(first, count)
            if len(arrays[0]) != count:
                yield Damage(where, number, first, count, f"only {len(arrays[0])} of {count} are in the file")
            elif link(before, arrays) != stored:
                yield Damage(where, number, first, count, "the bytes are not those that were recorded")
        except OSError:
            yield Damage(where, number, first, count, "the bytes cannot be read (their compressed form is damaged)")
        before = stored
        expected = first + count


def verify_piece(piece: Piece) -> list[Damage]:
    """Damaged blocks of one run of samples."""
    try:
        digests = piece.group["digest"][: piece.blocks]
    except OSError:
        return [Damage(STREAMS[piece.stream], 0, piece.first, piece.count, "its digests cannot be read")]
    sums = int(digests["count"].sum())
    out = list(_verify(STREAMS[piece.stream], digests, _Window(piece).read))
    if sums != piece.count:
        why = f"{piece.count} samples are in the file, {sums} were recorded"
        out.append(Damage(STREAMS[piece.stream], len(digests), piece.first + sums, 0, why))
    return out


class _Window:
    """Reads many blocks at once: a read from the file costs more than the digest of a block."""

    def __init__(self, piece: Piece) -> None:
        self._piece = piece
        self._at = self._end = 0
        self._arrays: list[Array] = []

    def read(self, first: int, count: int) -> list[Array]:
        """Stamps, epochs and values from index `first`. Raises OSError where the file cannot be read."""
        a = max(first - self._piece.first, 0)
        b = a + count
        if a < self._at or b > self._end:
            try:
                self._load(a, max(a + _WINDOW, b))
            except OSError:
                self._load(a, b)  # only the block that is damaged is to be named
        return [array[a - self._at : b - self._at] for array in self._arrays]

    def _load(self, a: int, b: int) -> None:
        self._at = self._end = 0
        self._arrays = [self._piece.group[name][a:b] for name in ("raw_time", "epoch", "values")]
        self._at, self._end = a, b


def verify_log(file: RecordingFile) -> list[Damage]:
    """Damaged blocks of one file's log."""
    try:
        digests = file.h5["input/log/digest"][: file.log_blocks]
    except OSError:
        return [Damage("log", 0, 0, file.log_count, "its digests cannot be read")]
    rows, text = file.log_rows()

    def read(first: int, count: int) -> list[Array]:
        block = rows[first : first + count]
        spans = zip(block["text_at"].tolist(), block["text_bytes"].tolist(), strict=True)
        return log_arrays(block, (text[at : at + size] for at, size in spans))

    out = list(_verify("log", digests, read))
    if digests["count"].sum() != len(rows):
        why = f"{len(rows)} records are in the file, {digests['count'].sum()} were recorded"
        out.append(Damage("log", len(digests), len(rows), 0, why))
    return out
