"""Making START and the engine from what the operator asked for; imported late, because the kernels take a moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import labfeedback
from labfeedback.engine import Engine
from labfeedback.engine.calibration import calibrate
from labfeedback.engine.start import Calibration, build_start
from labfeedback.fingerprint import engine_hash
from labfeedback.hub.log import Engine as EngineLike
from labfeedback.inputlog import Start
from labfeedback.markerset import MarkerSet
from labfeedback.protocol.schedule import Visit
from labfeedback.protocol.training import Training
from labfeedback.recording.about import machine
from labfeedback.rig import Rig
from labfeedback.settings import Settings
from labfeedback.subject import Subject


def begin(walk: dict[str, Any]) -> tuple[Start, EngineLike]:
    """START and the engine made from it. Raises LabError where rig, subject, marker set and static trial disagree."""
    rig = Rig.model_validate(walk["rig"])
    marker_set = MarkerSet.model_validate(walk["marker_set"])
    static = walk.get("static")
    training = walk.get("training")
    start = build_start(
        rig,
        Subject.model_validate(walk["subject"]),
        marker_set,
        settings=Settings.model_validate(walk.get("settings") or {}),
        training=Training.model_validate(training) if training else None,
        calibration=static_calibration(Path(static), rig, marker_set) if static else walk.get("calibration"),
        versions=versions(),
        visit=Visit.model_validate(walk["visit"]) if walk.get("visit") else None,
        remarks=walk.get("remarks") or (),
    )
    return start, Engine(start)


def static_calibration(path: Path, rig: Rig, marker_set: MarkerSet) -> Calibration:
    """A recorded static trial as a calibration, in the rig's lab frame. Raises LabError naming what is missing."""
    from labfeedback.exchange.read import read_trial

    trial = read_trial(path)
    return calibrate(
        trial.positions_m @ rig.to_lab.T, list(trial.labels), marker_set, rate_hz=trial.rate_hz, source=path.name
    )


def versions() -> dict[str, Any]:
    """What a replay must know about the engine and the mathematics that made the numbers."""
    return {"version": labfeedback.__version__, "engine": engine_hash(), **machine()}
