"""One stance's window, cut by hand from a walk, and the step kernel called on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from labfeedback.core import step
from labfeedback.core.filters import butterworth
from labfeedback.core.inertia import segment_inertia
from labfeedback.core.legpoints import ROLE_NAMES
from labfeedback.core.peaks import POINTS
from tests.engine.walks import Walk

NO_CLUSTERS = (np.full((2, 3), -1, np.int64), np.zeros(2, np.int64), np.zeros((2, 3, 3)), np.full((8, 3), np.nan))


@dataclass(frozen=True)
class Window:
    """What compute_step takes, for one foot. markers (n, 8, 3) and wrench (f, 6) in lab axes about the lab origin."""

    time: Any
    markers: Any
    force_time: Any
    wrench: Any
    start: float
    end: float
    side: int
    rates: tuple[float, float]
    inertia: Any
    kinds: Any
    clusters: Any = NO_CLUSTERS
    filter_hz: float = 15.0

    def compute(self) -> tuple[Any, Any, Any]:
        """summary, curves (n, CURVES) and stance (CURVES, 201)."""
        summary, stance = np.full(step.SUMMARY, np.nan), np.empty((step.CURVES, POINTS))
        curves = np.empty((len(self.time), step.CURVES))
        marker_rate, force_rate = self.rates
        step.compute_step(
            self.time, np.ascontiguousarray(self.markers).copy(), self.force_time,
            np.ascontiguousarray(self.wrench).copy(), self.start, self.end, 1.0 / marker_rate, float(self.side), 0.0,
            self.kinds, self.inertia, butterworth(self.filter_hz, marker_rate), butterworth(self.filter_hz, force_rate),
            round(0.1 * marker_rate), round(0.1 * force_rate), *self.clusters, summary, curves, stance,
        )  # fmt: skip
        return summary, curves, stance

    def turned(self, radians: float) -> Window:
        """The same step walked in another direction: the room turned about its vertical."""
        c, s = np.cos(radians), np.sin(radians)
        turn = np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
        wrench = np.hstack([self.wrench[:, :3] @ turn.T, self.wrench[:, 3:] @ turn.T])
        return replace(self, markers=self.markers @ turn.T, wrench=wrench)

    def shifted(self, shift: Any) -> Window:
        """The same step elsewhere in the room: the moment about the new origin grows by shift x F."""
        moment = self.wrench[:, 3:] + np.cross(shift, self.wrench[:, :3])
        return replace(self, markers=self.markers + shift, wrench=np.hstack([self.wrench[:, :3], moment]))

    def mirrored(self, inertia: Any) -> Window:
        """The other leg of the walker's mirror image: z changes sign; a moment is an axial vector."""
        return replace(
            self,
            markers=self.markers * [1, 1, -1],
            wrench=self.wrench * [1, 1, -1, -1, -1, 1],
            side=-self.side,
            inertia=inertia,
        )


def lab_wrenches(walk: Walk) -> dict[str, Any]:
    """Side -> (n, 6) force on the subject and moment about the lab origin, by numpy and the rig's geometry alone."""
    out = {}
    for index, plate in enumerate(walk.rig.plates):
        turn = plate.sign * walk.rig.to_lab @ plate.axes
        origin = walk.rig.to_lab @ plate.origin
        channels = walk.forces.values[:, 6 * index : 6 * index + 6].astype(float)
        channels[:, 3:] *= {"Nm": 1.0, "Nmm": 1e-3}[walk.moment_unit]
        force, moment = channels[:, :3] @ turn.T, channels[:, 3:] @ turn.T
        out[plate.side] = np.hstack([force, moment + np.cross(origin, force)])
    return out


def lab_markers(walk: Walk) -> Any:
    """(n, m, 3) m in lab axes."""
    scale = {"m": 1.0, "mm": 1e-3}[walk.unit]
    return scale * walk.markers.values.reshape(len(walk.markers.time), -1, 3).astype(float) @ walk.rig.to_lab.T


def window(walk: Walk, side: str, start: float, end: float, *, table: str = "dumas", sex: str = "M") -> Window:
    """One stance with its lead and tail."""
    s = 1 if side == "right" else -1
    begin, stop = start - 0.1, end + 0.06
    a, b = np.searchsorted(walk.markers.time, (begin, stop))
    fa, fb = np.searchsorted(walk.forces.time, (begin, stop))
    leg = walk.marker_set.leg(s)
    points = lab_markers(walk)[a:b]
    roles = np.zeros((b - a, 8, 3))
    for index, role in enumerate(ROLE_NAMES):
        label = getattr(leg, role)
        if label:
            roles[:, index] = points[:, walk.labels.index(label)]
    streams = walk.rig.streams
    return Window(
        walk.markers.time[a:b].copy(), roles, walk.forces.time[fa - 1 : fb + 1].copy(),
        lab_wrenches(walk)[side][fa - 1 : fb + 1], start, end, s,
        (streams.markers.rate_hz, streams.forces.rate_hz),
        segment_inertia(table, sex, walk.subject.mass_kg or 75.0, s),
        np.array([int(leg.mt1 is None or leg.mt5 is None), int(leg.mt2 is not None), 0], np.int64),
    )  # fmt: skip
