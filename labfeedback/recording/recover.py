"""What a crash left becomes a finished recording, without external tools."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from labfeedback.errors import BadFile
from labfeedback.recording.finalise import finalise
from labfeedback.recording.layout import final_path, parts_of
from labfeedback.recording.reader import Recording


@dataclass(frozen=True, slots=True)
class Recovered:
    """What is in a recording after recovery."""

    path: Path
    parts: int  # put together; 0: it was finished already
    samples: dict[str, int]  # by stream name
    steps: int
    clean_end: bool
    damage: tuple[str, ...]  # sentences; empty when every block is what was recorded


def recover(path: Path, say: Callable[[str], None] = lambda _: None) -> Recovered:
    """Finish the recording that `path` (its name, or any of its parts) belongs to, and look through all of it.

    Raises BadFile when there is nothing that can be opened, LabError when the result cannot be written. A finished
    file that lies beside parts is whole (it was put in place in one step): the parts are then leftovers of the same
    recording, or of another one, and are left alone.
    """
    final = final_path(path)
    parts = [] if final.exists() else parts_of(final)
    if parts:
        finalise(final, say)
    elif not final.exists():
        raise BadFile(f"{path} does not exist, nor do parts of it. Give the path of a recording (.h5) or of its parts.")
    elif leftover := parts_of(final):
        say(f"{final} is finished; {len(leftover)} part(s) beside it are no longer needed and may be removed.")
    with Recording.open(final) as visit:
        return Recovered(
            path=final,
            parts=len(parts),
            samples={stream.name: stream.samples for stream in visit.streams.values()},
            steps=len(visit.table("steps")),
            clean_end=visit.clean_end,
            damage=tuple(str(damage) for damage in visit.verify()),
        )
