"""The side thread that knows who may speak for a stream: the linked sender, or that same sender started again.

Names are no proof: with two senders of one name a silent one would be replaced by another person's data. A successor
must have the source id, the computer and the layout of the one that was linked, must have come after it fell silent,
and must be alone.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from labfeedback import rig as rigs
from labfeedback.errors import StreamTrouble
from labfeedback.hub.discover import FORGET_S, Lookout, compare, refuse_unless_one
from labfeedback.hub.inlet import LiveStream
from labfeedback.hub.lsl import source
from labfeedback.layout import Layout

EVERY_S: Final = 0.3
WATCH_EVERY: Final = 4  # looks at the linked streams once in so many rounds: about every 1.2 s
FRESH_S: Final = 0.5  # a sender heard within this time is alive
OLD_GONE_S: Final = FORGET_S + 0.8  # an outlet that is still seen so long after it was lost did not die
BEFORE_S: Final = 0.2  # slack between a sender's last sample and the birth of its successor


@dataclass(slots=True)
class Linked:
    """The sender of one stream."""

    uid: str
    layout: Layout
    born_s: float  # on the sender's clock
    offset_s: float  # sender's clock to ours


class Reconnect:
    """Finds lost streams again and reports strangers. `back` holds connected inlets, `notes` loud sentences."""

    def __init__(self, lookout: Lookout, wanted: tuple[rigs.Stream, ...]) -> None:
        self.back: deque[LiveStream] = deque()
        self.notes: deque[str] = deque()
        self._lookout = lookout
        self._wanted = wanted
        self._linked: dict[int, Linked] = {}
        self._lost: dict[int, float] = {}  # stream -> when it was lost, monotonic
        self._strangers: set[str] = set()  # outlets that were there while the linked one was sending
        self._said: dict[int, str] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reconnect", daemon=True)
        # Time since which no outlet answered to any of the lost streams; the loop ends the walk by it.
        self.gone_since: dict[int, float] = {}
        # (now, age of each stream), s, local LSL clock; the loop replaces it at every TICK.
        self.ages: tuple[float, tuple[float, ...]] = (0.0, ())

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(5.0)

    def watch(self, live: LiveStream) -> None:
        """This inlet speaks for its stream from now on."""
        self._linked[live.stream] = Linked(live.uid, live.layout, live.born_s, live.offset[0])

    def lost(self, stream: int) -> None:
        """The stream's connection ended; look for its sender."""
        self.gone_since[stream] = time.monotonic()
        self._lost[stream] = time.monotonic()

    def successor(self, stream: int) -> bool:
        """Whether a silent stream's sender is gone from the network and seems to have been started again.

        Then the connection that still seems open is dead (a sender restarted behind a pulled cable).
        """
        found = self._lookout.candidates(self._wanted[stream])
        old = self._linked[stream].uid
        others = [info for info in found if info.uid() != old]
        return len(others) == len(found) == 1 and not self._why_not(stream, others[0])

    def _run(self) -> None:
        rounds = 0
        while not self._stop.wait(EVERY_S):
            for stream in list(self._lost):
                self._look_for(stream)
            rounds += 1
            if rounds % WATCH_EVERY == 0:
                for stream in list(self._linked):
                    if stream not in self._lost:
                        self._look_around(stream)

    def _look_around(self, stream: int) -> None:
        """A second outlet beside the linked one: another person's data could be taken for this one's."""
        _, ages = self.ages
        fresh = len(ages) > stream and ages[stream] < FRESH_S
        for info in self._lookout.candidates(self._wanted[stream]):
            uid = info.uid()
            if uid == self._linked[stream].uid or uid in self._strangers:
                continue
            if fresh:
                self._strangers.add(uid)
                self.notes.append(
                    f"duplicate: a second stream now answers to {self._wanted[stream].name!r}: {source(info)}. It is "
                    "not used. Stop it, or give the rig the source_id of the right one"
                )
            elif why := self._why_not(stream, info):
                self._say(stream, f"REFUSED: {source(info)} instead of the silent stream: {why}. {_ADVICE}")

    def _look_for(self, stream: int) -> None:
        old = self._linked[stream]
        found = self._lookout.candidates(self._wanted[stream])
        # The outlet that died stays visible for a moment. If it stays for longer, it is alive: only its connection
        # broke, and with another outlet beside it nobody can tell which one is meant.
        still_there = time.monotonic() - self._lost[stream] > OLD_GONE_S
        ours = [info for info in found if info.uid() == old.uid]
        others = [info for info in found if info.uid() != old.uid]
        if (ours and still_there) or any(info.uid() not in self._strangers for info in others):
            self.gone_since[stream] = time.monotonic()
        elif not others:
            self._said.pop(stream, None)
        if not others and not (ours and still_there):
            return
        if ours and not still_there:
            return  # wait until it is clear whether the old one is gone
        try:
            refuse_unless_one(self._wanted[stream], found, self._lookout)
            if others and (why := self._why_not(stream, others[0])):
                self._refuse(stream, why)
                return
            live = LiveStream(stream, found[0])
        except StreamTrouble as trouble:
            self._say(stream, str(trouble))
            return
        different = compare(old.layout, live.layout)
        if different:
            live.close()
            self._refuse(stream, different)
            return
        self.watch(live)
        del self._lost[stream]
        self._said.pop(stream, None)
        self.back.append(live)

    def _why_not(self, stream: int, info: Any) -> str:
        """Why this outlet cannot be the linked sender started again; empty when it may be."""
        old = self._linked[stream]
        if info.source_id() != old.layout.source_id:
            return f"source id {old.layout.source_id!r} -> {info.source_id()!r}"
        if info.hostname() != old.layout.hostname:
            return f"computer {old.layout.hostname!r} -> {info.hostname()!r}"
        now, ages = self.ages
        last_heard = now - ages[stream] - old.offset_s if len(ages) > stream else old.born_s
        # Born before the linked one: that is the clock of a computer that was started again.
        if info.uid() in self._strangers or old.born_s <= info.created_at() < last_heard - BEFORE_S:
            return "it was there while the linked one was still sending, so it is another source"
        return ""

    def _refuse(self, stream: int, why: str) -> None:
        name = self._linked[stream].layout.name
        self._say(stream, f"REFUSED: stream {name!r} came back as something else: {why}. {_ADVICE}")

    def _say(self, stream: int, sentence: str) -> None:
        if self._said.get(stream) != sentence:
            self._said[stream] = sentence
            self.notes.append(sentence)


_ADVICE: Final = (
    "Feedback stays neutral. Restore the sender that was linked, or end the walk and start again with the right one"
)


def nobody_left(gone_since: dict[int, float], streams: int, clock: Callable[[], float] = time.monotonic) -> float:
    """Seconds since the last of all streams went away; 0 while any is there or may come back as something else."""
    if len(gone_since) < streams:
        return 0.0
    return clock() - max(gone_since.values())
