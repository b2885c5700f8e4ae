"""The angle of every step: natural variation, and learning from cues (SCIENCE.md sections 8 and 9).

A cue acts from that foot's next-but-one step on. It is judged by data time alone, so that a walk at real time and one
as fast as the machine can go are the same walk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

LAG1: Final = 0.23
SD_DEG: Final = 1.65
# Aiming at a target is unsteady at first; the spread shrinks with practice. Chosen so that an hour's training meets
# the published learning: RMSE 3.0 falling to 2.3 deg over four blocks of 5 min, undershoot 0.6-0.9 deg.
_AIM_SD_DEG: Final = (2.5, 1.1)
_AIM_LAG1: Final = 0.5
_PRACTICE_STEPS: Final = 500.0
GAIN: Final = 0.15
_UNDERSHOOT_DEG: Final = 1.6  # ends as 0.7, because no one corrects inside the band
_FORGET_STEPS: Final = 150.0  # without cues the aim drifts back to the natural angle
_RETURN: Final = 0.25
_MEMORY_STEPS: Final = 3


@dataclass(frozen=True, slots=True)
class Cue:
    """What the walker saw. deviation_deg is angle minus target: positive is too far out; None is no angle."""

    time_s: float
    side: int
    deviation_deg: float | None
    state: str = ""


@dataclass(slots=True)
class FootSteps:
    """The steps of one foot, decided one after the other."""

    seed: int
    side: int
    natural_deg: float
    sd_deg: float
    aim_deg: float
    gain: float = GAIN  # share of what a cue says that the next aim takes up
    deviation_deg: float = 0.0  # of the natural process
    wander_deg: float = 0.0  # of the aim, while training
    practised: int = 0
    habit_deg: float = 0.0  # change that earlier visits have taught
    since_cue: int = 1_000_000

    def decide(self, step: int, cues: list[Cue]) -> float:
        """FPA in deg of `step`, after the cues (in time order) that it may react to."""
        draw = np.random.default_rng([self.seed, 11, self.side + 1, step + 10]).standard_normal(2)
        self.since_cue += 1
        for cue in cues:
            self._learn(cue)
        if self.since_cue > _MEMORY_STEPS:
            self.aim_deg += (self.natural_deg - self.aim_deg) / _FORGET_STEPS
        if step < 0:
            self.deviation_deg = self.sd_deg * float(draw[0])
        else:
            self.deviation_deg = LAG1 * self.deviation_deg + self.sd_deg * float(np.sqrt(1 - LAG1**2) * draw[0])
        if self.since_cue <= _MEMORY_STEPS and self.sd_deg > 0:
            early, late = _AIM_SD_DEG
            sd = late + (early - late) * float(np.exp(-self.practised / _PRACTICE_STEPS))
            self.wander_deg = _AIM_LAG1 * self.wander_deg + sd * float(np.sqrt(1 - _AIM_LAG1**2) * draw[1])
        else:
            self.wander_deg *= _AIM_LAG1
        return self.aim_deg + self.deviation_deg + self.wander_deg

    def _learn(self, cue: Cue) -> None:
        if cue.state == "ON_YOUR_OWN":  # what earlier visits have left
            if self.habit_deg:
                self.aim_deg += _RETURN * (self.natural_deg + self.habit_deg - self.aim_deg)
            return
        if cue.state == "NATURAL":  # told to walk as always: old habits are back within some ten steps
            self.aim_deg += _RETURN * (self.natural_deg - self.aim_deg)
            return
        self.since_cue = 0
        self.practised += 1
        if cue.deviation_deg is None or not np.isfinite(cue.deviation_deg) or cue.state == "GOOD":
            return
        # People stop short of the target, on the side they come from.
        target = self.aim_deg - cue.deviation_deg
        short = _UNDERSHOOT_DEG * float(np.sign(self.natural_deg - target))
        self.aim_deg -= self.gain * (cue.deviation_deg - short)


def personal_slopes(seed: int, slope: float | tuple[float, float] | None) -> tuple[float, float]:
    """%BW*Ht per degree of toe-out for the first and the second peak; drawn once a person unless given."""
    draw = np.random.default_rng([seed, 12]).standard_normal(2)
    if isinstance(slope, tuple):
        return slope
    first = 0.021 + 0.030 * float(draw[0]) if slope is None else float(slope)
    return first, -0.5 * first + 0.010 * float(draw[1])
