"""Choosing the target: each rule alone, ordinary outcomes, and intervals that cover what they say."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labfeedback.protocol.selection import Walked, as_table, choose
from labfeedback.protocol.statistics import Mean, difference, mean_of

CHANGES = {"toe_in_10": -10.0, "toe_in_5": -5.0, "toe_out_5": 5.0, "toe_out_10": 10.0}


def exactly(mean: float, half: float = 0.05, count: int = 100) -> Mean:
    """A mean with that half width."""
    sd = half / 1.984 * math.sqrt(count)
    return Mean(mean, half, sd, count, float(count))


def block(change: float = 0.0, **said: Any) -> Walked:
    values = {
        "kam1": 3.0,
        "kam2": 2.0,
        "kfm": 3.0,
        "speed": 1.2,
        "count": 100,
        "fpa": 7.0 + change,
        "half": 0.05,
        **said,
    }
    means = {
        name: exactly(values[name], values["half"] if name.startswith("kam") else 0.1, values["count"])
        for name in ("fpa", "kam1", "kam2", "kfm", "speed")
    }
    return Walked(change, second_is_peak=values.get("second_is_peak", 1.0), **means)


def decide(closing: Walked | None = None, baseline: Walked | None = None, **reduced: Any) -> Any:
    """A verdict where each candidate's KAM1 is lower by what is said; or a whole block."""
    candidates = {}
    for name, change in CHANGES.items():
        said = reduced.get(name, 0.0)
        candidates[name] = said if isinstance(said, Walked) else block(change, kam1=3.0 - said)
    return choose(baseline or block(), candidates, block() if closing is None else closing)


def excluded(verdict: Any, name: str) -> str:
    return "; ".join(next(c.excluded for c in verdict.candidates if c.name == name))


def test_the_largest_reduction_of_the_larger_peak_is_chosen():
    verdict = decide(toe_in_10=0.4, toe_in_5=0.2)
    assert (verdict.verdict, verdict.chosen, verdict.words) == ("target", -10.0, "toe-in 10 deg")
    assert verdict.rule == "largest reduction of the first peak"


def test_toe_out_is_chosen_where_it_helps():
    assert decide(toe_out_5=0.3).words == "toe-out 5 deg"


def test_the_second_peak_decides_where_it_is_the_larger_one_of_the_baseline():
    baseline = block(kam1=2.0, kam2=3.0)
    candidates = {"toe_out_5": block(5.0, kam1=2.2, kam2=2.7), "toe_in_5": block(-5.0, kam1=1.7, kam2=3.1)}
    verdict = choose(baseline, candidates, baseline)
    assert (verdict.larger_peak, verdict.words) == ("kam2", "toe-out 5 deg")


def test_a_second_peak_that_is_none_decides_nothing():
    baseline = block(kam1=2.0, kam2=3.0, second_is_peak=0.3)
    assert choose(baseline, {"toe_in_5": block(-5.0, kam1=1.7, kam2=3.0)}, baseline).larger_peak == "kam1"


def test_nobody_is_made_a_responder():
    verdict = decide(toe_in_10=0.1)
    assert (verdict.verdict, verdict.words) == ("no responder", "no responder")
    assert "reduction: 0.100 %BW*Ht, at least 0.150 (5 %) is needed" in excluded(verdict, "toe_in_10")


def test_a_reduction_whose_lower_bound_is_not_above_zero_does_not_count():
    verdict = decide(toe_in_10=block(-10.0, kam1=2.8, half=0.25))
    assert verdict.verdict == "no responder"
    assert "lower 95 % bound" in excluded(verdict, "toe_in_10")


def test_a_tie_goes_to_the_smaller_change():
    verdict = decide(toe_in_10=0.32, toe_in_5=0.30)
    assert verdict.words == "toe-in 5 deg"
    assert verdict.rule == "tie with toe-in 10 deg within one confidence interval: the smaller change"


def test_no_tie_beyond_one_confidence_interval():
    assert decide(toe_in_10=0.40, toe_in_5=0.30).words == "toe-in 10 deg"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"fpa": 7.0 - 7.4}, "angle: 7.4 deg toe-in from the own one, asked toe-in 10 deg"),
        ({"kam2": 3.05}, "other peak: 3.050 is not below the baseline's larger peak 3.000"),
        ({"kfm": 3.31}, "flexion moment: +10 %, at most +10 % is allowed"),
        ({"count": 39}, "steps: 39 valid, 40 are needed"),
        ({"speed": 1.24}, "speed: 1.240 m/s, the baseline was walked at 1.200"),
    ],
)
def test_each_guard_excludes_and_is_named(said, words):
    verdict = decide(toe_in_10=block(-10.0, **{"kam1": 2.6, **said}), toe_in_5=0.2)
    assert words in excluded(verdict, "toe_in_10")
    assert verdict.words == "toe-in 5 deg"


