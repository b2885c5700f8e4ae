"""What the operator's plots hold: the trained foot's steps, each against what it aimed at; nothing withheld."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labfeedback.console.evened import FIRST, Evened
from labfeedback.console.looks import DARK
from labfeedback.console.plots import DRAWN_HZ, MOST_SD, Plots, Reel
from labfeedback.records import CUE, FRAME, LEFT, RIGHT, STEP, Rows


def step(side: int = LEFT, fpa: float = 6.0, *, end_s: float = 0.0, cued: int = 0, **fields: Any) -> Rows:
    rows: Rows = np.zeros(1, STEP)
    rows["side"], rows["fpa_deg"], rows["end_s"], rows["cued"] = side, fpa, end_s, cued
    rows["fpa_valid"] = rows["kam_valid"] = 1
    rows["kam1_pct_bwht"], rows["kam2_pct_bwht"] = 3.0, 2.0
    for name, value in fields.items():
        rows[name] = value
    return rows


def cue(target: float, side: int = LEFT, *, time_s: float = 0.0, variable: int = 0) -> Rows:
    rows: Rows = np.zeros(1, CUE)
    rows["side"], rows["target"], rows["band"], rows["time_s"], rows["variable"] = side, target, 2.0, time_s, variable
    return rows


def shown(plots: Plots) -> list[float]:
    """The angles as they are drawn, without gaps."""
    plots.draw(1e6)
    values = plots._angles.getData()[1]
    return [] if values is None else [float(v) for v in values if v == v]


@pytest.fixture
def plots(qtbot: Any) -> Plots:
    out = Plots(DARK, LEFT)
    qtbot.addWidget(out)
    return out


@pytest.fixture
def blinded(qtbot: Any) -> Plots:
    out = Plots(DARK, LEFT, blinded=True)
    qtbot.addWidget(out)
    return out


@given(st.lists(st.integers(0, 40), max_size=30), st.integers(1, 25))
def test_a_reel_keeps_the_newest_rows(lots, rows):
    reel, whole = Reel(rows, 1), np.empty((0, 1))
    for lot in lots:
        values = np.arange(len(whole), len(whole) + lot, dtype=float).reshape(-1, 1)
        whole = np.concatenate([whole, values])
        reel.add(values)
        assert reel.newest.tolist() == whole[-rows:].tolist()


def test_only_the_trained_foot_and_no_warm_up_and_nothing_withheld(plots):
    for rows in (step(RIGHT), step(warm_up=1), step(fpa=7.0), step(fpa=8.0, fpa_valid=0), step(fpa=9.0)):
        plots.steps(rows)
    assert shown(plots) == [7.0, 9.0]


def test_a_withheld_moment_is_a_gap(plots):
    plots.steps(step())
    plots.steps(step(kam_valid=0))
    plots.draw(1e6)
    place, values = plots._first.getData()
    assert place.tolist() == [-2.0] and np.isfinite(values).all()  # the place of the last step stays empty


OFF = np.random.default_rng(3).normal(0.0, 2.0, FIRST + 60)  # deviations of a steady walk, deg


def walked(plots: Plots, off: Any, target: float = 2.0, *, from_s: float = 0.0) -> None:
    """Steps that the patient was shown, a second each."""
    plots.cues(cue(target, time_s=from_s))
    for n, one in enumerate(off):
        plots.steps(step(fpa=target + float(one), cued=1, end_s=from_s + n))
        plots.draw(from_s + n)


def test_a_blinded_operator_sees_how_steps_differ_from_those_before(blinded):
    """`console.evened`; of the steps that the patient saw, on axes that never change, without a band."""
    blinded.steps(step(fpa=7.0))  # natural
    walked(blinded, OFF[:FIRST])
    assert blinded._later.isVisible()
    axes = blinded._angle.viewRange()
    walked(blinded, [-30.0, *OFF[FIRST : FIRST + 10]], from_s=FIRST)
    blinded.steps(step(fpa=6.5, end_s=FIRST + 12.0))  # not shown to the patient
    evened, off = Evened(), [*OFF[:FIRST], -30.0, *OFF[FIRST:]]
    told = [evened.of_step(2.0 + o, 2.0, float(n), cued=True) for n, o in enumerate(off)]
    first, *others = shown(blinded)
    assert first == MOST_SD and others == pytest.approx(told[FIRST + 1 : FIRST + 11])
    assert not blinded._later.isVisible() and not blinded._lane.isVisible()
    assert blinded._angle.viewRange() == axes and axes[1] == pytest.approx([-0.2, 4.2])


def test_another_operator_sees_every_step_at_once(plots):
    plots.cues(cue(2.0))
    plots.steps(step(fpa=9.5, cued=1))
    assert shown(plots) == [9.5] and not plots._later.isVisible()


def test_a_target_that_comes_later_tells_nothing_of_natural_steps(blinded):
    for angle in (7.0, 7.5, 6.8):
        blinded.steps(step(fpa=angle))
    blinded.cues(cue(2.0))
    assert shown(blinded) == []


def test_a_blinded_operator_sees_no_moment(blinded):
    blinded.steps(step(cued=1))
    blinded.draw(1e6)
    assert blinded._first.getData()[1] is None and blinded._moment.isHidden() and blinded._peaks.isHidden()


def test_the_last_step_of_a_block_belongs_to_its_own_target(blinded):
    """Its row may come when the next block, with another target, has begun."""
    walked(blinded, OFF[:FIRST])
    blinded.cues(cue(-8.0, time_s=FIRST + 0.5))
    blinded.steps(step(fpa=3.5, cued=1, end_s=FIRST + 0.4))
    assert len(shown(blinded)) == 1
    blinded.steps(step(fpa=-7.0, cued=1, end_s=FIRST + 0.6))
    blinded.draw(2e6)
    assert len(shown(blinded)) == 1


@pytest.mark.parametrize(("hz", "before"), [(100, 50), (300, 300), (300, 301)])
def test_no_line_is_drawn_over_what_nobody_measured(plots, hz, before):
    """Also where there are more rows than points, and whichever of them are left out."""
    time_s = np.concatenate([np.arange(before) / hz, 3.0 + np.arange(hz) / hz])
    rows: Rows = np.zeros(len(time_s), FRAME)
    rows["time_s"] = time_s
    plots.frames(rows[:before])
    plots.frames(rows[before:])
    plots.draw(1.0)
    time, force = plots._force_curves[LEFT].getData()
    gap = int(np.argmax(np.diff(time)))
    assert np.flatnonzero(np.isnan(force)).tolist() == [gap + 1]


def test_what_a_blinded_operator_sees_is_one_picture_for_every_change_and_none(qtbot):
    """Approached from far on either side and short of it, or never left: the same pixels at every step."""

    def pictures(approach: Any, target: float) -> list[Any]:
        plots = Plots(DARK, LEFT, blinded=True)
        qtbot.addWidget(plots)
        plots.resize(600, 300)
        out = []
        for n, off in enumerate(OFF + approach):
            walked(plots, [off], target, from_s=float(n))
            if n % 10 == 0:
                out.append(plots.grab().toImage())
        return out

    natural = pictures(np.zeros(len(OFF)), 7.0)
    assert natural[0] != natural[-1]
    comes_in = np.maximum(0.0, 10.0 - 0.125 * np.arange(len(OFF)))  # there after 80 steps, when comparing begins
    assert pictures(comes_in + 0.75, -3.0) == natural
    assert pictures(-comes_in - 0.75, 17.0) == natural


def test_a_window_opened_again_sees_what_it_would_have_seen(qtbot):
    one, again = Plots(DARK, LEFT, blinded=True), Plots(DARK, LEFT, blinded=True)
    qtbot.addWidget(one)
    qtbot.addWidget(again)
    random = np.random.default_rng(1)
    angles = [2.0 + float(off) for off in random.normal(0.0, 2.0, FIRST + 60)]
    steps = [step(end_s=2.0 + n, fpa=a, cued=int(n % 50 > 2)) for n, a in enumerate(angles)]
    cues = [cue(2.0, time_s=1.0), cue(-1.0, time_s=2.5 + len(steps)), cue(9.0, RIGHT, time_s=3.0 + len(steps))]
    one.cues(cues[0])
    for row in steps:
        one.steps(row)
    for row in cues[1:]:
        one.cues(row)
    again.cues(np.concatenate(cues))
    again.steps(np.concatenate(steps))
    assert shown(again) == shown(one) and len(shown(one)) > 10


def test_another_variable_has_no_lane_of_degrees(plots):
    plots.cues(cue(0.12, variable=4))
    plots.steps(step())
    plots.draw(1e6)
    assert not plots._lane.isVisible()
    plots.cues(cue(2.0))
    plots.draw(2e6)
    assert plots._lane.isVisible() and plots._lane.getRegion() == (0.0, 4.0)


def test_words_stand_where_a_blinded_operator_waits_for_dots(blinded):
    """None during natural walking; which, where feedback is of another variable."""
    blinded.steps(step())
    blinded.draw(1.0)
    assert not blinded._later.isVisible()
    blinded.cues(cue(0.12, variable=4))
    blinded.draw(2.0)
    assert blinded._later.isVisible() and "another variable" in blinded._later.textItem.toPlainText()
    blinded.cues(cue(2.0))
    blinded.draw(3.0)
    assert blinded._later.isVisible() and f"first {FIRST} steps" in blinded._later.textItem.toPlainText()
    blinded.cues(cue(math.nan))
    blinded.draw(4.0)
    assert not blinded._later.isVisible()


def test_the_two_peaks_are_not_exchanged_and_the_lane_is_always_in_sight(plots):
    plots.cues(cue(20.0))
    plots.steps(step(fpa=1.0, kam1_pct_bwht=3.25, kam2_pct_bwht=1.5))
    plots.draw(1e6)
    assert (plots._first.getData()[1].tolist(), plots._second.getData()[1].tolist()) == ([3.25], [1.5])
    low, high = plots._angle.viewRange()[1]
    assert low < 1.0 and high > 22.0


def test_cues_without_a_target_change_nothing(plots):
    """One comes with every natural step, each with a NaN of its own."""
    for n in range(50):
        plots.cues(cue(float("nan"), time_s=float(n)))
    assert len(plots._targets) <= 1
    plots.draw(1.0)
    plots.cues(cue(float("nan"), time_s=60.0))
    assert not plots._new_steps


def test_nothing_is_cut_off(plots):
    rng = np.random.default_rng(1)
    for number, angle in enumerate(rng.normal(5, 4, 80)):
        plots.steps(step(fpa=float(angle)))
        plots.draw(float(number + 1))
        low, high = plots._angle.viewRange()[1]
        values = [v for v in plots._angles.getData()[1] if v == v]
        assert low < min(values) and max(values) < high


def test_it_draws_no_oftener_than_it_should(plots):
    drawn: list[float] = []
    plots._draw_frames = lambda: drawn.append(1.0)  # type: ignore[method-assign]
    rows: Rows = np.zeros(5, FRAME)
    for tick in range(200):  # ten seconds of the window's ticks
        rows["time_s"] = tick * 0.05 + np.arange(5) / 100
        plots.frames(rows)
        plots.draw(tick * 0.05)
    assert len(drawn) <= 10 * DRAWN_HZ + 1


def test_forces_are_drawn_with_the_newest_at_zero(plots):
    rows: Rows = np.zeros(300, FRAME)
    rows["time_s"] = 100 + np.arange(300) / 100
    rows["left_fz_n"] = np.arange(300)
    rows["right_fz_n"] = math.nan
    plots.frames(rows)
    plots.draw(1.0)
    time, force = plots._force_curves[LEFT].getData()
    assert time[-1] == 0.0 and force[-1] == 299.0 and time[0] >= -5.0


def test_what_stands_still_does_not_look_live(plots):
    rows: Rows = np.zeros(100, FRAME)
    rows["time_s"] = np.arange(100) / 100
    plots.frames(rows)
    plots.draw(1.0)
    plots.draw(1.3)
    assert plots._force_curves[LEFT].getData()[0] is not None
    plots.draw(1.6)
    kept = plots._force_curves[LEFT].getData()[0]
    assert kept is None or len(kept) == 0
