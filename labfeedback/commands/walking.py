"""What `run` and `demo` share: the screen that fits this computer, the operator's line, and how a walk ends."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from labfeedback.asked import Asked
from labfeedback.commands.operator import OperatorLine
from labfeedback.commands.run import in_words
from labfeedback.doctor import has_screen, install_command, missing_libraries
from labfeedback.errors import BadSetup, LabError
from labfeedback.lab import Ending, Lab, visit_file

if TYPE_CHECKING:
    from labfeedback.desk import Desk


class WalkFailed(LabError):
    """A walk that did not end as meant; the sentence is the lab's."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


def can_show(headless: bool, say: Callable[[str], None]) -> bool:
    """Whether the walk must go without a window; says so when that was not asked for.

    Raises BadSetup, with the command that installs them, when Qt's libraries are not there.
    """
    if not headless and not has_screen():
        say("no display here (neither DISPLAY nor WAYLAND_DISPLAY is set): the patient's screen runs without a window")
        headless = True
    lacking = missing_libraries(headless=headless)
    if lacking:
        raise BadSetup(
            f"the patient's screen lacks the system libraries {', '.join(lacking)}. Install them with: "
            f"{install_command(lacking)}\nThen ask 'labfeedback doctor'"
        )
    return headless


def walk_to_the_end(
    walk: dict[str, Any],
    *,
    out: Path,
    headless: bool,
    pictures: bool = False,
    devices: tuple[Callable[[Any], BaseProcess], ...] = (),
    session: str = "",
    desk: Desk | None = None,
) -> Ending:
    """Run one walk with the operator's line. Raises WalkFailed with the lab's sentence when it did not end as meant.

    pictures: keep pictures of the patient's screen in out/pictures also when it has a window. desk: the operator's
    window, which hears and says the same as the line.
    """
    recording = visit_file(out, str(walk["subject"]["id"]))
    heading = in_words(walk["training"])
    typer.echo(f"Will train the {heading}.")
    return walk_with(
        OperatorLine(heading=heading), walk, recording, side=walk["training"]["side"], folder=out / "pictures",
        headless=headless, pictures=pictures, devices=devices, session=session, desk=desk,
    )  # fmt: skip


def walk_with(
    line: OperatorLine,
    walk: dict[str, Any],
    recording: Path,
    *,
    side: str,
    folder: Path | None,
    headless: bool,
    pictures: bool = False,
    devices: tuple[Callable[[Any], BaseProcess], ...] = (),
    session: str = "",
    desk: Desk | None = None,
) -> Ending:
    """Run one walk with this line. Raises WalkFailed with the lab's sentence when it did not end as meant.

    side: whose cues the patient's screen shows. folder: for its pictures, kept without a window or with `pictures`;
    None: nowhere.
    """
    say = typer.echo
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # into a log, too, a sentence appears when it is said
    headless = can_show(headless, say)
    kept = set(folder.iterdir()) if folder is not None and folder.is_dir() else set()
    say("Research use. The belt's own stop and lanyard come first; this program never stops the belt. Ctrl+C ends.")
    kept_in = folder if headless or pictures else None
    screen = screen_of(walk, side, headless, kept_in, beside=desk is not None)

    def tell(news: dict[str, Any]) -> None:
        line(news)
        if desk is not None:
            desk(news)

    with Asked() as asked:  # until it is said where the recording is, nothing may cut this short
        with line:
            lab = Lab(walk, recording, tell, screen=screen, devices=devices, session=session, asked=asked)
            line.send = lab.command
            if desk is not None:
                desk.lab_command = lab.command
            try:
                ending = lab.run()
            finally:
                if desk is not None:
                    desk.lab_command = None
        if not lab.began and folder is not None:
            remove_pictures(folder, kept)
        if ending.exit_code:
            where = f" What was recorded is in {ending.recording}." if ending.recording else ""
            raise WalkFailed(f"{ending.why}.{where}".replace("..", "."), ending.exit_code)
        say(f"The walk is over: {ending.why}. {ending.steps} steps, {ending.steps_valid} with a valid moment.")
        if ending.recording is not None:
            say(f"Recording: {ending.recording}")
    return ending


def screen_of(
    walk: dict[str, Any], side: str, headless: bool, pictures: Path | None, *, beside: bool = False
) -> dict[str, Any]:
    """Keywords of the patient's screen. beside: the operator has a window, which must not be covered."""
    return {
        "side": side, "screen": walk["rig"]["screen"], "headless": headless, "pictures_dir": pictures,
        "fullscreen": not headless, "beside": beside,
    }  # fmt: skip


def remove_pictures(folder: Path, kept: set[Path]) -> None:
    """Remove what a walk that never began painted: all but `kept`, which earlier walks left; then the empty folder."""
    with contextlib.suppress(OSError):  # not worth a failure of its own
        for path in set(folder.glob("screen_*.png")) - kept:
            path.unlink()
        folder.rmdir()
