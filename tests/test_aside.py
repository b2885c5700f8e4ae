"""A question to another process: answered, refused, or dead; never a traceback, never a wait without end."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest

from labfeedback.aside import Aside, Refused
from labfeedback.errors import BadSetup

HERE = "tests.test_aside"


def add(one: int, two: int) -> int:
    return one + two


def refuse() -> None:
    raise BadSetup("no such rig")


def stumble() -> None:
    raise KeyError("x")


def die() -> None:
    os._exit(3)


def dawdle() -> None:
    time.sleep(60)


def test_it_answers_and_others_are_served_meanwhile():
    served: list[int] = []
    assert Aside(f"{HERE}:add", one=2, two=3).answer(30.0, lambda: served.append(1)) == 5
    assert served


@pytest.mark.parametrize(
    ("function", "words", "code"),
    [("refuse", "^no such rig$", 2), ("stumble", "nobody foresaw.*KeyError", 70), ("die", "died|no answer", 1)],
)
def test_what_goes_wrong_is_a_sentence(function: str, words: str, code: int, capfd: Any):
    with pytest.raises(Refused, match=words) as raised:
        Aside(f"{HERE}:{function}").answer(30.0)
    assert raised.value.exit_code == code
    assert "Traceback" not in capfd.readouterr().err


def test_it_is_not_waited_for_without_end():
    began = time.monotonic()
    with pytest.raises(Refused, match="no answer"):
        Aside(f"{HERE}:dawdle").answer(0.5)
    assert time.monotonic() - began < 10
