"""Plate zero and noise from confirmed swing phases, and the slow re-zero (SCIENCE.md section 4).

A foot's plates are unloaded while it swings and the other foot stands on its own plates. The mean of the central 100 ms
of such a swing is one measurement; the median of the last ten is the estimate. The zero that is taken off follows it
slowly, and every change is told. Zeros live in lab axes about the middle of the foot's plates, where the limits on
moments mean what they say; with several plates to a foot it is their sum that is zeroed.

Contact and toe-off are found in the force as received, so a vertical zero that has grown beyond the alarm limit is bad
as well: below it, it moves them by 1-2 ms.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labfeedback.engine.plan import Plan
from labfeedback.engine.track import Track
from labfeedback.records import SIDE_NAMES, SIDES

Array = NDArray[np.float64]
CENTRAL_S: Final = 0.100
SWING_S: Final = (0.2, 0.9)
SWINGS: Final = 10
QUICK: Final = 3  # swings whose median raises the alarm, two at the beginning: before the first step that counts
AGAIN: Final = 0.8  # of a limit: what is bad stays bad until it is below, so that an alarm is not told twice
LEAST: Final = 5  # swings before the zero may move
EVERY_S: Final = 10.0  # between two moves, so that each is worth a line in the record
UNLOADED_N: Final = 30.0
BEARS_BW: Final = 0.5  # what the other plate must carry: the other foot stands there, all of it
# Fx, Fy, Fz, Mx, My, Mz in lab axes: N and Nm.
DEADBAND: Final = np.array([0.5, 2.0, 0.5, 0.2, 0.2, 0.2])
PER_MINUTE: Final = np.array([1.5, 5.0, 1.5, 0.5, 0.5, 0.5])
ALARM: Final = np.array([3.0, 10.0, 3.0, 1.0, 1.0, 1.0])


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence for the record. alarm: the plate must be zeroed; else a change of the zero. value: N, vertical."""

    text: str
    alarm: bool
    value: float


