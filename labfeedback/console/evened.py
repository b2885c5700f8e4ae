"""What a blinded operator may see of a step's deviation from its target: what the steps before it do not predict.

The deviation itself tells the arm, for as long as a visit lasts. Who is asked to change begins outside the band and
comes in from one side; later they stop 0.6 to 0.9 deg short and scatter more (RMSE 2.3 to 3.0 deg) than somebody who
walks as always (SD 1.65 deg; SCIENCE.md section 8), so that side, size and share in the band all differ; and an aim
that wanders makes neighbouring steps more alike. So mean, spread and likeness of neighbours are taken out, as the
steps before have them, and the side. What is left is that a step is measured and shown, and how odd a one it was. The
first steps towards a target are left out, and those after a break, because a mean lags behind an approach.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

FIRST: Final = 100  # steps with feedback towards a target before one is shown
AGAIN: Final = 20  # steps that are left out after a break, and not compared with
BREAK_S: Final = 4.0  # some three strides without a step of feedback; less is a step that could not be measured
LONG_S: Final = 60.0  # a break after which everything begins anew
COMPARED: Final = 40  # with how many steps before
LEAST: Final = 20
LEAST_SD_DEG: Final = 0.1  # no walk is steadier


class Evened:
    """Feed it every step of the trained foot, in order."""

    def __init__(self) -> None:
        self._target = math.nan
        self._before: deque[float] = deque(maxlen=COMPARED)
        self._passed = 0  # steps with feedback since it began anew
        self._left_out = 0  # steps after a break that are still to be left out
        self._last_s = -math.inf

    def of_step(self, angle_deg: float, target_deg: float, end_s: float, *, cued: bool) -> float:
        """How far a deviation is from what the steps before predict, in SD of theirs, 0 or more; NaN: not shown.

        end_s: when the step ended, any clock. cued: the patient was shown this step.
        """
        off = angle_deg - target_deg
        if not cued or off != off:
            return math.nan
        away_s, self._last_s = end_s - self._last_s, end_s
        if target_deg != self._target or away_s > LONG_S:
            self._target, self._passed, self._left_out = target_deg, 0, 0
            self._before.clear()
        elif away_s > BREAK_S:
            self._left_out = AGAIN
        self._passed += 1
        if self._left_out:
            self._left_out -= 1
            return math.nan
        if self._passed <= FIRST - LEAST:
            return math.nan
        before = np.array(self._before)
        self._before.append(off)
        if len(before) < LEAST:
            return math.nan
        return abs(_unforeseen(off, before))


def _unforeseen(value: float, before: NDArray[np.float64]) -> float:
    """`value` less its prediction by mean and lag-1 autocorrelation of `before`, in SD of such predictions' errors."""
    mean = before.mean()
    off = before - mean
    alike = float(off[1:] @ off[:-1]) / max(float(off @ off), 1e-9)
    errors = off[1:] - alike * off[:-1]
    return float((value - mean - alike * off[-1]) / max(errors.std(ddof=1), LEAST_SD_DEG))
