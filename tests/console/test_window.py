"""The operator's window: keys, holds, names; a whole rehearsed visit; killed and opened again."""

from __future__ import annotations

import json
import time
from typing import Any

import psutil
import pytest
from PyQt6.QtCore import QEvent, Qt
from PyQt6.QtGui import QFocusEvent, QGuiApplication, QKeyEvent
from PyQt6.QtWidgets import QApplication

from labfeedback.commands.lab import choices
from labfeedback.console.looks import DARK
from labfeedback.console.start import StartPage
from labfeedback.console.widgets import HoldButton, Question
from labfeedback.desk import Desk
from tests.console.desk_at_hand import HandDesk, until
from tests.console.hands import Hands

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
                "protocol": "training_fpa", "side": "left"}  # fmt: skip
        page = StartPage(choices(last), DARK, self.sent.append)
        qtbot.addWidget(page)
        known = {"person": "S1", "side": "left", "of": 6, "visit": 1, "walked": "no visit so far"}
        page.found(page.fields.asked, known)
        return page

    def test_a_red_check_blocks_the_start(self, page):
        page.show_check(1, json.dumps(RED), "", page._key())
        page._allow()
        page.start()
        assert not page.begin.isEnabled() and self.sent == []
        assert "the plates are exchanged" in page.lights.item(0).text()
        assert "mend the rig" in page.lights.item(0).text()

    @pytest.mark.parametrize(("blinded", "displays", "told"), [(True, 1, True), (True, 2, False), (False, 1, False)])
    def test_a_blinded_operator_is_told_when_the_patients_screen_stands_on_theirs(
        self, page, monkeypatch, blinded, displays, told
    ):
        monkeypatch.setattr(QGuiApplication, "screens", lambda: [None] * displays)
        page.found(page.fields.asked, {"person": "S1", "side": "left", "of": 6, "blinded": blinded})
        form, line = page.fields.form, page.fields.one_display
        assert form.isRowVisible(line) == told
        application = QGuiApplication.instance()
        monkeypatch.setattr(QGuiApplication, "screens", lambda: [None] * (3 - displays))  # the other one comes or goes
        application.screenAdded.emit(application.primaryScreen())
        assert form.isRowVisible(line) == (blinded and displays == 2)
        page.fields.study.setText("")
        assert not form.isRowVisible(line)

    def test_a_foot_is_trained_only_after_the_direction_check(self, page):
        page.show_check(0, json.dumps(READY), "", page._key())
        page._allow()
        assert not page.begin.isEnabled() and "Direction check" in page.guide.trouble.text()
        page.direction = "seen"
        page._allow()
        page.start()
        assert [one["do"] for one in self.sent if one["do"] != "look"] == ["begin"]

    def test_another_person_or_rig_needs_another_check(self, page):
        page.show_check(0, json.dumps(READY), "", page._key())
        page.direction = "seen"
        page.fields.subject.setText("S2.toml")
        assert not page.ready and not page.direction and not page.begin.isEnabled()

    def test_nothing_of_one_person_stays_for_the_next(self, page):
        """Leg, target, calibration and a visit to go on with belong to a person."""
        asked = page.fields.asked
        page.found(asked, {"side": "left", "calibration": "S1.calibration.json", "of": 6, "visit": 2, "walked": "",
                           "cut": {"visit": 2, "clock": "10:00", "block": "block 2 of 5"}})  # fmt: skip
        page.fields.target.setText("toe-in 5 deg")
        assert page.chosen["resume"] and page.chosen["side"] == "left"
        page.fields.subject.setText("S2.toml")
        chosen = page.chosen
        assert (chosen["side"], chosen["target"], chosen["calibration"], chosen["resume"]) == ("", "", "", False)
        assert "Looking" in page.lacking
        page.found(asked, {"side": "left"})  # an answer about the one before
        assert page.chosen["side"] == ""

    def test_nobody_begins_before_the_person_is_known(self, page):
        page.show_check(0, json.dumps(READY), "", page._key())
        page.direction = "seen"
        page.fields.found = {}
        page._allow()
        page.start()
        assert not [one for one in self.sent if one["do"] == "begin"]

    def test_a_visit_is_begun_once(self, page):
        page.show_check(0, json.dumps(READY), "", page._key())
        page.direction = "seen"
        page._allow()
        page.start()
        page.found(page.fields.asked, {"person": "S1", "side": "left", "of": 6, "visit": 1, "walked": ""})
        page.start()
        assert len([one for one in self.sent if one["do"] == "begin"]) == 1
        page.refused("the streams are not there")
        assert page.begin.isEnabled() and "streams" in page.guide.trouble.text()

    def test_a_mirrored_wall_is_turned_round_and_shown_again(self, page):
        page.ask_direction({"side": "left", "words": "inwards by 9 deg", "way": "inwards", "turned_in": True,
                            "mirrored": False}, page._person())  # fmt: skip
        page.guide.asking.buttons[1].click()
        assert page.mirrored is True and page.direction == "" and "again" in page.guide.trouble.text()
        page.fields.rig.setCurrentText("grail")
        assert page.mirrored is None

    def test_something_else_on_the_wall_passes_nothing(self, page):
        page.ask_direction({"side": "left", "words": "inwards by 9 deg", "way": "inwards", "turned_in": True,
                            "mirrored": False}, page._person())  # fmt: skip
        page.guide.asking.buttons[2].click()
        assert page.direction == "" and "not passed" in page.guide.trouble.text()

    def test_a_red_line_that_is_no_hazard_needs_a_reason(self, page, monkeypatch):
        soft = {"ready": False, "lines": [{**RED["lines"][0], "name": "skew", "firm": False}]}
        page.show_check(1, json.dumps(soft), "", page._key())
        page._allow()
        run: list[list[str]] = []
        monkeypatch.setattr(page.guide, "run", lambda arguments, *_: run.append(arguments))
        page.show()
        page.ask_reason()
        page.guide.asking.answer()
        assert run == []  # nothing written is no reason
        page.guide.asking.words.setText("measured by hand")
        page.guide.asking.answer()
        assert "--override" in run[0] and "skew=measured by hand" in run[0]

    def test_a_hazard_is_never_offered_to_be_accepted(self, page):
        hard = {"ready": False, "lines": [{**RED["lines"][0], "firm": True}]}
        page.show_check(1, json.dumps(hard), "", page._key())
        page._allow()
        assert not page.accept.isVisibleTo(page)

    def test_a_check_that_says_nothing_is_no_check(self, page):
        page.show_check(2, "", "labfeedback: no stream answers\n", page._key())
        assert not page.ready
        assert "no stream answers" in page.lights.item(0).text()


