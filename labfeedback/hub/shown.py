"""What the patient's screen says it painted, fetched in a side thread."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

import pylsl

from labfeedback.records import SHOWN, Rows, from_numbers, numeric_fields


class ShownReader:
    """Subscribes to `labfeedback-shown` of this session, again after each restart of the screen."""

    def __init__(self, session: str) -> None:
        self.queue: deque[Rows] = deque()
        self._source_id = f"labfeedback-shown-{session}"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="shown", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(3.0)

    def _run(self) -> None:
        resolver = pylsl.ContinuousResolver(prop="source_id", value=self._source_id, forget_after=2.0)
        dead = ""
        while not self._stop.wait(0.25):
            found = [info for info in resolver.results() if info.uid() != dead]
            if found and found[-1].channel_count() == len(numeric_fields(SHOWN)):
                dead = found[-1].uid()
                self._listen(found[-1])

    def _listen(self, info: Any) -> None:
        inlet = pylsl.StreamInlet(info, max_buflen=10, recover=False)
        try:
            while not self._stop.is_set():
                values, stamps = inlet.pull_chunk(0.25, 64, None, 1, True)
                if len(stamps):
                    self.queue.append(from_numbers(values, SHOWN))
        except (pylsl.util.LostError, pylsl.util.TimeoutError):
            return  # the screen died; its successor has another uid