def test_a_natural_walk_that_has_changed_by_the_end_asks_for_a_repeat():
    verdict = decide(closing=block(kam1=3.2), toe_in_10=0.4)
    assert verdict.verdict == "repeat"
    assert "fatigue or drift" in verdict.rule


@pytest.mark.parametrize("closing", [False, True])
def test_without_enough_closing_or_baseline_steps_it_is_repeated(closing):
    if closing:
        verdict = decide(closing=block(count=10), toe_in_10=0.4)
    else:
        verdict = decide(baseline=block(count=30), toe_in_10=0.4)
    assert verdict.verdict == "repeat"
    assert "valid steps" in verdict.rule
    assert choose(block(), {"toe_in_5": block(-5.0)}, None).verdict == "repeat"


def test_a_slower_belt_is_no_reduction():
    slow = {name: block(change, kam1=2.6, speed=1.16) for name, change in CHANGES.items()}
    assert decide(**slow).verdict == "repeat"
    verdict = decide(closing=block(speed=1.26), toe_in_10=0.4)
    assert verdict.verdict == "repeat" and "the belt ran at 1.260 m/s" in verdict.rule


def test_conditions_that_nobody_walked_are_named():
    assert choose(block(), {}, block()).verdict == "repeat"
    verdict = choose(block(), {"toe_in_5": block(-5.0, kam1=2.7)}, block(), ["toe-in 10 deg"])
    assert (verdict.words, verdict.rule.split("; ")[1]) == ("toe-in 5 deg", "not walked: toe-in 10 deg")


def test_candidates_that_nobody_measured_are_no_evidence_against_a_person():
    verdict = decide(**{name: block(change, count=20) for name, change in CHANGES.items()})
    assert verdict.verdict == "repeat"


def test_the_file_of_a_verdict_has_no_number_that_json_does_not_know():
    text = json.dumps(as_table(decide(toe_in_10=0.4, toe_in_5=block(-5.0, count=1))), allow_nan=False)
    found = json.loads(text)
    assert (found["verdict"], found["chosen_change"], found["chosen_change_deg"]) == ("target", "toe-in 10 deg", -10.0)
    assert next(c["change"] for c in found["candidates"]) == "toe-in 10 deg"
    assert json.loads(json.dumps(as_table(decide())))["chosen_change"] is None


@settings(max_examples=200, deadline=None)
@given(
    reductions=st.lists(st.floats(-1.0, 1.0), min_size=4, max_size=4),
    others=st.lists(st.floats(1.0, 4.0), min_size=4, max_size=4),
    half=st.floats(0.01, 0.4),
)
def test_whatever_is_measured_the_chosen_one_passes_every_rule(reductions, others, half):
    candidates = {
        name: block(change, kam1=3.0 - r, kam2=o, half=half)
        for (name, change), r, o in zip(CHANGES.items(), reductions, others, strict=True)
    }
    verdict = choose(block(half=half), candidates, block(half=half))
    if verdict.verdict == "target":
        (chosen,) = (c for c in verdict.candidates if c.walked.change == verdict.chosen)
        assert chosen.excluded == ()
        assert chosen.reduction.mean >= 0.15 and chosen.reduction.low > 0 and chosen.walked.kam2.mean < 3.0
        better = [c for c in verdict.candidates if not c.excluded and c.reduction.mean > chosen.reduction.mean + 1e-12]
        assert all(abs(c.walked.change) >= abs(verdict.chosen) for c in better)
    else:
        assert all(c.excluded for c in verdict.candidates)


def process(random: np.random.Generator, n: int, rho: float) -> Any:
    """An autoregressive series with unit variance."""
    out = np.empty(n)
    out[0] = random.normal()
    for k in range(1, n):
        out[k] = rho * out[k - 1] + math.sqrt(1 - rho**2) * random.normal()
    return out


@pytest.mark.parametrize(("rho", "least"), [(0.0, 0.93), (0.23, 0.92), (0.5, 0.90)])
def test_intervals_cover_the_truth_about_as_often_as_they_say(rho, least):
    random = np.random.default_rng(5)
    hits = naive = 0
    for _ in range(1500):
        m = mean_of(process(random, 109, rho))
        hits += m.low <= 0.0 <= m.high
        naive += abs(m.mean) <= 1.98 * m.sd / math.sqrt(m.count)
    assert least <= hits / 1500 <= 0.975
    if rho == 0.5:
        assert naive / 1500 < 0.78  # what ignoring the neighbours would have claimed to be 95 %


def test_withheld_steps_do_not_count():
    values = np.array([1.0, np.nan, 3.0, np.nan])
    assert (mean_of(values).mean, mean_of(values).count) == (2.0, 2)
    assert mean_of(np.array([np.nan])).count == 0
    assert math.isnan(mean_of(np.array([2.0])).half)


def test_a_difference_has_both_errors():
    d = difference(exactly(2.0, 0.3), exactly(1.0, 0.4))
    assert d.mean == 1.0
    assert d.half == pytest.approx(0.5, rel=0.02)
