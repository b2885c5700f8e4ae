"""When a foot meets and leaves its plate (SCIENCE.md section 5), one vertical force sample at a time."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from labfeedback.core.kernel import kernel

Array = NDArray[np.float64]

# Columns of the state, one row a foot.
LOADED: Final = 0  # 1 in stance
UP_AT: Final = 1  # last upward crossing of the contact level
RISEN_SINCE: Final = 2  # above the rise level since
FALLEN_SINCE: Final = 3  # below the contact level since, inside stance
CONTACT_AT: Final = 4
LAST_FORCE: Final = 5
LAST_TIME: Final = 6
PULLED_SINCE: Final = 7  # force below -rise level since: a plate whose sign is wrong
STATE: Final = 8

# Columns of what is found.
FOOT: Final = 0  # 0 right, 1 left
KIND: Final = 1  # 0 contact, 1 toe-off, 2 the plate pulls the subject down
START: Final = 2
END: Final = 3
DECIDED: Final = 4  # time of the raw sample that decided it
FOUND: Final = 5

PULL_HOLD_S: Final = 0.2


def new_state() -> Array:
    """(2, STATE) both feet in the air, nothing seen."""
    state = np.full((2, STATE), np.nan)
    state[:, LOADED] = 0.0
    return state


@kernel("i8(f8[::1], f8[:,::1], i8, i8, i8, f8, f8, f8, f8[:,::1], f8[:,::1])")
def find_contacts(
    time: Array,
    vertical: Array,
    first: int,
    stop: int,
    half: int,
    rise: float,
    level: float,
    hold: float,
    state: Array,
    found: Array,
) -> int:
    """Scan vertical[first:stop] (n, 2 feet; N, smoothed) and write what was decided into found; returns how many.

    Contact: through `rise` N and above it for `hold` s, back-dated to the upward crossing of `level`. Toe-off: through
    `level` and below it for `hold` s. Crossings are interpolated. A stance that had begun before the first sample has
    START NaN. `half`: how many later raw samples the smoother saw. found must hold 2 (stop - first) + 2 rows.
    """
    count = 0
    for i in range(first, stop):
        t = time[i]
        for foot in range(2):
            s = state[foot]
            f = vertical[i, foot]
            before = s[LAST_FORCE]
            if before < level and f >= level:
                share = (level - before) / (f - before)
                s[UP_AT] = s[LAST_TIME] + share * (t - s[LAST_TIME])
            if s[LOADED] == 0.0:
                if f >= rise:
                    if s[RISEN_SINCE] != s[RISEN_SINCE]:
                        s[RISEN_SINCE] = t
                    if t - s[RISEN_SINCE] >= hold:
                        s[LOADED] = 1.0
                        s[CONTACT_AT] = s[UP_AT]
                        s[FALLEN_SINCE] = np.nan
                        found[count, FOOT] = foot
                        found[count, KIND] = 0.0
                        found[count, START] = s[CONTACT_AT]
                        found[count, END] = np.nan
                        found[count, DECIDED] = time[i + half]
                        count += 1
                else:
                    s[RISEN_SINCE] = np.nan
            else:
                if f < level:
                    if s[FALLEN_SINCE] != s[FALLEN_SINCE]:
                        share = (before - level) / (before - f)
                        s[FALLEN_SINCE] = s[LAST_TIME] + share * (t - s[LAST_TIME])
                    if t - s[FALLEN_SINCE] >= hold:
                        s[LOADED] = 0.0
                        found[count, FOOT] = foot
                        found[count, KIND] = 1.0
                        found[count, START] = s[CONTACT_AT]
                        found[count, END] = s[FALLEN_SINCE]
                        found[count, DECIDED] = time[i + half]
                        count += 1
                        s[RISEN_SINCE] = np.nan
                        s[UP_AT] = np.nan
                else:
                    s[FALLEN_SINCE] = np.nan
            if f < -4.0 * rise:
                if s[PULLED_SINCE] != s[PULLED_SINCE]:
                    s[PULLED_SINCE] = t
                elif t - s[PULLED_SINCE] >= PULL_HOLD_S:
                    found[count, FOOT] = foot
                    found[count, KIND] = 2.0
                    found[count, START] = s[PULLED_SINCE]
                    found[count, END] = t
                    found[count, DECIDED] = time[i + half]
                    count += 1
                    s[PULLED_SINCE] = np.inf  # said once
            elif s[PULLED_SINCE] != np.inf:
                s[PULLED_SINCE] = np.nan
            s[LAST_FORCE] = f
            s[LAST_TIME] = t
    return count
