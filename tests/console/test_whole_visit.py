"""One operator, alone, from the check to the report, by keyboard only; everything else runs in real processes.

Direction check, calibration, check, start, pause, a stream that is lost and comes back, a window that is killed and
opened again, pain 6, acknowledge, resume, note, End block, report.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QDesktopServices
from PyQt6.QtWidgets import QAbstractButton, QComboBox, QLineEdit, QListWidget, QSpinBox

from labfeedback.console.end import EndPage
from labfeedback.console.start import StartPage
from labfeedback.console.walk import WalkPage
from labfeedback.process import spawn
from labfeedback.records import EventCode
from labfeedback.report.visited import read_visit
from labfeedback.study import Study
from tests.console.desk_at_hand import Parent, until
from tests.console.hands import Hands
from tests.test_visit_command import MINI, SUBJECT

PATIENTS = "tests.console.patients"


def controls(page: Any) -> list[Any]:
    kinds = (QAbstractButton, QLineEdit, QComboBox, QSpinBox, QListWidget)
    return [w for kind in kinds for w in page.findChildren(kind) if not w.objectName().startswith("qt_")]


@contextlib.contextmanager
def device(function: str, *arguments: Any) -> Iterator[None]:
    """A device program, as long as it is needed."""
    stop = multiprocessing.get_context("spawn").Event()
    process = spawn(f"{PATIENTS}:{function}", *arguments, stop, name=function)
    try:
        yield
    finally:
        stop.set()
        process.join(5.0)
        if process.is_alive():
            process.kill()


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory, qapp: Any) -> dict[str, Any]:
    """The whole visit; what was seen on the way."""
    assert qapp is not None  # a window needs the application
    folder = tmp_path_factory.mktemp("desk")
    os.environ["LABFEEDBACK_LSL_SESSION"] = f"desk-{uuid.uuid4().hex[:8]}"
    (folder / "S1.toml").write_text(SUBJECT, encoding="utf-8")
    (folder / "mini.toml").write_text(MINI.replace("minutes = 0.1", "minutes = 3"), encoding="utf-8")
    session = uuid.uuid4().hex[:10]
    last = {"study": str(folder / "study"), "subject": str(folder / "S1.toml"), "rig": "simulated",
            "markers": "simulated", "protocol": str(folder / "mini.toml")}  # fmt: skip
    parent = Parent(session, last, ())
    seen: dict[str, Any] = {"folder": folder, "named": [], "heights": []}
    opened: list[str] = []
    kept = QDesktopServices.openUrl
    QDesktopServices.openUrl = lambda url: bool(opened.append(url.toLocalFile()) or True)  # type: ignore[method-assign]
    window = parent.desk.open_window()
    window.show()
    parent.start()
    try:
        _before(window, seen)
        with device("walk_with_outage", session, 45.0, 2.0):
            _walk(parent, window, seen)
    finally:
        QDesktopServices.openUrl = kept  # type: ignore[method-assign]
        parent.end()
        del os.environ["LABFEEDBACK_LSL_SESSION"]
    seen |= {"trouble": parent.trouble, "opened": opened}
    return seen


def _before(window: Any, seen: dict[str, Any]) -> None:
    assert until(window, lambda: isinstance(window.page, StartPage))
    assert until(window, lambda: window.page.fields.found.get("person") == "S1")
    page, hands = window.page, Hands(window)
    seen["named"] += [w.accessibleName() for w in controls(page)]
    seen["reached"] = [w.accessibleName() for w in controls(page) if not _reachable(hands, w)]
    page.setFocus()
    seen["at first"] = page.guide.trouble.text()
    with device("stand"):
        hands.press("l")
        assert until(window, lambda: page.fields.calibration.text() != "", 40), page.guide.trouble.text()
    told = multiprocessing.get_context("spawn").Event()
    with device("stand_and_turn", "left", 12.0, False, told):
        hands.press("d")
        assert until(window, lambda: "Turn the toes of the LEFT foot in" in page.guide.sentence.text(), 40)
        told.set()
        assert until(window, lambda: page.guide.asking is not None, 60), page.guide.trouble.text()
        hands.press("1")
    seen["direction"] = page.direction
    with device("walk", 4):
        hands.press("c")
        assert until(window, lambda: page.ready, 60), [page.lights.item(k).text() for k in range(page.lights.count())]
    seen["lights"] = [page.lights.item(k).text() for k in range(page.lights.count())]
    assert page.begin.isEnabled(), page.lacking


def _reachable(hands: Hands, wanted: Any) -> bool:
    """What is hidden or switched off now need not be; the line of an editable box is the box."""
    if not (wanted.isVisible() and wanted.isEnabled()):
        return True
    if isinstance(wanted, QLineEdit) and isinstance(wanted.parent(), (QComboBox, QSpinBox)):
        return True
    return hands.tab_to(wanted)


def _walk(parent: Parent, window: Any, seen: dict[str, Any]) -> None:
    hands = Hands(window)
    hands.press(Qt.Key.Key_Return, ctrl=True)
    assert until(window, lambda: isinstance(window.page, WalkPage) and window.view.state == "waiting", 60)
    seen["named"] += [w.accessibleName() for w in controls(window.page)]
    assert until(window, lambda: len(window.page._questions) == 2)
    assert not window.view.may("start")
    hands.press(Qt.Key.Key_Space)  # the lanyard; the question has the keyboard
    assert until(window, lambda: len(window.page._questions) == 1)
    hands.press("q")
    hands.type("3")
    hands.type("1")
    assert until(window, lambda: window.view.may("start"))
    hands.press("s")
    assert until(window, lambda: window.view.state == "walking")
    hands.press("p")
    assert until(window, lambda: window.view.state == "held")
    hands.press("r")
    assert until(window, lambda: window.view.state == "walking")
    hands.press("n")
    hands.type("walks well, pauses once")
    seen["heights"].append(window.minimumSizeHint().height())
    # The window dies and is opened again, in the middle of the block.
    assert until(window, lambda: window.page._counted[0] >= 6)
    before = len(window.view.incidents)
    window.close_ears()
    window.close()
    window = parent.desk.open_window()
    window.show()
    hands = Hands(window)
    assert until(window, lambda: isinstance(window.page, WalkPage) and window.view.state == "walking", 15)
    seen["again"] = (before, len(window.view.incidents), window.page._counted[0])
    assert until(window, lambda: window.view.visit.get("block") == 1, 60)
    _acknowledge_all(window, hands)
    # A stream is lost and comes back.
    seen["while silent"] = until(window, lambda: "NO DATA" in window.page.state.text(), 60)
    seen["told"] = until(window, lambda: any("forces" in one.text for one in window.view.waiting), 5)
    assert until(window, lambda: not window.view.status.get("silent") and window.view.status.get("steps"), 30)
    seen["heights"].append(window.minimumSizeHint().height())
    _acknowledge_all(window, hands)
    _pain_six(window, hands, seen)
    _to_the_end(window, hands, seen)


def _acknowledge_all(window: Any, hands: Hands) -> None:
    while window.view.waiting:
        waiting = len(window.view.waiting)
        hands.press("a")
        assert until(window, lambda waiting=waiting: len(window.view.waiting) < waiting)


def _pain_six(window: Any, hands: Hands, seen: dict[str, Any]) -> None:
    assert until(window, lambda: window.view.state in ("walking", "held"))
    hands.press("i")
    hands.type("6")
    hands.type("1")
    assert until(window, lambda: window.view.state == "held")
    assert until(window, lambda: window.view.visit["acknowledge"] != "")
    seen["resume while held"] = window.view.may("resume")
    hands.press("r")
    hands.press("a")
    assert until(window, lambda: window.view.may("resume"))
    _acknowledge_all(window, hands)
    hands.press("r")
    assert until(window, lambda: window.view.state == "walking")


def _to_the_end(window: Any, hands: Hands, seen: dict[str, Any]) -> None:
    steps = window.view.status["steps"]
    assert until(window, lambda: window.view.status.get("steps", 0) > steps + 12, 40)
    assert hands.tab_to(window.page.buttons["end_block"])
    hands.press(Qt.Key.Key_Space)
    assert until(window, lambda: True)
    seen["after one stroke"] = window.view.state
    hands.hold(Qt.Key.Key_Space, 1.3)
    assert until(window, lambda: window.view.state == "waiting", 60)
    hands.press("q")
    hands.type("4")
    hands.type("1")
    assert until(window, lambda: isinstance(window.page, EndPage), 90)
    seen["conclusion"] = window.view.conclusion
    seen["named"] += [w.accessibleName() for w in controls(window.page)]
    hands = Hands(window)
    hands.press("r")
    hands.press(Qt.Key.Key_Return, ctrl=True)
    seen["another"] = until(window, lambda: isinstance(window.page, StartPage))
    if seen["another"]:
        seen["kept"], seen["ready"] = window.page.chosen["protocol"], window.page.ready
    window.close_ears()


def test_the_visit_ran_to_its_end(visit):
    assert visit["trouble"] is None
    (session,) = Study(visit["folder"] / "study").sessions("S1")
    visited = read_visit(session.recordings())
    assert visited.ended == "the visit has ended: all its blocks are walked"
    assert [(p.left, p.right) for p in visited.pain] == [(3, 1), (6, 1), (4, 1)]
    said = [text for _, text in visited.sentences(EventCode.STOP_RULE, EventCode.ACKNOWLEDGED, EventCode.NOTE)]
    assert any("pain is 6 of 10" in text for text in said)
    assert "walks well, pauses once" in said


def test_the_direction_check_is_confirmed_and_kept_in_the_recording(visit):
    assert "left foot turned inwards by 1" in visit["direction"]
    (session,) = Study(visit["folder"] / "study").sessions("S1")
    assert any(text.startswith("direction check: left foot") for text in read_visit(session.recordings()).setup.remarks)


def test_the_check_is_real(visit):
    assert len(visit["lights"]) >= 15 and not any("STOP" in light for light in visit["lights"])


def test_a_lost_stream_is_loud_and_comes_back(visit):
    assert visit["while silent"] and visit["told"]
    (session,) = Study(visit["folder"] / "study").sessions("S1")
    visited = read_visit(session.recordings())
    assert visited.sentences(EventCode.STREAM_LOST, EventCode.STREAM_SILENT)
    assert visited.walks[-1].steps(visited.foot)["kam_valid"].sum() > 5


def test_a_window_that_was_killed_comes_back_to_the_running_visit(visit):
    before, after, steps = visit["again"]
    assert after >= before > 0
    assert steps > 0  # those that were walked before it was opened, from the recording


def test_a_stop_rule_must_be_acknowledged_before_it_goes_on(visit):
    assert visit["resume while held"] is False


def test_one_stroke_ends_no_block(visit):
    assert visit["after one stroke"] == "walking"


def test_the_end_has_report_and_numbers(visit):
    found = visit["conclusion"]
    assert Path(found["report"]).exists()
    assert visit["opened"] == [str(Path(found["report"]).absolute())]
    assert any("in the band" in line for line in found["numbers"])
    assert any("3 / 1 at first, 4 / 1 now" in line for line in found["numbers"])


def test_what_was_chosen_stays_chosen_and_the_check_does_not(visit):
    assert visit["another"]
    assert visit["kept"].endswith("mini.toml") and not visit["ready"]


def test_every_control_has_a_name_and_is_reached_by_keyboard(visit):
    assert visit["named"] and all(visit["named"])
    assert visit["reached"] == []


def test_it_fits_a_small_laptop(visit):
    assert max(visit["heights"]) <= 740


def test_nobody_walks_before_what_is_asked_for(visit):
    assert "Check while the person walks" in visit["at first"]
