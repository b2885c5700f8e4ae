"""Markers and forces in two files: TRC with OpenSim MOT or STO, TRC with Cortex .forces.

Both kinds of force file hold the result, force, centre of pressure and free moment, and no plate. Each of its loads
becomes a plate whose wrench is about the file's origin, so that nothing is lost or shifted; where the plate's edges are
is not known, and they are not judged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labfeedback.errors import BadFile
from labfeedback.exchange.text_tables import lines_of, numbers, on_a_grid
from labfeedback.exchange.trc import read_trc, trial_of
from labfeedback.exchange.trial import Trial, TrialPlate, Vector

Array = NDArray[np.float64]
LOADED_N: Final = 50.0
AROUND_M: Final = 0.15


@dataclass(frozen=True, slots=True)
class Load:
    """One plate's result in the file's frame: force (n, 3) N, cop (n, 3) m, moment about the COP (n, 3) Nm."""

    name: str
    force: Array
    cop: Array
    free: Array


def read_pair(path: Path) -> Trial:
    """`walk.trc+walk_grf.mot`: the second name is in the first's folder. Raises BadFile."""
    first, _, second = path.name.partition("+")
    points, forces = path.parent / first, path.parent / second
    if points.suffix.lower() != ".trc" or forces.suffix.lower() not in (".mot", ".sto", ".forces"):
        raise BadFile(f"{path}: expected markers and forces as in walk.trc+walk_grf.mot, or walk.trc+walk.forces")
    markers = read_trc(points)
    time, loads, rate = _cortex(forces) if forces.suffix.lower() == ".forces" else _opensim(forces)
    notes = list(markers.notes)
    if forces.suffix.lower() == ".forces":
        time = time + markers.start_s  # a .forces file counts samples; both start together
    last = markers.start_s + (len(markers.points) - 1) / markers.rate_hz
    if time[0] > markers.start_s + 1.0 / markers.rate_hz or time[-1] < last - 1.0 / markers.rate_hz:
        notes.append(
            f"forces cover {time[0]:.2f}-{time[-1]:.2f} s, markers {markers.start_s:.2f}-{last:.2f} s: steps outside "
            "both are withheld"
        )
    # The engine counts both streams from the first frame.
    shift = round((markers.start_s - time[0]) * rate)
    up = _up(forces, loads)
    plates = []
    for index, load in enumerate(loads, 1):
        plate = _plate(str(index), load, up, shift)
        if plate is None:
            notes.append(f"load {load.name} never exceeds {LOADED_N:.0f} N: left out")
        else:
            plates.append(plate)
    if plates:
        notes.append("the files do not say where the plates' edges are: belt_edge is not checked")
    return replace(
        trial_of(path, markers),
        plates=tuple(plates),
        analog_rate_hz=rate,
        notes=tuple(notes),
        no_plates="" if plates else f"no load in {forces.name} ever exceeds {LOADED_N:.0f} N",
    )


def _opensim(path: Path) -> tuple[Array, list[Load], float]:
    """MOT or STO with columns such as ground_force_1_vx, 1_ground_force_px, ground_torque_1_y."""
    lines = lines_of(path)
    end = next((i for i, line in enumerate(lines) if line.strip().lower() == "endheader"), None)
    if end is None or end + 1 >= len(lines):
        raise BadFile(f"{path}: no line 'endheader': is it an OpenSim MOT or STO file?")
    said = dict(part.split("=", 1) for line in lines[:end] if "=" in line for part in [line.strip().replace(" ", "")])
    for line in lines[:end]:
        words = line.split()
        if len(words) == 2 and words[0] in ("nRows", "nColumns"):
            said[words[0]] = words[1]
    start = end + 1
    while start < len(lines) and not lines[start].strip():
        start += 1
    columns = lines[start].split()
    table = numbers(path, lines, start + 1, len(columns))
    if said.get("nRows", str(len(table))) != str(len(table)):
        raise BadFile(f"{path}: nRows says {said['nRows']}, it has {len(table)} rows: cut off? export it again")
    if columns[0].lower() != "time":
        raise BadFile(f"{path}: its first column is {columns[0]!r}, expected time")
    at = {name: index for index, name in enumerate(columns)}
    loads = []
    for name in columns:
        match = re.fullmatch(r"(.*)_vx", name)
        if not match:
            continue
        stem = match[1]
        torque = stem.replace("force", "torque") if "force" in stem else stem.replace("f", "m", 1)
        wanted = [
            [f"{stem}_v{axis}" for axis in "xyz"], [f"{stem}_p{axis}" for axis in "xyz"],
            [next((t for t in (f"{torque}_{axis}", f"{torque}_m{axis}") if t in at), "") for axis in "xyz"],
        ]  # fmt: skip
        missing = [column for column in (*wanted[0], *wanted[1]) if column not in at]
        if missing or "" in wanted[2]:
            raise BadFile(f"{path}: load {stem!r} lacks {', '.join(missing) or torque + '_x/y/z'}")
        force, cop, free = (table[:, [at[column] for column in group]] for group in wanted)
        loads.append(Load(stem, force, cop, free))
    if not loads:
        raise BadFile(
            f"{path}: no columns of a ground force (..._vx, ..._px, ..._torque_x): has {', '.join(columns[:8])}"
        )
    rate, place = on_a_grid(path, table[:, 0])
    # A row that is missing is no number: steps that touch it are withheld.
    full = np.full((int(place[-1]) + 1, 3), np.nan)

    def filled(values: Array) -> Array:
        out = full.copy()
        out[place] = values
        return out

    loads = [_in_metres(path, load) for load in loads]
    loads = [Load(load.name, filled(load.force), filled(load.cop), filled(load.free)) for load in loads]
    return table[0, 0] + np.arange(len(full)) / rate, loads, rate


