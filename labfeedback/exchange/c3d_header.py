"""What a C3D file says about its own size, read and cross-checked before any reader is trusted with it.

A C3D file tells its number of points and frames twice (header and parameters) and a third time by its length. Common
readers believe one of them and silently return fewer frames of a cut file. Here the length decides, and every
disagreement is either resolved by it and said, or refused. Format: https://www.c3d.org/HTML/Documents/theheadersection.htm
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from labfeedback.errors import BadFile

_BLOCK = 512
_INTEL, _DEC, _MIPS = 84, 85, 86
_PARAMETERS_WANTED = ("POINT", "ANALOG", "TRIAL")


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes that header, parameters and file length agree on.

    first_frame counts from 1. notes: one sentence per disagreement that was resolved.
    """

    points: int
    analog_channels: int
    frames: int
    analog_per_frame: int
    rate_hz: float
    first_frame: int
    notes: tuple[str, ...]


def inspect(path: Path) -> Shape:
    """Check `path` without reading its data. Raises BadFile saying what is wrong and what to do."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise BadFile(f"{path}: no such file") from None
    except OSError as error:
        raise BadFile(f"{path}: cannot be read: {error.strerror}") from None
    if not content:
        raise BadFile(f"{path}: the file is empty (0 bytes); copy it again from where it was recorded")
    if len(content) < _BLOCK or content[1] != 0x50:
        found = f"byte 2 is 0x{content[1]:02x}" if len(content) > 1 else "it has one byte"
        raise BadFile(f"{path}: not a C3D file ({found}, a C3D file has 0x50 there and at least {_BLOCK} bytes)")
    start = (content[0] - 1) * _BLOCK
    if content[0] < 2 or len(content) < start + 4:
        raise BadFile(
            f"{path}: the file ends after {len(content)} bytes, before its parameter section (byte {max(start, 0)}); "
            "it was cut while being copied or saved: copy it again"
        )
    processor = content[start + 3]
    if processor not in (_INTEL, _DEC, _MIPS):
        raise BadFile(f"{path}: unknown number format {processor} in the parameter section (expected 84, 85 or 86)")
    return _reconcile(path, content, processor, _parameters(path, content, start, processor))


def _order(processor: int) -> str:
    return ">" if processor == _MIPS else "<"


def _float(raw: bytes, processor: int) -> float:
    """One 4-byte float; DEC stores its halves exchanged and with an exponent two higher."""
    if processor == _DEC:
        return float(struct.unpack("<f", raw[2:4] + raw[0:2])[0]) / 4
    return float(struct.unpack(_order(processor) + "f", raw)[0])


def _parameters(path: Path, content: bytes, start: int, processor: int) -> dict[str, list[float]]:
    """`GROUP:NAME` -> numbers, for the few groups that tell sizes. Walks the linked list of records.

    Each record must lie inside the distance to the next one: readers that trust a damaged length crash.
    """
    order = _order(processor)
    groups: dict[int, str] = {}
    found: dict[tuple[int, str], tuple[int, list[float]]] = {}
    position = start + 4
    try:
        while True:
            length, group = struct.unpack_from("bb", content, position)
            if length == 0:
                break
            name_end = position + 2 + abs(length)
            name = content[position + 2 : name_end].decode("latin-1").upper()
            (step,) = struct.unpack_from(order + "h", content, name_end)
            end = name_end + 2
            if group < 0:
                groups[-group] = name
            else:
                count, numbers, end = _numbers(content, name_end + 2, processor)
                found[group, name] = (count, numbers)
            end += 1 + content[end]  # the description and its length
            if step == 0:
                break
            if step < 0 or end > name_end + step or not name.isprintable():
                raise BadFile(f"{path}: the parameter section is damaged at {name!r}: export the file again")
            position = name_end + step
    except (struct.error, IndexError):
        raise BadFile(
            f"{path}: the file ends after {len(content)} bytes, inside its parameter section, "
            "or that section is damaged: copy the file again, or export it again"
        ) from None
    by_name = {f"{groups.get(group)}:{name}": value for (group, name), value in found.items()}
    _refuse_incomplete(path, {name: count for name, (count, _) in by_name.items()}, by_name)
    return {name: v for name, (_, v) in by_name.items() if name.split(":")[0] in _PARAMETERS_WANTED}


def _refuse_incomplete(path: Path, counts: dict[str, int], values: dict[str, tuple[int, list[float]]]) -> None:
    """Raise BadFile unless what every reader needs to scale the data is there for every channel."""
    needed = {f"POINT:{name}": 1 for name in ("USED", "SCALE", "RATE", "FRAMES", "LABELS")} | {"ANALOG:USED": 1}
    used = values.get("ANALOG:USED", (0, []))[1]
    if used and used[0] > 0:
        channels = min(int(used[0]), 255)
        needed |= {"ANALOG:GEN_SCALE": 1, "ANALOG:RATE": 1}
        needed |= {f"ANALOG:{name}": channels for name in ("SCALE", "OFFSET", "LABELS")}
    missing = [name for name, count in needed.items() if counts.get(name, 0) < count]
    if missing:
        raise BadFile(
            f"{path}: the parameter section lacks {', '.join(missing)} (or has too few values): export the file again"
        )


def _numbers(content: bytes, position: int, processor: int) -> tuple[int, list[float], int]:
    """How many values a parameter has, the values if they are few numbers, and where they end."""
    kind, dimensions = struct.unpack_from("bB", content, position)
    sizes = content[position + 2 : position + 2 + dimensions]
    count = 1
    for size in sizes:
        count *= size
    position += 2 + dimensions
    end = position + count * abs(kind)
    if kind not in (-1, 1, 2, 4) or dimensions > 7 or len(content) < end:
        raise IndexError
    if kind not in (2, 4) or count > 64:  # text and long tables carry no sizes
        return count, [], end
    if kind == 2:
        return count, [float(v) for v in struct.unpack_from(f"{_order(processor)}{count}h", content, position)], end
    return count, [_float(content[position + 4 * i : position + 4 * i + 4], processor) for i in range(count)], end


def _field(values: list[float]) -> int:
    """TRIAL:ACTUAL_*_FIELD: two 16-bit words, low word first."""
    low, high = (*values, 0.0)[:2]
    return (int(low) & 0xFFFF) + ((int(high) & 0xFFFF) << 16)


def _reconcile(path: Path, content: bytes, processor: int, parameters: dict[str, list[float]]) -> Shape:
    points, analogs, first, last = struct.unpack_from(_order(processor) + "4H", content, 2)
    header_frames = last - first + 1
    data_block, per_frame = struct.unpack_from(_order(processor) + "2H", content, 16)
    header_rate = _float(content[20:24], processor)

    def value(name: str) -> float | None:
        return parameters[name][0] if parameters.get(name) else None

    notes: list[str] = []
    rate = value("POINT:RATE") or 0.0
    if not (header_rate > 0 and abs(header_rate - rate) < 0.01 * rate):
        if not 1 <= rate <= 10_000:
            raise BadFile(f"{path}: no usable frame rate (header {header_rate:g} Hz, parameters {rate:g} Hz)")
        notes.append(f"the header's frame rate is {header_rate:g} Hz; taken from the parameters: {rate:g} Hz")
    if value("ANALOG:RATE"):
        per_frame = max(1, round((value("ANALOG:RATE") or 0.0) / rate))
    width = 4 if _is_float(content, processor, parameters) else 2

    if all(parameters.get(f"TRIAL:ACTUAL_{end}_FIELD") for end in ("START", "END")):
        first = _field(parameters["TRIAL:ACTUAL_START_FIELD"])
        trial_frames = _field(parameters["TRIAL:ACTUAL_END_FIELD"]) - first + 1
    else:
        trial_frames = 0
    analog_used = value("ANALOG:USED")
    used = value("POINT:USED")
    candidates_points = _distinct(int(used) & 0xFFFF if used is not None else points, points)
    candidates_analog = _distinct(int(analog_used or 0) * per_frame if analog_used is not None else analogs, analogs)
    candidates_frames = _distinct(trial_frames, int(value("POINT:FRAMES") or 0) & 0xFFFF, header_frames)
    available = len(content) - (data_block - 1) * _BLOCK
    fits = [
        (p, a, f)
        for p in candidates_points
        for a in candidates_analog
        for f in candidates_frames
        # The last block may be padded, and some writers add a whole one where the data end on a block.
        if 0 <= available - f * (4 * p + a) * width <= _BLOCK
    ]
    if len(fits) != 1:
        _refuse(path, fits, candidates_points, candidates_analog, candidates_frames, width, available)
    (points_found, analog_found, frames) = fits[0]
    for what, candidates, chosen in (
        ("points", candidates_points, points_found),
        ("analog values per frame", candidates_analog, analog_found),
        ("frames", candidates_frames, frames),
    ):
        if len(candidates) > 1:
            said = " or ".join(str(c) for c in candidates)
            notes.append(f"header and parameters disagree on {what} ({said}); the file's length decides: {chosen}")
    return Shape(points_found, analog_found // max(per_frame, 1), frames, per_frame, rate, max(first, 1), tuple(notes))


def _is_float(content: bytes, processor: int, parameters: dict[str, list[float]]) -> bool:
    """A negative scale means that data are stored as floats."""
    scale = parameters.get("POINT:SCALE")
    return (scale[0] if scale else _float(content[12:16], processor)) < 0


def _distinct(*values: int) -> list[int]:
    return list(dict.fromkeys(v for v in values if v >= 0 and (v > 0 or len(values) == 2)))


def _refuse(
    path: Path,
    fits: list[tuple[int, int, int]],
    points: list[int],
    analogs: list[int],
    frames: list[int],
    width: int,
    available: int,
) -> None:
    if fits:
        raise BadFile(
            f"{path}: header and parameters disagree and more than one reading (points, analog values, frames) fits "
            f"the file's length: {fits}; export the file again"
        )
    if len(points) == len(analogs) == 1 and frames:
        per_frame = (4 * points[0] + analogs[0]) * width
        present = max(0, available) // max(per_frame, 1)
        if present < min(frames):
            raise BadFile(
                f"{path}: the file is cut: {present} of {min(frames)} frames are there. A part of a walk is not "
                "analysed as if it were the whole: copy the file again, or export the part on purpose"
            )
    raise BadFile(
        f"{path}: header and parameters do not fit the file's length (points {points}, analog values per frame "
        f"{analogs}, frames {frames}, data {available} bytes): export the file again"
    )
