"""Reading a recording: finished, still growing, or left by a crash, all through the same few words.

with Recording.open("visit.h5") as visit:
    steps = visit.table("steps")
    for record in visit.log():
        engine.feed(record)
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from labfeedback.errors import BadFile, DamagedRecording
from labfeedback.inputlog import FORCES, MARKERS, MAX_STREAMS, Record, Samples, Start
from labfeedback.recording import digest
from labfeedback.recording.calm import TOGETHER, calm_limit, movable
from labfeedback.recording.file import Piece, RecordingFile, missing_positions
from labfeedback.recording.layout import STREAMS, LogRecord, final_path, from_rows, parts_of
from labfeedback.records import Rows
from labfeedback.wire import End, Lost

_WINDOW: Final = 32768  # samples read from the file at a time


@dataclass(frozen=True, slots=True)
class Stream:
    """What is recorded of one stream. `layout`: JSON of its (last) Layout, empty when it never said."""

    number: int
    name: str
    samples: int
    channels: int
    layout: str


class Recording:
    """An open recording. A live one is seen as it was when it was opened; open it again for more."""

    def __init__(self, files: list[RecordingFile]) -> None:
        """Not for callers: use `open`."""
        self._files = files
        self.path = final_path(files[0].path)
        self.finished = not files[0].is_part
        log: list[LogRecord | Lost | End] = []
        for file in files:
            try:
                log += from_rows(*file.log_rows())
            except ValueError as error:  # a text that is no UTF-8 among them
                raise BadFile(f"The input log of {file.path} is damaged ({error}).") from error
        self.records: list[LogRecord] = [record for record in log if not isinstance(record, (Lost, End))]
        self.lost = max((record.messages for record in log if isinstance(record, Lost)), default=0)
        self.clean_end = any(isinstance(record, End) for record in log)
        self._pieces: dict[int, list[Piece]] = {}
        for file in files:
            for piece in file.pieces:
                self._pieces.setdefault(piece.stream, []).append(piece)

    @classmethod
    def open(cls, path: Path | str) -> Recording:
        """A finished file, or the name of one whose parts are still there (live or crashed), or one of those parts.

        Raises BadFile with a sentence.
        """
        path = Path(path)
        final = final_path(path)
        parts = parts_of(final)
        if path.exists() and path not in parts:
            return cls([RecordingFile(path)])
        if not parts:
            raise BadFile(f"{path} does not exist, nor do parts of it. Give the path of a recording (.h5).")
        return cls(open_parts(parts)[0])

    @property
    def about(self) -> dict[str, Any]:
        """`/about`, parsed where it is JSON: rig, subject, marker_set, engine_hash, machine, versions ..."""
        out: dict[str, Any] = {}
        for file in reversed(self._files):
            out |= {name: _parsed(text) for name, text in file.about().items()}
        return out

    @property
    def start(self) -> Start:
        """The first record. Raises DamagedRecording when it is not there."""
        first = self.records[0] if self.records else None
        if not isinstance(first, Start):
            raise DamagedRecording(f"{self.path} does not begin with a START record: its beginning was not recorded.")
        return first

    @property
    def streams(self) -> dict[int, Stream]:
        """What is recorded of each stream, by number."""
        out = {}
        for number, pieces in self._pieces.items():
            layouts = [piece.layout for piece in pieces if piece.layout]
            channels = pieces[-1].group["values"].shape[1]
            count = pieces[-1].first + pieces[-1].count
            out[number] = Stream(number, STREAMS[number], count, channels, layouts[-1] if layouts else "")
        return out

    def table(self, name: str) -> Rows:
        """All rows of 'frames', 'steps', 'cues', 'events', 'health' or 'shown', dtype `records.TABLES[name]`."""
        rows = [file.table(name) for file in self._files]
        return rows[0] if len(rows) == 1 else np.concatenate(rows)

    def samples(self, stream: int) -> Iterator[Samples]:
        """A stream's samples in order, cut at every epoch, piece and window of the file."""
        for piece in self._pieces.get(stream, ()):
            for at in range(0, piece.count, _WINDOW):
                end = min(at + _WINDOW, piece.count)
                try:
                    raw, values, epoch = (piece.group[name][at:end] for name in ("raw_time", "values", "epoch"))
                except OSError as error:
                    raise DamagedRecording(
                        f"Samples {piece.first + at} to {piece.first + end - 1} of {STREAMS[stream]} in {self.path} "
                        f"cannot be read: the file is damaged ({error})."
                    ) from error
                borders = [0, *(np.flatnonzero(np.diff(epoch)) + 1).tolist(), end - at]
                for a, b in itertools.pairwise(borders):
                    yield Samples(stream, int(epoch[a]), piece.first + at + a, raw[a:b], values[a:b])

    def log(
        self, chunk: int = 4096, cuts: np.random.Generator | None = None, *, gather: bool = False
    ) -> Iterator[Record]:
        """The input log in order, with SAMPLES put back between the other records.

        chunk: at most so many samples at once. cuts: cut and interleave the streams at random instead (law 1).
        gather: hand over up to a second of samples at once by moving the TICKs that found nothing behind them.
        Raises DamagedRecording when the samples before a record are not all there.
        """
        cursors = {stream: _Cursor(self.samples(stream)) for stream in sorted(self._pieces)}
        may_wait = self._movable() if gather else np.zeros(len(self.records), np.bool_)
        waiting: list[LogRecord] = []
        for record, later in zip(self.records, may_wait.tolist(), strict=True):
            if waiting and (not later or len(waiting) >= TOGETHER):
                yield from self._until(cursors, waiting[-1].seen, chunk, cuts)
                yield from waiting
                waiting.clear()
            if later:
                waiting.append(record)
            else:
                yield from self._until(cursors, record.seen, chunk, cuts)
                yield record
        if waiting:
            yield from self._until(cursors, waiting[-1].seen, chunk, cuts)
            yield from waiting
        rest = [0] * MAX_STREAMS
        for number, stream in self.streams.items():
            rest[number] = stream.samples
        yield from self._until(cursors, tuple(rest), chunk, cuts)

    def _movable(self) -> NDArray[np.bool_]:
        try:
            raw = {
                stream: np.concatenate([piece.group["raw_time"][: piece.count] for piece in pieces])
                for stream, pieces in self._pieces.items()
                if stream in (MARKERS, FORCES) and pieces[0].first == 0
            }
        except OSError:
            raw = {}  # the samples will say so themselves, and where
        return movable(self.records, raw, calm_limit(self.start))

    def _until(
        self, cursors: dict[int, _Cursor], seen: tuple[int, ...], chunk: int, cuts: np.random.Generator | None
    ) -> Iterator[Samples]:
        waiting = [
            stream for stream in range(MAX_STREAMS) if seen[stream] > (cursors[stream].at if stream in cursors else 0)
        ]
        while waiting:
            stream = waiting[int(cuts.integers(len(waiting)))] if cuts is not None else waiting[0]
            cursor = cursors.get(stream)
            most = seen[stream] - (cursor.at if cursor else 0)
            if cuts is not None:
                most = int(cuts.integers(1, most + 1))
            samples = cursor.take(min(most, chunk)) if cursor else None
            if samples is None:
                raise DamagedRecording(
                    f"{self.path}: a record was to follow {seen[stream]} samples of {STREAMS[stream]}, but only "
                    f"{cursor.at if cursor else 0} of them are there without a hole. The recording is incomplete."
                )
            yield samples
            if cursor is not None and cursor.at >= seen[stream]:
                waiting.remove(stream)

    def verify(self) -> list[digest.Damage]:
        """Every block of the input whose bytes are not those that were recorded, and every hole."""
        found: list[digest.Damage] = []
        found += [
            digest.Damage("log", 0, 0, 0, f"messages before {self._files[number].path.name} are missing")
            for number in missing_positions(self._files)
        ]
        if self.lost:
            found.append(digest.Damage("log", 0, 0, 0, f"the recorder fell behind and {self.lost} messages were lost"))
        if not any(isinstance(record, Start) for record in self.records[:1]):
            found.append(digest.Damage("log", 0, 0, 0, "the START record is missing"))
        for file in self._files:
            found += digest.verify_log(file)
            for piece in file.pieces:
                found += digest.verify_piece(piece)
        for stream, pieces in self._pieces.items():
            expected = 0
            for piece in pieces:
                if piece.first != expected:
                    why = f"samples {expected} to {piece.first - 1} were not recorded"
                    found.append(digest.Damage(STREAMS[stream], 0, expected, 0, why))
                expected = piece.first + piece.count
        return found

    def close(self) -> None:
        """Close its files."""
        for file in self._files:
            file.close()

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Cursor:
    """Takes any number of samples at a time from a stream's windows."""

    def __init__(self, windows: Iterator[Samples]) -> None:
        self._windows = windows
        self._window: Samples | None = None
        self.at = 0

    def take(self, most: int) -> Samples | None:
        """Up to `most` samples of one epoch; None when the next one is not there."""
        window = self._window
        while window is None or self.at >= window.first + len(window.raw_time):
            window = self._window = next(self._windows, None)
            if window is None:
                return None
        a = self.at - window.first
        if a < 0:
            return None
        b = min(a + most, len(window.raw_time))
        self.at += b - a
        return Samples(window.stream, window.epoch, window.first + a, window.raw_time[a:b], window.values[a:b])


def open_parts(parts: list[Path]) -> tuple[list[RecordingFile], list[Path]]:
    """Parts of one recording, each cut where the next begins, and those that nothing can open.

    Raises BadFile when none can be opened.
    """
    files: list[RecordingFile] = []
    unreadable: list[Path] = []
    cut: int | None = None
    problem: BadFile | None = None
    for path in reversed(parts):
        try:
            file = RecordingFile(path, cut)
        except BadFile as error:
            problem = error
            unreadable.append(path)
            continue
        # A successor may begin before several earlier parts: none of what it repeats may be seen twice.
        cut = file.start_position if cut is None else min(cut, file.start_position)
        files.append(file)
    if not files:
        assert problem is not None
        raise problem
    filled = [file for file in files[::-1] if file.end_position > file.start_position] or files[-1:]
    for file in files:
        if file not in filled:
            file.close()
    return filled, unreadable[::-1]


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
