"""A visit walked step by step without markers or forces: a small document, steps as they ought to be, a runner."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from labfeedback.protocol.document import Protocol
from labfeedback.protocol.runner import Runner
from labfeedback.protocol.schedule import Visit
from labfeedback.records import LEFT, RIGHT, STEP, EventCode

STRIDE_S = 1.1
TRAIN = {"variable": "fpa", "target": "toe-in 5 deg", "band": 2.0}


def document(**said: Any) -> dict[str, Any]:
    base = {
        "schema": 1, "id": "small", "version": "1.0", "title": "Small", "source": "made for these tests",
        "purpose": "training",
        "blocks": [
            {"id": "baseline", "title": "B", "minutes": 1, "measures": "baseline", "before": ["pain"]},
            {"id": "train", "title": "T", "minutes": 1, "measures": "training", "feedback": TRAIN},
            {"id": "alone", "title": "A", "steps": 20, "measures": "retention", "feedback": {**TRAIN, "show": "never"},
             "after": ["pain"]},
        ],
    }  # fmt: skip
    return {**base, **said}


def step(contact: float, side: int = LEFT, **said: Any) -> Any:
    row = np.zeros(1, STEP)
    for name in STEP.names or ():
        if STEP[name].kind == "f":
            row[name] = math.nan
    row["side"], row["start_s"], row["end_s"], row["kam_valid"], row["fpa_valid"] = side, contact, contact + 0.7, 1, 1
    row["fpa_deg"], row["kam1_pct_bwht"], row["kam2_pct_bwht"], row["kfm_pct_bwht"] = 7.0, 3.0, 2.0, 3.0
    row["belt_speed_m_s"], row["stride_s"], row["kam2_is_peak"] = 1.2, STRIDE_S, 1
    for name, value in said.items():
        row[name] = value
    return row[0]


class Walked:
    """A runner that is walked in data time, with everything it said."""

    def __init__(self, doc: dict[str, Any] | None = None, **said: Any) -> None:
        self.runner = Runner(Visit(document=Protocol.model_validate(doc or document()), side="left", **said))
        self.now = 0.0
        self.said = self.runner.begin(0.0)

    def do(self, what: str, **more: Any) -> list[Any]:
        out = self.runner.command(self.now, {"do": what, **more})
        self.said += out
        return out

    def pain(self, left: int = 2, right: int = 1) -> list[Any]:
        return self.do("answer", kind="pain", left=left, right=right)

    def walk(self, seconds: float, **said: Any) -> None:
        """Steps of both feet, and whatever falls due between them."""
        end = self.now + seconds
        while self.now < end:
            self.now += STRIDE_S / 2
            for side in (LEFT, RIGHT):
                contact = self.now + (0.0 if side == LEFT else STRIDE_S / 2)
                while self.runner.due_s <= contact:
                    self.said += self.runner.due(self.runner.due_s)
                self.said += self.runner.step(contact + 0.8, step(contact, side, **said))
            self.now += STRIDE_S / 2

    def codes(self, code: EventCode) -> list[str]:
        return [one.text for one in self.said if one.code == code]


def started(doc: dict[str, Any] | None = None, **said: Any) -> Walked:
    walked = Walked(doc, **said)
    walked.pain()
    walked.do("start")
    return walked
