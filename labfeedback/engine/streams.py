"""Received samples into the tracks: clock, units, axes, what is missing, what is broken."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labfeedback.core import timefit
from labfeedback.core.contact import FOUND, find_contacts, new_state
from labfeedback.core.filters import smooth
from labfeedback.core.intake import take_forces, take_markers
from labfeedback.core.kinematic import reach
from labfeedback.engine.clock import Clock
from labfeedback.engine.plan import Plan
from labfeedback.engine.start import Setup
from labfeedback.engine.track import Track, rising
from labfeedback.inputlog import Samples

Array = NDArray[np.float64]


class _Arrivals:
    """What both streams share: the clock, and samples in the order of their times."""

    def __init__(
        self, clock: Clock, rate_hz: float, columns: dict[str, tuple[int, ...]], capacity: int, number: int
    ) -> None:
        self.clock, self.rate_hz = clock, rate_hz
        # broken: 1 where the clock stepped just before, or a channel was no number; sync: s, see core.timefit
        self.track = Track({**columns, "broken": (), "sync": ()}, capacity)
        self.raw_s = np.nan  # the sender's time of the last sample
        self._arrived = np.nan  # local time of the last sample, kept or not, as stamped
        self._kept = -np.inf  # the latest of those that were kept
        self._last = np.empty((0, 0))  # values of the last one
        self._stepped = False
        self._left_out = 0  # samples since the last one that was kept
        self._number = number  # channel of the source's own count, -1 where it has none
        self._line, self._delays = timefit.new_state(rate_hz), np.zeros(timefit.window_size(rate_hz))

    def clock_stepped(self) -> None:
        """The next sample lies on another clock than the last."""
        self._stepped = True
        self.restart()

    def restart(self) -> None:
        """The next sample may be another sender's, or count anew."""
        self._line[:] = timefit.new_state(self.rate_hz)

    def _make_room(self, samples: Samples) -> tuple[slice, Array]:
        """Rows for the samples whose time can be right, marked where the clock broke, and their values (float64)."""
        time = self.clock.map(samples.raw_time)
        values = np.ascontiguousarray(samples.values, np.float64)
        kept = rising(time, self._kept, self._arrived, self._again(time, values))
        arrived = self._arrived
        if len(time):
            self._arrived, self.raw_s = float(time[-1]), float(samples.raw_time[-1])
        steps = np.ones(len(time))
        if kept is not None:
            steps = self._steps_over(time, arrived, kept.samples)
            values, time = np.ascontiguousarray(values[kept.samples]), time[kept.samples]
        if len(time):
            self._kept = max(self._kept, float(time.max()))
        time, broken, sync = self._fitted(time, steps, values)
        rows = self.track.extend(time, samples.first, None if kept is None else kept.samples)
        self.track.rows("sync", rows)[:] = sync
        self.track.rows("broken", rows)[:] = broken if kept is None else np.maximum(broken, kept.broken)
        if self._stepped and rows.stop > rows.start:
            self.track.rows("broken", rows)[0] = 1.0
            self._stepped = False
        return rows, values

    def _again(self, time: Array, values: Array) -> NDArray[np.bool_] | None:
        """(n,) which samples have the stamp and the values of the one before; None where no two stamps are equal."""
        last, out = self._last, None
        if len(time) and (time[0] == self._arrived or (time[1:] == time[:-1]).any()):
            before = np.vstack([last if len(last) else np.full((1, values.shape[1]), np.inf), values[:-1]])
            out = ((values == before) | (np.isnan(values) & np.isnan(before))).all(axis=1)
        if len(time):
            self._last = values[-1:].copy()
        return out

    def _steps_over(self, time: Array, arrived: float, kept: NDArray[np.bool_]) -> Array:
        """For each kept sample how many it is on from the one kept before: those left out were taken, too, but for one
        that is sent again with the very stamp of the last."""
        steps = []
        for now, keep in zip(time.tolist(), kept.tolist(), strict=True):
            if keep:
                steps.append(1.0 + self._left_out)
                self._left_out = 0
            elif now != arrived:
                self._left_out += 1
            arrived = now
        return np.array(steps)

    def _fitted(self, time: Array, steps: Array, values: Array) -> tuple[Array, Array, Array]:
        """Times at which the samples were taken, where the fit had to jump, and how well they are known."""
        time = np.array(time, order="C")
        number = np.full(len(time), np.nan) if self._number < 0 else np.ascontiguousarray(values[:, self._number])
        broken, sync = np.zeros(len(time)), np.zeros(len(time))
        before = self.track.last_time
        timefit.fit_times(time, steps, number, self._line, self._delays, broken, sync)
        # After a restart of the fit a time may lie before what was given out: time does not run backwards.
        if len(time) and time[0] <= before:
            time = np.maximum(time, before + 1e-6 * np.arange(1, len(time) + 1))
        return time, broken, sync


class MarkerStream(_Arrivals):
    """Marker positions on the local clock, in the lab frame."""

    def __init__(self, setup: Setup, plan: Plan, clock: Clock) -> None:
        count = len(plan.columns)
        # reach: of right heel and toe, left heel and toe, see core.kinematic
        columns: dict[str, tuple[int, ...]] = {"position": (count, 3), "residual": (2,), "reach": (4,)}
        super().__init__(clock, setup.rig.streams.markers.rate_hz, columns, 4096, plan.numbers[0])
        self._plan = plan
        self._pelvis_offset = np.full(len(plan.pelvis), np.nan)
        self._previous = np.full((count, 3), np.nan)

    def take(self, samples: Samples) -> None:
        """Append a chunk; samples whose time cannot be right are left out (see `track.rising`)."""
        rows, values = self._make_room(samples)
        plan, position = self._plan, self.track.rows("position", rows)
        take_markers(values, plan.columns, plan.scale, plan.turn, self._previous, position)
        self.track.rows("residual", rows)[:] = np.nan
        reach(position, plan.roles, plan.kinds, plan.pelvis, self._pelvis_offset, self.track.rows("reach", rows))


class ForceStream(_Arrivals):
    """Wrenches of both feet on the local clock, and the contacts found in them."""

    def __init__(self, setup: Setup, plan: Plan, clock: Clock) -> None:
        # wrench: (2, 6) of each foot about the lab origin; share: of full scale
        columns: dict[str, tuple[int, ...]] = {"wrench": (2, 6), "vertical": (2,), "smooth": (2,), "share": (2,)}
        super().__init__(clock, setup.rig.streams.forces.rate_hz, columns, 16384, plan.numbers[1])
        self._plan = plan
        self._taps = np.array(setup.smoother)
        self._half = len(self._taps) // 2
        self._levels = (setup.settings.contact_rise_n, setup.settings.contact_n, setup.settings.hold_s)
        self._state = new_state()
        self._smoothed = 0  # rows whose smooth value is known

    def take(self, samples: Samples) -> None:
        """Append a chunk; samples whose time cannot be right are left out (see `track.rising`)."""
        plan, track = self._plan, self.track
        rows, values = self._make_room(samples)
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
