"""Step rows as the CSV table that a lab's spreadsheet and the other programs read."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from labfeedback.errors import BadSetup
from labfeedback.records import SIDE_NAMES, STEP, Rows, flag_names

_FIRST: Final = (
    "side",
    "start_s",
    "end_s",
    "valid",  # the moment may be used (kam_valid)
    "fpa_valid",
    "flags",
    "fpa_deg",
    "fpa_early_deg",
    "kam1_nm",
    "kam2_nm",
    "kam1_nm_per_kg",
    "kam2_nm_per_kg",
    "kam1_pct_bwht",
    "kam2_pct_bwht",
    "kam1_stance_pct",
    "kam2_stance_pct",
    "kam2_is_peak",
    "kam_impulse_pct_bwht_s",
    "kfm_nm",
    "kam1_leverarm_nm",
    "kam2_leverarm_nm",
)
COLUMNS: Final = _FIRST + tuple(name for name in STEP.names or () if name not in (*_FIRST, "kam_valid"))
_TIMES: Final = ("start_s", "end_s", "known_s")
_YES_NO: Final = ("kam_valid", "fpa_valid", "kam2_is_peak")


def write_steps(path: Path | str, rows: Rows, t0: float = 0.0, basis: Mapping[str, str] | None = None) -> None:
    """One line per step of dtype `records.STEP`, columns `COLUMNS`; times count from `t0` (s, the rows' clock).

    basis: further columns that say, on every line, what the moments were computed with (`engine.start.basis`).
    Numbers carry ten significant digits, times microseconds; what is withheld or not measured is empty.
    Raises BadSetup when the file cannot be written.
    """
    said = basis or {}
    _write(path, [*COLUMNS, *said], [[*cells(row, t0), *said.values()] for row in rows])


def write_steps_of_files(path: Path | str, files: Sequence[tuple[str, Rows, float, Mapping[str, str]]]) -> None:
    """Steps of several files as (name, rows, t0, basis), each as in `write_steps`, with a first column `file`.

    All bases have the same names.
    """
    lines = [[name, *cells(row, t0), *said.values()] for name, rows, t0, said in files for row in rows]
    _write(path, ["file", *COLUMNS, *(files[0][3] if files else ())], lines)


def _write(path: Path | str, header: list[str], lines: list[list[str]]) -> None:
    try:
        with Path(path).open("w", newline="", encoding="utf-8") as file:
            out = csv.writer(file)
            out.writerow(header)
            out.writerows(lines)
    except OSError as error:
        raise BadSetup(
            f"The step table could not be written to {path} ({error.strerror}). Choose a folder that exists and may be "
            "written to, and close the file if a spreadsheet has it open."
        ) from error


def cells(row: Rows, t0: float = 0.0) -> list[str]:
    """One step as text, in the order of `COLUMNS`."""
    return [_cell(row, "kam_valid" if name == "valid" else name, t0) for name in COLUMNS]


def _cell(row: Rows, name: str, t0: float) -> str:
    value = row[name]
    if name == "side":
        return SIDE_NAMES[int(value)]
    if name == "flags":
        return flag_names(int(value))
    if name in _YES_NO:
        return "true" if value else "false"
    if STEP[name].kind == "i":
        return str(int(value))
    if math.isnan(value):
        return ""
    return f"{value - t0:.6f}" if name in _TIMES else f"{value:.10g}"
