"""The command line. Each command's module is imported only when that command is called, so that --help is quick."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from labfeedback.errors import LabError

if TYPE_CHECKING:
    import typer

# name -> what --help says. The function has the command's name and lives in labfeedback.commands.<name>.
COMMANDS: Final = {
    "demo": "A simulated patient walks and learns: the whole lab on this computer, nothing to plug in.",
    "lab": "The operator's window: check, direction check, visit, report. What a desktop icon runs.",
    "direction": "Before walking: the patient turns the trained foot in, the screen must show it.",
    "check": "Before the first step: streams, labels, sides, signs, plates, mass, clocks, calibration, disk.",
    "calibrate": "Quiet standing into a calibration: joint centres, clusters, mass, and whether they can be trusted.",
    "skew": "How far the plates' clock is from the cameras', from a stamp trial.",
    "visit": "One visit by protocol with the lab's own devices: assessment, training, retention.",
    "rehearse": "The same with a simulated patient, in real time or as fast as it goes.",
    "protocols": "The shipped protocols; checks a document of your own; the JSON schema for editors.",
    "report": "A course of visits as one report; makes the reports of its visits again.",
    "blind": "Blind a study's operators: no loads, no angles, no arms; a second role keeps the allocation.",
    "allocate": "For that second role: who trains what, in a sealed file outside the study.",
    "override": "The operator's own choice of a target, with a reason, kept beside the verdict.",
    "run": "One training walk with the lab's own devices.",
    "play": "Pour a recording into Lab Streaming Layer at its original timing.",
    "analyse": "Foot angle and knee adduction moment of every step in recorded files.",
    "survey": "Every recording of a folder: what was computed, withheld or refused, and why.",
    "replay": "Recompute a visit from its recording, and check that the numbers are the same.",
    "recover": "Repair the recording that a crash left behind.",
    "doctor": "What this computer has and lacks, with the command that installs it.",
}

# docs/recording.md says more of `replay`.
EXIT_CODES: Final = (
    "Ends with 0: as meant; 1: a walk ended otherwise (its last sentence says how and where the recording is), or rows "
    "differ in 'replay --check'; 2: something given cannot be used, or is damaged; 3: 'replay --check' of another "
    "engine's recording; 70: an error nobody foresaw (a file with its details is named); 130: Ctrl+C outside a walk."
)


def build(called: str | None) -> typer.Typer:
    """The app; only the command `called` is imported, the others are names with a line of help."""
    import typer

    app = typer.Typer(
        help="Real-time gait biofeedback for a treadmill lab. Research use, not a medical device, not for diagnosis.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        epilog=EXIT_CODES,
    )
    app.callback()(_whole)
    for name, about in COMMANDS.items():
        if name == called:
            module = importlib.import_module(f"labfeedback.commands.{name}")
            app.command(name, help=about)(getattr(module, name))
        else:
            app.command(name, help=about)(_stub)
    return app


def _whole() -> None:
    """Holds the commands together."""


def _stub() -> None:
    """Stands in the list for a command that was not called."""


def main() -> None:
    """Entry point: errors are sentences, whatever happens."""
    _end_like_ctrl_c()
    called = next((word for word in sys.argv[1:] if not word.startswith("-")), None)
    try:
        build(called)()
    except LabError as error:
        print(f"labfeedback: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("labfeedback: interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(1)
    except Exception as error:
        print(f"labfeedback: {unforeseen(error)}", file=sys.stderr)
        sys.exit(70)


def _end_like_ctrl_c() -> None:
    """Let `terminate` and a closed terminal end a walk as Ctrl+C does: cleanly, with its recording finished."""
    terminals = [number for number in (1, 2) if os.isatty(number)]

    def end(number: int, _frame: Any) -> None:
        if number != signal.SIGTERM and terminals:  # the terminal is gone: what is said from now on has no reader
            with contextlib.suppress(OSError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                for terminal in terminals:
                    os.dup2(nowhere, terminal)
        raise KeyboardInterrupt

    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        # Who ignores it (nohup) goes on ignoring it.
        if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) != signal.SIG_IGN:
            with contextlib.suppress(ValueError):  # not in the main thread, as in a test
                signal.signal(getattr(signal, name), end)


def unforeseen(error: BaseException) -> str:
    """A sentence for an error nobody foresaw; its traceback goes into a file for whoever mends it."""
    text = "".join(traceback.format_exception(error))
    path = Path(tempfile.gettempdir()) / f"labfeedback-{time.strftime('%Y%m%dT%H%M%S')}.log"
    try:
        path.write_text(f"{' '.join(sys.argv)}\n\n{text}", encoding="utf-8")
        where = f"The details are in {path}: send that file to whoever looks after this program"
    except OSError:
        where = "The details could not be written to a file"
    return f"something went wrong that should not ({type(error).__name__}: {error}). {where}"


if __name__ == "__main__":
    main()
