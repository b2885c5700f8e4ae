"""Secondary streams (EMG, insoles, heart rate, event markers): recorded with the visit, shown as present or lost.

A thread of its own looks for them, connects, and gathers what comes; the loop takes the lots with its TICK, so that
they cost the walk one hand-over every 50 ms and never a wait. They go into the input log with raw stamps and measured
offsets like the two that the engine joins, which does not look at them. Texts (a stream of markers) become notes with
their stamp.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pylsl

from labfeedback.errors import LabError
from labfeedback.hub.discover import Lookout
from labfeedback.hub.inlet import PATIENCE_S, LiveStream
from labfeedback.hub.lsl import clock_offset
from labfeedback.inputlog import MAX_STREAMS, Samples
from labfeedback.layout import Layout
from labfeedback.rig import OtherStream

FIRST: Final = 2  # stream numbers from here on
MOST: Final = MAX_STREAMS - FIRST
EVERY_S: Final = 0.025
LOOK_EVERY_S: Final = 1.0
OFFSET_EVERY_S: Final = 5.0
LOST_AFTER_S: Final = 3.0  # of silence, for streams with a rate


@dataclass(frozen=True, slots=True)
class Came:
    """A stream is there."""

    stream: int
    epoch: int
    layout: str
    offset_s: float
    uncertainty_s: float


@dataclass(frozen=True, slots=True)
class Went:
    """A stream is gone."""

    stream: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Lot:
    """Samples since the last lot. Their index is given when they are logged."""

    samples: Samples


@dataclass(frozen=True, slots=True)
class Measured:
    """A clock offset."""

    stream: int
    offset_s: float
    uncertainty_s: float


@dataclass(frozen=True, slots=True)
class Said:
    """A text that came at `time_s` of its sender's clock."""

    stream: int
    time_s: float
    text: str


@dataclass(slots=True)
class _One:
    wanted: OtherStream
    stream: int
    live: Any = None  # LiveStream, or a text inlet
    epoch: int = -1
    measured_at: float = 0.0
    heard_at: float = 0.0
    rated: bool = True
    tried: str = ""  # uid that could not be opened


@dataclass(slots=True)
class Others:
    """Looks after the rig's secondary streams. `queue` holds Came, Went, Lot, Measured, Said for the loop."""

    wanted: tuple[OtherStream, ...]
    lookout: Lookout
    queue: deque[Any] = field(default_factory=deque)
    notes: deque[str] = field(default_factory=deque)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _ones: list[_One] = field(default_factory=list)

    def start(self) -> None:
        """Begin to look, if there is anything to look for."""
        self._ones = [_One(wanted, FIRST + k) for k, wanted in enumerate(self.wanted[:MOST])]
        if self._ones:
            self._thread = threading.Thread(target=self._run, name="secondary streams", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(2.0)

    @property
    def present(self) -> dict[str, bool]:
        """Name -> whether it is there now."""
        return {one.wanted.name: one.live is not None for one in self._ones}

    def _run(self) -> None:
        look_at = 0.0
        while not self._stop.is_set():
            now = time.monotonic()
            if now >= look_at:
                look_at = now + LOOK_EVERY_S
                for one in self._ones:
                    if one.live is None:
                        self._look_for(one)
            for one in self._ones:
                if one.live is not None:
                    self._gather(one, now)
            time.sleep(EVERY_S)

    def _look_for(self, one: _One) -> None:
        found = [info for info in self.lookout.visible() if answers(info, one.wanted)]
        if len(found) > 1:
            self._note_once(one, f"{len(found)} streams answer to {one.wanted.name!r}: give its source_id in the rig")
            return
        if not found or found[0].uid() == one.tried:
            return
        info = found[0]
        one.tried = info.uid()
        try:
            if info.channel_format() == pylsl.cf_string:
                one.live = _Texts(info)
            else:
                one.live = _Values(one.stream, info)
        except (LabError, pylsl.util.TimeoutError, pylsl.util.LostError, RuntimeError) as error:
            self.notes.append(f"the secondary stream {one.wanted.name!r} is there but cannot be opened: {error}")
            return
        one.epoch += 1
        one.rated = info.nominal_srate() > 0
        one.measured_at = one.heard_at = time.monotonic()
        if isinstance(one.live, _Values):
            one.live.live.epoch = one.epoch
            offset, uncertainty, _ = one.live.live.offset
            self.queue.append(Came(one.stream, one.epoch, one.live.layout.model_dump_json(), offset, uncertainty))
        self.notes.append(f"the secondary stream {one.wanted.name!r} is {'back' if one.epoch else 'there'}")

    def _note_once(self, one: _One, text: str) -> None:
        if one.tried != text:
            one.tried = text
            self.notes.append(text)

    def _gather(self, one: _One, now: float) -> None:
        try:
            got = one.live.take(one.stream)
            if got:
                one.heard_at = now
                self.queue.extend(got)
            elif one.rated and now - one.heard_at > LOST_AFTER_S:
                self._lose(one, f"says nothing for {LOST_AFTER_S:g} s")
                return
            if isinstance(one.live, _Values) and now - one.measured_at > OFFSET_EVERY_S and not one.live.live.own_clock:
                one.measured_at = now
                offset, uncertainty, _ = clock_offset(one.live.live.inlet, PATIENCE_S)
                self.queue.append(Measured(one.stream, offset, uncertainty))
        except (pylsl.util.LostError, pylsl.util.TimeoutError, RuntimeError):
            self._lose(one, "is lost")

    def _lose(self, one: _One, how: str) -> None:
        one.live.close()
        was_values = isinstance(one.live, _Values)
        one.live, one.tried = None, ""
        if was_values:
            self.queue.append(Went(one.stream, one.epoch))
        self.notes.append(f"the secondary stream {one.wanted.name!r} {how}; the walk goes on without it")


class _Values:
    """Numbers: our own inlet; its memory is copied, because the loop takes it later."""

    def __init__(self, stream: int, info: Any) -> None:
        self.live = LiveStream(stream, info, described=False)
        self.layout: Layout = self.live.layout

    def take(self, _: int) -> list[Any]:
        got = self.live.pull(0, 0.0)
        if got is None:
            return []
        values = got.values.copy() if got.values.dtype.kind == "f" else got.values.astype(np.float64)
        return [Lot(Samples(got.stream, self.live.epoch, 0, got.raw_time.copy(), values))]

    def close(self) -> None:
        self.live.close()


class _Texts:
    """Words, such as the markers of another program."""

    def __init__(self, info: Any) -> None:
        self._inlet = pylsl.StreamInlet(info, max_buflen=60, recover=False)
        self._inlet.open_stream(PATIENCE_S)

    def take(self, stream: int) -> list[Any]:
        texts, stamps = self._inlet.pull_chunk(timeout=0.0)
        pairs = zip(texts or [], stamps or [], strict=True)
        return [Said(stream, float(at), "; ".join(map(str, text))) for text, at in pairs]

    def close(self) -> None:
        self._inlet.close_stream()


def answers(info: Any, wanted: OtherStream) -> bool:
    """Whether an outlet is the secondary stream that a rig names."""
    return (
        info.name() == wanted.name
        and (not wanted.type or info.type().lower() == wanted.type.lower())
        and (not wanted.source_id or info.source_id() == wanted.source_id)
    )
