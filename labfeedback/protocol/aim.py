"""What the patient is being shown right now, and what a step is judged by: one block's feedback, or none."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from labfeedback.protocol.training import WARM_UP_STEPS
from labfeedback.records import SIDES, CueState
from labfeedback.variables import FEEDBACK_VARIABLES, value_of

NUMBERS: Final = {name: number for number, name in enumerate(FEEDBACK_VARIABLES)}
GOOD_SIDES: Final = {"within": 0, "below": -1, "above": 1}


@dataclass(slots=True)
class Aim:
    """Times are data time, s.

    variable: of labfeedback.variables. sides: of the feet that get cues. targets: by side, in the variable's unit;
    empty: nothing is judged. idle: what is said of steps that are not judged. since_s: steps that began earlier are
    another block's. on_s, off_s: phases of feedback in the block's own time. catch: numbers 0..1, one for each round
    of `catch_of` steps.
    """

    sides: tuple[int, ...]
    variable: str = "fpa"
    targets: dict[int, float] = field(default_factory=dict)
    band: float = math.nan
    good_side: int = 0
    idle: CueState = CueState.NATURAL
    since_s: float = -math.inf
    on_s: float = 1.0
    off_s: float = 0.0
    catch_of: int = 0
    catch: tuple[float, ...] = ()
    good: int = 0
    scored: int = 0
    clock_from_s: float = math.nan  # the block's clock runs since then, and stood at `elapsed_s`
    elapsed_s: float = 0.0
    _warm: dict[int, int] = field(default_factory=lambda: dict.fromkeys(SIDES, 0))
    _steps: dict[int, int] = field(default_factory=lambda: dict.fromkeys(SIDES, 0))

    @property
    def number(self) -> int:
        """Of the variable, as CUE rows have it."""
        return NUMBERS[self.variable]

    @property
    def is_angle(self) -> bool:
        """Whether it is known at heel-off already."""
        return self.variable == "fpa"

    def interrupt(self) -> None:
        """Walking stopped or data were lost: the next two steps of each foot are warm-up again."""
        self._warm = dict.fromkeys(SIDES, WARM_UP_STEPS)

    def warming(self, side: int) -> bool:
        """Whether the step under way is warm-up."""
        return self._warm[side] > 0

    def target_of(self, side: int) -> float:
        """NaN: nothing is judged."""
        return self.targets.get(side, math.nan)

    def has_target(self, side: int = 0) -> bool:
        """Whether steps of this foot are judged."""
        return self.target_of(side) == self.target_of(side)

    def shows(self, side: int, contact_s: float) -> bool:
        """Whether the verdict on the step that began at contact_s is shown."""
        if self.on_s <= 0.0 or contact_s < self.since_s:
            return False
        if self.off_s > 0.0:
            running = 0.0 if self.clock_from_s != self.clock_from_s else contact_s - self.clock_from_s
            if (self.elapsed_s + running) % (self.on_s + self.off_s) >= self.on_s:
                return False
        if self.catch_of and self.catch:
            rounds, place = divmod(self._steps[side], self.catch_of)
            if place == int(self.catch[rounds % len(self.catch)] * self.catch_of):
                return False
        return True

    refused = False  # a target that is refused ends the block before there is an aim

    def value(self, row: np.void) -> tuple[float, bool]:
        """The quantity of a finished step, NaN where it is withheld; and whether it may be used."""
        value = value_of(row, self.variable)
        return value, value == value

    def judge(self, side: int, value: float) -> CueState:
        """Inside the band (its edges count as good), or to which side outside. 'out' is more: toe-out, higher."""
        deviation = value - self.target_of(side)
        if abs(deviation) <= self.band or deviation * self.good_side > 0:
            return CueState.GOOD
        return CueState.TOO_FAR_OUT if deviation > 0 else CueState.TOO_FAR_IN

    def finished(self, row: np.void, contact_s: float, valid: bool) -> str:  # noqa: ARG002 - the same as Course's
        """A step has ended."""
        side = int(row["side"])
        if self._warm[side] > 0:
            self._warm[side] -= 1
        elif contact_s >= self.since_s:
            self._steps[side] += 1
        return ""
