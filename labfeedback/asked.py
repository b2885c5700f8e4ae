"""Ctrl+C, SIGTERM and a closed terminal during a walk: counted, not raised, so that none of them cuts anything short.

A KeyboardInterrupt may come between any two lines, also those that give back shared memory. Here a signal only adds to
a count, which the lab looks at twenty times a second.
"""

from __future__ import annotations

import contextlib
import signal
import time
from types import FrameType, TracebackType
from typing import Any, Final, Self

WORDS: Final = {"SIGINT": "Ctrl+C", "SIGTERM": "SIGTERM", "SIGHUP": "the closing of the terminal"}
# `timeout` and service managers signal the program and then its whole group: that is asking once. A hand at the
# keyboard is slower than the shorter time.
SAME_S: Final = {"SIGINT": 0.15, "SIGTERM": 1.0, "SIGHUP": 1.0}


class Asked:
    """How often the walk was asked to end, and by what; use it around the walk, and around more if that is wanted."""

    def __init__(self) -> None:
        self.times = 0
        self.word = ""  # who asked first
        self.at = 0.0  # monotonic s of the first time
        self._last: dict[str, float] = {}
        self._before: dict[int, Any] = {}
        self._depth = 0

    def ask(self, name: str = "SIGINT") -> None:
        """Count one signal, unless it only repeats the one just before."""
        now = time.monotonic()
        repeated = now - self._last.get(name, -1e9) < SAME_S[name]
        self._last[name] = now
        if repeated:
            return
        if not self.times:
            self.word, self.at = WORDS[name], now
        self.times += 1

    def __enter__(self) -> Self:
        self._depth += 1
        if self._depth > 1:
            return self
        for name in WORDS:
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number is None or signal.getsignal(number) == signal.SIG_IGN:  # who ignores it (nohup) goes on so
                continue
            with contextlib.suppress(ValueError):  # not in the main thread, as in a test
                self._before[number] = signal.signal(number, self._heard)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if self._depth:
            return
        for number, before in self._before.items():
            signal.signal(number, before)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        before = self._before.get(number)
        if callable(before):
            with contextlib.suppress(KeyboardInterrupt):  # what else it does is still wanted
                before(number, frame)
        self.ask(signal.Signals(number).name)
