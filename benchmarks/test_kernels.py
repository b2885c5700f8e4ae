"""What the kernels may cost, on one core: `python -m pytest benchmarks/test_kernels.py`.

Per frame, both legs, four calibrated clusters: at most 4 us in a loop. A whole stance with filter and both methods: at
most 0.4 ms. The limits hold for the median; p99 is printed beside it, because a shared machine has its moments.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from labfeedback.core import live
from labfeedback.core.filters import butterworth
from labfeedback.core.live import run_frames
from labfeedback.core.peaks import POINTS
from labfeedback.core.step import CURVES, SUMMARY, compute_step
from labfeedback.engine import Engine
from labfeedback.engine.calibration import calibrate
from labfeedback.inputlog import FORCES, MARKERS
from tests.core.windows import lab_markers, lab_wrenches, window
from tests.engine.walks import LEFT_IN, simulated

FRAME_US = 4.0
STEP_MS = 0.4
FRAMES = 2000


def prepared() -> tuple[Any, Any]:
    """A walk and an engine that is calibrated by the walker's own middle of a stance, with all four clusters."""
    walk = simulated(14.0, seed=3, noise="standard")
    points = lab_markers(walk)
    static = np.repeat(points[180:181], 200, axis=0)
    calibration = calibrate(static, list(walk.labels), walk.marker_set, rate_hz=200.0)
    engine = Engine(walk.start(training=LEFT_IN, calibration=calibration))
    for record in walk.opening():
        engine.feed(record)
    return walk, engine


def sampled(call: Callable[[], object], count: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """(count,) seconds of single calls."""
    out = np.empty(count)
    for i in range(count):
        begin = time.perf_counter()
        call()
        out[i] = time.perf_counter() - begin
    return out


def said(benchmark: Any, name: str, seconds: Any, unit: str, scale: float) -> float:
    """Keep and print median and p99; returns the median in `unit`."""
    median, p99 = (float(np.percentile(seconds, q)) * scale for q in (50, 99))
    benchmark.extra_info |= {f"median_{unit}": round(median, 3), f"p99_{unit}": round(p99, 3)}
    print(f"\n{name}: median {median:.2f} {unit}, p99 {p99:.2f} {unit}")
    return median


def test_a_frame_of_both_legs_with_four_clusters(benchmark: Any) -> None:
    walk, engine = prepared()
    plan = engine._plan
    assert plan is not None
    assert (plan.counts >= 3).all()
    count = len(walk.markers.time)
    labels = list(dict.fromkeys(label for side in (1, -1) for label in _labels(walk, side)))
    markers = np.ascontiguousarray(lab_markers(walk)[:, [walk.labels.index(label) for label in labels]])
    wrenches = lab_wrenches(walk)
    wrench = np.ascontiguousarray(np.stack([wrenches["right"], wrenches["left"]], axis=1))
    out, noticed = np.empty((count, live.COLUMNS)), np.empty((3 * count, live.NOTICED))
    feet, walking = engine._frames.feet, engine._frames.walk
    feet[:, live.CONTACT] = 0.0
    walking[live.BELT] = 1.25

    def loop() -> None:
        walking[live.CURSOR] = 0.0
        feet[:, live.FLAT_SUM : live.SAID + 1] = 0.0
        run_frames(
            walk.markers.time, markers, 0, 0, FRAMES, walk.forces.time, wrench, plan.roles, plan.members, plan.counts,
            plan.reference, plan.local, plan.kinds, plan.surface, np.zeros((2, 6)), engine._frames.limits, feet,
            walking, out, noticed,
        )  # fmt: skip

    seconds = sampled(loop, 60) / FRAMES
    benchmark.pedantic(loop, rounds=5)
    assert 0.0 < np.median(out[:FRAMES, live.O_SIDE + live.S_RESIDUAL]) < 10.0
    assert said(benchmark, "frame, both legs, four clusters", seconds, "us", 1e6) <= FRAME_US


def _labels(walk: Any, side: int) -> list[str]:
    leg = walk.marker_set.leg(side)
    return [*leg.anatomical, *leg.shank_cluster, *leg.foot_cluster]


@pytest.mark.parametrize("calibrated", [False, True])
def test_a_whole_stance_with_filter_and_both_methods(benchmark: Any, calibrated: bool) -> None:
    walk, engine = prepared()
    cut = window(walk, "right", 2.602, 3.294)
    plan = engine._plan
    if calibrated:
        rows = list(plan.legs[0].rows)
        labels = list(dict.fromkeys(label for side in (1, -1) for label in _labels(walk, side)))
        a = int(np.searchsorted(walk.markers.time, cut.time[0]))
        points = lab_markers(walk)[a : a + len(cut.time), [walk.labels.index(labels[row]) for row in rows]]
        leg = plan.legs[0]
        clusters = (leg.members, leg.counts, leg.reference, leg.local)
    else:
        points, clusters = cut.markers, cut.clusters
    sections = butterworth(15.0, 200.0), butterworth(15.0, 1000.0)
    summary, stance, curves = np.empty(SUMMARY), np.empty((CURVES, POINTS)), np.empty((len(cut.time), CURVES))
    points = np.ascontiguousarray(points)

    def once() -> None:
        compute_step(
            cut.time, points.copy(), cut.force_time, cut.wrench.copy(), cut.start, cut.end, 0.005, 1.0, 0.0, cut.kinds,
            cut.inertia, sections[0], sections[1], 20, 100, *clusters, summary, curves, stance,
        )  # fmt: skip

    seconds = sampled(once, 400)
    benchmark.pedantic(once, rounds=50)
    assert np.isfinite(summary[:11]).all()
    assert said(benchmark, f"stance{' with clusters' if calibrated else ''}", seconds, "ms", 1e3) <= STEP_MS


def test_an_engine_fed_frame_by_frame(benchmark: Any) -> None:
    """One marker frame and its five force samples as the hub hands them over: informative, no limit of its own."""
    walk, engine = prepared()
    frames = iter(range(len(walk.markers.time)))
    seconds = []

    def feed_one() -> None:
        frame = next(frames)
        samples = walk.samples(FORCES, 5 * frame, 5 * frame + 5), walk.samples(MARKERS, frame, frame + 1)
        begin = time.perf_counter()
        for one in samples:
            engine.feed(one)
        seconds.append(time.perf_counter() - begin)

    benchmark.pedantic(feed_one, rounds=2700, warmup_rounds=50)
    assert said(benchmark, "engine, one frame", np.array(seconds[50:]), "us", 1e6) < 1000.0
