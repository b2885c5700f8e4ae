"""The operator's window: keys, holds, names; a whole rehearsed visit; killed and opened again."""

from __future__ import annotations

import datetime
import json
import os
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from PyQt6.QtCore import QEvent, Qt
from PyQt6.QtGui import QFocusEvent, QKeyEvent
from PyQt6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLineEdit, QListWidget, QSpinBox

from labfeedback.analysis.preflight.saved import Checked, save
from labfeedback.commands.lab import choices
from labfeedback.console.end import EndPage
from labfeedback.console.looks import DARK
from labfeedback.console.start import StartPage
from labfeedback.console.walk import WalkPage
from labfeedback.console.widgets import HoldButton, Question
from labfeedback.desk import Desk
from labfeedback.records import EventCode
from labfeedback.report.visited import read_visit
from labfeedback.study import Study
from tests.console.desk_at_hand import Parent, patient, until
from tests.test_visit_command import MINI, SUBJECT

READY = {"ready": True, "lines": [
    {"name": "streams", "where": "", "light": "green", "sentence": "both are there", "remedy": ""},
    {"name": "skew", "where": "", "light": "amber", "sentence": "14 ms", "remedy": "make a stamp trial"},
]}  # fmt: skip
RED = {"ready": False, "lines": [
    {"name": "sides", "where": "", "light": "red", "sentence": "the plates are exchanged", "remedy": "mend the rig"},
]}  # fmt: skip


class TestTheHold:
    def test_a_short_press_does_nothing_and_a_second_does_it(self, qtbot):
        done: list[int] = []
        button = HoldButton("End visit", lambda: done.append(1), "#ff0000")
        qtbot.addWidget(button)
        qtbot.mousePress(button, Qt.MouseButton.LeftButton)
        qtbot.wait(500)
        qtbot.mouseRelease(button, Qt.MouseButton.LeftButton)
        qtbot.wait(700)
        assert done == []
        qtbot.mousePress(button, Qt.MouseButton.LeftButton)
        qtbot.wait(1150)
        qtbot.mouseRelease(button, Qt.MouseButton.LeftButton)
        assert done == [1]

    def test_it_can_be_held_by_key(self, qtbot):
        done: list[int] = []
        button = HoldButton("End visit", lambda: done.append(1), "#ff0000")
        qtbot.addWidget(button)
        qtbot.keyClick(button, Qt.Key.Key_Space)
        qtbot.wait(1100)
        assert done == []
        qtbot.keyPress(button, Qt.Key.Key_Space)
        qtbot.wait(1150)
        assert done == [1]

    def test_what_nobody_is_known_to_hold_is_not_held(self, qtbot):
        """The question that takes the focus also takes the release of the key."""
        done: list[int] = []
        button = HoldButton("End visit", lambda: done.append(1), "#ff0000")
        qtbot.addWidget(button)
        qtbot.keyPress(button, Qt.Key.Key_Space)
        QApplication.sendEvent(button, QFocusEvent(QEvent.Type.FocusOut))
        qtbot.wait(1150)
        assert done == []


def test_letters_stay_commands_while_a_rating_is_typed(qtbot):
    """P must pause also when the pain question has the focus."""
    question = Question({"number": 3, "kind": "pain", "text": "pain", "wait": True}, lambda _command: None)
    qtbot.addWidget(question)
    for key, text, taken in ((Qt.Key.Key_P, "p", False), (Qt.Key.Key_4, "4", True)):
        event = QKeyEvent(QEvent.Type.ShortcutOverride, key, Qt.KeyboardModifier.NoModifier, text)
        event.ignore()
        QApplication.sendEvent(question.left, event)
        assert event.isAccepted() == taken


def test_a_rating_that_nobody_chose_is_no_answer(qtbot):
    sent: list[dict[str, Any]] = []
    question = Question({"number": 3, "kind": "pain", "text": "pain", "wait": True}, sent.append)
    qtbot.addWidget(question)
    question.answer()
    question.left.setValue(4)
    question.answer()
    assert sent == []
    question.right.setValue(0)
    question.answer()
    assert sent == [{"do": "answer", "prompt": 3, "left": 4, "right": 0}]


