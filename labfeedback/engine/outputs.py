"""What one feed of the engine gives back."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from labfeedback.records import CUE, EVENT, FRAME, STEP, Rows


@dataclass(frozen=True, slots=True)
class Curve:
    """One step's curves at the marker frames inside its stance; kept only when asked for (offline analysis).

    frame: (n,) int64 marker index; kam_nm, kfm_nm, fz_n, fpa_deg: (n,) float64.
    """

    step: int
    side: int
    frame: NDArray[np.int64]
    kam_nm: NDArray[np.float64]
    kfm_nm: NDArray[np.float64]
    fz_n: NDArray[np.float64]
    fpa_deg: NDArray[np.float64]


@dataclass(slots=True)
class Outputs:
    """Rows in order; each array may be empty."""

    frames: Rows = field(default_factory=lambda: np.zeros(0, FRAME))
    steps: Rows = field(default_factory=lambda: np.zeros(0, STEP))
    cues: Rows = field(default_factory=lambda: np.zeros(0, CUE))
    events: Rows = field(default_factory=lambda: np.zeros(0, EVENT))
    curves: list[Curve] = field(default_factory=list)
