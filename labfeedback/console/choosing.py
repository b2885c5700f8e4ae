"""The fields of the start page: study, person, rig, marker set, protocol, visit, leg, target."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QEvent, Qt, QTimer
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QWidget,
)

from labfeedback.console.widgets import asks_for_letter, label

LOOK_AFTER_MS = 400  # of no typing
ONE_DISPLAY = (
    "one display: the patient's screen will stand on it and tell the arm. Connect the projector as a second one"
)


class Fields(QWidget):
    """`changed` is called after each change, `look` with what should be looked up when nobody types any more."""

    def __init__(self, choices: dict[str, Any], changed: Callable[[], None], look: Callable[[dict[str, Any]], None]):
        super().__init__()
        self.setObjectName("panel")
        self._choices, self._told, self._look = choices, changed, look
        self.found: dict[str, Any] = {}
        self._auto_calibration = ""
        self._side_of_file = False
        last = choices.get("last", {})
        self.study = _path(last.get("study", ""), "study folder")
        self.subject = _path(last.get("subject", ""), "subject file")
        self.calibration = _path("", "calibration file, empty when medial markers are on")
        self.rig = _choice(choices["rigs"], last.get("rig", ""), "rig")
        self.markers = _choice(choices["markers"], last.get("markers", ""), "marker set")
        self.protocol = _choice(choices["protocols"], last.get("protocol", ""), "protocol")
        self.side = _choice(["", "left", "right"], last.get("side", ""), "trained leg")
        self.visit = QSpinBox()
        self.visit.setRange(1, 52)
        self.visit.setValue(int(last.get("visit", 1)))
        self.visit.setAccessibleName("visit number")
        self.of = label("", "quiet", "visits so far")
        self.target = QLineEdit(last.get("target", ""))
        self.target.setPlaceholderText("from the assessment's verdict")
        self.target.setAccessibleName("target in words, such as toe-in 5 deg; empty: from the verdict")
        self.resume = QCheckBox("")
        self.resume.setAccessibleName("go on with the visit that was cut off today")
        self.resume.setVisible(False)
        self.one_display = label(ONE_DISPLAY, "grave", "blinded, and one display")
        self.form = QFormLayout(self)
        self.form.setContentsMargins(12, 9, 12, 9)
        self.form.setVerticalSpacing(6)
        rows: list[tuple[str, QWidget]] = [
            ("Study folder", _browsed(self.study, self._folder)), ("Subject", _browsed(self.subject, self._file)),
            ("Rig", self.rig), ("Marker set", self.markers), ("Calibration", _browsed(self.calibration, self._file)),
            ("Protocol", self.protocol), ("Visit", _beside(self.visit, self.of)), ("Trained leg", self.side),
            ("Target", self.target), ("", self.resume), ("Blinded", self.one_display),
        ]  # fmt: skip
        for name, widget in rows:
            said = label(name, "caption")
            said.setAlignment(Qt.AlignmentFlag.AlignVCenter)
            said.setMinimumHeight(widget.sizeHint().height())
            self.form.addRow(said, widget)
        self.form.setRowVisible(self.one_display, False)
        application = QGuiApplication.instance()
        assert isinstance(application, QGuiApplication)
        application.screenAdded.connect(self._displays)
        application.screenRemoved.connect(self._displays)
        self._asked = self.asked
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(LOOK_AFTER_MS)
        self._timer.timeout.connect(self.ask)
        for field in (self.subject, self.study, self.target, self.calibration):
            field.textChanged.connect(self._changed)
        for box in (self.rig, self.markers, self.protocol, self.side):
            box.currentTextChanged.connect(self._changed)
        self.visit.valueChanged.connect(self._changed)
        self.resume.toggled.connect(self._changed)
        self._timer.start()

    @property
    def chosen(self) -> dict[str, Any]:
        """As the parent takes it."""
        return {
            "study": self.study.text().strip(), "subject": self.subject.text().strip(), "rig": self.rig.currentText(),
            "markers": self.markers.currentText(), "protocol": self.protocol.currentText(),
            "visit": self.visit.value(), "side": self.side.currentText(),
            "target": "" if self.found.get("blinded") else self.target.text().strip(),
            "calibration": self.calibration.text().strip(),
            "resume": self.resume.isVisibleTo(self) and self.resume.isChecked(),
        }  # fmt: skip

    @property
    def missing(self) -> list[str]:
        """What must still be chosen, in words."""
        words = {"study": "study folder", "subject": "subject", "rig": "rig", "markers": "marker set",
                 "protocol": "protocol"}  # fmt: skip
        return [word for name, word in words.items() if not self.chosen[name]]

    @property
    def asked(self) -> dict[str, str]:
        """What is looked up."""
        return {name: str(self.chosen[name]) for name in ("study", "subject", "protocol")}

    def ask(self) -> None:
        """Look it up."""
        if all(self.asked.values()):
            self._look(self.asked)

    def take(self, asked: dict[str, Any], found: dict[str, Any]) -> None:
        """What was found out; an answer to an older question is left."""
        if asked != self.asked:
            return
        self.found = found
        if side := found.get("side"):
            self.side.setCurrentText(side)
        self._side_of_file = bool(side)
        self.side.setEnabled(not side)
        if not found.get("trouble"):
            self.visit.setMaximum(max(1, int(found.get("of", 52))))
            self.visit.setValue(int(found.get("visit", 1)))
            self.of.setText(f"of {found['of']};  {found['walked']}" if found.get("walked") else "")
        if found.get("calibration") and self.calibration.text() in ("", self._auto_calibration):
            self._auto_calibration = found["calibration"]
            self.calibration.setText(found["calibration"])
        blinded = bool(found.get("blinded"))
        self.form.setRowVisible(self.target, not blinded)
        self._displays()
        cut = found.get("cut")
        self.resume.setVisible(cut is not None)
        self.form.setRowVisible(self.resume, cut is not None)
        if cut:
            self.resume.setText(f"Go on with the visit of {cut['clock']}, cut off in {cut['block']}")
            self.resume.setAccessibleName(self.resume.text())
            self.resume.setChecked(True)
        self._offer(blinded)
        self._told()

    def _displays(self, *_: Any) -> None:
        """A projector may be connected when the line asks for it, or fall off later."""
        alone = bool(self.found.get("blinded")) and len(QGuiApplication.screens()) < 2
        self.form.setRowVisible(self.one_display, alone)

    def _offer(self, blinded: bool) -> None:
        """The protocols; in a blinded study none says that it is a sham."""
        shams = self._choices.get("shams", ()) if blinded else ()
        offered = [name for name in self._choices["protocols"] if name not in shams]
        if offered == [self.protocol.itemText(k) for k in range(self.protocol.count())]:
            return
        chosen = self.protocol.currentText()
        self.protocol.blockSignals(True)  # only a choice that is gone is a change
        self.protocol.clear()
        self.protocol.addItems(offered)
        self.protocol.setCurrentText(chosen)
        self.protocol.blockSignals(False)
        if chosen in shams:
            self.protocol.setCurrentText("")  # nobody chose its neighbour in the list

    def _changed(self, *_: Any) -> None:
        if self.asked != self._asked:
            person_before, self._asked = self._asked["subject"], self.asked
            self.found = {}
            self._displays()
            self._timer.start()
            if person_before != self._asked["subject"]:
                self._forget_person()
        self._told()

    def _forget_person(self) -> None:
        """Another person: leg, target, calibration and the visit to go on with were the one's before."""
        if self._side_of_file:
            self._side_of_file = False
            self.side.setEnabled(True)
            self.side.setCurrentText("")
        self.target.clear()
        self.calibration.clear()
        self.form.setRowVisible(self.resume, False)
        self.resume.setVisible(False)

    def _folder(self, field: QLineEdit) -> None:
        if chosen := QFileDialog.getExistingDirectory(self, "Study folder", field.text()):
            field.setText(chosen)

    def _file(self, field: QLineEdit) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "File", str(Path(field.text()).parent))
        if chosen:
            field.setText(chosen)


class Box(QComboBox):
    """While it has the keyboard letters choose from it: L is left, not the calibration."""

    def event(self, event: QEvent | None) -> bool:
        """Take letters before they become shortcuts."""
        if event is not None and asks_for_letter(event):
            event.accept()
            return True
        return super().event(event)


def _path(text: str, name: str) -> QLineEdit:
    field = QLineEdit(text)
    field.setAccessibleName(name)
    return field


def _choice(names: list[str], chosen: str, name: str) -> QComboBox:
    box = Box()
    box.setEditable(bool(names and names[0]))
    box.addItems(names)
    box.setCurrentText(chosen or (names[0] if names else ""))
    box.setAccessibleName(name)
    if (field := box.lineEdit()) is not None:
        field.setAccessibleName(name)
    return box


def _beside(widget: QWidget, words: QLabel) -> QWidget:
    out = QWidget()
    row = QHBoxLayout(out)
    row.setContentsMargins(0, 0, 0, 0)
    widget.setMinimumWidth(70)
    row.addWidget(widget)
    row.addWidget(words, 1)
    return out


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
