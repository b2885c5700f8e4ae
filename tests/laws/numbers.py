"""Numbers that must stay what they are: kernels, walks, static trials and stamps with everything that can go wrong.

A recording that is analysed again in years must give the same numbers. What is computed from these inputs is kept in
tests/golden/numbers; where a change means to alter it, `python -m tests.laws.numbers` writes it anew, and the
changelog says what moved and why.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from devices.walker import Fault
from labfeedback.engine.skew import measure_skew
from labfeedback.inputlog import FORCES, MARKERS, Command, Link, Offset, Record, Tick
from labfeedback.protocol.training import Training
from labfeedback.records import Rows
from labfeedback.settings import Settings
from tests.core.windows import Window
from tests.engine import test_verdict as standing_trials
from tests.engine import visits
from tests.engine.walks import NOTHING, Stream, fold, simulated, ticked, walk_through
from tests.laws import kernel_vectors as vectors

FOLDER = Path(__file__).resolve().parents[1] / "golden" / "numbers"
IN = Training(side="left", direction="toe-in", degrees=5.0, baseline_s=8.0)
OUT = Training(side="right", direction="toe-out", degrees=4.0, baseline_s=7.0)
EVERY_FRAME = 97  # one frame in so many is kept
Table = list[list[str]]


def written(value: Any) -> str:
    """A number with nine digits, a whole one as it is, a text as it is."""
    if isinstance(value, bytes):
        return value.decode()
    return f"{float(value):.9g}" if isinstance(value, float | np.floating) else str(value)


def table(rows: Rows) -> Table:
    """Rows with their heading."""
    names = list(rows.dtype.names or ())
    return [names, *([written(row[name]) for name in names] for row in rows)]


# --- walks ---


def calibration_of(seed: int) -> Any:
    """The static trial of the walker with this seed."""
    from benchmarks.occlusion import SETS, person

    return person(seed, SETS["and the condyle"], 2.0)[1]


def command(number: int, text: str) -> Command:
    """What the operator does."""
    return Command(number, text, NOTHING)


def plain() -> dict[str, Rows]:
    """A training to the left, both legs different."""
    walk = simulated(24.0, seed=21, natural_fpa_deg=(9.0, 4.0), kam_sd=0.15)
    return walk_through(walk, training=IN)


def short() -> dict[str, Rows]:
    """Few enough steps for kernels that are not compiled."""
    return walk_through(simulated(5.2, seed=22, natural_fpa_deg=(-3.0, 12.0)), settings=Settings(filter_hz=8.0))


def hidden() -> dict[str, Rows]:
    """Calibrated, without medial markers; some hidden, one slipped."""
    faults = [
        Fault("occluded", 3.0, 9.0, 1, ("RSH2", "RMT5")),
        Fault("occluded", 5.0, 14.0, -1, ("LSH1", "LSH3")),
        Fault("occluded", 10.0, 12.0, 1, ("RCAL",)),
        Fault("slipped_marker", 15.0, 1e9, -1, ("LSH4",)),
    ]
    walk = simulated(20.0, seed=23, faults=faults)
    gone = walk.markers.values.copy()
    gone[:, walk.columns("RKNEM", "LKNEM", "RANKM", "LANKM")] = np.nan
    return walk_through(
        walk.with_markers(gone), calibration=calibration_of(23), training=OUT, settings=Settings(tibia_frame="distal")
    )


def plates() -> dict[str, Rows]:
    """Feet across the gap and on the wrong belt, a plate at its limit, a handrail."""
    faults = [
        Fault("crossover", 6.0, 9.0, 1),
        Fault("wrong_belt", 10.5, 12.0, -1),
        Fault("saturated", 13.0, 15.0, 1),
        Fault("dead_channel", 16.0, 18.0, -1),
        Fault("handrail", 19.0, 23.0),
    ]
    return walk_through(simulated(26.0, seed=24, faults=faults, mass_kg=62.0), training=IN)


def off_zero() -> dict[str, Rows]:
    """Plates with an offset that drift, and cameras that are turned."""
    faults = [Fault("drift"), Fault("plate_offset", 16.0), Fault("yaw", 12.0)]
    return walk_through(simulated(25.0, seed=25, faults=faults, noise="hard"))


def labels() -> dict[str, Rows]:
    """Markers that are swapped, at zero, frozen, and at last those of the other leg."""
    faults = [
        Fault("marker_swap", 4.0, 5.5, 1),
        Fault("zeros", 7.0, 8.0, -1),
        Fault("repeated_value", 9.5, 10.5, 1),
        Fault("nan_markers", 10.5, 15.5, -1, ("LANKL", "LMT5")),
        Fault("swapped_feet", 16.0),
    ]
    return walk_through(simulated(20.0, seed=26, faults=faults), training=OUT)


def times() -> dict[str, Rows]:
    """Speed change, stop, lost frames, commands, a silence, lost and other streams: everything with its TICK."""
    faults = [
        Fault("speed_change", 6.0, 11.0),
        Fault("lost_frames", 3.0, 5.0),
        Fault("duplicated_frames", 5.0, 6.0),
        Fault("belt_stop", 20.0, 23.0),
    ]
    walk = simulated(32.0, seed=27, faults=faults)
    other = walk.layouts()[MARKERS].model_copy(update={"channels": walk.layouts()[MARKERS].channels[::-1]})
    said: dict[float, Record] = {
        9.0: command(1, '{"do": "pause"}'),
        9.02: command(2, '{"do": "pause"}'),
        11.0: command(3, '{"do": "resume"}'),
        12.0: command(4, '{"do": "note", "text": "shoe"}'),
        13.0: Offset(FORCES, 0.0004, 0.0001, NOTHING),
        18.2: Offset(MARKERS, 0.030, 0.0001, NOTHING),
        28.0: Link(MARKERS, 0, False, "", NOTHING),
        28.5: Link(MARKERS, 1, True, walk.layouts()[MARKERS].model_dump_json(), NOTHING),
        31.0: Link(MARKERS, 2, True, other.model_dump_json(), NOTHING),
        31.5: command(5, '{"do": "stop"}'),
    }
    return fold(walk.start(training=IN), ticked(walk, said, (15.0, 17.6)))


def jitter() -> dict[str, Rows]:
    """Stamps that are late by chance, and a sender's clock that drifts."""
    walk = simulated(16.0, seed=28)
    rng = np.random.default_rng(28)
    late = walk.markers.time + 0.05 + rng.exponential(0.003, len(walk.markers.time))
    late = np.maximum.accumulate(late) + 1e-9 * np.arange(len(late))
    keep = rng.random(len(late)) > 0.01
    moved = walk.with_markers(walk.markers.values[keep], late[keep])
    return walk_through(moved.with_forces(walk.forces.values, walk.forces.time * (1 + 40e-6)), 0.11, training=IN)


