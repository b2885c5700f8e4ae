"""What some seconds of walking show of the lab: feet, loads, swings and footfalls, in lab axes.

Only what a check before the first step needs; a step's numbers come from the engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from labfeedback.analysis.checks import Load, loads
from labfeedback.core import timefit
from labfeedback.exchange.trial import Stamped, Trial
from labfeedback.markerset import MarkerSet
from labfeedback.records import SIDES
from labfeedback.rig import Rig

Array = NDArray[np.float64]
SAME_RATE: Final = 0.02
CONTACT_N: Final = 50.0
STANDING_N: Final = 200.0
SWING_S: Final = (0.2, 0.9)
STANCE_S: Final = (0.35, 1.2)
CENTRAL_S: Final = 0.100
NEAR_S: Final = 0.15  # between what a plate and what the markers say of one footfall
STROKE_M: Final = 0.15  # a heel travels further than this against the pelvis with each step


@dataclass(frozen=True, slots=True)
class Stance:
    """One loaded stretch of a foot's plates, s."""

    side: int
    start_s: float
    end_s: float


class Mended(NamedTuple):
    """What is read as if it were right. flip: side -> -1 where that side's plates have the other sign. exchanged: left
    and right labels are read for each other."""

    flip: dict[int, int]
    exchanged: bool


class Walked:
    """trial: what was read or received; a missing marker may be NaN, zeros or a repeat."""

    def __init__(
        self,
        trial: Trial,
        rig: Rig,
        markers: MarkerSet,
        mended: Mended | None = None,
    ) -> None:
        self.trial, self.rig, self.markers = trial, rig, markers
        mended = mended or Mended({}, False)
        self._exchanged = mended.exchanged
        stamps = trial.stamps
        if stamps is None:
            self.marker_time = np.arange(len(trial.points)) / trial.rate_hz
            count = len(trial.plates[0].channels) if trial.plates else 0
            self.force_time = np.arange(count) / trial.analog_rate_hz if count else np.zeros(0)
        else:
            streams = rig.streams
            self.marker_time = sampled(local_times(stamps[0]), streams.markers.rate_hz) - streams.markers.latency_s
            self.force_time = sampled(local_times(stamps[1]), streams.forces.rate_hz) - rig.force_latency_s
        self.rates_hz = [usual_rate(local_times(one)) for one in stamps or ()] or [trial.rate_hz, trial.analog_rate_hz]
        self._points = seen_points(trial.positions_m)
        found = loads(trial, rig)
        self.load = {
            side: Load(mended.flip.get(side, 1) * found[side].force_n, found[side].cop_m) for side in SIDES
        }  # a centre of pressure is a quotient: the sign of both does not move it

    def marker(self, label: str) -> Array:
        """(n, 3) m, lab axes; NaN where it was not seen, or is no label of the trial."""
        if label not in self.trial.labels:
            return np.full((len(self._points), 3), np.nan)
        return np.asarray(self._points[:, self.trial.labels.index(label)] @ self.rig.to_lab.T)

    def foot(self, side: int) -> tuple[Array, Array]:
        """Heel and front of a foot, (n, 3) m each."""
        leg = self.markers.leg(-side if self._exchanged else side)
        front = (self.marker(leg.mt1 or "") + self.marker(leg.mt5 or "")) / 2
        return self.marker(leg.heel), self.marker(leg.mt2) if leg.mt2 else front

    def outline(self, side: int) -> tuple[Array, Array]:
        """Heel and front, with the ankle for a heel that is never seen and 0.2 m ahead for such a front."""
        heel, front = self.foot(side)
        if not np.isfinite(heel).any():
            leg = self.markers.leg(-side if self._exchanged else side)
            heel = self.marker(leg.ankle_lateral)
        return heel, front if np.isfinite(front).any() else heel + np.array([0.2, 0.0, 0.0])

    def at_frames(self, values: Array) -> Array:
        """A force channel at the marker frames, linearly."""
        return np.asarray(np.interp(self.marker_time, self.force_time, values))

    @property
    def force_rate_hz(self) -> float:
        """Force samples per second, as they came."""
        if len(self.force_time) < 2:
            return float("nan")
        return (len(self.force_time) - 1) / float(self.force_time[-1] - self.force_time[0])

    @cached_property
    def stances(self) -> tuple[Stance, ...]:
        """Whole loaded stretches of both feet's plates, in order of contact."""
        out = []
        for side in SIDES:
            on = (self._smooth(side) > CONTACT_N).astype(np.int64)
            edges = np.diff(on)
            for start in np.flatnonzero(edges > 0):
                ends = np.flatnonzero(edges[start + 1 :] < 0)
                if len(ends):
                    begin, end = (float(self.force_time[i]) for i in (start, start + 1 + ends[0]))
                    if STANCE_S[0] <= end - begin <= STANCE_S[1]:
                        out.append(Stance(side, begin, end))
        return tuple(sorted(out, key=lambda one: one.start_s))

    def _smooth(self, side: int) -> Array:
        width = max(1, round(0.015 * self.force_rate_hz)) if len(self.force_time) > 1 else 1
        return np.convolve(self.load[side].up_n, np.ones(width) / width, mode="same")

    def swings(self, side: int) -> list[slice]:
        """Force samples of the central 100 ms of each swing, with the other foot on its own plates."""
        own = [one for one in self.stances if one.side == side]
        out = []
        for before, after in pairwise(own):
            if SWING_S[0] < after.start_s - before.end_s < SWING_S[1]:
                middle = 0.5 * (before.end_s + after.start_s)
                a, b = np.searchsorted(self.force_time, (middle - 0.5 * CENTRAL_S, middle + 0.5 * CENTRAL_S))
                if b - a > 4 and self.load[-side].up_n[a:b].mean() > STANDING_N:
                    out.append(slice(int(a), int(b)))
        return out

    def carried_kg(self) -> float:
        """Mean load of both plates over whole strides; NaN with fewer than two."""
        total = sum(one.up_n for one in self.load.values())
        means = []
        for side in SIDES:
            starts = [one.start_s for one in self.stances if one.side == side]
            if len(starts) >= 3:
                a, b = np.searchsorted(self.force_time, (starts[0], starts[-1]))
                means.append(float(np.mean(np.asarray(total)[a:b])))
        return float(np.mean(means)) / 9.81 if means else float("nan")

    def heel_drift_deg(self) -> list[float]:
        """Direction of the standing heels' drift from where the belts should run, towards the right; one a stance."""
        out = []
        for one in self.stances:
            heel = self.foot(one.side)[0]
            a, b = np.searchsorted(
                self.marker_time, (one.start_s + 0.25 * _length(one), one.start_s + 0.45 * _length(one))
            )
            path = heel[a:b]
            if len(path) > 3 and np.isfinite(path).all():
                half = len(path) // 2
                moved = path[half:].mean(axis=0) - path[:half].mean(axis=0)
                if moved[0] < 0:
                    out.append(float(np.degrees(np.arctan2(-moved[2], -moved[0]))))
        return out

    def lags_s(self) -> list[float]:
        """Plate minus markers of each stance, mean of contact and toe-off, s.

        Extremes of heel and toe against the pelvis (Zeni 2008), or against the mean of both heels where the set has no
        pelvis. What is early at a contact is late at a toe-off in most people, so their mean scatters less than either.
        """
        pelvis = [self.marker(label)[:, 0] for label in self.markers.pelvis]
        heels = np.stack([self.foot(side)[0][:, 0] for side in SIDES])
        middle = np.mean(pelvis, axis=0) if pelvis else heels.mean(axis=0)
        out = []
        for side in SIDES:
            heel, front = self.foot(side)
            strikes = self._turns(heel[:, 0] - middle)
            offs = self._turns(middle - front[:, 0])
            for one in self.stances:
                if one.side == side:
                    contact, off = _nearest(strikes, one.start_s), _nearest(offs, one.end_s)
                    if abs(contact - one.start_s) < NEAR_S and abs(off - one.end_s) < NEAR_S:
                        out.append(0.5 * (one.start_s - contact + one.end_s - off))
        return out

    def _turns(self, track: Array) -> Array:
        """Times of the maxima of a track, to a part of a frame."""
        from scipy.signal import find_peaks

        good = np.isfinite(track)
        if good.sum() < 20:
            return np.zeros(0)
        filled = np.interp(self.marker_time, self.marker_time[good], track[good])
        rate = (len(filled) - 1) / float(self.marker_time[-1] - self.marker_time[0])
        peaks, _ = find_peaks(filled, distance=max(1, round(0.5 * rate)), prominence=STROKE_M)
        reach = max(2, round(0.03 * rate))
        out = []
        for peak in peaks:
            rows = slice(max(0, peak - reach), peak + reach + 1)
            time = self.marker_time[rows] - self.marker_time[peak]
            if good[rows].all() and len(time) >= 5:
                bend, slope, _ = np.polyfit(time, filled[rows], 2)
                if bend < 0:
                    out.append(float(self.marker_time[peak] + np.clip(-slope / (2 * bend), time[0], time[-1])))
        return np.array(out)


