"""Received samples into the tracks: clock, units, axes, what is missing, what is broken."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labfeedback.core.contact import FOUND, find_contacts, new_state
from labfeedback.core.filters import smooth
from labfeedback.core.intake import take_forces, take_markers
from labfeedback.engine.clock import Clock
from labfeedback.engine.plan import Plan
from labfeedback.engine.start import Setup
from labfeedback.engine.track import Track, rising
from labfeedback.inputlog import Samples

Array = NDArray[np.float64]


def _in_order(
    samples: Samples, clock: Clock, after: float, before: float
) -> tuple[Array, Array, NDArray[np.bool_] | None]:
    """Local times and values (float64) of the samples to keep, and which of those that arrived they are."""
    time = clock.map(samples.raw_time)
    values = np.ascontiguousarray(samples.values, np.float64)
    kept = rising(time, after, before)
    if kept is not None:
        time, values = time[kept], np.ascontiguousarray(values[kept])
    return time, values, kept


class MarkerStream:
    """Marker positions on the local clock, in the lab frame."""

    def __init__(self, setup: Setup, plan: Plan, clock: Clock) -> None:
        self.clock, self.rate_hz = clock, setup.rig.streams.markers.rate_hz
        self._plan = plan
        count = len(plan.columns)
        self.track = Track({"position": (count, 3), "residual": (2,)})
        self._previous = np.full((count, 3), np.nan)
        self._arrived = np.nan

    def take(self, samples: Samples) -> None:
        """Append a chunk; samples whose time cannot be right are left out (see `track.rising`)."""
        time, values, kept = _in_order(samples, self.clock, self.track.last_time, self._arrived)
        if len(samples.raw_time):
            self._arrived = float(samples.raw_time[-1]) + self.clock.shift_s
        rows = self.track.extend(time, samples.first, kept)
        plan, position = self._plan, self.track.rows("position", rows)
        take_markers(values, plan.columns, plan.scale, plan.turn, self._previous, position)
        self.track.rows("residual", rows)[:] = np.nan


class ForceStream:
    """Wrenches of both feet on the local clock, and the contacts found in them."""

    def __init__(self, setup: Setup, plan: Plan, clock: Clock) -> None:
        self.clock, self.rate_hz = clock, setup.rig.streams.forces.rate_hz
        self._plan = plan
        self._taps = np.array(setup.smoother)
        self._half = len(self._taps) // 2
        self._levels = (setup.settings.contact_rise_n, setup.settings.contact_n, setup.settings.hold_s)
        self._state = new_state()
        self._arrived = np.nan  # time of the last sample, kept or not
        self._smoothed = 0  # rows whose smooth value is known
        # wrench: (2, 6) about the lab origin; share: of full scale; broken: 1 where a channel was not a number
        self.track = Track({"wrench": (2, 6), "vertical": (2,), "smooth": (2,), "share": (2,), "broken": ()}, 16384)

    def take(self, samples: Samples) -> None:
        """Append a chunk; samples whose time cannot be right are left out (see `track.rising`)."""
        plan, track = self._plan, self.track
        time, values, kept = _in_order(samples, self.clock, track.last_time, self._arrived)
        if len(samples.raw_time):
            self._arrived = float(samples.raw_time[-1]) + self.clock.shift_s
        rows = track.extend(time, samples.first, kept)
        take_forces(
            values,
            plan.channels,
            plan.channel_scale,
            plan.plate_limits,
            plan.plate_turn,
            plan.plate_origin,
            plan.plate_foot,
            track.rows("wrench", rows),
            track.rows("vertical", rows),
            track.rows("share", rows),
            track.rows("broken", rows),
        )

    def contacts(self) -> Array:
        """(n, contact.FOUND) what the samples since the last call decided, in order."""
        track = self.track
        first = max(self._smoothed, self._half)
        stop = track.count - self._half
        if stop <= first:
            return np.empty((0, FOUND))
        smoothed = track.column("smooth")
        smooth(track.column("vertical"), first, stop, self._taps, smoothed)
        found = np.empty((2 * (stop - first) + 2, FOUND))
        rise, level, hold = self._levels
        count = find_contacts(track.time, smoothed, first, stop, self._half, rise, level, hold, self._state, found)
        self._smoothed = stop
        return found[:count]

    def forget(self, before: float) -> int:
        """Drop samples older than `before`, as far as the smoother has passed them; returns how many."""
        rows = min(int(np.searchsorted(self.track.time, before)), self._smoothed - self._half)
        if rows <= 0:
            return 0
        self.track.forget(rows)
        self._smoothed -= rows
        return rows
