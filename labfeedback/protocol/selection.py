"""Choosing the personal target: among the candidates, the largest mean reduction of the larger peak (SCIENCE.md 7).

Every number that decides is in the table, and every rule that excluded a candidate is named. 'no responder' and
'repeat' are ordinary outcomes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from labfeedback.protocol.aiming import change_words, in_unit
from labfeedback.protocol.statistics import Interval, Mean, difference, mean_of
from labfeedback.records import Rows
from labfeedback.variables import value_of

LEAST_STEPS: Final = 40
LEAST_CLOSING: Final = 20
LEAST_REDUCTION: Final = 0.05
ANGLE_OFF_DEG: Final = 2.5
KFM_RISE: Final = 0.10
SPEED_APART_M_S: Final = 0.03
PEAKS: Final = ("kam1", "kam2")
WORDS: Final = {"kam1": "first peak", "kam2": "second peak"}


@dataclass(frozen=True, slots=True)
class Walked:
    """One block: its asked change (deg, toe-out positive) and the trained leg's means."""

    change: float
    fpa: Mean
    kam1: Mean
    kam2: Mean
    kfm: Mean
    speed: Mean
    second_is_peak: float  # share of steps whose second peak is one

    def peak(self, name: str) -> Mean:
        """'kam1' or 'kam2'."""
        return self.kam1 if name == "kam1" else self.kam2


@dataclass(frozen=True, slots=True)
class Candidate:
    """One row of the table. reduction: of the larger peak, positive is less load. excluded: rules, in words."""

    name: str
    walked: Walked
    achieved: float  # mean change of the angle, deg
    reduction: Interval
    other_change: Interval
    kfm_change: float  # share
    excluded: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """verdict: 'target', 'no responder' or 'repeat'. chosen: change in deg, NaN without one. rule: what decided."""

    verdict: str
    chosen: float
    rule: str
    larger_peak: str
    baseline: Walked
    closing: Walked | None
    closing_change: Interval | None
    candidates: tuple[Candidate, ...]

    @property
    def words(self) -> str:
        """'toe-in 5 deg', or the verdict."""
        return change_words(self.chosen) if self.verdict == "target" else self.verdict


def walked(rows: Rows, change: float = 0.0) -> Walked:
    """The trained leg's STEP rows of one block, without warm-up."""
    rows = rows[rows["warm_up"] == 0]
    means = {
        name: mean_of(np.array([value_of(row, name) for row in rows], dtype=np.float64).reshape(-1))
        for name in ("fpa", *PEAKS, "kfm")
    }
    valid = rows[rows["kam_valid"] > 0]
    is_peak = float(valid["kam2_is_peak"].mean()) if len(valid) else math.nan
    speeds = np.asarray(rows["belt_speed_m_s"], dtype=np.float64)
    return Walked(change, means["fpa"], means["kam1"], means["kam2"], means["kfm"], mean_of(speeds), is_peak)


def choose(
    baseline: Walked, candidates: Mapping[str, Walked], closing: Walked | None, missing: Sequence[str] = ()
) -> Verdict:
    """The verdict. `candidates` by the name of their condition, `closing`: natural walking at the end, if it was.

    missing: conditions of the protocol that nobody walked.
    """
    larger = "kam2" if baseline.kam2.mean > baseline.kam1.mean and baseline.second_is_peak >= 0.5 else "kam1"
    table = tuple(_judge(name, one, baseline, larger) for name, one in candidates.items())
    off = difference(closing.peak(larger), baseline.peak(larger)) if closing else None

    def verdict(what: str, rule: str, chosen: float = math.nan) -> Verdict:
        return Verdict(what, chosen, rule, larger, baseline, closing, off, table)

    if not candidates:
        return verdict("repeat", "no condition was walked")
    few = [name for name in PEAKS if baseline.peak(name).count < LEAST_STEPS]
    if few:
        return verdict("repeat", f"the baseline has {baseline.kam1.count} valid steps, {LEAST_STEPS} are needed")
    if closing is None or closing.peak(larger).count < LEAST_CLOSING:
        count = closing.peak(larger).count if closing else 0
        return verdict("repeat", f"the closing block has {count} valid steps, {LEAST_CLOSING} are needed")
    assert off is not None
    speeds = [w.speed.mean for w in (baseline, closing)]
    if not abs(speeds[1] - speeds[0]) <= SPEED_APART_M_S:
        return verdict(
            "repeat",
            f"closing: the belt ran at {speeds[1]:.3f} m/s, in the baseline at {speeds[0]:.3f} (within "
            f"{SPEED_APART_M_S})",
        )
    if not abs(off.mean) <= off.half:
        return verdict(
            "repeat",
            f"closing: the {WORDS[larger]} of natural walking differs from the baseline by {off.mean:+.3f} %BW*Ht "
            f"(95 % within {off.half:.3f}): fatigue or drift",
        )
    unmeasured = [c for c in table if any(rule.startswith(("steps", "speed")) for rule in c.excluded)]
    fit = [c for c in table if not c.excluded]
    if not fit:
        if len(unmeasured) == len(table):
            return verdict("repeat", f"no candidate was measured well enough: {unmeasured[0].excluded[0]}")
        return verdict("no responder", "no candidate passes every rule; each row names what excluded it")
    best = max(fit, key=lambda c: c.reduction.mean)
    tied = [c for c in fit if _tied(best, c, larger)]
    chosen = min(tied, key=lambda c: (abs(c.walked.change), -c.reduction.mean))
    rule = f"largest reduction of the {WORDS[larger]}"
    if chosen is not best:
        rule = f"tie with {change_words(best.walked.change)} within one confidence interval: the smaller change"
    if missing:
        rule += f"; not walked: {', '.join(missing)}"
    return verdict("target", rule, chosen.walked.change)


