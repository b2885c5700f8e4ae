"""A question to a process of its own: what reads HDF5 or takes seconds must not happen in the parent of a walk."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections.abc import Callable
from typing import Any, Final

from labfeedback.errors import LabError
from labfeedback.process import resolve, spawn

LOOK_S: Final = 0.05
UNFORESEEN: Final = 70


class Refused(LabError):
    """What the process raised, with its exit code."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


class Aside:
    """Starts `target` ("package.module:function") with the arguments; `answer` gives what it returns, once it has."""

    def __init__(self, target: str, **given: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe(duplex=False)
        self._began = time.monotonic()
        self._process = spawn(f"{__name__}:answer_into", theirs, target, given, name="aside")
        theirs.close()

    @property
    def age_s(self) -> float:
        """Since it was asked."""
        return time.monotonic() - self._began

    def ready(self) -> bool:
        """Whether `answer` need not wait."""
        return bool(self._ours.poll(0)) or not self._process.is_alive()

    def answer(self, patience_s: float, meanwhile: Callable[[], None] = lambda: None) -> Any:
        """Wait, doing `meanwhile` again and again. Raises the LabError that it raised, or says that it gave none."""
        end = time.monotonic() + patience_s
        try:
            while time.monotonic() < end and not self.ready():
                meanwhile()
                time.sleep(LOOK_S)
            if not self._ours.poll(0):
                raise Refused(f"a part of the program gave no answer in {self.age_s:.0f} s: try once more", 1)
            kind, found, code = self._ours.recv()
        except (EOFError, OSError):
            raise Refused("a part of the program died before it answered: try once more", 1) from None
        finally:
            self.close()
        if kind == "refused":
            raise Refused(str(found), int(code))
        return found

    def close(self) -> None:
        """End it."""
        if self._process.is_alive():
            self._process.join(1.0)
        if self._process.is_alive():
            self._process.kill()
        self._ours.close()


def unforeseen(error: Exception) -> str:
    """What an operator is told of an error that nobody foresaw."""
    return (
        f"an error nobody foresaw ({type(error).__name__}: {error}). Try once more; if it comes again, close the lab, "
        "start it anew, and tell whoever looks after the program"
    )


def answer_into(pipe: Any, target: str, given: dict[str, Any]) -> None:
    """In the process."""
    try:
        found: tuple[str, Any, int] = ("found", resolve(target)(**given), 0)
    except LabError as error:
        found = ("refused", str(error), error.exit_code)
    except Exception as error:  # nothing that nobody foresaw may reach an operator as a traceback
        found = ("refused", unforeseen(error), UNFORESEEN)
    with contextlib.suppress(OSError):  # nobody waits any more
        pipe.send(found)
