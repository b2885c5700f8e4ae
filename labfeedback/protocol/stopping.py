"""When a visit must be held: pain, too few valid steps, the other knee's load, the flexion moment (SCIENCE.md 10)."""

from __future__ import annotations

import statistics
from collections import deque
from typing import Final

import numpy as np

from labfeedback.protocol.baseline import Own, larger_peak
from labfeedback.protocol.document import StopRules
from labfeedback.records import SIDE_NAMES
from labfeedback.variables import value_of

LAST_STEPS: Final = 40
LOAD_STEPS: Final = 20  # a mean of so many has a standard error near 0.06 %BW*Ht


class Loads:
    """Looks at each step; every alarm is told once a block. sides are names."""

    def __init__(self, rules: StopRules, trained: str) -> None:
        self._rules, self._trained = rules, trained
        self._valid: deque[int] = deque(maxlen=LAST_STEPS)
        self._other: deque[float] = deque(maxlen=LOAD_STEPS)
        self._kfm: deque[float] = deque(maxlen=LOAD_STEPS)
        self._told: set[str] = set()

    def begin(self) -> None:
        """A block begins, or goes on after a rule has held it."""
        for kept in (self._valid, self._other, self._kfm):
            kept.clear()
        self._told.clear()

    def step(self, row: np.void, own: Own, trains: bool) -> list[tuple[str, str, bool]]:
        """(rule, sentence, holds) for what this step makes true. trains: the block aims at the trained foot."""
        if row["warm_up"]:
            return []
        rules, found = self._rules, []
        side = SIDE_NAMES[int(row["side"])]
        if side == self._trained:
            self._valid.append(int(row["kam_valid"] and row["fpa_valid"]))
            share = sum(self._valid) / len(self._valid)
            if len(self._valid) == LAST_STEPS and share < rules.valid_share:
                text = f"only {share:.0%} of the last {LAST_STEPS} steps are valid; the reasons stand at the steps"
                found.append(("valid share", text, True))
        if trains:
            found += self._load(side, row, own)
        new = [one for one in found if one[0] not in self._told]
        self._told.update(one[0] for one in new)
        return new

    def _load(self, side: str, row: np.void, own: Own) -> list[tuple[str, str, bool]]:
        rules, holds, means = self._rules, self._rules.load_rules == "hold", own.get(side, {})
        if side == self._trained:
            value = value_of(row, "kfm")
            if value != value or "kfm" not in means:
                return []
            self._kfm.append(value)
            rise = 100.0 * (statistics.fmean(self._kfm) / means["kfm"] - 1.0)
            if len(self._kfm) == LOAD_STEPS and rise > rules.kfm_percent:
                return [("flexion moment", f"the knee flexion moment is {rise:.0f} % above the baseline", holds)]
            return []
        peak = larger_peak(own, side)
        value = value_of(row, peak) if peak else float("nan")
        if value != value:
            return []
        self._other.append(value)
        rise = statistics.fmean(self._other) - means[peak]
        if len(self._other) == LOAD_STEPS and rise > rules.other_knee:
            return [("other knee", f"the {side} knee's load is {rise:.2f} %BW*Ht above its baseline", holds)]
        return []


class Pain:
    """Ratings of the visit, (left, right), 0 to 10 each."""

    def __init__(self, rules: StopRules, ratings: tuple[tuple[int, int], ...] = (), stops: int = 0) -> None:
        self._rules = rules
        self.ratings = list(ratings)
        self.stops = stops

    def rate(self, left: int, right: int) -> str:
        """Add a rating; returns the sentence of the rule that it breaks, or nothing."""
        self.ratings.append((left, right))
        first = self.ratings[0]
        rules = self._rules
        worst, rise = max(left, right), max(left - first[0], right - first[1])
        if worst < rules.pain and rise < rules.pain_rise:
            return ""
        self.stops += 1
        return f"pain is {worst} of 10" if worst >= rules.pain else f"pain has risen by {rise} since the beginning"
