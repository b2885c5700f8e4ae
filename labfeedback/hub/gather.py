"""Some seconds of both live streams, for the check before the first step. Nothing is computed and nobody is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pylsl

from labfeedback.errors import BadFile, LabError, StreamTrouble
from labfeedback.exchange.streamed import Came, trial_of
from labfeedback.exchange.trial import Trial
from labfeedback.hub.discover import SETTLE_S, Lookout, check_forces, describe
from labfeedback.hub.inlet import LiveStream
from labfeedback.hub.lsl import enter_session, source
from labfeedback.hub.others import answers
from labfeedback.hub.program import connect
from labfeedback.inputlog import FORCES, MARKERS
from labfeedback.rig import Rig

PAUSE_S: Final = 0.02
FLUSH_S: Final = 0.3  # what piled up while connecting comes as one lump


@dataclass(slots=True)
class Gathered:
    """trial: None where a stream is missing or is not what the rig says; `trouble` tells. visible: every outlet's line.

    doubled: (stream, the outlets that answer to it) where there are several; the one that is there longest was read.
    others: name -> how many outlets answer to a secondary stream of the rig.
    """

    trial: Trial | None = None
    trouble: list[str] = field(default_factory=list)
    visible: list[str] = field(default_factory=list)
    doubled: list[tuple[str, str]] = field(default_factory=list)
    others: dict[str, int] = field(default_factory=dict)


def gather(
    rig: Rig,
    *,
    seconds: float,
    wait_s: float,
    tell: Callable[[str, float], None] = lambda _what, _share: None,
    stop: Callable[[], bool] = lambda: False,
) -> Gathered:
    """Wait for the rig's streams and take `seconds` of them. tell: what it is doing, and the share done."""
    enter_session()
    out, lookout = Gathered(), Lookout()
    wanted = (rig.streams.markers, rig.streams.forces)
    begin = time.monotonic()
    while not all(lookout.candidates(one) for one in wanted) and not stop():
        waited = time.monotonic() - begin
        if waited > wait_s:
            break
        tell("waiting for the streams", waited / max(wait_s, 1e-9))
        time.sleep(0.05)
    time.sleep(SETTLE_S)
    out.visible = sorted(source(info) for info in lookout.visible())
    out.others = {one.name: sum(answers(info, one) for info in lookout.visible()) for one in rig.streams.others}
    chosen = []
    for stream in wanted:
        found = sorted(lookout.candidates(stream), key=lambda info: float(info.created_at()))
        if not found:
            out.trouble.append(f"no stream answers to {describe(stream)}")
        elif len(found) > 1:
            out.doubled.append((stream.name, "; ".join(source(info) for info in found)))
        chosen += found[:1]
    if out.trouble or stop():
        return out
    try:
        streams = connect((chosen[0], chosen[1]))
    except StreamTrouble as error:
        out.trouble.append(str(error))
        return out
    try:
        check_forces(streams[FORCES].layout, rig.streams.forces, rig)
        came = _take(streams, seconds, tell, stop)
        out.trial = trial_of(Path("live streams"), came[MARKERS], came[FORCES], rig)
    except (BadFile, LabError) as error:
        out.trouble.append(str(error))
    except pylsl.util.LostError:
        out.trouble.append("a stream was lost while it was looked at: restart its sender")
    finally:
        for live in streams:
            live.close()
    return out


def _take(
    streams: list[LiveStream], seconds: float, tell: Callable[[str, float], None], stop: Callable[[], bool]
) -> list[Came]:
    kept: list[list[tuple[Any, Any]]] = [[] for _ in streams]
    end = time.monotonic() + FLUSH_S
    while time.monotonic() < end:
        for live in streams:
            while live.pull(0, 0.0) is not None:
                pass
        time.sleep(PAUSE_S)
    begin = time.monotonic()
    while (lapse := time.monotonic() - begin) < seconds and not stop():
        for parts, live in zip(kept, streams, strict=True):
            while (samples := live.pull(0, 0.0)) is not None:
                parts.append((samples.raw_time.copy(), samples.values.copy()))
        tell("looking at the streams", lapse / seconds)
        time.sleep(PAUSE_S)
    silent = [live.layout.name for parts, live in zip(kept, streams, strict=True) if not parts]
    if silent:
        raise StreamTrouble(f"nothing came from {', '.join(map(repr, silent))}: start the measurement in its source")
    return [
        Came(
            live.layout,
            np.concatenate([one[0] for one in parts]),
            np.concatenate([one[1] for one in parts]),
            ((float(parts[0][0][0]), live.offset[0]),),
        )
        for parts, live in zip(kept, streams, strict=True)
    ]
