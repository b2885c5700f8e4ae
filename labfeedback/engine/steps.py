"""One stance of one foot becomes a row: the numbers, the flags, and the number that raised each flag."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labfeedback.core import step as core
from labfeedback.core.peaks import POINTS
from labfeedback.engine.doubt import doubt
from labfeedback.engine.events import Stance
from labfeedback.engine.footing import GRAVITY, Footing, Ground
from labfeedback.engine.history import SLOWEST_M_S
from labfeedback.engine.outputs import Curve
from labfeedback.engine.plan import Plan
from labfeedback.engine.posture import Posture
from labfeedback.engine.sight import FORWARD_M_S
from labfeedback.engine.soundness import Soundness
from labfeedback.engine.start import Setup
from labfeedback.engine.track import Track
from labfeedback.records import SIDES, STEP, Flag, Rows

Array = NDArray[np.float64]
SATURATED_AT = 0.98  # of a channel's full scale
OFF_THE_FOOT_M = 0.08  # mean distance of COP and foot beyond which the load is another foot's
REVERSED = 0.02  # of the mean vertical force: walking people have 4-15 % fore-aft and 3-8 % sideways
APART_PCT = 0.3  # %BW*Ht between the full moment and its lever arm at a peak; sound steps stay within 0.13
MERGED = 0.75  # of a stride: a longer load on one plate is two feet's (normal is 0.60-0.68)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a computed step tells besides its row."""

    row: Rows  # one STEP
    heel_speed: float  # m/s along X in mid-stance
    seen: float  # share of the leg's markers that were visible in the window
    reversed_shear: str  # '', 'fore-aft' or 'sideways': a horizontal force whose sign cannot be right
    facing: float  # cosine of tibia's front and foot's direction
    heel_low: float
    toe_low: float
    curve: Curve | None
    carried: bool  # whether flag markers leaves the moment valid
    shape: Array  # (pairs,) mean distances of markers of one segment in mid-stance, m; NaN where hidden
    pairs: tuple[str, ...]
    foot_pairs: int  # the first pair that is the foot's
    on_belt: bool  # the foot stood, and moved backward as on a belt
    heel_drift: tuple[float, float]  # of the heel over 25-45 % of stance, x and z, m
    print_at: tuple[float, float, float]  # of the heel: s, x and z, m, at 35 % of stance
    unseen: tuple[str, ...]  # markers of the leg that no frame of the window shows