class Zero:
    """Of both feet's plates; foot 0 is right, 1 left. Times are data time, s."""

    def __init__(self, plan: Plan, weight_n: float, rate_hz: float, contact_n: float) -> None:
        self._weight, self._rate_hz, self._contact_n = weight_n, rate_hz, contact_n
        self._centre = np.zeros((2, 3))
        for foot in range(2):
            own = plan.outlines[plan.plate_foot == foot]
            if len(own):
                x, z = own.reshape(-1, 2).mean(axis=0)
                self._centre[foot] = x, plan.surface[foot], z
        self._swings: tuple[deque[Array], deque[Array]] = (deque(maxlen=SWINGS), deque(maxlen=SWINGS))
        self._noise: tuple[deque[float], deque[float]] = (deque(maxlen=SWINGS), deque(maxlen=SWINGS))
        self._zero = np.zeros((2, 6))  # about the plates' middle
        # (since, wrenches of both feet about the lab origin), oldest first. Made when a zero moves: the newest one is
        # asked for with every frame.
        self._applied: list[tuple[float, Array]] = [(-np.inf, np.zeros((2, 6)))]
        self._moved = [-np.inf, -np.inf]
        self._bad, self._noisy = [False, False], [False, False]

    @property
    def now(self) -> Array:
        """(2, 6) wrenches about the lab origin that are taken off the plates of right and left foot now."""
        return self._applied[-1][1]

    def at(self, time: float) -> Array:
        """(2, 6) the same for a step that began at `time`."""
        return next(wrenches for since, wrenches in reversed(self._applied) if since <= time)

    def left(self, foot: int) -> Array:
        """(6,) what the last swings' median says is not taken off, about the plates' middle; NaN before two."""
        swings = self._swings[foot]
        if len(swings) < QUICK - 1:
            return np.full(6, np.nan)
        return np.asarray(np.median(np.array(list(swings)[-QUICK:]), axis=0) - self._zero[foot])

    def bad(self, foot: int) -> bool:
        """Whether this foot's plates must be zeroed before a step on them may be used."""
        return self._bad[foot]

    def swing(self, now: float, foot: int, toe_off: float, contact: float, forces: Track) -> list[Told]:
        """A swing has ended by a contact: measure it. Both events must come from plates and markers that agree."""
        if not SWING_S[0] < contact - toe_off < SWING_S[1]:
            return []
        middle = 0.5 * (toe_off + contact)
        a, b = np.searchsorted(forces.time, (middle - 0.5 * CENTRAL_S, middle + 0.5 * CENTRAL_S))
        if b - a < 0.9 * CENTRAL_S * self._rate_hz:
            return []
        wrench = forces.column("wrench")[a:b]
        own, other = wrench[:, foot], wrench[:, 1 - foot, 1]
        if not abs(own[:, 1].mean()) < UNLOADED_N or not other.mean() > BEARS_BW * self._weight:
            return []
        seen = own.mean(axis=0)
        seen[3:] -= np.cross(self._centre[foot], seen[:3])
        if not np.isfinite(seen).all():
            return []
        self._swings[foot].append(seen)
        # The smoothed force is what contacts are found in.
        self._noise[foot].append(float(forces.column("smooth")[a:b, foot].std()))
        return [*self._alarm(foot), *self._move(now, foot)]

    def _alarm(self, foot: int) -> list[Told]:
        side, left, out = SIDE_NAMES[SIDES[foot]], np.abs(self.left(foot)), []
        limit = ALARM * (AGAIN if self._bad[foot] else 1.0)
        grown = abs(self._zero[foot, 1])
        bad = bool((left > limit).any()) or bool(grown > limit[1])
        if bad and not self._bad[foot]:
            up = max(left[1], grown)
            by = f"{max(left[0], left[2]):.1f} N sideways, {up:.1f} N vertical, {left[3:].max():.1f} Nm"
            text = f"the {side} plate is off zero by {by}: its steps are withheld. Stop the walk and zero the plates"
            out.append(Told(text, True, float(up)))
        self._bad[foot] = bad
        noise = float(np.median(self._noise[foot]))
        least = self._contact_n * (AGAIN if self._noisy[foot] else 1.0)
        noisy = len(self._noise[foot]) >= QUICK and 3.0 * noise > least
        if noisy and not self._noisy[foot]:
            text = f"the {side} plate's noise of {noise:.0f} N is over a third of the contact level of"
            out.append(Told(f"{text} {self._contact_n:g} N: contacts are doubtful; look at the plate", True, noise))
        self._noisy[foot] = noisy
        return out

    def _move(self, now: float, foot: int) -> list[Told]:
        if self._moved[foot] == -np.inf:
            self._moved[foot] = now
        lapse = now - self._moved[foot]
        swings = self._swings[foot]
        if len(swings) < LEAST or lapse < EVERY_S:
            return []
        wanted = np.median(np.array(swings), axis=0) - self._zero[foot]
        # After a long break one move is not larger than after an ordinary wait: slowly is the point.
        most = PER_MINUTE * min(lapse, 2.0 * EVERY_S) / 60.0
        step = np.where(np.abs(wanted) > DEADBAND, np.clip(wanted, -most, most), 0.0)
        if not step.any():
            return []
        self._moved[foot] = now
        self._zero[foot] += step
        wrenches = self._zero.copy()
        wrenches[:, 3:] += np.cross(self._centre, self._zero[:, :3])
        self._applied.append((now, wrenches))
        del self._applied[:-8]  # half a minute at least
        new = ", ".join(f"{value:.2f}" for value in self._zero[foot])
        text = f"zero of the {SIDE_NAMES[SIDES[foot]]} plate moved to {new} (N, Nm; x y z, about its middle)"
        return [Told(text, False, float(self._zero[foot, 1]))]
