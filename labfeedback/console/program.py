"""The operator's window as a process of its own: news from the parent, rows from LSL, commands back to the parent."""

from __future__ import annotations

import os
from multiprocessing.connection import Connection
from typing import Final, Protocol

TICK_MS: Final = 50  # 20 Hz: plots need no more
TABLES: Final = ("frames", "steps", "cues", "health")


class Stop(Protocol):
    """What ends the program."""

    def is_set(self) -> bool:
        """True once it is to end."""


def run(
    news: Connection, commands: Connection, *, dark: bool = True, headless: bool = False, stop: Stop | None = None
) -> None:
    """Show what the parent tells until `stop`, the parent's end or a person closes it (then it may be opened again)."""
    if headless:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from PyQt6.QtCore import QTimer
    from PyQt6.QtGui import QGuiApplication
    from PyQt6.QtWidgets import QApplication

    from labfeedback.console.window import OperatorWindow

    application = QApplication.instance() or QApplication(["labfeedback operator"])
    window = OperatorWindow(news, commands, dark=dark)
    if len(QGuiApplication.screens()) > 1:
        window.showMaximized()  # the patient has a display of their own
    else:
        place = window.screen()
        if place is not None:  # the patient's screen has the lower right corner
            free = place.availableGeometry()
            window.setGeometry(
                free.left(), free.top(), min(window.width(), free.width()), min(window.height(), free.height())
            )
        window.show()
        window.raise_()

    def tick() -> None:
        window.tick()
        if window.closed or window.parent_gone or (stop is not None and stop.is_set()):
            application.quit()

    timer = QTimer()
    timer.timeout.connect(tick)
    timer.start(TICK_MS)
    try:
        application.exec()
    finally:
        window.close_ears()
