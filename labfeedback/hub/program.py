"""The hub as a process of its own."""

from __future__ import annotations

import json
import threading
import time
from multiprocessing.connection import Connection
from typing import Any, Final, Protocol

import pylsl

from labfeedback.errors import Hazard, LabError, StreamTrouble
from labfeedback.hub.clock import ClockWatch
from labfeedback.hub.discover import Lookout, check_forces, check_markers, find
from labfeedback.hub.inlet import LiveStream
from labfeedback.hub.log import Engine, InputLog
from labfeedback.hub.loop import Loop
from labfeedback.hub.lsl import enter_session
from labfeedback.hub.others import Others
from labfeedback.hub.outlets import Outlets
from labfeedback.hub.reconnect import Reconnect
from labfeedback.hub.shown import ShownReader
from labfeedback.hub.talk import Talk
from labfeedback.inputlog import FORCES, MARKERS, Start
from labfeedback.markerset import MarkerSet
from labfeedback.process import resolve
from labfeedback.rig import Rig
from labfeedback.ring import Ring
from labfeedback.settings import Settings

REAL_ENGINE: Final = "labfeedback.hub.begin:begin"
FAREWELL_S: Final = 0.3  # the last cue must reach the screen before our outlets go


class Stop(Protocol):
    """A multiprocessing event."""

    def is_set(self) -> bool:
        """Whether the lab wants everybody to finish."""


def run(
    walk: dict[str, Any],
    ring_name: str,
    news: Connection | None,
    commands: Connection | None,
    stop: Stop,
    session: str,
) -> None:
    """Join the rig's two streams and drive the engine until the walk ends.

    walk: {"rig", "subject", "marker_set"} as model dumps, "training" (see engine.start) or None, or "visit" (a dump
    of protocol.schedule.Visit), "static" a path or None, "calibration" a model dump or None, "settings" a dict,
    "seconds" or None, "wait_s" for the streams, "engine" (a test's own) as "module:function".
    Raises LabError; the sentence also goes to the parent.
    """
    enter_session()
    talk = Talk(news, commands)
    try:
        _run(walk, ring_name, talk, stop, session)
    except LabError as error:
        talk.tell(kind="error", text=str(error), exit_code=error.exit_code)
        raise
    finally:
        talk.close()


def _run(walk: dict[str, Any], ring_name: str, talk: Talk, stop: Stop, session: str) -> None:
    rig = Rig.model_validate(walk["rig"])
    marker_set = MarkerSet.model_validate(walk["marker_set"])
    ring = Ring.attach(ring_name)
    lookout = Lookout()  # looks around while the engine loads
    outlets = Outlets(session)
    shown = ShownReader(session)
    shown.start()
    engine: Engine
    start: Start
    start, engine = resolve(walk.get("engine") or REAL_ENGINE)(walk)
    talk.tell(kind="ready")
    clock = ClockWatch()
    clock.start()
    wanted = (rig.streams.markers, rig.streams.forces)
    reconnect = Reconnect(lookout, wanted)
    reconnect.start()
    others = Others(rig.streams.others, lookout)
    try:
        infos = find(lookout, rig.streams, float(walk.get("wait_s", 20.0)), stop.is_set)
        streams = connect(infos)
        ClockWatch.share(streams)
        calibrated = bool(walk.get("static") or walk.get("calibration"))
        check_markers(streams[MARKERS].layout, wanted[MARKERS], marker_set, calibrated=calibrated)
        check_forces(streams[FORCES].layout, wanted[FORCES], rig)
        talk.tell(kind="linked", streams=[live.layout.name for live in streams])
        log = InputLog(engine, ring, outlets, clock=pylsl.local_clock)
        log.start(start)
        others.start()
        loop = Loop(
            log,
            streams,
            others=others,
            clock=clock,
            reconnect=reconnect,
            shown=shown,
            talk=talk,
            stopped=stop.is_set,
            settings=settings_of(start),
            seconds=walk.get("seconds"),
        )
        try:
            why = loop.run()
        except BaseException:
            log.abandon()  # what was measured until then is a recording too
            raise
        log.finish()
        hazard = log.hazard
        talk.tell(kind="ended", why=why, steps=log.steps, steps_valid=log.steps_valid, lost=ring.lost)
        time.sleep(FAREWELL_S)
        if hazard:
            raise Hazard(hazard)
    finally:
        for helper in (shown, clock, reconnect, others):
            helper.stop()
        ring.close()


def settings_of(start: Start) -> Settings:
    """The settings that START holds: one place for every number."""
    return Settings.model_validate(json.loads(start.text).get("settings") or {})


def connect(infos: tuple[Any, Any]) -> list[LiveStream]:
    """Both inlets at once: each takes 0.7 s for its first clock offset. Raises StreamTrouble."""
    made: dict[int, LiveStream | LabError] = {}

    def make(stream: int) -> None:
        try:
            made[stream] = LiveStream(stream, infos[stream])
        except LabError as error:
            made[stream] = error

    threads = [threading.Thread(target=make, args=(stream,)) for stream in range(len(infos))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    streams = []
    for stream in range(len(infos)):
        live = made.get(stream)
        if not isinstance(live, LiveStream):
            raise live or StreamTrouble("a stream could not be opened")
        streams.append(live)
    return streams
