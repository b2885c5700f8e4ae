"""The page before a visit: who, where, by which protocol; the pre-flight lights; the direction check; then begin."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from PyQt6.QtCore import QProcess
from PyQt6.QtGui import QKeySequence, QShortcut
from PyQt6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QMessageBox,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from labfeedback.console.looks import Looks
from labfeedback.console.widgets import label, panel

LIGHTS: Final = {"green": ("\u25cf ok", "go"), "amber": ("\u25b2 look", "warn"), "red": ("\u25a0 STOP", "stop"),
                 "grey": ("\u25cb unseen", "quiet")}  # fmt: skip
Send = Callable[[dict[str, Any]], None]


class StartPage(QWidget):
    """`choices`: what is there to choose from, and what was chosen last, from the parent."""

    def __init__(self, choices: dict[str, Any], looks: Looks, send: Send) -> None:
        super().__init__()
        self._looks, self._send, self._choices = looks, send, choices
        self._process: QProcess | None = None
        self._checked_for: tuple[str, ...] = ()
        self.ready = False
        self.direction_seen = False
        last = choices.get("last", {})
        self.study = _path(last.get("study", ""), "study folder")
        self.subject = _path(last.get("subject", ""), "subject file")
        self.calibration = _path(last.get("calibration", ""), "calibration file, empty when medial markers are on")
        self.rig = _choice(choices["rigs"], last.get("rig", ""), "rig")
        self.markers = _choice(choices["markers"], last.get("markers", ""), "marker set")
        self.protocol = _choice(choices["protocols"], last.get("protocol", ""), "protocol")
        self.side = _choice(
            ["", "left", "right"], last.get("side", ""), "trained leg, if the subject file does not say"
        )
        self.visit = QSpinBox()
        self.visit.setRange(1, 52)
        self.visit.setValue(int(last.get("visit", 1)))
        self.visit.setAccessibleName("visit number")
        self.target = QLineEdit(last.get("target", ""))
        self.target.setPlaceholderText("from the assessment's verdict")
        self.target.setAccessibleName("target in words, such as toe-in 5 deg; empty: from the verdict")
        form = QFormLayout()
        form.setVerticalSpacing(7)
        rows: list[tuple[str, QWidget]] = [
            ("Study folder", _browsed(self.study, self._folder)), ("Subject", _browsed(self.subject, self._file)),
            ("Rig", self.rig), ("Marker set", self.markers), ("Calibration", _browsed(self.calibration, self._file)),
            ("Protocol", self.protocol), ("Visit", self.visit), ("Trained leg", self.side), ("Target", self.target),
        ]  # fmt: skip
        for name, widget in rows:
            form.addRow(label(name, "caption"), widget)
        chosen = QWidget()
        chosen.setObjectName("panel")
        chosen.setLayout(form)
        self.trouble = label("", "say", "what stands in the way")
        self.lights = QListWidget()
        self.lights.setAccessibleName("pre-flight lights")
        self.lights.setWordWrap(True)
        self.check = self._button(
            "Check  (C)", "C", self.begin_check, "check streams, sides, signs, plates while the person walks"
        )
        self.calibrate = self._button(
            "Calibrate standing  (L)", "L", self.begin_calibration, "guided calibration from quiet standing"
        )
        self.direction = self._button(
            "Direction check  (D)", "D", self.begin_direction, "the standing patient turns the trained foot in"
        )
        self.begin = self._button("Begin the visit  (Ctrl+Return)", "Ctrl+Return", self.start, "begin the visit")
        self.begin.setObjectName("go")
        self.begin.setEnabled(False)
        buttons = QVBoxLayout()
        for button in (self.calibrate, self.check, self.direction):
            buttons.addWidget(button)
        left = QVBoxLayout()
        left.addWidget(label("Before the visit", "title"))
        left.addWidget(chosen)
        left.addLayout(buttons)
        left.addStretch(1)
        left.addWidget(self.trouble)
        left.addWidget(self.begin)
        right = QVBoxLayout()
        right.addWidget(label("PRE-FLIGHT: the person walks for ten seconds, hands off the rails", "caption"))
        right.addWidget(self.lights, 1)
        right.addWidget(
            panel(
                label(
                    "Research use, not a medical device. The treadmill's own stop and lanyard come first; this program "
                    "never stops a belt.",
                    "quiet",
                )
            )
        )
        whole = QHBoxLayout(self)
        whole.addLayout(left, 4)
        whole.addLayout(right, 5)
        for widget in (self.subject, self.study, self.target, self.calibration):
            widget.textChanged.connect(self._changed)
        for box in (self.rig, self.markers, self.protocol, self.side):
            box.currentTextChanged.connect(self._changed)
        self._changed()

    def _button(self, text: str, key: str, done: Callable[[], None], name: str) -> QPushButton:
        button = QPushButton(text)
        button.setAccessibleName(name)
        button.clicked.connect(lambda _checked=False: done())
        QShortcut(QKeySequence(key), self).activated.connect(button.click)
        return button

    # --- what was chosen ---

    @property
    def chosen(self) -> dict[str, Any]:
        """As the parent takes it."""
        return {
            "study": self.study.text().strip(), "subject": self.subject.text().strip(), "rig": self.rig.currentText(),
            "markers": self.markers.currentText(), "protocol": self.protocol.currentText(),
            "visit": self.visit.value(), "side": self.side.currentText(), "target": self.target.text().strip(),
            "calibration": self.calibration.text().strip(),
        }  # fmt: skip

    def _key(self) -> tuple[str, ...]:
        return tuple(str(self.chosen[name]) for name in ("subject", "rig", "markers", "calibration"))

    def _changed(self, *_: Any) -> None:
        if self._checked_for and self._key() != self._checked_for:
            self.ready = self.direction_seen = False
            self._checked_for = ()
            self.lights.clear()
        self._allow()

    def _allow(self) -> None:
        missing = [name for name in ("study", "subject", "rig", "markers", "protocol") if not self.chosen[name]]
        busy = self._process is not None
        for button in (self.check, self.calibrate, self.direction):
            button.setEnabled(not missing and not busy)
        lacking = ""
        if missing:
            lacking = f"Choose: {', '.join(missing)}"
        elif not self.ready:
            lacking = "The check must be ready before a visit can begin"
        elif not self.direction_seen and self._turns_a_foot():
            lacking = "Direction check: the patient turns the foot in, and you confirm what the wall shows"
        self.begin.setEnabled(not lacking and not busy)
        self.trouble.setText(lacking)

    def _turns_a_foot(self) -> bool:
        return self.protocol.currentText() in self._choices["turns"]

    def refused(self, text: str) -> None:
        """The parent could not begin."""
        self.trouble.setText(f"The visit cannot begin: {text}")

    def start(self) -> None:
        """Begin the visit."""
        if self.begin.isEnabled():
            self._send({"do": "begin", **self.chosen, "check": self._choices["check_file"]})

    # --- programs that look before the first step ---

    def _run(self, arguments: list[str], done: Callable[[int, str, str], None]) -> None:
        process = QProcess(self)
        self._process = process

        def finished(code: int, _status: Any) -> None:
            out = bytes(process.readAllStandardOutput().data()).decode("utf-8", "replace")
            err = bytes(process.readAllStandardError().data()).decode("utf-8", "replace")
            self._process = None
            done(code, out, err)
            self._allow()

        process.finished.connect(finished)
        process.start(sys.executable, ["-m", "labfeedback.cli", *arguments])
        self._allow()

    def begin_check(self) -> None:
        """Look for ten seconds."""
        c = self.chosen
        arguments = ["check", "--rig", c["rig"], "--markers", c["markers"], "--subject", c["subject"], "--json",
                     "--save", self._choices["check_file"]]  # fmt: skip
        if c["calibration"]:
            arguments += ["--calibration", c["calibration"]]
        self.lights.clear()
        self.lights.addItem("looking: the person walks, hands off the rails ...")
        key = self._key()
        self._run(arguments, lambda code, out, err: self.show_check(code, out, err, key))

    def show_check(self, code: int, out: str, err: str, key: tuple[str, ...]) -> None:
        """The lights, red first."""
        self.lights.clear()
        self.ready, self._checked_for = False, ()
        try:
            found = json.loads(out)
        except ValueError:
            self.lights.addItem(
                QListWidgetItem(err.strip().splitlines()[-1] if err.strip() else "the check said nothing")
            )
            return
        order = {"red": 0, "amber": 1, "grey": 2, "green": 3}
        for line in sorted(found["lines"], key=lambda one: order[one["light"]]):
            word, colour = LIGHTS[line["light"]]
            remedy = f"\n        {line['remedy']}" if line.get("remedy") and line["light"] != "green" else ""
            item = QListWidgetItem(f"{word}   {line['name']} {line.get('where', '')}: {line['sentence']}{remedy}")
            item.setForeground(_colour(getattr(self._looks, colour)))
            self.lights.addItem(item)
        self.ready = bool(found["ready"]) and code == 0
        self._checked_for = key if self.ready else ()

    def begin_calibration(self) -> None:
        """Three seconds of quiet standing."""
        c = self.chosen
        words = "The person stands still, feet apart, both feet on their plates. Begin?"
        said = QMessageBox.question(self, "Calibration", words)
        if said != QMessageBox.StandardButton.Yes:
            return
        target = self._choices["calibration_file"]
        arguments = [
            "calibrate",
            "--rig",
            c["rig"],
            "--markers",
            c["markers"],
            "--subject",
            c["subject"],
            "--out",
            target,
        ]

        def done(code: int, out: str, err: str) -> None:
            text = (out + err).strip()
            if code == 0:
                self.calibration.setText(target)
            QMessageBox.information(self, "Calibration", text[-1500:] or "no answer")

        self._run(arguments, done)

    def begin_direction(self) -> None:
        """The patient's screen shows the standing foot; the operator says what the wall shows."""
        c = self.chosen
        arguments = ["direction", "--rig", c["rig"], "--markers", c["markers"], "--subject", c["subject"]]
        if c["side"]:
            arguments += ["--side", c["side"]]

        def done(code: int, out: str, err: str) -> None:
            if code != 0:
                QMessageBox.warning(self, "Direction check", (err or out).strip()[-800:])
                return
            found = json.loads(out.strip().splitlines()[-1])
            self.ask_direction(found)

        self._run(arguments, done)

    def ask_direction(self, found: dict[str, Any]) -> None:
        """What the operator saw on the wall."""
        box = QMessageBox(self)
        box.setWindowTitle("Direction check")
        box.setText(
            f"The {found['side'].upper()} foot was turned {found['words']}. Did the wall show the "
            f"{found['side'].upper()} foot with its toes turned {found['way']}?"
        )
        yes = box.addButton("Yes, as the foot did", QMessageBox.ButtonRole.YesRole)
        mirrored = box.addButton("The picture is mirrored", QMessageBox.ButtonRole.NoRole)
        box.addButton("No, something else", QMessageBox.ButtonRole.RejectRole)
        box.exec()
        self.direction_seen = box.clickedButton() is yes and found["turned_in"]
        if box.clickedButton() is mirrored:
            QMessageBox.information(
                self,
                "Mirrored picture",
                "Set mirrored = "
                f"{'false' if found['mirrored'] else 'true'} under [screen] in the rig file, then check again.",
            )
        elif not self.direction_seen:
            self.trouble.setText("Direction check not passed: look at labels, sides and the rig before anybody walks")
        self._allow()

    def _folder(self, field: QLineEdit) -> None:
        if chosen := QFileDialog.getExistingDirectory(self, "Study folder", field.text()):
            field.setText(chosen)

    def _file(self, field: QLineEdit) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "File", str(Path(field.text()).parent))
        if chosen:
            field.setText(chosen)


def _path(text: str, name: str) -> QLineEdit:
    field = QLineEdit(text)
    field.setAccessibleName(name)
    return field


def _choice(names: list[str], chosen: str, name: str) -> QComboBox:
    box = QComboBox()
    box.setEditable(bool(names and names[0]))
    box.addItems(names)
    box.setCurrentText(chosen or (names[0] if names else ""))
    box.setAccessibleName(name)
    if (field := box.lineEdit()) is not None:
        field.setAccessibleName(name)
    return box


def _browsed(field: QLineEdit, browse: Callable[[QLineEdit], None]) -> QWidget:
    out = QWidget()
    row = QHBoxLayout(out)
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(field, 1)
    button = QPushButton("...")
    button.setAccessibleName(f"choose: {field.accessibleName()}")
    button.clicked.connect(lambda _checked=False: browse(field))
    row.addWidget(button)
    return out


def _colour(text: str) -> Any:
    from PyQt6.QtGui import QColor

    return QColor(text)
