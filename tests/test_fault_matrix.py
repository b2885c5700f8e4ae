"""The fault matrix counts right: it is what the goals are judged by."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.fault_matrix import Line, account, run
from devices.walker.faults import Fault
from labfeedback.records import STEP, Flag


def true(side, start, kam1=3.0):
    return SimpleNamespace(
        side=side, start_s=start, end_s=start + 0.7, kam1_pct_bwht=kam1, kam2_pct_bwht=2.0, fpa_deg=5.0
    )


def row(side, start, kam1=3.1, kam2=2.0, fpa=5.0, kam_valid=1, fpa_valid=1, flags=0):
    out = np.zeros(1, STEP)
    out["side"], out["start_s"], out["end_s"], out["known_s"] = side, start, start + 0.7, start + 0.8
    out["kam1_pct_bwht"], out["kam2_pct_bwht"], out["fpa_deg"] = kam1, kam2, fpa
    out["kam_valid"], out["fpa_valid"], out["flags"] = kam_valid, fpa_valid, flags
    return out


def counted(rows, truths, hazard_s=np.inf, side=""):
    steps = np.concatenate(rows) if rows else np.zeros(0, STEP)
    return account(Line("x"), steps, truths, (10.0, 30.0), hazard_s, side)


def test_a_valid_step_counts_with_its_error_and_a_withheld_one_without():
    line = counted(
        [row(1, 12.0), row(-1, 12.5, kam1=9.0, kam_valid=0, flags=int(Flag.CROSSOVER))],
        [true("right", 12.01), true("left", 12.5)],
    )
    assert (line.affected, line.kam_withheld, line.fpa_withheld) == (2, 1, 0)
    assert line.worst("kam1") == pytest.approx(0.1)
    assert line.flags == {"crossover": 1}


def test_a_step_that_is_missing_is_withheld():
    line = counted([], [true("right", 12.0)])
    assert (line.affected, line.kam_withheld, line.fpa_withheld) == (1, 1, 1)


def test_a_valid_step_that_never_happened_is_an_error_without_bound():
    line = counted([row(1, 12.0), row(1, 13.0)], [true("right", 12.0)])
    assert line.worst("kam1") == np.inf
    assert line.misses(Line("none"))
    assert counted([row(1, 12.0), row(1, 13.0, kam_valid=0, fpa_valid=0)], [true("right", 12.0)]).worst("fpa") == 0


def test_what_comes_after_a_hazard_is_withheld():
    line = counted([row(1, 12.0), row(1, 14.0)], [true("right", 12.0), true("right", 14.0)], hazard_s=13.0)
    assert line.kam_withheld == 1


def test_steps_of_the_wrong_foot_do_not_match():
    assert counted([row(-1, 12.0)], [true("right", 12.0)]).kam_withheld == 1


def test_noise_is_taken_off_before_the_goal_is_applied():
    noise = Line("none")
    noise.errors["kam1"] = [0.1]
    line = counted([row(1, 12.0, kam1=3.34)], [true("right", 12.0)])
    assert not line.misses(noise)
    assert counted([row(1, 12.0, kam1=3.36)], [true("right", 12.0)]).misses(noise)


def test_a_foot_across_the_gap_is_withheld_and_sound_steps_are_not():
    sound = run("none", None, 28.0, 1, False)
    crossed = run("crossover", Fault("crossover", 20.0), 28.0, 1, False)
    assert sound.kam_withheld == 0 and sound.affected > 30
    assert crossed.affected > 10 and crossed.kam_withheld == crossed.affected
