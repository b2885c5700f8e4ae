"""Walks for the tests of core, engine and laws: the simulated walker or the real recording, as input-log records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from devices.walker import Fault, Walker
from labfeedback.engine import Engine
from labfeedback.engine.start import build_start
from labfeedback.inputlog import FORCES, MARKERS, MAX_STREAMS, Link, Offset, Record, Samples, Start, Tick
from labfeedback.layout import Layout, marker_channels, plate_channels
from labfeedback.markerset import MarkerSet, load_marker_set
from labfeedback.protocol.training import Training
from labfeedback.records import COMPUTED, TABLES, Rows
from labfeedback.rig import Rig, load_rig
from labfeedback.subject import Subject

NOTHING = (0,) * MAX_STREAMS
LEFT_IN = Training(side="left", direction="toe-in", degrees=5.0, baseline_s=12.0)


@dataclass(frozen=True)
class Stream:
    """One stream's stamps (n,) and values (n, channels)."""

    time: Any
    values: Any


@dataclass(frozen=True)
class Walk:
    """Both streams of one walk, with what a START needs."""

    rig: Rig
    marker_set: MarkerSet
    subject: Subject
    labels: tuple[str, ...]
    markers: Stream
    forces: Stream
    unit: str = "m"
    moment_unit: str = "Nm"

    def start(self, **said: Any) -> Start:
        """START of this walk; `said` goes to build_start."""
        return build_start(self.rig, self.subject, self.marker_set, **said)

    def layouts(self) -> dict[int, Layout]:
        """Both streams' descriptions."""
        streams = self.rig.streams
        plates = plate_channels([plate.id for plate in self.rig.plates], self.moment_unit)
        points = marker_channels(list(self.labels), self.unit)
        return {
            MARKERS: Layout(name="m", type="MoCap", nominal_rate=streams.markers.rate_hz, channels=points),
            FORCES: Layout(name="f", type="Force", nominal_rate=streams.forces.rate_hz, channels=plates),
        }

    def opening(self, offset_s: float = 0.0) -> list[Record]:
        """What a hub says before the first sample."""
        out: list[Record] = []
        for stream, layout in self.layouts().items():
            out += [Link(stream, 0, True, layout.model_dump_json(), NOTHING), Offset(stream, offset_s, 0.0, NOTHING)]
        return out

    def stream(self, stream: int) -> Stream:
        """0 markers, 1 forces."""
        return self.markers if stream == MARKERS else self.forces

    def samples(self, stream: int, first: int, stop: int) -> Samples:
        """Samples first..stop of one stream."""
        s = self.stream(stream)
        return Samples(stream, 0, first, s.time[first:stop], s.values[first:stop])

    def chunks(self, seconds: float = 0.25) -> list[Record]:
        """The whole walk as a hub would pass it on: forces, then markers, every `seconds` (any: law 1)."""
        out: list[Record] = []
        done = {FORCES: 0, MARKERS: 0}
        end = max(self.markers.time[-1], self.forces.time[-1]) + seconds
        for until in np.arange(self.forces.time[0] + seconds, end + seconds, seconds):
            for stream in done:
                stop = int(np.searchsorted(self.stream(stream).time, until))
                if stop > done[stream]:
                    out.append(self.samples(stream, done[stream], stop))
                    done[stream] = stop
        return out

    def with_markers(self, values: Any, time: Any = None) -> Walk:
        """The same walk with other marker samples."""
        return replace(self, markers=Stream(self.markers.time if time is None else time, values))

    def with_forces(self, values: Any, time: Any = None) -> Walk:
        """The same walk with other force samples."""
        return replace(self, forces=Stream(self.forces.time if time is None else time, values))

    def columns(self, *labels: str) -> list[int]:
        """Channels of these markers."""
        return [3 * self.labels.index(label) + axis for label in labels for axis in range(3)]


@lru_cache(maxsize=32)
def _simulated(seconds: float, seed: int, faults: tuple[Fault, ...], said: tuple[tuple[str, Any], ...]) -> Any:
    walker = Walker(seed, faults=faults, **dict(said))
    chunk = walker.advance(seconds)
    return walker, chunk


