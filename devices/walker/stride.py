"""One leg from toe-off to toe-off: a swing into a step and the step's stance, at any instants, and its truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import numpy as np
from scipy.interpolate import PPoly

from devices.walker import reference as ref
from devices.walker.leg import Leg, build
from devices.walker.moments import Wrench, adduction, adduction_per_metre, external_knee_moment, flexion
from devices.walker.pace import Pace
from devices.walker.reference import Array, smoothstep
from devices.walker.truth import POINTS, Peaks, peaks

CONTACT_N: Final = 30.0
RISE_N: Final = 50.0
SHIFT_LIMIT_M: Final = 0.035
_OVERLAP: Final = 1.0 - ref.STRIDE_S / 2 / ref.STANCE_S  # double support as a share of stance
# Where a change of the first and of the second peak acts: flat around the peak, gone between the two.
_FIRST: Final = (0.02, 0.14, 0.28, 0.50)
_SECOND: Final = (0.34, 0.50, 0.88, 0.99)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the walker decided for one step. kam1, kam2: wanted change of each peak, %BW*Ht at 1.70 m."""

    fpa_deg: float
    out_m: float = 0.0  # the foot lands this much further to its own side
    load: float = 1.0  # share of the force that reaches the floor
    kam1: float = 0.0
    kam2: float = 0.0


def _window(f: Array, corner: tuple[float, float, float, float]) -> Array:
    a, b, c, d = corner
    return smoothstep((f - a) / (b - a)) * (1.0 - smoothstep((f - c) / (d - c)))


def _placed(choice: Choice, fraction: Array) -> tuple[Array, Array, Array]:
    q, qd, qdd = ref.pose(fraction)
    q[2] += choice.out_m
    still = np.zeros((1, len(fraction)))
    return np.vstack([q, still + np.deg2rad(choice.fpa_deg)]), np.vstack([qd, still]), np.vstack([qdd, still])


_NATURAL: Final = Choice(ref.FPA_DEG)


@dataclass(slots=True)
class Stride:
    """contact: reference time of the step's contact. Times `t` below are data times, inside the stride, (n,)."""

    side: int
    mass_kg: float
    pace: Pace
    contact: float
    before: Choice
    now: Choice
    begin_s: float = field(init=False)
    contact_s: float = field(init=False)
    end_s: float = field(init=False)

    def __post_init__(self) -> None:
        self.begin_s = self.pace.when(self.contact - ref.STRIDE_S + ref.STANCE_S)
        self.contact_s = self.pace.when(self.contact)
        self.end_s = self.pace.when(self.contact + ref.STANCE_S)

    def leg(self, t: Array) -> Leg:
        """The leg at t."""
        tau, rate, change = self.pace.at(t)
        q, qd, qdd = np.empty((7, len(t))), np.empty((7, len(t))), np.empty((7, len(t)))
        swing = tau < self.contact
        if swing.any():
            length = ref.STRIDE_S - ref.STANCE_S
            start = np.stack(_placed(self.before, np.ones(1)))[:, :, 0]
            end = np.stack(_placed(self.now, np.zeros(1)))[:, :, 0]
            u = (tau[swing] - self.contact) / length + 1.0
            q[:, swing], qd[:, swing], qdd[:, swing] = ref.quintic(start, end, length, u)
        if not swing.all():
            stance = ~swing
            fraction = np.minimum((tau[stance] - self.contact) / ref.STANCE_S, 1.0)
            q[:, stance], qd[:, stance], qdd[:, stance] = _placed(self.now, fraction)
        return build(self.side, q, qd * rate, qdd * rate**2 + qd * change)

    def wrench(self, t: Array, leg: Leg) -> tuple[Wrench, Array]:
        """The force on the foot at t in stance, and the COP shift that imposes the wanted KAM, (n,) m."""
        tau, rate, _ = self.pace.at(t)
        fraction = np.clip((tau - self.contact) / ref.STANCE_S, 0.0, 1.0)
        stopped = self.pace.stopped(rate)
        plain = self._force(fraction, self.now, stopped)
        wanted = self._wanted(fraction)
        kam = adduction(leg, external_knee_moment(leg, plain, self.mass_kg))
        slope = adduction_per_metre(leg, plain.force)
        # No shift while there is hardly any force to shift; exact from well below the contact threshold on.
        weight = smoothstep((plain.force[1] - 5.0) / 15.0) * (1.0 - stopped)
        slope = np.where(np.abs(slope) < 1.0, -1.0, slope)
        shift = weight * np.clip((wanted - kam) / slope, -SHIFT_LIMIT_M, SHIFT_LIMIT_M)
        cop = plain.cop.copy()
        cop[2] += shift
        return Wrench(plain.force, cop, plain.free), shift

    def _force(self, fraction: Array, choice: Choice, stopped: Array) -> Wrench:
        return _force(self.side, self.mass_kg, fraction, choice, stopped)

    def _wanted(self, fraction: Array) -> Array:
        """KAM that the walker means to have, Nm: the reference stance's, changed around the two peaks."""
        kam = _natural_kam(self.side, self.mass_kg)(fraction)
        unit = self.mass_kg * ref.G * ref.HEIGHT_M / 100.0
        change = self.now.kam1 * _window(fraction, _FIRST) + self.now.kam2 * _window(fraction, _SECOND)
        return self.now.load * kam + unit * change

    def curves(self, t: Array) -> tuple[Array, Array, Array]:
        """KAM, KFM (Nm) and COP shift (m) at t in stance, each (n,)."""
        leg = self.leg(t)
        wrench, shift = self.wrench(t, leg)
        moment = external_knee_moment(leg, wrench, self.mass_kg)
        return adduction(leg, moment), flexion(leg, moment), shift

    def vertical(self, t: Array) -> Array:
        """True vertical force at t, N, (n,)."""
        tau, rate, _ = self.pace.at(t)
        fraction = (tau - self.contact) / ref.STANCE_S
        force = self._force(np.clip(fraction, 0.0, 1.0), self.now, self.pace.stopped(rate)).force[1]
        return np.where((fraction > 0) & (fraction < 1), force, 0.0)

    def events(self) -> tuple[float, float]:
        """Contact (30 N crossing that leads to 50 N) and toe-off (30 N), s of data time. ValueError if never."""
        rate = self.pace.at(np.linspace(self.contact_s, self.end_s, 29))[1]
        if np.ptp(rate) == 0 and not self.pace.stopped(rate).any():
            start, end = _usual_events(self.mass_kg * self.now.load)
            length = self.end_s - self.contact_s
            return self.contact_s + start * length, self.contact_s + end * length
        return _crossings(self.vertical, self.contact_s, self.end_s)

    def truth(self) -> tuple[float, float, Peaks, float]:
        """Contact, toe-off, peaks, largest COP shift (m) between them."""
        start, end = self.events()
        t = np.linspace(start, end, POINTS)
        kam, kfm, shift = self.curves(t)
        return start, end, peaks(kam, kfm, end - start), float(np.abs(shift).max())