def sightless() -> dict[str, Rows]:
    """Heels and toes that are hidden around their events; a foot that leaves unseen."""
    walk = simulated(18.0, seed=29, natural_fpa_deg=(15.0, -6.0))
    values, time = walk.markers.values.copy(), walk.markers.time
    for begin in (4.0, 7.3, 10.1, 13.7):
        for k, label in enumerate(("RCAL", "LMT2", "LCAL", "RMT2")):
            values[np.ix_((time > begin + 0.55 * k) & (time < begin + 0.55 * k + 0.45), walk.columns(label))] = np.nan
    return walk_through(walk.with_markers(values), settings=Settings(inertia="deleva"))


def odd() -> dict[str, Rows]:
    """Half a stance in slow motion, a subject file with the wrong mass, a clock that steps, a target too far away."""
    walk = simulated(20.0, seed=30, natural_fpa_deg=(12.0, 14.0))
    told, made = [0.0, 14.03, 14.15 + 0.21, 21.0], [0.0, 14.03, 14.15, 20.79]

    def slow(stream: Stream) -> Stream:
        rows = np.searchsorted(stream.time, np.interp(stream.time, told, made)).clip(0, len(stream.time) - 1)
        return Stream(stream.time, stream.values[rows])

    walk = replace(walk, markers=slow(walk.markers), forces=slow(walk.forces))
    walk = replace(walk, subject=walk.subject.model_copy(update={"mass_kg": 69.0, "sex": "F"}))
    said: dict[float, Record] = {17.0: Offset(FORCES, 0.2, 0.0001, NOTHING), 17.3: Offset(FORCES, 0.2, 0.0001, NOTHING)}
    training = Training(side="right", direction="toe-in", degrees=15.0, reference="absolute", baseline_s=6.0)
    return fold(walk.start(training=training), ticked(walk, said))


