"""Both standing feet, live from the marker stream: for the direction check."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import pylsl
from numpy.typing import NDArray

from labfeedback.engine.standing import standing
from labfeedback.engine.turning import OTHER, Feet
from labfeedback.errors import StreamTrouble
from labfeedback.hub.discover import Lookout, check_markers, find
from labfeedback.hub.lsl import enter_session
from labfeedback.hub.program import connect
from labfeedback.inputlog import MARKERS
from labfeedback.layout import Layout
from labfeedback.markerset import MarkerSet
from labfeedback.records import LEFT, RIGHT
from labfeedback.rig import Rig

Array = NDArray[np.float64]
LOOK_EVERY_S: Final = 0.03
SILENT_S: Final = 2.0
# With engine.turning.LIVE_S and one look more, a value that nobody measures any more is off the wall within 250 ms.
REPEATED_S: Final = 0.05
SIDES: Final = {"left": LEFT, "right": RIGHT}


def follow_feet(
    rig: Rig, marker_set: MarkerSet, side: str, *, wait_s: float, stop: Callable[[], bool] = lambda: False
) -> Iterator[tuple[float, Feet | None]]:
    """(monotonic s, the newest frame's feet) about 30 times a second; None when nothing came since the last time.

    side: the trained foot, left or right. stop: asked again and again, also while it waits. Raises StreamTrouble for
    streams that are missing, are not what the rig says, or stop.
    """
    enter_session()
    streams = connect(find(Lookout(), rig.streams, wait_s, stop))
    live = streams[MARKERS]
    try:
        for other in streams:
            if other is not live:
                other.close()
        _check(live.layout, rig, marker_set)
        live.flush()
        came, seen = time.monotonic(), Seen()
        while not stop():
            newest = None
            while (samples := live.pull(0, 0.0)) is not None:
                newest = samples.values[-1:].copy()
            now = time.monotonic()
            if newest is None:
                yield now, None
            else:
                came = now
                found = standing((live.layout, newest), None, rig)
                points = found.markers[0]
                yield now, feet_of(found.labels, seen.of(now, points), marker_set, side)
            if now - came > SILENT_S:
                raise StreamTrouble(
                    f"stream {live.layout.name!r} has sent nothing for {SILENT_S:g} s: start the measurement in its "
                    "source and begin again"
                )
            time.sleep(LOOK_EVERY_S)
    except pylsl.util.LostError:
        raise StreamTrouble("a stream was lost while the person stood: restart its sender and begin again") from None
    finally:
        live.close()


def _check(layout: Layout, rig: Rig, marker_set: MarkerSet) -> None:
    """Medial markers may be off already, and clusters need not be on yet: either will do."""
    try:
        check_markers(layout, rig.streams.markers, marker_set, calibrated=True)
    except StreamTrouble:
        check_markers(layout, rig.streams.markers, marker_set, calibrated=False)


class Seen:
    """Takes out markers that have not moved by one bit for `REPEATED_S`: a last value repeated is not seen.

    Quiet standing moves every marker by some hundredths of a millimetre; cameras that round may repeat one value, but
    not two in a row in all three axes.
    """

    def __init__(self) -> None:
        self._points, self._moved_s = np.empty((0, 3)), np.empty(0)

    def of(self, now_s: float, points: Array) -> Array:
        """(m, 3) with NaN for what is repeated."""
        if self._points.shape != points.shape:
            self._points, self._moved_s = points, np.full(len(points), now_s)
        self._moved_s[(points != self._points).any(axis=1)] = now_s
        self._points = points
        return np.where((now_s - self._moved_s > REPEATED_S)[:, None], np.nan, points)


def feet_of(labels: tuple[str, ...], points: Array, marker_set: MarkerSet, side: str) -> Feet:
    """Both feet of one frame. points: (m, 3) m in lab axes. Raises StreamTrouble where a foot has no such markers."""
    angles = [foot_angle(labels, points, marker_set, which) for which in (side, OTHER[side])]
    heels = [points[labels.index(marker_set.leg(SIDES[which]).heel)] for which in (side, OTHER[side])]
    return Feet(angles[0], angles[1], float(heels[0][2] - heels[1][2]) * SIDES[side])


def foot_angle(labels: tuple[str, ...], points: Array, marker_set: MarkerSet, side: str) -> float:
    """Heel to second (or fifth) metatarsal against walking straight ahead, deg toe-out positive; NaN where hidden."""
    leg = marker_set.leg(SIDES[side])
    toe = next((name for name in (leg.mt2, leg.mt5) if name in labels), None)
    if leg.heel not in labels or toe is None:
        raise StreamTrouble(f"the stream has no markers {leg.heel} and {leg.mt2 or leg.mt5}: check marker set and rig")
    ahead = points[labels.index(toe)] - points[labels.index(leg.heel)]
    return float(np.degrees(np.arctan2(ahead[2], ahead[0]))) * SIDES[side]