def _force(side: int, mass_kg: float, fraction: Array, choice: Choice, stopped: Array) -> Wrench:
    weight_n = mass_kg * ref.G * choice.load
    walking = (1.0 - stopped) * weight_n
    share = smoothstep(fraction / _OVERLAP) - smoothstep((fraction - 1.0 + _OVERLAP) / _OVERLAP)
    fore_aft, vertical, to_midline, free, along = ref.FORCES.at(fraction)
    upward = np.maximum(vertical, 0.0) * walking + share * stopped * weight_n
    force = np.stack([fore_aft * walking, upward, -side * to_midline * walking])
    angle = np.deg2rad(choice.fpa_deg)
    belt = ref.ANKLE_X_M - ref.SPEED_M_S * ref.STANCE_S * fraction
    across = ref.ANKLE_Z_M + choice.out_m + along * np.sin(angle) + ref.COP_LATERAL_M
    cop = np.stack([belt + along * np.cos(angle), np.zeros_like(along), side * across])
    return Wrench(force, cop, side * free * walking / (ref.MASS_KG * ref.G))


@lru_cache(maxsize=16)
def _natural_kam(side: int, mass_kg: float) -> PPoly:
    """KAM of the reference stance over its fraction, Nm, to a picometre of the COP that imposes it.

    A cubic through four points of each of 2000 pieces. The pieces end at the knots of the pose, where the acceleration
    and with it the moment has a kink.
    """
    knots = np.unique(np.concatenate([np.linspace(0.0, 1.0, 2001), *(curve.x for curve in ref.POSE)]))
    width = np.diff(knots)
    keep = width > 1e-9
    left, width = knots[:-1][keep], width[keep]
    nodes = np.array([0.02, 0.3, 0.7, 0.98])
    fraction = (left[:, None] + width[:, None] * nodes).ravel()
    leg = build(side, *_placed(_NATURAL, fraction))
    force = _force(side, mass_kg, fraction, _NATURAL, np.zeros_like(fraction))
    kam = adduction(leg, external_knee_moment(leg, force, mass_kg)).reshape(-1, 4)
    powers = np.linalg.solve(np.vander(nodes, 4), kam.T)
    return PPoly(powers / width ** np.array([[3.0], [2.0], [1.0], [0.0]]), np.append(left, 1.0))


def _crossings(vertical: Callable[[Array], Array], first: float, last: float) -> tuple[float, float]:
    grid = np.linspace(first, last, 1401)
    force = vertical(grid)
    above = np.flatnonzero(force > RISE_N)
    if not len(above):
        raise ValueError("the stance never carries 50 N")
    rise = int(np.flatnonzero(force[: above[0]] < CONTACT_N)[-1])
    fall = int(above[-1]) + int(np.flatnonzero(force[above[-1] :] < CONTACT_N)[0])
    found = []
    for below, over in ((grid[rise], grid[rise + 1]), (grid[fall], grid[fall - 1])):
        for _ in range(6):  # each pass narrows half a millisecond by 20: far below a nanosecond
            x = np.linspace(below, over, 21)
            first_over = int(np.flatnonzero(vertical(x) >= CONTACT_N)[0])
            below, over = x[first_over - 1], x[first_over]
        found.append(float((below + over) / 2))
    return found[0], found[1]


@lru_cache(maxsize=64)
def _usual_events(loaded_kg: float) -> tuple[float, float]:
    """Stance fractions of contact and toe-off at a steady pace: there they depend on the weight alone."""

    def vertical(fraction: Array) -> Array:
        inside = (fraction > 0) & (fraction < 1)
        return np.where(inside, np.maximum(ref.VERTICAL(fraction), 0.0), 0.0) * loaded_kg * ref.G

    return _crossings(vertical, 0.0, 1.0)
