"""What the operator's window costs: latency and paint of the patient's screen with and without it, and its own CPU.

    python -m benchmarks.window [--seconds 60] [--pairs 2]

Walks of the whole lab without and with the window open and plotting, in turn, in one run: a real window in a process of
its own, on DISPLAY where there is one (a virtual server that draws by software costs more than a graphics card), else
offscreen.
The times of a marker frame are those of `benchmarks.latency`; paint times are what the patient's screen reported into
the recording. CPU is that of the window's process, in per cent of one core: idle on its start page, and during a
walk.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any, Final

import numpy as np
import psutil

from benchmarks.latency import ROWS, measure
from labfeedback.commands.lab import choices
from labfeedback.desk import Desk
from labfeedback.recording.reader import Recording

IDLE_S: Final = 15.0
SETTLE_S: Final = 8.0
NAMES: Final = {False: "without the window", True: "with the window open"}


class Cpu:
    """CPU time of a process in per cent of a core, between two looks."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._spent, self._at = self._look()

    def _look(self) -> tuple[float, float]:
        times = self._process.cpu_times()
        return times.user + times.system, time.monotonic()

    def share(self) -> float:
        """Since it was made."""
        spent, at = self._look()
        return 100.0 * (spent - self._spent) / (at - self._at)


def idle() -> float:
    """The start page, nobody touching it."""
    desk = Desk(choices({}), headless=not os.environ.get("DISPLAY"))
    desk.begin()
    try:
        _serve(desk, SETTLE_S)
        cpu = Cpu(desk.pid or 0)
        _serve(desk, IDLE_S)
        return cpu.share()
    finally:
        desk.close()


def _serve(desk: Desk, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        desk.work()
        time.sleep(0.05)


def walk(seconds: float, window: bool, folder: Path) -> tuple[Any, Any, float]:
    """(frame latencies, s; paint times, ms; the window's CPU, %)."""
    session = uuid.uuid4().hex[:10]
    desk = Desk({}, headless=not os.environ.get("DISPLAY")) if window else None
    cpu: list[Cpu] = []
    share = [float("nan")]
    began = time.monotonic()

    def hear(news: dict[str, Any]) -> None:
        if desk is None:
            return
        desk(news)
        if not cpu and news.get("kind") == "status" and news["steps"] > 10:
            cpu.append(Cpu(desk.pid or 0))
        elif cpu and news.get("kind") == "status" and news["steps"] > 20:
            share[0] = cpu[0].share()

    if desk is not None:
        desk.page("walk", heading="benchmark", session=session, side="left", sees="left", screen={})
        desk.lab_command = lambda _command: None
        desk.begin()
    try:
        frames, lost = measure(seconds, folder, session=session, also=hear)[ROWS[0]]
    finally:
        if desk is not None:
            desk.lab_command = None
            desk.close()
    if lost:
        raise SystemExit(f"{lost} frames were lost")
    with Recording.open(folder / "latency.h5") as recording:
        paint = recording.table("shown")["paint_ms"]
    print(f"  {NAMES[window]}: {time.monotonic() - began:.0f} s", flush=True)
    return frames * 1000, np.asarray(paint, dtype=float), share[0]


def main() -> None:
    """Print the tables; exit code 1 when a bound of the issue is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--pairs", type=int, default=2)
    said = parser.parse_args()
    os.environ.setdefault("LABFEEDBACK_LSL_SESSION", f"window-{uuid.uuid4().hex[:8]}")
    resting = idle()
    kept: dict[bool, list[tuple[Any, Any, float]]] = {False: [], True: []}
    for _ in range(said.pairs):
        for window in (False, True):
            with tempfile.TemporaryDirectory() as folder:
                kept[window].append(walk(said.seconds, window, Path(folder)))
    good = True
    for place, what in enumerate(("marker frame, ms", "patient's paint, ms")):
        print(f"{what:26}{'p50':>8}{'p99':>8}{'p99.9':>8}{'n':>9}")
        middle = {}
        for window, name in NAMES.items():
            together = np.concatenate([one[place] for one in kept[window]])
            middle[window], p99, p999 = np.percentile(together, (50, 99, 99.9))
            print(f"{name:26}{middle[window]:8.3f}{p99:8.3f}{p999:8.3f}{len(together):9d}")
        each = {key: [float(np.median(one[place])) for one in some] for key, some in kept.items()}
        noise = max(max(some) / min(some) for some in each.values())
        ratio = middle[True] / middle[False]
        good &= ratio <= max(1.1, noise)
        print(f"  ratio of the p50: {ratio:.2f}; two walks of one kind differ by up to {noise:.2f}")
    running = max(one[2] for one in kept[True])
    print(f"CPU of the window's process: {resting:.1f} % idle (under 15), {running:.1f} % while walking (under 40)")
    raise SystemExit(0 if good and resting < 15 and running < 40 else 1)


if __name__ == "__main__":
    main()
