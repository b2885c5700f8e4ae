"""A static trial from the live streams: some seconds of quiet standing, tried again while the person moves."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pylsl
from numpy.typing import NDArray

from labfeedback.engine import verdict
from labfeedback.engine.standing import Standing, standing
from labfeedback.errors import StreamTrouble
from labfeedback.hub.discover import Lookout, check_forces, check_markers, find
from labfeedback.hub.inlet import LiveStream
from labfeedback.hub.lsl import enter_session
from labfeedback.hub.program import connect
from labfeedback.inputlog import FORCES, MARKERS
from labfeedback.markerset import MarkerSet
from labfeedback.rig import Rig

LOOK_EVERY_S: Final = 0.1
SILENT_S: Final = 2.0
NOBODY_N: Final = 100.0
LEAST_SHARE: Final = 0.1
_FIRST_LOOK_S: Final = 0.3  # before that a window is too short to tell standing from walking


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is. phase: waiting, countdown or standing. left_s: until this phase ends, if nothing goes wrong.

    trouble: what made it begin again, or still does. tries: how often it began.
    """

    phase: str
    left_s: float
    trouble: str = ""
    tries: int = 1


@dataclass(slots=True)
class _Kept:
    """The last seconds of one stream, as they came."""

    live: LiveStream
    rate_hz: float
    parts: list[tuple[float, NDArray[Any]]] = field(default_factory=list)
    taken: int = 0
    last_s: float = field(default_factory=time.monotonic)

    def pull(self, longest_s: float) -> None:
        while (samples := self.live.pull(self.taken, 0.0)) is not None:
            self.last_s = time.monotonic()
            self.taken += len(samples.raw_time)
            self.parts.append((self.last_s, samples.values.copy()))
        while self.parts and self.parts[0][0] < time.monotonic() - longest_s:
            self.parts.pop(0)

    def since(self, when_s: float) -> NDArray[Any]:
        found = [values for came, values in self.parts if came >= when_s]
        return np.concatenate(found) if found else np.empty((0, len(self.live.layout.channels)))


def record_standing(
    rig: Rig,
    marker_set: MarkerSet,
    *,
    seconds: float,
    countdown_s: float,
    patience_s: float,
    wait_s: float,
    tell: Callable[[Progress], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> Standing:
    """Wait for the rig's streams, count down, and take `seconds` of standing that is still and fully seen.

    Begins again whenever somebody moves, a marker hides or a plate carries nobody; after `patience_s` the last seconds
    are given back as they are, for the verdict to speak of. Raises StreamTrouble for streams that are missing, are not
    what the rig says, or stop.
    """
    enter_session()
    tell(Progress("waiting", wait_s))
    infos = find(Lookout(), rig.streams, wait_s, stop)
    streams = connect(infos)
    try:
        check_markers(streams[MARKERS].layout, rig.streams.markers, marker_set, calibrated=False)
        check_forces(streams[FORCES].layout, rig.streams.forces, rig)
        kept = (
            _Kept(streams[MARKERS], rig.streams.markers.rate_hz),
            _Kept(streams[FORCES], rig.streams.forces.rate_hz),
        )
        begin = time.monotonic() + countdown_s
        while (left := begin - time.monotonic()) > 0 and not stop():
            _pull(kept, seconds)
            tell(Progress("countdown", left))
            time.sleep(min(LOOK_EVERY_S, left))
        return _stand(rig, marker_set, kept, seconds, patience_s, tell, stop)
    except pylsl.util.LostError:
        raise StreamTrouble("a stream was lost while the person stood: restart its sender and begin again") from None
    finally:
        for live in streams:
            live.close()


def _stand(
    rig: Rig,
    marker_set: MarkerSet,
    kept: tuple[_Kept, _Kept],
    seconds: float,
    patience_s: float,
    tell: Callable[[Progress], None],
    stop: Callable[[], bool],
) -> Standing:
    began = since = time.monotonic()
    tries, trouble = 1, ""
    while True:
        time.sleep(LOOK_EVERY_S)
        _pull(kept, seconds + 1.0)
        points, forces = (one.since(since) for one in kept)
        have = min(len(points) / kept[MARKERS].rate_hz, len(forces) / kept[FORCES].rate_hz)
        if stop():
            raise StreamTrouble("ended before the person had stood still; nothing was saved")
        if have >= _FIRST_LOOK_S:
            found = standing((kept[MARKERS].live.layout, points), (kept[FORCES].live.layout, forces), rig)
            wrong = restless(found, marker_set)
            if wrong:
                if have > 3 * _FIRST_LOOK_S:
                    tries += 1
                trouble, since, have = wrong, time.monotonic(), 0.0
            elif have >= seconds:
                return found
        if time.monotonic() - began > patience_s:
            points, forces = (one.since(time.monotonic() - seconds) for one in kept)
            return standing((kept[MARKERS].live.layout, points), (kept[FORCES].live.layout, forces), rig)
        tell(Progress("standing", max(0.0, seconds - have), trouble if have < 1.0 else "", tries))


def _pull(kept: tuple[_Kept, _Kept], longest_s: float) -> None:
    for one in kept:
        one.pull(longest_s)
        if time.monotonic() - one.last_s > SILENT_S:
            raise StreamTrouble(
                f"stream {one.live.layout.name!r} has sent nothing for {SILENT_S:g} s: start the measurement in its "
                "source and begin again"
            )


def restless(found: Standing, marker_set: MarkerSet) -> str:
    """Why this is not quiet standing on both plates with all markers seen, as a sentence; empty when it is."""
    _, share, tracks = verdict.seen_at(found)
    legs = (marker_set.right, marker_set.left)
    needed = list(dict.fromkeys(x for leg in legs for x in (*leg.anatomical, *leg.shank_cluster)))
    hidden = [label for label in needed if share.get(label, 0.0) < 0.5]
    if hidden:
        return f"not seen: {', '.join(hidden)}"
    if found.loads is not None:
        up = found.loads.up_n.mean(axis=0)
        if up.sum() < NOBODY_N:
            return "nobody stands on the plates"
        for name, load in zip(("right", "left"), up, strict=True):
            if load < LEAST_SHARE * up.sum():
                return f"nobody stands on the {name} plate"
    moved = verdict.restless(tracks, needed)
    which = max(moved, key=lambda label: moved[label])
    if 1e3 * moved[which] > verdict.STILL_MM[0][1]:
        return f"stand still: {which} moves by {1e3 * moved[which]:.0f} mm"
    return ""
