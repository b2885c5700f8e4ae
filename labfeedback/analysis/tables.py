"""What `analyse` writes: step table, curves, JSON."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any, Final

import numpy as np

from labfeedback.analysis.walk import Analysis
from labfeedback.engine.start import basis
from labfeedback.errors import BadSetup
from labfeedback.exchange.steps_csv import COLUMNS, write_steps, write_steps_of_files
from labfeedback.records import SIDE_NAMES, SIDES, STEP, Rows, flag_names

_CURVES: Final = ("kam_nm", "kfm_nm", "fz_n", "fpa_deg")
CURVE_COLUMNS: Final = ("time_s", *(f"{SIDE_NAMES[side]}_{name}" for side in SIDES for name in _CURVES))
_YES_NO: Final = ("kam_valid", "fpa_valid", "kam2_is_peak")
_MEANS: Final = (
    "fpa_deg", "kam1_nm", "kam2_nm", "kam1_pct_bwht", "kam2_pct_bwht", "kam_impulse_pct_bwht_s", "kfm_nm",
)  # fmt: skip


def write_step_table(path: Path, analyses: list[Analysis], several: bool) -> None:
    """One line per step; with several files a first column `file`. Raises BadSetup when it cannot be written."""
    if not several and len(analyses) == 1:
        write_steps(path, analyses[0].steps, basis=_basis(analyses[0]))
        return
    write_steps_of_files(path, [(str(one.path), one.steps, 0.0, _basis(one)) for one in analyses])


def _basis(one: Analysis) -> dict[str, str]:
    return basis(one.settings, one.subject.sex)


def write_curves(path: Path, analyses: list[Analysis], several: bool) -> None:
    """One line per marker frame, empty outside valid stances' frames. Raises BadSetup when it cannot be written."""
    lines = []
    for one in analyses:
        table = curve_table(one)
        front = [str(one.path)] if several else []
        lines += [
            [*front, f"{row[0]:.6f}", *("" if math.isnan(value) else f"{value:.8g}" for value in row[1:])]
            for row in table.tolist()
        ]
    _write(path, [*(["file"] if several else []), *CURVE_COLUMNS], lines)


def curve_table(one: Analysis) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """(frames, 9) of `CURVE_COLUMNS`, NaN outside stance."""
    table = np.full((one.frames, len(CURVE_COLUMNS)), np.nan)
    table[:, 0] = np.arange(one.frames) / one.rate_hz
    for curve in one.curves:
        first = 1 + SIDES.index(curve.side) * len(_CURVES)
        for column, name in enumerate(_CURVES, first):
            table[curve.frame, column] = getattr(curve, name)
    return table


def _write(path: Path, header: list[str], lines: list[list[str]]) -> None:
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            out = csv.writer(file)
            out.writerow(header)
            out.writerows(lines)
    except OSError as error:
        raise BadSetup(
            f"{path} could not be written ({error.strerror}): choose a folder that exists and may be written to"
        ) from None


def summary(one: Analysis) -> dict[str, Any]:
    """Per foot: how many steps, how many valid, and mean and SD of what is valid."""
    out: dict[str, Any] = {}
    for side in SIDES:
        steps = one.side(side)
        entry: dict[str, Any] = {
            "steps": len(steps),
            "valid": int((steps["kam_valid"] == 1).sum()),
            "fpa_valid": int((steps["fpa_valid"] == 1).sum()),
            "kam2_is_peak": int(((steps["kam_valid"] == 1) & (steps["kam2_is_peak"] == 1)).sum()),
        }
        for name in _MEANS:
            good = steps[name][(steps["fpa_valid"] if name == "fpa_deg" else steps["kam_valid"]) == 1]
            good = good[np.isfinite(good)]
            entry[f"{name}_mean"] = float(good.mean()) if len(good) else None
            entry[f"{name}_sd"] = float(good.std(ddof=1)) if len(good) > 1 else None
        out[SIDE_NAMES[side]] = entry
    return out


def as_json(one: Analysis) -> dict[str, Any]:
    """Everything that was found, ready for `json.dumps`; what is withheld is null."""
    return {
        "file": str(one.path),
        "static": str(one.static) if one.static else None,
        "frames": one.frames,
        "rate_hz": one.rate_hz,
        "rig": one.rig.name,
        "rig_source": one.rig_source,
        "marker_set": one.markers.name,
        "subject": {
            "mass_kg": one.subject.mass_kg,
            "mass_source": one.mass_source,
            "height_m": one.subject.height_m,
            "height_source": one.height_source,
            "sex": one.subject.sex,
        },
        "normalisation": {"nm_per_kg": "Nm / kg", "pct_bwht": "100 Nm / (kg * 9.81 m/s2 * m)"},
        "computed_with": _basis(one),
        "settings": json.loads(one.settings.model_dump_json()),
        "notes": list(one.notes),
        "events": [
            {"time_s": _or_null(float(row["time_s"])), "text": bytes(row["text"]).decode("utf-8", "replace")}
            for row in one.events
        ],
        "summary": summary(one),
        "steps": [_step(row) for row in one.steps],
    }


def _step(row: Rows) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name in COLUMNS:
        field = "kam_valid" if name == "valid" else name
        value = row[field]
        if name == "side":
            out[name] = SIDE_NAMES[int(value)]
        elif name == "flags":
            out[name] = flag_names(int(value))
        elif field in _YES_NO:
            out[name] = bool(value)
        elif STEP[field].kind == "i":
            out[name] = int(value)
        else:
            out[name] = _or_null(float(value))
    return out


def _or_null(value: float) -> float | None:
    return value if math.isfinite(value) else None
