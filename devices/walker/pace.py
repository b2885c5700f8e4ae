"""How fast the walk goes: reference time (in which every stance lasts 0.70 s) as a smooth function of data time.

A slower belt stretches the whole walk, so the feet keep standing still on the belt. A stop freezes the walk in the
middle of a double support, so that no foot hangs in the air.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from devices.walker.faults import Fault
from devices.walker.reference import STANCE_S, STRIDE_S, Array

SLOW = 0.8
_RAMP_S = 0.8
_RESTART_S = 0.8


class Pace:
    """Pieces of constant rate joined by smooth ramps. `tau` is reference time.

    phase_s: reference time at data time 0. contact_s: reference time of a right contact.
    """

    def __init__(self, rate: float, contact_s: float, faults: Sequence[Fault]) -> None:
        self._start = [0.0]  # data time of each piece
        self._tau = [0.0]
        self._rates = [(rate, rate)]  # at its start and end
        self._length = [float("inf")]
        self._contact = contact_s
        for fault in sorted(faults, key=lambda f: f.start_s):
            if fault.name == "speed_change":
                self._ramp(fault.start_s, rate * SLOW, _RAMP_S)
                self._ramp(fault.end_s, rate, _RAMP_S)
            elif fault.name == "belt_stop":
                self._stop(fault.start_s)
                self._ramp(fault.end_s, rate, _RESTART_S)

    def _ramp(self, at_s: float, to_rate: float, length_s: float) -> None:
        if not np.isfinite(at_s):
            return
        at_s = max(at_s, self._start[-1])  # a ramp under way is finished first
        rate = self._rates[-1][1]
        tau = self._tau[-1] + rate * (at_s - self._start[-1])
        self._length[-1] = at_s - self._start[-1]
        self._append(at_s, tau, (rate, to_rate), length_s)
        self._append(at_s + length_s, tau + length_s * (rate + to_rate) / 2, (to_rate, to_rate), float("inf"))

    def _stop(self, at_s: float) -> None:
        at_s = max(at_s, self._start[-1])
        rate = self._rates[-1][1]
        if rate == 0.0:
            return
        tau = self._tau[-1] + rate * (at_s - self._start[-1])
        # Middle of a double support: half of the overlap after any contact, two contacts a stride.
        middle = self._contact + (STANCE_S - STRIDE_S / 2) / 2
        steps = np.ceil((tau + 0.35 - middle) / (STRIDE_S / 2))
        way = middle + steps * STRIDE_S / 2 - tau
        self._ramp(at_s, 0.0, 2 * way / rate)

    def _append(self, start: float, tau: float, rates: tuple[float, float], length: float) -> None:
        self._start.append(start)
        self._tau.append(tau)
        self._rates.append(rates)
        self._length.append(length)

    def at(self, t: Array) -> tuple[Array, Array, Array]:
        """Reference time, its rate and the change of its rate at data times t, each (n,)."""
        t = np.asarray(t, dtype=np.float64)
        piece = np.maximum(np.searchsorted(self._start, t, side="right") - 1, 0)
        dt = t - np.array(self._start)[piece]
        rates = np.array(self._rates)[piece]
        length = np.array(self._length)[piece]
        ramp = rates[:, 0] != rates[:, 1]
        length = np.where(ramp, length, 1.0)
        u = np.where(ramp, dt / length, 0.0)
        step = rates[:, 1] - rates[:, 0]
        # smoothstep of fifth order, its integral and its derivative
        tau = np.array(self._tau)[piece] + rates[:, 0] * dt + step * length * (u**4 * (2.5 + u * (u - 3.0)))
        rate = rates[:, 0] + step * (u**3 * (10.0 + u * (6.0 * u - 15.0)))
        return tau, rate, step / length * (30.0 * u**2 * (1.0 - u) ** 2)

    def when(self, tau: float) -> float:
        """Data time of a reference time; infinite if the walk never gets there, negative before the beginning."""
        if tau <= 0.0:
            return tau / self._rates[0][0]
        piece = int(np.searchsorted(self._tau, tau, side="left")) - 1
        first, last = self._rates[piece]
        if first == last:
            if first == 0.0:
                return float("inf")
            return self._start[piece] + (tau - self._tau[piece]) / first
        low, high = self._start[piece], self._start[piece] + self._length[piece]
        for _ in range(60):
            middle = (low + high) / 2
            if self.at(np.array([middle]))[0][0] < tau:
                low = middle
            else:
                high = middle
        return high

    def stopped(self, rate: Array) -> Array:
        """0 while walking, 1 while standing, smooth between, for rates as `at` returns them, (n,)."""
        u = np.clip(1.0 - rate / (0.5 * self._rates[0][0]), 0.0, 1.0)
        return np.asarray(u * u * u * (10.0 + u * (6.0 * u - 15.0)))