def _tied(best: Candidate, other: Candidate, larger: str) -> bool:
    if other is best:
        return True
    apart = difference(other.walked.peak(larger), best.walked.peak(larger))
    return apart.mean <= apart.half


def _judge(name: str, one: Walked, baseline: Walked, larger: str) -> Candidate:
    other = "kam2" if larger == "kam1" else "kam1"
    reduction = difference(baseline.peak(larger), one.peak(larger))
    other_change = difference(one.peak(other), baseline.peak(other))
    achieved = one.fpa.mean - baseline.fpa.mean
    kfm_change = one.kfm.mean / baseline.kfm.mean - 1.0 if baseline.kfm.mean else math.nan
    excluded = []
    count = min(one.kam1.count, one.fpa.count)
    if count < LEAST_STEPS:
        excluded.append(f"steps: {count} valid, {LEAST_STEPS} are needed")
    own = baseline.speed.mean  # a load that falls because the belt is slower is no reduction
    if not abs(one.speed.mean - own) <= SPEED_APART_M_S:
        excluded.append(
            f"speed: {one.speed.mean:.3f} m/s, the baseline was walked at {own:.3f} (within {SPEED_APART_M_S})"
        )
    if not abs(achieved - one.change) <= ANGLE_OFF_DEG:
        got = in_unit(achieved, "fpa")
        excluded.append(f"angle: {got} from the own one, asked {change_words(one.change)} (within {ANGLE_OFF_DEG} deg)")
    least = LEAST_REDUCTION * baseline.peak(larger).mean
    if not reduction.mean >= least:
        excluded.append(f"reduction: {reduction.mean:.3f} %BW*Ht, at least {least:.3f} (5 %) is needed")
    elif not reduction.low > 0:
        excluded.append(f"reduction: its lower 95 % bound {reduction.low:.3f} is not above zero")
    if not one.peak(other).mean < baseline.peak(larger).mean:
        excluded.append(
            f"other peak: {one.peak(other).mean:.3f} is not below the baseline's larger peak "
            f"{baseline.peak(larger).mean:.3f}"
        )
    if not kfm_change <= KFM_RISE:
        excluded.append(f"flexion moment: {100 * kfm_change:+.0f} %, at most +10 % is allowed")
    return Candidate(name, one, achieved, reduction, other_change, kfm_change, tuple(excluded))


def as_table(verdict: Verdict) -> dict[str, Any]:
    """Plain values for JSON; NaN becomes None. Angles are changes in deg, toe-out positive; moments in %BW*Ht."""
    chosen = verdict.verdict == "target"
    out = {
        "verdict": verdict.verdict,
        "chosen_change": change_words(verdict.chosen) if chosen else None,
        "chosen_change_deg": verdict.chosen if chosen else None,
        "deciding_rule": verdict.rule,
        "larger_peak": verdict.larger_peak,
        "units": {"angles": "deg, toe-out positive", "moments": "%BW*Ht", "speed": "m/s", "intervals": "95 %"},
        "baseline": _block(verdict.baseline),
        "closing": _block(verdict.closing) if verdict.closing else None,
        "closing_change": _interval(verdict.closing_change),
        "candidates": [
            {
                "condition": c.name,
                "change": change_words(c.walked.change),
                "change_deg": c.walked.change,
                "achieved_change_deg": c.achieved,
                "reduction": _interval(c.reduction),
                "reduction_pct": 100.0 * c.reduction.mean / verdict.baseline.peak(verdict.larger_peak).mean,
                "other_peak_change": _interval(c.other_change),
                "kfm_change_pct": 100.0 * c.kfm_change,
                "excluded_by": list(c.excluded),
                **_block(c.walked),
            }
            for c in verdict.candidates
        ],
    }
    plain: dict[str, Any] = _plain(out)
    return plain


def _block(one: Walked) -> dict[str, Any]:
    means = {name: getattr(one, name) for name in ("fpa", "kam1", "kam2", "kfm", "speed")}
    return {name: {**asdict(m), "low": m.low, "high": m.high} for name, m in means.items()}


def _interval(one: Interval | None) -> dict[str, float] | None:
    return {"mean": one.mean, "low": one.low, "high": one.high} if one else None


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 6)
    return value
