"""The input log: everything that can change a result, in the order in which the hub hands it to the engine.

`Samples` are cut into chunks as they happen to arrive; the cutting is not part of the log. Every other record carries
`seen`, the count of samples of every stream handed over before it, and acts after exactly those.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MARKERS: Final = 0
FORCES: Final = 1
MAX_STREAMS: Final = 8  # 0 markers, 1 forces, 2.. secondary streams that are only recorded
Seen = tuple[int, ...]  # MAX_STREAMS counts


@dataclass(frozen=True, slots=True)
class Start:
    """First record. `text` is JSON: rig, subject, marker set, calibration, training, settings, versions, verbatim."""

    text: str
    seen: Seen = (0,) * MAX_STREAMS


@dataclass(frozen=True, slots=True)
class Link:
    """A stream came, went, or came back. `layout` is the JSON of `labfeedback.layout.Layout`, empty when it went."""

    stream: int
    epoch: int  # 0 at first, +1 after each reconnect
    connected: bool
    layout: str
    seen: Seen


@dataclass(frozen=True, slots=True)
class Offset:
    """A measured clock offset: local = raw + offset_s. Acts on later samples of that stream only."""

    stream: int
    offset_s: float
    uncertainty_s: float
    seen: Seen


@dataclass(frozen=True, slots=True)
class Tick:
    """The hub's clock, every 50 ms, also when no data come."""

    local_s: float
    seen: Seen


@dataclass(frozen=True, slots=True)
class Command:
    """An operator's command, as JSON: {"do": "pause"} ..."""

    id: int
    text: str
    seen: Seen


@dataclass(frozen=True, slots=True)
class Samples:
    """n samples of one stream as received: raw device stamps and values, nothing converted.

    raw_time: (n,) float64, s on the sender's clock. values: (n, channels) float32 or float64.
    """

    stream: int
    epoch: int
    first: int  # index of the first one, counted over all epochs of this stream
    raw_time: NDArray[np.float64]
    values: NDArray[Any]


Record = Start | Link | Offset | Tick | Command | Samples
