"""A recorded stamp trial: the stamping foot's heel and plate, brought together for `engine.skew`."""

from __future__ import annotations

import numpy as np

from labfeedback.analysis import room
from labfeedback.analysis.walked import local_times
from labfeedback.engine.skew import Skew, measure_skew
from labfeedback.errors import BadSetup
from labfeedback.exchange.trial import Trial
from labfeedback.markerset import MarkerSet
from labfeedback.records import SIDE_NAMES
from labfeedback.rig import Rig


def skew_of(trial: Trial, rig: Rig, markers: MarkerSet, side: int) -> Skew:
    """side: +1 right, -1 left. Raises BadSetup where heel or plate are not in the trial, BadFile without stamps."""
    label = markers.leg(side).heel
    if label not in trial.labels:
        raise BadSetup(f"{trial.path} has no marker {label!r}, the heel of marker set {markers.name!r}")
    if not trial.plates:
        raise BadSetup(f"{trial.path}: {trial.no_plates}; a stamp needs a plate")
    fitted = room.fitted(rig, trial, [])
    own = [k for k, plate in enumerate(fitted.plates) if plate.side == SIDE_NAMES[side]]
    if not own:
        raise BadSetup(f"rig {rig.name!r} has no {SIDE_NAMES[side]} plate")
    up = np.zeros(len(trial.plates[own[0]].channels))
    for k in own:
        plate = fitted.plates[k]
        up += plate.sign * (trial.plates[k].wrench[:, :3] @ (fitted.to_lab @ plate.axes)[1])
    heel = trial.marker(label) @ fitted.to_lab[1]
    times = [np.arange(len(heel)) / trial.rate_hz, np.arange(len(up)) / trial.analog_rate_hz]
    if trial.stamps is not None:
        times = [local_times(one) for one in trial.stamps]
    return measure_skew(times[0], heel, times[1], up)
