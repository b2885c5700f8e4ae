"""C3D files in. `c3d_header` has checked the sizes before ezc3d reads the data; nothing is believed silently."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labfeedback.errors import BadFile
from labfeedback.exchange.c3d_header import Shape, inspect
from labfeedback.exchange.c3d_plates import read_plates
from labfeedback.exchange.trial import Event, Trial

_MODEL_OUTPUTS = ("ANGLES", "FORCES", "MOMENTS", "POWERS", "SCALARS", "REACTIONS")
Parameters = dict[str, dict[str, Any]]


def read_c3d(path: Path) -> Trial:
    """Read a C3D file.

    Raises BadFile if it is none, is cut, or contradicts itself in a way that its length does not settle. Missing or
    unsupported plates do not raise: the trial then has none and says why.
    """
    shape = inspect(path)
    import ezc3d  # 0.2 s to import: only where a file is really read

    try:
        file = ezc3d.c3d(str(path))
    except Exception as error:  # ezc3d raises OSError, RuntimeError, ValueError and IndexError alike
        raise BadFile(f"{path}: damaged C3D file: {error}") from None
    points, analogs = file["data"]["points"], file["data"]["analogs"][0]
    notes = list(shape.notes)
    if points.shape[1:] != (shape.points, shape.frames) or analogs.shape[1] != shape.frames * (
        shape.analog_per_frame if len(analogs) else 0
    ):
        raise BadFile(
            f"{path}: the file's length holds {shape.frames} frames of {shape.points} points, the reader found "
            f"{points.shape[2]} frames of {points.shape[1]} points and {analogs.shape[1]} analog samples: "
            "export the file again"
        )
    parameters: Parameters = file["parameters"]
    labels, doubled = _labels(parameters, shape, notes)
    values = _points(file, labels)
    keep = [i for i, label in enumerate(labels) if label not in _model_outputs(parameters)]
    labels, values = [labels[i] for i in keep], np.ascontiguousarray(values[:, keep])
    values, unit, to_m = _point_unit(path, values, _text(parameters, "POINT", "UNITS"), notes)
    found, why_not = read_plates(parameters, analogs, to_m, notes)
    mass, height = _person(parameters)
    return Trial(
        path=path,
        labels=tuple(labels),
        points=values,
        point_unit=unit,
        rate_hz=shape.rate_hz,
        first_frame=shape.first_frame,
        plates=found,
        analog_rate_hz=shape.rate_hz * shape.analog_per_frame,
        events=_events(parameters, shape),
        mass_kg=mass,
        height_m=height,
        notes=tuple(notes),
        doubled=doubled,
        no_plates=why_not,
    )


def _list(parameters: Parameters, group: str, name: str) -> list[Any]:
    return list(np.asarray(parameters.get(group, {}).get(name, {}).get("value", [])).ravel())


def _text(parameters: Parameters, group: str, name: str) -> str:
    values = _list(parameters, group, name)
    return str(values[0]).strip() if values else ""


def _labels(parameters: Parameters, shape: Shape, notes: list[str]) -> tuple[list[str], frozenset[str]]:
    """All labels, also those beyond 255 (LABELS2 ...), made unique."""
    labels: list[str] = []
    for suffix in ("", *range(2, 100)):
        more = [str(label).strip() for label in _list(parameters, "POINT", f"LABELS{suffix}")]
        if suffix and not more:
            break
        labels += more
    if len(labels) < shape.points:
        notes.append(f"{shape.points - len(labels)} of {shape.points} points have no label")
        labels += [f"point{i + 1}" for i in range(len(labels), shape.points)]
    labels = [label or f"point{i + 1}" for i, label in enumerate(labels[: shape.points])]
    prefixes = {label.split(":")[0] for label in labels if ":" in label}
    if len(prefixes) == 1:  # one subject's name before every marker
        labels = [label.split(":", 1)[-1] for label in labels]
    seen: dict[str, int] = {}
    unique = []
    for label in labels:
        seen[label] = seen.get(label, 0) + 1
        unique.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    doubled = frozenset(label for label, count in seen.items() if count > 1)
    if doubled:
        notes.append(f"labels used more than once: {', '.join(sorted(doubled))}")
    return unique, doubled


def _points(file: Any, labels: list[str]) -> NDArray[np.float32]:
    """(n, m, 3) in the file's unit; NaN where the file has no value, a negative residual, or exactly 0, 0, 0."""
    values: NDArray[np.float32] = np.transpose(file["data"]["points"][:3], (2, 1, 0)).astype(np.float32)
    residuals = file["data"]["meta_points"]["residuals"]
    missing = (values == 0.0).all(axis=2) | ~np.isfinite(values).all(axis=2)
    if residuals.size == len(values) * len(labels):
        missing |= residuals.reshape(len(labels), len(values)).T < 0
    values[missing] = np.nan
    return values


