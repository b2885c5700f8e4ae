"""The hub's loop: whatever comes first is handed to the engine at once; every 50 ms a TICK, also when nothing comes."""

from __future__ import annotations

import gc
import json
import math
import time
from collections.abc import Callable
from typing import Any, Final

import pylsl

from labfeedback.hub.clock import ClockWatch
from labfeedback.hub.health import Health
from labfeedback.hub.inlet import LiveStream
from labfeedback.hub.log import InputLog
from labfeedback.hub.others import FIRST, Came, Lot, Measured, Others, Said, Went
from labfeedback.hub.reconnect import Reconnect, nobody_left
from labfeedback.hub.shown import ShownReader
from labfeedback.hub.talk import Talk
from labfeedback.inputlog import Samples
from labfeedback.protocol.status import status_of
from labfeedback.records import RIGHT, EventCode
from labfeedback.settings import Settings

TICK_S: Final = 0.050
LAST_LOOK_S: Final = 1.0  # the last steps of a visit that has ended are still computed
GONE_S: Final = 5.0  # all sources away for this long: the walk is over
SHORTEST_WAIT_S: Final = 0.0003
LONGEST_WAIT_S: Final = 0.005  # never leave the other stream waiting longer than this
DEAD_CONNECTION_S: Final = 1.0
CUE_AGAIN: Final = 20  # ticks: once a second

NAMES: Final = ("markers", "forces")
# Events that the operator must not miss.
LOUD: Final = {
    EventCode.HAZARD,
    EventCode.TARGET_REFUSED,
    EventCode.CLOCK_STEP,
    EventCode.BELT_STOPPED,
    EventCode.WEIGHT_DIFFERS,
    EventCode.MARKER_MOVED,
    EventCode.MARKER_GONE,
    EventCode.PLATE_ALARM,
    EventCode.BELT_AXIS_OFF,
    EventCode.PROMPT,
    EventCode.STOP_RULE,
    EventCode.ALARM,
    EventCode.REFUSED,
    EventCode.VISIT_ENDED,
}
# The hub has said these itself, sooner; and a command as it stands in the log is no sentence.
SAID: Final = {EventCode.STREAM_LINKED, EventCode.STREAM_LOST, EventCode.COMMAND}
_BEGINNING: Final = 100  # characters by which a sentence is known again; an event's text may be cut


