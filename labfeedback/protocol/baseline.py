"""The person's own values: means over a block of natural walking."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from labfeedback.records import SIDE_NAMES
from labfeedback.variables import FEEDBACK_VARIABLES, value_of

LEAST_STEPS: Final = 20  # valid ones of a foot, for a mean that a target may be counted from
Own = dict[str, dict[str, float]]  # side name -> variable -> mean


class Gathering:
    """Sums of every variable of every step, by side."""

    def __init__(self) -> None:
        self._values: dict[str, dict[str, list[float]]] = {
            side: {name: [] for name in FEEDBACK_VARIABLES} for side in SIDE_NAMES.values()
        }

    def add(self, row: np.void) -> None:
        """One finished step; what is withheld does not count."""
        values = self._values[SIDE_NAMES[int(row["side"])]]
        for name, kept in values.items():
            value = value_of(row, name)
            if value == value:
                kept.append(value)

    def steps(self, side: str, name: str) -> int:
        """How many valid values there are."""
        return len(self._values[side][name])

    def own(self) -> Own:
        """Means, only of what has at least LEAST_STEPS values."""
        return {
            side: {name: math.fsum(kept) / len(kept) for name, kept in values.items() if len(kept) >= LEAST_STEPS}
            for side, values in self._values.items()
        }


def larger_peak(own: Own, side: str) -> str:
    """'kam1' or 'kam2', by the baseline means of the trained leg; '' where they are not known."""
    means = own.get(side, {})
    if "kam1" not in means or "kam2" not in means:
        return ""
    return "kam1" if means["kam1"] >= means["kam2"] else "kam2"