class StepMaker:
    """Cuts windows from the tracks and computes them. Holds no history."""

    def __init__(self, setup: Setup, plan: Plan, keep_curves: bool) -> None:
        self._plan = plan
        self._settings = setup.settings
        self._sections = (np.array(setup.sections["markers"]), np.array(setup.sections["forces"]))
        self._marker_rate = setup.rig.streams.markers.rate_hz
        self._force_rate = setup.rig.streams.forces.rate_hz
        self._keep_curves = keep_curves
        self._ground = Ground(plan, setup.settings, self._force_rate, np.array(setup.smoother))
        mass, height = setup.subject.mass_kg, setup.subject.height_m
        assert mass is not None
        self._mass = mass
        # The limit on method differences is in %BW*Ht; where the height is unknown a middle one serves.
        self._scale_nm = mass * GRAVITY * (height or 1.7)
        self._bwht = mass * GRAVITY * height if height else np.nan
        self._sound = Soundness(setup, plan, mass * GRAVITY)
        self._posture = Posture(plan, self._sections[0], round(setup.settings.lead_s * self._marker_rate))
        # As long as the lead: the odd mirror image of 100 ms gives the filter's transient the room it needs.
        self._pads = tuple(max(9, round(self._settings.lead_s * r)) for r in (self._marker_rate, self._force_rate))

    def window(self, stance: Stance) -> tuple[float, float]:
        """First and last time that the step's filter needs."""
        return stance.start - self._settings.lead_s, stance.end + self._settings.tail_s

    def make(
        self, stance: Stance, markers: Track, forces: Track, known_s: float, ordinal: int,
        single: tuple[float, float], zeros: Array, stride_s: float = np.inf,
    ) -> Finding:  # fmt: skip
        """Compute one step.

        single: its single support, s. zeros: (2, 6) to be taken off the wrenches. stride_s: inf where it is not known.
        """
        leg = self._plan.legs[stance.foot]
        begin, end = self.window(stance)
        # Half a nanosecond: a frame that lies on the border by its nominal time must not depend on the last bit.
        a, b = np.searchsorted(markers.time, (begin - 5e-10, end + 5e-10))
        fa = max(0, int(np.searchsorted(forces.time, begin - 5e-10)) - 1)
        # Up to the first one that is not before the end: a later one may not be here yet, depending on the chunks.
        fb = int(np.searchsorted(forces.time, end - 5e-10)) + 1
        time, force_time = markers.time[a:b], forces.time[fa:fb]
        row = np.zeros(1, STEP)
        r = row[0]
        for name in STEP.names or ():
            if STEP[name].kind == "f":
                r[name] = np.nan
        r["step"], r["side"] = ordinal, SIDES[stance.foot]
        r["start_s"], r["end_s"], r["known_s"] = stance.start, stance.end, known_s
        flags = Flag(0)
        broken = max(
            markers.column("broken")[a:b].sum() / self._marker_rate,
            forces.column("broken")[fa:fb].sum() / self._force_rate,
        )
        gap = max(self._sound.longest_gap(time, force_time, begin, end), float(broken))
        r["gap_s"] = gap
        if gap > 0.0:
            flags |= Flag.STREAM_GAP
        sync = float(
            np.hypot(markers.column("sync")[a:b].max(initial=0.0), forces.column("sync")[fa:fb].max(initial=0.0))
        )
        r["sync_s"] = sync
        positions = markers.column("position")[a:b]
        inside = (time >= stance.start) & (time <= stance.end)
        hidden = np.isnan(positions[:, leg.leg_rows, 0])
        r["missing_markers"] = int(hidden.sum())
        r["missing_foot_markers"] = int(np.isnan(positions[:, leg.foot_rows, 0])[inside].sum())
        carried = self._sound.carried(positions, inside, stance.foot)
        if r["missing_markers"]:
            flags |= Flag.MARKERS
        jumps = self._sound.jumps(time, positions, leg.leg_rows)
        if jumps.any():
            flags |= Flag.MARKERS
            carried = False
        residual = markers.column("residual")[a:b, stance.foot][inside]
        if len(residual) and not np.isnan(residual).all():
            r["residual_mm"] = np.nanmax(residual)
            if r["residual_mm"] > self._settings.residual_limit_mm:
                flags |= Flag.MARKERS
                carried = False
        share = forces.column("share")[fa:fb, stance.foot]
        r["load_share"] = share.max() if len(share) else np.nan
        if r["load_share"] >= SATURATED_AT:
            flags |= Flag.SATURATED
        if self._sound.flat_top(forces.column("vertical")[fa:fb, stance.foot]):
            flags |= Flag.SATURATED
        summary = np.full(core.SUMMARY, np.nan)
        percent = np.full((core.CURVES, POINTS), np.nan)
        curve = None
        if len(time) >= 8 and len(force_time) >= 8:
            curve = self._compute(
                stance,
                leg.rows,
                time,
                positions,
                force_time,
                forces.column("wrench")[fa:fb, stance.foot] - zeros[stance.foot],
                summary,
                percent,
            )
        self._fill(r, summary)
        self._posture.look(r, time, positions, percent)
        heel_speed = float(summary[core.HEEL_SPEED])
        weight = self._mass * GRAVITY
        on_belt = heel_speed < -SLOWEST_M_S
        footing = self._ground.look(stance.foot, single, markers, forces, percent, zeros[:, 1], weight, on_belt)
        flags |= self._stood(r, footing)
        r["single_start_s"], r["single_end_s"] = single
        r["contact_apart_s"], r["off_apart_s"] = stance.contact_apart, stance.off_apart
        uncertain = doubt(
            percent, (float(r["kam1_stance_pct"]), float(r["kam2_stance_pct"])), stance.end - stance.start,
            float(r["residual_mm"]) / 1000.0, sync, self._settings, (self._marker_rate, self._force_rate),
        )  # fmt: skip
        r["kam1_sd_nm"], r["kam2_sd_nm"] = uncertain.kam1_nm, uncertain.kam2_nm
        low, high = self._settings.force_peak_bw
        mean_low, mean_high = self._settings.force_mean_bw
        if not (low <= r["fz_peak_bw"] <= high and mean_low <= r["fz_mean_bw"] <= mean_high):
            flags |= Flag.FORCE_RANGE
        swinging = heel_speed > FORWARD_M_S
        if swinging:
            flags |= Flag.COP_OUTSIDE_FOOT | Flag.EVENTS
        if r["cop_to_foot_m"] > OFF_THE_FOOT_M:
            flags |= Flag.COP_OUTSIDE_FOOT
        r["kam_minus_leverarm_nm"] = _largest_apart(r)
        if r["kam_minus_leverarm_nm"] > APART_PCT / 100.0 * self._scale_nm:
            flags |= Flag.MARKERS
            carried = False
        if stance.by_markers or stance.end - stance.start > MERGED * stride_s:
            flags |= Flag.EVENTS
        shear = _reversed_shear(summary)
        if shear:
            flags |= Flag.COP_OUTSIDE_FOOT
        r["flags"] = int(flags)
        withhold(r, carried)
        r["fpa_valid"] = int(
            not flags & (Flag.STREAM_GAP | Flag.BELT_GAP)
            and not swinging  # then contact and toe-off are another foot's
            and r["missing_foot_markers"] == 0
            and not jumps[leg.foot_rows].any()
            and bool(np.isfinite(r["fpa_deg"]))
        )
        kept = None
        if self._keep_curves and curve is not None:
            kept = Curve(
                ordinal,
                SIDES[stance.foot],
                markers.index[a:b][inside].copy(),
                curve[inside, core.C_KAM].copy(),
                curve[inside, core.C_KFM].copy(),
                curve[inside, core.C_FZ].copy(),
                curve[inside, core.C_FPA].copy(),
            )
        return Finding(
            row,
            heel_speed,
            1.0 - float(hidden.mean()) if hidden.size else 0.0,
            shear,
            float(summary[core.FACING]),
            float(summary[core.HEEL_LOW]),
            float(summary[core.TOE_LOW]),
            kept,
            carried,
            self._sound.shape(leg.pairs, time, positions, stance),
            leg.pair_names,
            leg.foot_pairs,
            on_belt,
            (
                float(percent[core.C_HEEL_X, 90] - percent[core.C_HEEL_X, 50]),
                float(percent[core.C_HEEL_Z, 90] - percent[core.C_HEEL_Z, 50]),
            ),
            (
                stance.start + 0.35 * (stance.end - stance.start),
                float(percent[core.C_HEEL_X, 50:91].mean()),
                float(percent[core.C_HEEL_Z, 50:91].mean()),
            ),
            tuple(
                name
                for name, never in zip(leg.leg_names, np.asarray(hidden.all(axis=0)).tolist(), strict=True)
                if never
            ),
        )

    def _stood(self, r: np.void, footing: Footing) -> Flag:
        """Fill in flags 1-4 and their numbers. Gap, hull and edge raise nothing where they cannot be told (NaN)."""
        settings, flags = self._settings, Flag(0)
        r["other_load_s"], r["other_share"] = footing.other_load_s, footing.other_share
        r["gap_distance_m"], r["edge_distance_m"] = footing.gap_m, footing.edge_m
        r["cop_outside_share"] = footing.cop_outside
        if footing.other_load_s > settings.other_plate_s:
            flags |= Flag.CROSSOVER
        if np.isnan(footing.other_load_s):
            flags |= Flag.EVENTS  # no single support that could be looked at: whose load it was is not known
        if footing.gap_m < settings.belt_gap_m:
            flags |= Flag.BELT_GAP
        if footing.cop_outside > settings.cop_outside_share:
            flags |= Flag.COP_OUTSIDE_FOOT
        if footing.edge_m < settings.plate_edge_m:
            flags |= Flag.BELT_EDGE
        return flags

    def _compute(
        self,
        stance: Stance,
        rows: NDArray[np.int64],
        time: Array,
        positions: Array,
        force_time: Array,
        wrench: Array,
        summary: Array,
        percent: Array,
    ) -> Array:
        plan, leg = self._plan, self._plan.legs[stance.foot]
        window = np.ascontiguousarray(positions[:, rows])
        window[:, rows < 0] = 0.0  # roles that this set does not have: never read, but a filter must not meet NaN
        curves = np.empty((len(time), core.CURVES))
        core.compute_step(
            np.ascontiguousarray(time),
            window,
            np.ascontiguousarray(force_time),
            np.ascontiguousarray(wrench),
            stance.start,
            stance.end,
            1.0 / self._marker_rate,
            float(SIDES[stance.foot]),
            float(plan.surface[stance.foot]),
            plan.kinds,
            leg.inertia,
            self._sections[0],
            self._sections[1],
            self._pads[0],
            self._pads[1],
            leg.members,
            leg.counts,
            leg.reference,
            leg.local,
            summary,
            curves,
            percent,
        )
        return curves

    def _fill(self, r: np.void, summary: Array) -> None:
        r["fpa_deg"] = summary[core.FPA]
        for name, index in (("kam1", core.KAM1), ("kam2", core.KAM2)):
            r[f"{name}_nm"] = summary[index]
            r[f"{name}_nm_per_kg"] = summary[index] / self._mass
            r[f"{name}_pct_bwht"] = 100.0 * summary[index] / self._bwht
        r["kam1_stance_pct"], r["kam2_stance_pct"] = summary[core.KAM1_AT], summary[core.KAM2_AT]
        r["kam2_is_peak"] = int(summary[core.KAM2_IS_PEAK] == 1.0)
        r["kam_impulse_nm_s"] = summary[core.IMPULSE]
        r["kam_impulse_pct_bwht_s"] = 100.0 * summary[core.IMPULSE] / self._bwht
        r["kfm_nm"], r["kfm_stance_pct"] = summary[core.KFM], summary[core.KFM_AT]
        r["kfm_nm_per_kg"], r["kfm_pct_bwht"] = r["kfm_nm"] / self._mass, 100.0 * r["kfm_nm"] / self._bwht
        r["kam1_leverarm_nm"], r["kam2_leverarm_nm"] = summary[core.KAM1_LEVER], summary[core.KAM2_LEVER]
        weight = self._mass * GRAVITY
        r["fz_peak_bw"], r["fz_mean_bw"] = summary[core.FZ_PEAK] / weight, summary[core.FZ_MEAN] / weight
        r["cop_to_foot_m"] = summary[core.COP_TO_FOOT]


def withhold(r: np.void, carried: bool) -> None:
    """Any flag withholds KAM, except `markers` while the cluster still carries the segment (SCIENCE.md section 5)."""
    flags = Flag(int(r["flags"]))
    withheld = flags & ~Flag.MARKERS or (flags & Flag.MARKERS and not carried)
    r["kam_valid"] = int(not withheld and np.isfinite(r["kam1_nm"]) and np.isfinite(r["kam2_nm"]))


def _reversed_shear(summary: Array) -> str:
    """Which horizontal force has a sign that no walking person gives; no centre of pressure shows it.

    A foot in front brakes and a foot behind pushes; each foot is pushed towards the other.
    """
    vertical = summary[core.FZ_MEAN]
    if summary[core.BRAKE] > REVERSED * vertical and summary[core.PUSH] < -REVERSED * vertical:
        return "fore-aft"
    if summary[core.INWARD] < -REVERSED:
        return "sideways"
    return ""


def _largest_apart(r: np.void) -> float:
    """Largest difference between a peak of the full moment and that of its lever-arm estimate, Nm."""
    return float(max(abs(r["kam1_nm"] - r["kam1_leverarm_nm"]), abs(r["kam2_nm"] - r["kam2_leverarm_nm"])))