class TestBefore:
    @pytest.fixture
    def page(self, qtbot, tmp_path):
        self.sent: list[dict[str, Any]] = []
        last = {"study": str(tmp_path), "subject": "S1.toml", "rig": "simulated", "markers": "simulated",
                "protocol": "training_fpa"}  # fmt: skip
        page = StartPage(choices(last), DARK, self.sent.append)
        qtbot.addWidget(page)
        return page

    def test_a_red_check_blocks_the_start(self, page):
        page.show_check(1, json.dumps(RED), "", page._key())
        page.start()
        assert not page.begin.isEnabled() and self.sent == []
        assert "the plates are exchanged" in page.lights.item(0).text()
        assert "mend the rig" in page.lights.item(0).text()

    def test_a_foot_is_trained_only_after_the_direction_check(self, page):
        page.show_check(0, json.dumps(READY), "", page._key())
        page._allow()
        assert not page.begin.isEnabled() and "Direction check" in page.trouble.text()
        page.direction_seen = True
        page._allow()
        page.start()
        assert [one["do"] for one in self.sent] == ["begin"]

    def test_another_person_or_rig_needs_another_check(self, page):
        page.show_check(0, json.dumps(READY), "", page._key())
        page.direction_seen = True
        page.subject.setText("S2.toml")
        assert not page.ready and not page.direction_seen and not page.begin.isEnabled()

    def test_a_check_that_says_nothing_is_no_check(self, page):
        page.show_check(2, "", "labfeedback: no stream answers\n", page._key())
        assert not page.ready
        assert "no stream answers" in page.lights.item(0).text()


