"""A simulated patient's visit as the hub would have recorded it, without a network: real engine, real files."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from devices.simulated import Walk, layouts
from labfeedback import wire
from labfeedback.engine import Engine
from labfeedback.engine.start import build_start
from labfeedback.inputlog import FORCES, MARKERS, MAX_STREAMS, Link, Offset, Record, Samples, Start, Tick
from labfeedback.markerset import load_marker_set
from labfeedback.protocol.training import Training
from labfeedback.recording.about import machine
from labfeedback.recording.finalise import finalise
from labfeedback.recording.writer import LiveWriter
from labfeedback.rig import load_rig
from labfeedback.subject import Subject
from tests.recording.visits import joined, of_rows

TICK_S = 0.05
BEGAN_S = 1000.0  # the device's clock when the walk begins


def log(seconds: float, *, seed: int = 1, noise: str = "standard") -> Iterator[Record]:
    """START, both links, then samples in small pieces with a TICK every 50 ms and an OFFSET every 5 s."""
    walk = Walk(seed=seed, noise=noise)
    walker = walk.walker()
    rig = load_rig("simulated")
    random = np.random.default_rng(seed)
    yield build_start(
        rig,
        Subject(id="S01", mass_kg=walk.mass_kg, height_m=walk.height_m, sex="F"),
        load_marker_set("simulated"),
        training=Training(side="left", direction="toe-in", degrees=5.0, reference="baseline", baseline_s=15.0),
        versions=machine(),
    )
    seen = [0] * MAX_STREAMS
    for stream, layout in zip((MARKERS, FORCES), layouts(walker, rig), strict=True):
        yield Link(stream, 0, True, layout.model_dump_json(), tuple(seen))
        yield Offset(stream, 0.25, 1e-4, tuple(seen))
    for tick in range(1, round(seconds / TICK_S) + 1):
        if tick % 100 == 0:
            yield Offset(MARKERS, 0.25 + 1e-5 * float(random.normal()), 1e-4, tuple(seen))
        piece = walker.advance(tick * TICK_S)
        for stream, (times, values) in ((FORCES, piece.forces), (MARKERS, piece.markers)):
            cuts = [0, *sorted(random.integers(0, len(times) + 1, 2).tolist()), len(times)]
            for a, b in itertools.pairwise(cuts):
                if b > a:
                    yield Samples(stream, 0, seen[stream], times[a:b] + BEGAN_S, values[a:b].astype(np.float32))
                    seen[stream] += b - a
        yield Tick(BEGAN_S + 0.25 + tick * TICK_S + 0.002, tuple(seen))


def messages(records: Iterator[Record]) -> Iterator[tuple[int, bytes]]:
    """The ring messages of a hub that is handed these records."""
    engine: Engine | None = None
    for record in records:
        yield joined(wire.encode(record))
        if isinstance(record, Start):
            engine = Engine(record)
            continue
        assert engine is not None
        yield from of_rows(engine.feed(record))
    assert engine is not None
    yield from of_rows(engine.finish())
    yield joined(wire.encode_end())


def record(final: Path, seconds: float, *, seed: int = 1) -> Path:
    """A finished recording of that many seconds at `final`."""
    writer = LiveWriter(final, 7, {})
    position = 0
    batch: list[tuple[int, bytes]] = []
    for message in messages(log(seconds, seed=seed)):
        batch.append(message)
        if len(batch) >= 40:
            position = writer.take(batch, position)
            batch = []
    writer.take(batch, position)
    writer.close()
    return finalise(final)
