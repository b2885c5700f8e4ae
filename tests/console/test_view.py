"""What the window knows, without a window: news in, page out."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from labfeedback.console.looks import LOOKS
from labfeedback.console.plots import LANE_RGBA
from labfeedback.console.view import BUTTONS, View
from labfeedback.protocol.table import TABLE
from labfeedback.records import EventCode


def status(**visit: Any) -> dict[str, Any]:
    said = {"state": "walking", "acknowledge": "", "prompts": [], "left_s": 83.2, "left_steps": None, **visit}
    return {"kind": "status", "visit": said, "silent": []}


def view(*news: dict[str, Any], **visit: Any) -> View:
    out = View()
    for one in (*news, status(**visit)):
        out.hear(one)
    return out


def test_a_button_is_offered_exactly_where_the_visit_knows_its_command():
    for button, states in BUTTONS.items():
        command = {"pain": "answer"}.get(button, button)
        if command == "note":
            continue
        known = {state for state, what in TABLE if what == command}
        assert set(states) == known, button


def test_start_waits_for_answers_and_for_what_must_be_acknowledged():
    assert view(state="waiting").may("start")
    assert not view(state="waiting", prompts=[{"wait": True}]).may("start")
    assert view(state="waiting", prompts=[{"wait": False}]).may("start")
    assert not view(state="waiting", acknowledge="pain").may("start")
    assert not view(state="held", acknowledge="pain").may("resume")
    assert view(state="held").may("resume")


def test_time_and_steps_left_are_read_at_a_glance():
    assert view().left == "1:23"
    assert view(left_steps=12).left == "12 steps"
    assert view(left_s=None).left == ""


def test_grave_incidents_wait_until_they_are_seen():
    event = {"kind": "event", "code": int(EventCode.STREAM_LOST), "text": "gone", "number": 7}
    quiet = {"kind": "event", "code": int(EventCode.NOTE), "text": "a note", "number": 8}
    one = view(event, quiet)
    assert [i.number for i in one.waiting] == [7]
    one.hear({"kind": "seen", "number": 7})
    assert one.waiting == []
    assert len(one.incidents) == 2


def test_a_hub_that_is_silent_is_said_and_forgotten_when_it_speaks():
    one = View()
    one.hear({"kind": "hub silent", "seconds": 2})
    assert one.hub_silent
    one.hear(status())
    assert not one.hub_silent


def luminance(colour: str) -> float:
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", list(LOOKS))
def test_every_text_has_a_contrast_of_at_least_four_and_a_half(name):
    c = LOOKS[name]
    on_ground = itertools.product((c.text, c.quiet, c.accent, c.go, c.warn, c.stop), (c.ground, c.panel))
    for ink, ground in [*on_ground, (c.on_colour, c.go), (c.on_colour, c.accent)]:
        assert contrast(ink, ground) >= 4.5, (ink, ground)


@pytest.mark.parametrize("name", list(LOOKS))
def test_curves_and_marks_stand_out_from_their_ground_and_from_the_lane(name):
    c = LOOKS[name]
    *rgb, alpha = LANE_RGBA
    under = [int(c.panel[k : k + 2], 16) for k in (1, 3, 5)]
    lane = "#" + "".join(f"{round(a + (b - a) * alpha / 255):02x}" for a, b in zip(under, rgb, strict=True))
    assert contrast(c.right, c.panel) >= 4.5 and contrast(c.left, c.panel) >= 4.5
    assert contrast(c.right, lane) >= 3.0 and contrast(c.left, lane) >= 3.0  # as WCAG asks of what is no text