def controls(page: Any) -> list[Any]:
    kinds = (QAbstractButton, QLineEdit, QComboBox, QSpinBox, QListWidget)
    return [w for kind in kinds for w in page.findChildren(kind) if not w.objectName().startswith("qt_")]


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A whole visit through the window, with everything that happens on the way."""
    folder = tmp_path_factory.mktemp("desk")
    os.environ["LABFEEDBACK_LSL_SESSION"] = f"desk-{uuid.uuid4().hex[:8]}"
    (folder / "S1.toml").write_text(SUBJECT, encoding="utf-8")
    (folder / "mini.toml").write_text(MINI, encoding="utf-8")
    session = uuid.uuid4().hex[:10]
    last = {"study": str(folder / "study"), "subject": str(folder / "S1.toml"), "rig": "simulated",
            "markers": "simulated", "protocol": str(folder / "mini.toml")}  # fmt: skip
    parent = Parent(session, last, (patient(session),))
    found: dict[str, Any] = {"folder": folder}
    window = parent.desk.open_window()
    window.show()
    parent.start()
    try:
        _visit(parent, window, found)
    finally:
        parent.end()
        del os.environ["LABFEEDBACK_LSL_SESSION"]
    found["trouble"] = parent.trouble
    return found


def _visit(parent: Parent, window: Any, found: dict[str, Any]) -> None:
    assert until(window, lambda: isinstance(window.page, StartPage))
    found["named"] = [w.accessibleName() for w in controls(window.page)]
    made = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    save(
        Path(parent.desk.choices["check_file"]),
        Checked(made=made, subject="S1", rig="simulated", marker_set="simulated", source="test", ready=True, lines=()),
    )
    window.page.show_check(0, json.dumps(READY), "", window.page._key())
    window.page._allow()
    window.page.start()
    assert until(window, lambda: isinstance(window.page, WalkPage) and window.view.state == "waiting", 60)
    found["named"] += [w.accessibleName() for w in controls(window.page)]
    assert not window.view.may("start")
    for question in list(window.page._questions.values()):
        if question.prompt["kind"] == "pain":
            question.left.setValue(3)
            question.right.setValue(1)
        question.answer()
    assert until(window, lambda: window.view.may("start"))
    window.page.buttons["start"].click()
    assert until(window, lambda: window.view.state == "walking")
    window.page.buttons["pause"].click()
    assert until(window, lambda: window.view.state == "held")
    window.page.buttons["resume"].click()
    assert until(window, lambda: window.view.state == "walking")
    window.send({"do": "note", "text": "walks well"})
    # The window dies and is opened again, in the middle of the block.
    assert until(window, lambda: window.page._counted[0] >= 6)
    before = len(window.view.incidents)
    window.close_ears()
    window.close()
    window = parent.desk.open_window()
    assert until(window, lambda: isinstance(window.page, WalkPage) and window.view.state == "walking", 15)
    found["again"] = (before, len(window.view.incidents), window.page._counted[0])
    assert until(window, lambda: window.view.visit.get("block") == 1, 60)
    window.page._ask_pain()
    question = window.page._questions[-1]
    question.left.setValue(6)
    question.right.setValue(1)
    question.answer()
    assert until(window, lambda: window.view.state == "held")
    found["resume while held"] = window.view.may("resume")
    window.page.acknowledge()
    assert until(window, lambda: window.view.may("resume"))
    while window.view.waiting:
        waiting = len(window.view.waiting)
        window.page.acknowledge()
        assert until(window, lambda waiting=waiting: len(window.view.waiting) < waiting)
    window.page.buttons["resume"].click()
    assert until(window, lambda: window.view.state == "walking")
    window.page.show_view(0.0)
    found["height"] = window.minimumSizeHint().height()
    assert until(window, lambda: window.view.state == "waiting", 60)
    for question in list(window.page._questions.values()):
        question.left.setValue(4)
        question.right.setValue(1)
        question.answer()
    assert until(window, lambda: isinstance(window.page, EndPage), 60)
    found["conclusion"] = window.view.conclusion
    found["named"] += [w.accessibleName() for w in controls(window.page)]
    window.page.again.click()
    found["another"] = until(window, lambda: isinstance(window.page, StartPage))
    found["kept"], found["ready"] = window.page.chosen["protocol"], window.page.ready
    window.close_ears()


def test_a_whole_visit_is_driven_from_the_window(rehearsed):
    assert rehearsed["trouble"] is None
    (session,) = Study(rehearsed["folder"] / "study").sessions("S1")
    visited = read_visit(session.recordings())
    assert visited.ended == "the visit has ended: all its blocks are walked"
    assert [(p.left, p.right) for p in visited.pain] == [(3, 1), (6, 1), (4, 1)]
    said = [text for _, text in visited.sentences(EventCode.STOP_RULE, EventCode.ACKNOWLEDGED, EventCode.NOTE)]
    assert any("pain is 6 of 10" in text for text in said)
    assert "walks well" in said
    assert rehearsed["another"]
    # What was chosen stays chosen; the check does not.
    assert rehearsed["kept"].endswith("mini.toml") and not rehearsed["ready"]


def test_a_window_that_was_killed_comes_back_to_the_running_visit(rehearsed):
    before, after, steps = rehearsed["again"]
    assert after >= before > 0
    assert steps > 0  # those that were walked before it was opened, from the recording


def test_a_stop_rule_must_be_acknowledged_before_it_goes_on(rehearsed):
    assert rehearsed["resume while held"] is False


def test_the_end_has_report_and_numbers(rehearsed):
    found = rehearsed["conclusion"]
    assert Path(found["report"]).exists()
    assert any("in the band" in line for line in found["numbers"])
    assert any("3 / 1 at first, 4 / 1 now" in line for line in found["numbers"])


def test_every_control_has_a_name(rehearsed):
    assert rehearsed["named"] and all(rehearsed["named"])


def test_it_fits_a_small_laptop(rehearsed):
    assert rehearsed["height"] <= 740


def test_a_real_window_that_is_killed_is_opened_again(monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    desk = Desk(choices({}), headless=True)
    desk.begin()
    try:
        assert waited(desk, lambda: desk._talk is not None and desk._child.alive)
        time.sleep(1.0)
        first = desk.pid
        assert desk._child.process is not None
        desk._child.process.kill()
        assert waited(desk, lambda: desk.pid != first and desk._child.alive)
        assert not desk.closed
    finally:
        desk.close()


def waited(desk: Desk, true: Any, seconds: float = 15.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        desk.work()
        QApplication.processEvents()
        if true():
            return True
        time.sleep(0.05)
    return False
