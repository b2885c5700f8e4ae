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


# Shared by all outputs that have none: most records bring a frame and nothing else.
_NO_FRAMES: Rows = np.zeros(0, FRAME)
_NO_STEPS: Rows = np.zeros(0, STEP)
_NO_CUES: Rows = np.zeros(0, CUE)
_NO_EVENTS: Rows = np.zeros(0, EVENT)


@dataclass(slots=True)
class Outputs:
    """Rows in order; each array may be empty."""

    frames: Rows = field(default_factory=lambda: _NO_FRAMES)
    steps: Rows = field(default_factory=lambda: _NO_STEPS)
    cues: Rows = field(default_factory=lambda: _NO_CUES)
    events: Rows = field(default_factory=lambda: _NO_EVENTS)
    curves: list[Curve] = field(default_factory=list)
