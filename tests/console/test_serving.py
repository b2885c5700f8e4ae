"""The window's parent: what it remembers, what it refuses, and that it outlives whatever a visit does."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

import labfeedback.commands.lab_visit as lab_visit
from labfeedback.asked import Asked
from labfeedback.commands.lab import Memory, Serving, choices
from labfeedback.commands.lab_visit import due
from labfeedback.console.looks import DARK
from labfeedback.console.view import View
from labfeedback.console.walk import WalkPage
from labfeedback.desk import Desk
from labfeedback.errors import BadSetup
from labfeedback.protocol_file import load_protocol
from labfeedback.records import EventCode


class Heard(Desk):
    """A desk without a window, that notes what the window would be told."""

    def __init__(self, **last: Any) -> None:
        super().__init__(choices(last), headless=True)
        self.told: list[dict[str, Any]] = []

    def _tell(self, news: dict[str, Any]) -> None:
        self.told.append(news)


def of_kind(desk: Heard, kind: str) -> list[dict[str, Any]]:
    return [news for news in desk.told if news["kind"] == kind]


class TestMemory:
    def test_what_was_chosen_is_chosen_again(self, tmp_path):
        memory = Memory(tmp_path / "new" / "lab.json")
        memory.keep({"study": "/s", "rig": "grail", "mirrored": True, "check": "x", "target": "toe-in 5 deg"})
        assert memory.recall() == {"study": "/s", "rig": "grail", "mirrored": True}

    @pytest.mark.parametrize("text", ["", "[1]", "{"])
    def test_a_damaged_memory_is_none(self, tmp_path, text):
        path = tmp_path / "lab.json"
        path.write_text(text, encoding="utf-8")
        assert Memory(path).recall() == {}

    def test_a_disk_that_refuses_stops_nothing(self, tmp_path):
        (tmp_path / "file").write_text("", encoding="utf-8")
        Memory(tmp_path / "file" / "lab.json").keep({"rig": "grail"})


@pytest.mark.parametrize("error", [BadSetup("run the check first"), RuntimeError("odd")])
def test_a_visit_that_cannot_begin_is_said_and_the_lab_stays(monkeypatch, error):
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(lab_visit, "run_visit", fail)
    desk = Heard()
    serving = Serving(desk, Asked(), headless=True)
    desk.asked.append({"do": "begin", "rig": "grail"})
    serving.once()
    (refused,) = of_kind(desk, "refused")
    assert str(error) in refused["text"]
    assert desk.choices["last"]["rig"] == "grail"  # the page comes back as it was
    serving.once()


def test_a_visit_asked_for_twice_is_walked_once(monkeypatch):
    walked: list[str] = []

    def run(desk: Any, command: dict[str, Any], *_: Any, **__: Any) -> None:
        walked.append(command["visit"])
        desk.asked.append({"do": "begin", "visit": "again"})

    monkeypatch.setattr(lab_visit, "run_visit", run)
    desk = Heard()
    desk.asked += [{"do": "begin", "visit": "first"}, {"do": "begin", "visit": "twice"}]
    Serving(desk, Asked(), headless=True).once()
    assert walked == ["first"]


def test_questions_about_a_person_are_answered_in_turn(tmp_path):
    desk = Heard()
    serving = Serving(desk, Asked(), headless=True)
    for name in ("S1.toml", "S2.toml"):
        desk.asked.append({"do": "look", "study": str(tmp_path), "subject": name, "protocol": "free_walk"})
        serving.once()
    end = time.monotonic() + 30
    while len(of_kind(desk, "found")) < 2 and time.monotonic() < end:
        serving.once()
        time.sleep(0.05)
    assert [one["asked"]["subject"] for one in of_kind(desk, "found")] == ["S1.toml", "S2.toml"]
    assert "S1.toml" in of_kind(desk, "found")[0]["trouble"]  # there is no such file, and it says so


def test_a_window_opened_again_is_told_everything_anew():
    desk = Heard()
    desk.page("walk", heading="S1", session="x", blinded=False)
    desk({"kind": "event", "code": int(EventCode.STREAM_LOST), "text": "stream of forces lost"})
    desk._take({"do": "seen", "number": 0})
    desk.conclude(why="over", report="r.html")
    desk.told.clear()
    desk._take({"do": "hello"})
    assert [news["kind"] for news in desk.told] == ["choices", "page", "event", "seen", "concluded"]


@pytest.mark.parametrize("said", [True, False])
def test_a_window_opened_while_the_recording_is_finished_says_so(qtbot, said):
    """Not 'no visit': somebody might switch the computer off. said: whether the hub lived to say that it has ended."""
    desk = Heard()
    desk.page("walk", heading="S1", session="x", blinded=False)
    desk({"kind": "status", "visit": {"state": "walking"}})
    for news in [{"kind": "ended", "why": "the visit has ended"}] * said + [{"kind": "finishing"}] * 3:
        desk(news)
    desk.told.clear()
    desk._take({"do": "hello"})
    view = View()
    for news in desk.told:
        view.hear(news)
    page = WalkPage(view, DARK, lambda _command: None)
    qtbot.addWidget(page)
    page.show_view(1.0)
    assert page.state.text().endswith("OVER") and "being finished" in page.block.text() and page.health.text() == ""
    desk.page("walk", heading="S2", session="y", blinded=False)
    desk.told.clear()
    desk._take({"do": "hello"})
    assert [news["kind"] for news in desk.told] == ["choices", "page"]


def test_a_blinded_desk_passes_nothing_of_the_targets_on():
    desk = Heard()
    desk.page("walk", heading="S1", session="x", blinded=True)
    for code, text in (
        (EventCode.BASELINE_DONE, "own angle 7.2 toe-out"), (EventCode.TARGET_SET, "left (fpa): target 2.2"),
        (EventCode.ALARM, "the belt ran at 1.25 m/s"), (EventCode.COMMAND, "{}"),
    ):  # fmt: skip
        desk({"kind": "event", "code": int(code), "text": text, "value": 7.2})
    told = of_kind(desk, "event")
    assert len(told) == 1 and "value" not in told[0] and "1.25" not in told[0]["text"]


@pytest.mark.parametrize(
    ("protocol", "number", "found", "words"),
    [
        ("training_fpa", 1, {"ended": True}, "visit 2 of 6, in about a week"),
        ("training_fpa", 6, {"ended": True}, "retention"),
        ("training_fpa", 3, {"ended": False}, "cut off: choose it again today"),
        ("assessment_fpa", 1, {"ended": True, "verdict": {"verdict": "target"}}, "training_fpa, visit 1"),
        ("assessment_fpa", 1, {"ended": True, "verdict": {"verdict": "repeat"}}, "once more"),
        ("assessment_fpa", 1, {"ended": True, "verdict": None, "blinded": True}, "once the target is chosen"),
    ],
)
def test_what_is_due_next_is_said(protocol, number, found, words):
    visit = type("Visit", (), {"document": load_protocol(protocol), "number": number})
    assert words in due(visit, found)


def test_a_visit_without_a_check_is_refused():
    with pytest.raises(BadSetup, match="run the check first"):
        lab_visit.run_visit(Heard(), {"check": str(Path("nowhere.check.json"))}, Asked(), headless=True)


def test_a_look_that_never_ends_is_said_and_the_next_one_is_answered(monkeypatch, tmp_path):
    import labfeedback.commands.lab as lab

    monkeypatch.setattr(lab, "LOOK_PATIENCE_S", 0.0)
    desk = Heard()
    serving = Serving(desk, Asked(), headless=True)
    for name in ("S1.toml", "S2.toml"):
        desk.asked.append({"do": "look", "study": str(tmp_path), "subject": name, "protocol": "free_walk"})
        serving.once()
        serving.once()
    assert "no answer" in of_kind(desk, "found")[0]["trouble"]
    assert of_kind(desk, "found")[-1]["asked"]["subject"] == "S2.toml"
