"""Making START and the engine from what the operator asked for; imported late, because the kernels take a moment."""

from __future__ import annotations

from typing import Any

from labfeedback.hub.log import Engine as EngineLike
from labfeedback.inputlog import Start
from labfeedback.markerset import MarkerSet
from labfeedback.rig import Rig
from labfeedback.settings import Settings
from labfeedback.subject import Subject


def begin(walk: dict[str, Any]) -> tuple[Start, EngineLike]:
    """START and the engine made from it. Raises LabError where rig, subject, marker set and static trial disagree."""
    from labfeedback.engine import Engine
    from labfeedback.engine.start import build_start

    start = build_start(
        Rig.model_validate(walk["rig"]),
        Subject.model_validate(walk["subject"]),
        MarkerSet.model_validate(walk["marker_set"]),
        settings=Settings.model_validate(walk.get("settings") or {}),
        training=walk.get("training"),
        calibration=walk.get("calibration"),
        versions=walk.get("versions"),
    )
    return start, Engine(start)
