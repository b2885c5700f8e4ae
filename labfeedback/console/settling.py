"""What a blinded operator may see of a step's deviation: its size, once the walk has settled on the target.

While a change is learnt the deviation tells the arm: who is asked to change begins outside the band and comes in from
one side, who trains their own walk begins inside. The sign tells it for longer, because people stop 0.6 to 0.9 deg
short of a change (SCIENCE.md section 8); beside a spread of 2 deg that moves the mean size by a tenth of a degree.
"""

from __future__ import annotations

import math
from collections import deque
from statistics import median
from typing import Final

FIRST: Final = 100  # steps with feedback towards a target before anything is shown, about two minutes
AGAIN: Final = 20  # the most that is held back after a stretch without feedback
STRETCH: Final = 3  # steps without feedback; fewer are steps that could not be measured
SETTLED: Final = 20  # steps whose median distance must lie within the band


class Settling:
    """Feed it every step of the trained foot, in order."""

    def __init__(self) -> None:
        self._target = math.nan
        self._recent: deque[float] = deque(maxlen=SETTLED)
        self._hold = FIRST
        self._away = 0
        self._settled = False

    def distance(self, angle_deg: float, target_deg: float, band_deg: float, *, cued: bool) -> float:
        """Size of a step's deviation in deg, never negative; NaN where it may not be shown.

        cued: the patient was shown this step. A new target begins anew; after a stretch without feedback as many steps
        are held back as were not shown, at most `AGAIN`.
        """
        off = abs(angle_deg - target_deg)
        if not cued or off != off:
            self._away += 1
            return math.nan
        if target_deg != self._target:
            self._target, self._hold, self._settled = target_deg, FIRST, False
            self._recent.clear()
        elif self._away > STRETCH:
            self._hold = max(self._hold, min(self._away, AGAIN))
        self._away = 0
        if not self._settled:
            self._settled = len(self._recent) == SETTLED and median(self._recent) <= band_deg
        shown = self._settled and not self._hold
        self._recent.append(off)
        self._hold = max(0, self._hold - 1)
        return off if shown else math.nan
