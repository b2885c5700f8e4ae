"""The side thread that asks for clock offsets; it only queues them, the loop decides when they act."""

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
        self._measured_at[live.stream] = live.offset[2]
        self._watched[live.stream] = live

    def forget(self, stream: int) -> None:
        """The stream was lost."""
        self._watched.pop(stream, None)

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def _run(self) -> None:
        while not self._stop.wait(EVERY_S):
            for stream, live in list(self._watched.items()):
                try:
                    offset, uncertainty, measured_at = clock_offset(live.inlet, 0.5)
                except (pylsl.util.TimeoutError, pylsl.util.LostError, RuntimeError):
                    continue  # the loop notices a lost stream by itself
                if measured_at != self._measured_at.get(stream):
                    self._measured_at[stream] = measured_at
                    self.queue.append((stream, live.epoch, offset, uncertainty))
