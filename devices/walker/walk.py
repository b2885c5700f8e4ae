"""The walker: samples of both streams in data time, in any portions, and the truth about every step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from devices.walker import reference as ref
from devices.walker.corruption import corrupt_forces, corrupt_markers, force_index, kept, sent
from devices.walker.faults import Fault
from devices.walker.leg import MARKERS, markers
from devices.walker.noise import Noise
from devices.walker.pace import Pace
from devices.walker.plates import channels
from devices.walker.reference import Array
from devices.walker.steps import GAIN, Cue, FootSteps, personal_slopes
from devices.walker.stride import Choice, Stride
from devices.walker.truth import TrueStep
from labfeedback.errors import BadSetup

PELVIS: Final = {"RASI": (0.10, 0.0, 0.128), "LASI": (0.10, 0.0, -0.128), "RPSI": (-0.09, 0.01, 0.05),
                 "LPSI": (-0.09, 0.01, -0.05)}  # fmt: skip
LABELS: Final = tuple(f"{letter}{name}" for letter in "RL" for name in MARKERS) + tuple(PELVIS)
_LEG_COLUMNS: Final = 3 * len(MARKERS)
_PHASE_S: Final = 0.4  # the first right contact; the first left one follows half a stride later
_PORTION_S: Final = 2.0  # keeps few pieces alive, however far one call goes
_PIECE_S: Final = 2.0  # a long standstill is made in pieces
_OUT_M: Final = {"crossover": -0.105, "wrong_belt": -0.165}


class Piece(NamedTuple):
    """Samples of one stream: data time (n,) in s, values (n, channels)."""

    time: Array
    values: Array


class Chunk(NamedTuple):
    """What `advance` made. markers: m, NaN for missing, LABELS x 3. forces: N and Nm, two plates x 6."""

    markers: Piece
    forces: Piece


class _Made(NamedTuple):
    end_s: float
    first_marker: int
    markers: Array
    first_force: int
    forces: Array


class Walker:
    """One person on the treadmill.

    natural_fpa_deg is (right, left). slope is %BW*Ht of KAM1 per degree of toe-out, or (KAM1, KAM2); drawn if None.
    kam_sd is a free variation of both peaks from step to step in %BW*Ht; gain is how quickly cues are followed.
    habit_deg, (right, left), and practised (steps with feedback) are what earlier visits have left. Rates are whole
    numbers of Hz.
    """

    def __init__(
        self,
        seed: int,
        *,
        mass_kg: float = ref.MASS_KG,
        height_m: float = ref.HEIGHT_M,
        noise: str = "standard",
        natural_fpa_deg: tuple[float, float] = (ref.FPA_DEG, ref.FPA_DEG),
        fpa_sd_deg: float = 1.65,
        faults: Sequence[Fault] = (),
        slope: float | tuple[float, float] | None = None,
        kam_sd: float = 0.0,
        gain: float = GAIN,
        habit_deg: tuple[float, float] = (0.0, 0.0),
        practised: int = 0,
        speed_m_s: float = ref.SPEED_M_S,
        marker_rate_hz: int = 200,
        force_rate_hz: int = 1000,
    ) -> None:
        if not 0.5 <= speed_m_s <= 2.0:
            raise BadSetup(f"the walker was asked for {speed_m_s} m/s; it walks between 0.5 and 2.0 m/s")
        for fault in faults:
            unknown = sorted(set(fault.touched) - set(LABELS))
            if unknown:
                raise BadSetup(f"fault {fault.name}: no marker is called {', '.join(unknown)}; there are {LABELS}")
        self.mass_kg, self.height_m, self.seed = mass_kg, height_m, seed
        self.marker_rate_hz, self.force_rate_hz = int(marker_rate_hz), int(force_rate_hz)
        self.slopes = personal_slopes(seed, slope)
        self.faults = tuple(faults)
        self.late_cues = 0
        self._kam_sd = kam_sd
        self._natural = {1: natural_fpa_deg[0], -1: natural_fpa_deg[1]}
        habit = {1: habit_deg[0], -1: habit_deg[1]}
        self._steps = {
            s: FootSteps(seed, s, n, fpa_sd_deg, n, gain, practised=practised, habit_deg=habit[s])
            for s, n in self._natural.items()
        }
        self.pace = Pace(speed_m_s / ref.SPEED_M_S, _PHASE_S, self.faults)
        self._noise = Noise(seed, noise, 3 * len(LABELS), self.marker_rate_hz, self.force_rate_hz)
        self._tissue = _tissue(seed, self._noise)
        self._made: dict[int, list[_Made]] = {1: [], -1: []}
        self._stride: dict[int, Stride] = {}
        self._next = {1: -1, -1: -1}
        self._choice = {s: Choice(n) for s, n in self._natural.items()}
        self._cues: dict[int, list[Cue]] = {1: [], -1: []}
        self._walked: list[tuple[Stride, int]] = []  # with their ordinals; what they truly were is computed when asked
        self._truth: list[TrueStep] = []
        self._marker, self._force = 0, 0
        self._held: dict[int, Array] = {}
        self.time_s = 0.0

    @property
    def labels(self) -> tuple[str, ...]:
        """Marker labels, three columns each."""
        return LABELS

    @property
    def truth(self) -> list[TrueStep]:
        """Every step that began after 0 and ended before the present, in the order of toe-off."""
        self._truth += [self._true_step(stride, step) for stride, step in self._walked]
        self._walked.clear()
        return sorted((s for s in self._truth if s.end_s <= self.time_s), key=lambda s: s.end_s)

    def cue(self, time_s: float, side: int, deviation_deg: float | None, state: str = "") -> None:
        """The walker sees a cue at data time time_s: deviation is angle minus target, state GOOD means no change."""
        step = self._next[side]
        if step > 0 and time_s < self._contact_s(side, step - 2):
            self.late_cues += 1  # should have shaped a step that is already made; shapes the next one
        self._cues[side].append(Cue(time_s, side, deviation_deg, state))

    def advance(self, until_s: float) -> Chunk:
        """All samples before until_s that were not given yet. Any portions give the same bytes."""
        parts = []
        while until_s - self.time_s > _PORTION_S:
            parts.append(self._advance(self.time_s + _PORTION_S))
        parts.append(self._advance(until_s))
        if len(parts) == 1:
            return parts[0]
        return Chunk(
            *(Piece(*(np.concatenate(a) for a in zip(*stream, strict=True))) for stream in zip(*parts, strict=True))
        )

    def prepare(self, until_s: float) -> None:
        """Make what `advance` will give up to until_s, without giving it: work for an idle moment. Changes nothing."""
        for side in (1, -1):
            self._make(side, until_s)
        self._noise.markers(self._marker, int(until_s * self.marker_rate_hz) + 1)
        self._noise.forces(self._force, int(until_s * self.force_rate_hz) + 1)

    def _advance(self, until_s: float) -> Chunk:
        last_m, last_f = (int(np.ceil(until_s * rate - 1e-6)) for rate in (self.marker_rate_hz, self.force_rate_hz))
        first_m, first_f = self._marker, self._force
        last_m, last_f = max(last_m, first_m), max(last_f, first_f)
        self._marker, self._force = last_m, last_f
        self.time_s = max(self.time_s, until_s)
        chunk = Chunk(self._markers(first_m, last_m), self._forces(first_f, last_f))
        for side in (1, -1):
            old = [m for m in self._made[side] if m.end_s < self.time_s - 0.5]
            del self._made[side][: len(old)]
        return chunk

    # -- one stream's samples ------------------------------------------------------------------------------------

    def _markers(self, first: int, last: int) -> Piece:
        if first == last:
            return Piece(np.empty(0), np.empty((0, 3 * len(LABELS))))
        out = np.empty((last - first, 3 * len(LABELS)))
        for side in (1, -1):
            self._make(side, last / self.marker_rate_hz)
            for made in self._made[side]:
                lo, hi = max(first, made.first_marker), min(last, made.first_marker + len(made.markers))
                if lo < hi:
                    rows = made.markers[lo - made.first_marker : hi - made.first_marker]
                    if side > 0:
                        out[lo - first : hi - first, :_LEG_COLUMNS] = rows[:, :_LEG_COLUMNS]
                        out[lo - first : hi - first, 2 * _LEG_COLUMNS :] = rows[:, _LEG_COLUMNS:]
                    else:
                        out[lo - first : hi - first, _LEG_COLUMNS : 2 * _LEG_COLUMNS] = rows
        out += self._noise.markers(first, last)
        index = np.arange(first, last)
        corrupt_markers(out, index, self.marker_rate_hz, self.faults, LABELS, self._held)
        index = sent(index, self.marker_rate_hz, self.faults, self.seed)
        return Piece(index / self.marker_rate_hz, out[index - first])

    def _forces(self, first: int, last: int) -> Piece:
        if first == last:
            return Piece(np.empty(0), np.empty((0, 12)))
        index = np.arange(first, last)
        source = force_index(index, self.force_rate_hz, self.faults)
        out = np.zeros((last - first, 12))
        for side in (1, -1):
            self._make(side, last / self.force_rate_hz)
            for made in self._made[side]:
                here = (source >= made.first_force) & (source < made.first_force + len(made.forces))
                if here.any():
                    out[here] += made.forces[source[here] - made.first_force]
        out = self._noise.quantise(out + self._noise.forces(first, last))
        out = corrupt_forces(out, index, self.force_rate_hz, self.faults)
        keep = kept(index, self.force_rate_hz, self.faults)
        return Piece(index[keep] / self.force_rate_hz, out[keep])

    # -- strides -------------------------------------------------------------------------------------------------

    def _contact(self, side: int, step: int) -> float:
        return _PHASE_S + step * ref.STRIDE_S + (0.0 if side > 0 else ref.STRIDE_S / 2)

    def _contact_s(self, side: int, step: int) -> float:
        return self.pace.when(self._contact(side, step))

    def _make(self, side: int, until_s: float) -> None:
        """Make this leg's samples up to until_s, whole swing-and-stance pieces at a time."""
        made = self._made[side]
        reached = made[-1].end_s if made else 0.0
        while reached < until_s - 1e-9:
            if side not in self._stride or reached >= self._stride[side].end_s - 1e-9:
                self._stride[side] = self._decide(side)
            stride = self._stride[side]
            end = min(stride.end_s, reached + _PIECE_S)
            if end > reached:
                made.append(self._samples(stride, reached, end))
                reached = end

    def _samples(self, stride: Stride, begin_s: float, end_s: float) -> _Made:
        first_m, last_m = (int(np.ceil(t * self.marker_rate_hz - 1e-6)) for t in (begin_s, end_s))
        first_f, last_f = (int(np.ceil(t * self.force_rate_hz - 1e-6)) for t in (begin_s, end_s))
        t = np.arange(first_m, last_m) / self.marker_rate_hz
        values = markers(stride.leg(t)) + self._tissue_motion(stride.side, t)
        if stride.side > 0:
            values = np.hstack([values, self._pelvis(t)])
        t = np.arange(first_f, last_f) / self.force_rate_hz
        forces = np.zeros((len(t), 12))
        stance = t >= stride.contact_s
        if stance.any():
            leg = stride.leg(t[stance])
            forces[stance] = channels(stride.wrench(t[stance], leg)[0])
        return _Made(end_s, first_m, values, first_f, forces)

    def _decide(self, side: int) -> Stride:
        step = self._next[side]
        self._next[side] = step + 1
        before = self._choice[side]
        seen_until = self._contact_s(side, step - 1)
        cues = sorted((c for c in self._cues[side] if c.time_s < seen_until), key=lambda c: c.time_s)
        self._cues[side] = [c for c in self._cues[side] if c.time_s >= seen_until]
        fpa = self._steps[side].decide(step, cues)
        out, load = 0.0, 1.0
        contact_s = self._contact_s(side, step)
        for fault in self.faults:
            if fault.start_s <= contact_s < fault.end_s:
                if fault.name in _OUT_M and fault.side == side:
                    out = _OUT_M[fault.name]
                elif fault.name == "handrail":
                    load = 0.9
        free = self._kam_sd * np.random.default_rng([self.seed, 16, side + 1, step + 10]).standard_normal(2)
        turn = fpa - self._natural[side]
        kam1, kam2 = (slope * turn + float(extra) for slope, extra in zip(self.slopes, free, strict=True))
        choice = Choice(fpa, out, load, kam1, kam2)
        self._choice[side] = choice
        stride = Stride(side, self.mass_kg, self.pace, self._contact(side, step), before, choice)
        if stride.contact_s > 0 and np.isfinite(stride.end_s):
            self._walked.append((stride, step))
        return stride

    def _true_step(self, stride: Stride, step: int) -> TrueStep:
        start, end, top, shift = stride.truth()
        unit = self.mass_kg * ref.G * self.height_m / 100.0
        names = [f.name for f in self.faults if f.overlaps(start, end)]
        return TrueStep(
            "right" if stride.side > 0 else "left", step, start, end, stride.contact_s, stride.end_s,
            stride.now.fpa_deg, top.kam1, top.kam2, top.kam1 / unit, top.kam2 / unit, top.kam1_pct, top.kam2_pct,
            top.impulse / unit, top.kfm, top.kfm / unit, 1000.0 * shift, ";".join(names),
        )  # fmt: skip

    def _tissue_motion(self, side: int, t: Array) -> Array:
        """Skin moving over bone once a stride, (n, columns of this leg), m."""
        amplitude, phase = self._tissue[side]
        return _sway(amplitude, phase, self.pace.at(t)[0] - self._contact(side, 0))

    def _pelvis(self, t: Array) -> Array:
        tau = self.pace.at(t)[0]
        turn = 2 * np.pi * (tau - _PHASE_S) / ref.STRIDE_S
        middle = np.stack([0.01 * np.cos(2 * turn), 0.98 - 0.02 * np.cos(2 * turn - 0.5), 0.02 * np.sin(turn)])
        rows = [middle + np.array(offset)[:, None] for offset in PELVIS.values()]
        amplitude, phase = self._tissue[0]
        return np.ascontiguousarray(np.concatenate(rows).T) + _sway(amplitude, phase, tau - _PHASE_S)


def _sway(amplitude: Array, phase: Array, tau: Array) -> Array:
    if not amplitude.any():
        return np.zeros((len(tau), len(amplitude)))
    turn = 2 * np.pi * tau / ref.STRIDE_S
    wave = np.sin(turn)[:, None] * np.cos(phase) + np.cos(turn)[:, None] * np.sin(phase)
    return np.asarray(amplitude * wave)


def _tissue(seed: int, noise: Noise) -> dict[int, tuple[Array, Array]]:
    """Amplitude (m) and phase per column, for the right leg (1), the left leg (-1) and the pelvis (0)."""
    rng = np.random.default_rng([seed, 17])
    size = [
        noise.level.shank_tissue_m if part[0] == "shank" else noise.level.foot_tissue_m for part in MARKERS.values()
    ]
    out = {}
    for key, sizes in ((1, size), (-1, size), (0, [noise.level.shank_tissue_m] * len(PELVIS))):
        direction = rng.standard_normal((len(sizes), 3))
        direction /= np.sqrt((direction**2).sum(axis=1, keepdims=True))
        phase = np.repeat(rng.uniform(0, 2 * np.pi, len(sizes)), 3)
        out[key] = ((direction * np.array(sizes)[:, None]).ravel(), phase)
    return out
