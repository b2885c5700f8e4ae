"""Which TICKs may be handed over later than they were: those that find every stream flowing (law 1).

Between such TICKs a replay may hand over a second of samples at once. That is a harder test of cut invariance than the
recorder's own cutting, and twice as fast.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labfeedback.inputlog import FORCES, MARKERS, Offset, Start, Tick
from labfeedback.recording.layout import LogRecord

TOGETHER: Final = 20  # TICKs moved at most: one second
_OFFSETS: Final = 13  # the engine fits so many; the most cautious of them is taken here


def calm_limit(start: Start) -> float:
    """Age of the newest sample, s, below which a TICK certainly finds no silence: half the limit less the latencies.

    Zero (no TICK is moved) when START does not say.
    """
    try:
        text = json.loads(start.text)
        streams = text["rig"]["streams"].values()
        latency = max(abs(float(stream.get("latency_s", 0.0))) for stream in streams if isinstance(stream, dict))
        latency += abs(float((text["rig"].get("sync") or {}).get("skew_s", 0.0)))
        return max(0.0, float(text["settings"]["silent_neutral_s"]) / 2 - latency)
    except (ValueError, KeyError, TypeError, AttributeError):
        return 0.0


def movable(
    records: Sequence[LogRecord], raw_time: Mapping[int, NDArray[np.float64]], limit_s: float
) -> NDArray[np.bool_]:
    """Mask of the records that are TICKs and may be moved behind samples that follow them.

    raw_time: (n,) of markers and forces, s on the sender's clock. A TICK qualifies when it and the one before it found
    both streams younger than `limit_s`: then no silence begins, lasts or ends at it.
    """
    out = np.zeros(len(records), np.bool_)
    offsets: dict[int, list[float]] = {MARKERS: [], FORCES: []}
    before = False
    for number, record in enumerate(records):
        if isinstance(record, Offset) and record.stream in offsets:
            offsets[record.stream] = [*offsets[record.stream], record.offset_s][-_OFFSETS:]
        elif isinstance(record, Tick):
            calm = limit_s > 0.0
            for stream, known in offsets.items():
                seen = record.seen[stream]
                times = raw_time.get(stream)
                if not calm or not known or times is None or not 0 < seen <= len(times):
                    calm = False
                    break
                calm = record.local_s - (times[seen - 1] + min(known)) < limit_s
            out[number] = calm and before
            before = calm
    return out
