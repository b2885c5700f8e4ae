"""The operator's window: one page at a time, from what the parent says."""

from __future__ import annotations

import contextlib
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QCloseEvent, QGuiApplication
from PyQt6.QtWidgets import QLabel, QMainWindow, QWidget

from labfeedback.console.end import EndPage
from labfeedback.console.looks import LOOKS, scale_of, sheet
from labfeedback.console.start import StartPage
from labfeedback.console.view import View
from labfeedback.console.walk import WalkPage
from labfeedback.console.widgets import label
from labfeedback.ears import Ear, now, use_private_network
from labfeedback.errors import LabError
from labfeedback.records import CUE, FRAME, HEALTH, STEP

HERE_S: Final = 1.0  # so often the parent is told that the window is there
REST_S: Final = 0.05  # rows of the hub gather for one look of the window
DTYPES: Final = {"frames": FRAME, "cues": CUE, "steps": STEP, "health": HEALTH}  # what a step aimed at comes first


class OperatorWindow(QMainWindow):
    """Owns nothing: whatever it shows, the parent told it, the hub streams it, or the recording holds it."""

    def __init__(self, news: Connection, commands: Connection, *, dark: bool = True) -> None:
        super().__init__()
        self._news, self._commands = news, commands
        self._looks = LOOKS["dark" if dark else "light"]
        self.view = View()
        self.page: QWidget = QLabel("waiting for the lab ...")
        self._ears: dict[str, Ear] = {}
        self._of: tuple[str, str, int] = ("", "", 0)  # page, session and conclusion that are shown
        self._choices: dict[str, Any] = {}
        self.closed = self.parent_gone = False
        self._said_here = 0.0
        self.setWindowTitle("labfeedback - operator")
        display = self.screen()
        # With a single display the patient's screen stands beside it: then it stays as small as it can be.
        own = len(QGuiApplication.screens()) > 1
        height = display.availableGeometry().height() if display is not None and own else 0
        self._scale = scale_of(height)
        self.setStyleSheet(sheet(self._looks, height))
        self.setCentralWidget(self.page)
        self.resize(1366, 740)
        self.send({"do": "hello"})

    def send(self, command: dict[str, Any]) -> None:
        """To the parent; only this pipe carries commands."""
        try:
            self._commands.send(command)
        except (OSError, ValueError):
            self.parent_gone = True

    def tick(self) -> None:
        """Take what came and show it."""
        if time.monotonic() - self._said_here > HERE_S:
            self._said_here = time.monotonic()
            self.send({"do": "here"})
        try:
            while self._news.poll(0):
                self._hear(self._news.recv())
        except (EOFError, OSError):
            self.parent_gone = True
        self._turn_page()
        if isinstance(self.page, StartPage) and self.view.found is not None:
            self.page.found(*self.view.found)
            self.view.found = None
        if isinstance(self.page, (StartPage, EndPage)) and self.view.refused:
            self.page.refused(self.view.refused)
            self.view.refused = ""
        if isinstance(self.page, WalkPage):
            moment = now() if self._ears else 0.0
            for table, ear in self._ears.items():
                for rows in ear.take():
                    self.page.rows(table, rows, moment)
            self.page.plots.draw(time.monotonic())
            self.page.show_view(moment)

    def _hear(self, news: dict[str, Any]) -> None:
        if news.get("kind") == "choices":
            self._choices = news
        self.view.hear(news)

    def _turn_page(self) -> None:
        view = self.view
        if (view.page, view.session, view.stamp) == self._of or (view.page == "start" and not self._choices):
            return
        self._of = (view.page, view.session, view.stamp)
        self.close_ears()
        if view.page == "start":
            self._put(StartPage(self._choices, self._looks, self.send))
        elif view.page == "walk":
            page = WalkPage(view, self._looks, self.send, self._scale)
            self._put(page)
            self._catch_up(page)
            if view.session:
                use_private_network()
                self._ears = {table: Ear(table, dtype, view.session, rest_s=REST_S) for table, dtype in DTYPES.items()}
        elif view.page == "wait":
            self._put(label(view.text, "title"))
        else:
            self._put(EndPage(view, self.send))

    def _put(self, page: QWidget) -> None:
        self.page = page
        # Without a policy Qt gives the keys to the first field when the window comes to the front: a D for the
        # direction check would then be typed into a path.
        page.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setCentralWidget(page)
        page.show()
        page.setFocus()

    def _catch_up(self, page: WalkPage) -> None:
        """Steps that were walked before this window was opened, from the recording that is being written."""
        path = Path(self.view.recording) if self.view.recording else None
        if path is None:
            return
        from labfeedback.recording.layout import parts_of

        if not parts_of(path):
            return
        from labfeedback.recording.reader import Recording

        with contextlib.suppress(LabError, OSError), Recording.open(path) as recording:
            steps, cues = recording.table("steps"), recording.table("cues")
            page.past(steps, cues)

    def close_ears(self) -> None:
        """End the threads that listen."""
        for ear in self._ears.values():
            ear.close()
        self._ears = {}

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """The visit goes on without the window; the parent opens it again."""
        self.closed = True
        super().closeEvent(event)
