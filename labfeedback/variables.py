"""What can be fed back: every per-step quantity by name, with its unit, its words and when it may be used.

A feedback variable is one number per step (SCIENCE.md section 1). `value_of` is the only way to read one for a patient:
it gives NaN for what is withheld, so that nothing withheld can be shown by mistake.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from labfeedback.errors import BadSetup
from labfeedback.records import STEP


@dataclass(frozen=True, slots=True)
class Variable:
    """One quantity of a step.

    column: of STEP. needs: which validity of the row it takes ('moment' kam_valid, 'angle' fpa_valid, 'itself': the
    column is NaN where it is withheld). more, less: in people's words, what a larger and a smaller value is.
    """

    name: str
    label: str
    unit: str
    column: str
    needs: Literal["moment", "angle", "itself"]
    more: str
    less: str


_ALL: Final = (
    Variable("fpa", "foot angle", "deg", "fpa_deg", "angle", "toe-out", "toe-in"),
    Variable("kam1", "first knee load peak", "%BW*Ht", "kam1_pct_bwht", "moment", "higher", "lower"),
    Variable("kam2", "second knee load peak", "%BW*Ht", "kam2_pct_bwht", "moment", "higher", "lower"),
    Variable("kam_impulse", "knee load over the step", "%BW*Ht*s", "kam_impulse_pct_bwht_s", "moment",
             "higher", "lower"),
    Variable("kfm", "knee flexion moment peak", "%BW*Ht", "kfm_pct_bwht", "moment", "higher", "lower"),
    Variable("step_width", "step width", "m", "step_width_m", "itself", "wider", "narrower"),
    Variable("step_length", "step length", "m", "step_length_m", "itself", "longer", "shorter"),
    Variable("stride_length", "stride length", "m", "stride_length_m", "itself", "longer", "shorter"),
    Variable("cadence", "cadence", "steps/min", "cadence_per_min", "itself", "quicker", "slower"),
    Variable("stance_time", "stance time", "s", "stance_s", "itself", "longer", "shorter"),
    Variable("double_support", "double support time", "s", "double_support_s", "itself", "longer", "shorter"),
    Variable("stance_symmetry", "stance time, this leg against the other", "%", "stance_symmetry_pct", "itself",
             "longer on this leg", "shorter on this leg"),
    Variable("weight_distribution", "load, this leg against the other", "%", "impulse_symmetry_pct", "itself",
             "more load on this leg", "less load on this leg"),
    Variable("pelvis_drop", "drop of the other hip", "deg", "pelvis_drop_deg", "itself", "lower", "higher"),
    Variable("trunk_lean", "trunk lean", "deg", "trunk_lean_deg", "itself", "over this leg", "away from this leg"),
    Variable("knee_alignment", "knee alignment", "deg", "knee_varus_deg", "itself", "more bow-legged",
             "more knock-kneed"),
    Variable("shank_lean", "shank lean", "deg", "shank_lean_deg", "itself", "knee further out", "knee further in"),
)  # fmt: skip
FEEDBACK_VARIABLES: Final = {variable.name: variable for variable in _ALL}


def variable(name: str) -> Variable:
    """By name. Raises BadSetup that lists all names."""
    found = FEEDBACK_VARIABLES.get(name)
    if found is None:
        raise BadSetup(f"no feedback variable is called {name!r}; there are {', '.join(FEEDBACK_VARIABLES)}")
    return found


def value_of(row: np.void, name: str) -> float:
    """The quantity `name` of one STEP row; NaN when it is withheld or the step is warm-up. Raises BadSetup."""
    found = variable(name)
    assert row.dtype == STEP
    if row["warm_up"]:
        return float("nan")
    valid = {"moment": row["kam_valid"], "angle": row["fpa_valid"], "itself": True}[found.needs]
    return float(row[found.column]) if valid else float("nan")
