"""What a step really was, from the analytic and unfiltered curve."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from devices.walker.reference import Array

POINTS: Final = 201
FIRST_PEAK: Final = slice(6, 100)
SECOND_PEAK: Final = slice(100, 195)


@dataclass(frozen=True, slots=True)
class TrueStep:
    """One stance of one foot, in data time. start_s and end_s are the 30 N crossings of the true vertical force."""

    side: str  # left or right
    step: int  # ordinal of this foot
    start_s: float
    end_s: float
    contact_s: float  # first and last instant of any force
    toe_off_s: float
    fpa_deg: float  # constant from contact to toe-off
    kam1_nm: float
    kam2_nm: float
    kam1_pct_bwht: float
    kam2_pct_bwht: float
    kam1_stance_pct: float
    kam2_stance_pct: float
    kam_impulse_pct_bwht_s: float
    kfm_nm: float
    kfm_pct_bwht: float
    cop_shift_mm: float  # largest medio-lateral shift of the COP that imposed the KAM (35 is the limit)
    fault: str  # names of the faults in this step, joined by ;


@dataclass(frozen=True, slots=True)
class Peaks:
    """Peaks of one stance's curves in Nm, their place in per cent of stance, the positive impulse in Nm s."""

    kam1: float
    kam2: float
    kam1_pct: float
    kam2_pct: float
    kfm: float
    impulse: float


def peaks(kam: Array, kfm: Array, duration_s: float) -> Peaks:
    """From 201 points over contact to toe-off, (201,) each, Nm."""
    one = FIRST_PEAK.start + int(np.argmax(kam[FIRST_PEAK]))
    two = SECOND_PEAK.start + int(np.argmax(kam[SECOND_PEAK]))
    step = duration_s / (POINTS - 1)
    return Peaks(
        float(kam[one]),
        float(kam[two]),
        one / 2.0,
        two / 2.0,
        float(kfm[FIRST_PEAK.start : SECOND_PEAK.stop].max()),
        float(np.trapezoid(np.maximum(kam, 0.0), dx=step)),
    )


def rows_of(steps: Iterable[TrueStep], t0_lsl_s: float | None = None) -> list[dict[str, str]]:
    """One row per step in the order of toe-off. With t0_lsl_s also the times on the LSL clock."""
    rows = []
    for step in sorted(steps, key=lambda s: s.end_s):
        row = {k: f"{v:.9g}" if isinstance(v, float) else str(v) for k, v in asdict(step).items()}
        if t0_lsl_s is not None:
            row["start_lsl_s"] = f"{step.start_s + t0_lsl_s:.6f}"
            row["end_lsl_s"] = f"{step.end_s + t0_lsl_s:.6f}"
        rows.append(row)
    return rows


def write_truth(path: Path, steps: Iterable[TrueStep], t0_lsl_s: float | None = None) -> None:
    """`rows_of` as a CSV file."""
    names = list(TrueStep.__dataclass_fields__)
    names[4:4] = ["start_lsl_s", "end_lsl_s"]
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, names, restval="")
        table.writeheader()
        table.writerows(rows_of(steps, t0_lsl_s))
