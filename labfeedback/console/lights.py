"""The pre-flight lights: what `labfeedback check` found, red first, each with its remedy."""

from __future__ import annotations

import json
from typing import Any, Final

from PyQt6.QtGui import QColor
from PyQt6.QtWidgets import QListWidget, QListWidgetItem

from labfeedback.console.looks import Looks

LIGHTS: Final = {"green": ("\u25cf ok", "go"), "amber": ("\u25b2 look", "warn"), "red": ("\u25a0 STOP", "stop"),
                 "grey": ("\u25cb unseen", "quiet")}  # fmt: skip
_ORDER: Final = {"red": 0, "amber": 1, "grey": 2, "green": 3}


class Lights(QListWidget):
    """`stopping`: the lines that stand in the way of a walk. Told by word and shape as well as by colour."""

    def __init__(self, looks: Looks) -> None:
        super().__init__()
        self._looks = looks
        self.stopping: list[dict[str, Any]] = []
        self.setAccessibleName("pre-flight lights")
        self.setWordWrap(True)
        self.setSpacing(2)

    def forget(self) -> None:
        """Nothing is known."""
        self.clear()
        self.stopping = []

    def say(self, *lines: str) -> None:
        """Plain lines."""
        self.forget()
        for line in lines:
            if line.strip():
                self.addItem(line.rstrip())

    def show_found(self, text: str, *, stops: bool = True) -> bool:
        """JSON as the check prints it; True when it is ready. Raises ValueError for anything else.

        stops: red lines stand in the way of a walk; those of a calibration that was not kept do not.
        """
        found = json.loads(text)
        self.forget()
        for line in sorted(found["lines"], key=lambda one: _ORDER[one["light"]]):
            word, colour = LIGHTS[line["light"]]
            said = f"{word}   {line['name']} {line.get('where', '')}".rstrip() + f": {line['sentence']}"
            if line.get("reason"):
                said += f"\n        accepted: {line['reason']}"
            elif line.get("remedy") and line["light"] != "green":
                said += f"\n        {line['remedy']}"
            item = QListWidgetItem(said)
            item.setForeground(QColor(getattr(self._looks, colour)))
            self.addItem(item)
            grave = line["light"] == "red" or (line["light"] == "grey" and line.get("firm"))
            if stops and grave and not line.get("reason"):
                self.stopping.append(line)
        return bool(found["ready"])
