"""A visit's recordings read back: which steps belong to which block, what was aimed at, what was asked and answered."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from labfeedback.engine.start import Setup, parse_start
from labfeedback.errors import BadFile
from labfeedback.protocol.schedule import Planned, Visit, plan
from labfeedback.recording.reader import Recording
from labfeedback.records import SIDE_NAMES, EventCode, Rows

_TARGET: Final = re.compile(r"(left|right) .*\((\w+)\): target .*, band ([\d.eE+-]+)$")
_PAIN: Final = re.compile(r"pain: left (\d+), right (\d+)")
_SIDE: Final = {name: side for side, name in SIDE_NAMES.items()}


@dataclass(frozen=True, slots=True)
class Aimed:
    """What a block aimed at on one side, in the variable's unit."""

    variable: str
    target: float
    band: float


@dataclass(slots=True)
class Walk:
    """One try of a block. ended_s NaN: it was cut off. rows: STEP of both feet that belong to it, warm-up included."""

    planned: Planned
    began_s: float
    ended_s: float = math.nan
    why: str = ""
    rows: Rows | None = None
    aimed: dict[int, Aimed] = field(default_factory=dict)
    repeated: bool = False  # a later try counts instead

    def steps(self, side: int) -> Rows:
        """STEP rows of one side without warm-up."""
        assert self.rows is not None
        rows: Rows = self.rows[(self.rows["side"] == side) & (self.rows["warm_up"] == 0)]
        return rows

    @property
    def seconds(self) -> float:
        """From its beginning to its end, pauses included."""
        return self.ended_s - self.began_s


@dataclass(frozen=True, slots=True)
class Pain:
    """One rating. time_s counts from the first sample."""

    time_s: float
    left: int
    right: int


@dataclass(slots=True)
class Visited:
    """Everything a report is made from. Times are on the lab's clock, s."""

    paths: list[Path]
    setup: Setup
    visit: Visit
    plan: tuple[Planned, ...]
    walks: list[Walk]
    steps: Rows
    events: Rows
    latency: Rows
    health: Rows
    about: dict[str, Any]
    t0: float
    pain: list[Pain]
    ended: str  # the sentence of VISIT_ENDED; empty: cut off
    walked_s: float  # time that the blocks' clocks ran, over all runs; NaN: cut off

    @property
    def foot(self) -> int:
        """The trained one."""
        return self.visit.foot

    def counted(self, *measures: str) -> list[Walk]:
        """The tries that count, of blocks that measure one of these; all without arguments."""
        return [w for w in self.walks if not w.repeated and (not measures or w.planned.block.measures in measures)]

    def baseline(self) -> Walk | None:
        """The last finished baseline."""
        found = [w for w in self.counted("baseline") if w.ended_s == w.ended_s]
        return found[-1] if found else None

    def sentences(self, *codes: EventCode) -> list[tuple[float, str]]:
        """(time from the first sample, sentence) of events."""
        return [(time_s, text) for time_s, text, _ in self.coded(*codes)]

    def coded(self, *codes: EventCode) -> list[tuple[float, str, int]]:
        """The same with the code of each."""
        found = [e for e in self.events if int(e["code"]) in codes]
        return [(float(e["time_s"]) - self.t0, text_of(e), int(e["code"])) for e in found]


def text_of(event: Any) -> str:
    """An event's sentence."""
    return bytes(event["text"]).decode("utf-8", "replace")


def read_visit(paths: Sequence[Path]) -> Visited:
    """The runs of one visit, in order. Raises BadFile when one was not recorded by a protocol."""
    parts = [_read(path) for path in paths]
    if not parts:
        raise BadFile("there is no recording of this visit")
    whole = parts[-1]
    for earlier in parts[:-1]:
        if earlier.visit.document != whole.visit.document or earlier.setup.subject.id != whole.setup.subject.id:
            raise BadFile(f"{earlier.paths[0]} and {whole.paths[0]} are not runs of one visit")
    out = replace(
        whole,
        paths=[path for part in parts for path in part.paths],
        visit=parts[0].visit,
        walks=[walk for part in parts for walk in part.walks],
        steps=np.concatenate([part.steps for part in parts]),
        events=np.concatenate([part.events for part in parts]),
        latency=np.concatenate([part.latency for part in parts]),
        health=np.concatenate([part.health for part in parts]),
        t0=parts[0].t0,
        pain=[pain for part in parts for pain in part.pain],
    )
    _mark_repeated(out.walks)
    return out


def _read(path: Path) -> Visited:
    with Recording.open(path) as recording:
        setup = parse_start(recording.start)
        if setup.visit is None:
            raise BadFile(f"{path}: this walk was not made by a protocol; 'labfeedback replay' shows its steps")
        tables = {name: recording.table(name) for name in ("steps", "events", "latency", "health", "frames")}
        about = recording.about
    blocks = plan(setup.visit)
    frames = tables["frames"]
    t0 = float(frames["time_s"][0]) if len(frames) else 0.0
    events = tables["events"]
    walks = _walks(blocks, events, tables["steps"])
    pain = [
        Pain(float(e["time_s"]) - t0, int(m[1]), int(m[2]))
        for e in events
        if int(e["code"]) == EventCode.ANSWER and (m := _PAIN.fullmatch(text_of(e)))
    ]
    over = next((e for e in events if int(e["code"]) == EventCode.VISIT_ENDED), None)
    ended, walked_s = ("", math.nan) if over is None else (text_of(over), float(over["value"]))
    return Visited([path], setup, setup.visit, blocks, walks, tables["steps"], events, tables["latency"],
                   tables["health"], about, t0, pain, ended, walked_s)  # fmt: skip


def _walks(blocks: tuple[Planned, ...], events: Rows, steps: Rows) -> list[Walk]:
    walks: list[Walk] = []
    for event in events:
        code, index = int(event["code"]), event["value"]
        if code == EventCode.BLOCK_BEGAN:
            walks.append(Walk(blocks[int(index)], float(event["time_s"])))
        elif code in (EventCode.BLOCK_ENDED, EventCode.BLOCK_SKIPPED) and walks:
            if walks[-1].planned.index == int(index) and walks[-1].ended_s != walks[-1].ended_s:
                walks[-1].ended_s = float(event["time_s"])
                walks[-1].why = text_of(event).partition(": ")[2]
        elif code == EventCode.TARGET_SET and walks and (match := _TARGET.search(text_of(event))):
            walks[-1].aimed[_SIDE[match[1]]] = Aimed(match[2], float(event["value"]), float(match[3]))
    for walk in walks:
        mine = (steps["block"] == walk.planned.index) & (steps["start_s"] >= walk.began_s)
        if walk.ended_s == walk.ended_s:
            mine &= steps["end_s"] <= walk.ended_s
        walk.rows = steps[mine]
    _mark_repeated(walks)
    return walks


def _mark_repeated(walks: list[Walk]) -> None:
    newest = {walk.planned.index: number for number, walk in enumerate(walks)}
    for number, walk in enumerate(walks):
        walk.repeated = newest[walk.planned.index] != number
