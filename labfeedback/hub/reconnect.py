"""The side thread that looks for a lost stream, and refuses it when it comes back as something else."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from labfeedback import rig as rigs
from labfeedback.errors import StreamTrouble
from labfeedback.hub.discover import Lookout, compare, matches, refuse_unless_one
from labfeedback.hub.inlet import LiveStream
from labfeedback.layout import Layout

EVERY_S: Final = 0.3


class Reconnect:
    """Finds lost streams again. `back` holds connected inlets, `notes` sentences for everybody."""

    def __init__(self, lookout: Lookout, wanted: tuple[rigs.Stream, ...]) -> None:
        self.back: deque[LiveStream] = deque()
        self.notes: deque[str] = deque()
        self._lookout = lookout
        self._wanted = wanted
        self._lost: dict[int, tuple[Layout, str]] = {}
        self._present: dict[int, str] = {}
        self._said: dict[int, str] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reconnect", daemon=True)
        # Time since which no outlet answered to any of the lost streams; the loop ends the walk by it.
        self.gone_since: dict[int, float] = {}

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(5.0)

    def lost(self, stream: int, layout: Layout, uid: str) -> None:
        """Look for this stream; it must come back with an interchangeable layout."""
        self.gone_since[stream] = time.monotonic()
        self._lost[stream] = (layout, uid)

    def another_outlet(self, stream: int, uid: str) -> bool:
        """Whether an outlet other than `uid` answers to the stream (a sender restarted behind a dead connection)."""
        return any(info.uid() != uid for info in self._lookout.candidates(self._wanted[stream]))

    def _run(self) -> None:
        while not self._stop.wait(EVERY_S):
            for stream in list(self._lost):
                self._look_for(stream)

    def _look_for(self, stream: int) -> None:
        layout, old = self._lost[stream]
        # The outlet that died stays visible for a moment: it is not the one that came back.
        found = [info for info in self._lookout.visible() if matches(info, self._wanted[stream]) and info.uid() != old]
        if found:
            self.gone_since[stream] = time.monotonic()
        else:
            self._said.pop(stream, None)
            return
        try:
            refuse_unless_one(self._wanted[stream], found, self._lookout)
            live = LiveStream(stream, found[0])
        except StreamTrouble as trouble:
            self._say(stream, str(trouble))
            return
        different = compare(layout, live.layout)
        if different:
            live.close()
            self._say(
                stream,
                f"REFUSED: stream {layout.name!r} came back as something else: {different}. Feedback stays neutral. "
                "Restore the sender's settings, or end the walk and start again",
            )
            return
        del self._lost[stream]
        self._said.pop(stream, None)
        self.back.append(live)

    def _say(self, stream: int, sentence: str) -> None:
        if self._said.get(stream) != sentence:
            self._said[stream] = sentence
            self.notes.append(sentence)


def nobody_left(gone_since: dict[int, float], streams: int, clock: Callable[[], float] = time.monotonic) -> float:
    """Seconds since the last of all streams went away; 0 while any is there or may come back as something else."""
    if len(gone_since) < streams:
        return 0.0
    return clock() - max(gone_since.values())
