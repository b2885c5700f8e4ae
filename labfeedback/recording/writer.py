"""The live recording: parts that can be read while they grow (HDF5 SWMR) and survive the death of their writer.

Everything of a flush is written and flushed first, one row of `/flushed` last: what that row does not count does not
exist. The ring is committed only after it. So a writer killed anywhere leaves a part that ends at some ring position,
and its successor begins a new part at the ring's tail, at or before that position; the merge cuts the overlap off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np

from labfeedback.errors import LabError
from labfeedback.inputlog import MAX_STREAMS, Link, Samples, Start
from labfeedback.recording.about import about_texts
from labfeedback.recording.digest import Chain, log_arrays
from labfeedback.recording.layout import (
    FLUSH,
    STREAMS,
    Array,
    append,
    create_common,
    create_stream,
    create_table,
    part_number,
    part_path,
    parts_of,
    to_row,
)
from labfeedback.ring import room
from labfeedback.wire import End, Message, decode

Shape = tuple[int, str, str]  # channels, dtype, layout JSON
_LOG: Final = MAX_STREAMS  # the log's place in the list of chains


class Part:
    """One live file. `streams`: the shapes that it can take; anything else needs a new part."""

    def __init__(
        self, path: Path, token: int, position: int, about: Mapping[str, str], streams: Mapping[int, Shape]
    ) -> None:
        """token: the ring's. position: in the ring, of the first message that this part will hold. Raises OSError."""
        self.path = path
        self._shapes = dict(streams)
        self._file = h5py.File(path, "x", libver="latest")
        self._file.attrs["position"] = position
        self._file.attrs["ring"] = token
        create_common(self._file, about, compress=False)
        for stream, (channels, dtype, layout) in streams.items():
            create_stream(self._file["input"], STREAMS[stream], channels, dtype, layout, compress=False)
        self._flushed = create_table(self._file, "flushed", FLUSH, chunk=64)
        self._file.swmr_mode = True
        self._counts = np.zeros(1, FLUSH)
        self._counts["first"] = -1
        self._chains = [Chain() for _ in range(MAX_STREAMS + 1)]
        self._samples: dict[int, list[Samples]] = {}
        self._log: list[Array] = []
        self._text: list[bytes] = []
        self._text_end = 0
        self._tables: dict[str, list[Array]] = {}

    def fits(self, samples: Samples) -> bool:
        """Whether these samples continue what is here: same channels and type, no hole before them."""
        shape = self._shapes.get(samples.stream)
        if shape is None or (samples.values.shape[1], samples.values.dtype.str) != shape[:2]:
            return False
        pending = sum(len(chunk.raw_time) for chunk in self._samples.get(samples.stream, ()))
        first = int(self._counts["first"][0, samples.stream])
        held = int(self._counts["samples"][0, samples.stream]) + pending
        return first < 0 or samples.first == first + held

    def put(self, message: Message) -> None:
        """Take one message; on disk after the next `flush`."""
        if isinstance(message, tuple):
            self._tables.setdefault(message[0], []).append(message[1])
        elif isinstance(message, Samples):
            if self._counts["first"][0, message.stream] < 0:
                self._counts["first"][0, message.stream] = message.first
            self._samples.setdefault(message.stream, []).append(message)
        else:
            row, text = to_row(message, self._text_end)
            self._log.append(row)
            self._text.append(text)
            self._text_end += len(text)

    def flush(self, position: int) -> None:
        """Everything put so far is on disk; `position`: of the ring, of the first message that is not."""
        touched: list[Any] = []
        for stream, chunks in self._samples.items():
            touched += self._flush_stream(stream, chunks)
        self._samples.clear()
        if self._log:
            touched += self._flush_log()
        for name, rows in self._tables.items():
            append(self._file[name], np.concatenate(rows))
            self._counts[name] += sum(map(len, rows))
            touched.append(self._file[name])
        self._tables.clear()
        for dataset in touched:
            dataset.flush()
        self._counts["position"] = position
        append(self._flushed, self._counts)
        self._flushed.flush()

    def _flush_stream(self, stream: int, chunks: list[Samples]) -> list[Any]:
        group = self._file["input"][STREAMS[stream]]
        values = np.concatenate([chunk.values for chunk in chunks])
        raw = np.concatenate([chunk.raw_time for chunk in chunks])
        epoch = np.concatenate([np.full(len(chunk.raw_time), chunk.epoch, "<i4") for chunk in chunks])
        held = self._counts["samples"][0, stream]
        digests = self._chains[stream].add(int(self._counts["first"][0, stream] + held), raw, epoch, values)
        for name, rows in (("values", values), ("raw_time", raw), ("epoch", epoch), ("digest", digests)):
            append(group[name], rows)
        self._counts["samples"][0, stream] += len(raw)
        self._counts["blocks"][0, stream] += len(digests)
        return [group[name] for name in ("values", "raw_time", "epoch", "digest")]

    def _flush_log(self) -> list[Any]:
        group = self._file["input/log"]
        rows = np.concatenate(self._log)
        text = np.frombuffer(b"".join(self._text), "u1")
        digests = self._chains[_LOG].add(int(self._counts["log"][0]), *log_arrays(rows, self._text))
        for name, data in (("records", rows), ("text", text), ("digest", digests)):
            append(group[name], data)
        self._counts["log"] += len(rows)
        self._counts["log_text"] += len(text)
        self._counts["log_blocks"] += len(digests)
        self._log.clear()
        self._text.clear()
        return [group[name] for name in ("records", "text", "digest")]

    def close(self) -> None:
        """Close the file; what was not flushed is not counted and so does not exist."""
        self._file.close()


