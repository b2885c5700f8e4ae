"""Samples as they came (from LSL, or out of our own recording) as a trial: one form for all that is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from labfeedback.errors import BadFile
from labfeedback.exchange.trial import METRES, Stamped, Trial, TrialPlate
from labfeedback.layout import PLATE_CHANNELS, Layout
from labfeedback.rig import Rig


class Came(NamedTuple):
    """One stream: raw_s (n,) sender's stamps, values (n, channels), offsets (sender's time, offset) as measured, s."""

    layout: Layout
    raw_s: NDArray[np.float64]
    values: NDArray[Any]
    offsets: tuple[tuple[float, float], ...]


def trial_of(where: Path, markers: Came, forces: Came, rig: Rig) -> Trial:
    """Both streams as a trial whose plates are the rig's, in its order. Raises BadFile for other units or plates."""
    names, columns, unit = _markers_in(where, markers.layout)
    points = np.asarray(markers.values, np.float32)[:, columns].reshape(len(markers.values), -1, 3)
    labels = [channel.label for channel in forces.layout.channels]
    plates = []
    for plate in rig.plates:
        wanted = [f"FP{plate.id}_{name}" for name in PLATE_CHANNELS]
        missing = [label for label in wanted if label not in labels]
        if missing:
            raise BadFile(f"{where}: stream {forces.layout.name!r} has no {', '.join(missing)} of rig {rig.name!r}")
        own = [labels.index(label) for label in wanted]
        moment = forces.layout.channels[own[3]].unit
        if moment not in ("Nm", "Nmm"):
            raise BadFile(f"{where}: {wanted[3]} is in {moment or '(nothing)'}, expected Nm or Nmm")
        channels = np.ascontiguousarray(np.asarray(forces.values, np.float32)[:, own])
        plates.append(TrialPlate(plate.id, plate.corners_m, plate.origin_m, channels, moment, plate.edges_known))
    doubled = frozenset(name for name in names if names.count(name) > 1)
    return Trial(
        path=where,
        labels=tuple(names),
        points=points,
        point_unit=unit,
        rate_hz=rig.streams.markers.rate_hz,
        first_frame=1,
        plates=tuple(plates),
        analog_rate_hz=rig.streams.forces.rate_hz,
        doubled=doubled,
        stamps=(Stamped(markers.raw_s, markers.offsets), Stamped(forces.raw_s, forces.offsets)),
    )


def _markers_in(where: Path, layout: Layout) -> tuple[list[str], list[int], str]:
    """Names, their three columns each in a row, and the unit."""
    at: dict[str, dict[str, int]] = {}
    for column, channel in enumerate(layout.channels):
        if channel.type.startswith("Position"):
            at.setdefault(channel.marker, {})[channel.type[-1]] = column
    whole = {name: axes for name, axes in at.items() if set(axes) == set("XYZ")}
    units: Sequence[str] = sorted({layout.channels[axes["X"]].unit for axes in whole.values()})
    if len(units) != 1 or units[0] not in METRES:
        raise BadFile(
            f"{where}: stream {layout.name!r} has markers in {', '.join(units) or 'no unit'}: expected one of "
            f"{', '.join(METRES)} for all; correct the sender's description"
        )
    return list(whole), [axes[axis] for axes in whole.values() for axis in "XYZ"], units[0]