def simulated(seconds: float, seed: int = 1, faults: Sequence[Fault] = (), **said: Any) -> Walk:
    """The walker's first seconds."""
    walker, chunk = _simulated(seconds, seed, tuple(faults), tuple(sorted(said.items())))
    return Walk(
        load_rig("simulated"),
        load_marker_set("simulated"),
        Subject(id="S1", mass_kg=walker.mass_kg, height_m=walker.height_m, sex="M"),
        walker.labels,
        Stream(chunk.markers.time, chunk.markers.values.copy()),
        Stream(chunk.forces.time, chunk.forces.values.copy()),
    )


def truth(seconds: float, seed: int = 1, faults: Sequence[Fault] = (), **said: Any) -> list[Any]:
    """What the steps of the same walk really were."""
    return _simulated(seconds, seed, tuple(faults), tuple(sorted(said.items())))[0].truth


def belt_speed(at: Any, seconds: float, seed: int = 1, faults: Sequence[Fault] = (), **said: Any) -> Any:
    """m/s of the belt at data times, of the same walk."""
    walker, _ = _simulated(seconds, seed, tuple(faults), tuple(sorted(said.items())))
    return 1.25 * walker.pace.at(np.asarray(at))[1]


def recorded(folder: Path) -> Walk:
    """The main recording, on a clock that does not begin at zero."""
    from labfeedback.exchange.c3d import read_c3d
    from labfeedback.exchange.trial import force_stream, marker_stream

    trial = read_c3d(folder / "treadmill_griffith_rtosim" / "walking_1.c3d")
    points, forces = marker_stream(trial, "m")[1], force_stream(trial, "f")[1]
    return Walk(
        load_rig("griffith"),
        load_marker_set("griffith"),
        Subject(id="G1", mass_kg=62.6, height_m=1.70, sex="F"),
        trial.labels,
        Stream(np.arange(len(points)) / trial.rate_hz, points),
        Stream(np.arange(len(forces)) / trial.analog_rate_hz, forces),
        trial.point_unit,
        trial.plates[0].moment_unit,
    )


def fold(start: Start, records: Iterable[Record], **said: Any) -> dict[str, Rows]:
    """All rows that the engine gives for these records, by table; and the curves under 'curves'."""
    engine = Engine(start, **said)
    parts = [engine.feed(record) for record in records]
    parts.append(engine.finish())
    tables: dict[str, Any] = {
        name: np.concatenate([np.zeros(0, TABLES[name]), *(getattr(part, name) for part in parts)]) for name in COMPUTED
    }
    tables["curves"] = [curve for part in parts for curve in part.curves]
    return tables


def walk_through(walk: Walk, seconds: float = 0.25, **said: Any) -> dict[str, Rows]:
    """The whole walk through the engine."""
    return fold(walk.start(**said), [*walk.opening(), *walk.chunks(seconds)])


def ticked(walk: Walk, said: dict[float, Record], silent: tuple[float, float] = (9e9, 9e9)) -> list[Record]:
    """The walk with a TICK every 50 ms and other records at their times; forces inside `silent` come after it."""
    out = list(walk.opening())
    done = {FORCES: 0, MARKERS: 0}
    waiting = sorted(said.items())
    for tick in np.arange(walk.forces.time[0] + 0.05, walk.forces.time[-1] + 0.1, 0.05):
        for stream in done:
            if stream == FORCES and silent[0] <= tick < silent[1]:
                continue
            stop = int(np.searchsorted(walk.stream(stream).time, tick))
            while done[stream] < stop:
                upto = min(stop, done[stream] + 400)
                out.append(walk.samples(stream, done[stream], upto))
                done[stream] = upto
        while waiting and waiting[0][0] <= tick:
            out.append(waiting.pop(0)[1])
        out.append(Tick(float(tick), (done[MARKERS], done[FORCES], *NOTHING[2:])))
    return out


def texts(rows: Rows) -> list[str]:
    """The sentences of event rows."""
    return [bytes(row["text"]).decode() for row in rows]
