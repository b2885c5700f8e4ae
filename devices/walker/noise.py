"""Noise that belongs to a sample's index, not to the moment it is asked for: any cutting gives the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from devices.walker.reference import Array
from labfeedback.errors import BadSetup


@dataclass(frozen=True, slots=True)
class Level:
    """White noise of plates and markers as RMS, ringing and soft tissue as amplitude; N, Nm and m."""

    vertical_n: float = 0.0
    horizontal_n: float = 0.0
    moment_nm: float = 0.0
    ringing_n: float = 0.0
    drift_n_per_min: float = 0.0
    quantum: tuple[float, float, float] = (0.0, 0.0, 0.0)  # horizontal N, vertical N, Nm
    marker_m: float = 0.0
    shank_tissue_m: float = 0.0
    foot_tissue_m: float = 0.0
    dropouts: float = 0.0  # share of seconds in which a marker is lost for a while


_QUANTUM: Final = (0.03, 0.125, 0.03)
LEVELS: Final[dict[str, Level]] = {
    "none": Level(),
    # Shoes and the skin of the foot move less than the skin of the shank.
    "standard": Level(10.0, 3.0, 1.0, 10.0, 0.0, _QUANTUM, 0.0003, 0.001, 0.0004, 0.0),
    "hard": Level(29.0, 9.0, 3.0, 15.0, 5.0, _QUANTUM, 0.0005, 0.003, 0.0012, 0.02),
}
_TONES: Final = 6


def level(name: str) -> Level:
    """A level by name. Raises BadSetup with the list."""
    if name not in LEVELS:
        raise BadSetup(f"no noise level is called {name!r}; there are {', '.join(LEVELS)}")
    return LEVELS[name]


class Noise:
    """Noise of both streams; one block is one second of samples, made when first asked for."""

    def __init__(self, seed: int, name: str, marker_columns: int, marker_rate: int, force_rate: int) -> None:
        self.level = level(name)
        self._seed, self._columns = seed, marker_columns
        self._marker_rate, self._force_rate = marker_rate, force_rate
        rng = np.random.default_rng([seed, 13])
        self._tones = rng.uniform(23.0, 35.0, (2, _TONES))
        self._phases = rng.uniform(0.0, 2 * np.pi, (2, _TONES))
        self._marker_block = lru_cache(maxsize=4)(self._make_marker_block)
        self._force_block = lru_cache(maxsize=4)(self._make_force_block)

    def _make_marker_block(self, block: int) -> Array:
        rng = np.random.default_rng([self._seed, 14, block])
        out = self.level.marker_m * rng.standard_normal((self._marker_rate, self._columns))
        if self.level.dropouts:
            for marker in np.flatnonzero(rng.random(self._columns // 3) < self.level.dropouts):
                first, length = rng.integers(0, self._marker_rate), rng.integers(2, max(3, self._marker_rate // 10))
                out[first : first + length, 3 * marker : 3 * marker + 3] = np.nan
        return np.asarray(out)

    def _make_force_block(self, block: int) -> Array:
        rng = np.random.default_rng([self._seed, 15, block])
        lv = self.level
        rms = np.array([lv.horizontal_n, lv.horizontal_n, lv.vertical_n] + [lv.moment_nm] * 3)
        out = rng.standard_normal((self._force_rate, 12)) * np.tile(rms, 2)
        t = block + np.arange(self._force_rate) / self._force_rate
        for plate in range(2):
            tones = np.sin(2 * np.pi * self._tones[plate] * t[:, None] + self._phases[plate])
            # Six tones of equal size: together the RMS of one sine of the stated amplitude.
            out[:, 6 * plate + 2] += lv.ringing_n / np.sqrt(_TONES) * tones.sum(axis=1)
            out[:, 6 * plate + 2] += lv.drift_n_per_min / 60.0 * t
        return np.asarray(out)

    def markers(self, first: int, last: int) -> Array:
        """Noise of the frames first .. last - 1, (n, columns), m; NaN where a marker is lost."""
        return _slice(self._marker_block, first, last, self._marker_rate)

    def forces(self, first: int, last: int) -> Array:
        """Noise of the force samples first .. last - 1, (n, 12), N and Nm."""
        return _slice(self._force_block, first, last, self._force_rate)

    def quantise(self, forces: Array) -> Array:
        """Plate channels as the converter's steps give them."""
        horizontal, vertical, moment = self.level.quantum
        if not vertical:
            return forces
        step = np.tile(np.array([horizontal, horizontal, vertical, moment, moment, moment]), 2)
        return np.asarray(np.round(forces / step) * step)


def _slice(block_of: object, first: int, last: int, rate: int) -> Array:
    assert callable(block_of)
    pieces = []
    for block in range(first // rate, (last - 1) // rate + 1):
        start = block * rate
        pieces.append(block_of(block)[max(first - start, 0) : min(last - start, rate)])
    return np.concatenate(pieces)
