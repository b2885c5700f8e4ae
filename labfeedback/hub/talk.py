"""What the hub and its parent say to each other: commands in, news out, over two local pipes."""

from __future__ import annotations

import json
import threading
from collections import deque
from multiprocessing.connection import Connection
from typing import Any


class Talk:
    """News are sent by a side thread: a parent that does not read must never hold up the loop."""

    def __init__(self, news: Connection | None, commands: Connection | None) -> None:
        self._news, self._commands = news, commands
        self._waiting: deque[dict[str, Any]] = deque(maxlen=400)
        self._wake = threading.Event()
        self._closing = False
        self.stop_asked = False
        self.parent_gone = False
        self._thread = threading.Thread(target=self._run, name="news", daemon=True)
        self._thread.start()

    def tell(self, **news: Any) -> None:
        """Queue one piece of news."""
        self._waiting.append(news)
        self._wake.set()

    def status(self, status: dict[str, Any]) -> None:
        """The operator's line, four times a second."""
        self.tell(kind="status", **status)

    def note(self, text: str, *, loud: bool = False) -> None:
        """A sentence for the operator."""
        self.tell(kind="note", text=text, loud=loud)

    def event(self, code: int, text: str, *, loud: bool, time_s: float = 0.0, value: float = 0.0) -> None:
        """An event of the engine's, with its data time (0: before the first sample) and its value."""
        self.tell(kind="event", code=code, text=text, loud=loud, time_s=time_s, value=value)

    def commands(self) -> list[dict[str, Any]]:
        """The operator's commands since the last call. Only this pipe carries commands, never the network."""
        out: list[dict[str, Any]] = []
        if self._commands is None or self.parent_gone:
            return out
        try:
            while self._commands.poll(0):
                command = self._commands.recv()
                if isinstance(command, dict) and isinstance(command.get("do"), str):
                    out.append(json.loads(json.dumps(command)))
        except (EOFError, OSError):
            self.parent_gone = True
        return out

    def close(self) -> None:
        """Send what is left, for at most a second."""
        self._closing = True
        self._wake.set()
        self._thread.join(1.0)

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            while self._waiting:
                news = self._waiting.popleft()
                try:
                    if self._news is not None:
                        self._news.send(news)
                except (OSError, ValueError):
                    return
            if self._closing:
                return