def _cortex(path: Path) -> tuple[Array, list[Load], float]:
    """Motion Analysis .forces: FX FY FZ N, X Y Z mm, MZ Nmm about the vertical, for each plate."""
    lines = lines_of(path)
    if not lines or lines[0].strip() != "[Force Data]":
        raise BadFile(f"{path}: its first line is not [Force Data]: is it a Cortex .forces file?")
    said = dict(line.split("=", 1) for line in lines[1:6] if "=" in line)
    try:
        plates, rate = int(said["NumberOfForcePlates"]), float(said["SampleRate"])
        rows = int(said["NumberOfSamples"])
    except (KeyError, ValueError) as error:
        raise BadFile(f"{path}: its header lacks, or has no number for, {error}") from None
    start = next((i for i, line in enumerate(lines) if line.startswith("#Sample")), None)
    if start is None:
        raise BadFile(f"{path}: no line that begins with #Sample")
    columns = lines[start].split()
    expected = ["#Sample"] + [
        f"{name}{k}" for k in range(1, plates + 1) for name in ("FX", "FY", "FZ", "X", "Y", "Z", "MZ")
    ]
    if columns != expected:
        raise BadFile(
            f"{path}: columns {' '.join(columns[:8])} ..., expected {' '.join(expected[:8])} ... of {plates} plates"
        )
    table = numbers(path, lines, start + 1, len(columns))
    if len(table) != rows:
        raise BadFile(f"{path}: NumberOfSamples says {rows}, it has {len(table)}: cut off? export it again")
    loads = []
    for k in range(plates):
        part = table[:, 1 + 7 * k : 8 + 7 * k]
        free = np.zeros((rows, 3))
        free[:, _axis_of(part[:, :3])] = 1e-3 * part[:, 6]
        loads.append(Load(str(k + 1), part[:, :3], 1e-3 * part[:, 3:6], free))
    return np.arange(rows) / rate, loads, rate


def _axis_of(force: Array) -> int:
    return int(np.argmax(np.abs(force).sum(axis=0)))


def _up(path: Path, loads: list[Load]) -> int:
    """The file's vertical axis: the one that bears the weight."""
    total = np.sum([np.nansum(np.abs(load.force), axis=0) for load in loads], axis=0)
    axis = int(np.argmax(total))
    if not total[axis] > 0:
        return 1
    if sum(float(np.nansum(load.force[:, axis])) for load in loads) < 0:
        raise BadFile(f"{path}: its forces push down: they are the forces on the plates. Export those on the person")
    if axis == 0:
        raise BadFile(f"{path}: the weight lies on x; expected y or z upwards")
    return axis


def _in_metres(path: Path, load: Load) -> Load:
    """OpenSim's files are in m and Nm; some exports keep mm and Nmm. A COP beyond 20 m tells."""
    loaded = np.abs(load.force).max(axis=1) > LOADED_N
    if not loaded.any():
        return load
    reach = float(np.nanmax(np.abs(load.cop[loaded])))
    if not np.isfinite(load.cop[loaded]).all() or not np.isfinite(load.free[loaded]).all():
        raise BadFile(f"{path}: load {load.name}: a centre of pressure or moment that is no number under load")
    return load if reach < 20.0 else Load(load.name, load.force, 1e-3 * load.cop, 1e-3 * load.free)


def _plate(name: str, load: Load, up: int, shift: int) -> TrialPlate | None:
    """A plate around the loaded COP whose transducer is the file's origin; None if never loaded.

    shift: samples to drop (negative: to put in front, as NaN) so that the first one falls on the first marker frame.
    """
    loaded = load.force[:, up] > LOADED_N
    if not loaded.any():
        return None
    moment = np.cross(load.cop, load.force) + load.free
    moment[(load.force == 0.0).all(axis=1)] = 0.0  # a COP without a load is anything
    axes = np.zeros((3, 3))  # columns: plate x, y, z; z points down
    axes[0, 0] = 1.0
    other = 3 - up
    axes[other, 1] = 1.0 if up == 1 else -1.0
    axes[up, 2] = -1.0
    channels = np.hstack([load.force @ axes, moment @ axes])
    if shift > 0:
        channels = channels[shift:]
    elif shift < 0:
        channels = np.vstack([np.full((-shift, 6), np.nan), channels])
    cop = load.cop[loaded]
    low, high = cop.min(axis=0) - AROUND_M, cop.max(axis=0) + AROUND_M
    height = float(np.median(cop[:, up]))
    centre = 0.5 * (low + high)
    centre[up] = height
    half = 0.5 * (high - low)

    def corner(x: float, y: float) -> Vector:
        at = centre + x * half[0] * axes[:, 0] + y * half[other] * axes[:, 1]
        return float(at[0]), float(at[1]), float(at[2])

    origin = axes.T @ -centre
    return TrialPlate(
        id=name,
        corners_m=(corner(1, 1), corner(-1, 1), corner(-1, -1), corner(1, -1)),
        origin_m=(float(origin[0]), float(origin[1]), float(origin[2])),
        channels=np.ascontiguousarray(channels).astype(np.float32),
        moment_unit="Nm",
        edges_known=False,
    )
