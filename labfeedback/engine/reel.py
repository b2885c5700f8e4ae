"""Rows gathered while one record is worked on."""

from __future__ import annotations

import math

import numpy as np

from labfeedback.engine.outputs import Outputs
from labfeedback.engine.steps import Finding
from labfeedback.records import CUE, EVENT, FRAME, STEP, EventCode, Rows, joined


class Reel:
    """Collects rows and hands them over as one `Outputs`."""

    def __init__(self) -> None:
        self._frames: list[Rows] = []
        self._steps: list[Finding] = []
        self._cues: list[Rows] = []
        self._events: list[Rows] = []

    def frames(self, rows: Rows) -> None:
        """Add FRAME rows."""
        self._frames.append(rows)

    def step(self, finding: Finding) -> None:
        """Add one step."""
        self._steps.append(finding)

    def cues(self, rows: list[Rows]) -> None:
        """Add CUE rows."""
        self._cues += rows

    def event(self, time_s: float, code: EventCode, text: str, side: int = 0, value: float = math.nan) -> None:
        """Add one EVENT row; a text that is too long is cut at a whole character."""
        row = np.zeros(1, EVENT)
        size = EVENT["text"].itemsize
        row[0] = (time_s, int(code), side, value, text.encode()[:size].decode(errors="ignore").encode())
        self._events.append(row)

    def take(self) -> Outputs:
        """Everything since the last call."""
        out = Outputs()
        if self._frames:
            out.frames = joined(self._frames, FRAME)
            self._frames = []
        if self._steps:
            out.steps = joined([finding.row for finding in self._steps], STEP)
            out.curves = [finding.curve for finding in self._steps if finding.curve is not None]
            self._steps = []
        if self._cues:
            out.cues = joined(self._cues, CUE)
            self._cues = []
        if self._events:
            out.events = joined(self._events, EVENT)
            self._events = []
        return out
