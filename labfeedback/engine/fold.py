"""The engine: a fold over the input log. Records in, rows out; it reads no clock, file, environment or random number.

Everything is driven by data time. A marker frame is worked on when the forces reach it (or a TICK finds them silent);
events found in the forces act at the time of the sample that decided them. So the rows do not depend on how the streams
were cut into chunks, nor on how the chunks were interleaved (law 1).
"""

from __future__ import annotations

import heapq
import math
from typing import Any

import numpy as np

from labfeedback.core import contact, kinematic, live
from labfeedback.core.legpoints import HEEL
from labfeedback.engine.clock import Clock
from labfeedback.engine.events import Events, Stance
from labfeedback.engine.frames import Frames
from labfeedback.engine.guard import Guard
from labfeedback.engine.guidance import Guidance
from labfeedback.engine.history import History
from labfeedback.engine.judge import Judge, Said
from labfeedback.engine.outputs import Outputs
from labfeedback.engine.plan import Plan, make_plan
from labfeedback.engine.reel import Reel
from labfeedback.engine.scale import Scale
from labfeedback.engine.sight import Sight
from labfeedback.engine.start import Setup, parse_start
from labfeedback.engine.steps import StepMaker
from labfeedback.engine.streams import ForceStream, MarkerStream
from labfeedback.engine.track import longest_interval
from labfeedback.engine.watch import Watch
from labfeedback.inputlog import FORCES, MARKERS, Command, Link, Offset, Record, Samples, Start, Tick
from labfeedback.layout import Layout
from labfeedback.records import SIDE_NAMES, SIDES, CueState, EventCode, Flag

# Items of the schedule, in the order in which they act when they fall on the same frame.
_CONTACT, _TOE_OFF, _PULL, _LOOK, _DUE, _FORGET, _GAP, _BLOCK = 0, 1, 2, 3, 4, 5, 6, 7
FORGET_EVERY_S = 2.0


