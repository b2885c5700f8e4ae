"""Whose the keys are: what is being written keeps them, one stroke does one thing, a held key is one stroke."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PyQt6.QtCore import QEvent, Qt
from PyQt6.QtGui import QKeyEvent, QShortcut
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication

from labfeedback.commands.lab import choices
from labfeedback.commands.lab_visit import SCRATCH, _keep_calibration, override_verdict
from labfeedback.console.looks import DARK
from labfeedback.console.start import StartPage
from labfeedback.console.view import KEPT, View
from labfeedback.console.walk import WalkPage
from labfeedback.console.widgets import Words
from labfeedback.desk import Desk
from labfeedback.records import EventCode
from tests.console.test_window import READY, RED

PAIN = {"number": 4, "kind": "pain", "text": "pain of both knees", "wait": True}
CONFIRM = {"number": 5, "kind": "confirm", "text": "the lanyard is clipped on", "wait": True}
VISIT = {
    "state": "walking",
    "block": 0,
    "blocks": 2,
    "title": "Training",
    "next": "the end",
    "patient": "",
    "operator": "",
    "halted": [],
    "prompts": [],
    "acknowledge": "",
    "left_s": 20.0,
    "left_steps": None,
}


TURNED = {"side": "left", "words": "inwards", "way": "inwards", "turned_in": True, "mirrored": False}


def type_into(page: Any, letter: str) -> None:
    QTest.keyClick(page.windowHandle(), letter)
    QApplication.processEvents()


class TestWhileSomebodyWalks:
    @pytest.fixture
    def page(self, qtbot):
        self.sent: list[dict[str, Any]] = []
        self.view = View(page="walk", side="left", sees="left", visit=dict(VISIT))
        page = WalkPage(self.view, DARK, self.sent.append)
        qtbot.addWidget(page)
        page.show()
        page.activateWindow()
        QTest.qWaitForWindowActive(page, 2000)
        page.show_view(0.0)
        return page

    def ask(self, page: WalkPage, *prompts: dict[str, Any], state: str = "closing") -> None:
        self.view.visit = {**VISIT, "state": "waiting" if state == "closing" else state, "prompts": list(prompts)}
        page.show_view(0.0)

    def test_a_question_that_comes_does_not_take_the_keys_from_a_note(self, page):
        type_into(page, "n")
        for letter in "wob":
            type_into(page, letter)
        self.ask(page, PAIN)
        for letter in "bles":
            type_into(page, letter)
        written = page._begun.question
        assert isinstance(written, Words) and written.words.text() == "wobbles"
        assert self.sent == []

    def test_a_question_has_the_keys_when_nothing_is_written(self, page):
        self.ask(page, PAIN)
        assert page._questions[4].isAncestorOf(page.focusWidget())

    def test_return_confirms(self, page):
        self.ask(page, CONFIRM)
        QTest.keyClick(page.windowHandle(), Qt.Key.Key_Return)
        assert self.sent == [{"do": "answer", "prompt": 5, "yes": True}]

    def test_return_that_is_still_down_confirms_nothing(self, page):
        self.ask(page, CONFIRM)
        held = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier, "\r", autorep=True)
        QApplication.sendEvent(page.focusWidget(), held)
        assert self.sent == []

    def test_one_stroke_acknowledges_a_rule_and_not_what_waits_behind_it(self, page):
        self.view.hear({"kind": "event", "code": int(EventCode.STREAM_LOST), "text": "forces lost", "number": 1})
        self.view.hear({"kind": "event", "code": int(EventCode.STOP_RULE), "text": "pain is 6 of 10", "number": 2})
        self.view.visit = {**VISIT, "state": "held", "acknowledge": "pain is 6 of 10"}
        page.show_view(0.0)
        type_into(page, "a")
        assert self.sent == [{"do": "acknowledge"}, {"do": "seen", "number": 2}]

    def test_a_key_that_is_kept_down_is_one_stroke(self, page):
        keys = page.findChildren(QShortcut)
        assert len(keys) >= 10 and not any(key.autoRepeat() for key in keys)

    def test_the_newest_incident_is_shown_however_many_there_were_and_one_that_waits_is_kept(self, page):
        self.view.hear({"kind": "event", "code": int(EventCode.HAZARD), "text": "the first", "number": 0})
        for number in range(1, KEPT + 20):
            self.view.hear({"kind": "note", "text": f"line {number}", "number": number})
            if number >= KEPT:
                page.show_view(0.0)
        assert f"line {KEPT + 19}" in page.incidents.item(0).text()
        assert [one.text for one in self.view.waiting] == ["the first"]
        assert len(self.view.incidents) == KEPT


class TestBefore:
    @pytest.fixture
    def page(self, qtbot, tmp_path, monkeypatch):
        self.sent: list[dict[str, Any]] = []
        self.run: list[list[str]] = []
        last = {"study": str(tmp_path), "subject": "S1.toml", "rig": "simulated", "markers": "simulated",
                "protocol": "training_fpa", "side": "left"}  # fmt: skip
        page = StartPage(choices(last), DARK, self.sent.append)
        qtbot.addWidget(page)
        self.known = {"person": "S1", "side": "left", "of": 6, "visit": 1, "walked": "no visit so far"}
        page.found(page.fields.asked, self.known)
        monkeypatch.setattr(page.guide, "run", lambda arguments, *_: self.run.append(arguments))
        page.show()
        page.activateWindow()
        QTest.qWaitForWindowActive(page, 2000)
        return page

    def test_nothing_is_chosen_while_the_wall_is_asked_about(self, page):
        page.begin_direction()
        page.ask_direction(TURNED, page._person())
        assert not page.fields.isEnabled()
        page.guide.asking.buttons[0].click()
        assert page.direction and page.fields.isEnabled()

    def test_an_answer_about_another_day_or_person_passes_nothing(self, page):
        page.begin_direction()
        page.ask_direction(TURNED, ("yesterday", *page._person()[1:]))
        page.guide.asking.buttons[0].click()
        assert page.direction == "" and "again" in page.guide.trouble.text()

    def test_a_late_look_up_that_names_the_other_leg_passes_nothing(self, page):
        page.begin_direction()
        page.ask_direction(TURNED, page._person())
        page.found(page.fields.asked, {**self.known, "side": "right"})
        page.guide.asking.buttons[0].click()
        assert page.chosen["side"] == "right" and page.direction == "" and "again" in page.guide.trouble.text()

    def test_a_check_of_another_calibration_is_no_check(self, page):
        page.begin_check()
        key = page._key()
        page.found(page.fields.asked, {**self.known, "calibration": "of_today.calibration.json"})
        page.show_check(0, json.dumps(READY), "", key)
        page._allow()
        assert not page.ready and "check again" in page.guide.trouble.text()

    def test_nothing_is_looked_at_before_the_person_is_known(self, page):
        page.fields.study.setText("another")
        assert not any(button.isEnabled() for button in page.steps.values())
        page.found(page.fields.asked, self.known)
        assert all(button.isEnabled() for button in page.steps.values())

    def test_what_was_accepted_is_asked_anew_at_the_next_check(self, page):
        soft = {"ready": False, "lines": [{**RED["lines"][0], "name": "skew", "firm": False}]}
        page.show_check(1, json.dumps(soft), "", page._key())
        page._allow()
        page.ask_reason()
        page.guide.asking.words.setText("measured by hand")
        page.guide.asking.answer()
        assert "skew=measured by hand" in self.run[-1]
        page.guide.unask()
        page.begin_check()
        assert "--override" not in self.run[-1]

    def test_a_check_that_is_stopped_leaves_none_that_counts(self, page):
        page.show_check(0, json.dumps(READY), "", page._key())
        page.direction = "seen"
        page._allow()
        assert page.begin.isEnabled()
        page.begin_check()
        page.guide.stop()
        assert not page.ready and not page.begin.isEnabled()

    def test_the_check_looks_at_the_disk_of_the_study(self, page, tmp_path):
        page.begin_check()
        assert self.run[-1][self.run[-1].index("--out") + 1] == str(tmp_path)

    def test_why_a_visit_could_not_begin_stands_until_something_is_chosen(self, page):
        page.refused("the streams are not there")
        page.found(page.fields.asked, self.known)
        assert "streams" in page.guide.trouble.text()
        page.fields.visit.setValue(2)
        assert "streams" not in page.guide.trouble.text()

    def test_each_calibration_has_a_file_of_its_own(self, page, tmp_path, monkeypatch):
        page.found(page.fields.asked, {**self.known, "calibrate_to": str(tmp_path / "sub-S1_date-")})
        named = []
        for moment in ("20261127T100000", "20261127T100130"):
            monkeypatch.setattr("labfeedback.console.start.time.strftime", lambda _form, moment=moment: moment)
            page.begin_calibration()
            named.append(Path(self.run[-1][self.run[-1].index("--out") + 1]).name)
        assert named == [f"sub-S1_date-{m}.calibration.json" for m in ("20261127T100000", "20261127T100130")]

    def test_letters_choose_the_leg_while_its_box_has_the_keys(self, page):
        page.fields.side.setEnabled(True)
        page.fields.side.setCurrentText("")
        page.fields.side.setFocus()
        type_into(page, "l")
        assert page.fields.side.currentText() == "left" and self.run == []

    def test_no_direction_check_of_no_leg(self, page):
        page.fields.side.setEnabled(True)
        page.fields.side.setCurrentText("")
        assert not page.steps["direct"].isEnabled()

    def test_shams_come_back_with_a_study_that_is_open(self, page):
        listed = lambda: [page.fields.protocol.itemText(k) for k in range(page.fields.protocol.count())]  # noqa: E731
        assert "sham" in listed()
        page.fields.protocol.setCurrentText("sham")
        page.found(page.fields.asked, {**self.known, "blinded": True})
        assert "sham" not in listed() and page.fields.protocol.currentText() == ""
        page.found(page.fields.asked, {**self.known, "blinded": False})
        assert "sham" in listed()


def test_a_first_visits_calibration_is_found_when_the_lab_starts_anew(tmp_path):
    made = tmp_path / f"{SCRATCH}1-2.calibration.json"
    made.write_text("{}", encoding="utf-8")
    folder = tmp_path / "sub-S1"
    folder.mkdir()
    _keep_calibration(str(made), folder)
    (kept,) = folder.glob("sub-S1_date-*T*.calibration.json")
    assert kept.read_text(encoding="utf-8") == "{}"
    _keep_calibration(str(kept), folder)  # one of a study is not copied
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize(("change", "then"), [("toe-in 5 deg", "training_fpa"), ("natural", "no training")])
def test_what_is_due_follows_the_override(tmp_path, monkeypatch, change, then):
    (tmp_path / "S1.toml").write_text('id = "S1"\nmass_kg = 75.0\nheight_m = 1.70\nsex = "M"\n', encoding="utf-8")
    monkeypatch.setattr("labfeedback.commands.override.override", lambda *_: None)
    desk = Desk(choices({"study": str(tmp_path), "subject": str(tmp_path / "S1.toml")}), headless=True)
    desk.conclude(next="the verdict's", why="over")
    override_verdict(desk, {"change": change, "reason": "the patient wants it"})
    assert desk._concluded is not None and desk._concluded["next"].startswith(then)
