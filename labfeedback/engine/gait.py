"""Times, lengths and symmetry of one step against the steps before it.

Lengths are between prints on the belt: the heel's place over 25-45 % of stance, when it stands, carried on with the
belt. The moment of contact then does not matter, and neither does the heel that rises before the other foot lands
(foot positions on a treadmill: Zeni, Gait Posture 27:710, 2008; definitions of step, stride and width: Whittle, Gait
Analysis, 4th ed., ch. 2; width is from heel to heel).

- step length, width: from the other foot's print to this one, along and across the progression.
- stride length and time: from this foot's last print and contact; cadence: 2 steps a stride time.
- double support: both ends of this stance, the other foot's toe-off minus this contact plus this toe-off minus the
  other's contact.
- symmetry: 2 (this - other) / (this + other) in per cent, 0 when equal (Robinson, J Manip Physiol Ther 10:172, 1987),
  of stance time and of the vertical impulse; the other is the step before.

A time is withheld (NaN) where contact or toe-off came from the markers, a length where the heel was hidden, an impulse
where the load may have been another foot's, and all of them across a gap, a pause or a change of the belt's speed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from labfeedback.engine.events import Stance
from labfeedback.records import SIDES, Flag

NAN: Final = math.nan
STEP_S: Final = (0.25, 1.3)  # between contacts of one foot and the other
STRIDE_S: Final = (0.6, 2.2)
NO_TIME: Final = Flag.EVENTS | Flag.STREAM_GAP
NO_PLACE: Final = Flag.STREAM_GAP | Flag.ALIGNMENT
NO_LOAD: Final = ~(Flag.MARKERS | Flag.ODD_TIMING | Flag.ALIGNMENT)


@dataclass(slots=True)
class _Past:
    """A foot's last stance, NaN where it cannot be vouched for. print_at: s, x, z of the heel, m."""

    contact: float = NAN
    toe_off: float = NAN
    stance: float = NAN
    impulse: float = NAN
    print_at: tuple[float, float, float] = (NAN, NAN, NAN)
    start: float = -math.inf  # as it was, vouched for or not


@dataclass(slots=True)
class Gait:
    """Feet are 0 (right) and 1 (left); times are data time, s. Causal; state is the last stance of each foot."""

    _past: list[_Past] = field(default_factory=lambda: [_Past(), _Past()])

    def begin(self) -> None:
        """A pause, a hole or another speed: what was before is no neighbour of what comes."""
        self._past = [_Past(), _Past()]

    def look(
        self, stance: Stance, r: np.void, print_at: tuple[float, float, float], other_contact: float, belt_m_s: float,
        trusted: bool,
    ) -> None:  # fmt: skip
        """Fill in a finished STEP row.

        print_at: s, x and z of the heel, m. other_contact: start of the other foot's stance that is under way, NaN if
        there is none that is sure. belt_m_s: 0 over ground. trusted: whose foot and whose load it was is beyond doubt.
        """
        foot, flags = stance.foot, Flag(int(r["flags"]))
        timed = trusted and not flags & NO_TIME
        loaded = timed and not flags & NO_LOAD
        placed = trusted and not flags & NO_PLACE and not r["missing_foot_markers"]
        length = stance.end - stance.start
        now = _Past(
            contact=stance.start if timed else NAN,
            toe_off=stance.end if timed else NAN,
            stance=length if timed else NAN,
            impulse=float(r["fz_mean_bw"]) * length if loaded else NAN,
            print_at=print_at if placed else (NAN, NAN, NAN),
            start=stance.start,
        )
        own, other = self._past[foot], self._past[1 - foot]
        # The stance before this one must be the other foot's, a step ago.
        if not own.start < other.start < stance.start or not STEP_S[0] < stance.start - other.start < STEP_S[1]:
            other = _Past()
        if not STRIDE_S[0] < stance.start - own.start < STRIDE_S[1]:
            own = _Past()
        self._past[foot] = now
        r["stance_s"], r["vertical_impulse_bw_s"] = now.stance, now.impulse
        r["step_time_s"], r["stride_s"] = now.contact - other.contact, now.contact - own.contact
        r["cadence_per_min"] = 120.0 / r["stride_s"]
        r["double_support_s"] = (other.toe_off - now.contact) + (now.toe_off - other_contact)
        r["belt_speed_m_s"] = belt_m_s if placed else NAN
        r["step_length_m"], r["step_width_m"] = _between(now, other, belt_m_s, SIDES[foot])
        r["stride_length_m"], _ = _between(now, own, belt_m_s, SIDES[foot])
        r["stance_symmetry_pct"] = _symmetry(now.stance, other.stance)
        r["impulse_symmetry_pct"] = _symmetry(now.impulse, other.impulse)


def _between(now: _Past, before: _Past, belt_m_s: float, side: int) -> tuple[float, float]:
    """(along, across) from a print to this one, m; the belt has carried the first one back meanwhile."""
    t, x, z = (a - b for a, b in zip(now.print_at, before.print_at, strict=True))
    return x + belt_m_s * t, side * z


def _symmetry(own: float, other: float) -> float:
    total = own + other
    return 200.0 * (own - other) / total if total > 0.0 else NAN
