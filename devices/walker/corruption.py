"""What faults do to samples on their way out. Everything here depends on a sample's index alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from devices.walker.faults import Fault
from devices.walker.reference import Array

Index = NDArray[np.int64]
YAW_DEG: Final = 2.0
SKEW_S: Final = 0.020
OFFSET_N: Final = 8.0
DRIFT_N_PER_S: Final = 5.0 / 60.0
SLIP_M: Final = np.array([0.006, -0.005, 0.00624])  # 10 mm: forward, down and to the side, no axis spared
HIDDEN_S, EVERY_S = 0.15, 0.8
SATURATED_N: Final = 600.0
_SHARE: Final = 0.02
_BURST: Final = 4


def _inside(fault: Fault, index: Index, rate: int) -> NDArray[np.bool_]:
    t = index / rate
    return np.asarray((t >= fault.start_s) & (t < fault.end_s))


def _cells(rows: NDArray[np.bool_], columns: list[int]) -> tuple[Index, Index]:
    return np.flatnonzero(rows)[:, None], np.array(columns)[None, :]


def corrupt_markers(
    values: Array, index: Index, rate: int, faults: Sequence[Fault], labels: Sequence[str], held: dict[int, Array]
) -> None:
    """Change marker rows in place. `held` keeps the last value of repeated_value between calls."""
    cube = values.reshape(len(values), -1, 3)
    for number, fault in enumerate(faults):
        rows = _inside(fault, index, rate)
        if fault.name == "repeated_value":
            _hold(cube, index, rows, fault, rate, [labels.index(name) for name in fault.touched], held, number)
        if not rows.any():
            continue
        which = [labels.index(name) for name in fault.touched]
        if fault.name == "zeros":
            cube[_cells(rows, which)] = 0.0
        elif fault.name == "nan_markers":
            cube[_cells(rows, which)] = np.nan
        elif fault.name == "occluded":
            cube[_cells(rows & ((index / rate) % EVERY_S < HIDDEN_S), which)] = np.nan
        elif fault.name == "slipped_marker":
            cube[_cells(rows, which)] += SLIP_M
        elif fault.name == "marker_swap":
            letter = "R" if fault.side > 0 else "L"
            pair = [labels.index(f"{letter}SH1"), labels.index(f"{letter}SH4")]
            cube[_cells(rows, pair)] = cube[_cells(rows, pair[::-1])]
        elif fault.name == "swapped_feet":
            other = [labels.index(("L" if name[0] == "R" else "R") + name[1:]) for name in labels]
            cube[rows] = cube[rows][:, other]
        elif fault.name == "yaw":
            c, s = np.cos(np.deg2rad(YAW_DEG)), np.sin(np.deg2rad(YAW_DEG))
            x, z = cube[rows, :, 0], cube[rows, :, 2]
            cube[rows, :, 0], cube[rows, :, 2] = c * x - s * z, s * x + c * z


def _hold(
    cube: Array,
    index: Index,
    rows: NDArray[np.bool_],
    fault: Fault,
    rate: int,
    which: list[int],
    held: dict[int, Array],
    number: int,
) -> None:
    last_good = max(int(np.ceil(fault.start_s * rate - 1e-9)) - 1, 0)
    if index[0] <= last_good <= index[-1]:
        held[number] = cube[last_good - index[0], which].copy()
    if rows.any():
        cube[_cells(rows, which)] = held[number]


@lru_cache(maxsize=8)
def _bursts(seed: int, block: int, rate: int) -> NDArray[np.bool_]:
    rng = np.random.default_rng([seed, 18, block])
    hit = rng.random(rate) < _SHARE / 2.5
    length = rng.integers(1, _BURST + 1, rate)
    out = np.zeros(rate, dtype=np.bool_)
    for first in np.flatnonzero(hit):
        out[first : first + length[first]] = True
    return out


def _hit(index: Index, rate: int, seed: int) -> NDArray[np.bool_]:
    blocks = index // rate
    out = np.zeros(len(index), dtype=np.bool_)
    for block in np.unique(blocks):
        here = blocks == block
        out[here] = _bursts(seed, int(block), rate)[index[here] - block * rate]
    return out


def sent(index: Index, rate: int, faults: Sequence[Fault], seed: int) -> Index:
    """The frames that really go out: some missing, some twice."""
    times = np.ones(len(index), dtype=np.int64)
    for fault in faults:
        if fault.name in ("lost_frames", "duplicated_frames"):
            hit = _inside(fault, index, rate) & _hit(index, rate, seed)
            times[hit] = 0 if fault.name == "lost_frames" else 2
    return np.repeat(index, times)


def force_index(index: Index, rate: int, faults: Sequence[Fault]) -> Index:
    """Which true sample a force sample shows: an earlier one while the stream is late."""
    source = index.copy()
    for fault in faults:
        if fault.name == "skew":
            source[_inside(fault, index, rate)] -= round(SKEW_S * rate)
    return source


def corrupt_forces(values: Array, index: Index, rate: int, faults: Sequence[Fault]) -> Array:
    """Plate channels, (n, 12), as the faults leave them."""
    for fault in faults:
        rows = _inside(fault, index, rate)
        if not rows.any():
            continue
        if fault.name == "swapped_plates":
            values[rows] = np.roll(values[rows], 6, axis=1)
        elif fault.name == "flipped_sign":
            plate = slice(6, 12) if fault.side > 0 else slice(0, 6)
            values[rows, plate] = -values[rows, plate]
        elif fault.name == "plate_offset":
            values[_cells(rows, [0, 1, 2, 6, 7, 8])] += OFFSET_N
        elif fault.name == "dead_channel":
            values[rows, 10 if fault.side > 0 else 4] = 0.0
        elif fault.name == "saturated":
            vertical = 8 if fault.side > 0 else 2
            values[rows, vertical] = np.clip(values[rows, vertical], -SATURATED_N, SATURATED_N)
        elif fault.name == "drift":
            grown = DRIFT_N_PER_S * (index[rows] / rate - fault.start_s)
            values[rows, 2] += grown
            values[rows, 8] += grown
    return values


def kept(index: Index, rate: int, faults: Sequence[Fault]) -> NDArray[np.bool_]:
    """False where the force stream is silent."""
    keep = np.ones(len(index), dtype=np.bool_)
    for fault in faults:
        if fault.name == "silent_forces":
            keep &= ~_inside(fault, index, rate)
    return keep
