"""Starting a child without importing what it needs: the parent of a walk must load neither Qt, LSL nor HDF5."""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

from labfeedback.errors import LabError

SHORT_PATIENCE_S: Final = 5.0
KILL_PATIENCE_S: Final = 2.0
# Whole groups are sent these by a terminal, `timeout`, a service manager. Windows knows only the first two.
_FOR_THE_PARENT: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


@dataclass(slots=True)
class Child:
    """One program of the walk. `start(stop)` must spawn it; it gets a stop event of its own at every start.

    Of its own, because a process killed inside `Event.is_set` takes the event's lock with it.
    """

    name: str
    start: Callable[[Any], BaseProcess]
    restart: bool
    process: BaseProcess | None = None
    stop: Any = None
    restarts: deque[float] = field(default_factory=deque)
    next_start: float = 0.0  # monotonic s; a child that died is not started again before
    given_up: bool = False
    log: str = ""

    def begin(self) -> None:
        """Start it."""
        self.stop = multiprocessing.get_context("spawn").Event()
        self.process = self.start(self.stop)

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.is_alive()

    def end(self, patience_s: float) -> None:
        """Ask, wait, and only then end it by force."""
        if self.process is None:
            return
        if self.process.is_alive():
            self.stop.set()
        self.process.join(patience_s)
        self.end_now()

    def end_now(self) -> None:
        """Kill it: our programs leave `terminate` to their parent, and a stopped or stuck one never answers it."""
        if self.process is not None and self.process.is_alive():
            self.process.kill()
            self.process.join(KILL_PATIENCE_S)


def spawn(target: str, *args: Any, name: str, log: Path | None = None, **keywords: Any) -> BaseProcess:
    """Start `target` ("package.module:function") in a new interpreter and return its process.

    The module is imported inside the child only. The child ignores Ctrl+C, SIGTERM and the closing of the terminal: the
    parent alone answers them, by asking everybody to finish, and ends by force with `kill`. A LabError ends the child
    with that error's exit code and its sentence on stderr. log: a file for everything that the child and its libraries
    print, so that the operator's terminal stays readable.
    """
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_call, args=(target, args, keywords, log), name=name, daemon=True)
    start_tracker()
    with _held_back():  # the child begins with them held back, until it ignores them
        process.start()
    return process


def start_tracker() -> None:
    """Start the helper process in which Python notes shared memory, such that a closing terminal does not end it.

    It ignores Ctrl+C and SIGTERM by itself but dies of SIGHUP, and then every note about the memory is an error.
    Signals that are held back when a process starts stay so in it; call this before anything shared is made.
    """
    if os.name == "posix":
        from multiprocessing import resource_tracker

        with _held_back():
            resource_tracker.ensure_running()


@contextlib.contextmanager
def _held_back() -> Iterator[None]:
    """Hold the signals that are meant for the parent back for a moment; none of them is lost."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _FOR_THE_PARENT)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def resolve(target: str) -> Any:
    """The function behind "package.module:function"."""
    module, _, function = target.partition(":")
    return getattr(importlib.import_module(module), function)


def _call(target: str, args: tuple[Any, ...], keywords: dict[str, Any], log: Path | None = None) -> None:
    for number in _FOR_THE_PARENT:
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _FOR_THE_PARENT)
    if log is not None:
        _print_into(log)
    try:
        resolve(target)(*args, **keywords)
    except LabError as error:
        print(error, file=sys.stderr, flush=True)
        raise SystemExit(error.exit_code) from None


def _print_into(log: Path) -> None:
    """Send both streams, of Python and of every C library, to the end of a file."""
    with log.open("ab", buffering=0) as file:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
