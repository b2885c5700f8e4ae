"""What a blinded operator is told, in window and terminal: no value of the person's own, no target, no candidate."""

from __future__ import annotations

import io
import json
import re

import pytest
from rich.console import Console

from labfeedback.commands.visit_line import VisitLine
from labfeedback.records import CueState, EventCode
from labfeedback.veil import sentence, unnamed, veiled


class TestTheVeil:
    @pytest.mark.parametrize(
        ("code", "text"),
        [(EventCode.BASELINE_DONE, "own angle 7.2 toe-out"), (EventCode.TARGET_SET, "left (fpa): target 2.2"),
         (EventCode.COMMAND, '{"do": "start"}')],
    )  # fmt: skip
    def test_own_values_are_not_told(self, code, text):
        assert sentence(code, text) is None

    def test_an_alarm_is_told_without_its_number(self):
        said = sentence(EventCode.ALARM, "other knee: the right knee's load is 0.35 %BW*Ht above its baseline")
        assert said and not re.search(r"\d|knee's load", said)

    def test_a_load_rule_that_holds_is_told_without_its_number(self):
        text = "flexion moment: the knee flexion moment is 14 % above the baseline; acknowledge it to go on"
        assert sentence(EventCode.STOP_RULE, text) == "a load rule; acknowledge it to go on"
        visit = {"id": "practice/toe_in_5", "next": "measure/toe_in_5", "acknowledge": text[:60]}
        cue = {"target": 2.2, "state": 1.0}
        status = {"kind": "status", "fpa_deg": {"left": 2.0}, "cue": cue, "visit": visit}
        told = veiled(status)
        assert told is not None and not re.search(r"toe_in|14|2\.2|2\.0", json.dumps(told))

    @pytest.mark.parametrize("state", list(CueState))
    def test_what_was_said_of_a_step_is_not_told(self, state):
        cue = {"state": float(state), "target": 2.2, "good_steps": 3, "scored_steps": 9}
        told = veiled({"kind": "status", "fpa_deg": {}, "cue": cue, "visit": None})
        assert told is not None
        said_of_a_step = state in (CueState.GOOD, CueState.TOO_FAR_IN, CueState.TOO_FAR_OUT)
        assert told["cue"] == {"state": CueState.KEEP_WALKING if said_of_a_step else state}

    def test_the_terminal_tells_no_more_than_the_window(self):
        status = {
            "kind": "status", "state": 0, "silent": [], "steps": 30, "steps_valid": 30, "markers_age_s": 0.01,
            "forces_age_s": 0.01, "latency_ms": 4.0, "ring_fill": 0.0, "lost": 0, "fpa_deg": {"left": 2.34},
            "cue": {"state": 2.0, "target": 2.2, "good_steps": 3, "scored_steps": 9},
            "visit": {
                "state": "walking", "block": 1, "blocks": 3, "title": "Training", "left_s": 60.0, "left_steps": None,
                "next": "measure/toe_in_5", "patient": "", "operator": "", "halted": [], "prompts": [], "id": "train",
                "acknowledge": "flexion moment: it is 14 % above the baseline",
            },
        }  # fmt: skip
        said = []
        for blinded in (False, True):
            out = io.StringIO()
            for one in (status, {**status, "visit": None}):  # a live line keeps what it showed last
                with VisitLine(Console(file=out, force_terminal=True, width=200), blinded=blinded) as line:
                    line(one)
            with VisitLine(Console(file=out, force_terminal=True, width=200), blinded=blinded) as line:
                line({"kind": "event", "code": EventCode.TARGET_SET, "text": "left: target 2.2 deg", "value": 2.2})
            said.append(re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", out.getvalue()))
        tells = r"left 2\.3|in the band|toe_in|14 %|target 2\.2"
        assert len(set(re.findall(tells, said[0]))) == 5 and not re.search(tells, said[1])
        assert "Training" in said[1] and "a load rule" in said[1]

    def test_a_question_does_not_name_the_candidate_it_is_asked_in(self):
        assert sentence(EventCode.PROMPT, "pain? pain of both knees (practice/toe_in_5)") == (
            "pain? pain of both knees (practice)"
        )

    def test_pain_and_streams_are_told_whole(self):
        for code, text in ((EventCode.STOP_RULE, "pain rule: pain is 6 of 10; acknowledge it to go on"),
                           (EventCode.STREAM_LOST, "stream of forces lost")):  # fmt: skip
            assert sentence(code, text) == text

    def test_the_turn_of_the_standing_foot_is_told_without_its_size(self):
        """10 deg inwards in the list of incidents reads like a target."""
        text = "direction check: left foot turned inwards by 10 deg, and the operator saw it so on the wall"
        assert sentence(EventCode.NOTE, text) == text.replace(" by 10 deg", "")
        assert sentence(EventCode.NOTE, "turned the belt up by 10 deg") == "turned the belt up by 10 deg"

    def test_the_candidate_of_a_block_is_not_named(self):
        assert unnamed("block 3 of 11, practice/toe_in_5: Practising a candidate") == (
            "block 3 of 11, practice: Practising a candidate"
        )
