"""Stand-ins for hub, recorder and screen that need neither LSL, HDF5 nor Qt."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from labfeedback import wire
from labfeedback.errors import Hazard
from labfeedback.inputlog import Tick
from labfeedback.ring import Ring

SEEN = (0,) * 8


def hub(walk: dict[str, Any], ring_name: str, news: Any, commands: Any, stop: Any, _session: str) -> None:
    """Counts TICKs into the ring for walk["seconds"], or until told to stop; then does what walk["end"] says."""
    ring = Ring.attach(ring_name)
    news.send({"kind": "linked", "streams": ["a", "b"], "pid": os.getpid()})
    began = time.monotonic()
    count = 0
    why = "time"
    while time.monotonic() - began < walk["seconds"]:
        if stop.is_set():
            why = "asked"
            break
        if commands.poll(0):
            why = str(commands.recv()["do"])
            break
        ring.write(*wire.pack(Tick(float(count), SEEN)))
        count += 1
        if walk.get("end") == "hang" and count == 50:
            time.sleep(walk["hangs_s"])
        if count % 20 == 0:
            news.send({"kind": "status"})
        time.sleep(0.01)
    if walk.get("end") == "die":
        os._exit(9)
    if walk.get("end") == "hazard":
        news.send({"kind": "error", "text": "left and right are exchanged", "exit_code": 2})
        raise Hazard("left and right are exchanged")
    ring.write(*wire.pack_end())
    news.send({"kind": "ended", "why": why, "steps": count, "steps_valid": 0, "lost": 0})
    ring.close()


def recorder(ring_name: str, path: str, _about: Any, stop: Any) -> None:
    """Writes each TICK's number as a line; finished (the file gets its real name) at END or when told to stop."""
    ring = Ring.attach(ring_name)
    part = Path(path).with_suffix(".part")
    with part.open("a", encoding="utf-8") as file:
        file.write(f"pid {os.getpid()}\n")
        while True:
            stopping = stop.is_set()
            ended = False
            for kind, payload in ring.read():
                message = wire.decode(kind, payload)
                if isinstance(message, wire.End):
                    ended = True
                else:
                    file.write(f"{message.local_s:.0f}\n")  # type: ignore[union-attr]
            file.flush()
            ring.commit()
            if ended or stopping:
                break
            time.sleep(0.02)
    part.rename(path)
    ring.close()


def failing_recorder(*_: Any) -> None:
    """A recorder that cannot run at all."""
    raise SystemExit(3)


def recorder_after_five_deaths(ring_name: str, path: str, about: Any, stop: Any) -> None:
    """A recorder whose disk is away for a while."""
    tries = Path(path).with_suffix(".tries")
    with tries.open("a", encoding="utf-8") as file:
        file.write("x")
    if tries.stat().st_size <= 5:
        raise SystemExit(3)
    recorder(ring_name, path, about, stop)


def recorder_that_leaves_a_part(_ring: str, path: str, *_: Any) -> None:
    """A recorder that dies each time with something on the disk."""
    Path(path).with_name(f"{Path(path).stem}.part001.h5").touch()
    raise SystemExit(3)


def screen(_session: str, *, stop: Any, pid_file: str, **_: Any) -> None:
    """Says that it runs, and runs until told to stop."""
    with Path(pid_file).open("a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")
    while not stop.is_set():
        time.sleep(0.02)


def device(stop: Any) -> None:
    """A device that does nothing."""
    while not stop.is_set():
        time.sleep(0.02)
