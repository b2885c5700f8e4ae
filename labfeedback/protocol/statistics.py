"""Means of steps with honest intervals: neighbouring steps are alike, so n steps tell less than n (SCIENCE.md 7)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

LAGS: Final = 5
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A number with the half width of its 95 % interval."""

    mean: float
    half: float

    @property
    def low(self) -> float:
        """Lower 95 % bound."""
        return self.mean - self.half

    @property
    def high(self) -> float:
        """Upper 95 % bound."""
        return self.mean + self.half


@dataclass(frozen=True, slots=True)
class Mean(Interval):
    """count: steps. effective: as many independent ones would tell as much."""

    sd: float
    count: int
    effective: float

    @property
    def se(self) -> float:
        """Standard error."""
        return self.sd / math.sqrt(self.effective) if self.effective > 1 else math.nan


def mean_of(values: Array) -> Mean:
    """Of one value a step, in the order of the steps, NaN where a step is withheld; shape (n,).

    The variance of the mean is inflated by 1 + 2 sum (1 - k/n) r_k over the autocorrelations of the first lags, up to
    the first one that is not positive (initial positive sequence; Geyer, Statist Sci 7:473, 1992).
    """
    seen = np.isfinite(values)
    count = int(seen.sum())
    if count < 2:
        return Mean(float(values[seen][0]) if count else math.nan, math.nan, math.nan, count, float(count))
    mean = float(values[seen].mean())
    sd = float(values[seen].std(ddof=1))
    off = np.where(seen, values - mean, 0.0)
    inflation = 1.0
    for lag in range(1, min(LAGS, len(values) - 1) + 1):
        both = int((seen[lag:] & seen[:-lag]).sum())
        if both < 10 or sd == 0.0:
            break
        r = float((off[lag:] * off[:-lag]).sum()) / both / (sd * sd)
        if r <= 0.0:
            break
        inflation += 2.0 * (1.0 - lag / count) * min(r, 0.95)
    effective = max(2.0, count / inflation)
    half = float(stdtrit(effective - 1.0, 0.975)) * sd / math.sqrt(effective)
    return Mean(mean, half, sd, count, effective)


def difference(a: Mean, b: Mean) -> Interval:
    """a minus b (Welch)."""
    va, vb = a.se**2, b.se**2
    if not va + vb > 0:
        return Interval(a.mean - b.mean, math.nan if va + vb != va + vb else 0.0)
    freedom = (va + vb) ** 2 / (va**2 / max(a.effective - 1, 1) + vb**2 / max(b.effective - 1, 1))
    return Interval(a.mean - b.mean, float(stdtrit(freedom, 0.975)) * math.sqrt(va + vb))
