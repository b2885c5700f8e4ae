"""Contact and toe-off belong to a foot, not to a plate (SCIENCE.md section 5).

Both come from the plate that the foot stands on, as long as that foot's heel and toe agree. Where the other foot's load
hides the crossing, or plate and markers disagree by more than 40 ms, they come from the markers, moved by this foot's
median force-minus-marker offset, and the stance says so. A load on a foot's plate while that foot swings is another
foot's: it makes no stance.

Everything acts at a data time: a contact counts at once, and is looked at again when the markers must have spoken.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from labfeedback.engine.sight import Sight
from labfeedback.settings import Settings

STRIKE: Final = 0  # kinds of marker events, as core.kinematic has them
OFF: Final = 1
# Force minus marker where this foot has not taught it yet (30-40 ms for heel strike, 0-10 ms for toe-off).
USUAL_S: Final = (0.035, 0.005)
LEARNED_FROM: Final = 3
LEARNS_FROM_LAST: Final = 9
WAIT_S: Final = 0.080  # after an event, until the markers must have confirmed it (they take 30-50 ms)
SETTLE_S: Final = 0.060  # after a plate's toe-off: not later than the filter's tail, so that nothing is published later
NEAR_S: Final = 0.150  # beyond which two events are not the same one
SHORT_S: Final = 0.200  # no stance: a toe that goes back for a moment
SWING_S: Final = 0.5  # a swing must be seen from its middle, or its end is not told
STRIDE_S: Final = 1.6  # an ordinary stride at most
KEPT: Final = 6

# What is scheduled to be looked at.
LOOK_STRIKE: Final = 0
LOOK_CONTACT: Final = 1
LOOK_PLATE_OFF: Final = 2
LOOK_MARKER_OFF: Final = 3


@dataclass(frozen=True, slots=True)
class Stance:
    """Contact to toe-off of one foot (0 right, 1 left), s.

    contact_apart, off_apart: plate minus markers (moved by the offset), s, NaN where one of them is not known.
    by_markers: an event was taken from the markers, or the plate was not believed to the end.
    """

    foot: int
    start: float
    end: float
    contact_apart: float = math.nan
    off_apart: float = math.nan
    by_markers: bool = False


@dataclass(slots=True)
class _Foot:
    open: bool = False
    start: float = math.nan
    settled: bool = False  # the contact is known to be this foot's
    agreed: bool = False
    by_markers: bool = False
    contact_apart: float = math.nan
    loaded: bool = False  # the plate's own opinion
    off: float = math.nan  # the plate's toe-off that waits to be looked at
    waits: bool = False  # for the toe, after that toe-off was looked at
    heard: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))  # marker times of strikes and offs
    offsets: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))
    ended: float = -math.inf  # end of the last stance


class Events:
    """Makes stances out of what plates and markers say. Causal; state is this foot's own past.

    later: (time, what, foot, value) puts something on the engine's schedule, which comes back as `look`.
    """

    def __init__(self, settings: Settings, sight: Sight, later: Callable[[float, int, int, float], None]) -> None:
        self._apart_s, self._unlearned_s = settings.events_apart_s, settings.events_apart_unlearned_s
        self._sight, self._later = sight, later
        self._feet = (_Foot(), _Foot())
        self._foreign = [0, 0]  # contacts in a row while the foot swung, both feet cleared by any that agrees
        # What happened since `take`: ("contact", foot, start), ("settled", foot, start), ("gone", foot, nan), a Stance.
        self.contacts: list[tuple[str, int, float]] = []
        self.stances: list[Stance] = []
        self.lost: list[tuple[int, float]] = []  # (foot, start) of stances whose end nobody saw

    def take(self) -> tuple[list[tuple[str, int, float]], list[Stance], list[tuple[int, float]]]:
        """Contacts, stances and lost stances since the last call."""
        out = self.contacts, self.stances, self.lost
        self.contacts, self.stances, self.lost = [], [], []
        return out

    @property
    def exchanged(self) -> bool:
        """Whether each plate is loaded while its own foot swings, again and again: plates or feet are exchanged."""
        return min(self._foreign) >= 2

    @property
    def contradicted(self) -> bool:
        """Whether on both sides the last load of the plate came while its own foot stood or swung: whose foot is it?"""
        return min(self._foreign) >= 1

    def vouched(self, foot: int) -> bool:
        """Whether plate and markers agree on the stance that is under way."""
        f = self._feet[foot]
        return f.open and f.agreed and not f.by_markers and not self.contradicted

    def standing_since(self, foot: int) -> float:
        """Contact of the stance that is under way, s; NaN where there is none or it is not sure."""
        f = self._feet[foot]
        return f.start if f.open and f.agreed and not f.by_markers else math.nan

    def offset(self, foot: int, kind: int) -> float:
        """Force minus marker time, s: the median of this foot's last ones, a usual one before it is known."""
        seen = self._feet[foot].offsets[kind]
        return statistics.median(seen) if len(seen) >= LEARNED_FROM else USUAL_S[kind]

    def times(self, foot: int, kind: int) -> list[float]:
        """The last heel strikes or toe-offs that this foot's markers told, moved by the offset, s."""
        offset = self.offset(foot, kind)
        return [at + offset for at in self._feet[foot].heard[kind]]

    def _tolerance(self, foot: int, kind: int) -> float:
        return self._apart_s if len(self._feet[foot].offsets[kind]) >= LEARNED_FROM else self._unlearned_s

    def _nearest(self, foot: int, kind: int, to: float) -> float:
        return min(self.times(foot, kind), key=lambda at: abs(at - to), default=math.nan)

    def _learn(self, foot: int, kind: int, plate: float) -> None:
        f = self._feet[foot]
        at = min(f.heard[kind], key=lambda at: abs(at - plate))
        f.offsets[kind].append(plate - at)
        del f.offsets[kind][:-LEARNS_FROM_LAST]

    # --- what plates and markers say ---

    def plate_contact(self, now: float, foot: int, start: float) -> None:
        """The plate's vertical force rose. start is NaN if it was loaded when the data began."""
        f = self._feet[foot]
        if f.open and f.off == f.off and self._unseen(foot, start):
            self._look_plate_off(now, foot, f.off)
            if f.waits:
                f.by_markers = True
                self._end(foot, f.off, math.nan)
        f.loaded, f.off, f.waits = True, math.nan, False
        strike = self._nearest(foot, STRIKE, start)
        matches = abs(strike - start) <= self._tolerance(foot, STRIKE)
        if f.open and not matches:
            f.by_markers = True  # the plate let go in the middle of a stance, took it up late, or bears the other foot
            self._foreign[foot] += start - f.start > NEAR_S and not self._unseen(foot, start)
            return
        if f.open and abs(f.start - start) <= NEAR_S:
            return  # the markers had opened this very stance
        if f.open and f.start == f.start:
            self.lost.append((foot, f.start))
        self._open(foot, start, by_markers=False)
        if matches:
            self._agree(foot, strike)
        elif start == start:
            self._later(max(now, start + WAIT_S), LOOK_CONTACT, foot, start)

    def plate_off(self, now: float, foot: int, end: float) -> None:
        """The plate's vertical force fell."""
        f = self._feet[foot]
        f.loaded = False
        if not f.open:
            return
        if math.isnan(f.start):
            f.open = False
            self.contacts.append(("gone", foot, math.nan))
            return
        f.off = end
        self._later(max(now, end + SETTLE_S), LOOK_PLATE_OFF, foot, end)

    def marker_event(self, now: float, foot: int, kind: int, at: float) -> None:
        """Heel or toe passed an extreme at `at` s."""
        f = self._feet[foot]
        f.heard[kind].append(at)
        del f.heard[kind][:-KEPT]
        time = at + self.offset(foot, kind)
        if kind == OFF and f.waits:
            self._look_plate_off(now, foot, f.off)
        self._later(max(now, time + WAIT_S), LOOK_STRIKE if kind == STRIKE else LOOK_MARKER_OFF, foot, at)

    def look(self, now: float, what: int, foot: int, value: float) -> None:
        """Something that was scheduled is due."""
        if what == LOOK_STRIKE:
            self._look_strike(foot, value + self.offset(foot, STRIKE))
        elif what == LOOK_CONTACT:
            self._look_contact(now, foot, value)
        elif what == LOOK_PLATE_OFF:
            self._look_plate_off(now, foot, value)
        else:
            self._look_marker_off(now, foot, value + self.offset(foot, OFF))

    # --- deciding ---

    def _open(self, foot: int, start: float, by_markers: bool) -> None:
        f = self._feet[foot]
        f.open, f.start, f.settled, f.agreed, f.by_markers = True, start, False, False, by_markers
        f.contact_apart, f.off, f.waits = math.nan, math.nan, False
        self.contacts.append(("contact", foot, start))

    def _settle(self, foot: int) -> None:
        f = self._feet[foot]
        if not f.settled:
            f.settled = True
            self.contacts.append(("settled", foot, f.start))

    def _agree(self, foot: int, strike: float) -> None:
        f = self._feet[foot]
        f.agreed, f.contact_apart = True, f.start - strike
        self._foreign = [0, 0]
        self._learn(foot, STRIKE, f.start)
        self._settle(foot)

    def _look_strike(self, foot: int, strike: float) -> None:
        """The heel struck a while ago: is there a stance that began then?"""
        f = self._feet[foot]
        if strike <= f.ended:
            return
        if f.open and abs(f.start - strike) <= self._tolerance(foot, STRIKE):
            if not f.agreed and not f.by_markers:
                self._agree(foot, strike)
            return
        if f.open and math.isnan(f.start) and self._sight.first_time > strike - NEAR_S:
            return  # it was loaded when the data began
        if not f.open and not self._sight.walking:
            return  # a step beside the plates, or a swing of the leg while standing
        apart = f.start - strike if f.open else math.nan
        if f.open and f.settled and apart < -NEAR_S:
            self.lost.append((foot, f.start))
        off = f.off
        self._open(foot, strike, by_markers=True)
        f.contact_apart = apart if abs(apart) <= NEAR_S else math.nan
        f.off = off if off > strike else math.nan
        self._settle(foot)

    def _look_contact(self, now: float, foot: int, start: float) -> None:
        """A plate was loaded a while ago and no heel strike agreed: whose foot is it?"""
        f = self._feet[foot]
        if not f.open or f.start != start or f.agreed:
            return
        if self._unseen(foot, start):
            self._settle(foot)
        elif self._sight.swings(foot, start, now) or self._strode(foot, start):
            f.open = False
            self._foreign[foot] += 1
            self.contacts.append(("gone", foot, math.nan))
        else:
            f.by_markers = True
            self._settle(foot)

    def _unseen(self, foot: int, start: float) -> bool:
        """Whether a heel strike at `start` could have happened unseen."""
        return self._sight.broken(start - SWING_S, start) or self._sight.hidden(
            foot, STRIKE, start - NEAR_S, start + 0.5 * WAIT_S
        )

    def _strode(self, foot: int, time: float) -> bool:
        """Whether this foot's strikes are told by its markers just now, so that one that is missing did not happen."""
        return any(NEAR_S < time - at < STRIDE_S for at in self.times(foot, STRIKE))

    def _look_plate_off(self, now: float, foot: int, end: float) -> None:
        """A plate was left a while ago: did the foot leave?"""
        f = self._feet[foot]
        f.waits = False
        if not f.open or f.off != end or f.start > end:
            return
        off = self._nearest(foot, OFF, end)
        apart = end - off
        if abs(apart) <= self._tolerance(foot, OFF):
            if f.agreed:
                self._learn(foot, OFF, end)
            self._end(foot, end, apart)
        elif abs(apart) <= NEAR_S and off > f.start:
            f.by_markers = True
            self._end(foot, off, apart)
        elif self._sight.hidden(foot, OFF, end - NEAR_S, end + 0.5 * SETTLE_S):
            self._end(foot, end, math.nan)
        elif self._sight.swings(foot, end, now):
            f.by_markers = True
            self._end(foot, end, math.nan)
        else:
            f.waits = True  # the foot may still stand, beside its plate: its toe will tell

    def _look_marker_off(self, now: float, foot: int, off: float) -> None:
        """The toe left a while ago: does the plate agree?"""
        f = self._feet[foot]
        if not f.open or not off - f.start > SHORT_S:
            return
        if f.loaded or not abs(f.off - off) <= NEAR_S:
            f.by_markers = True
            self._end(foot, off, math.nan)
        elif f.waits:
            self._look_plate_off(now, foot, f.off)

    def _end(self, foot: int, end: float, apart: float) -> None:
        f = self._feet[foot]
        f.open, f.ended = False, end
        self._settle(foot)
        self.stances.append(Stance(foot, f.start, end, f.contact_apart, apart, f.by_markers))
        self.contacts.append(("gone", foot, math.nan))

    # --- single support ---

    def single_support(self, foot: int, start: float, end: float, margin: float) -> tuple[float, float]:
        """When this stance's foot stood alone: the other foot's toe-off to its heel strike, less `margin` at both ends.

        Only the other foot's markers say so, never the plate that is judged by it. Where they do not, the middle half
        of the stance is taken: double support is 16-20 % of a stance at either end.
        """
        length = end - start
        other = 1 - foot
        offs = [at for at in self.times(other, OFF) if start - 0.1 * length < at < start + 0.5 * length]
        strikes = [at for at in self.times(other, STRIKE) if start + 0.5 * length < at < end + 0.1 * length]
        first = max(offs) + margin if offs else start + 0.25 * length
        last = min(strikes) - margin if strikes else start + 0.75 * length
        return first, last
