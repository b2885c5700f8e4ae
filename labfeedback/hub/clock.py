"""The side thread that asks for clock offsets; it only queues them, the loop decides when they act.

One computer has one clock: streams of the same host get the same offset, the one measured with the least uncertainty.
Otherwise samples taken at one instant would be torn apart by the noise of two measurements.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Final

import pylsl

from labfeedback.hub.inlet import LiveStream
from labfeedback.hub.lsl import clock_offset

EVERY_S: Final = 2.0


class ClockWatch:
    """Polls every live stream's offset about every 2 s. `queue` holds (stream, epoch, offset_s, uncertainty_s)."""

    def __init__(self) -> None:
        self.queue: deque[tuple[int, int, float, float]] = deque()
        self._watched: dict[int, LiveStream] = {}
        self._measured_at: dict[int, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clock offsets", daemon=True)

    def start(self) -> None:
        """Begin to poll."""
        self._thread.start()

    def watch(self, live: LiveStream) -> None:
        """Poll this inlet from now on, instead of the one it replaces. Its first offset is the caller's to record."""
        if live.own_clock:
            self._watched.pop(live.stream, None)  # nothing to ask
            return
        self._measured_at[live.stream] = live.offset[2]
        self._watched[live.stream] = live

    def forget(self, stream: int) -> None:
        """The stream was lost."""
        self._watched.pop(stream, None)

    @staticmethod
    def share(streams: list[LiveStream]) -> None:
        """Give streams of one host the same first offset."""
        for live in streams:
            same = [other.offset for other in streams if other.layout.hostname == live.layout.hostname]
            live.offset = min(same, key=lambda offset: offset[1])

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def _run(self) -> None:
        while not self._stop.wait(EVERY_S):
            self.poll()

    def poll(self) -> None:
        """Ask once."""
        hosts: dict[str, list[LiveStream]] = {}
        for live in list(self._watched.values()):
            hosts.setdefault(live.layout.hostname, []).append(live)
        for streams in hosts.values():
            measured = [offset for live in streams if (offset := self._ask(live)) is not None]
            if measured:
                best = min(measured, key=lambda offset: offset[1])
                self.queue.extend((live.stream, live.epoch, best[0], best[1]) for live in streams)

    def _ask(self, live: LiveStream) -> tuple[float, float, float] | None:
        """A new estimate, or None while liblsl has none yet."""
        try:
            offset = clock_offset(live.inlet, 0.5)
        except (pylsl.util.TimeoutError, pylsl.util.LostError, RuntimeError):
            return None  # the loop notices a lost stream by itself
        if offset[2] == self._measured_at.get(live.stream):
            return None
        self._measured_at[live.stream] = offset[2]
        return offset