def median(values: Array) -> float:
    """Of what is a number; NaN where nothing is."""
    good = values[np.isfinite(values)]
    return float(np.median(good)) if len(good) else float("nan")


def _length(stance: Stance) -> float:
    return stance.end_s - stance.start_s


def _nearest(times: Array, to: float) -> float:
    return float(times[np.abs(times - to).argmin()]) if len(times) else float("inf")


def local_times(stamped: Stamped) -> Array:
    """Stamps on the recorder's clock, s."""
    time = np.asarray(stamped.time_s, np.float64)
    if not stamped.offsets:
        return time
    at, offsets = np.array(stamped.offsets).T
    return np.asarray(np.maximum.accumulate(time + np.interp(time, at, offsets)))


def usual_rate(stamps: Array) -> float:
    """Samples per second by the middle half of all seconds, so that neither holes nor bursts count; NaN without any."""
    if len(stamps) < 10 or not stamps[-1] > stamps[0]:
        return float("nan")
    half = max(1, len(stamps) // 8)
    return half / float(np.median(stamps[half:] - stamps[:-half]))


def sampled(stamps: Array, rate_hz: float) -> Array:
    """When samples were taken, from stamps that tell when they arrived: the engine's own fit (core.timefit)."""
    out, count = stamps.copy(), len(stamps)
    if not abs(usual_rate(stamps) / rate_hz - 1.0) < SAME_RATE:
        return out  # the fit holds on to the rate that the rig names
    state, window = timefit.new_state(rate_hz), np.zeros(timefit.window_size(rate_hz))
    nothing = np.full(count, np.nan)
    timefit.fit_times(out, np.ones(count), nothing, state, window, np.zeros(count), np.zeros(count))
    return out


def seen_points(points: Array) -> Array:
    """(n, m, 3) with NaN for what was not seen: exact zeros and the last value repeated count as missing, too."""
    out = points.copy()
    out[(points == 0.0).all(axis=2)] = np.nan
    repeats = np.zeros(points.shape[:2], np.bool_)
    repeats[1:] = (points[1:] == points[:-1]).all(axis=2)
    out[repeats] = np.nan
    return out
