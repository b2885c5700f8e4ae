"""LSL recordings (XDF, as LabRecorder writes them): raw stamps and measured clock offsets; the engine fits the clocks.

pyxdf reads the chunks and nothing else: its own de-jittering shifts the stamps of a camera stream by half a second
after a gap (DESIGN.md). Which stream is what is told by its type and its channels, as in the live lab.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from labfeedback.errors import BadFile
from labfeedback.exchange.trial import Stamped, Trial, TrialPlate, Vector
from labfeedback.layout import PLATE_CHANNELS, unit_named

# Rates that cameras and data acquisition run at: a stream that says 0 has one of them, or the one that is measured.
USUAL_HZ: Final = (50, 60, 100, 120, 150, 180, 200, 240, 250, 300, 360, 400, 480, 500, 600, 1000, 1200, 2000)
NEAR: Final = 0.03
LONGEST_PLATE_M: Final = 5.0


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream of the file. values: (n, channels). channels: (label, marker, type, unit) each."""

    name: str
    type: str
    rate_hz: float
    channels: tuple[tuple[str, str, str, str], ...]
    values: NDArray[Any]
    stamped: Stamped
    desc: Any

    @property
    def title(self) -> str:
        """For a sentence."""
        return f"{self.name!r} (type {self.type})"


def read_xdf(path: Path) -> Trial:
    """Markers and forces of a recording. Raises BadFile with what is there where they cannot be told."""
    streams = _streams(path)
    markers = _the_one(path, streams, "MoCap", lambda s: s.type.lower() == "mocap" and len(_markers(s)) >= 3)
    forces = _the_one(path, streams, "Force", lambda s: s.type.lower() == "force")
    notes = []
    others = [stream.title for stream in streams if stream not in (markers, forces)]
    if others:
        notes.append(f"other streams, not looked at: {', '.join(others)}")
    labels = _markers(markers)
    columns = np.array(list(labels.values()))
    units = {markers.channels[c][3] for c in columns.ravel()}
    if len(units) != 1 or not units <= {"m", "mm"}:
        raise BadFile(
            f"{path}: stream {markers.title} has units {', '.join(sorted(units)) or 'none'}, expected m or mm"
        )
    points = np.ascontiguousarray(markers.values[:, columns.ravel()], np.float32).reshape(-1, len(labels), 3)
    plates, why_not = _plates(forces)
    stamps = []
    for stream in (markers, forces):
        rate, told = _rate(path, stream)
        notes += told
        stamps.append(rate)
    notes += [_clock_note(stream) for stream in (markers, forces) if len(stream.stamped.offsets) > 1]
    return Trial(
        path=path,
        labels=tuple(labels),
        points=np.where((points == 0.0).all(axis=2, keepdims=True), np.float32(np.nan), points),
        point_unit=units.pop(),
        rate_hz=stamps[0],
        first_frame=1,
        plates=plates,
        analog_rate_hz=stamps[1],
        notes=tuple(notes),
        no_plates=why_not,
        stamps=(markers.stamped, forces.stamped),
    )


def _streams(path: Path) -> list[Stream]:
    import pyxdf  # only where one is read

    if not path.is_file():
        raise BadFile(f"{path}: no such file")
    try:
        found, _ = pyxdf.load_xdf(
            str(path), synchronize_clocks=False, dejitter_timestamps=False, handle_clock_resets=False, verbose=False
        )
    except Exception as error:  # pyxdf raises whatever its parsing stumbles over
        raise BadFile(f"{path}: cannot be read as an XDF file: {error}") from None
    return [_stream(item) for item in found]


def _stream(item: Any) -> Stream:
    info = item["info"]
    desc = (info.get("desc") or [None])[0] or {}
    listed = ((desc.get("channels") or [{}])[0] or {}).get("channel", [])
    channels = tuple(
        (_text(one, "label"), _text(one, "marker"), _text(one, "type"), unit_named(_text(one, "unit")))
        for one in listed
    )
    values = item["time_series"]
    times = np.asarray(item["time_stamps"], np.float64)
    if isinstance(values, list):  # strings
        values = np.zeros((len(times), 0))
    offsets = tuple(zip(map(float, item["clock_times"]), map(float, item["clock_values"]), strict=True))
    rate = float(_text(info, "nominal_srate") or 0.0)
    return Stream(_text(info, "name"), _text(info, "type"), rate, channels, values, Stamped(times, offsets), desc)


def _text(item: Any, key: str) -> str:
    value = item.get(key) if hasattr(item, "get") else None
    return str(value[0]).strip() if value and value[0] is not None else ""


def _the_one(path: Path, streams: list[Stream], kind: str, fits: Any) -> Stream:
    own = [stream for stream in streams if fits(stream) and len(stream.stamped.time_s)]
    if len(own) == 1:
        return own[0]
    there = ", ".join(f"{s.title}, {len(s.stamped.time_s)} samples" for s in streams) or "nothing"
    if not own:
        raise BadFile(f"{path}: no stream of type {kind} with samples and described channels; it has {there}")
    raise BadFile(f"{path}: {len(own)} streams of type {kind}, expected one; it has {there}. Export the one you mean")


