"""What the hub needs to know of LSL itself: the private corner of a test, and how a description becomes a Layout."""

from __future__ import annotations

import ctypes
from typing import Any, Final
from xml.etree import ElementTree

import pylsl

from labfeedback.device import lsl_configuration
from labfeedback.errors import StreamTrouble
from labfeedback.layout import Channel, Layout, PlateLayout, unit_named

_FORMATS: Final = {1: "float32", 2: "double64", 3: "string", 4: "int32", 5: "int16", 6: "int8", 7: "int64"}


def enter_session() -> None:
    """Stay in the private LSL session that the environment names, if it names one. Before any other pylsl call."""
    if text := lsl_configuration():
        pylsl.set_config_content(text)


def source(info: Any) -> str:
    """One line that tells a person which outlet this is."""
    return f"{info.name()!r} (type {info.type()}, source id {info.source_id()!r}, on {info.hostname()})"


def layout_of(info: Any) -> Layout:
    """The Layout that a full StreamInfo (from an inlet, not from a resolver) describes.

    Raises StreamTrouble where the description is not readable or a channel of the stream is not described.
    """
    try:
        root = ElementTree.fromstring(info.as_xml())
    except ElementTree.ParseError as error:
        raise StreamTrouble(f"stream {source(info)}: its description is not readable as XML ({error})") from None
    channels = tuple(
        Channel(
            label=_text(item, "label"),
            marker=_text(item, "marker"),
            type=_text(item, "type"),
            unit=unit_named(_text(item, "unit")),
        )
        for item in root.findall("desc/channels/channel")
    )
    if len(channels) != info.channel_count():
        raise StreamTrouble(
            f"stream {source(info)} has {info.channel_count()} channels but describes {len(channels)} "
            "(desc/channels/channel): without labels and units it cannot be used; switch on metadata in the sender"
        )
    return Layout(
        name=info.name(),
        type=info.type(),
        source_id=info.source_id(),
        hostname=info.hostname(),
        nominal_rate=info.nominal_srate(),
        channel_format=_FORMATS.get(info.channel_format(), "unknown"),
        channels=channels,
        plates=tuple(_plate(item, info) for item in root.findall("desc/plates/plate")),
    )


def plain_layout(info: Any) -> Layout:
    """What can be said of a stream that does not describe its channels."""
    return Layout(
        name=info.name(),
        type=info.type(),
        source_id=info.source_id(),
        hostname=info.hostname(),
        nominal_rate=info.nominal_srate(),
        channel_format=_FORMATS.get(info.channel_format(), "unknown"),
        channels=tuple(Channel(label=f"ch{k + 1}") for k in range(info.channel_count())),
    )


def _text(item: ElementTree.Element, tag: str) -> str:
    return (item.findtext(tag) or "").strip()


def _plate(item: ElementTree.Element, info: Any) -> PlateLayout:
    def point(at: ElementTree.Element | None) -> tuple[float, float, float]:
        if at is None:
            return (0.0, 0.0, 0.0)
        return (float(_text(at, "x")), float(_text(at, "y")), float(_text(at, "z")))

    try:
        side = _text(item, "side")
        return PlateLayout(
            id=_text(item, "id"),
            side="left" if side == "left" else "right" if side == "right" else "",
            corners_m=tuple(point(corner) for corner in item.findall("corners/corner")),
            origin_m=point(item.find("origin")),
            sign=int(float(_text(item, "sign") or "1")),
        )
    except ValueError as error:
        raise StreamTrouble(
            f"stream {source(info)}: plate {_text(item, 'id')!r} is not described in numbers: {error}"
        ) from None


def clock_offset(inlet: Any, timeout: float) -> tuple[float, float, float]:
    """(offset_s, uncertainty_s, measured_at): add offset_s to a raw stamp to get local time.

    measured_at identifies the estimate: liblsl makes a new one every few seconds. Blocks for about 0.64 s the first
    time. Raises pylsl's TimeoutError or LostError.
    """
    remote, uncertainty, code = ctypes.c_double(), ctypes.c_double(), ctypes.c_int()
    extended = getattr(pylsl.lib.lib, "lsl_time_correction_ex", None)
    if extended is None:
        offset = float(inlet.time_correction(timeout))
        return offset, 0.0005, offset  # liblsl promises errors under 1 ms
    extended.restype = ctypes.c_double
    offset = float(
        extended(
            inlet.obj,
            ctypes.byref(remote),
            ctypes.byref(uncertainty),
            ctypes.c_double(timeout),
            ctypes.byref(code),
        )
    )
    pylsl.util.handle_error(code)
    return offset, float(uncertainty.value), float(remote.value)