def few() -> dict[str, Rows]:
    """A sparse marker set, no height, words before the first sample, short silences, streams that come and go."""
    walk = simulated(19.0, seed=31, natural_fpa_deg=(2.0, 9.0))
    legs = {
        side: walk.marker_set.leg(1 if side == "right" else -1).model_copy(
            update={"mt1": None, "shank_cluster": (), "foot_cluster": ()}
        )
        for side in ("right", "left")
    }
    sparse = walk.marker_set.model_copy(update={**legs, "pelvis": (), "trunk": ()})
    walk = replace(walk, marker_set=sparse, subject=walk.subject.model_copy(update={"height_m": None}))
    begin: list[Record] = [*walk.opening(), Tick(-0.3, NOTHING), command(1, '{"do": "note", "text": "early"}')]
    said: dict[float, Record] = {
        12.0: Link(FORCES, 0, False, "", NOTHING),
        12.4: Link(FORCES, 1, True, walk.layouts()[FORCES].model_dump_json(), NOTHING),
        14.0: command(2, '{"do": "pause"}'),
        15.0: command(3, '{"do": "resume"}'),
        15.2: command(4, '{"do": "nonsense"}'),
    }
    records = ticked(walk, said, (10.5, 11.1))
    return fold(walk.start(training=IN), [*begin, *records[4:]], keep_curves=True)


def shaken() -> dict[str, Rows]:
    """A shank that trembles, so that its inertia is not small, and a marker source whose clock goes back."""
    walk = simulated(16.0, seed=32)
    values, time = walk.markers.values.copy(), walk.markers.time
    labels = ("RKNEL", "RKNEM", "RSH1", "RSH2", "RSH3", "RSH4", "RANKL", "RANKM")
    sideways = int(np.argmax(np.abs(walk.rig.to_lab[2])))
    tremble = 0.02 * np.sin(2 * np.pi * 7.0 * time) * ((time > 5.0) & (time < 8.0))
    for label in labels:
        values[:, walk.columns(label)[sideways]] += tremble
    back = np.where(time > 12.0, time - 3.0, time)
    return walk_through(walk.with_markers(values, back), training=OUT)


def visit() -> dict[str, Rows]:
    """A visit by protocol: blocks, prompts, pauses, stop rules, a silence, a belt that stops."""
    return fold(visits.start(), ticked(visits.walk(), visits.commands(), visits.SILENT))


WALKS: dict[str, Callable[[], dict[str, Rows]]] = {
    one.__name__: one
    for one in (plain, hidden, plates, off_zero, labels, times, jitter, sightless, odd, few, shaken, visit)
}


def of_walk(rows: dict[str, Rows]) -> dict[str, Table]:
    """What is kept of a walk."""
    kept = {name: table(rows[name]) for name in ("steps", "cues", "events")}
    kept["frames"] = table(rows["frames"][::EVERY_FRAME])
    return kept


# --- what is no walk ---


def kernels() -> dict[str, Table]:
    """Sums over everything that a kernel gave back or wrote."""
    found: Table = [["kernel", "call", "sum", "size", "missing"]]
    with np.errstate(all="ignore"):
        for seed in range(2):
            families = (vectors.small, vectors.clusters, vectors.signals, vectors.footfalls, vectors.motion)
            for family in (*families, vectors.walking):
                for call, (name, kernel, given) in enumerate(family(np.random.default_rng(seed))):
                    back = kernel(*given)
                    for thing in (back, *(a for a in given if isinstance(a, np.ndarray))):
                        if thing is not None:
                            found.append([name, f"{seed} {family.__name__} {call}", *_sums(thing)])
        walk = simulated(5.0, seed=6)
        for _, cut in vectors.whole_steps(walk, [("right", 1.502, 2.194), ("left", 2.052, 2.744)]):
            for thing in Window.compute(cut):
                found.append(["compute_step", "", *_sums(thing)])
    return {"kernels": found}


def _sums(thing: Any) -> list[str]:
    values = np.asarray(thing, dtype=np.float64).ravel()
    good = np.isfinite(values)
    weights = 1.0 + np.cos(np.arange(len(values)))[good]
    return [written(float(values[good] @ weights)), written(float(np.abs(values[good]).sum())), str((~good).sum())]


def standings() -> dict[str, Table]:
    """Static trials, whole and spoilt, check by check, and what they saved."""
    found: Table = [["trial", "check", "where", "value", "limit", "light", "firm", "sentence"]]
    saved: Table = [["trial", "what", "value"]]
    for name, (points, forces) in _trials():
        examined = standing_trials.looked_at(points, forces)
        for one in examined.checks:
            value = written(float("nan" if one.value is None else one.value))
            found.append([name, one.name, one.where, value, one.limit, one.light, str(one.firm), one.sentence])
        if examined.calibration is not None:
            for what, value in _leaves(examined.calibration.model_dump(exclude={"checks"})):
                saved.append([name, what, written(value)])
    return {"checks": found, "saved": saved}


