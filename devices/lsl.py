"""LSL for devices: outlets made from layouts, and the private corner of the network that tests and demos use."""

from __future__ import annotations

from typing import Any

import numpy as np
import pylsl

from labfeedback.device import Pushed, check_layout, lsl_configuration
from labfeedback.layout import Layout

_configured = False


def use_private_session() -> None:
    """Keep to this machine and the session of LABFEEDBACK_LSL_SESSION, if set. Call before anything else of LSL."""
    global _configured
    if not _configured and (text := lsl_configuration()):
        pylsl.set_config_content(text)
    _configured = True


def stream_info(layout: Layout) -> Any:
    """The LSL description of a layout: desc/channels and, for force streams, desc/plates."""
    info = pylsl.StreamInfo(
        layout.name, layout.type, len(layout.channels), layout.nominal_rate, layout.channel_format, layout.source_id
    )
    channels = info.desc().append_child("channels")
    for channel in layout.channels:
        node = channels.append_child("channel")
        for name in ("label", "marker", "type", "unit"):
            value = getattr(channel, name)
            if value:
                node.append_child_value(name, value)
    if layout.plates:
        plates = info.desc().append_child("plates")
        for plate in layout.plates:
            node = plates.append_child("plate")
            node.append_child_value("id", plate.id)
            node.append_child_value("side", plate.side)
            node.append_child_value("sign", str(plate.sign))
            corners = node.append_child("corners")
            for corner in plate.corners_m:
                _point(corners.append_child("corner"), corner)
            _point(node.append_child("origin"), plate.origin_m)
    return info


def _point(node: Any, xyz: tuple[float, float, float]) -> None:
    for name, value in zip("xyz", xyz, strict=True):
        node.append_child_value(name, repr(float(value)))


class Outlet:
    """One stream's outlet. Every sample carries its own stamp."""

    def __init__(self, layout: Layout, *, buffered_s: int = 360) -> None:
        use_private_session()
        self.layout = check_layout(layout)
        self._outlet = pylsl.StreamOutlet(stream_info(layout), max_buffered=buffered_s)

    def push(self, pushed: Pushed) -> None:
        """Send n samples with their stamps. Does nothing for n = 0."""
        if len(pushed.stamps):
            self._outlet.push_chunk(np.ascontiguousarray(pushed.values), pushed.stamps.tolist())

    def has_listeners(self) -> bool:
        """True if something receives this stream."""
        return bool(self._outlet.have_consumers())
