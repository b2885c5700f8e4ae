"""The parent's side of the operator's window: opens it, opens it again when it dies, tells it everything anew.

The window owns no state; what has been told, which incidents were acknowledged and what the last page was stay here.
"""

from __future__ import annotations

import multiprocessing
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from labfeedback.hub.talk import Talk
from labfeedback.process import SHORT_PATIENCE_S, Child, spawn
from labfeedback.upkeep import Logs, restart
from labfeedback.veil import veiled

CONSOLE: Final = "labfeedback.console.program:run"
ASKED: Final = ("begin", "another", "override verdict", "look")  # for whoever runs the desk
HUNG_S: Final = 20.0  # a window says that it is there each second; one that is silent for so long is begun anew
BACKLOG: Final = 200  # incidents that a window opened again is told


class Desk:
    """Call it with the lab's news. `lab_command`: where commands for the hub go; None while there is none."""

    def __init__(self, choices: dict[str, Any], *, headless: bool = False, dark: bool = True) -> None:
        self.choices = choices
        self.lab_command: Callable[[dict[str, Any]], None] | None = None
        self.asked: deque[dict[str, Any]] = deque()  # see ASKED
        self.closed = False  # a person closed the window while nobody walks
        self._logs = Logs()
        self._talk: Talk | None = None
        self._page: dict[str, Any] = {"kind": "page", "page": "start"}
        self._ended: dict[str, Any] | None = None
        self._concluded: dict[str, Any] | None = None
        self._incidents: deque[dict[str, Any]] = deque(maxlen=BACKLOG)
        self._seen: set[int] = set()
        self._count = 0
        self.here = False  # whether the window of now has said that it is there
        self._quiet_s, self._looked_at = 0.0, time.monotonic()
        self._child = Child(
            "operator's window", lambda stop: self._open(stop, headless, dark), restart=True, log="console"
        )

    def _open(self, stop: Any, headless: bool, dark: bool) -> Any:
        # New pipes every time: a window that was killed may have left half a message in the old ones.
        context = multiprocessing.get_context("spawn")
        theirs_news, ours_news = context.Pipe(duplex=False)
        ours_commands, theirs_commands = context.Pipe(duplex=False)
        if self._talk is not None:
            self._talk.close()
        self._talk = Talk(ours_news, ours_commands)
        process = spawn(
            CONSOLE, theirs_news, theirs_commands, dark=dark, headless=headless, stop=stop, name="console",
            log=self._logs.path("console"),
        )  # fmt: skip
        theirs_news.close()
        theirs_commands.close()
        self.here = False
        return process

    @property
    def pid(self) -> int | None:
        """Of the window's process."""
        return self._child.process.pid if self._child.process is not None else None

    def begin(self) -> None:
        """Open the window."""
        self._child.begin()

    def __call__(self, news: dict[str, Any]) -> None:
        """One piece of news of the lab; a blinded operator's window never gets more than `veil` lets through."""
        told = veiled(news) if self._page.get("blinded") else news
        if told is None:
            self.work()
            return
        news = told
        if news.get("kind") in ("ended", "finishing"):
            self._ended = self._ended or news
        if news.get("kind") in ("note", "event"):
            news = {**news, "number": self._count, "clock": time.strftime("%H:%M:%S")}
            self._count += 1
            self._incidents.append(news)
        self._tell(news)
        self.work()

    def offer(self, last: dict[str, Any]) -> None:
        """What the start page begins with from now on."""
        self.choices["last"] = last
        self._tell({"kind": "choices", **self.choices})

    def page(self, page: str, **said: Any) -> None:
        """Turn the window's page."""
        self._page, self._ended = {"kind": "page", "page": page, **said}, None
        if page != "end":
            self._concluded = None
        if page == "walk":
            self._incidents.clear()
            self._seen.clear()
            self._tell({"kind": "cleared"})
        self._tell(self._page)

    def conclude(self, **said: Any) -> None:
        """What came of the visit."""
        self._concluded = {**said, "kind": "concluded"}
        self._tell(self._concluded)

    def overridden(self, change: str, reason: str, then: str) -> None:
        """Another target was kept; then: what comes next now."""
        if self._concluded is not None:
            self.conclude(**{**self._concluded, "overridden": f"{change} ({reason})", "next": then})

    def found(self, asked: dict[str, Any], found: dict[str, Any]) -> None:
        """What is known of the chosen person; `asked` as the window asked it."""
        self._tell({"kind": "found", "asked": asked, **found})

    def refuse(self, text: str) -> None:
        """What was asked for cannot be."""
        self._tell({"kind": "refused", "text": text})

    def _tell(self, news: dict[str, Any]) -> None:
        if self._talk is not None:
            self._talk.tell(**news)

    def work(self) -> None:
        """Take the window's commands; open it again when it died."""
        if self._talk is not None:
            for command in self._talk.commands():
                self._take(command)
        self._end_hung()
        if self._child.process is not None and not self._child.alive:
            if self._child.process.exitcode == 0 and self.lab_command is None:
                self.closed = True
                return
            self._child.given_up = False
            restart(self._child, self._logs, self._note)

    def _end_hung(self) -> None:
        """A window that neither draws nor takes keys helps nobody: it is ended, and opened again like one that died."""
        now = time.monotonic()
        # A computer that slept, or a parent that was busy, is no silence of the window.
        self._quiet_s += min(now - self._looked_at, 1.0)
        self._looked_at = now
        if self.here and self._child.alive and self._quiet_s > HUNG_S:
            self.here = False
            self._note({"kind": "note", "text": f"the operator's window did not answer for {HUNG_S:g} s and is ended"})
            self._child.end_now()

    def _note(self, news: dict[str, Any]) -> None:
        news = {**news, "number": self._count, "clock": time.strftime("%H:%M:%S")}
        self._count += 1
        self._incidents.append(news)

    def _take(self, command: dict[str, Any]) -> None:
        what = command["do"]
        if what == "here":
            self.here, self._quiet_s = True, 0.0
        elif what == "hello":
            self._tell({"kind": "choices", **self.choices})
            self._tell(self._page)
            for news in list(self._incidents):
                self._tell(news)
            for number in sorted(self._seen):
                self._tell({"kind": "seen", "number": number})
            for over in (self._ended, self._concluded):
                if over is not None:
                    self._tell(over)
        elif what == "seen":
            self._seen.add(int(command["number"]))
            self._tell({"kind": "seen", "number": int(command["number"])})
        elif what in ASKED:
            self.asked.append(command)
        elif self.lab_command is not None:
            self.lab_command(command)

    def close(self) -> None:
        """End the window."""
        self._child.end(SHORT_PATIENCE_S)
        if self._talk is not None:
            self._talk.close()
        self._logs.close()
