"""The operator's hands: keys go to the window as the keyboard sends them, and nowhere else."""

from __future__ import annotations

import time
from typing import Any

from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QWidget


class Hands:
    """No mouse, no calls into the window."""

    def __init__(self, window: Any) -> None:
        self.window = window
        window.activateWindow()
        QTest.qWaitForWindowActive(window, 2000)

    @property
    def focus(self) -> QWidget | None:
        """What has the keyboard."""
        return QApplication.focusWidget()

    def press(self, key: Qt.Key | str, *, ctrl: bool = False) -> None:
        """One stroke."""
        modifier = Qt.KeyboardModifier.ControlModifier if ctrl else Qt.KeyboardModifier.NoModifier
        QTest.keyClick(self.window.windowHandle(), key, modifier)
        QApplication.processEvents()

    def type(self, text: str) -> None:
        """Letters and digits, then Return."""
        for letter in text:
            self.press(letter)
        self.press(Qt.Key.Key_Return)

    def tab_to(self, wanted: QWidget) -> bool:
        """Tab until it has the keyboard; False when it cannot be reached."""
        for _ in range(80):
            if self.focus is wanted:
                return True
            self.press(Qt.Key.Key_Tab)
        return False

    def hold(self, key: Qt.Key, seconds: float) -> None:
        """Press and keep it down."""
        QTest.keyPress(self.window.windowHandle(), key)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.window.tick()
            QApplication.processEvents()
            time.sleep(0.02)
        QTest.keyRelease(self.window.windowHandle(), key)
