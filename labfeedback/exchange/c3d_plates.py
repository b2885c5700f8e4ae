"""The FORCE_PLATFORM group of a C3D file: corners, origins, channels and their real units."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from labfeedback.exchange import c3d_plate_types
from labfeedback.exchange.trial import TrialPlate

_WANTED = ("USED", "TYPE", "CORNERS", "ORIGIN", "CHANNEL")
_LOADED_N = 100.0
_BELOW_M = 1e-4  # a transducer origin that is nearer to the surface lies in it


def read_plates(
    parameters: dict[str, dict[str, Any]], analogs: NDArray[np.float64], to_m: float, notes: list[str]
) -> tuple[tuple[TrialPlate, ...], str]:
    """The plates, or none and the sentence that says why.

    analogs: (channels, n). to_m: metres per unit of POINT:UNITS, which corners and origins normally share.
    """
    group = parameters.get("FORCE_PLATFORM", {})
    values = {name: np.asarray(group.get(name, {}).get("value", [])) for name in _WANTED}
    used = int(values["USED"].ravel()[0]) if values["USED"].size else 0
    if used < 1:
        return (), "the file describes no force plates (no FORCE_PLATFORM group, or USED is 0)"
    types = [int(v) for v in values["TYPE"].ravel()[:used]]
    if len(types) < used:
        return (), "the force plates have no TYPE in the file"
    for kind in types:
        if kind not in c3d_plate_types.CHANNELS:
            return (), f"plate type {kind} is not supported: expected TYPE {c3d_plate_types.NAMES}"
    needed = max(c3d_plate_types.CHANNELS[kind] for kind in types)
    for name, shape in (("CORNERS", (3, 4)), ("ORIGIN", (3,)), ("CHANNEL", (needed,))):
        array = values[name]
        fits = array.shape[:-1] == shape or (name == "CHANNEL" and array.ndim == 2 and len(array) >= needed)
        if array.size < used * int(np.prod(shape)) or not fits or not np.isfinite(array).all():
            return (), f"the force plates have no {name} in the file (FORCE_PLATFORM:{name} is missing or too short)"
    channels = [values["CHANNEL"][: c3d_plate_types.CHANNELS[kind], i].astype(int) for i, kind in enumerate(types)]
    low, high = min(int(c.min()) for c in channels), max(int(c.max()) for c in channels)
    if low < 1 or high > len(analogs):
        found = low if low < 1 else high
        return (), f"FORCE_PLATFORM:CHANNEL names analog channel {found}, the file has {len(analogs)}"
    matrices, why_not = c3d_plate_types.matrices(group, types)
    if why_not:
        return (), why_not
    zero = [int(v) for v in np.asarray(group.get("ZERO", {}).get("value", [])).ravel()[:2]]
    if len(zero) == 2 and 1 <= zero[0] <= zero[1]:
        notes.append(f"FORCE_PLATFORM:ZERO asks to zero the plates from frames {zero[0]}-{zero[1]}: not applied")
    corners, scale = values["CORNERS"][..., :used].astype(np.float64), to_m
    sides = np.linalg.norm(np.diff(corners, axis=1), axis=0)
    if not 0.1 <= sides.max() * scale <= 5.0:
        other = [size for size in (1.0, 1e-2, 1e-3) if 0.1 <= sides.max() * size <= 5.0]
        if not other or sides.max() == 0:
            return (), f"the force plates' corners are {sides.max():.4g} apart, which is no plate in any unit"
        scale = other[0] if len(other) == 1 else other[-1]
        notes.append(f"the plates' corners are not in POINT:UNITS; taken as {scale:g} m per unit")
    if sides.min() * scale < 0.05:
        return (), "the force plates' corners are missing (they lie in one point)"
    origins = [values["ORIGIN"][:, i].astype(np.float64) for i in range(used)]
    raw = [
        c3d_plate_types.wrench(kind, analogs[rows - 1].T, origins[i], matrices[i]).astype(np.float32)
        for i, (kind, rows) in enumerate(zip(types, channels, strict=True))
    ]
    if set(types) == {2}:
        unit = _moment_unit(parameters, raw, np.stack(channels, axis=1), notes)
    else:  # what was computed from volts, places or single transducers has moments in N and the file's length
        unit = _moment_unit({}, raw, np.zeros((6, 0), int), notes)
    return (
        tuple(
            TrialPlate(
                id=str(i + 1),
                corners_m=_corners(corners[:, :, i] * scale),
                origin_m=_vector(_to_origin(types[i], origins[i] * scale, str(i + 1), notes)),
                channels=raw[i],
                moment_unit=unit,
            )
            for i in range(used)
        ),
        "",
    )


def _to_origin(kind: int, origin_m: NDArray[np.float64], plate: str, notes: list[str]) -> NDArray[np.float64]:
    """(3,) m from the surface's centre to the point that the moments are about, plate frame (z down).

    The C3D standard has the vector from that point to the surface; many systems write its negative. A transducer lies
    below the surface, so its sign tells which; in the surface itself both mean what those systems write.
    """
    if kind == 1:
        return np.zeros(3)  # the file gives the centre of pressure on the surface
    if kind == 3:
        return np.array([0.0, 0.0, abs(origin_m[2])])  # the other two are the transducers' distances
    if origin_m[2] < -_BELOW_M:
        notes.append(f"plate {plate}: ORIGIN points from the transducer to the surface, as the C3D standard has it")
        return -origin_m
    return origin_m


def _vector(values: NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = (round(float(v), 9) for v in values)
    return (x, y, z)


def _corners(
    values: NDArray[np.float64],
) -> tuple[
    tuple[float, float, float], tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]
]:
    c1, c2, c3, c4 = (_vector(values[:, k]) for k in range(4))
    return (c1, c2, c3, c4)


def _moment_unit(
    parameters: dict[str, dict[str, Any]],
    raw: list[NDArray[np.float32]],
    channels: NDArray[np.int_],
    notes: list[str],
) -> str:
    """Nm or Nmm, by size: moments about an origin within 3 m of a load are below 3 Nm, or 3000 Nmm, a newton.

    The labels cannot be trusted: they may say V for computed values, or lose a letter.
    """
    units = [str(u).strip() for u in np.asarray(parameters.get("ANALOG", {}).get("UNITS", {}).get("value", [])).ravel()]
    said = {units[i - 1] for i in channels[3:].ravel() if i <= len(units)}
    label = said.pop() if len(said) == 1 else ""
    computed = not channels.size  # labels are of what was measured, not of these
    ratios = []
    for plate in raw:
        loaded = plate[np.abs(plate[:, 2]) > _LOADED_N].astype(np.float64)
        if len(loaded):
            ratios.append(np.median(np.hypot(loaded[:, 3], loaded[:, 4]) / np.abs(loaded[:, 2])))
    if not ratios:
        notes.append(f"no plate carries more than {_LOADED_N:.0f} N")
        return "Nm" if label == "Nm" else "Nmm"
    unit = "Nmm" if max(ratios) > 3.0 else "Nm"
    forces = {units[i - 1] for i in channels[:3].ravel() if i <= len(units)}
    if not computed and (label != unit or forces != {"N"}):
        written = "/".join(sorted({*forces, label} - {""})) or "nothing"
        notes.append(f"ANALOG:UNITS says {written} for the plates; by their size they are N and {unit}")
    return unit
