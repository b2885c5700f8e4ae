"""From stamps to the times at which samples were taken: a robust monotone fit of sample number against time.

A sample that was stamped on arrival is late, never early, by a delay that changes from sample to sample; the samples
themselves were taken at a steady pace. So the fit follows the earliest stamps: a straight line through the lower edge
of stamp against number, tracked by a second-order loop (time and period), causal and one sample at a time, so that it
does not depend on chunks. Stamps that are exact come out as they are.

- A stamp before the line is decisive: the line is late and moves to it.
- A stamp after the line is delay, or the sign of lost samples: if all of the last 0.15 s are late by most of a period,
  samples were lost, and their number is counted on. Where stamps have hardly any jitter, one late stamp tells.
  One late stamp among jittering ones says nothing yet: a burst that was kept waiting looks the same.
- After a silence the next stamp is believed, until an earlier one shows that it, too, had been kept waiting.
- Where the source numbers its samples, the numbers are believed.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labfeedback.core.kernel import kernel

Array = NDArray[np.float64]

# State.
LINE: Final = 0  # fitted time of the last sample, s; NaN before the first
PERIOD: Final = 1  # fitted
NUMBER: Final = 2  # the source's number of the last sample, NaN where it has none
FILLED: Final = 3  # entries of the window
NEXT: Final = 4  # where the next one goes
AWAY: Final = 5  # mean of |lower edge - line|, s: how well the line is known
DELAY: Final = 6  # mean of stamp - lower edge, s
NOMINAL: Final = 7
STATE: Final = 8

WINDOW_S: Final = 0.15
LEAST_WINDOW: Final = 12
SILENCE_S: Final = 0.1  # no delay is that long: samples are missing
QUIET: Final = 0.25  # of a period: jitter below which one late stamp tells of a loss
LATE: Final = 0.75  # of a period, or of the usual delay
HARMLESS_S: Final = 0.002  # a move of the line that changes KAM by less than 0.001 %BW*Ht
SETTLES_S: Final = 1.0  # time constant of the loop
REMEMBERS_S: Final = 2.0  # of AWAY and DELAY
PPM: Final = 0.002  # the period may leave its nominal value by this share


def window_size(rate_hz: float) -> int:
    """Samples whose delays are looked at together."""
    return max(LEAST_WINDOW, round(WINDOW_S * rate_hz))


def new_state(rate_hz: float) -> Array:
    """(STATE,) nothing seen."""
    state = np.zeros(STATE)
    state[LINE] = state[NUMBER] = np.nan
    state[PERIOD] = state[NOMINAL] = 1.0 / rate_hz
    return state


@kernel("void(f8[::1], f8[::1], f8)")
def shift_line(state: Array, window: Array, by: float) -> None:
    """Move the line by `by` s; the delays in the window are then against the new one."""
    state[LINE] += by
    for j in range(int(state[FILLED])):
        window[j] -= by


@kernel("void(f8[::1], f8[::1], f8[::1], f8[::1], f8[::1], f8[::1], f8[::1])")
def fit_times(
    stamp: Array, steps: Array, number: Array, state: Array, window: Array, broken: Array, sync: Array
) -> None:
    """stamp (n,) s, rising -> fitted times, in place, rising.

    steps: (n,) 1, and one more for each sample before that was left out. number: (n,) of the source's own count, NaN
    where it has none. state: (STATE,), window: (window_size,) delays; both updated. broken: (n,) set to 1 where the
    line moved by most of a period and over 2 ms: what lies around is not to be trusted.
    sync: (n,) how well each time is known, s, one standard deviation.
    """
    size = len(window)
    for i in range(len(stamp)):
        s = stamp[i]
        if state[LINE] != state[LINE]:
            state[LINE] = s
            state[NUMBER] = number[i]
            state[FILLED] = 0.0
            state[NEXT] = 0.0
            state[PERIOD] = state[NOMINAL]
            window[0] = 0.0
            state[FILLED] = 1.0
            state[NEXT] = 1.0 % size
            sync[i] = 0.0
            continue
        last, period = state[LINE], state[PERIOD]
        on = steps[i]
        counted = False
        if number[i] == number[i] and state[NUMBER] == state[NUMBER] and number[i] > state[NUMBER]:
            on = number[i] - state[NUMBER]
            counted = True
        state[NUMBER] = number[i]
        state[LINE] = last + on * period
        late = s - state[LINE]
        filled = int(state[FILLED])
        low = math.inf
        high = -math.inf
        for j in range(filled):
            low = min(low, window[j])
            high = max(high, window[j])
        quiet = filled >= LEAST_WINDOW and high - low < QUIET * period
        lost = math.floor(late / period + 0.5)
        if not counted and lost >= 1.0:
            whole = abs(late - lost * period) < QUIET * period
            if (quiet and whole) or late - max(high, 0.0) > SILENCE_S:
                shift_line(state, window, lost * period)
                # The delays before belong to the line before; against the new one they are what they were.
                for j in range(filled):
                    window[j] += lost * period
                late = s - state[LINE]
        if late < 0.0:
            move = late
            if late > -0.1 * period:
                move = 0.3 * late
            elif late < -max(LATE * period, HARMLESS_S):
                broken[i] = 1.0
            shift_line(state, window, move)
            late -= move
        window[int(state[NEXT])] = late
        state[NEXT] = (state[NEXT] + 1.0) % size
        if filled < size:
            filled += 1
            state[FILLED] = filled
        low = math.inf
        for j in range(filled):
            low = min(low, window[j])
        # Delays that come in clumps (a queue) leave the edge high for a while: only what is well above them is a loss.
        if filled == size and low > LATE * max(period, state[DELAY]) and not counted:
            lost = math.floor(low / period + 0.5)
            shift_line(state, window, lost * period)
            low -= lost * period
            if lost * period > HARMLESS_S:
                broken[i] = 1.0
        share = period / SETTLES_S
        if filled < size:
            share *= filled / size
        move = share * low
        shift_line(state, window, move)
        state[PERIOD] += 0.25 * share * share * low
        nominal = state[NOMINAL]
        state[PERIOD] = min(max(state[PERIOD], nominal * (1.0 - PPM)), nominal * (1.0 + PPM))
        keep = period / REMEMBERS_S
        state[AWAY] += keep * (abs(low) - state[AWAY])
        state[DELAY] += keep * (late - low - state[DELAY])
        if state[LINE] <= last + 0.05 * period:
            shift_line(state, window, last + 0.05 * period - state[LINE])
        stamp[i] = state[LINE]
        sync[i] = state[AWAY] + state[DELAY] / size
