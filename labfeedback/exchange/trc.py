"""Markers in TRC files, as OpenSim, Cortex and Nexus write them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labfeedback.errors import BadFile
from labfeedback.exchange.text_tables import lines_of, numbers, on_a_grid
from labfeedback.exchange.trial import METRES, Trial


@dataclass(frozen=True, slots=True)
class Markers:
    """points: (n, m, 3) float32 in `unit`, NaN where missing. start_s: time of the first row."""

    labels: tuple[str, ...]
    points: NDArray[np.float32]
    unit: str
    rate_hz: float
    start_s: float
    first_frame: int
    doubled: frozenset[str]
    notes: tuple[str, ...]


def read_trc(path: Path) -> Markers:
    """Read a TRC file. Raises BadFile where header and rows do not agree."""
    lines = lines_of(path)
    if len(lines) < 6 or not lines[0].startswith("PathFileType"):
        raise BadFile(f"{path}: no TRC file (its first line does not begin with PathFileType)")
    header = dict(zip(lines[1].split("\t"), (cell.strip() for cell in lines[2].split("\t")), strict=False))
    header = {key.strip(): value for key, value in header.items()}
    try:
        said_rate, frames = float(header["DataRate"]), int(float(header["NumFrames"]))
        count, unit = int(header["NumMarkers"]), header["Units"].strip().lower()
    except (KeyError, ValueError) as error:
        raise BadFile(
            f"{path}: its header lacks, or has no number for, {error}; expected DataRate, NumFrames ..."
        ) from None
    if unit not in METRES:
        raise BadFile(f"{path}: unit {unit!r}, expected m or mm")
    labels = [name.strip() for name in lines[3].split("\t")[2:] if name.strip()]  # one name over three columns
    notes = []
    if len(labels) < count:
        raise BadFile(f"{path}: NumMarkers says {count}, the header names {len(labels)}; export it again")
    if len(labels) > count:
        notes.append(f"NumMarkers says {count}, the header names {len(labels)}: the rest are points that were computed")
        count = len(labels)
    table = numbers(path, lines, 5, 2 + 3 * count, "\t")
    if len(table) != frames:
        raise BadFile(f"{path}: NumFrames says {frames}, it has {len(table)} rows: cut off? export it again")
    if not np.isfinite(table[:, :2]).all():
        raise BadFile(f"{path}: a row without frame number or time")
    rate, place = on_a_grid(path, table[:, 1], said_rate)
    points = np.full((int(place[-1]) + 1, count, 3), np.nan)
    points[place] = table[:, 2:].reshape(frames, count, 3)
    if len(points) > frames:
        notes.append(f"{len(points) - frames} frames are missing")
    points[(points == 0.0).all(axis=2)] = np.nan
    points[np.isnan(points).any(axis=2)] = np.nan
    seen: dict[str, int] = {}
    keep, doubled = [], set()
    for index, label in enumerate(labels):
        if label in seen:
            doubled.add(label)
        elif label:
            seen[label] = index
            keep.append(index)
    if doubled:
        notes.append(f"{len(doubled)} labels are there more than once: {', '.join(sorted(doubled))}")
    return Markers(
        tuple(labels[i] for i in keep),
        np.ascontiguousarray(points[:, keep]).astype(np.float32),
        unit,
        rate,
        float(table[0, 1]),
        int(table[0, 0]),
        frozenset(doubled),
        tuple(notes),
    )


def trial_of(path: Path, markers: Markers) -> Trial:
    """Markers without forces as a trial: a static one, or a walk whose forces are elsewhere."""
    return Trial(
        path=path,
        labels=markers.labels,
        points=markers.points,
        point_unit=markers.unit,
        rate_hz=markers.rate_hz,
        first_frame=markers.first_frame,
        plates=(),
        analog_rate_hz=markers.rate_hz,
        doubled=markers.doubled,
        notes=markers.notes,
        no_plates=f"a TRC file has no forces; name both files, as in {path.name}+forces.mot",
    )
