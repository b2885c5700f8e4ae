"""The operator's window in this process, its parent in a thread, everything else in real processes."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from typing import Any

from PyQt6.QtWidgets import QApplication

from labfeedback.asked import Asked
from labfeedback.commands.lab import Serving, choices
from labfeedback.commands.rehearse import walk_simulated
from labfeedback.console.window import OperatorWindow
from labfeedback.desk import Desk
from labfeedback.hub.talk import Talk
from labfeedback.process import spawn

__all__ = ["HandDesk", "Parent", "patient", "walk_simulated"]


class HandDesk(Desk):
    """A desk whose window is opened by the test."""

    def __init__(self, given: dict[str, Any]) -> None:
        super().__init__(given, headless=True)
        self.window: OperatorWindow | None = None

    def open_window(self, *, dark: bool = True) -> OperatorWindow:
        """A window of this process; the one before is gone."""
        context = multiprocessing.get_context("spawn")
        theirs_news, ours_news = context.Pipe(duplex=False)
        ours_commands, theirs_commands = context.Pipe(duplex=False)
        self._talk = Talk(ours_news, ours_commands)
        self.window = OperatorWindow(theirs_news, theirs_commands, dark=dark)
        return self.window


def patient(session: str, seed: int = 4) -> Callable[[Any], BaseProcess]:
    """A simulated person who waits for the hub and follows the cues."""
    from devices.simulated import Walk

    walk = Walk(seed=seed, slope=(0.04, -0.02), kam_sd=0.15)
    return lambda stop: spawn(
        "labfeedback.commands.rehearse:walk_simulated", session, walk, None, stop, name="simulated patient"
    )


class Parent(threading.Thread):
    """`labfeedback lab` without its own window."""

    def __init__(self, session: str, last: dict[str, Any], devices: tuple[Any, ...]) -> None:
        super().__init__(daemon=True)
        self.desk = HandDesk(choices(last))
        self.asked, self.session, self.devices = Asked(), session, devices
        self.ending = threading.Event()
        self.trouble: BaseException | None = None

    def end(self) -> None:
        """Also out of the middle of a walk."""
        self.ending.set()
        self.asked.ask()
        self.join(60)

    def run(self) -> None:
        try:
            serving = Serving(self.desk, self.asked, headless=True, devices=self.devices, session=self.session)
            while not self.ending.is_set():
                serving.once()
                time.sleep(0.02)
        except BaseException as error:
            self.trouble = error


def until(window: OperatorWindow, true: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Tick the window until something is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        window.tick()
        QApplication.processEvents()
        if true():
            return True
        time.sleep(0.02)
    return False
