"""A command of this program that looks before the first step: run beside the window, line by line, never a shell."""

from __future__ import annotations

import sys
from collections.abc import Callable

from PyQt6.QtCore import QObject, QProcess, QProcessEnvironment


class Program(QObject):
    """`line(text, is_error)` for each line as it comes; `done(code, out, err)` at the end, unless it was cancelled."""

    def __init__(
        self,
        parent: QObject,
        arguments: list[str],
        line: Callable[[str, bool], None],
        done: Callable[[int, str, str], None],
    ) -> None:
        super().__init__(parent)
        self._line, self._done = line, done
        self._text = {False: "", True: ""}
        self._told = {False: 0, True: 0}
        self._cancelled = False
        self._process = QProcess(self)
        self._process.readyReadStandardOutput.connect(lambda: self._take(False))
        self._process.readyReadStandardError.connect(lambda: self._take(True))
        self._process.finished.connect(self._finished)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("PYTHONIOENCODING", "utf-8")  # into a pipe, Windows would write its old code page
        self._process.setProcessEnvironment(environment)
        self._process.start(sys.executable, ["-m", "labfeedback.cli", *arguments])

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.state() != QProcess.ProcessState.NotRunning

    def cancel(self) -> None:
        """End it; nothing is told any more. Killed, because a program without a window of its own has no gentler way
        on Windows; what it looks at is only read."""
        self._cancelled = True
        self._process.kill()
        self._process.waitForFinished(2000)

    def _take(self, error: bool) -> None:
        raw = self._process.readAllStandardError() if error else self._process.readAllStandardOutput()
        self._text[error] += bytes(raw.data()).decode("utf-8", "replace")
        whole = self._text[error].rfind("\n") + 1
        for line in self._text[error][self._told[error] : whole].splitlines():
            if line.strip() and not self._cancelled:
                self._line(line.strip(), error)
        self._told[error] = max(whole, self._told[error])

    def _finished(self, code: int, _status: object) -> None:
        self._take(False)
        self._take(True)
        if not self._cancelled:
            self._done(code, self._text[False], self._text[True])
