"""Where a visit is, as plain values: for the operator's line and window."""

from __future__ import annotations

import math
from typing import Any, Final

from labfeedback.protocol.runner import Runner

HALTS: Final = {"belt": "the belt stands", "streams": "a stream is silent", "hazard": "a hazard was found"}


def status_of(visit: Runner, now: float) -> dict[str, Any]:
    """now: data time, s; NaN before the first sample."""
    planned, block = visit.block, visit.block.block
    seconds, steps = visit.left(now)
    return {
        "now_s": now if now == now else None,
        "state": visit.state,
        "block": visit.index,
        "blocks": len(visit.plan),
        "id": planned.id,
        "title": block.title,
        "patient": block.patient,
        "operator": block.operator,
        "next": visit.plan[planned.next].id if planned.next >= 0 else "end",
        "left_s": None if math.isinf(seconds) else seconds,
        "left_steps": steps,
        "acknowledge": visit.to_acknowledge,
        "halted": [HALTS[why] for why in visit.halts],
        "prompts": [prompt.dump() for prompt in visit.prompts.open],
    }