def test_a_letter_is_a_key_when_the_window_comes_to_the_front(qtbot, tmp_path):
    """Qt gives the keys to the first field, a path, unless the page wants them."""
    desk = HandDesk(choices({"study": str(tmp_path), "subject": "S1.toml"}))
    window = desk.open_window()
    qtbot.addWidget(window)
    window.show()
    assert until(window, lambda: desk.work() is None and isinstance(window.page, StartPage), 10)
    # What Qt does on activation: to the widget that had the keys, if its policy lets it.
    held = window.focusWidget()
    assert held is window.page and held.focusPolicy() != Qt.FocusPolicy.NoFocus
    window.page.fields.study.setFocus()
    Hands(window).press(Qt.Key.Key_Escape)
    assert window.focusWidget() is window.page


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


def test_a_window_that_hangs_is_ended_and_opened_again(monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setattr("labfeedback.desk.HUNG_S", 4.0)
    desk = Desk(choices({}), headless=True)
    desk.begin()
    try:
        assert waited(desk, lambda: desk.here)
        first = desk.pid
        assert not waited(desk, lambda: desk.pid != first, 6.0)  # one that draws is left alone
        psutil.Process(first).suspend()
        assert waited(desk, lambda: desk.pid != first and desk.here, 30.0)
        assert any("did not answer" in news["text"] for news in desk._incidents) and not desk.closed
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
