"""The page after a visit: what came of it, the table of an assessment, the report, what is due next."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PyQt6.QtCore import Qt, QUrl
from PyQt6.QtGui import QDesktopServices
from PyQt6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QListWidget,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from labfeedback.console.view import View
from labfeedback.console.widgets import Place, Words, key_of, label, panel

COLUMNS = ("change", "steps", "achieved, deg", "reduction, %BW*Ht (95 %)", "%", "excluded by")
Send = Callable[[dict[str, Any]], None]


class EndPage(QWidget):
    """Shows `view.conclusion`: {"numbers", "lines", "verdict", "report", "why", "next", "overridden"}."""

    def __init__(self, view: View, send: Send) -> None:
        super().__init__()
        self._view, self._send = view, send
        found = view.conclusion
        whole = QVBoxLayout(self)
        whole.setContentsMargins(14, 12, 14, 12)
        whole.addWidget(label("The visit is over", "title"))
        whole.addWidget(label(view.heading, "quiet", "who and what"))
        whole.addWidget(label(_sentence(found.get("why", "")), "say", "how it ended"))
        verdict = None if view.blinded else found.get("verdict")
        if verdict:
            change = verdict["chosen_change"] or verdict["verdict"]
            said = [label(f"Verdict: {change}", "title"), label(verdict["deciding_rule"], "quiet")]
            if found.get("overridden"):
                said.append(label(f"Overridden: {found['overridden']}", "say"))
            whole.addWidget(panel(*said))
            self.table = _table(verdict)
            whole.addWidget(self.table, 1)
            self.override = self._button("Choose otherwise, with a reason", "O", self.ask_override)
            whole.addWidget(self.override)
        self.trouble = label("", "say", "what could not be done")
        self.trouble.setVisible(False)
        whole.addWidget(self.trouble)
        self.asks = Place(self)
        whole.addLayout(self.asks)
        for line in found.get("numbers", []):
            whole.addWidget(label(line, "fact"))
        whole.addWidget(panel(*(label(line, "quiet") for line in found.get("lines", []))))
        if found.get("next"):
            whole.addWidget(label(f"Next: {found['next']}", "say"))
        key_of(self, "Escape", self.asks.clear)
        row = QHBoxLayout()
        self.report = self._button("Open the plot" if found.get("last") else "Open the report", "R", self._open)
        self.report.setEnabled(bool(found.get("report")))
        self.again = self._button("Another visit", "Ctrl+Return", lambda: send({"do": "another"}))
        self.again.setObjectName("go")
        self.again.setVisible(not found.get("last"))
        for button in (self.report, self.again):
            row.addWidget(button)
        if not verdict:
            whole.addWidget(label("WHAT HAPPENED", "caption"))
            whole.addWidget(_happened(view), 1)
        whole.addLayout(row)

    def _button(self, text: str, key: str, done: Callable[[], None]) -> QPushButton:
        button = QPushButton(f"{text}  ({key})")
        button.setAccessibleName(text)
        button.clicked.connect(lambda _checked=False: done())
        key_of(self, key, button.click)
        return button

    def refused(self, text: str) -> None:
        """The parent could not do what was asked."""
        self.trouble.setText(_sentence(text))
        self.trouble.setVisible(True)

    def _open(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(self._view.conclusion["report"]).absolute())))

    def ask_override(self) -> None:
        """Another target: which, and why."""
        self.changes = QComboBox()
        self.changes.setAccessibleName("the change to train")
        self.changes.setEditable(True)
        self.changes.addItems([*(c["change"] for c in self._view.conclusion["verdict"]["candidates"]), "natural"])

        def keep(reason: str) -> None:
            change = self.changes.currentText().strip()
            self.asks.clear()
            self._send({"do": "override verdict", "change": change, "reason": reason})

        words = Words("Train another change: why? It is printed in every report.", keep)
        inside = words.layout()
        assert isinstance(inside, QVBoxLayout)
        inside.insertWidget(1, self.changes)
        words.first = self.changes
        self.asks.put(words)


def _happened(view: View) -> QListWidget:
    """The incidents of the visit, in order."""
    out = QListWidget()
    out.setAccessibleName("what happened, in order")
    out.setWordWrap(True)
    out.addItems([f"{one.clock}  {one.text}" for one in view.incidents])
    return out


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _table(verdict: dict[str, Any]) -> QTableWidget:
    rows = verdict["candidates"]
    table = QTableWidget(len(rows), len(COLUMNS))
    table.setAccessibleName("candidates")
    table.setHorizontalHeaderLabels(COLUMNS)
    table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
    table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    for n, c in enumerate(rows):
        r = c["reduction"]
        interval = "" if r["low"] is None else f"{r['mean']:.2f} ({r['low']:.2f} to {r['high']:.2f})"
        achieved = c["achieved_change_deg"]
        words = "" if achieved is None else f"{abs(achieved):.1f} toe-{'out' if achieved > 0 else 'in'}"
        chosen = "\u2713 " if c["change"] == verdict["chosen_change"] else ""
        percent = "" if c["reduction_pct"] is None else f"{c['reduction_pct']:.0f}"
        cells = (chosen + c["change"], str(c["kam1"]["count"]), words, interval, percent, "; ".join(c["excluded_by"]))
        for k, text in enumerate(cells):
            table.setItem(n, k, QTableWidgetItem(text))
    table.resizeColumnsToContents()
    header = table.horizontalHeader()
    if header is not None:
        header.setStretchLastSection(True)
    table.setWordWrap(True)
    table.resizeRowsToContents()
    return table
