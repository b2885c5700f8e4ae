"""What a blinded operator may see of a deviation: nothing in which the two arms differ."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from labfeedback.console.evened import AGAIN, BREAK_S, FIRST, LEAST, LONG_S, Evened
from labfeedback.protocol_file import load_protocol

Array = NDArray[np.float64]
STRIDE_S = 1.1
TARGET = 2.0


def told(off: Array, cued: Array | None = None, times: Array | None = None, target: float = TARGET) -> Array:
    """What is shown of steps with these deviations from the target, deg; NaN: nothing."""
    evened = Evened()
    seen = np.ones(len(off)) if cued is None else cued
    at = STRIDE_S * np.arange(len(off)) if times is None else times
    return np.array([evened.of_step(target + o, target, float(t), cued=bool(c))
                     for o, c, t in zip(off, seen, at, strict=True)])  # fmt: skip


def shown(values: Array) -> Array:
    return values[np.isfinite(values)]


def steady(count: int, seed: int = 1, sd: float = 1.65) -> Array:
    return np.random.default_rng(seed).normal(0.0, sd, count)


@given(st.integers(0, 2**31), st.floats(0.5, 5.0), st.floats(-15.0, 15.0))
def test_where_somebody_walks_and_how_much_they_scatter_is_not_shown(seed, spread, place):
    walk = steady(FIRST + 60, seed)
    values = told(walk)
    assert len(shown(values)) == 60
    assert np.allclose(values, told(place + spread * walk), equal_nan=True, atol=1e-6)


@given(st.integers(0, 2**31))
def test_the_side_of_a_step_is_not_shown(seed):
    walk = steady(FIRST + 60, seed)
    values = told(walk)
    assert (shown(values) >= 0.0).all() and np.array_equal(values, told(-walk, target=-TARGET), equal_nan=True)


@given(st.integers(0, 2**31), st.floats(-15.0, 15.0))
def test_an_approach_leaves_no_trace(seed, begins):
    """From any distance on either side, as quickly as people learn (SCIENCE.md section 9)."""
    walk = steady(FIRST + 60, seed)
    approach = begins * 0.9 ** np.arange(len(walk))
    assert np.allclose(told(walk), told(walk + approach), equal_nan=True, atol=0.05)


def test_a_slow_learner_differs_by_less_than_plots_do_by_chance():
    """The slowest of the simulated ones, and one who takes twice as long."""
    walks = [steady(FIRST + 60, seed) for seed in range(40)]
    natural = np.array([shown(told(walk)).mean() for walk in walks])
    for decay in (0.96, 0.98):
        learnt = np.array([shown(told(w + 10.0 * decay ** np.arange(len(w)))).mean() for w in walks])
        assert abs(float((learnt - natural).mean())) < 0.5 * natural.std()


def test_a_walk_that_grows_steadier_is_followed():
    """RMSE falls from 3.0 to 2.3 deg over a visit (SCIENCE.md section 8): every part has a spread of one."""
    walk = steady(1000, sd=1.0) * np.linspace(3.0, 1.5, 1000)
    values = told(walk)
    parts = [values[k : k + 300] for k in (100, 400, 700)]
    assert [float(np.sqrt((part**2).mean())) for part in parts] == pytest.approx([1.0] * 3, abs=0.12)


def test_neighbours_that_are_alike_are_not_shown_alike():
    """A wandering aim, lag-1 autocorrelation 0.5: at most a quarter is left."""
    random = np.random.default_rng(4)
    for lag1 in (0.0, 0.5):
        values = np.concatenate([shown(told(lagged(random, 270, 2.0, lag1))) for _ in range(30)])
        assert abs(float(np.corrcoef(values[1:], values[:-1])[0, 1])) < 0.125


@given(st.integers(0, 2**31), st.lists(st.booleans(), min_size=300, max_size=300))
def test_what_the_patient_was_not_shown_is_not_shown(seed, seen):
    walk, cued = steady(300, seed), np.array(seen, dtype=float)
    cued[:150] = 1.0
    values = told(walk, cued)
    assert len(shown(values)) and np.isnan(values[:FIRST]).all() and np.isnan(values[cued == 0]).all()
    walk[cued == 0] = 99.0
    assert np.array_equal(values, told(walk, cued), equal_nan=True)


@pytest.mark.parametrize(
    ("away_s", "left_out"),
    [(BREAK_S - 0.1, 0), (BREAK_S + 0.1, AGAIN), (LONG_S - 0.1, AGAIN), (LONG_S + 0.1, FIRST), (900.0, FIRST)],
)
def test_after_a_break_nobody_sees_the_way_back(away_s, left_out):
    """Measured in time: who sits down makes no steps."""
    walk = steady(3 * FIRST)
    times = STRIDE_S * np.arange(len(walk))
    times[2 * FIRST :] += away_s - STRIDE_S
    values = told(walk, times=times)
    assert np.isfinite(values[FIRST : 2 * FIRST]).all()
    assert len(shown(values[2 * FIRST :])) == FIRST - left_out and np.isfinite(values[2 * FIRST + left_out :]).all()


@pytest.mark.parametrize(("away_s", "forgotten"), [(13.0, 1.5), (48.0, 3.0), (300.0, 10.0)])
def test_what_was_forgotten_in_a_break_leaves_no_trace(away_s, forgotten):
    walk = steady(4 * FIRST)
    times = STRIDE_S * np.arange(len(walk))
    times[2 * FIRST :] += away_s
    back = np.zeros(len(walk))
    back[2 * FIRST :] = forgotten * 0.9 ** np.arange(2 * FIRST)
    assert np.nanmax(np.abs(told(walk, times=times) - told(walk + back, times=times))) < 0.25


def test_a_break_while_the_first_steps_are_left_out_is_left_out_too():
    for before in range(FIRST - LEAST - 2, FIRST + 1):
        walk = steady(4 * FIRST)
        times = STRIDE_S * np.arange(len(walk))
        times[before:] += 10.0
        walk[before : before + AGAIN] += 8.0
        values = told(walk, times=times)
        assert np.isnan(values[before : before + AGAIN]).all() and len(shown(values)) >= 3 * FIRST - AGAIN - LEAST
        assert np.abs(shown(values)).max() < 4.5


def test_another_target_begins_anew():
    evened = Evened()
    first = [evened.of_step(TARGET + o, TARGET, STRIDE_S * n, cued=True) for n, o in enumerate(steady(FIRST + 5))]
    other = [evened.of_step(o - 8.0, -8.0, 120.0 + STRIDE_S * n, cued=True) for n, o in enumerate(steady(FIRST + 5))]
    assert [np.isfinite(v).sum() for v in (first, other)] == [5, 5]


def test_a_step_that_could_not_be_measured_is_left_out_alone():
    walk = steady(FIRST + 20)
    walk[FIRST + 5] = np.nan
    assert np.flatnonzero(np.isnan(told(walk))).tolist() == [*range(FIRST), FIRST + 5]


def test_a_walk_without_any_spread_is_no_division_by_zero():
    assert shown(told(np.full(FIRST + 5, 1.5))).tolist() == [0.0] * 5


def test_the_shipped_fading_leaves_less_and_less():
    """How much of two blocks of ten minutes is shown; said in docs/window.md."""
    fading = load_protocol("training_fpa").fading
    assert fading is not None
    times = STRIDE_S * np.arange(int(600 / STRIDE_S))
    minutes = []
    for percent in fading.percent:
        cued = (times % fading.cycle_s) < fading.cycle_s * percent / 100
        values = told(steady(len(times)), cued.astype(float), times)
        minutes.append(round(float(len(shown(values)) * STRIDE_S / 60), 1))
    assert minutes == pytest.approx([8.2, 3.2, 1.5, 0.0, 0.0, 0.0], abs=0.15)


# --- the two arms as they are published: SCIENCE.md section 8 ---


def lagged(random: np.random.Generator, count: int, sd: float, lag1: float = 0.23) -> Array:
    out = random.normal(0.0, sd, count)
    for n in range(1, count):
        out[n] = lag1 * out[n - 1] + np.sqrt(1 - lag1**2) * out[n]
    return out


def sham(random: np.random.Generator) -> Array:
    """Walks as always."""
    return lagged(random, 270, 1.65)


def active(random: np.random.Generator) -> Array:
    """Comes in from 5 or 10 deg within some ten steps, stops 0.75 deg short, scatters by 2.2 deg as the aim wanders."""
    change = random.choice([-10.0, -5.0, 5.0, 10.0])
    approach = change * 0.9 ** np.arange(270)
    return lagged(random, 270, 1.65) + lagged(random, 270, 1.45, 0.5) + np.sign(change) * 0.75 + approach


LOOKS: dict[str, Callable[[Array], float]] = {
    "size": lambda v: float(np.abs(v).mean()),
    "spread": lambda v: float(v.std()),
    "far": lambda v: float((np.abs(v) > 2.0).mean()),
    "first": lambda v: abs(float(v[:10].mean())),
    "neighbours": lambda v: float(np.corrcoef(v[1:], v[:-1])[0, 1]),
    "second neighbours": lambda v: float(np.corrcoef(v[2:], v[:-2])[0, 1]),
    "slow": lambda v: float(v[: len(v) // 10 * 10].reshape(-1, 10).mean(axis=1).std()),
}


def told_apart(one: list[Array], other: list[Array], look: Callable[[Array], float]) -> float:
    """How often a guess between one of each is right: 0.5 is chance."""
    a, b = (np.array([look(v) for v in lot]) for lot in (one, other))
    right = float(((a[:, None] > b) + 0.5 * (a[:, None] == b)).mean())
    return max(right, 1.0 - right)


@pytest.fixture(scope="module")
def visits() -> dict[str, tuple[list[Array], list[Array]]]:
    """250 of each arm: the deviation itself, what is shown of it, and one plot of that."""
    random = np.random.default_rng(8)
    raw = [sham(random) for _ in range(250)], [active(random) for _ in range(250)]
    seen = [shown(told(visit)) for visit in raw[0]], [shown(told(visit)) for visit in raw[1]]
    return {"raw": raw, "shown": seen, "plot": ([v[:60] for v in seen[0]], [v[:60] for v in seen[1]])}


@pytest.mark.parametrize("look", LOOKS)
def test_what_tells_the_arms_apart_is_taken_out(visits, look):
    """By exact numbers, in one plot of 60 steps and in a whole visit: chance, within three of its standard errors."""
    assert told_apart(*visits["raw"], LOOKS[look]) > 0.95, "the deviation itself tells the arm"
    assert told_apart(*visits["shown"], LOOKS[look]) < 0.58
    assert told_apart(*visits["plot"], LOOKS[look]) < 0.58
