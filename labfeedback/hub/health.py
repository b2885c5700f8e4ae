"""The watchdog: how old the data are, how fast they come, how long the loop takes. Measured, not computed."""

from __future__ import annotations

from typing import Final

import numpy as np

from labfeedback.inputlog import FORCES, MARKERS
from labfeedback.records import HEALTH, Rows
from labfeedback.settings import Settings

OK, WARN, NEUTRAL, PAUSED = range(4)
WARN_S: Final = 0.050
STATE_NAMES: Final = ("ok", "late", "silent", "paused")
_KEPT: Final = 1024  # durations behind the percentiles: about a second of a 1 kHz loop
_WINDOW_S: Final = 1.0


class Health:
    """Counts what arrives; one row per TICK. No allocation per sample."""

    def __init__(self, nominal_hz: tuple[float, float], now: float, settings: Settings) -> None:
        """settings: those of START, so that the engine and this watchdog have the same limits of silence."""
        self.neutral_s, self.pause_s = settings.silent_neutral_s, settings.silent_pause_s
        # A camera below 60 Hz is not late after 50 ms: three frame times are the least that means anything.
        self._warn_s = max(WARN_S, *(3.0 / rate for rate in nominal_hz))
        self._last = [now, now]
        self._count = [0, 0]
        self._marks: list[tuple[float, int, int]] = []
        self._durations = np.full(_KEPT, np.nan)
        self._next = 0
        self.steps = 0
        self.steps_valid = 0

    def arrived(self, stream: int, samples: int, now: float) -> None:
        """n samples of a stream came at local time `now`, s."""
        self._last[stream] = now
        self._count[stream] += samples

    def took(self, seconds: float) -> None:
        """One pass of the loop, from the arrival of data to the last published row."""
        self._durations[self._next % _KEPT] = seconds
        self._next += 1

    def ages(self, now: float) -> tuple[float, float]:
        """Seconds since the last sample of markers and forces."""
        return now - self._last[MARKERS], now - self._last[FORCES]

    def state_of(self, age_s: float) -> int:
        """The watchdog's state for the age of the older stream."""
        for state, limit in ((PAUSED, self.pause_s), (NEUTRAL, self.neutral_s), (WARN, self._warn_s)):
            if age_s >= limit:
                return state
        return OK

    def row(self, now: float, ring_fill: float) -> Rows:
        """One row of HEALTH at local time `now`."""
        ages = self.ages(now)
        self._marks.append((now, self._count[MARKERS], self._count[FORCES]))
        while len(self._marks) > 2 and now - self._marks[0][0] > _WINDOW_S:
            self._marks.pop(0)
        began, markers, forces = self._marks[0]
        span = max(now - began, 1e-6)
        rows: Rows = np.zeros(1, HEALTH)
        row = rows[0]
        row["time_s"] = now
        row["state"] = self.state_of(max(ages))
        row["markers_age_s"], row["forces_age_s"] = ages
        row["markers_rate_hz"] = (self._count[MARKERS] - markers) / span
        row["forces_rate_hz"] = (self._count[FORCES] - forces) / span
        row["markers_samples"], row["forces_samples"] = self._count
        taken = self._durations[: min(self._next, _KEPT)]
        row["loop_p50_ms"], row["loop_p99_ms"] = (
            np.percentile(taken, (50, 99)) * 1000 if len(taken) else (np.nan, np.nan)
        )
        row["ring_fill"] = ring_fill
        row["steps"], row["steps_valid"] = self.steps, self.steps_valid
        return rows
