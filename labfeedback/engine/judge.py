"""A computed step against the person's own past, the plates' zero and the belts' direction: flags 6, 7, 8, alignment.

What `engine.steps` finds needs the step alone; what is here needs what came before it. All of it is causal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labfeedback.engine.axis import BeltAxis
from labfeedback.engine.events import Stance
from labfeedback.engine.footing import GRAVITY
from labfeedback.engine.gait import Gait
from labfeedback.engine.gone import Gone
from labfeedback.engine.history import History
from labfeedback.engine.plan import Plan
from labfeedback.engine.start import Setup
from labfeedback.engine.steps import Finding, withhold
from labfeedback.engine.track import Track
from labfeedback.engine.usual import Usual
from labfeedback.engine.zero import Zero
from labfeedback.records import EventCode, Flag

SPEED_CHANGED: Final = 0.10  # of the belt's speed; single steps scatter by 2-3 %


@dataclass(frozen=True, slots=True)
class Said:
    """Something for the record."""

    code: EventCode
    text: str
    value: float


class Judge:
    """Feet are 0 (right) and 1 (left); times are data time, s."""

    def __init__(self, setup: Setup, plan: Plan) -> None:
        weight = (setup.subject.mass_kg or math.nan) * GRAVITY
        self._settings = setup.settings
        self._usual = Usual(weight)
        self._axis = BeltAxis()
        self._gait = Gait()
        self._zero = Zero(plan, weight, setup.rig.streams.forces.rate_hz, setup.settings.contact_n)
        self._off = [math.nan, math.nan]  # last toe-off that plate and markers agree on
        self._slipped = [False, False]  # a marker of the foot has moved
        self._moved: set[str] = set()  # marker pairs whose change was told
        self._gone = Gone()

    def begin(self) -> None:
        """A start, a pause or another speed."""
        self._usual.begin()
        self._gait.begin()

    @property
    def zeros(self) -> NDArray[np.float64]:
        """(2, 6) wrenches to be taken off now, see `Zero.now`."""
        return self._zero.now

    def zeros_at(self, time: float) -> NDArray[np.float64]:
        """(2, 6) wrenches to be taken off a step that began at `time`."""
        return self._zero.at(time)

    def doubts_angle(self, foot: int) -> bool:
        """Whether this foot's angle is withheld for something that lasts: belts askew, a marker that moved."""
        return self._axis.off or self._slipped[foot]

    def ended(self, stance: Stance) -> None:
        """A foot has left the ground."""
        self._off[stance.foot] = math.nan if stance.by_markers else stance.end

    def landed(self, now: float, foot: int, contact: float, forces: Track) -> list[Said]:
        """A foot has met its plate, and its markers agree: the swing before shows the plate's zero."""
        off, self._off[foot] = self._off[foot], math.nan
        if off != off:
            return []
        return [
            Said(EventCode.PLATE_ALARM if told.alarm else EventCode.PLATE_ZERO, told.text, told.value)
            for told in self._zero.swing(now, foot, off, contact, forces)
        ]

    def look(self, stance: Stance, finding: Finding, forces: Track, history: History) -> tuple[list[Said], bool]:
        """Fill in the row's numbers, raise its flags and withhold it. Returns what is to be told, and whether the belt
        runs at another speed from this step on."""
        foot, row, settings, usual = stance.foot, finding.row[0], self._settings, self._usual
        said: list[Said] = []
        speed, belt = -finding.heel_speed, history.belt
        changed = belt is not None and finding.on_belt and abs(speed - belt) > SPEED_CHANGED * belt
        if changed:
            said.append(Said(EventCode.SPEED_CHANGED, f"the belt runs at {speed:.2f} m/s", speed))
            usual.begin()
        row["warm_up"] = int(usual.warming(foot))
        length = stance.end - stance.start
        row["weight_ratio"] = usual.weight_ratio(foot, stance.end, forces, float(self.zeros[:, 1].sum()))
        row["timing_off"] = usual.timing_off(foot, length)
        row["shape_off_m"], pair = usual.shape_off(foot, finding.shape)
        row["residual_off_mm"] = usual.residual_off(foot, float(row["residual_mm"]))
        left = np.abs(self._zero.left(foot))
        row["zero_off_n"], row["zero_off_nm"] = left[:3].max(), left[3:].max()
        sound = finding.on_belt and row["gap_s"] == 0 and not row["missing_foot_markers"]
        if sound and (text := self._axis.add(*finding.heel_drift)):
            code = EventCode.BELT_AXIS_OFF if self._axis.off else EventCode.BELT_AXIS
            said.append(Said(code, text, self._axis.yaw_deg))
        row["axis_deg"] = self._axis.yaw_deg
        flags, carried = Flag(0), finding.carried
        if usual.known(foot) and history.walking and abs(row["weight_ratio"] - 1.0) > settings.weight_off:
            flags |= Flag.WEIGHT_SUM
        if self._zero.bad(foot):
            flags |= Flag.WEIGHT_SUM
        if abs(row["timing_off"]) > settings.timing_off:
            flags |= Flag.ODD_TIMING
        if self._axis.off:
            flags |= Flag.ALIGNMENT
            row["fpa_valid"] = 0
        shifted = bool(row["shape_off_m"] > settings.shape_off_m)
        if shifted or row["residual_off_mm"] > settings.residual_off_mm:
            flags |= Flag.MARKERS
            carried = False
        self._slipped[foot] = shifted and pair >= finding.foot_pairs
        if self._slipped[foot]:
            row["fpa_valid"] = 0  # a foot marker that moved by a centimetre turns the angle by 2-3 deg
        if shifted and finding.pairs[pair] not in self._moved:
            self._moved.add(finding.pairs[pair])
            far = 1000 * row["shape_off_m"]
            text = f"the distance of markers {finding.pairs[pair]} changed by {far:.0f} mm: one of them has moved"
            text += "; steps are withheld until it is back in its place, or a new static trial is made"
            said.append(Said(EventCode.MARKER_MOVED, text, float(row["shape_off_m"])))
        if text := self._gone.look(foot, finding.unseen):
            said.append(Said(EventCode.MARKER_GONE, text, float(len(finding.unseen))))
        row["flags"] |= int(flags)
        withhold(row, carried)
        if row["kam_valid"] and not row["warm_up"]:
            usual.add(foot, length, finding.shape, float(row["residual_mm"]))
        return said, bool(changed)

    def neighbours(
        self, stance: Stance, finding: Finding, other_contact: float, history: History, trusted: bool
    ) -> None:
        """Fill in what the row says about the steps before it, see `Gait.look`. After all flags are known."""
        belt = 0.0
        if finding.on_belt:
            belt = history.belt or -finding.heel_speed
        self._gait.look(stance, finding.row[0], finding.print_at, other_contact, belt, trusted)
