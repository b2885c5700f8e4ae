"""One foot angle to train: from the person's own baseline to a verdict on each step.

Words in, words out: no signed angle is ever typed or shown, because published signs conflict (SCIENCE.md section 10).
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from labfeedback.records import LEFT, RIGHT, CueState

FURTHEST_DEG = 15.0  # from the person's own angle; beyond it a target is refused
LEAST_BASELINE_STEPS = 10
LONGEST_STRIDE_S = 2.5  # a longer time between two contacts of a foot is no stride
WARM_UP_STEPS = 2  # of the trained foot after a start, pause or stop: recorded, not used


class Training(BaseModel):
    """What the operator asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    side: Literal["left", "right"]
    direction: Literal["toe-in", "toe-out"]
    degrees: float = Field(ge=0.0, le=FURTHEST_DEG)
    reference: Literal["baseline", "absolute"] = "baseline"
    band_deg: float = Field(2.0, gt=0.0, le=10.0)
    baseline_s: float = Field(60.0, ge=5.0, le=600.0)

    @property
    def foot(self) -> int:
        """+1 right, -1 left."""
        return RIGHT if self.side == "right" else LEFT

    @property
    def signed_deg(self) -> float:
        """The asked angle or change, toe-out positive."""
        return self.degrees if self.direction == "toe-out" else -self.degrees


def in_words(angle_deg: float) -> str:
    """'7.2 deg toe-out' or '3.0 deg toe-in'."""
    return f"{abs(angle_deg):.1f} deg {'toe-out' if angle_deg >= 0 else 'toe-in'}"


class Course:
    """The state of one training: baseline, target, counts. All times are data time, s."""

    def __init__(self, training: Training) -> None:
        self.training = training
        self.baseline: list[float] = []
        self.walked_s = 0.0  # strides of the baseline, without pauses
        self._last_start = math.nan
        self.own_deg = math.nan
        self.target_deg = math.nan
        self.refused = False
        self.warm_up = WARM_UP_STEPS
        self.good = 0
        self.scored = 0

    # What `engine.feedback` asks of whatever is being aimed at, see `protocol.aim.Aim`.
    number, is_angle, good_side, idle, since_s = 0, True, 0, CueState.NATURAL, -math.inf

    @property
    def sides(self) -> tuple[int, ...]:
        """The feet that get cues."""
        return (self.training.foot,)

    @property
    def band(self) -> float:
        """deg"""
        return self.training.band_deg

    def target_of(self, _side: int) -> float:
        """deg, toe-out positive; NaN before the baseline is known."""
        return self.target_deg

    def has_target(self, _side: int = 0) -> bool:
        """Whether steps are judged."""
        return self.target_deg == self.target_deg and not self.refused

    def warming(self, _side: int) -> bool:
        """Whether the step under way is warm-up."""
        return self.warm_up > 0

    def shows(self, _side: int, _contact_s: float) -> bool:
        """Every verdict is shown."""
        return True

    def value(self, row: np.void) -> tuple[float, bool]:
        """Angle of a finished step, and whether it may be used."""
        return float(row["fpa_deg"]), bool(row["fpa_valid"])

    def finished(self, row: np.void, contact_s: float, valid: bool) -> str:
        """See `add_step`."""
        return self.add_step(contact_s, float(row["fpa_deg"]), valid)

    def interrupt(self) -> None:
        """Walking stopped or data were lost: the next two steps are warm-up again."""
        self.warm_up = WARM_UP_STEPS
        self._last_start = math.nan

    def add_step(self, start_s: float, fpa_deg: float, valid: bool) -> str:
        """A finished step of the trained foot. Returns '' or what it decided: 'target' or 'refused'."""
        if self.warm_up > 0:
            self.warm_up -= 1
            return ""
        if self.has_target() or self.refused:
            return ""
        if start_s - self._last_start < LONGEST_STRIDE_S:
            self.walked_s += start_s - self._last_start
        self._last_start = start_s
        if valid:
            self.baseline.append(fpa_deg)
        if self.walked_s < self.training.baseline_s or len(self.baseline) < LEAST_BASELINE_STEPS:
            return ""
        self.own_deg = math.fsum(self.baseline) / len(self.baseline)
        asked = self.training.signed_deg
        target = self.own_deg + asked if self.training.reference == "baseline" else asked
        # Asked and furthest may be the same number; the sum and difference of floats must not refuse it.
        if abs(target - self.own_deg) > FURTHEST_DEG + 1e-9:
            self.refused = True
            return "refused"
        self.target_deg = target
        return "target"

    def judge(self, _side: int, fpa_deg: float) -> CueState:
        """Inside the band (its edges count as good), or to which side outside."""
        deviation = fpa_deg - self.target_deg
        if abs(deviation) <= self.training.band_deg:
            return CueState.GOOD
        return CueState.TOO_FAR_OUT if deviation > 0 else CueState.TOO_FAR_IN

    def sentence(self) -> str:
        """'left foot: 5 deg toe-in from your own 7.2 deg toe-out (target 2.2 deg toe-out, band 2 deg)'."""
        t = self.training
        if t.reference == "baseline":
            what = f"{t.degrees:g} deg {t.direction} from your own {in_words(self.own_deg)}"
        else:
            what = f"{t.degrees:g} deg {t.direction} (your own is {in_words(self.own_deg)})"
        return f"{t.side} foot: {what}; target {in_words(self.target_deg)}, band {t.band_deg:g} deg"
