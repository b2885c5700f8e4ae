"""Replay: a recording's input log through the engine again, and whether the same bytes come out (law 3).

Health and shown rows are measured, not computed, and so are not compared.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np

from labfeedback.engine.outputs import Outputs
from labfeedback.errors import LabError
from labfeedback.fingerprint import engine_hash
from labfeedback.inputlog import Record, Start
from labfeedback.recording.about import MATHS, machine
from labfeedback.recording.reader import Recording
from labfeedback.records import COMPUTED, SIDE_NAMES, TABLES, Rows

EQUAL, DIFFERS, DAMAGED, OTHER_ENGINE = 0, 1, 2, 3
RELATIVE: Final = 1e-9  # promised between maths libraries and processors
ABSOLUTE: Final = 1e-12  # where a value is a difference that vanishes
_NAMED: Final = 10  # blocks or steps named before 'and more'
_CHUNK: Final = 4096


class Fold(Protocol):
    """What a replay needs of `labfeedback.engine.Engine`."""

    def feed(self, record: Record) -> Outputs:
        """Take one record."""

    def finish(self) -> Outputs:
        """Nothing more comes."""


@dataclass(slots=True)
class Replayed:
    """What the engine made of a recording. `failure`: the sentence with which it stopped, empty if it did not."""

    tables: dict[str, Rows]
    failure: str
    took_s: float

    @property
    def t0(self) -> float:
        """Mapped time of the first marker frame, s; 0 when there is none."""
        frames = self.tables["frames"]
        return float(frames["time_s"][0]) if len(frames) else 0.0

    @property
    def span_s(self) -> float:
        """First to last marker frame, s."""
        frames = self.tables["frames"]
        return float(frames["time_s"][-1] - frames["time_s"][0]) if len(frames) else 0.0


@dataclass(slots=True)
class Verdict:
    """The exit code of `replay --check`, and why, in sentences."""

    exit_code: int
    sentences: list[str] = field(default_factory=list)
    replayed: Replayed | None = None


def real_engine(start: Start) -> Fold:
    """The engine of this program (its kernels load only now)."""
    from labfeedback.fingerprint import use_own_kernel_cache

    use_own_kernel_cache()
    from labfeedback.engine import Engine

    return Engine(start)


def recompute(
    visit: Recording,
    make_engine: Callable[[Start], Fold] = real_engine,
    *,
    chunk: int = _CHUNK,
    cuts: np.random.Generator | None = None,
    gather: bool = True,
) -> Replayed:
    """Feed the whole input log to a fresh engine. Raises DamagedRecording when samples are missing from it.

    chunk, cuts, gather: how `Recording.log` cuts the samples; none of it may change a bit (law 1).

    A visit whose end was not recorded (no END) is not finished either: live had not come to that.
    """
    engine = make_engine(visit.start)
    rows: dict[str, list[Rows]] = {name: [] for name in COMPUTED}
    failure = ""
    began = time.perf_counter()
    records = visit.log(chunk, cuts, gather=gather)
    next(records)  # START
    for record in records:
        try:
            out = engine.feed(record)
        except Exception as error:  # whatever ended the walk when it was recorded ends it here, and is told
            failure = str(error) if isinstance(error, LabError) else f"{type(error).__name__}: {error}"
            break
        for name, kept in rows.items():
            if len(new := getattr(out, name)):
                kept.append(new)
    if visit.clean_end and not failure:
        last = engine.finish()
        for name in COMPUTED:
            rows[name].append(getattr(last, name))
    # As bytes: numpy's concatenate compares every field of every array, a tenth of the whole replay.
    tables = {
        name: np.frombuffer(b"".join(part.tobytes() for part in parts), TABLES[name]) for name, parts in rows.items()
    }
    return Replayed(tables, failure, time.perf_counter() - began)


def check(
    visit: Recording,
    make_engine: Callable[[Start], Fold] = real_engine,
    *,
    ignore_digest: bool = False,
    this_engine: str | None = None,
    chunk: int = _CHUNK,
    cuts: np.random.Generator | None = None,
) -> Verdict:
    """Whether the stored rows are what the stored input gives: 0 equal, 1 rows differ, 2 damaged, 3 other engine."""
    if not ignore_digest:
        damaged = damage(visit)
        if damaged:
            return Verdict(DAMAGED, damaged)
    about = visit.about
    replayed = recompute(visit, make_engine, chunk=chunk, cuts=cuts)
    stored = {name: visit.table(name) for name in COMPUTED}
    verdict = Verdict(EQUAL, [], replayed)
    if _compare(stored, replayed.tables, exact=True, whole=visit.clean_end):
        # Before anything is called different: every TICK exactly where it was.
        exact = recompute(visit, make_engine, chunk=chunk, cuts=cuts, gather=False)
        if any(exact.tables[name].tobytes() != replayed.tables[name].tobytes() for name in COMPUTED):
            verdict.replayed = replayed = exact
            verdict.sentences.append("The engine depends on how samples are cut (law 1 is broken): please report it.")
    if replayed.failure:
        verdict.sentences.append(f"The engine stopped before the end: {replayed.failure}")
    recorded_by = str(about.get("engine_hash", "unknown"))
    if recorded_by != (this_engine or engine_hash()):
        verdict.exit_code = OTHER_ENGINE
        verdict.sentences.append(
            f"Another engine computed this recording ({recorded_by[:12]}; this one is {engine_hash()[:12]}). "
            "Largest difference of each column:"
        )
        verdict.sentences += _largest(stored, replayed.tables)
        return verdict
    other = _other_maths(about.get("machine"))
    total = sum(map(len, stored.values()))
    found = _compare(stored, replayed.tables, exact=True, whole=visit.clean_end)
    if not found:
        verdict.sentences.append(f"Equal: {total} stored rows, byte for byte.")
    elif other and not (found := _compare(stored, replayed.tables, exact=False, whole=visit.clean_end)):
        verdict.sentences.append(
            f"Equal within {RELATIVE:g} relative: {total} stored rows. Recorded with another {', '.join(other)}, "
            "so equal bytes are not promised."
        )
    else:
        verdict.exit_code = DIFFERS
        verdict.sentences += found
        if other:
            verdict.sentences.append(
                f"Recorded with another {', '.join(other)}: compared within {RELATIVE:g} relative."
            )
    if not visit.clean_end:
        verdict.sentences.append("The end of this visit was not recorded; its rows were compared as far as they go.")
    return verdict


def damage(visit: Recording) -> list[str]:
    """Sentences naming every damaged block of the input; empty when it is what was recorded."""
    found = [f"Damaged input: {block}" for block in visit.verify()]
    more = len(found) - _NAMED
    return found[:_NAMED] + ([f"and {more} more"] if more > 0 else [])


def _other_maths(stored: Any) -> list[str]:
    here = machine()
    there = stored if isinstance(stored, dict) else {}
    return [name for name in MATHS if there.get(name) != here[name]]


def _compare(stored: dict[str, Rows], computed: dict[str, Rows], *, exact: bool, whole: bool) -> list[str]:
    """Sentences about what differs; `whole`: the stored rows must be all of the computed ones, not their beginning."""
    out = []
    for name in COMPUTED:
        one, other = stored[name], computed[name]
        if len(one) > len(other) or (whole and len(one) < len(other)):
            out.append(f"{name}: {len(one)} rows are stored, {len(other)} were computed.")
        common = min(len(one), len(other))
        unlike = _unlike(one[:common], other[:common], exact)
        rows = np.flatnonzero(np.logical_or.reduce(list(unlike.values())))
        if not len(rows):
            continue
        row = int(rows[0])
        column = next(column for column, mask in unlike.items() if mask[row])
        out.append(
            f"{name}: {len(rows)} of {len(one)} rows differ; first: row {row}, column {column}, "
            f"stored {_value(one[column][row])}, computed {_value(other[column][row])}."
        )
        if name == "steps":
            out.append("Steps that differ: " + _named_steps(one[rows]) + ".")
    return out


def _unlike(one: Rows, other: Rows, exact: bool) -> dict[str, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Column -> mask of the rows where it differs: in bytes, or by more than the promise between machines."""
    out = {}
    for column in one.dtype.names or ():
        a, b = np.ascontiguousarray(one[column]), np.ascontiguousarray(other[column])
        if exact or a.dtype.kind != "f":
            width = a.dtype.itemsize
            unlike = a.view("u1").reshape(len(a), width) != b.view("u1").reshape(len(b), width)
            out[column] = unlike.any(axis=1)
        else:
            out[column] = ~np.isclose(a, b, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True)
    return out