class Loop:
    """Everything the hub does between the first sample and the last."""

    def __init__(
        self,
        log: InputLog,
        streams: list[LiveStream],
        *,
        clock: ClockWatch,
        reconnect: Reconnect,
        shown: ShownReader,
        talk: Talk,
        stopped: Callable[[], bool],
        settings: Settings,
        seconds: float | None = None,
        others: Others | None = None,
    ) -> None:
        self.log = log
        self._live: list[LiveStream | None] = list(streams)
        self._epoch = [0] * len(streams)
        self._offset = [live.offset[0] for live in streams]
        self._clock, self._reconnect, self._shown, self._talk = clock, reconnect, shown, talk
        self._stopped, self._seconds = stopped, seconds
        self._others = others
        now = pylsl.local_clock()
        rates = [live.layout.nominal_rate or 100.0 for live in streams]
        self._interval = [1.0 / rate for rate in rates]
        self._due = [now, now]
        self.health = Health((rates[0], rates[1]), now, settings)
        self.latency_s = float("nan")
        self._commands = 0
        self._own_notes: set[str] = set()
        self._ticks = 0
        self._later: list[dict[str, Any]] = []
        self._over_since = math.inf

    def run(self) -> str:
        """Until something ends the walk; returns why, as a sentence. Garbage is not collected meanwhile."""
        for live in self._live:
            assert live is not None
            self.log.link(live.stream, 0, live.layout.model_dump_json())
            self.log.offset(live.stream, live.offset[0], live.offset[1])
            self._clock.watch(live)
            self._reconnect.watch(live)
            live.flush()
        gc.collect()
        gc.freeze()
        gc.disable()  # a full collection costs 33-108 ms; what the loop leaves behind is freed by reference counts
        try:
            return self._run()
        finally:
            gc.enable()

    def _run(self) -> str:
        began = next_tick = pylsl.local_clock()
        while True:
            now = pylsl.local_clock()
            if now >= next_tick:
                # A late TICK is not made up for: it says what the time is, not how many there were.
                next_tick = max(next_tick + TICK_S, now)
                self._tick(now)
                if ended := self._end(now, began):
                    return ended
            self._take(now, next_tick)

    def _take(self, now: float, next_tick: float) -> None:
        """Wait on the stream that is due first, then take from all."""
        live = [stream for stream, inlet in enumerate(self._live) if inlet is not None]
        if not live:
            time.sleep(min(0.01, max(0.0, next_tick - now)))
            return
        first = min(live, key=self._due.__getitem__)
        latest = min([next_tick, *(self._due[stream] for stream in live if stream != first)])
        wait = min(max(latest - now, SHORTEST_WAIT_S), LONGEST_WAIT_S)
        got = self._pull(first, wait)
        for stream in live:
            if stream != first:
                got |= self._pull(stream, 0.0)
        self.log.settle()
        if self._later:
            self._heed_later()
        if not got and self._due[first] < now:
            self._due[first] = now + self._interval[first]  # late: let the other one be first

    def _pull(self, stream: int, wait_s: float) -> bool:
        inlet = self._live[stream]
        assert inlet is not None
        try:
            samples = inlet.pull(self.log.seen[stream], wait_s)
        except (pylsl.util.LostError, RuntimeError):
            self._lose(stream)
            return True
        if samples is None:
            return False
        arrived, began = pylsl.local_clock(), time.perf_counter()
        self._due[stream] = arrived + self._interval[stream]
        self.health.arrived(stream, len(samples.raw_time), arrived)
        self.log.samples(samples, began, arrived - float(samples.raw_time[-1]) - self._offset[stream])
        self.health.took(self.log.published_s - began)
        if stream == 0:
            self.latency_s = pylsl.local_clock() - float(samples.raw_time[-1]) - self._offset[0]
        return True

    def _heed_later(self) -> None:
        now = getattr(self.log.engine, "now_s", math.nan)
        due = [command for command in self._later if now >= command["at_s"]]
        self._later = [command for command in self._later if not now >= command["at_s"]]
        for command in sorted(due, key=lambda one: float(one["at_s"])):
            self.command(command)

    def _lose(self, stream: int) -> None:
        live = self._live[stream]
        assert live is not None
        self._live[stream] = None
        self._clock.forget(stream)
        self.log.link(stream, self._epoch[stream], "")
        self._reconnect.lost(stream)
        self._talk.note(f"the stream of {NAMES[stream]} is lost; looking for it. Feedback is neutral", loud=True)

    def _regain(self, live: LiveStream) -> None:
        stream = live.stream
        self._epoch[stream] += 1
        live.epoch = self._epoch[stream]
        self._live[stream] = live
        self._offset[stream] = live.offset[0]
        self._reconnect.gone_since.pop(stream, None)
        self._clock.watch(live)
        self.log.link(stream, live.epoch, live.layout.model_dump_json())
        self.log.offset(stream, live.offset[0], live.offset[1])
        live.flush()
        self._talk.note(f"the stream of {NAMES[stream]} is back", loud=True)

    def _tick(self, now: float) -> None:
        self._ticks += 1
        while self._clock.queue:
            stream, epoch, offset, uncertainty = self._clock.queue.popleft()
            if epoch == self._epoch[stream] and self._live[stream] is not None:
                self._offset[stream] = offset
                self.log.offset(stream, offset, uncertainty)
        self._reconnect.ages = (now, self.health.ages(now))
        while self._reconnect.back:
            self._regain(self._reconnect.back.popleft())
        while self._reconnect.notes:
            sentence = self._reconnect.notes.popleft()
            self._own_notes.add(sentence[:_BEGINNING])
            self.command({"do": "note", "text": sentence})
            self._talk.note(sentence, loud=True)
        for command in self._talk.commands():
            if "at_s" in command:  # a rehearsal's, for a moment of data time
                self._later.append(command)
            else:
                self.command(command)
        if self._others is not None:
            self._take_others(self._others)
        self.log.tick(now)
        self.health.steps, self.health.steps_valid = self.log.steps, self.log.steps_valid
        health = self.health.row(now, self.log.ring.fill)
        self.log.outlets.publish("health", health)
        self.log.rows("health", health)
        while self._shown.queue:
            self.log.rows("shown", self._shown.queue.popleft())
        self.log.note_loss()
        for code, text, time_s, value in self.log.new_events:
            if code not in SAID and text[:_BEGINNING] not in self._own_notes:
                self._talk.event(code, text, loud=code in LOUD, time_s=time_s, value=value)
        if not self.log.hazard:
            self.log.new_events.clear()
        if self._ticks % 5 == 0:
            self._report(health[0])
        if self._ticks % CUE_AGAIN == 0:
            self.log.repeat_cue(now)
        if self._ticks % 10 == 0:
            self._drop_dead_connections(now)

    def _take_others(self, others: Others) -> None:
        """What the secondary streams brought since the last TICK goes into the log; the engine does not look at it."""
        while others.notes:
            sentence = others.notes.popleft()
            self._own_notes.add(sentence[:_BEGINNING])
            self.command({"do": "note", "text": sentence})
            self._talk.note(sentence, loud=True)
        while others.queue:
            one = others.queue.popleft()
            if isinstance(one, Lot):
                s = one.samples
                self.log.samples(Samples(s.stream, s.epoch, self.log.seen[s.stream], s.raw_time, s.values))
            elif isinstance(one, Came):
                self.log.link(one.stream, one.epoch, one.layout)
                self.log.offset(one.stream, one.offset_s, one.uncertainty_s)
            elif isinstance(one, Went):
                self.log.link(one.stream, one.epoch, "")
            elif isinstance(one, Measured):
                self.log.offset(one.stream, one.offset_s, one.uncertainty_s)
            elif isinstance(one, Said):
                name = others.wanted[one.stream - FIRST].name
                self.command({"do": "note", "text": f"{name}: {one.text}", "stamp_s": one.time_s})
        self.log.settle()

    def command(self, command: dict[str, Any]) -> None:
        """Put a command into the log; the engine decides what it means."""
        self._commands += 1
        self.log.command(self._commands, json.dumps(command))
        if command.get("do") == "stop":
            self._talk.stop_asked = True

    def _drop_dead_connections(self, now: float) -> None:
        """A sender that restarted behind a pulled cable leaves a connection that never says it is dead."""
        for stream, age in enumerate(self.health.ages(now)):
            live = self._live[stream]
            if live is not None and age > DEAD_CONNECTION_S and self._reconnect.successor(stream):
                self._lose(stream)

    def _end(self, now: float, began: float) -> str:
        if self.log.hazard:
            return self.log.hazard
        if self._talk.stop_asked:
            return "ended by the operator"
        visit = getattr(self.log.engine, "visit", None)
        if visit is not None and visit.state == "over":
            self._over_since = min(self._over_since, now)
            if now - self._over_since > LAST_LOOK_S:
                return "the visit has ended"
        if self._stopped():
            return "ended by Ctrl+C"
        if self._talk.parent_gone:
            return "the lab's own program is gone"
        if self._seconds is not None and now - began >= self._seconds:
            return f"{self._seconds:g} s are over"
        if nobody_left(self._reconnect.gone_since, len(self._live)) > GONE_S:
            return f"both streams ended {GONE_S:g} s ago"
        return ""

    def _visit_status(self) -> dict[str, Any] | None:
        visit = getattr(self.log.engine, "visit", None)
        return status_of(visit, getattr(self.log.engine, "now_s", math.nan)) if visit is not None else None

    def _report(self, health: Any) -> None:
        self._talk.status(
            {
                "state": int(health["state"]),
                "steps": self.log.steps,
                "steps_valid": self.log.steps_valid,
                "fpa_deg": {"right" if side == RIGHT else "left": fpa for side, fpa in self.log.last_step.items()},
                "cue": dict(self.log.last_cue),
                "markers_age_s": float(health["markers_age_s"]),
                "forces_age_s": float(health["forces_age_s"]),
                "silent": [
                    NAMES[s]
                    for s, age in enumerate(self.health.ages(float(health["time_s"])))
                    if age > self.health.neutral_s
                ],
                "latency_ms": self.latency_s * 1000,
                "loop_p50_ms": float(health["loop_p50_ms"]),
                "loop_p99_ms": float(health["loop_p99_ms"]),
                "ring_fill": float(health["ring_fill"]),
                "visit": self._visit_status(),
                "others": self._others.present if self._others is not None else {},
                "lost": self.log.ring.lost,
            }
        )
