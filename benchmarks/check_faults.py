"""What `labfeedback check` says of a walk with each fault put into it: at exactly its line, or not.

    python -m benchmarks.check_faults WALK.c3d --rig griffith --markers griffith --mass 62.6 --out FOLDER [--live]

--live plays every case into LSL and looks at the streams, as in the lab (20 s each); else the file's numbers are looked
at. Ends with 1 where a case is seen at another line, at none, or also elsewhere.
"""

from __future__ import annotations

import csv
import os
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from labfeedback.analysis import preflight, room
from labfeedback.exchange.read import read_trial
from labfeedback.exchange.trial import Trial, force_stream, marker_stream
from labfeedback.markerset import MarkerSet, load_marker_set
from labfeedback.rig import Rig, load_rig
from labfeedback.subject import Subject

UNZEROED_N: Final = 15.0
SKEW_S: Final = 0.020
WRONG_KG: Final = 6.0
LOOK_S: Final = 7.0


@dataclass(frozen=True)
class Case:
    """One fault. line: where it must be seen; empty: nowhere. twice: a second source of the marker stream's name."""

    name: str
    line: str
    make: Callable[[Trial], Trial] = lambda trial: trial
    more_kg: float = 0.0
    twice: bool = False


def cases(trial: Trial, markers: MarkerSet) -> Iterator[Case]:
    """The walk itself and every fault."""
    yield Case("nothing", "")
    yield Case("plates swapped", "sides", swap_plates)
    for k in range(len(trial.plates)):
        yield Case(f"sign of plate {trial.plates[k].id} flipped", "sign", lambda t, k=k: plate(t, k, lambda c: -c))
    yield Case("feet swapped", "mirrored", lambda t: swap_feet(t, markers))
    for seconds in (SKEW_S, -SKEW_S):
        way = "late" if seconds > 0 else "early"
        yield Case(f"forces {1e3 * abs(seconds):.0f} ms {way}", "skew", lambda t, s=seconds: late(t, s))
    for label in (
        markers.right.heel,
        markers.left.knee_lateral,
        markers.right.mt5 or "",
        markers.left.shank_cluster[0],
    ):
        if label:
            yield Case(f"{label} dead", "visible", lambda t, x=label: dead(t, x))
    yield Case(f"plate {trial.plates[1].id} off by {UNZEROED_N:g} N", "zero", lambda t: plate(t, 1, off_zero))
    yield Case("second source of one name", "duplicates", twice=True)
    yield Case(f"mass wrong by {WRONG_KG:g} kg", "mass", more_kg=WRONG_KG)


def plate(trial: Trial, which: int, change: Callable[[Any], Any]) -> Trial:
    """The trial with one plate's channels changed."""
    plates = list(trial.plates)
    plates[which] = replace(plates[which], channels=change(plates[which].channels.copy()).astype(np.float32))
    return replace(trial, plates=tuple(plates))


def off_zero(channels: Any) -> Any:
    """More load than there is; a plate's z points down."""
    channels[:, 2] -= UNZEROED_N
    return channels


def swap_plates(trial: Trial) -> Trial:
    """Both plates' channels exchanged."""
    one, two = trial.plates
    return replace(trial, plates=(replace(one, channels=two.channels), replace(two, channels=one.channels)))


def swap_feet(trial: Trial, markers: MarkerSet) -> Trial:
    """Every label of the left leg on the right one, and the other way round."""
    right, left = markers.right, markers.left
    pairs = [*zip(right.anatomical, left.anatomical, strict=True)]
    pairs += zip(right.shank_cluster, left.shank_cluster, strict=True)
    other = {**dict(pairs), **{b: a for a, b in pairs}}
    return replace(trial, labels=tuple(other.get(label, label) for label in trial.labels))


def late(trial: Trial, seconds: float) -> Trial:
    """Forces moved against the markers."""
    by = round(seconds * trial.analog_rate_hz)
    plates = tuple(replace(one, channels=np.roll(one.channels, by, axis=0)) for one in trial.plates)
    return replace(trial, plates=plates)


