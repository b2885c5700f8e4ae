"""Single keys from the terminal, on POSIX and Windows alike; whole lines where there is no terminal."""

from __future__ import annotations

import queue
import sys
import threading
from types import TracebackType
from typing import Any, Self


class Keys:
    """Reads in a thread of its own. `take` never waits; each item is one key, or with `whole_lines` a line."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.whole_lines = not (sys.stdin is not None and sys.stdin.isatty())
        self._restore: Any = None
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        if sys.stdin is None:
            return self
        if not self.whole_lines and sys.platform != "win32":
            import termios
            import tty

            number = sys.stdin.fileno()
            before = termios.tcgetattr(number)
            tty.setcbreak(number)  # keys one by one; output and Ctrl+C stay what they are
            self._restore = lambda: termios.tcsetattr(number, termios.TCSADRAIN, before)
        threading.Thread(target=self._read, name="keys", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._restore is not None:
            self._restore()

    def take(self) -> list[str]:
        """Everything since the last call."""
        out = []
        while True:
            try:
                out.append(self._queue.get_nowait())
            except queue.Empty:
                return out

    def _read(self) -> None:
        while not self._ended.is_set():
            try:
                item = self._one()
            except (OSError, ValueError):
                return
            if item is None:
                return
            self._queue.put(item)

    def _one(self) -> str | None:
        if self.whole_lines:
            line = sys.stdin.readline()
            return line.rstrip("\r\n") if line else None
        if sys.platform == "win32":
            import msvcrt

            key = msvcrt.getwch()
            return "" if key in ("\x00", "\xe0") and msvcrt.getwch() else key  # an arrow or function key: two parts
        return sys.stdin.read(1) or None
