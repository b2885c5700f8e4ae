"""One visit through the real processes, with a person at the keys or an operator that answers by itself."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

from labfeedback.commands.keys import Keys
from labfeedback.commands.visit_line import VisitLine
from labfeedback.commands.walking import walk_with
from labfeedback.lab import Ending
from labfeedback.rehearsal import PretendOperator

AHEAD_S: Final = 1.5


class AutoOperator(VisitLine):
    """Answers by itself, at moments of data time, as a fast rehearsal does."""

    def __init__(self, pretend: PretendOperator) -> None:
        super().__init__()
        self._pretend = pretend

    def __call__(self, news: dict[str, Any]) -> None:
        super().__call__(news)
        if news["kind"] == "event":
            time_s = news.get("time_s")
            self._pretend.hear(
                int(news["code"]), str(news["text"]), float(time_s or 0.0), float(news.get("value") or 0.0)
            )
        elif news["kind"] == "status" and news.get("visit"):
            # Sent a little ahead: the hub does it at the very moment of data time that it names.
            for command in self._pretend.due(float(news["visit"]["now_s"] or 0.0) + AHEAD_S):
                self.send(command)


def screen_side(walk: dict[str, Any]) -> str:
    """Which foot's cues the patient's screen shows: the trained one's, or both feet's."""
    sides = {(b.get("feedback") or {}).get("side") for b in walk["visit"]["document"]["blocks"]}
    return "both" if "both" in sides else str(walk["visit"]["side"])


def pictures_of(recording: Path, *, blinded: bool) -> Path | None:
    """Where a screen without a window keeps its pictures.

    None of a blinded visit: they tell how soon the first step was in the band, and on which side those before it were.
    """
    return None if blinded else recording.with_name(recording.stem + "_pictures")


def walk_visit(
    walk: dict[str, Any],
    recording: Path,
    *,
    headless: bool,
    blinded: bool = False,
    operator: VisitLine | None = None,
    devices: tuple[Callable[[Any], BaseProcess], ...] = (),
    session: str = "",
) -> Ending:
    """Walk one visit to its end. Raises WalkFailed with the lab's sentence when it did not end as meant."""
    visit = walk["visit"]
    heading = f"{visit['document']['title']}, visit {visit['number']}, {visit['side'].upper()} leg"
    with Keys() as keys:
        return walk_with(
            operator or VisitLine(heading=heading, keys=keys, blinded=blinded), walk, recording, side=screen_side(walk),
            folder=pictures_of(recording, blinded=blinded), headless=headless, devices=devices,
            session=session,
        )  # fmt: skip
