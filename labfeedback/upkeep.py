"""What keeps a walk going: dead children are started again, a silent hub is noticed, last words are kept."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from labfeedback.process import Child

# Pauses before a dead child is started again, by how often it died in the last minute; the last one for ever.
RESTART_AFTER_S: Final = (0.0, 0.5, 1.0, 2.0, 5.0)
RESTART_WINDOW_S: Final = 60.0
SILENT_S: Final = 1.0  # the hub speaks four times a second
LOOK_S: Final = 0.05

_LIBRARY: Final = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")  # how liblsl begins its own log lines

Tell = Callable[[dict[str, Any]], None]


def say(tell: Tell, text: str, *, loud: bool = False) -> None:
    """A sentence of the lab's own among the news."""
    tell({"kind": "note", "text": text, "loud": loud})


class Logs:
    """A folder for what the children print; removed at the end unless `keep` was set."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="labfeedback-"))
        self.keep = False

    def path(self, name: str) -> Path:
        """The file of one child."""
        return self.folder / f"{name}.log"

    def last_words(self, name: str) -> str:
        """The last line that a child printed, for the sentence about its death; empty when it said nothing."""
        try:
            lines = self.path(name).read_text(encoding="utf-8", errors="replace").split("\n")
        except OSError:
            return ""
        said = [line.strip() for line in lines if line.strip() and not _LIBRARY.match(line)]
        return f": {said[-1][:300]}" if said else ""

    def close(self) -> None:
        """Remove the folder, unless it is needed."""
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)


def restart(child: Child, logs: Logs, tell: Tell, waiting: str = "") -> None:
    """Start a dead child again, or note when it may be; called until it runs.

    waiting: what to add when it dies again and again.
    """
    assert child.process is not None
    now = time.monotonic()
    if not child.next_start:
        while child.restarts and now - child.restarts[0] > RESTART_WINDOW_S:
            child.restarts.popleft()
        pause = RESTART_AFTER_S[min(len(child.restarts), len(RESTART_AFTER_S) - 1)]
        child.restarts.append(now)
        child.next_start = now + pause
        when = f"in {pause:g} s" if pause else "now"
        text = f"the {child.name} died (exit code {child.process.exitcode}{logs.last_words(child.log)}) and is "
        text += f"started again {when}"
        if len(child.restarts) > len(RESTART_AFTER_S):
            logs.keep = True
            text += f". It died {len(child.restarts)} times in a minute. Details: {logs.folder}{waiting}"
        say(tell, text, loud=True)
    if now >= child.next_start:
        child.next_start = 0.0
        child.begin()


class Silence:
    """A hub that neither speaks nor dies is as good as dead."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._quiet_s = 0.0  # since the linked hub's last news

    def lasts(self, heard: bool, passed_s: float, patience_s: float) -> bool:
        """Whether the hub has been silent for longer than patience_s. passed_s: since the last look."""
        was_silent = self._quiet_s > SILENT_S
        if heard:
            self._quiet_s = 0.0
            if was_silent:
                say(self._tell, "the hub speaks again", loud=True)
            return False
        # What passed while we ourselves stood still (a computer asleep) is not the hub's silence.
        self._quiet_s += min(passed_s, 5 * LOOK_S)
        if self._quiet_s > SILENT_S:
            self._tell({"kind": "hub silent", "seconds": self._quiet_s})
            if not was_silent:
                text = "HUB SILENT: the program that computes does not answer; the screen is neutral"
                say(self._tell, text, loud=True)
        return self._quiet_s > patience_s
