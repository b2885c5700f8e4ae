"""Received samples into the tracks: clock, units, axes, what is missing, what is broken."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labfeedback.core.contact import FOUND, find_contacts, new_state
from labfeedback.core.filters import smooth
from labfeedback.core.intake import take_channels, take_markers
from labfeedback.core.plates import plate_wrenches
from labfeedback.engine.clock import Clock
from labfeedback.engine.plan import Plan
from labfeedback.engine.start import Setup
from labfeedback.engine.track import Track, rising
from labfeedback.inputlog import Samples

Array = NDArray[np.float64]


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
        time = self.clock.map(samples.raw_time)
        index = np.arange(samples.first, samples.first + len(time))
        values = np.ascontiguousarray(samples.values, np.float64)
        keep = rising(time, self.track.last_time, self._arrived)
        if len(time):
            self._arrived = float(time[-1])
        if keep is not None:
            time, index, values = time[keep], index[keep], np.ascontiguousarray(values[keep])
        position = np.empty((len(time), len(self._plan.columns), 3))
        take_markers(values, self._plan.columns, self._plan.scale, self._plan.turn, self._previous, position)
        self.track.append(time, index, {"position": position, "residual": np.full((len(time), 2), np.nan)})


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
        self._scale = plan.channel_scale
        self._limited = bool(np.isfinite(plan.plate_limits).any())
        # wrench: (2, 6) about the lab origin; share: of full scale; broken: 1 where a channel was not a number
        self.track = Track({"wrench": (2, 6), "vertical": (2,), "smooth": (2,), "share": (2,), "broken": ()}, 16384)

    def take(self, samples: Samples) -> None:
        """Append a chunk; samples whose time cannot be right are left out (see `track.rising`)."""
        plan = self._plan
        time = self.clock.map(samples.raw_time)
        index = np.arange(samples.first, samples.first + len(time))
        values = np.ascontiguousarray(samples.values, np.float64)
        keep = rising(time, self.track.last_time, self._arrived)
        if len(time):
            self._arrived = float(time[-1])
        if keep is not None:
            time, index, values = time[keep], index[keep], np.ascontiguousarray(values[keep])
        channels = np.empty((len(time), len(plan.channels)))
        take_channels(values, plan.channels, self._scale, channels)
        broken = np.zeros(len(time))
        if not np.isfinite(channels.sum()):
            broken[:] = ~np.isfinite(channels).all(axis=1)
            channels[broken > 0] = 0.0  # flagged; a NaN would live on in every filter after it
        wrench = np.empty((len(time), 2, 6))
        plate_wrenches(channels, plan.plate_turn, plan.plate_origin, plan.plate_foot, wrench)
        share = np.zeros((len(time), 2))
        if self._limited:
            load = np.abs(channels) / plan.plate_limits
            for plate, foot in enumerate(plan.plate_foot):
                share[:, foot] = np.maximum(share[:, foot], load[:, 6 * plate : 6 * plate + 6].max(axis=1))
        vertical = np.ascontiguousarray(wrench[:, :, 1])
        self.track.append(
            time,
            index,
            {
                "wrench": wrench,
                "vertical": vertical,
                "smooth": np.full_like(vertical, np.nan),
                "share": share,
                "broken": broken,
            },
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
