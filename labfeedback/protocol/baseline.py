"""The person's own values: means over a block of natural walking."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from labfeedback.records import SIDE_NAMES
from labfeedback.variables import FEEDBACK_VARIABLES, value_of

LEAST_STEPS: Final = 20  # valid ones of a foot, for a mean that a target may be counted from
SECOND: Final = "kam2_is_peak"
Own = dict[str, dict[str, float]]  # side name -> variable -> mean


class Gathering:
    """Sums of every variable of every step, by side."""

    def __init__(self) -> None:
        self._values: dict[str, dict[str, list[float]]] = {
            side: {name: [] for name in FEEDBACK_VARIABLES} for side in SIDE_NAMES.values()
        }
        # Whether the second peak is one; a flank at the border may not decide which is the larger (SCIENCE.md 6).
        self._second: dict[str, list[int]] = {side: [] for side in SIDE_NAMES.values()}

    def add(self, row: np.void) -> None:
        """One finished step; what is withheld does not count."""
        side = SIDE_NAMES[int(row["side"])]
        values = self._values[side]
        if row["kam_valid"] and not row["warm_up"]:
            self._second[side].append(int(row["kam2_is_peak"]))
        for name, kept in values.items():
            value = value_of(row, name)
            if value == value:
                kept.append(value)

    def steps(self, side: str, name: str) -> int:
        """How many valid values there are."""
        return len(self._values[side][name])

    def own(self) -> Own:
        """Means, only of what has at least LEAST_STEPS values; and under SECOND the share of true second peaks."""
        out: Own = {
            side: {name: math.fsum(kept) / len(kept) for name, kept in values.items() if len(kept) >= LEAST_STEPS}
            for side, values in self._values.items()
        }
        for side, peaks in self._second.items():
            if peaks:
                out[side][SECOND] = sum(peaks) / len(peaks)
        return out


class Settled(NamedTuple):
    """A block of natural walking, judged. lacking: why it must be walked again; empty: it stands."""

    own: Own
    lacking: str
    unwatched: str  # what no rule can watch for want of steps, as a sentence; empty: nothing


def settle(gathering: Gathering, side: str) -> Settled:
    """The own values, for a visit that trains the leg `side`."""
    own = gathering.own()
    missing = [name for name in ("fpa", "kam1", "kam2") if name not in own[side]]
    if missing:
        count = gathering.steps(side, missing[0])
        return Settled(own, f"the baseline has {count} valid steps of the {side} foot, {LEAST_STEPS} are needed", "")
    other = "left" if side == "right" else "right"
    unwatched = [] if larger_peak(own, other) else [f"the {other} knee's load"]
    unwatched += [] if "kfm" in own[side] else ["the flexion moment"]
    words = f"{' and '.join(unwatched)} cannot be watched: too few valid steps in the baseline" if unwatched else ""
    return Settled(own, "", words)


def larger_peak(own: Own, side: str) -> str:
    """'kam1' or 'kam2', by the baseline means of the trained leg; '' where they are not known."""
    means = own.get(side, {})
    if "kam1" not in means or "kam2" not in means:
        return ""
    return "kam2" if means["kam2"] > means["kam1"] and means.get(SECOND, 1.0) >= 0.5 else "kam1"