def _largest(stored: dict[str, Rows], computed: dict[str, Rows]) -> list[str]:
    out = []
    for name in COMPUTED:
        one, other = stored[name], computed[name]
        if len(one) != len(other):
            out.append(f"{name}: {len(one)} rows are stored, {len(other)} were computed.")
        common = min(len(one), len(other))
        same = 0
        for column, mask in _unlike(one[:common], other[:common], exact=True).items():
            if not mask.any():
                same += 1
                continue
            a, b = one[column][:common], other[column][:common]
            if a.dtype.kind == "S":
                out.append(f"{name}.{column}: {mask.sum()} texts differ.")
                continue
            gap = np.abs(a.astype(float) - b.astype(float))
            withheld = int((np.isnan(a) != np.isnan(b)).sum())
            size = float(np.nanmax(gap)) if not np.isnan(gap).all() else 0.0
            out.append(
                f"{name}.{column}: {size:.6g} ({mask.sum()} rows differ)"
                + (f"; in {withheld} rows only one of the two has a value" if withheld else "")
                + "."
            )
        out.append(f"{name}: {same} of {len(one.dtype.names or ())} columns are equal in all {common} rows.")
    return out


def _named_steps(rows: Rows) -> str:
    names = [f"{int(row['step'])} ({SIDE_NAMES.get(int(row['side']), 'no side')})" for row in rows[:_NAMED]]
    return ", ".join(names) + (f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else "")


def _value(value: Any) -> str:
    return repr(bytes(value).decode("utf-8", "replace")) if isinstance(value, bytes) else repr(value.item())