def _trials() -> Iterator[tuple[str, tuple[Any, Any]]]:
    values, column = standing_trials.values, standing_trials.column
    yield "good", values(3.0)
    yield "hard", values(2.0, seed=2, noise="hard")
    yield "unweighed", (values(1.2, seed=3)[0], None)
    points, forces = values(2.0, seed=4)
    points[:, column("RKNEM")] += [0.03, 0.0, 0.0]
    points[:, column("LCAL"), :] += [0.0, 0.02, 0.03]
    yield "moved", (points, forces)
    points, forces = values(2.0, seed=5)
    yield "leaning", (points, forces * np.linspace(0.94, 1.06, len(forces))[:, None].astype(forces.dtype))
    points, forces = values(1.5, seed=9)
    forces[: round(0.3 * len(forces))] = np.nan
    yield "plates_silent", (points, forces)
    points, forces = values(1.5, seed=10)
    forces[:, :6] *= 60.0 / 368.0
    yield "on_one_leg", (points, forces)
    points, forces = values(0.8, seed=6)
    points[: len(points) // 3, column("LMT5")] = np.nan
    yield "short", (points, forces)
    points, forces = values(2.0, seed=7)
    yield "beside", (points + np.array([0.0, 0.09, 0.0]), forces)
    points, forces = values(2.0, seed=8)
    turn = np.array([[np.cos(0.4), -np.sin(0.4), 0.0], [np.sin(0.4), np.cos(0.4), 0.0], [0.0, 0.0, 1.0]])
    yield "turned", (points @ turn.T, forces)


def _leaves(thing: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(thing, dict):
        for key, value in thing.items():
            yield from _leaves(value, f"{name}.{key}".strip("."))
    elif isinstance(thing, list | tuple):
        for k, value in enumerate(thing):
            yield from _leaves(value, f"{name} {k}")
    else:
        yield name, thing


def stamps() -> dict[str, Table]:
    """Skews of stamp trials."""
    from tests.test_skew import trial

    found: Table = [["trial", "skew_s", "spread_s", "alike", "contacts"]]
    for seed, side, noise in ((3, 1, "standard"), (4, -1, "standard"), (5, 1, "none")):
        time, height, force_time, up = trial(seed, side, noise)
        height = np.where((time > 5.0) & (time < 5.6), np.nan, height)
        got = measure_skew(time, height, force_time + 0.012, up)
        numbers = (got.skew_s, got.spread_s, got.alike)
        found.append([f"{seed} {side} {noise}", *map(written, numbers), " ".join(map(written, got.contacts))])
    few = trial(3, 1, "standard", (2.0, 3.7, 5.4))
    found.append(["three", *map(written, (measure_skew(*few).skew_s, measure_skew(*few).spread_s)), "", ""])
    return {"stamps": found}


def carrying() -> dict[str, Table]:
    """What hidden shank markers may change, of every one and every pair, for a short and a long time."""
    from labfeedback.engine.carrying import Carrying

    found: Table = [["leg", "hidden", "seconds", "moved_pct"]]
    calibration = calibration_of(23)
    for side, height in ((1, 1.7), (-1, None)):
        leg = calibration.leg(side)
        one = Carrying(leg, set(leg.shank.labels), Settings(), 200.0, height)
        count = len(leg.shank.labels)
        for hidden_ones in [*combinations(range(count), 1), *combinations(range(count), 2)]:
            seen = np.ones(count, np.bool_)
            seen[list(hidden_ones)] = False
            for seconds in (0.04, 0.4):
                found.append([str(side), str(hidden_ones), str(seconds), written(one.moved_pct(seen, seconds))])
    return {"carrying": found}


def everything() -> dict[str, Callable[[], dict[str, Table]]]:
    """Name -> what computes the tables that are kept under it."""
    out: dict[str, Callable[[], dict[str, Table]]] = {
        name: (lambda make=make: of_walk(make())) for name, make in WALKS.items()
    }
    return {
        "kernels": kernels,
        "short": lambda: of_walk(short()),
        "standings": standings,
        "stamps": stamps,
        "carrying": carrying,
        **out,
    }


def file_of(name: str, part: str) -> Path:
    """Where a table is kept."""
    return FOLDER / f"{name}.{part}.csv"


def main() -> None:
    """Write every table anew."""
    for name, make in everything().items():
        for part, rows in make().items():
            with file_of(name, part).open("w", newline="", encoding="utf-8") as file:
                csv.writer(file, lineterminator="\n").writerows(rows)
            print(file_of(name, part).name, len(rows) - 1)


if __name__ == "__main__":
    main()
