"""Starting a child without importing what it needs: the parent of a walk must load neither Qt, LSL nor HDF5."""

from __future__ import annotations

import importlib
import multiprocessing
import signal
import sys
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from typing import Any

from labfeedback.errors import LabError

CRASHED = 70  # exit code of a child that met something nobody foresaw (sysexits' EX_SOFTWARE)


def spawn(target: str, *args: Any, name: str, **keywords: Any) -> BaseProcess:
    """Start `target` ("package.module:function") in a new interpreter and return its process.

    The module is imported inside the child only. The child ignores Ctrl+C: the parent alone answers it, by asking
    everybody to finish. A LabError ends the child with that error's exit code and its sentence on stderr.
    """
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_call, args=(target, args, keywords), name=name, daemon=True)
    process.start()
    return process


def spawn_program(module: str, arguments: Sequence[str], *, name: str) -> BaseProcess:
    """The same for a program with a command line: `module:main`, run with `sys.argv` set to `arguments`."""
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_run_program, args=(module, tuple(arguments)), name=name, daemon=True)
    process.start()
    return process


def resolve(target: str) -> Any:
    """The function behind "package.module:function"."""
    module, _, function = target.partition(":")
    return getattr(importlib.import_module(module), function)


def _call(target: str, args: tuple[Any, ...], keywords: dict[str, Any]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        resolve(target)(*args, **keywords)
    except LabError as error:
        print(error, file=sys.stderr, flush=True)
        raise SystemExit(error.exit_code) from None


def _run_program(target: str, arguments: tuple[str, ...]) -> None:
    sys.argv = [target.partition(":")[0], *arguments]
    _call(target, (), {})