def _model_outputs(parameters: Parameters) -> frozenset[str]:
    """Points that are no positions: a vendor model's angles, forces, moments, powers."""
    return frozenset(str(label).strip() for name in _MODEL_OUTPUTS for label in _list(parameters, "POINT", name))


def _point_unit(
    path: Path, values: NDArray[np.float32], said: str, notes: list[str]
) -> tuple[NDArray[np.float32], str, float]:
    """Values, their unit (m or mm), and metres per unit of the file, by the size of a person where the label lies.

    The markers of a person spread over 0.2 to 3 m; the three units that exist lie a factor 10 or more apart.
    """
    spread = np.nan
    with np.errstate(invalid="ignore"):
        seen = np.isfinite(values).all(axis=2)
        rows = np.flatnonzero(seen.sum(axis=1) >= 3)
        if len(rows):
            some = values[rows[:: max(1, len(rows) // 200)]]
            spread = float(np.median(np.nanmax(some, axis=1) - np.nanmin(some, axis=1), axis=0).max())
    sizes = {"mm": 1e-3, "cm": 1e-2, "m": 1.0}
    if not np.isfinite(spread):
        notes.append("no frame has three visible markers")
        return values, "mm" if said != "m" else "m", sizes.get(said, 1e-3)
    plausible = [unit for unit, size in sizes.items() if 0.2 <= spread * size <= 3.0]
    if said in sizes and (said in plausible or not plausible):
        unit = said
    elif plausible:
        unit = plausible[0]  # two fit only for a spread of 0.2-0.3 m in the finer one: mm is what labs export
        notes.append(
            f"POINT:UNITS says {said!r}, but the markers spread over {spread:.4g}: taken as {unit}, "
            f"a spread of {spread * sizes[unit]:.2f} m"
        )
    else:
        raise BadFile(
            f"{path}: POINT:UNITS says {said!r} and the markers spread over {spread:.4g}: no unit fits a person"
        )
    if unit == "cm":
        return values * np.float32(0.01), "m", 0.01
    return values, unit, sizes[unit]


def _events(parameters: Parameters, shape: Shape) -> tuple[Event, ...]:
    """File times are absolute, minutes and seconds; frame f is at (f - 1) / rate."""
    times = np.asarray(parameters.get("EVENT", {}).get("TIMES", {}).get("value", []), dtype=np.float64)
    if times.ndim != 2 or times.shape[0] != 2:
        return ()
    labels = [str(v).strip() for v in _list(parameters, "EVENT", "LABELS")]
    contexts = [str(v).strip() for v in _list(parameters, "EVENT", "CONTEXTS")]
    start = (shape.first_frame - 1) / shape.rate_hz
    events = (
        Event(float(60 * minutes + seconds) - start, label, context)
        for (minutes, seconds), label, context in zip(times.T, labels, contexts, strict=False)
    )
    return tuple(sorted(events, key=lambda event: event.time_s))


def _person(parameters: Parameters) -> tuple[float | None, float | None]:
    """Mass in kg and height in m, where a vendor stored plausible ones (0 means not measured)."""
    by_name = {
        name.upper(): entry.get("value")
        for name, entry in parameters.get("PROCESSING", {}).items()
        if name != "__METADATA__"
    }

    def first(name: str) -> float:
        value = np.asarray(by_name.get(name, [0.0])).ravel()
        return float(value[0]) if len(value) and value.dtype.kind in "fiu" else 0.0

    mass, height = first("BODYMASS"), first("HEIGHT")
    height = height / 1000 if height > 3 else height
    return (mass if 20 <= mass <= 250 else None), (height if 0.9 <= height <= 2.3 else None)
