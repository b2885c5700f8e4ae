"""Run every kernel on the same vectors and print one line of hex per result: `python kernel_vectors.py [FOLDER]`.

With NUMBA_DISABLE_JIT=1 in the environment the same source runs as plain Python. FOLDER is where real windows are.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numba
import numpy as np

from labfeedback.core import (
    anatomy,
    contact,
    dynamics,
    filters,
    intake,
    kinematic,
    leg,
    live,
    peaks,
    plates,
    rigid,
    step,
    timefit,
)
from labfeedback.core import hidden as lost
from labfeedback.core.filters import butterworth, gaussian_taps
from labfeedback.core.inertia import segment_inertia
from labfeedback.records import COMPUTED
from tests.core.test_anatomy import STANDING
from tests.core.windows import Window, window
from tests.engine.walks import LEFT_IN, Walk, recorded, simulated, walk_through

Call = tuple[str, Callable[..., Any], tuple[Any, ...]]
NAN = np.nan


def small(rng: np.random.Generator) -> Iterator[Call]:
    """Kernels of a few numbers, with the cases in which divisions by zero, NaN and ties happen."""
    rows = rng.normal(size=(5, 3))
    yield "cross_rows", anatomy.cross_rows, (rows, 0, 1, 2)
    for row in (rng.normal(size=3), np.zeros(3), np.array([NAN, 1.0, 2.0])):
        yield "unit_row", anatomy.unit_row, (np.stack([row, row]), 1)
    yield "triad_from_axis", anatomy.triad_from_axis, (rng.normal(size=(6, 3)), 0, 5, 0.1, -0.2, 1.0)
    yield "triad_from_axis", anatomy.triad_from_axis, (np.zeros((6, 3)), 0, 5, 0.1, -0.2, 1.0)
    for s in (1.0, -1.0):
        for kinds in ((0, 0, 0), (1, 1, 1), (0, 1, 2)):
            points = STANDING + rng.normal(0, 0.02, (8, 3))
            hidden = points.copy()
            hidden[rng.integers(0, 8)] = NAN
            for p in (points, hidden, np.zeros((8, 3))):
                yield "leg_frames", anatomy.leg_frames, (p, s, np.array(kinds), np.empty((12, 3)))
                for x, z in ((0.1, 0.05), (0.4, -0.3), (NAN, 0.0)):
                    yield "outside_foot", step.outside_foot, (p, x, z)
                yield "progression_angle", anatomy.progression_angle, (p, s, np.array(kinds))
    wrench = rng.normal(0, 100, 6)
    for vertical in (700.0, 30.0, 0.0, -5.0, NAN):
        wrench[1] = vertical
        yield "centre_of_pressure", plates.centre_of_pressure, (wrench.copy(), 0.01, 30.0, np.empty(3))
        yield "moment_about", plates.moment_about, (wrench.copy(), 0.1, 0.2, -0.3, np.empty(3))
    yield "to_segment", step.to_segment, tuple(float(v) for v in rng.normal(size=6))
    yield "to_segment", step.to_segment, (0.3, 0.2, 0.1, 0.1, 0.1, 0.1)
    yield "determinant", rigid.determinant, tuple(float(v) for v in rng.normal(size=9))


def clusters(rng: np.random.Generator) -> Iterator[Call]:
    """Rigid fits of good, noisy, hidden, flat, lined-up and coinciding markers."""
    for count in (3, 4, 6):
        reference = rng.normal(0, 0.1, (count, 3))
        turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        turn *= np.sign(np.linalg.det(turn))
        seen = reference @ turn.T + 1.0
        cases = [seen, seen + rng.normal(0, 1e-3, seen.shape), seen * [1, 1, -1], np.ones_like(seen), reference.copy()]
        for case in cases:
            members = np.arange(count)
            yield "rigid_fit", rigid.rigid_fit, (reference, case, members, np.empty((3, 3)), np.empty(3))
            hidden = case.copy()
            hidden[rng.integers(0, count)] = NAN
            yield "rigid_fit", rigid.rigid_fit, (reference, hidden, members, np.empty((3, 3)), np.empty(3))
            yield "on_one_line", rigid.on_one_line, (reference, hidden, members)
            seen_members, pose = np.empty((count, 3)), (np.empty((3, 3)), np.empty(3))
            for gone in (np.zeros(count, np.int64), (np.arange(count) == 1).astype(np.int64)):
                arguments = (reference, hidden, members, gone, members, seen_members, *pose)
                yield "pose_without", lost.pose_without, arguments
            yield (
                "local_offset",
                lost.local_offset,
                (turn.copy(), reference[0].copy(), seen[1].copy(), 2, reference, pose[1]),
            )
        line = np.outer(np.arange(count), [0.1, 0.2, 0.3])
        yield "rigid_fit", rigid.rigid_fit, (line, line + 1.0, np.arange(count), np.empty((3, 3)), np.empty(3))
        yield "on_one_line", rigid.on_one_line, (line, line + 1.0, np.arange(count))
    yield (
        "place",
        leg.place,
        (rng.normal(size=(8, 3)), 2, 6, rng.normal(size=(3, 3)), rng.normal(size=3), np.zeros((8, 3))),
    )
    markers, members, counts, reference, local = calibrated(rng)
    for hide in ((), (8,), (8, 9), (4, 8), (4, 5, 8, 9)):
        seen = markers.copy()
        seen[list(hide)] = NAN
        yield (
            "carry",
            leg.carry,
            (seen, members, counts, reference, local, np.empty((3, 3)), np.empty(3), seen[:8].copy()),
        )
        fewest = np.array([3, 3])
        yield (
            "carry",
            leg.carry,
            (seen, members, fewest, reference, local, np.empty((3, 3)), np.empty(3), seen[:8].copy()),
        )
        many = np.stack([seen, markers, seen])
        yield "rebuild", lost.rebuild, (many, members, counts, reference)
        long = np.concatenate([markers[None] + rng.normal(0, 1e-4, (30, *markers.shape)) for _ in range(2)])
        long[20:33, 8] = NAN
        long[28:50, 10] = NAN
        gone = np.ascontiguousarray(np.isnan(long[:, members[0], 0]).astype(np.int64))
        for first, way in ((19, -1), (33, 1)):
            arguments = (reference[0].copy(), long, members[0].copy(), gone, 20, first, way, 0, np.zeros(3))
            yield "mean_offset", lost.mean_offset, arguments
        yield "rebuild", lost.rebuild, (long.copy(), members, counts, reference)


def calibrated(rng: np.random.Generator) -> tuple[Any, ...]:
    """One frame of a leg with four shank markers, and its calibration."""
    shank = STANDING[0] + np.array([[0.03, -0.1, 0.02], [0.02, -0.2, 0.03], [-0.02, -0.15, 0.02], [0.0, -0.25, 0.0]])
    reference = np.stack([shank, STANDING[4:]])
    markers = np.concatenate([STANDING, shank]) + rng.normal(0, 1e-3, (12, 3)) + [0.3, 0.0, 0.1]
    return markers, np.array([[8, 9, 10, 11], [4, 5, 6, 7]]), np.array([4, 4]), reference, STANDING.copy()


def signals(rng: np.random.Generator) -> Iterator[Call]:
    """Filters, contacts, intake, curves."""
    for n, pad in ((30, 9), (12, 40)):
        yield "zero_lag", filters.zero_lag, (rng.normal(size=(n, 4)), butterworth(8.0, 200.0), pad)
    yield "smooth", filters.smooth, (rng.normal(size=(90, 2)), 20, 60, gaussian_taps(25.0, 1000.0), np.zeros((90, 2)))
    stamps = np.maximum.accumulate(np.arange(400) / 200.0 + rng.exponential(0.004, 400)) + 1e-9 * np.arange(400)
    for kept in (np.ones(400, np.bool_), np.arange(400) % 97 != 3, (np.arange(400) < 150) | (np.arange(400) > 220)):
        for number in (np.full(kept.sum(), NAN), np.flatnonzero(kept).astype(float)):
            state, window, out = timefit.new_state(200.0), np.zeros(timefit.window_size(200.0)), np.zeros(kept.sum())
            arguments = (stamps[kept].copy(), np.ones(kept.sum()), number, state, window, out, out.copy())
            yield "fit_times", timefit.fit_times, arguments
    yield "shift_line", timefit.shift_line, (timefit.new_state(200.0), np.zeros(30), 0.1)
    values = rng.normal(size=(6, 7))
    values[2] = values[1]
    values[3, :4] = 0.0
    values[4, 1] = NAN
    columns = np.array([[0, 1, 2], [4, 6, 5]])
    yield (
        "take_markers",
        intake.take_markers,
        (values, columns, 1e-3, rng.normal(size=(3, 3)), np.full((2, 3), NAN), np.empty((6, 2, 3))),
    )
    received = 100.0 * rng.normal(size=(6, 13))
    received[2, 4] = NAN
    received[3, 7] = np.inf
    yield (
        "take_forces",
        intake.take_forces,
        (
            received,
            np.array([*range(12, 6, -1), *range(6)]),
            np.tile([1.0, 1.0, 1.0, 1e-3, 1e-3, 1e-3], 2),
            np.array([50.0] * 6 + [np.inf] * 6),
            rng.normal(size=(2, 3, 3)),
            rng.normal(size=(2, 3)),
            np.array([1, 0]),
            np.empty((6, 2, 6)),
            np.empty((6, 2)),
            np.empty((6, 2)),
            np.zeros(6),
        ),
    )
    yield (
        "plate_wrenches",
        plates.plate_wrenches,
        (
            rng.normal(size=(5, 12)),
            rng.normal(size=(2, 3, 3)),
            rng.normal(size=(2, 3)),
            np.array([1, 0]),
            np.empty((5, 2, 6)),
        ),
    )
    vertical = np.repeat(rng.choice([0.0, 20, 40, 60, 700, -300], (60, 2)), 25, axis=0) + rng.normal(0, 3, (1500, 2))
    yield (
        "find_contacts",
        contact.find_contacts,
        (
            np.arange(1510) / 1000.0,
            vertical,
            0,
            1500,
            8,
            50.0,
            30.0,
            0.02,
            contact.new_state(),
            np.zeros((3002, contact.FOUND)),
        ),
    )
    time = np.cumsum(rng.uniform(0.003, 0.007, 100))
    curves = rng.normal(size=(100, 3))
    out = np.empty(peaks.POINTS)
    yield "over_stance", peaks.over_stance, (time, curves, 1, float(time[0]) - 0.1, float(time[-1]) - 0.01, out)
    curve = rng.normal(size=peaks.POINTS)
    for case in (curve, np.round(curve), np.where(np.arange(peaks.POINTS) == 60, NAN, curve)):
        yield "highest", peaks.highest, (case, 6, 99)
        yield "is_local_peak", peaks.is_local_peak, (case, 60)
        yield "positive_impulse", peaks.positive_impulse, (case, 0.7)
        yield "mean_between", peaks.mean_between, (case, 40, 120)
        yield "lowest_tenth", step.lowest_tenth, (case, 0, 50)
    holes = rng.normal(size=(30, 3, 3))
    holes[rng.random((30, 3)) < 0.4] = NAN
    holes[:, 2] = NAN
    yield "bridge", lost.bridge, (holes,)
    force_time = np.arange(200) / 1000.0
    yield (
        "at_frames",
        step.at_frames,
        (force_time, rng.normal(size=(200, 6)), np.sort(rng.uniform(-0.02, 0.22, 40)), np.empty((40, 6))),
    )


def footfalls(rng: np.random.Generator) -> Iterator[Call]:
    """Feet that swing to and fro past a pelvis with hidden markers, and the extremes of it."""
    n = 400
    time = np.arange(n) / 200.0
    markers = 0.3 * np.sin(6.0 * time[:, None, None] + rng.uniform(0, 6, (1, 20, 1))) + rng.normal(0, 1e-3, (n, 20, 3))
    markers[rng.random((n, 20)) < 0.02] = NAN
    roles = np.stack([np.arange(8), np.arange(8, 16)])
    curves = np.empty((n, 4))
    for pelvis in (np.arange(16, 20), np.arange(0)):
        yield "pelvis_x", kinematic.pelvis_x, (markers, 7, pelvis, np.full(len(pelvis), NAN))
        for kinds in (np.array([0, 1, 0]), np.array([0, 0, 0])):
            offset = np.full(len(pelvis), NAN)
            yield "reach", kinematic.reach, (markers, roles, kinds, pelvis, offset, curves)
            state, first, frame = kinematic.new_curves(), 0, np.zeros(1, np.int64)
            while first < n:
                found = np.zeros((4, kinematic.FOUND))
                yield "find_extremes", kinematic.find_extremes, (time, curves, first, n, state, found, frame)
                first = int(frame[0])
    top = float(np.nanmax(curves[:200, 0]))
    yield "extreme_time", kinematic.extreme_time, (time, curves, 220, 0, 1.0, top)


def motion(rng: np.random.Generator) -> Iterator[Call]:
    """Angular velocity, angular momentum and moments of a leg that swings at random."""
    n = 12
    points = STANDING + np.cumsum(rng.normal(0, 0.003, (n, 8, 3)), axis=0)
    frames = np.empty((n, 12, 3))
    for k in range(n):
        anatomy.leg_frames(points[k], 1.0, np.zeros(3, np.int64), frames[k])
    yield "angular_velocity", dynamics.angular_velocity, (frames, 3, 0.005, np.empty((n, 3)))
    for table in ("dumas", "winter", "deleva"):
        inertia = segment_inertia(table, "F", 70.0, -1)
        w, a = rng.normal(size=3), rng.normal(size=3)
        yield (
            "rate_of_angular_momentum",
            dynamics.rate_of_angular_momentum,
            (frames, 5, 3, inertia, 0, 0.16, w, a, np.empty(3)),
        )
        for s in (1.0, -1.0):
            yield (
                "stance_moments",
                dynamics.stance_moments,
                (points, rng.normal(0, 200, (n, 6)), 0.005, s, np.zeros(3, np.int64), inertia, np.empty((n, 4))),
            )


def walking(rng: np.random.Generator) -> Iterator[Call]:
    """The per-frame kernel on both legs with four clusters, loaded, unloaded and with holes."""
    one = calibrated(rng)
    n = 60
    right = one[0] + np.stack([np.linspace(0.3, -0.2, n), 0.002 * np.arange(n), np.zeros(n)], 1)[:, None]
    markers = np.concatenate([right, right * [1, 1, -1]], axis=1)
    markers[20:24, [8, 20]] = NAN
    members = np.stack([one[1], one[1] + 12])
    reference, local = (np.stack([x, x * [1, 1, -1]]) for x in (one[3], one[4]))
    roles = np.stack([np.arange(8), np.arange(12, 20)])
    force_time = np.delete(np.arange(320) / 1000.0, slice(150, 170))
    wrench = rng.normal(0, 5, (300, 2, 6))
    wrench[:200, 0, 1] += 700.0
    limits = np.array([30.0, 0.015, 0.15, 4, 4, 6, 0.0015])
    feet = np.zeros((2, live.FOOT_STATE))
    feet[:, live.CONTACT] = [0.0, NAN]
    feet[:, live.STAND_HEEL], feet[:, live.STAND_TOE] = 0.03, 0.03
    for belt in (1.6, 40.0, NAN):
        walk = np.zeros(live.WALK_STATE)
        walk[live.BELT] = belt
        yield "run_frames", live.run_frames, (
            np.arange(n) / 200.0, markers, 7, 0, n, force_time, wrench, roles, members, np.stack([one[2]] * 2),
            reference, local, np.array([0, 1, 0]), np.zeros(2), rng.normal(size=(2, 6)), limits, feet.copy(), walk,
            np.empty((n, live.COLUMNS)), np.zeros((3 * n, live.NOTICED)),
        )  # fmt: skip


def whole_steps(walk: Walk, stances: list[tuple[str, float, float]]) -> Iterator[tuple[str, Window]]:
    """Windows of a walk."""
    for side, start, end in stances:
        yield f"{side} {start}", window(walk, side, start, end)


def digest(*things: Any) -> str:
    """SHA-256 of the bytes of arrays and numbers, NaN by its bytes after being made one of a kind."""
    total = hashlib.sha256()
    for thing in things:
        array = np.array(thing, dtype=np.float64) if not isinstance(thing, np.ndarray) else thing
        if array.dtype.kind == "f":
            array = np.where(np.isnan(array), NAN, array)
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


def results(folder: Path | None) -> Iterator[tuple[str, str]]:
    """(kernel or table, digest of everything it returned or wrote)."""
    for seed in range(3):
        for family in (small, clusters, signals, footfalls, motion, walking):
            for name, kernel, arguments in family(np.random.default_rng(seed)):
                yield name, digest(kernel(*arguments) or 0.0, *[a for a in arguments if isinstance(a, np.ndarray)])
    walks = [(simulated(5.0, seed=6), [("right", 1.502, 2.194), ("left", 2.052, 2.744)])]
    if folder is not None:
        walks.append((recorded(folder), [("right", 1.93, 2.6)]))
    for walk, stances in walks:
        for _, cut in whole_steps(walk, stances):
            for hz in (6.0, 15.0) if walk is walks[0][0] else (15.0,):
                yield "compute_step", digest(*Window.compute(with_cutoff(cut, hz)))
    for name, rows in engine_run().items():
        if name in COMPUTED:
            yield f"engine {name}", hashlib.sha256(rows.tobytes()).hexdigest() + f" {len(rows)}"


def with_cutoff(cut: Window, hz: float) -> Window:
    """The window with another filter."""
    from dataclasses import replace

    return replace(cut, filter_hz=hz)


def engine_run() -> dict[str, Any]:
    """Some seconds of the walker through the whole engine."""
    return walk_through(simulated(6.0, seed=6), training=LEFT_IN)


if __name__ == "__main__":
    numpy_warnings = np.seterr(all="ignore")
    real = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    print(json.dumps({"compiled": not numba.config.DISABLE_JIT, "results": list(results(real))}))
