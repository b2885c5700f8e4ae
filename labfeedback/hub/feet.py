"""The angle of one standing foot, live from the marker stream: for the direction check."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import pylsl
from numpy.typing import NDArray

from labfeedback.engine.standing import standing
from labfeedback.errors import StreamTrouble
from labfeedback.hub.discover import Lookout, find
from labfeedback.hub.lsl import enter_session
from labfeedback.hub.program import connect
from labfeedback.inputlog import MARKERS
from labfeedback.markerset import MarkerSet
from labfeedback.records import LEFT, RIGHT
from labfeedback.rig import Rig

LOOK_EVERY_S: Final = 0.03
SILENT_S: Final = 2.0
REPEATED_S: Final = 0.2


def follow_foot(
    rig: Rig, marker_set: MarkerSet, side: str, *, wait_s: float, stop: Callable[[], bool] = lambda: False
) -> Iterator[tuple[float, float]]:
    """(monotonic s, deg toe-out positive) about 30 times a second; NaN while a marker is hidden or nothing comes.

    Heel to second (or fifth) metatarsal, against the rig's walking direction. Raises StreamTrouble for streams that are
    missing, are not what the rig says, or stop.
    """
    enter_session()
    infos = find(Lookout(), rig.streams, wait_s, stop)
    streams = connect(infos)
    live = streams[MARKERS]
    try:
        for other in streams:
            if other is not live:
                other.close()
        live.flush()
        taken, came = 0, time.monotonic()
        last, changed = np.empty(0), came
        while not stop():
            parts: list[NDArray[np.floating]] = []
            while (samples := live.pull(taken, 0.0)) is not None:
                taken += len(samples.raw_time)
                parts.append(samples.values.copy())
            now = time.monotonic()
            if parts:
                came = now
                found = standing((live.layout, np.concatenate(parts)), None, rig)
                angle = foot_angle(found.labels, found.markers[-1], marker_set, side)
                if not np.array_equal(parts[-1][-1], last, equal_nan=True):
                    last, changed = parts[-1][-1], now
                # A source that repeats its last frame sends, but nobody sees the foot.
                yield now, angle if now - changed <= REPEATED_S else float("nan")
            else:
                yield now, float("nan")
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


def foot_angle(labels: tuple[str, ...], points: NDArray[np.float64], marker_set: MarkerSet, side: str) -> float:
    """deg toe-out positive, from (markers, 3) in lab axes; NaN where heel or toe is hidden."""
    leg = marker_set.leg(RIGHT if side == "right" else LEFT)
    toe = next((name for name in (leg.mt2, leg.mt5) if name in labels), None)
    if leg.heel not in labels or toe is None:
        raise StreamTrouble(f"the stream has no markers {leg.heel} and {leg.mt2 or leg.mt5}: check marker set and rig")
    ahead = points[labels.index(toe)] - points[labels.index(leg.heel)]
    return float(np.degrees(np.arctan2(ahead[2], ahead[0]))) * (1 if side == "right" else -1)
