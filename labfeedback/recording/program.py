"""The recorder process: drains the ring every 100 ms into the live recording and finishes it at the end."""

from __future__ import annotations

import contextlib
import multiprocessing
import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from labfeedback.errors import BadFile, BadSetup
from labfeedback.recording.file import RecordingFile
from labfeedback.recording.finalise import finalise
from labfeedback.recording.layout import parts_of
from labfeedback.recording.writer import LiveWriter
from labfeedback.ring import Ring

WAKE_S: Final = 0.1
_BATCH: Final = 4096  # messages per flush when there is a backlog: about 20 s of a walk
_ROOM: Final = 200 << 20  # bytes: an hour of two plates at 1 kHz and 60 markers at 100 Hz is about 500 MB
_ORPHANED_S: Final = 5.0


class Signal(Protocol):
    """A `multiprocessing.Event`, or anything like it.

    Asked, never waited for: whoever sets an event waits for those who sleep on it, for ever if one was killed there.
    """

    def is_set(self) -> bool:
        """Whether the recorder is to finish."""


def check_folder(final: Path) -> None:
    """Raise BadSetup when the recording could not be written there: better before the walk than in it."""
    folder = final.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".{final.stem}.probe"
        probe.write_bytes(b"x")
        probe.unlink()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise BadSetup(
            f"The folder {folder} cannot be written to ({error.strerror or error}). Choose another folder with --out."
        ) from error
    if free < _ROOM:
        raise BadSetup(
            f"Only {free / 2**20:.0f} MB are free in {folder}; a recording needs at least {_ROOM / 2**20:.0f} MB. "
            "Free some space or choose another folder with --out."
        )


def run(ring_name: str, path: str | Path, about: Mapping[str, Any], stop: Signal | None = None) -> None:
    """Record until END, or until `stop` is set or the parent is gone; then put the finished file at `path`.

    Started again after it was killed, it goes on where the ring was last committed.
    about: JSON-able facts for `/about` beside those of START (rig, subject, marker_set, versions ...) and the machine.
    Raises LabError; what was flushed is safe, what was not is still in the ring.
    """
    final = Path(path)
    ring = Ring.attach(ring_name)
    try:
        _refuse_others(final, ring.token)
        check_folder(final)
        if final.exists():
            _remove_parts(final)  # killed between putting the finished file in place and saying so
            return
        _record(ring, final, about, stop)
    finally:
        ring.close()
        if _parent_gone():  # nobody else is left to remove 64 MB of memory
            ring.unlink_for_dead_owner()


def _record(ring: Ring, final: Path, about: Mapping[str, Any], stop: Signal | None) -> None:
    writer = LiveWriter(final, ring.token, about)
    quiet_since = time.monotonic()
    try:
        while not writer.ended:
            # Asked before the drain: what was written before the stop is still taken.
            stopping = stop is not None and stop.is_set()
            while count := _drain(ring, writer):
                quiet_since = time.monotonic()
                if count < _BATCH or writer.ended:
                    break
            if stopping or _orphaned(quiet_since):
                break
            if not writer.ended:
                time.sleep(WAKE_S)
    finally:
        with contextlib.suppress(OSError):
            writer.close()
    if parts_of(final):
        finalise(final, say=lambda sentence: print(sentence, file=sys.stderr, flush=True))
    ring.commit()


def _drain(ring: Ring, writer: LiveWriter) -> int:
    """One batch from the ring onto the disk; how many messages it was. An END stays uncommitted until all is done."""
    position = ring.position
    messages = ring.read(_BATCH)
    if messages:
        writer.take(messages, position)
        if not writer.ended:
            ring.commit()
    return len(messages)


def _orphaned(quiet_since: float) -> bool:
    return time.monotonic() - quiet_since > _ORPHANED_S and _parent_gone()


def _parent_gone() -> bool:
    parent = multiprocessing.parent_process()
    return parent is not None and not parent.is_alive()


def _refuse_others(final: Path, token: int) -> None:
    """Raise BadSetup when a recording of another session lies where this one belongs."""
    for path in [final, *parts_of(final)]:
        if not path.exists():
            continue
        try:
            file = RecordingFile(path)
        except BadFile:
            if path != final:
                continue  # a part of ours whose writer was killed while it was laid out
        else:
            ours = file.token == token
            file.close()
            if ours:
                continue
        raise BadSetup(
            f"{path} exists already and is not overwritten. Move it away or choose another name"
            + (f"; it becomes a finished recording with: labfeedback recover {path}" if path != final else "")
            + "."
        )


def _remove_parts(final: Path) -> None:
    for part in parts_of(final):
        with contextlib.suppress(OSError):
            part.unlink()
