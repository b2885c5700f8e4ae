"""The visit as a state machine: what each command and each step means in each state."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labfeedback.protocol.document import Protocol
from labfeedback.protocol.runner import Runner
from labfeedback.protocol.schedule import Visit
from labfeedback.protocol.table import COMMANDS, STATES, TABLE
from labfeedback.records import LEFT, CueState, EventCode
from tests.protocol.walked import STRIDE_S, TRAIN, Walked, document, started


def test_nothing_happens_before_data_flow():
    runner = Runner(Visit(document=Protocol.model_validate(document()), side="left"))
    for command in sorted(COMMANDS):
        (said,) = runner.command(0.0, {"do": command, "reason": "because"})
        assert said.code == EventCode.REFUSED
        assert "without data" in said.text


def test_a_visit_goes_from_block_to_block_and_ends():
    walked = started()
    walked.walk(160.0)
    assert [text.split(":")[0] for text in walked.codes(EventCode.BLOCK_BEGAN)] == [
        "block 1 of 3, baseline", "block 2 of 3, train", "block 3 of 3, alone",
    ]  # fmt: skip
    assert walked.runner.state == "waiting"  # for the pain after the last block
    walked.pain()
    assert walked.runner.state == "over"
    assert walked.runner.holds == CueState.FINISHED
    assert walked.codes(EventCode.VISIT_ENDED) == ["the visit has ended: all its blocks are walked"]


def test_it_does_not_begin_before_the_question_is_answered_and_somebody_starts_it():
    walked = Walked()
    assert walked.do("start")[0].text.startswith("start: first answer: pain?")
    walked.pain()
    assert walked.runner.state == "waiting"
    walked.do("start")
    assert walked.runner.state == "walking"


def test_a_blocks_clock_runs_from_its_first_whole_step_and_stands_while_held():
    walked = started()
    assert walked.runner.due_s == math.inf
    walked.walk(20.0)
    due = walked.runner.due_s
    assert due == pytest.approx(STRIDE_S / 2 + 60.0)  # the first contact after the start
    walked.do("pause")
    assert walked.runner.due_s == math.inf
    assert walked.runner.holds == CueState.PAUSED
    paused = walked.now
    walked.walk(33.0)  # steps of a pause do not count
    walked.do("resume")
    assert walked.runner.due_s == math.inf
    resumed = walked.now
    walked.walk(5.0)
    assert walked.runner.due_s == pytest.approx(due + (resumed - paused) + STRIDE_S / 2, abs=1e-9)


@pytest.mark.parametrize("why", ["belt", "streams"])
def test_a_belt_that_stops_and_a_silent_stream_stop_the_clock(why):
    walked = started()
    walked.walk(20.0)
    due = walked.runner.due_s
    walked.runner.halt(walked.now, why)
    assert walked.runner.due_s == math.inf
    assert walked.runner.state == "walking"
    stood = walked.now
    walked.now += 50.0
    walked.runner.release(walked.now, why)
    walked.walk(3.0)
    assert walked.runner.due_s == pytest.approx(due + walked.now - stood, abs=3.5)
    assert walked.runner.due_s > due + 50.0


def test_the_own_values_are_means_of_valid_steps_alone():
    walked = started()
    walked.walk(30.0, fpa_deg=9.0)
    walked.walk(10.0, fpa_deg=90.0, fpa_valid=0)
    walked.walk(10.0, fpa_deg=90.0, warm_up=1)
    walked.walk(15.0, fpa_deg=9.0)
    assert walked.runner.own["left"]["fpa"] == pytest.approx(9.0)
    assert walked.runner.aim.targets == {LEFT: pytest.approx(4.0)}


def test_a_baseline_with_too_few_valid_steps_is_held_and_repeated():
    walked = started(document(stop={"valid_share": 0}))
    walked.walk(70.0, fpa_valid=0)
    assert walked.runner.state == "waiting"
    assert "0 valid steps of the left foot" in walked.codes(EventCode.STOP_RULE)[0]
    assert "first acknowledge" in walked.do("start")[0].text
    walked.do("acknowledge")
    walked.do("repeat")
    walked.walk(64.0)
    assert walked.runner.block.id == "train"


def test_a_target_beyond_fifteen_degrees_is_refused_and_nothing_is_judged():
    doc = document()
    doc["blocks"][1] = {**doc["blocks"][1], "feedback": {**TRAIN, "target": "absolute toe-in 10 deg"}}
    walked = started(doc)
    walked.walk(64.0, fpa_deg=7.0)
    assert "more than 15 deg from the own 7.0 deg toe-out" in walked.codes(EventCode.TARGET_REFUSED)[0]
    assert walked.runner.state == "waiting"
    assert walked.runner.aim.targets == {}


def test_the_untrained_leg_is_never_trained():
    doc = document()
    doc["blocks"][1] = {**doc["blocks"][1], "feedback": {**TRAIN, "side": "right"}}
    walked = started(doc)
    walked.walk(64.0)
    assert "right is not the trained leg" in walked.codes(EventCode.TARGET_REFUSED)[0]


def test_kam_stands_for_the_larger_peak_of_the_baseline():
    doc = document()
    doc["blocks"][1] = {**doc["blocks"][1], "feedback": {
        "variable": "kam", "target": "20 % lower", "band": 5.0, "band_percent": True, "good": "below"}}  # fmt: skip
    walked = started(doc)
    walked.walk(64.0, kam1_pct_bwht=2.0, kam2_pct_bwht=2.5)
    aim = walked.runner.aim
    assert (aim.variable, aim.targets, aim.band) == ("kam2", {LEFT: pytest.approx(2.0)}, pytest.approx(0.125))
    assert aim.judge(LEFT, 1.0) == CueState.GOOD  # far below is good, too
    assert aim.judge(LEFT, 2.2) == CueState.TOO_FAR_OUT


def test_a_skip_needs_a_reason_and_keeps_it():
    walked = started()
    walked.walk(64.0)
    assert walked.do("skip")[0].code == EventCode.REFUSED
    walked.do("skip", reason="the patient is tired")
    assert walked.codes(EventCode.BLOCK_SKIPPED) == ["block train skipped: the patient is tired"]
    assert walked.runner.block.id == "alone"


def test_the_baseline_cannot_be_skipped():
    walked = started()
    assert "nothing goes without" in walked.do("skip", reason="no time today")[0].text
    assert walked.runner.block.id == "baseline"


def test_a_block_that_is_repeated_begins_anew():
    walked = started()
    walked.walk(90.0)
    walked.do("repeat", reason="somebody came in")
    assert walked.runner.aim.elapsed_s == 0.0
    assert walked.runner.block.id == "train"
    walked.walk(58.0)
    assert walked.runner.block.id == "train"
    walked.walk(6.0)
    assert walked.runner.block.id == "alone"


@pytest.mark.parametrize(("length", "nothing"), [({"minutes": 1}, (0.0, None)), ({"steps": 20}, (math.inf, 0))])
def test_while_a_block_is_asked_after_nothing_of_it_is_left(length, nothing):
    """Not its whole length, as before it: the operator reads it beside the question."""
    doc = document()
    last = {k: v for k, v in doc["blocks"][2].items() if k != "steps"}
    doc["blocks"][2] = {**last, **length}
    walked = Walked(doc)
    assert walked.runner.left(0.0) == (60.0, None)
    walked.pain()
    walked.do("start")
    walked.walk(200.0)
    assert walked.runner.state == "waiting" and walked.runner.block.id == "alone"
    assert walked.runner.left(walked.now) == nothing
    walked.do("repeat")
    assert walked.runner.left(walked.now) != nothing


def test_a_block_in_steps_ends_after_them():
    walked = started()
    walked.walk(125.0)
    began = len(walked.codes(EventCode.BLOCK_BEGAN))
    assert began == 3
    walked.walk(20 * STRIDE_S + 2)
    assert walked.codes(EventCode.BLOCK_ENDED)[-1].endswith("its steps are walked")


def test_a_belt_at_another_speed_than_the_protocol_asks_is_told():
    doc = document()
    doc["blocks"][0] = {**doc["blocks"][0], "speed": 1.0}
    walked = started(doc)
    walked.walk(64.0)
    assert "the belt ran at 1.20 m/s, the protocol asks for 1.00 m/s" in walked.codes(EventCode.ALARM)


def test_an_interrupted_visit_goes_on_at_its_block_with_what_it_knew():
    walked = started()
    walked.walk(80.0)
    walked.pain(3, 1)
    standing = walked.runner.standing()
    again = Walked(standing=standing)
    assert again.runner.block.id == "train"
    assert "continued, part 2, at block train" in again.said[0].text
    again.pain(2, 1)
    again.do("start")
    assert again.runner.aim.targets == walked.runner.aim.targets
    again.walk(5.0)
    again.pain(4, 1)  # 2 more than at the very beginning, in the first part
    assert "pain has risen by 2" in again.codes(EventCode.STOP_RULE)[0]


def test_a_second_peak_that_is_none_is_never_the_larger_one():
    walked = started()
    walked.walk(64.0, kam1_pct_bwht=2.0, kam2_pct_bwht=2.5, kam2_is_peak=0)
    assert walked.runner.larger_peak == "kam1"


def test_the_table_knows_only_methods_that_exist_and_states_that_are():
    for (state, _), method in TABLE.items():
        assert state in STATES
        assert callable(getattr(Runner, method))


_COMMANDS = st.sampled_from(
    [{"do": do, "reason": "for the test"} for do in sorted(COMMANDS - {"answer"})]
    + [{"do": "answer", "kind": "pain", "left": n, "right": 1} for n in (0, 2, 3, 6)]
)
_HAPPENS = st.lists(
    _COMMANDS | st.floats(0.5, 40.0) | st.sampled_from(["belt", "streams", "-belt", "-streams"]), max_size=40
)


@settings(max_examples=150, deadline=None)
@given(happens=_HAPPENS)
def test_whatever_happens_the_laws_of_a_visit_hold(happens):
    walked = Walked()
    order: list[int] = []
    for what in happens:
        if isinstance(what, dict):
            before = walked.runner.state
            said = walked.do(what["do"], **{k: v for k, v in what.items() if k != "do"})
            assert said  # nothing is done, or refused, in silence
            if (before, what["do"]) not in TABLE:
                assert said[0].code == EventCode.REFUSED and walked.runner.state == before
        elif isinstance(what, float):
            walked.walk(what)
        elif what.startswith("-"):
            walked.runner.release(walked.now, what[1:])
        else:
            walked.runner.halt(walked.now, what)
        runner = walked.runner
        order.append(runner.index)
        assert runner.state in STATES
        assert runner.due_s >= walked.now - 1.0 or runner.state != "walking"
        if runner.state != "walking" or runner.halts:
            assert not runner.counts(walked.now)
        # Nobody is judged without the person's own values, nor but in a running block.
        # A rule that nobody acknowledged keeps the visit from walking.
        assert not (runner.to_acknowledge and runner.state == "walking")
        if runner.aim.targets:
            assert runner.own and all(abs(t - runner.own["left"]["fpa"]) <= 15.0 for t in runner.aim.targets.values())
        if runner.state == "over":
            assert runner.holds == CueState.FINISHED
    began = [one.value for one in walked.said if one.code == EventCode.BLOCK_BEGAN]
    ended = [one.value for one in walked.said if one.code in (EventCode.BLOCK_ENDED, EventCode.BLOCK_SKIPPED)]
    assert len(ended) <= len(began) + walked.runner.index + 1
    assert all(b - a <= 1 for a, b in pairwise(order))
