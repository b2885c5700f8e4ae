"""Quiet standing as it was measured: markers and plate loads in lab axes, from a live stream or a file alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labfeedback.engine.plan import LENGTH_UNITS, MOMENT_UNITS, marker_labels
from labfeedback.errors import StreamTrouble
from labfeedback.layout import PLATE_CHANNELS, Layout
from labfeedback.records import SIDE_NAMES, SIDES
from labfeedback.rig import Rig

Array = NDArray[np.float64]
LOADED_N = 50.0
# Quiet standing moves every marker by some hundredths of a millimetre between frames; what does not move for this long
# while most others do is a last value repeated.
FROZEN_S = 0.25


@dataclass(frozen=True, slots=True)
class Loads:
    """What the plates of each side carry, lab axes; index 0 is right, 1 is left.

    force_n: (n, 2, 3) N on the subject. cop_m: (n, 2, 2) m, x and z; NaN under LOADED_N. surface_m: (2,) m.
    """

    force_n: Array
    cop_m: Array
    surface_m: tuple[float, float]
    rate_hz: float

    @property
    def up_n(self) -> Array:
        """(n, 2) vertical force, N."""
        return np.asarray(self.force_n[:, :, 1])


@dataclass(frozen=True, slots=True)
class Standing:
    """markers: (n, m, 3) m, lab frame, NaN where missing. loads: None where nothing was weighed."""

    labels: tuple[str, ...]
    markers: Array
    rate_hz: float
    loads: Loads | None = None

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.markers) / self.rate_hz


def standing(markers: tuple[Layout, NDArray[np.floating]], forces: tuple[Layout, NDArray[np.floating]] | None,
             rig: Rig) -> Standing:  # fmt: skip
    """Both streams as (layout, values as received) of the same seconds. Raises StreamTrouble for an unknown unit."""
    layout, values = markers
    rate = layout.nominal_rate or rig.streams.markers.rate_hz  # some vendors' streams are declared irregular
    names = marker_labels(layout)
    columns = np.array([names[name] for name in names], np.int64).reshape(-1, 3)
    units = {layout.channels[column].unit.strip().lower() for column in columns.ravel()}
    if len(units) != 1 or not units <= set(LENGTH_UNITS):
        raise StreamTrouble(f"stream {layout.name!r}: positions in {', '.join(sorted(units))}: expected m or mm")
    points = np.asarray(values, np.float64)[:, columns]
    gone = ~np.isfinite(points).all(axis=2) | (points == 0.0).all(axis=2) | _frozen(points, rate)
    points = points * LENGTH_UNITS[units.pop()] @ rig.to_lab.T
    points[gone] = np.nan
    return Standing(tuple(names), points, rate, _loads(*forces, rig) if forces else None)


def _frozen(points: Array, rate_hz: float) -> NDArray[np.bool_]:
    """(n, m): a last value repeated, that is the same bits for FROZEN_S while at least half of the markers move."""
    out = np.zeros(points.shape[:2], np.bool_)
    if len(points) < 2:
        return out
    same = (points[1:] == points[:-1]).all(axis=2)
    same[same.mean(axis=1) > 0.5] = False
    least = max(2, round(FROZEN_S * rate_hz))
    for column in range(same.shape[1]):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], same[:, column], [False]]).astype(np.int8)))
        for first, stop in zip(edges[::2], edges[1::2], strict=True):
            if stop - first >= least:
                out[first + 1 : stop + 1, column] = True
    return out


def _loads(layout: Layout, values: NDArray[np.floating], rig: Rig) -> Loads:
    index = {channel.label: number for number, channel in enumerate(layout.channels)}
    force, moment = np.zeros((len(values), 2, 3)), np.zeros((len(values), 2, 3))
    surface = [0.0, 0.0]
    for plate in rig.plates:
        labels = [f"FP{plate.id}_{name}" for name in PLATE_CHANNELS]
        missing = [label for label in labels if label not in index]
        if missing:
            raise StreamTrouble(f"stream {layout.name!r} lacks {', '.join(missing)} of rig {rig.name!r}")
        wrench = np.asarray(values, np.float64)[:, [index[label] for label in labels]].copy()
        for column in range(3, 6):
            unit = layout.channels[index[labels[column]]].unit.strip().lower()
            if unit not in MOMENT_UNITS:
                raise StreamTrouble(f"stream {layout.name!r}, {labels[column]}: unit {unit!r}, expected Nm or Nmm")
            wrench[:, column] *= MOMENT_UNITS[unit]
        turn = plate.sign * (rig.to_lab @ plate.axes)
        own = wrench[:, :3] @ turn.T
        foot = [SIDE_NAMES[side] for side in SIDES].index(plate.side)
        force[:, foot] += own
        moment[:, foot] += wrench[:, 3:] @ turn.T + np.cross(rig.to_lab @ plate.origin, own)
        surface[foot] = float((rig.to_lab @ plate.centre)[1])
    up = np.where(np.abs(force[:, :, 1]) > LOADED_N, force[:, :, 1], np.nan)
    height = np.array(surface)
    x = (moment[:, :, 2] + height * force[:, :, 0]) / up
    z = (height * force[:, :, 2] - moment[:, :, 0]) / up
    rate = layout.nominal_rate or rig.streams.forces.rate_hz
    return Loads(force, np.stack([x, z], axis=2), (surface[0], surface[1]), rate)
