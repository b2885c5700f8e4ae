"""A whole visit in 80 s of walking, with everything an operator may do and everything that may go wrong."""

from __future__ import annotations

import json
from typing import Any

from devices.walker import Fault
from labfeedback.inputlog import MARKERS, Command, Link, Record, Start
from labfeedback.protocol.schedule import Visit
from tests.engine.walks import NOTHING, Walk, simulated

SECONDS = 92.0
ANGLE = {"variable": "fpa", "target": "toe-in 5 deg", "band": 2.0}
DOCUMENT: dict[str, Any] = {
    "schema": 1,
    "id": "everything",
    "version": "1.0",
    "title": "Everything in a minute and a half",
    "source": "made for the tests of this project",
    "purpose": "training",
    "blocks": [
        {"id": "baseline", "title": "Own", "minutes": 0.45, "measures": "baseline", "speed": 1.0,
         "before": ["pain", "confirm: the lanyard is clipped on"], "starts": "operator"},
        {"id": "train", "title": "Angle", "minutes": 0.25, "measures": "training",
         "feedback": {**ANGLE, "show": "on 6 s, off 5 s", "catch": "1 in 3"}},
        {"id": "width", "title": "Width", "minutes": 0.2, "measures": "training",
         "feedback": {"variable": "step_width", "side": "both", "target": "0.02 m wider", "band": 0.01,
                      "good": "above"}},
        {"id": "alone", "title": "Alone", "steps": 5, "measures": "retention", "feedback": {**ANGLE, "show": "never"}},
        {"id": "extra", "title": "Extra", "minutes": 1, "after": ["pain"]},
    ],
}  # fmt: skip
SAID: list[tuple[float, dict[str, Any]]] = [
    (0.5, {"do": "override", "what": "speed", "reason": "the patient's own choice"}),
    (1.0, {"do": "answer", "kind": "pain", "left": 3, "right": 0}),
    (1.2, {"do": "answer", "kind": "pain", "left": 11, "right": 0}),
    (1.5, {"do": "pause"}),
    (2.0, {"do": "answer", "prompt": 1, "yes": True}),
    (2.5, {"do": "start"}),
    (34.0, {"do": "pause", "reason": "shoe lace"}),
    (36.5, {"do": "resume"}),
    (57.0, {"do": "answer", "kind": "pain", "left": 5, "right": 0}),
    (59.0, {"do": "acknowledge"}),
    (60.0, {"do": "resume"}),
    (61.5, {"do": "note", "text": "walks well"}),
    (85.0, {"do": "skip", "reason": "enough for today"}),
    (88.0, {"do": "answer", "kind": "pain", "left": 6, "right": 1}),
    (90.0, {"do": "start"}),
]  # fmt: skip
SILENT = (39.0, 40.3)


def visit(**said: Any) -> Visit:
    """Of the left leg."""
    catch = tuple((k * 0.37) % 1.0 for k in range(20))
    return Visit.model_validate({"document": DOCUMENT, "side": "left", "draws": {"catch": catch}, **said})


def walk() -> Walk:
    """The belt stops for a moment in the middle of the second block."""
    return simulated(SECONDS, seed=33, natural_fpa_deg=(9.0, 4.0), faults=[Fault("belt_stop", 42.0, 44.0)])


def commands() -> dict[float, Record]:
    """By the data time at which the hub hands them over; a stream is lost and comes back, too."""
    out: dict[float, Record] = {
        at: Command(number, json.dumps(what), NOTHING) for number, (at, what) in enumerate(SAID, start=1)
    }
    out[68.0] = Link(MARKERS, 0, False, "", NOTHING)
    out[68.3] = Link(MARKERS, 1, True, walk().layouts()[MARKERS].model_dump_json(), NOTHING)
    return out


def start() -> Start:
    """START of the walk by the document."""
    return walk().start(visit=visit())