class LiveWriter:
    """Ring messages in, live parts out. Construct it again after a kill: it begins the next part."""

    def __init__(self, final: Path, token: int, about: Mapping[str, Any]) -> None:
        """final: where the finished recording will be; the parts lie beside it. token: the ring's. Writes nothing."""
        self._final = final
        self._token = token
        self._about = about
        self._part: Part | None = None
        self._start: str | None = None
        self._layouts: dict[int, str] = {}
        self._shapes: dict[int, Shape] = {}
        self.ended = False

    def take(self, messages: Sequence[tuple[int, bytes]], position: int) -> int:
        """Write and flush messages of the ring, the first of them at `position`; the position after the last.

        An END is written like any other, sets `ended`, and nothing after it is taken.
        Raises LabError when the disk does not take them: then nothing of this call counts.
        """
        decoded = [(decode(kind, payload), room(len(payload))) for kind, payload in messages]
        try:
            for number, (message, size) in enumerate(decoded):
                if isinstance(message, Start):
                    self._start = message.text
                elif isinstance(message, Link) and message.connected:
                    self._layouts[message.stream] = message.layout
                if not self._takes(message):
                    self._next_part(position, [later for later, _ in decoded[number:]])
                assert self._part is not None
                self._part.put(message)
                position += size
                if isinstance(message, End):
                    self.ended = True
                    break
            if self._part is not None and messages:
                self._part.flush(position)
        except OSError as error:
            raise LabError(
                f"The recording could not be written to {self._final.parent} ({error}). Free some space or check the "
                "disk; what was flushed before is safe, and what follows waits in memory until that is full."
            ) from error
        return position

    def _takes(self, message: Message) -> bool:
        if self._part is None:
            return False
        if not isinstance(message, Samples):
            return True
        same_layout = self._shapes.get(message.stream, (0, "", ""))[2] == self._layouts.get(message.stream, "")
        return same_layout and self._part.fits(message)

    def _next_part(self, position: int, upcoming: Sequence[Message]) -> None:
        """Close the part and begin one that fits the messages to come, looking as far ahead as it can."""
        self.close(position)
        shapes = dict(self._shapes)
        layouts = dict(self._layouts)
        settled: set[int] = set()
        start = self._start
        for message in upcoming:
            if isinstance(message, Start):
                start = start or message.text
            elif isinstance(message, Link) and message.connected:
                layouts[message.stream] = message.layout
            elif isinstance(message, Samples) and message.stream not in settled:
                settled.add(message.stream)
                values = message.values
                shapes[message.stream] = (values.shape[1], values.dtype.str, layouts.get(message.stream, ""))
        numbers = [part_number(path) or 0 for path in parts_of(self._final)]
        path = part_path(self._final, max(numbers, default=0) + 1)
        self._part = Part(path, self._token, position, about_texts(self._about, start), shapes)
        self._shapes = shapes

    def close(self, position: int | None = None) -> None:
        """Close the open part; with a ring `position`, flush it up to there first."""
        if self._part is not None:
            if position is not None:
                self._part.flush(position)
            self._part.close()
            self._part = None
