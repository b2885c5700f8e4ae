"""The causal running estimate of both feet: kernel state, and frame after frame what the kernels found.

It feeds live curves, the angle at heel-off and the belt's stop, and finds where heels strike and toes leave. What a
target is judged by comes from `engine.steps`, never from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labfeedback.core import kinematic, live
from labfeedback.core.live import run_frames
from labfeedback.engine.plan import Plan
from labfeedback.engine.start import Setup
from labfeedback.engine.track import Track, longest_interval
from labfeedback.records import FRAME, Rows, from_numbers

Array = NDArray[np.float64]
SPAN_S: Final = 0.02  # over which a marker's speed is taken
FLAT_S: Final = 0.08  # least foot-flat for an early angle
STOPPED_S: Final = 0.12  # loaded foot slower than 0.3 of the belt for this long: the belt has stopped


@dataclass(frozen=True, slots=True)
class Ran:
    """stop: the first frame that was not worked on. rows: FRAME. noticed: (n, live.NOTICED). told: (n, kinematic.FOUND)
    heel strikes and toe-offs that the last frame worked on has told."""

    stop: int
    rows: Rows
    noticed: Array
    told: Array


class Frames:
    """Feet are 0 (right) and 1 (left)."""

    def __init__(self, setup: Setup, plan: Plan, markers: Track, forces: Track) -> None:
        settings, streams = setup.settings, setup.rig.streams
        rate = streams.markers.rate_hz
        self._plan, self._markers, self._forces = plan, markers, forces
        self.limits = np.zeros(live.LIMITS)
        self.limits[live.L_LEVEL] = settings.contact_n
        self.limits[live.L_HEIGHT] = settings.foot_flat_height_m
        self.limits[live.L_SPEED] = settings.foot_flat_speed_m_s
        self.limits[live.L_SPAN] = max(1, round(SPAN_S * rate))
        self.limits[live.L_FLAT] = max(2, round(FLAT_S * rate))
        self.limits[live.L_SLOW] = max(2, round(STOPPED_S * rate))
        self.limits[live.L_GAP] = longest_interval(streams.forces.rate_hz)
        self.feet = np.zeros((2, live.FOOT_STATE))
        self.feet[:, [live.CONTACT, live.STAND_HEEL, live.STAND_TOE]] = np.nan
        self.walk = np.zeros(live.WALK_STATE)
        self.walk[live.BELT] = np.nan
        self._curves = kinematic.new_curves()
        self._told, self._reached = np.empty((4, kinematic.FOUND)), np.zeros(1, np.int64)

    def run(self, first: int, stop: int, zero: Array) -> Ran:
        """Work on frames first..stop of the marker track, no further than one that tells a strike or a toe-off.

        zero: (2, 6) wrenches to be taken off the plates. Rows of Ran.told are good until the next call.
        """
        plan, track, forces = self._plan, self._markers, self._forces
        events = kinematic.find_extremes(
            track.time, track.column("reach"), first, stop, self._curves, self._told, self._reached
        )
        stop = int(self._reached[0])
        out = np.empty((stop - first, live.COLUMNS))
        noticed = np.empty((3 * (stop - first), live.NOTICED))
        count = run_frames(
            track.time, track.column("position"), 0, first, stop, forces.time, forces.column("wrench"), plan.roles,
            plan.members, plan.counts, plan.reference, plan.local, plan.kinds, plan.surface, zero, self.limits,
            self.feet, self.walk, out, noticed,
        )  # fmt: skip
        out[:, live.O_FRAME] = track.index[first:stop]
        for foot in range(2):
            column = live.O_SIDE + live.PER_SIDE * foot + live.S_RESIDUAL
            track.column("residual")[first:stop, foot] = out[:, column]
        return Ran(stop, from_numbers(out, FRAME), noticed[:count], self._told[:events])

    def contact_of(self, foot: int) -> float:
        """Contact time of the stance that is under way, NaN in the air."""
        return float(self.feet[foot, live.CONTACT])

    def contact(self, foot: int, start: float) -> None:
        """A stance has begun."""
        self.feet[foot, live.CONTACT] = start
        self.feet[foot, live.FLAT_SUM : live.SAID + 1] = 0.0

    def gone(self, foot: int) -> None:
        """The stance is over, or was another foot's."""
        self.feet[foot, live.CONTACT] = np.nan

    def forgot(self, force_samples: int) -> None:
        """So many of the oldest force samples are no longer there."""
        self.walk[live.CURSOR] = max(0.0, self.walk[live.CURSOR] - force_samples)

    def judge_belt_anew(self) -> None:
        """Whether it stands is not known until its speed is known again."""
        self.walk[[live.SLOW, live.STOPPED]] = 0.0

    def learn(self, belt: float | None, standing: Sequence[tuple[float, float] | None]) -> None:
        """Belt speed, m/s, and each foot's standing heights of heel and front, m; None where not known."""
        self.walk[live.BELT] = np.nan if belt is None else belt
        for foot, heights in enumerate(standing):
            if heights is not None:
                self.feet[foot, live.STAND_HEEL], self.feet[foot, live.STAND_TOE] = heights