def dead(trial: Trial, label: str) -> Trial:
    """A marker that is never seen."""
    points = trial.points.copy()
    points[:, trial.labels.index(label)] = np.nan
    return replace(trial, points=points)


@contextmanager
def played(trial: Trial, rig: Rig, who: str) -> Iterator[None]:
    """The trial poured into LSL, again and again."""
    from devices.recorded import Player, Source
    from labfeedback.hub.lsl import enter_session

    enter_session()
    sides, signs = tuple(p.side for p in rig.plates), tuple(p.sign for p in rig.plates)
    ids = [one.source_id or f"{who}-{one.name}" for one in (rig.streams.markers, rig.streams.forces)]
    points, values = marker_stream(trial, rig.streams.markers.name, ids[0])
    layout, forces = force_stream(trial, rig.streams.forces.name, ids[1], sides, signs)
    sources = [
        Source(points, np.arange(len(values)) / trial.rate_hz, values),
        Source(layout, np.arange(len(forces)) / trial.analog_rate_hz, forces),
    ]
    stop = threading.Event()
    player = Player(sources[:1] if who == "second" else sources, loop=True, wait_s=20.0, start_delay_s=0.1)
    thread = threading.Thread(target=player.run, args=(stop,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(5.0)


def looked_at(case: Case, trial: Trial, rig: Rig, markers: MarkerSet, person: Subject, live: bool) -> list[Any]:
    """All lines of one case."""
    from labfeedback.commands.check import of_gathered
    from labfeedback.hub.gather import gather

    changed = case.make(trial)
    mass = (person.mass_kg or 0.0) + case.more_kg
    person = person.model_copy(update={"mass_kg": mass})
    lines: list[Any] = []
    if live:
        with ExitStack() as stack:
            stack.enter_context(played(changed, rig, "first"))
            if case.twice:
                stack.enter_context(played(changed, rig, "second"))
            found = gather(rig, seconds=LOOK_S, wait_s=15.0)
        lines = of_gathered(found, rig)
        if found.trial is None:
            return lines
        changed = found.trial
    lines += preflight.look(changed, rig, markers, person, None)
    return [*lines, preflight.owner(None, changed, rig, markers, person, date(2026, 1, 1))]


def main(
    file: Annotated[Path, typer.Argument(help="a good walk")],
    rig: Annotated[str, typer.Option()],
    markers: Annotated[str, typer.Option()],
    mass: Annotated[float, typer.Option(help="of the person, kg")],
    out: Annotated[Path, typer.Option(help="folder for the table")],
    live: Annotated[bool, typer.Option("--live", help="through LSL")] = False,
) -> None:
    """See the module."""
    os.environ.setdefault("LABFEEDBACK_LSL_SESSION", f"check-{uuid.uuid4().hex[:8]}")
    trial, marker_set = read_trial(file), load_marker_set(markers)
    the_rig = room.fitted(load_rig(rig), trial, [])
    person = Subject(id="P1", mass_kg=mass)
    rows, bad = [], 0
    for case in track(list(cases(trial, marker_set)), console=Console(stderr=True), description="cases"):
        if case.twice and not live:
            continue
        lines = looked_at(case, trial, the_rig, marker_set, person, live)
        seen = [one for one in lines if one.light != "green"]
        right = {one.name for one in seen} == ({case.line} if case.line else set())
        bad += not right
        said = "; ".join(f"{one.light} {one.name} {one.where} {one.found}".strip() for one in seen)
        rows.append([case.name, case.line or "(all green)", said or "all green", "yes" if right else "NO"])
    heading = ["fault", "belongs to", "seen", "exactly there"]
    table = Table(*heading, title=f"{file.name}, {'live' if live else 'file'}")
    for row in rows:
        table.add_row(*row, style="" if row[-1] == "yes" else "red")
    Console(width=140).print(table)
    out.mkdir(parents=True, exist_ok=True)
    with (out / f"check_{'live' if live else 'file'}.csv").open("w", newline="", encoding="utf-8") as written:
        csv.writer(written).writerows([heading, *rows])
    raise typer.Exit(1 if bad else 0)


if __name__ == "__main__":
    typer.run(main)
