"""The commands around visits: what is refused before anything starts, and a live visit that is killed and resumed."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from labfeedback.analysis.preflight.saved import Checked, save
from labfeedback.commands.lab_look import look
from labfeedback.commands.lab_visit import prepare
from labfeedback.commands.protocols import protocols
from labfeedback.commands.rehearse import rehearse
from labfeedback.commands.run import Side
from labfeedback.commands.visit import visit
from labfeedback.commands.visit_line import VisitLine
from labfeedback.commands.visit_words import parse
from labfeedback.errors import BadSetup
from labfeedback.report.visited import read_visit
from labfeedback.study import Study
from tests.protocol_texts import BROKEN, broken

LAB = [sys.executable, "-m", "labfeedback.cli"]
SUBJECT = 'id = "S1"\nmass_kg = 75.0\nheight_m = 1.70\nsex = "M"\ntrained_side = "left"\n'
MINI = """\
schema = 1
id = "mini"
version = "1.0"
title = "Mini"
source = "made for a live test of everything"
purpose = "training"

[[blocks]]
id = "baseline"
title = "Natural walking"
minutes = 0.45
measures = "baseline"
before = ["confirm: the lanyard is clipped on", "pain"]
starts = "operator"

[[blocks]]
id = "train"
title = "Training"
minutes = 0.1
measures = "training"
after = ["pain"]
feedback = { variable = "fpa", target = "toe-in 5 deg" }
"""


def run(*arguments: str, **said: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*LAB, *arguments], capture_output=True, text=True, timeout=120, **said)


def visit_arguments(folder: Path, protocol: str, *more: str) -> list[str]:
    (folder / "S1.toml").write_text(SUBJECT, encoding="utf-8")
    return ["visit", "--protocol", protocol, "--subject", str(folder / "S1.toml"), "--study", str(folder / "study"),
            "--rig", "simulated", "--markers", "simulated", "--headless", *more]  # fmt: skip


def lab(folder: Path, protocol: str) -> dict[str, Any]:
    """The same as keywords of the command's function."""
    (folder / "S1.toml").write_text(SUBJECT, encoding="utf-8")
    return {"protocol": protocol, "subject": folder / "S1.toml", "study": folder / "study", "rig": "simulated",
            "markers": "simulated", "headless": True}  # fmt: skip


@pytest.mark.parametrize("name", ["20 deg target", "loop", "not TOML"])
def test_a_broken_protocol_is_refused_before_anything_starts(name, tmp_path):
    text, line, words = broken(name)
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    for start in (
        lambda: visit(**lab(tmp_path, str(path))),
        lambda: rehearse(str(path), tmp_path / "study", fast=True),
        lambda: protocols([str(path)]),
    ):
        with pytest.raises(BadSetup) as refused:
            start()
        assert f"mine.toml, line {line}: " in str(refused.value) and words in str(refused.value)
    assert not (tmp_path / "study").exists()


def test_a_refusal_is_one_sentence_on_the_terminal(tmp_path):
    text, line, words = broken("loop")
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    done = run(*visit_arguments(tmp_path, str(tmp_path / "mine.toml")))
    assert done.returncode == 2
    assert f"mine.toml, line {line}: " in done.stderr and words in done.stderr
    assert "Traceback" not in done.stderr


def test_there_are_more_than_fifteen_ways_to_break_one():
    assert len(BROKEN) >= 15


def test_shipped_protocols_are_listed_and_the_schema_is_written(tmp_path, capsys):
    protocols(None, tmp_path / "protocol.json")
    assert json.loads((tmp_path / "protocol.json").read_text(encoding="utf-8"))["title"] == "Protocol"
    capsys.readouterr()
    protocols(None, None)
    listed = capsys.readouterr().out
    assert all(name in listed for name in ("assessment_fpa", "sham", "weight_symmetry"))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"protocol": "training_fpa"}, "has no verdict of S1"),
        ({"protocol": "nonsense"}, "no protocol is called 'nonsense'; there are assessment_fpa"),
        ({"protocol": "training_fpa", "target": "toe-in 20 deg"}, "more than 15 deg"),
        ({"protocol": "training_fpa", "target": "toe-in 5 deg", "visit": 7}, "has visits 1 to 6"),
        ({"side": Side.right}, "The untrained leg is never trained"),
        ({"target": "toe-in 5 deg"}, "names its targets itself"),
        ({"resume": True}, "no visit 1 of free_walk by S1 is in"),
        ({"arm": "placebo"}, "expected active or sham"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(said, words, tmp_path):
    with pytest.raises(BadSetup) as refused:
        visit(**{**lab(tmp_path, "free_walk"), **said})
    assert words in str(refused.value)
    assert not list(tmp_path.rglob("*.h5"))


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("start", {"do": "start"}),
        ("pause shoe lace", {"do": "pause", "reason": "shoe lace"}),
        ("pain 3 1", {"do": "answer", "kind": "pain", "left": 3, "right": 1}),
        ("yes", {"do": "answer", "prompt": 4, "yes": True}),
        ("text sandals", {"do": "answer", "prompt": 5, "text": "sandals"}),
        ("skip is tired", {"do": "skip", "reason": "is tired"}),
        ("override speed: own choice", {"do": "override", "what": "speed", "reason": "own choice"}),
        ("end-visit", {"do": "end_visit"}),
    ],
)
def test_lines_become_commands(line, command):
    prompts = [{"number": 4, "kind": "confirm"}, {"number": 5, "kind": "footwear"}]
    assert parse(line, prompts) == (command, "")


