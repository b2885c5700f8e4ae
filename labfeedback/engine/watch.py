"""Silent streams, judged by the TICKs in the log: within 250 ms the screen goes neutral, after 2 s the block pauses."""

from __future__ import annotations

import math

from labfeedback.inputlog import FORCES, MARKERS
from labfeedback.records import CueState, EventCode

_NAMES = {MARKERS: "markers", FORCES: "forces"}
Verdict = tuple[EventCode, str, CueState | None]


class Watch:
    """Ages are TICK time minus the time of a stream's newest sample."""

    def __init__(self, neutral_s: float, pause_s: float) -> None:
        self._neutral, self._pause = neutral_s, pause_s
        self.last_tick = -math.inf
        self._since: dict[int, float] = {}  # silent streams and the time of their last sample
        self._waiting: dict[int, float] = {}  # streams that never sent a sample, and the first TICK that found so
        self.paused = False

    @property
    def silent(self) -> bool:
        """Whether any stream is silent."""
        return bool(self._since)

    def given_up(self, stream: int) -> float:
        """Up to which time a silent stream is no longer waited for; -inf while it is not silent."""
        return self.last_tick - self._neutral if stream in self._since else -math.inf

    def look(self, tick: float, last: tuple[float, float]) -> list[Verdict]:
        """What a TICK finds. `last`: time of the newest sample of markers and forces, -inf before the first."""
        self.last_tick = tick
        found: list[Verdict] = []
        for stream, newest in zip((MARKERS, FORCES), last, strict=True):
            if newest == -math.inf:
                newest = self._waiting.setdefault(stream, tick)
            age = tick - newest
            if age > self._neutral and stream not in self._since:
                self._since[stream] = newest
                found.append((EventCode.STREAM_SILENT, f"{_NAMES[stream]} silent", CueState.KEEP_WALKING))
            elif age <= self._neutral and stream in self._since:
                del self._since[stream]
                found.append((EventCode.STREAM_BACK, f"{_NAMES[stream]} are back", None))
        if self._since and not self.paused and tick - min(self._since.values()) > self._pause:
            self.paused = True
            found.append((EventCode.PAUSED, "paused: a stream is silent", CueState.PAUSED))
        if not self._since and self.paused:
            self.paused = False
            found.append((EventCode.RESUMED, "resumed: both streams are back", None))
        # Only when every stream is back may feedback go on.
        return [v for v in found if not (v[0] == EventCode.STREAM_BACK and self._since)]
