"""The page after a visit: what came of it, the table of an assessment, the report, what is due next."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QUrl
from PyQt6.QtGui import QDesktopServices, QKeySequence, QShortcut
from PyQt6.QtWidgets import (
    QHBoxLayout,
    QInputDialog,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from labfeedback.console.view import View
from labfeedback.console.widgets import label, panel

COLUMNS = ("change", "steps", "achieved, deg", "reduction, %BW*Ht (95 %)", "%", "excluded by")
Send = Callable[[dict[str, Any]], None]


class EndPage(QWidget):
    """Shows `view.conclusion`: {"numbers", "lines", "verdict", "report", "why", "next"}."""

    def __init__(self, view: View, send: Send) -> None:
        super().__init__()
        self._view, self._send = view, send
        found = view.conclusion
        whole = QVBoxLayout(self)
        whole.addWidget(label("The visit is over", "title"))
        whole.addWidget(label(found.get("why", ""), "say", "how it ended"))
        verdict = None if view.blinded else found.get("verdict")
        if verdict:
            change = verdict["chosen_change"] or verdict["verdict"]
            whole.addWidget(panel(label(f"Verdict: {change}", "title"), label(verdict["deciding_rule"], "quiet")))
            self.table = _table(verdict)
            whole.addWidget(self.table, 1)
            self.override = self._button("Choose otherwise, with a reason", "O", self._ask_override)
            whole.addWidget(self.override)
        for line in found.get("numbers", []):
            whole.addWidget(label(line, "title"))
        whole.addWidget(panel(*(label(line, "quiet") for line in found.get("lines", []))))
        if found.get("next"):
            whole.addWidget(label(f"Next: {found['next']}", "say"))
        row = QHBoxLayout()
        self.report = self._button("Open the report  (R)", "R", self._open)
        self.report.setEnabled(bool(found.get("report")))
        self.again = self._button("Another visit  (Ctrl+Return)", "Ctrl+Return", lambda: send({"do": "another"}))
        self.again.setObjectName("go")
        for button in (self.report, self.again):
            row.addWidget(button)
        whole.addStretch(0)
        whole.addLayout(row)

    def _button(self, text: str, key: str, done: Callable[[], None]) -> QPushButton:
        button = QPushButton(text)
        button.setAccessibleName(text)
        button.clicked.connect(lambda _checked=False: done())
        QShortcut(QKeySequence(key), self).activated.connect(button.click)
        return button

    def _open(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(self._view.conclusion["report"]).absolute())))

    def _ask_override(self) -> None:
        changes = [c["change"] for c in self._view.conclusion["verdict"]["candidates"]] + ["natural"]
        change, ok = QInputDialog.getItem(self, "Another target", "The change to train:", changes, 0, True)
        if not ok:
            return
        reason, ok = QInputDialog.getText(self, "Another target", "Why? It is printed in every report.",
                                          QLineEdit.EchoMode.Normal)  # fmt: skip
        if ok and reason.strip():
            self._send({"do": "override verdict", "change": change.strip(), "reason": reason.strip()})


def _table(verdict: dict[str, Any]) -> QTableWidget:
    rows = verdict["candidates"]
    table = QTableWidget(len(rows), len(COLUMNS))
    table.setAccessibleName("candidates")
    table.setHorizontalHeaderLabels(COLUMNS)
    table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
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
