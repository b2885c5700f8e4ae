"""What a block aims at, in words: 'toe-in 5 deg', '20 % lower', '0.03 m wider', 'absolute 0 %', 'natural', 'selected'.

No sign is ever typed, because published signs conflict (SCIENCE.md section 10): a change carries the word for its
direction, the variable's own ('toe-in', 'wider', 'longer' ...) or 'higher' and 'lower'.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final, Literal

from labfeedback.errors import BadSetup
from labfeedback.protocol.training import FURTHEST_DEG
from labfeedback.variables import FEEDBACK_VARIABLES, Variable

KAM: Final = "kam"  # the larger of the two baseline peaks, decided once
ANGLE: Final = "fpa"
MOST_PERCENT: Final = 50.0
# How far from the own value a change may go, in the variable's unit; a typing error must not become a target.
FURTHEST: Final = {"fpa": FURTHEST_DEG, "step_width": 0.15, "step_length": 0.25, "stride_length": 0.5, "cadence": 30.0,
                   "pelvis_drop": 10.0, "trunk_lean": 15.0, "knee_alignment": 10.0, "shank_lean": 10.0,
                   "weight_distribution": 50.0, "stance_symmetry": 50.0, "kam": 2.0, "kam1": 2.0, "kam2": 2.0,
                   "kam_impulse": 1.0, "kfm": 2.0, "stance_time": 0.3, "double_support": 0.2}  # fmt: skip
SIGNED: Final = frozenset({"pelvis_drop", "trunk_lean", "knee_alignment", "shank_lean"})
_PLAIN: Final = frozenset({"natural", "selected", "condition"})
_NUMBER: Final = r"(?P<amount>\d+(?:\.\d+)?)"
_TOES: Final = re.compile(rf"(?P<absolute>absolute )?(?P<word>toe-in|toe-out) {_NUMBER} deg")
_ABSOLUTE: Final = re.compile(rf"absolute {_NUMBER} (?P<unit>\S+)")
_CHANGE: Final = re.compile(rf"{_NUMBER} (?P<unit>\S+) (?P<word>[a-z -]+)")


@dataclass(frozen=True, slots=True)
class Target:
    """kind 'natural': the person's own. 'change', 'percent': from the own value, + is more (toe-out, higher).
    'absolute': the value itself. 'selected' and 'condition' are filled in before the visit begins.
    """

    kind: Literal["natural", "selected", "condition", "change", "percent", "absolute"]
    amount: float = 0.0

    @property
    def needs_baseline(self) -> bool:
        """Whether it is counted from the person's own value."""
        return self.kind != "absolute"

    def value(self, own: float) -> float:
        """The target in the variable's unit, from the own value."""
        if self.kind == "absolute":
            return self.amount
        if self.kind == "percent":
            return own * (1.0 + self.amount / 100.0) if own > 0.0 else math.nan
        return own + self.amount


def variable_for(name: str) -> Variable:
    """The variable; 'kam' stands for its first peak until the larger one is known. KeyError when there is none."""
    return FEEDBACK_VARIABLES["kam1" if name == KAM else name]


def directions(variable: Variable) -> dict[str, float]:
    """Words for more (+1) and less (-1) of a variable; its own come first (more drop of a hip is 'lower')."""
    return {"higher": 1.0, "lower": -1.0} | {variable.more: 1.0, variable.less: -1.0}


def parse_target(text: str, name: str) -> Target:
    """The words of a target for the variable `name`. Raises ValueError with a sentence."""
    if text in _PLAIN:
        return Target(text)  # type: ignore[arg-type]  # the set holds nothing but kinds
    variable = variable_for(name)
    if name == ANGLE:
        return _toes(text)
    if match := _ABSOLUTE.fullmatch(text):
        _same_unit(match["unit"], variable)
        return Target("absolute", float(match["amount"]))
    match = _CHANGE.fullmatch(text)
    words = directions(variable)
    if match is None or match["word"] not in words:
        known = ", ".join(sorted(words))
        raise ValueError(
            f"target {text!r} is not understood; expected for example '20 % lower', '2 {variable.unit} {variable.more}'"
            f", 'absolute 2 {variable.unit}', 'natural' or 'selected' (directions here: {known})"
        )
    amount = float(match["amount"])
    sign = words[match["word"]]
    if match["unit"] == "%" and variable.unit != "%":
        if name in SIGNED:
            raise ValueError(
                f"target {text!r}: {name} may be negative, where per cent turn round; say it in {variable.unit}"
            )
        if not 0 < amount <= MOST_PERCENT:
            raise ValueError(f"target {text!r}: expected a change of more than 0 and at most {MOST_PERCENT:g} %")
        return Target("percent", sign * amount)
    _same_unit(match["unit"], variable)
    most = FURTHEST.get(name, math.inf)
    if not 0 < amount <= most:
        raise ValueError(f"target {text!r}: expected a change of more than 0 and at most {most:g} {variable.unit}")
    return Target("change", sign * amount)


def _toes(text: str) -> Target:
    match = _TOES.fullmatch(text)
    if match is None:
        raise ValueError(
            f"target {text!r} is not understood; expected for example 'toe-in 5 deg', 'toe-out 5 deg', 'natural' or "
            "'selected'; angles are given in words, never by sign"
        )
    amount = float(match["amount"])
    if amount > FURTHEST_DEG:
        raise ValueError(f"target {text!r}: more than {FURTHEST_DEG:g} deg from the person's own angle is refused")
    if amount == 0 and not match["absolute"]:
        raise ValueError(f"target {text!r}: a change of nothing is called 'natural'")
    signed = amount if match["word"] == "toe-out" else -amount
    return Target("absolute" if match["absolute"] else "change", signed)


def _same_unit(unit: str, variable: Variable) -> None:
    if unit != variable.unit:
        raise ValueError(f"the unit {unit!r} does not belong to {variable.name}; expected {variable.unit!r}")


def in_unit(value: float, name: str) -> str:
    """A value for people: an angle with its word, everything else with its unit."""
    if value != value:
        return "not measured"
    if name == ANGLE:
        return f"{abs(value):.1f} deg {'toe-out' if value >= 0 else 'toe-in'}"
    unit = variable_for(name).unit
    return f"{value:.3f} {unit}" if unit == "m" else f"{value:.2f} {unit}"


def parse_change(text: str) -> float:
    """A change of the foot angle to train, deg toe-out positive; 0 for 'natural'. Raises BadSetup."""
    try:
        target = parse_target(text, ANGLE)
    except ValueError as error:
        raise BadSetup(str(error)) from None
    if target.kind not in ("change", "natural"):
        raise BadSetup(f"{text!r} is no change to train; expected for example 'toe-in 5 deg', or 'natural'")
    return target.amount


def change_words(change: float) -> str:
    """A change of the foot angle, deg toe-out positive, as `parse_target` reads it: 'toe-in 5 deg' or 'natural'."""
    if change == 0:
        return "natural"
    return f"toe-{'out' if change > 0 else 'in'} {abs(change):g} deg"