@pytest.mark.parametrize(
    "line", ["pain 3", "pain 3 11", "pain -1 2", "skip", "note", "yes", "text x", "override speed", "x"]
)
def test_lines_that_are_none_are_refused(line):
    command, why = parse(line, [])
    assert command is None and why


class TestKeys:
    def pressed(self, keys: str, prompts: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []
        line = VisitLine()
        line.send = sent.append
        line._prompts = prompts or []
        for key in keys:
            line._key(key)
        return sent

    def test_one_stroke_pauses_and_a_rating_is_typed(self):
        assert self.pressed("p") == [{"do": "pause"}]
        assert self.pressed("i3 1\n") == [{"do": "answer", "kind": "pain", "left": 3, "right": 1}]
        assert self.pressed("i9\x7f3 1\n")[0]["left"] == 3
        assert self.pressed("i3\x1bp") == [{"do": "pause"}]

    def test_nothing_ends_at_one_stroke(self):
        assert self.pressed("E") == []
        assert self.pressed("V") == []
        assert self.pressed("EV") == []
        assert self.pressed("EE") == [{"do": "end_block"}]
        assert self.pressed("VV") == [{"do": "end_visit"}]


def test_a_live_visit_that_is_killed_goes_on_where_it_was(tmp_path):
    """Real streams, real processes, commands typed; killed in its second block, then resumed to its end."""
    (tmp_path / "mini.toml").write_text(MINI, encoding="utf-8")
    environment = {**os.environ, "LABFEEDBACK_LSL_SESSION": f"test-{uuid.uuid4().hex[:8]}"}
    arguments = visit_arguments(tmp_path, str(tmp_path / "mini.toml"))
    device = subprocess.Popen([sys.executable, "-m", "devices.simulated", "--seconds", "200"], env=environment)
    try:
        begin = (["yes", "pain 3 1", "start"], "block 1 of 2, baseline: Natural")
        first = typed(arguments, environment, [begin, ([], "block 2 of 2, train: Training")], kill=True)
        assert "own angle" in first
        the_window_offers_to_go_on(tmp_path)
        phases = [
            (["yes", "pain 3 1", "start"], "block 2 of 2, train: Training"),
            ([], "train: its time is over"),
            (["pain 4 1"], "The walk is over"),
        ]
        second = typed([*arguments, "--resume"], environment, phases)
        assert "continued, part 2, at block train" in second
        assert "the visit has ended: all its blocks are walked" in second, second
    finally:
        device.kill()
        device.wait()
    (session,) = Study(tmp_path / "study").sessions("S1")
    visited = read_visit(session.recordings())
    assert len(visited.paths) == 2
    assert [w.planned.id for w in visited.counted()] == ["baseline", "train"]
    assert (visited.pain[0].left, visited.pain[-1].left) == (3, 4)
    report = json.loads(session.file("report.json").read_text(encoding="utf-8"))
    assert report["latency_ms"]["p50"] < 50.0
    assert report["ended"] == "the visit has ended: all its blocks are walked"
    found = look(str(tmp_path / "study"), str(tmp_path / "S1.toml"), str(tmp_path / "mini.toml"))
    assert found["cut"] is None and "1 visit" in found["walked"]


def the_window_offers_to_go_on(folder: Path) -> None:
    """The start page finds the visit that was cut off, and what it begins is that visit at its block."""
    found = look(str(folder / "study"), str(folder / "S1.toml"), str(folder / "mini.toml"))
    assert found["cut"]["block"] == "block 2 of 2" and found["side"] == "left" and found["person"] == "S1"
    made = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    save(folder / "x.check.json", Checked(made=made, subject="S1", rig="simulated", marker_set="simulated",
                                          source="test", ready=True, lines=()))  # fmt: skip
    ready = prepare(
        {"protocol": str(folder / "mini.toml"), "subject": str(folder / "S1.toml"), "study": str(folder / "study"),
         "rig": "simulated", "markers": "simulated", "visit": 1, "side": "left", "target": "", "calibration": "",
         "check": str(folder / "x.check.json"), "resume": True, "direction": "direction check: seen", "mirrored": True}
    )  # fmt: skip
    assert ready.visit.standing is not None and ready.visit.standing.block == 1
    assert ready.walk["rig"]["screen"]["mirrored"] is True
    assert "direction check: seen" in ready.walk["remarks"] and any("mirrored" in r for r in ready.walk["remarks"])


def typed(
    arguments: list[str], environment: dict[str, str], phases: list[tuple[list[str], str]], *, kill: bool = False
) -> str:
    """What a visit says. Each phase types its lines again and again, impatiently, until its word is said."""
    process = subprocess.Popen(
        [*LAB, *arguments], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, bufsize=1,
    )  # fmt: skip
    assert process.stdin is not None and process.stdout is not None
    said: list[str] = []
    reader = threading.Thread(target=lambda: said.extend(process.stdout or ()), daemon=True)
    reader.start()
    try:
        for lines, word in phases:
            end = time.monotonic() + 60
            while not any(word in line for line in list(said)):
                assert time.monotonic() < end and process.poll() is None, "".join(said)
                for line in lines:
                    process.stdin.write(line + "\n")
                process.stdin.flush()
                time.sleep(1.5)
        if not kill:
            process.wait(60)
    finally:
        process.kill()
        process.wait(30)
        reader.join(10)
    return "".join(said)
