"""The walker before it walks: quiet standing with known joint centres, for a static trial."""

from __future__ import annotations

from typing import Final

import numpy as np

from devices.walker.faults import Fault
from devices.walker.leg import Leg, build, markers
from devices.walker.moments import Wrench
from devices.walker.noise import Noise
from devices.walker.plates import channels
from devices.walker.reference import HEIGHT_M, MASS_KG, Array, G
from devices.walker.walk import LABELS, PELVIS, Chunk, Piece
from labfeedback.errors import BadSetup

_ANKLE_M: Final = (0.0, 0.09)  # x, y
_STANCE_Z_M: Final = 0.13  # half the distance of the ankles: wider than walking, both feet well inside their belts
_SWAY_M: Final = 0.003
_SWAY_HZ: Final = (0.31, 0.47)
TURN_S: Final = 1.0
_COP_X_M: Final = 0.045  # before the ankle, as in quiet standing


class Stander:
    """One person standing on both belts; `advance` as the walker's.

    fpa_deg: (right, left) toe-out. share: of the weight on the right plate. lean_deg: forward lean of both shanks.
    turn: (side, degrees inwards, when in s): that foot's markers turn about the ankle within `TURN_S`. A marker's true
    place at rest is `rest`.
    """

    def __init__(
        self,
        seed: int,
        *,
        mass_kg: float = MASS_KG,
        height_m: float = HEIGHT_M,
        noise: str = "standard",
        fpa_deg: tuple[float, float] = (7.0, 7.0),
        share: float = 0.5,
        lean_deg: float = 2.0,
        marker_rate_hz: int = 200,
        force_rate_hz: int = 1000,
        turn: tuple[str, float, float] | None = None,
    ) -> None:
        if turn is not None and turn[0] not in ("left", "right"):
            raise BadSetup(f"the {turn[0]} foot turns: expected left or right")
        if not 0.0 <= share <= 1.0:
            raise BadSetup(f"a share of {share} of the weight on the right plate: expected 0 to 1")
        self.mass_kg, self.height_m, self.share = mass_kg, height_m, share
        self.marker_rate_hz, self.force_rate_hz = int(marker_rate_hz), int(force_rate_hz)
        self.faults: tuple[Fault, ...] = ()
        self._fpa = {1: fpa_deg[0], -1: fpa_deg[1]}
        self._lean = lean_deg
        self._turn = turn
        self._noise = Noise(seed, noise, 3 * len(LABELS), self.marker_rate_hz, self.force_rate_hz)
        self._quiet = noise == "none"
        self._marker, self._force = 0, 0
        self.time_s = 0.0

    @property
    def labels(self) -> tuple[str, ...]:
        """Marker labels, three columns each."""
        return LABELS

    def rest(self, side: int) -> Leg:
        """The true leg without sway."""
        return self._leg(side, np.zeros(1))

    def advance(self, until_s: float) -> Chunk:
        """All samples before until_s that were not given yet. Any portions give the same bytes."""
        last_m, last_f = (int(np.ceil(until_s * rate - 1e-6)) for rate in (self.marker_rate_hz, self.force_rate_hz))
        first_m, first_f = self._marker, self._force
        self._marker, self._force = max(last_m, first_m), max(last_f, first_f)
        self.time_s = max(self.time_s, until_s)
        return Chunk(self._markers(first_m, self._marker), self._forces(first_f, self._force))

    def _markers(self, first: int, last: int) -> Piece:
        if first == last:
            return Piece(np.empty(0), np.empty((0, 3 * len(LABELS))))
        t = np.arange(first, last) / self.marker_rate_hz
        middle = np.stack([self._sway(t), np.full(len(t), 0.98), np.zeros(len(t))])
        pelvis = np.concatenate([middle + np.array(offset)[:, None] for offset in PELVIS.values()]).T
        out = np.hstack([*(markers(self._leg(side, t)) for side in (1, -1)), pelvis])
        return Piece(t, out + self._noise.markers(first, last))

    def _forces(self, first: int, last: int) -> Piece:
        if first == last:
            return Piece(np.empty(0), np.empty((0, 12)))
        t = np.arange(first, last) / self.force_rate_hz
        out = np.zeros((len(t), 12))
        for side, share in ((1, self.share), (-1, 1.0 - self.share)):
            if share:
                force = np.zeros((3, len(t)))
                force[1] = share * self.mass_kg * G
                turn = np.radians(self._fpa[side])
                cop = np.stack([
                    np.full(len(t), _ANKLE_M[0] + _COP_X_M * np.cos(turn)) + self._sway(t),
                    np.zeros(len(t)),
                    np.full(len(t), side * (_STANCE_Z_M + _COP_X_M * np.sin(turn))),
                ])  # fmt: skip
                out += channels(Wrench(force, cop, np.zeros(len(t))))
        return Piece(t, self._noise.quantise(out + self._noise.forces(first, last)))

    def _sway(self, t: Array) -> Array:
        """m forward at the knee; nothing without noise."""
        if self._quiet:
            return np.zeros(len(t))
        one, two = (np.sin(2 * np.pi * rate * t) for rate in _SWAY_HZ)
        return np.asarray(_SWAY_M * (one + two) / 2)

    def _leg(self, side: int, t: Array) -> Leg:
        q = np.zeros((7, len(t)))
        q[0], q[1], q[2] = _ANKLE_M[0], _ANKLE_M[1], _STANCE_Z_M
        q[3] = np.radians(self._lean) + self._sway(t) / 0.4
        q[4] = np.radians(-3.0)
        q[6] = np.radians(self._fpa[side])
        if self._turn is not None and side == (1 if self._turn[0] == "right" else -1):
            q[6] -= np.radians(self._turn[1]) * np.clip((t - self._turn[2]) / TURN_S, 0.0, 1.0)
        still = np.zeros_like(q)
        return build(side, q, still, still)
