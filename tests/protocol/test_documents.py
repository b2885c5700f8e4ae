"""Documents that a clinician signs: every shipped one is sound, every broken one is refused with line and sentence."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labfeedback.errors import BadSetup
from labfeedback.protocol.aiming import parse_target
from labfeedback.protocol.document import Protocol
from labfeedback.protocol.schedule import Visit, needs_selection, plan
from labfeedback.protocol_file import balanced, draw, json_schema, line_of, load_protocol, parse_protocol, shipped
from tests.protocol_texts import BROKEN, SOUND, broken

SHIPPED = ("assessment_fpa", "familiarisation", "free_walk", "kam_direct", "retention", "sham", "step_length",
           "step_width", "training_fpa", "weight_symmetry")  # fmt: skip


def visit_of(name: str, **said: Any) -> Visit:
    protocol = load_protocol(name)
    return Visit(document=protocol, side="left", selected=said.pop("selected", ""), draws=draw(protocol, 1), **said)


def test_ten_documents_are_shipped_and_each_names_its_source():
    assert tuple(shipped()) == SHIPPED
    for name in SHIPPED:
        protocol = load_protocol(name)
        assert protocol.id == name
        assert len(protocol.source) > 20
        chosen = "toe-in 5 deg" if needs_selection(protocol) else ""
        assert len(plan(visit_of(name, selected=chosen))) >= 1


def test_the_small_document_is_sound():
    assert [b.id for b in parse_protocol(SOUND, "small.toml").blocks] == ["baseline", "train", "alone"]


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_document_is_refused_with_file_line_and_a_sentence(name):
    text, line, words = broken(name)
    with pytest.raises(BadSetup) as refused:
        parse_protocol(text, "mine.toml")
    said = str(refused.value)
    assert words in said
    assert f"mine.toml, line {line}: " in said
    assert "Traceback" not in said and "pydantic" not in said


@given(st.text(max_size=300))
def test_any_text_is_refused_in_a_sentence(text):
    with pytest.raises(BadSetup, match=r"x\.toml"):
        parse_protocol(text, "x.toml")


def test_a_place_in_an_inner_table_has_its_own_line():
    assert line_of(SOUND, ("blocks", 2, "feedback", "show")) == 34
    assert line_of(SOUND, ("blocks", 1, "feedback", "band")) == 23
    assert line_of(SOUND, ("blocks", 0, "minutes")) == 14
    assert line_of(SOUND, ("stop", "minutes")) == 9


def test_the_schema_knows_every_word_of_a_block():
    schema = json.loads(json_schema())
    assert set(schema["properties"]) == {field.alias or name for name, field in Protocol.model_fields.items()}
    assert {"minutes", "feedback", "before", "next"} <= set(schema["$defs"]["Block"]["properties"])


def test_sham_and_training_differ_in_name_and_arm_alone():
    active, sham = (load_protocol(name).model_dump() for name in ("training_fpa", "sham"))
    assert {key for key in active if active[key] != sham[key]} == {"id", "title", "about", "arm"}
    targets = {p.target for p in plan(visit_of("sham", selected="toe-in 10 deg")) if p.block.feedback}
    assert targets == {"natural"}
    targets = {
        p.target for p in plan(visit_of("training_fpa", selected="toe-in 10 deg", arm="sham")) if p.block.feedback
    }
    assert targets == {"natural"}


def test_feedback_fades_over_six_visits_to_none():
    shares = []
    for number in range(1, 7):
        first = plan(visit_of("training_fpa", selected="toe-in 5 deg", number=number))[1]
        shares.append(first.on_s / (first.on_s + first.off_s))
    assert shares == pytest.approx([1.0, 0.8, 0.6, 0.4, 0.2, 0.0])


def test_a_protocol_that_trains_a_selection_needs_one():
    with pytest.raises(ValueError, match="give the verdict"):
        plan(visit_of("training_fpa"))


@pytest.mark.parametrize("selected", ["selected", "condition", "absolute toe-in 3 deg"])
def test_what_is_no_change_cannot_be_selected(selected):
    with pytest.raises(ValueError, match="is no change to train"):
        plan(visit_of("training_fpa", selected=selected))


def test_the_drawn_order_is_walked_and_another_order_is_refused():
    protocol = load_protocol("assessment_fpa")
    orders = {draw(protocol, seed).order for seed in range(60)}
    assert len(orders) > 15  # of 24
    for order in orders:
        made = Visit(document=protocol, side="right", draws={"order": order})
        assert [p.condition for p in plan(made) if p.block.measures == "condition"] == list(order)
    with pytest.raises(ValueError, match="not an order of the conditions"):
        plan(Visit(document=protocol, side="right", draws={"order": ("toe_in_5",) * 4}))


@pytest.mark.parametrize("count", [2, 4, 6, 3, 5])
def test_counterbalanced_orders_put_each_condition_after_each_other_equally_often(count):
    rows = [balanced(count, k) for k in range(count if count % 2 == 0 else 2 * count)]
    pairs = [pair for row in rows for pair in pairwise(row)]
    assert {pairs.count((a, b)) for a in range(count) for b in range(count) if a != b} == {len(rows) // count}
    for place in range(count):
        assert sorted({row[place] for row in rows}) == list(range(count))


@pytest.mark.parametrize(
    ("text", "variable", "kind", "amount"),
    [
        ("toe-in 5 deg", "fpa", "change", -5.0),
        ("toe-out 15 deg", "fpa", "change", 15.0),
        ("absolute toe-in 3 deg", "fpa", "absolute", -3.0),
        ("natural", "fpa", "natural", 0.0),
        ("20 % lower", "kam", "percent", -20.0),
        ("0.05 m wider", "step_width", "change", 0.05),
        ("10 % longer", "step_length", "percent", 10.0),
        ("absolute 0 %", "weight_distribution", "absolute", 0.0),
        ("5 % less load on this leg", "weight_distribution", "change", -5.0),
        ("2 deg lower", "pelvis_drop", "change", 2.0),
        ("2 deg higher", "pelvis_drop", "change", -2.0),
    ],
)
def test_targets_are_words(text, variable, kind, amount):
    target = parse_target(text, variable)
    assert (target.kind, target.amount) == (kind, amount)


@pytest.mark.parametrize(
    ("text", "variable"),
    [("toe-in 15.1 deg", "fpa"), ("toe-in -5 deg", "fpa"), ("5 deg", "fpa"), ("in 5 deg", "fpa"),
     ("toe-in 0 deg", "fpa"),
     ("20 lower", "kam"), ("60 % lower", "kam"), ("0.05 wider", "step_width"), ("0.5 m wider", "step_width"),
     ("0.05 m longer", "step_width"), ("0 % higher", "cadence"), ("20 % lower", "knee_alignment")],
)  # fmt: skip
def test_targets_that_are_none_are_refused(text, variable):
    with pytest.raises(ValueError, match=r"target|unit"):
        parse_target(text, variable)
