"""Hashes of the program's own source: which engine made a number, and which compiled kernels belong to it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import platformdirs

_HERE = Path(__file__).parent
# What can change a number between the input log and a result row.
_ENGINE_PARTS = (
    "core",
    "engine",
    "protocol",
    "records.py",
    "inputlog.py",
    "rig.py",
    "subject.py",
    "markerset.py",
    "settings.py",
    "layout.py",
    "variables.py",
)


def _digest(parts: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        path = _HERE / part
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
        for file in files:
            digest.update(file.relative_to(_HERE).as_posix().encode())
            # Line ends differ between a Windows and a Linux checkout of the same commit.
            digest.update(file.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def engine_hash() -> str:
    """SHA-256 (hex) over the sources of everything between the input log and the result rows."""
    return _digest(_ENGINE_PARTS)


def use_own_kernel_cache() -> None:
    """Point numba's cache at a folder named after the kernels' sources, unless the lab set one itself."""
    if "NUMBA_CACHE_DIR" not in os.environ:
        folder = (
            Path(platformdirs.user_cache_dir("labfeedback", appauthor=False)) / f"kernels-{_digest(('core',))[:16]}"
        )
        os.environ["NUMBA_CACHE_DIR"] = str(folder)
