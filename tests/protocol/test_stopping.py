"""What holds or ends a visit, and that nobody gets round it: pain, valid steps, loads, time, the other leg."""

from __future__ import annotations

import pytest

from labfeedback.records import RIGHT, EventCode
from tests.protocol.walked import STRIDE_S, Walked, document, started, step


class TestPain:
    def test_five_holds_the_visit_until_it_is_acknowledged(self):
        walked = started()
        walked.walk(10.0)
        walked.pain(5, 0)
        assert walked.runner.state == "held"
        assert "pain is 5 of 10" in walked.codes(EventCode.STOP_RULE)[0]
        assert "first acknowledge" in walked.do("resume")[0].text
        walked.do("acknowledge", reason="sat down for a while")
        assert walked.codes(EventCode.ACKNOWLEDGED) == ["pain rule: pain is 5 of 10: sat down for a while"]
        walked.do("resume")
        assert walked.runner.state == "walking"

    def test_a_rise_of_two_in_either_knee_holds_it(self):
        walked = started()
        walked.walk(10.0)
        walked.pain(2, 3)
        assert "pain has risen by 2" in walked.codes(EventCode.STOP_RULE)[0]

    def test_a_rise_of_one_does_not(self):
        walked = started()
        walked.walk(10.0)
        walked.pain(3, 2)
        assert walked.runner.state == "walking"

    def test_the_second_time_ends_the_visit(self):
        walked = started()
        walked.walk(10.0)
        walked.pain(6, 0)
        walked.do("acknowledge")
        walked.do("resume")
        walked.walk(5.0)
        walked.pain(6, 0)
        assert walked.runner.state == "over"
        assert "for the second time" in walked.codes(EventCode.STOP_RULE)[-1]

    def test_it_is_asked_for_every_five_minutes_of_walking(self):
        doc = document()
        doc["blocks"][0] = {**doc["blocks"][0], "minutes": 17}
        walked = started(doc)
        for _ in range(3):
            walked.walk(301.0)
            assert [p.kind for p in walked.runner.prompts.open] == ["pain"]
            walked.pain()
            assert walked.runner.state == "walking"
        assert len(walked.codes(EventCode.PROMPT)) == 4

    @pytest.mark.parametrize("left", [-1, 11, 2.5, "3", None, True])
    def test_it_is_a_whole_number_from_0_to_10(self, left):
        walked = Walked()
        (said,) = walked.do("answer", kind="pain", left=left, right=1)
        assert said.code == EventCode.REFUSED
        assert "whole number 0 to 10" in said.text
        assert walked.runner.prompts.open


def test_too_few_valid_steps_hold_the_visit():
    walked = started()
    walked.walk(64.0)
    walked.walk(50.0, kam_valid=0)
    assert walked.runner.state == "held"
    assert "of the last 40 steps are valid" in walked.codes(EventCode.STOP_RULE)[0]


@pytest.mark.parametrize(("rule", "does"), [("alarm", "walking"), ("hold", "held")])
def test_the_other_knee_and_the_flexion_moment_are_watched(rule, does):
    walked = started(document(stop={"load_rules": rule}))
    walked.walk(62.0)
    assert walked.runner.block.id == "train"
    end = walked.now + 30.0
    while walked.now < end:
        walked.now += STRIDE_S
        walked.said += walked.runner.step(walked.now, step(walked.now, RIGHT, kam1_pct_bwht=3.31))
    assert walked.runner.state == does
    told = walked.codes(EventCode.ALARM if rule == "alarm" else EventCode.STOP_RULE)
    assert len(told) == 1
    assert "right knee's load is 0.3" in told[0]


def test_the_flexion_moment_may_rise_by_ten_per_cent_and_no_more():
    for kfm, told in ((3.28, 0), (3.4, 1)):
        walked = started()
        walked.walk(64.0)
        walked.walk(40.0, kfm_pct_bwht=kfm)
        assert len(walked.codes(EventCode.ALARM)) == told


def test_a_visit_has_a_longest_time():
    walked = started(document(stop={"minutes": 1.5}))
    walked.walk(120.0)
    assert walked.runner.state == "over"
    assert "the visit has lasted 1.5 minutes" in walked.codes(EventCode.STOP_RULE)[0]


class TestNobodyGetsRoundARule:
    def test_a_repeat_does_not_replace_an_acknowledgement(self):
        walked = started()
        walked.walk(10.0)
        walked.pain(6, 0)
        assert "first acknowledge" in walked.do("repeat")[0].text
        assert walked.runner.state == "held"

    def test_pain_after_the_last_block_ends_the_visit_once_it_is_acknowledged(self):
        walked = started()
        walked.walk(160.0)
        walked.pain(6, 1)
        assert walked.runner.state == "waiting" and walked.runner.to_acknowledge
        walked.do("acknowledge")
        assert walked.runner.state == "over"
        assert len(walked.codes(EventCode.BLOCK_BEGAN)) == 3

    def test_questions_before_a_block_are_not_skipped_with_it(self):
        doc = document()
        doc["blocks"].insert(0, {"id": "settle", "title": "S", "minutes": 1, "before": ["confirm: lanyard", "pain"]})
        doc["blocks"][1] = {k: v for k, v in doc["blocks"][1].items() if k != "before"}
        walked = Walked(doc)
        assert "first answer: confirm?" in walked.do("skip", reason="in a hurry")[0].text
        walked.do("answer", kind="confirm", yes=True)
        walked.pain()
        walked.do("skip", reason="knows the treadmill")
        assert (walked.runner.block.id, walked.runner.state) == ("baseline", "waiting")  # and nobody has started it
        walked.do("start")
        assert walked.runner.state == "walking"

    @pytest.mark.parametrize("variable", ["kam1", "knee_alignment", "weight_distribution", "step_width"])
    def test_no_variable_of_the_other_leg_is_trained(self, variable):
        target = {"weight_distribution": "absolute 0 %"}.get(variable, "natural")
        doc = document()
        doc["blocks"][1] = {**doc["blocks"][1], "feedback": {"variable": variable, "side": "right", "target": target}}
        walked = started(doc)
        walked.walk(64.0, step_width_m=0.1, knee_varus_deg=2.0, impulse_symmetry_pct=1.0)
        assert "right is not the trained leg" in walked.codes(EventCode.TARGET_REFUSED)[0]

    def test_a_rule_that_holds_is_carried_over_a_break_and_the_lanyard_is_asked_for_again(self):
        walked = started()
        walked.walk(80.0)
        walked.pain(6, 1)
        again = Walked(standing=walked.runner.standing())
        assert [p.kind for p in again.runner.prompts.open] == ["pain"]
        again.pain(2, 1)
        assert "first acknowledge" in again.do("start")[0].text
        again.do("acknowledge")
        again.do("start")
        assert again.runner.state == "walking"