class Engine:
    """Feed it START's successors one by one. `keep_curves` adds each step's curves to the outputs."""

    def __init__(self, start: Start, *, keep_curves: bool = False) -> None:
        self.setup: Setup = parse_start(start)
        self._keep_curves = keep_curves
        self._layouts: dict[int, Layout] = {}
        self._plan: Plan | None = None
        self._reel = Reel()
        calibration = self.setup.calibration
        given = {}
        if calibration:
            for foot, side in enumerate(SIDES):
                leg = calibration.leg(side)
                given[foot] = (leg.stand_heel_m, leg.stand_toe_m)
        self._history = History(given)
        self._guidance = Guidance(self.setup, self._reel)
        self.visit = self._guidance.visit  # where a visit by protocol stands; to be looked at, not changed
        self._awaited = math.inf  # what is due next, as it stands in the schedule
        settings = self.setup.settings
        self._watch = Watch(settings.silent_neutral_s, settings.silent_pause_s)
        self._schedule: list[tuple[float, int, int, float, float]] = []
        self._done = 0  # rows of the marker track that were worked on
        self._due: dict[tuple[int, float], Stance] = {}  # (foot, start) of those that wait for the filter's tail
        self._steps = 0
        self._hazard = False
        streams = self.setup.rig.streams
        self._clocks = {MARKERS: Clock(streams.markers.latency_s), FORCES: Clock(self.setup.rig.force_latency_s)}
        self._early: dict[int, tuple[float, float]] = {}  # foot -> contact time and angle of its last heel-off
        self._scale = Scale(self.setup.subject.mass_kg)
        self._guard = Guard(settings.residual_limit_mm)

    def feed(self, record: Record) -> Outputs:
        """Take one record and return the rows it brought."""
        if isinstance(record, Samples):
            self._take(record)
        elif isinstance(record, Tick):
            self._tick(record.local_s)
        elif isinstance(record, Offset):
            self._offset(record)
        elif isinstance(record, Link):
            self._link(record)
        elif isinstance(record, Command):
            self._command(record)
        self._await()
        return self._reel.take()

    def finish(self) -> Outputs:
        """Nothing more will come: the last rows. Steps whose filter tail did not arrive are left out."""
        return self._reel.take()

    def _link(self, record: Link) -> None:
        if record.stream not in (MARKERS, FORCES):
            return
        name = "markers" if record.stream == MARKERS else "forces"
        now = self.now_s
        if not record.connected:
            self._reel.event(now, EventCode.STREAM_LOST, f"stream of {name} lost")
            return
        layout = Layout.model_validate_json(record.layout)
        before = self._layouts.get(record.stream)
        if before is not None and before.channels != layout.channels:
            self._reel.event(now, EventCode.HAZARD, f"stream of {name} came back with other channels or units")
            self._block(now)
            return
        self._layouts[record.stream] = layout
        self._clocks[record.stream].restart()
        if self._plan is not None:
            (self._markers if record.stream == MARKERS else self._forces).restart()
        self._reel.event(now, EventCode.STREAM_LINKED, f"stream of {name}: {layout.name}", value=float(record.epoch))
        if self._plan is None and len(self._layouts) == 2:
            self._begin(make_plan(self.setup, self._layouts[MARKERS], self._layouts[FORCES]))

    def _begin(self, plan: Plan) -> None:
        settings, streams = self.setup.settings, self.setup.rig.streams
        self._plan = plan
        self._markers = MarkerStream(self.setup, plan, self._clocks[MARKERS])
        self._forces = ForceStream(self.setup, plan, self._clocks[FORCES])
        self._judge = Judge(self.setup, plan)
        self._maker = StepMaker(self.setup, plan, self._keep_curves)
        tracks = self._markers.track, self._forces.track
        self._frames = Frames(self.setup, plan, *tracks)
        heels = np.ascontiguousarray(plan.roles[:, HEEL])
        self._sight = Sight(self._markers.track, streams.markers.rate_hz, heels, lambda: self._history.walking)
        self._events = Events(settings, self._sight, self._look_later)
        self._guidance.remark(self.now_s)
        self._push(-math.inf, _FORGET, 0, math.nan, math.nan)
        self._learn()

    def _offset(self, record: Offset) -> None:
        if record.stream not in (MARKERS, FORCES):
            return
        stream = None
        if self._plan is not None:
            stream = self._markers if record.stream == MARKERS else self._forces
        if self._clocks[record.stream].add(record.offset_s, stream.raw_s if stream else math.nan):
            name = "markers" if record.stream == MARKERS else "forces"
            self._reel.event(self.now_s, EventCode.CLOCK_STEP, f"clock of {name} stepped", value=record.offset_s)
            if stream is not None:
                stream.clock_stepped()

    def _take(self, record: Samples) -> None:
        if self._plan is None or record.stream not in (MARKERS, FORCES) or len(record.raw_time) == 0:
            return
        stream = self._markers if record.stream == MARKERS else self._forces
        before = stream.track.count
        stream.take(record)
        for time_s, lapse in stream.track.holes(before, longest_interval(stream.rate_hz)):
            self._push(time_s, _GAP, record.stream, time_s, lapse)
        if record.stream == FORCES:
            for row in self._forces.contacts():
                kind = (_CONTACT, _TOE_OFF, _PULL)[int(row[contact.KIND])]
                foot = int(row[contact.FOOT])
                self._push(row[contact.DECIDED], kind, foot, row[contact.START], row[contact.END])
        self._advance()

    def _tick(self, local_s: float) -> None:
        if self._plan is None:
            return
        last = (self._markers.track.last_time, self._forces.track.last_time)
        for code, text, cue in self._watch.look(local_s, last):
            self._reel.event(local_s, code, text)
            if cue is not None:
                self._guidance.hold(local_s, cue, "streams")
            elif code == EventCode.STREAM_BACK:
                # A hole is a hole, whoever else holds the walk. Whether the belt stands is not known any more, either.
                self._forget_walk()
                self._frames.judge_belt_anew()
                self._guidance.go_on(local_s, "streams", "belt")
        # Only a TICK gives up waiting, and only for the frames that are here now: samples that come late after a
        # silence are joined again, in whatever order their chunks arrive.
        self._advance(self._watch.given_up(FORCES))

    def _command(self, record: Command) -> None:
        resumed = self._guidance.command(self.now_s, record, self._watch.silent)
        if resumed and self._plan is not None:
            self._judge.begin()

    def _await(self) -> None:
        """Put into the schedule when the visit wants to be asked next."""
        due = self._guidance.due_s
        if due != self._awaited:
            self._awaited = due
            if due < math.inf:
                self._push(due, _BLOCK, 0, math.nan, math.nan)

    # --- data time ---

    @property
    def now_s(self) -> float:
        """The data's watermark; while they do not flow, the last TICK if that is later; NaN before both."""
        now = -math.inf
        if self._plan is not None:
            now = max(self._markers.track.last_time, self._forces.track.last_time)
        if now == -math.inf or self._watch.silent:
            now = max(now, self._watch.last_tick)
        return now if now > -math.inf else math.nan

    def _push(self, time: float, kind: int, foot: int, start: float, end: float) -> None:
        heapq.heappush(self._schedule, (float(time), kind, foot, float(start), float(end)))

    def _advance(self, given_up: float = -math.inf) -> None:
        """Work on every frame that the forces have reached, stopping where something scheduled acts.

        given_up: frames up to this time are worked on without forces.
        """
        reached = max(self._forces.track.last_time, given_up)
        while True:
            time = self._markers.track.time
            ready = int(time.searchsorted(reached, side="right"))
            if self._done >= ready:
                return
            stop = min(ready, int(time.searchsorted(self._schedule[0][0])))
            if stop > self._done:
                self._run(self._done, stop)
            else:
                # The schedule acts before the first frame at or after its time.
                self._act(float(time[self._done]), *heapq.heappop(self._schedule))

    def _forget(self, now: float) -> None:
        """Drop old samples. Scheduled like everything else: what a late step still finds must not depend on chunks."""
        self._push(now + FORGET_EVERY_S, _FORGET, 0, math.nan, math.nan)
        # A stance of the longest legal length, its lead and tail, and the wait until it is computed.
        before = now - (self.setup.settings.stance_max_s + 1.0)
        rows = min(int(np.searchsorted(self._markers.track.time, before)), self._done)
        self._markers.track.forget(rows)
        self._done -= max(rows, 0)
        dropped = self._forces.forget(before)
        self._frames.forgot(dropped)

    def _look_later(self, time: float, what: int, foot: int, value: float) -> None:
        self._push(time, _LOOK, foot, value, float(what))

    def _run(self, first: int, stop: int) -> None:
        """Work on frames first..stop, no further than one in which a foot's markers tell an event."""
        ran = self._frames.run(first, stop, self._judge.zeros)
        self._done = ran.stop
        time = self._markers.track.time
        self._reel.frames(ran.rows)
        self._guidance.begin(float(time[first]))
        for row in ran.noticed:
            self._notice(float(time[int(row[live.N_FRAME])]), int(row[live.N_KIND]), row)
        if len(ran.told):
            now = float(time[ran.stop - 1])
            for row in ran.told:
                self._events.marker_event(
                    now, int(row[kinematic.FOOT]), int(row[kinematic.KIND]), float(row[kinematic.AT])
                )
            self._footfalls(now)

    def _notice(self, now: float, kind: int, row: Any) -> None:
        if kind == 0:
            foot = int(row[live.N_FOOT])
            contact_s, angle = self._frames.contact_of(foot), float(row[live.N_VALUE])
            self._early[foot] = (contact_s, angle)
            if not self._events.vouched(foot) or self._judge.doubts_angle(foot):
                return  # after the stance it is known whose foot it was, and whether its angle may be told
            if self._guidance.wants(foot) and self._sight.whole(contact_s, now):
                self._guidance.early(now, foot, contact_s, angle, self._lasts(foot))
        elif kind == 1:
            self._reel.event(now, EventCode.BELT_STOPPED, "the belt has stopped", value=float(row[live.N_VALUE]))
            self._guidance.hold(now, CueState.BELT_STOPPED, "belt")
        else:
            self._reel.event(now, EventCode.BELT_MOVING, "the belt moves again", value=float(row[live.N_VALUE]))
            self._forget_walk()
            self._guidance.go_on(now, "belt", silent=self._watch.silent)

    def _lasts(self, foot: int) -> float:
        return self.setup.settings.expire_strides * self._history.stride(foot)

    # --- what the schedule brings ---

    def _act(self, now: float, _time: float, kind: int, foot: int, start: float, end: float) -> None:
        if kind == _CONTACT:
            self._events.plate_contact(now, foot, start)
            self._footfalls(now)
        elif kind == _TOE_OFF:
            self._events.plate_off(now, foot, end)
            self._footfalls(now)
        elif kind == _LOOK:
            self._events.look(now, int(end), foot, start)
            self._footfalls(now)
        elif kind == _PULL:
            self._raise(now, self._guard.pulled(foot), foot)
        elif kind == _FORGET:
            self._forget(now)
        elif kind == _BLOCK:
            self._guidance.due(now)
            self._await()
        elif kind == _GAP:
            text = f"{'markers' if foot == MARKERS else 'forces'}: nothing for {1000 * end:.0f} ms"
            self._reel.event(start, EventCode.STREAM_GAP, text, value=end)
        else:
            self._finish_step(now, self._due.pop((foot, start)))

    def _footfalls(self, now: float) -> None:
        """What the events of both feet came to."""
        contacts, stances, lost = self._events.take()
        for what, foot, start in contacts:
            if what == "contact":
                self._frames.contact(foot, start)
            elif what == "gone":
                self._frames.gone(foot)
            else:
                self._history.contact(foot, start)
                if self._events.vouched(foot):
                    self._say(now, foot, self._judge.landed(now, foot, start, self._forces.track))
                if text := self._scale.contact(foot, start, self._forces.track):
                    self._reel.event(now, EventCode.WEIGHT_DIFFERS, text, value=self._scale.ratio)
        for stance in stances:
            self._judge.ended(stance)
            self._close(now, stance)
        for foot, start in lost:
            self._reject(now, Stance(foot, start, now), "neither plate nor markers told its toe-off")
        if self._events.exchanged:
            self._raise(now, self._guard.exchanged(), 0)

    def _say(self, now: float, foot: int, said: list[Said]) -> None:
        for one in said:
            self._reel.event(now, one.code, one.text, SIDES[foot], one.value)

    def _reject(self, now: float, stance: Stance, why: str) -> None:
        side, duration = SIDES[stance.foot], stance.end - stance.start
        text = f"{SIDE_NAMES[side]} stance of {duration:.2f} s rejected: {why}"
        self._reel.event(now, EventCode.STANCE_REJECTED, text, side, duration)
        self._guidance.rejected(now, stance.foot, stance.start, self._lasts(stance.foot))

    def _close(self, now: float, stance: Stance) -> None:
        """A stance has ended: wait for the filter's tail, or reject it."""
        if math.isnan(stance.start):
            return  # it had begun before the recording did
        settings = self.setup.settings
        duration = stance.end - stance.start
        _, due = self._maker.window(stance)
        if not settings.stance_min_s <= duration <= settings.stance_max_s:
            self._reject(now, stance, f"expected {settings.stance_min_s:g}-{settings.stance_max_s:g} s")
            return
        self._due[stance.foot, stance.start] = stance
        self._push(due, _DUE, stance.foot, stance.start, stance.end)

    def _finish_step(self, now: float, stance: Stance) -> None:
        foot = stance.foot
        stride = self._history.known_stride(foot)
        margin = self.setup.settings.single_support_margin_s
        single = self._events.single_support(foot, stance.start, stance.end, margin)
        tracks = self._markers.track, self._forces.track
        zeros = self._judge.zeros_at(stance.start)
        finding = self._maker.make(stance, *tracks, now, self._steps, single, zeros, stride)
        self._steps += 1
        row = finding.row[0]
        told, changed = self._judge.look(stance, finding, self._forces.track, self._history)
        self._say(now, foot, told)
        if changed:
            self._forget_walk()
        said = self._early.get(foot)
        if said is not None and said[0] == stance.start:
            row["fpa_early_deg"] = said[1]
        if hazard := self._guard.look(foot, finding):
            self._raise(now, hazard, foot)
        trusted = not self._events.contradicted and not self._hazard
        if self._events.contradicted:  # plates and markers tell of different feet
            row["flags"] |= int(Flag.EVENTS)
        if not trusted:
            row["kam_valid"] = row["fpa_valid"] = 0
        other_contact = self._events.standing_since(1 - foot)
        self._judge.neighbours(stance, finding, other_contact, self._history, trusted)
        self._reel.step(finding)
        if finding.on_belt and not row["missing_foot_markers"] and row["gap_s"] == 0 and not self._hazard:
            self._history.add(foot, finding.heel_low, finding.toe_low, finding.heel_speed)
            self._learn()
        self._guidance.step(now, foot, stance.start, row, self._lasts(foot))
        self._await()

    def _raise(self, now: float, text: str, foot: int) -> None:
        if not self._hazard:
            self._reel.event(now, EventCode.HAZARD, text, SIDES[foot])
            self._block(now)

    def _block(self, now: float) -> None:
        self._hazard = True
        self._guidance.block(now)

    def _forget_walk(self) -> None:
        """Speed and stride may be others from here on."""
        self._history.forget_walk()
        if self._plan is not None:
            self._judge.begin()
        self._learn()

    def _learn(self) -> None:
        self._frames.learn(self._history.belt, (self._history.standing(0), self._history.standing(1)))