def _markers(stream: Stream) -> dict[str, list[int]]:
    """Marker -> its three columns, in any order of the channels."""
    found: dict[str, dict[str, int]] = {}
    for index, (label, marker, kind, _) in enumerate(stream.channels):
        if kind.lower().startswith("position"):
            found.setdefault(marker or label[:-2], {})[kind[-1].upper()] = index
    return {name: [axes[x] for x in "XYZ"] for name, axes in found.items() if set("XYZ") <= set(axes)}


def _rate(path: Path, stream: Stream) -> tuple[float, list[str]]:
    """Nominal rate, or the usual one that is nearest to what is measured."""
    times = stream.stamped.time_s
    if len(times) < 10 or not times[-1] > times[0]:
        raise BadFile(f"{path}: stream {stream.title} has {len(times)} samples, too few for a walk")
    measured = (len(times) - 1) / float(times[-1] - times[0])
    if stream.rate_hz > 0:
        if not abs(measured / stream.rate_hz - 1.0) < 0.2:
            raise BadFile(
                f"{path}: stream {stream.title} says {stream.rate_hz:g} Hz, its stamps {measured:.4g} Hz: which is "
                "right?"
            )
        return stream.rate_hz, []
    usual = min(USUAL_HZ, key=lambda rate: abs(measured / rate - 1.0))
    rate = float(usual) if abs(measured / usual - 1.0) < NEAR else measured
    return rate, [f"stream {stream.name!r} gives no rate: {rate:g} Hz taken from its stamps ({measured:.2f} Hz)"]


def _clock_note(stream: Stream) -> str:
    from scipy.stats import theilslopes

    times, offsets = np.array(stream.stamped.offsets).T
    line = theilslopes(offsets, times)
    middle = float(np.median(offsets))
    return f"clock of {stream.name!r}: {1000 * middle:+.2f} ms to the recorder's, drifting {1e6 * line.slope:+.1f} ppm"


def _plates(stream: Stream) -> tuple[tuple[TrialPlate, ...], str]:
    """The plates with their columns; or none, and why."""
    described = _described(stream.desc)
    if not described:
        return (), f"stream {stream.title} does not say where its plates lie (desc/plates or desc/force_plates)"
    by_plate: dict[str, dict[str, int]] = {}
    for index, (label, *_) in enumerate(stream.channels):
        match = re.fullmatch(r"FP(\w+)_([FM][xyz])", label) or re.fullmatch(r"\w+\.([FM][xyz])(\w+)", label)
        if match:
            plate, name = match.groups() if label.startswith("FP") else match.groups()[::-1]
            by_plate.setdefault(plate, {})[name] = index
    complete = {
        plate: [at[n] for n in PLATE_CHANNELS] for plate, at in by_plate.items() if set(PLATE_CHANNELS) <= set(at)
    }
    if len(complete) != len(described):
        return (), f"stream {stream.title} describes {len(described)} plates and has channels of {len(complete)}"
    out = []
    for (plate, columns), (given, corners, origin) in zip(complete.items(), described, strict=True):
        units = {stream.channels[c][3] for c in columns[3:]}
        if units not in ({"Nm"}, {"Nmm"}) or {stream.channels[c][3] for c in columns[:3]} != {"N"}:
            return (), f"stream {stream.title}: units of plate {plate} are not N and Nm or Nmm"
        values = np.ascontiguousarray(stream.values[:, columns], np.float32)
        out.append(TrialPlate(given or plate, corners, origin, values, units.pop()))
    if len({plate.moment_unit for plate in out}) != 1:
        return (), f"stream {stream.title}: its plates have moments in different units"
    return tuple(out), ""


def _described(desc: Any) -> list[tuple[str, tuple[Vector, Vector, Vector, Vector], Vector]]:
    """(id, corners, origin) of each plate, m: our own description, or one in numbers and millimetres."""
    out = []
    for group in ("plates", "force_plates"):
        for plate in ((desc.get(group) or [{}])[0] or {}).get("plate", []):
            corners = _numbers(plate.get("corners"))
            origin = _numbers(plate.get("origin"))
            if len(corners) != 12 or len(origin) != 3:
                continue
            at = np.array(corners).reshape(4, 3)
            size = float(np.linalg.norm(np.diff(at, axis=0), axis=1).max())
            scale = 1e-3 if size > LONGEST_PLATE_M else 1.0
            c1, c2, c3, c4 = (_vector(scale * row) for row in at)
            out.append((_text(plate, "id"), (c1, c2, c3, c4), _vector(scale * np.array(origin))))
    return out


def _numbers(item: Any) -> list[float]:
    """All numbers of a description, text or x, y, z elements, in their order."""
    if item is None:
        return []
    if isinstance(item, str):
        return [float(word) for word in re.findall(r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?", item)]
    if isinstance(item, list):
        return [number for one in item for number in _numbers(one)]
    if hasattr(item, "get"):
        keys = ["corner"] if item.get("corner") else ["x", "y", "z"]
        return [number for key in keys for number in _numbers(item.get(key))]
    return []


def _vector(values: NDArray[np.float64]) -> Vector:
    x, y, z = (float(v) for v in values)
    return x, y, z
