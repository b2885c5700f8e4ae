"""The device contract: what anything that fills streams must promise, so that the hub need not know what it is.

A device promises, for each of its streams:

1. One `Layout`, complete and constant while it runs: every channel's label, type and unit, and for plates the corners,
   origin, side and sign in the source's frame. Markers: type `MoCap`, three channels a marker (PositionX, Y, Z).
   Forces: type `Force`, six channels a plate (`FP1_Fx` .. `FP1_Mz`).
2. A `source_id` of its own that stays the same when the program is started again: without it a lost stream is never
   found again. Two running devices never share one.
3. Stamps of its own on every sample, on the LSL clock, that say when the sample was *taken*; it never lets the
   transport stamp on arrival. Stamps of one stream do not run backwards.
4. NaN for a marker that was not seen; never zero, never the last value, never an invented one.
5. Nothing in between: samples are not filtered, joined or resampled on the way.
6. It stops within a second when told to or when its parent process is gone, and its streams go with it.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from labfeedback.errors import BadSetup
from labfeedback.layout import Layout

SESSION_VARIABLE: Final = "LABFEEDBACK_LSL_SESSION"
_QUIET: Final = "[log]\nlevel = -3\n"  # a sender that ends is an error to liblsl; here the hub says it, in words


def lsl_configuration() -> str:
    """What liblsl is to be told before its first call; empty: nothing.

    With LABFEEDBACK_LSL_SESSION set: stay on this computer and in that session. Without: only less talk, and not even
    that where the lab has a configuration file of its own, because ours would replace it as a whole.
    """
    session = os.environ.get(SESSION_VARIABLE, "")
    if session:
        # A computer has 32 LSL ports by default; beyond them streams are made that nobody can find. Tests and demos
        # share their computer, so a private session gets more.
        ports = "[ports]\nPortRange = 160\n"
        return f"[multicast]\nResolveScope = machine\n{ports}[lab]\nSessionID = {session}\n{_QUIET}"
    # Where liblsl looks, in its order.
    own = ["lsl_api.cfg", "~/lsl_api/lsl_api.cfg", "/etc/lsl_api/lsl_api.cfg", "C:\\etc\\lsl_api\\lsl_api.cfg"]
    # Unlike Path.expanduser this one does not fail for a user without a home.
    places = [Path(os.path.expanduser(place)) for place in own]  # noqa: PTH111
    if os.environ.get("LSLAPICFG") or any(place.exists() for place in places):
        return ""
    return _QUIET


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a device hands to its stream at once. stamps: (n,) s on the LSL clock. values: (n, channels) float32."""

    stamps: NDArray[np.float64]
    values: NDArray[np.float32]


class Stop(Protocol):
    """Anything that can be asked whether to stop: a `threading.Event`, a multiprocessing one, or a test's own."""

    def is_set(self) -> bool:
        """True once the device is to stop."""


class StopOrOrphaned:
    """A stop that is also set once the process that started this one is gone: a device never outlives its lab."""

    LOOK_EVERY_S = 0.5

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self._look_at = 0.0
        self._orphaned = False

    def is_set(self) -> bool:
        """Whether to stop. A program that was not started by `multiprocessing` has no parent to lose."""
        now = time.monotonic()
        if not self._orphaned and now >= self._look_at:
            self._look_at = now + self.LOOK_EVERY_S
            parent = multiprocessing.parent_process()
            self._orphaned = parent is not None and not parent.is_alive()
        return self._orphaned or self._stop.is_set()


class Device(Protocol):
    """A thing that fills streams."""

    @property
    def layouts(self) -> Sequence[Layout]:
        """One for each stream, in the order in which `run` fills them."""

    def run(self, stop: Stop, seconds: float | None = None) -> None:
        """Fill the streams until told to stop, until the source ends, or for so many seconds."""


def check_layout(layout: Layout) -> Layout:
    """The layout itself if it keeps the contract. Raises BadSetup in a sentence."""
    where = f"stream {layout.name!r}"
    if not layout.source_id:
        raise BadSetup(f"{where} has no source_id: give it one that stays the same from start to start")
    if layout.nominal_rate <= 0:
        raise BadSetup(f"{where} has no rate ({layout.nominal_rate:g} Hz): markers and plates are sampled regularly")
    labels = [channel.label for channel in layout.channels]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise BadSetup(f"{where} has channels of one name: {', '.join(twice)}")
    bare = [channel.label for channel in layout.channels if not channel.unit or not channel.type]
    if bare:
        raise BadSetup(f"{where}: channels without a unit or a type: {', '.join(bare[:6])}")
    if layout.type.lower() == "force" and len(layout.channels) != 6 * len(layout.plates):
        raise BadSetup(
            f"{where} has {len(layout.channels)} channels for {len(layout.plates)} plates, expected six a plate"
        )
    return layout
