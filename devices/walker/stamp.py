"""A person who stamps: the trial that shows how far the plates' clock is from the cameras' (SCIENCE.md section 10).

The foot is lifted, falls, and is stopped by the plate within 40 ms; the plate feels the stopping of the foot's and
shank's own mass, and then the weight that comes back. Truth: both begin at the very same instant.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from devices.walker.leg import markers
from devices.walker.moments import Wrench
from devices.walker.plates import channels
from devices.walker.reference import Array, G
from devices.walker.standing import Stander
from devices.walker.walk import LABELS, PELVIS, Piece

LIFT_M: Final = 0.08
LIFT_S: Final = 0.5
STOP_S: Final = 0.04
SPEED_M_S: Final = 0.8  # at the plate
SUNK_M: Final = SPEED_M_S * STOP_S / 2.0  # what sole and heel pad give way
FALL_S: Final = 2.0 * (LIFT_M - SUNK_M) / SPEED_M_S
SHIFT_S: Final = 0.3  # the weight moves over, and back
MASS_KG: Final = 4.0  # that stops with the foot


class Stamper(Stander):
    """Stands and stamps with one foot at the given instants (s, of contact), a second apart at least."""

    def __init__(self, seed: int, at_s: tuple[float, ...], side: int = 1, **said: Any) -> None:
        super().__init__(seed, **said)
        self.at_s, self.foot = at_s, side

    def _markers(self, first: int, last: int) -> Piece:
        piece = super()._markers(first, last)
        if not len(piece.time):
            return piece
        values = piece.values.copy()
        own = len(markers(self.rest(self.foot))[0])
        columns = np.arange(own) + (0 if self.foot > 0 else own)
        assert 2 * own + 3 * len(PELVIS) == 3 * len(LABELS)
        values[:, columns[1::3]] += self.height(piece.time)[:, None]
        return Piece(piece.time, values)

    def _forces(self, first: int, last: int) -> Piece:
        t = np.arange(first, last) / self.force_rate_hz
        if not len(t):
            return super()._forces(first, last)
        weight = self.mass_kg * G
        own = np.maximum(0.0, 0.5 * weight * self._on(t) + MASS_KG * self.stopping(t))
        out = np.zeros((len(t), 12))
        for side, up in ((self.foot, own), (-self.foot, weight - 0.5 * weight * self._on(t))):
            force = np.zeros((3, len(t)))
            force[1] = up
            cop = np.stack([np.full(len(t), 0.04), np.zeros(len(t)), np.full(len(t), side * 0.13)])
            out += channels(Wrench(force, cop, np.zeros(len(t))))
        return Piece(t, self._noise.quantise(out + self._noise.forces(first, last)))

    def height(self, t: Array) -> Array:
        """(n,) m of the lifted foot over its place."""
        out = np.zeros(len(t))
        for contact in self.at_s:
            fall, lift = contact - FALL_S, contact - FALL_S - LIFT_S
            u = np.clip((t - lift) / LIFT_S, 0.0, 1.0)
            up = LIFT_M * u**3 * (10.0 - 15.0 * u + 6.0 * u * u)
            f = np.clip(t - fall, 0.0, FALL_S)
            down = 0.5 * SPEED_M_S / FALL_S * f * f
            s = np.clip(t - contact, 0.0, STOP_S)
            # Half a sine of deceleration takes the speed to nothing.
            w = np.pi / STOP_S
            sunk = SPEED_M_S * (s / 2.0 + np.sin(w * s) / (2.0 * w))
            out += np.where(t < lift, 0.0, up - down - np.where(t >= contact, sunk, 0.0))
        return np.where(np.abs(out) < 1e-12, 0.0, out)

    def stopping(self, t: Array) -> Array:
        """(n,) m/s2 upwards while the plate stops the foot."""
        out = np.zeros(len(t))
        for contact in self.at_s:
            s = t - contact
            inside = (s >= 0.0) & (s <= STOP_S)
            out += np.where(inside, SPEED_M_S * np.pi / (2.0 * STOP_S) * np.sin(np.pi * s / STOP_S), 0.0)
        return out

    def _on(self, t: Array) -> Array:
        """(n,) how much of its half of the weight the stamping foot bears."""
        out = np.ones(len(t))
        for contact in self.at_s:
            lift = contact - FALL_S - LIFT_S
            off = np.clip((t - (lift - SHIFT_S)) / SHIFT_S, 0.0, 1.0)
            back = np.clip((t - contact) / SHIFT_S, 0.0, 1.0)
            out -= off * off * (3.0 - 2.0 * off) - back * back * (3.0 - 2.0 * back)
        return out
