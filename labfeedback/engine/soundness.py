"""Whether a step's window is whole: holes, flat tops, jumps, and whether its clusters still carry the segments."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labfeedback.engine.carrying import carryings
from labfeedback.engine.events import Stance
from labfeedback.engine.plan import Plan
from labfeedback.engine.start import Setup
from labfeedback.engine.track import longest_interval

Array = NDArray[np.float64]
LEAD_MAY_LACK_S = 0.060  # of 100 ms: no peak of ten steps of the main recording moves by over 0.001 Nm
FLAT_S, FLAT_FROM_BW = 0.010, 0.5
FASTEST_M_S = 12.0  # a swinging heel reaches 4-5 m/s; what is faster has jumped


class Soundness:
    """Looks at one window after another; holds no history. weight_n: body weight."""

    def __init__(self, setup: Setup, plan: Plan, weight_n: float) -> None:
        self._plan, self._settings, self._weight = plan, setup.settings, weight_n
        self._marker_rate = setup.rig.streams.markers.rate_hz
        self._force_rate = setup.rig.streams.forces.rate_hz
        self._carrying = carryings(setup, plan)

    @staticmethod
    def shape(pairs: NDArray[np.int64], time: Array, positions: Array, stance: Stance) -> Array:
        """(pairs,) mean distances over 20-60 % of stance, m."""
        length = stance.end - stance.start
        middle = positions[(time >= stance.start + 0.2 * length) & (time <= stance.start + 0.6 * length)]
        if not len(middle):
            return np.full(len(pairs), np.nan)
        apart = middle[:, pairs[:, 0]] - middle[:, pairs[:, 1]]
        return np.asarray(np.sqrt(np.einsum("npc,npc->np", apart, apart)).mean(axis=0))

    def flat_top(self, vertical: Array) -> bool:
        """Whether a loaded plate says one and the same number for 10 ms: an amplifier at its end, rig or not."""
        same = (vertical[1:] == vertical[:-1]) & (vertical[1:] > FLAT_FROM_BW * self._weight)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], same.astype(np.int64), [0]])))
        return bool(np.max(edges[1::2] - edges[::2], initial=0) >= max(8, round(FLAT_S * self._force_rate)))

    def longest_gap(self, time: Array, force_time: Array, begin: float, end: float) -> float:
        """The longest hole of either stream in the window, s; 0 when there is none."""
        worst = 0.0
        for t, rate in ((time, self._marker_rate), (force_time, self._force_rate)):
            if len(t) < 2:
                return end - begin
            # At the recording's very begin a part of the lead may be missing: the filter's odd padding stands for it.
            first = float(t[0]) - begin - LEAD_MAY_LACK_S
            steps = max(float(np.diff(t).max()), first, end - float(t[-1]))
            if steps > longest_interval(rate):
                worst = max(worst, steps)
        return worst

    def jumps(self, time: Array, positions: Array, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(m,) which of these markers move faster than any part of a walking leg between two frames."""
        out = np.zeros(positions.shape[1], np.bool_)
        own = positions[:, rows]
        step = own[1:] - own[:-1]
        far = FASTEST_M_S * (time[1:] - time[:-1])
        # A hidden marker is NaN: it does not jump.
        out[rows] = (np.einsum("ijk,ijk->ij", step, step) > (far * far)[:, None]).any(axis=0)
        return out

    def carried(self, positions: Array, inside: NDArray[np.bool_], foot: int) -> bool:
        """Whether every frame still shows three markers of each calibrated cluster and all that no cluster carries,
        and in stance (`inside`, (n,)) enough of the shank's that the moment stays what it is with all."""
        plan = self._plan
        ok = True
        for segment in range(2):
            count = int(plan.counts[foot, segment])
            if count:
                rows = plan.members[foot, segment, :count]
                visible = np.isfinite(positions[:, rows, 0])
                ok = ok and bool((visible.sum(axis=1) >= 3).all())
                if segment == 0 and ok:
                    ok = self._still_carries(visible[inside], foot)
            else:
                rows = plan.roles[foot, :4] if segment == 0 else plan.roles[foot, 4:]
                rows = rows[rows >= 0]
                ok = ok and bool(np.isfinite(positions[:, rows, 0]).all())
        return ok

    def _still_carries(self, visible: NDArray[np.bool_], foot: int) -> bool:
        """visible: (frames of stance, members) of the shank's cluster."""
        carrying, hidden = self._carrying[foot], ~visible.all(axis=1)
        if carrying is None or not hidden.any():
            return True
        edges = np.flatnonzero(np.diff(np.concatenate([[0], hidden.astype(np.int64), [0]])))
        seconds = float((edges[1::2] - edges[::2]).max()) / self._marker_rate
        left = np.unique(visible[hidden], axis=0)
        return max(carrying.moved_pct(row, seconds) for row in left) <= self._settings.hidden_moves_pct
