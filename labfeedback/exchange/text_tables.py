"""Tables of numbers in text files, read strictly: a cell that is no number is told with its line, never skipped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labfeedback.errors import BadFile

Array = NDArray[np.float64]


def lines_of(path: Path) -> list[str]:
    """The file's lines without their ends. Raises BadFile where it cannot be read as text."""
    try:
        return path.read_text(encoding="utf-8", errors="strict").splitlines()
    except FileNotFoundError:
        raise BadFile(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile(f"{path}: cannot be read as text: {error}. Is it another kind of file?") from None


def numbers(path: Path, lines: list[str], first: int, columns: int, separator: str | None = None) -> Array:
    """(rows, columns) of the lines from index `first` on; empty cells and missing ones at the end are NaN.

    separator: None for any white space. Raises BadFile for a cell that is no number, or a line with too many cells.
    """
    rows = []
    for number, line in enumerate(lines[first:], first + 1):
        if not line.strip():
            continue
        cells = line.rstrip("\r\n").split(separator)
        while len(cells) > columns and not cells[-1].strip():
            cells.pop()
        if len(cells) > columns:
            raise BadFile(f"{path}, line {number}: {len(cells)} cells, the header names {columns}")
        try:
            row = [float(cell) if cell.strip() else np.nan for cell in cells]
        except ValueError:
            bad = next(cell for cell in cells if cell.strip() and not _is_number(cell))
            raise BadFile(f"{path}, line {number}: {bad.strip()[:20]!r} is no number; export the file again") from None
        rows.append(row + [np.nan] * (columns - len(row)))
    if not rows:
        raise BadFile(f"{path}: no rows of numbers after its header")
    return np.array(rows)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def on_a_grid(path: Path, time: Array, said_hz: float = np.nan) -> tuple[float, NDArray[np.int64]]:
    """Rate in Hz of a time column, and the place of each row on a grid of that rate, counted from the first.

    said_hz: what the header says, if it does. A few rows may be missing; times may be rounded to a few decimals. Raises
    BadFile where the times do not rise, lie on no grid, or contradict the header.
    """
    if len(time) < 2 or not np.isfinite(time).all():
        raise BadFile(f"{path}: its time column has holes, or fewer than two rows")
    lapse = np.diff(time)
    if not lapse.min() > 0:
        worst = int(np.argmin(lapse))
        raise BadFile(f"{path}: its time does not rise after {time[worst]:g} s")
    measured = (len(time) - 1) / float(time[-1] - time[0])
    for rate in (said_hz, 1.0 / float(np.median(lapse)), measured):
        if not rate > 0:
            continue
        place = np.rint((time - time[0]) * rate).astype(np.int64)
        steps = np.diff(place)
        off = np.abs((time - time[0]) * rate - place)
        if steps.min() >= 1 and off.max() < 0.3 and (steps > 1).sum() <= 0.02 * len(time):
            return round(float(rate), 6), place
        if rate == said_hz and abs(measured - said_hz) > 0.05 * said_hz:
            raise BadFile(f"{path}: its header says {said_hz:g} Hz, its time column {measured:g} Hz: which is right?")
    worst = int(np.argmax(lapse))
    raise BadFile(f"{path}: its time steps by {lapse[worst]:g} s at {time[worst]:g} s, expected {1 / measured:g} s")
