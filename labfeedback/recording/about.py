"""What made a recording: versions, processor, engine. Stored verbatim, compared by a replay."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from labfeedback.fingerprint import engine_hash

# Where these agree, a replay promises equal bytes; elsewhere 1e-9 relative.
MATHS: Final = ("python", "machine", "cpu", "numpy", "numba", "llvmlite")
_PACKAGES: Final = ("labfeedback", "numpy", "numba", "llvmlite", "scipy", "h5py", "pylsl")


def _cpu() -> str:
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def machine() -> dict[str, str]:
    """Versions and processor of this process: python, machine, system, cpu, and the packages that make numbers."""
    facts = {
        "python": ".".join(map(str, sys.version_info[:3])),
        "system": platform.platform(),
        "machine": platform.machine(),
        "cpu": _cpu(),
    }
    for package in _PACKAGES:
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            facts[package] = "absent"
    return facts


def about_texts(about: Mapping[str, Any], start_text: str | None) -> dict[str, str]:
    """The texts of `/about`: what the lab gave, the parts of START, engine hash and machine; all JSON but the hash."""
    texts: dict[str, Any] = {"engine_hash": engine_hash(), "machine": machine()}
    if start_text is not None:
        texts["start"] = start_text
        try:
            start = json.loads(start_text)
        except ValueError:
            start = {}
        if isinstance(start, dict):
            texts |= {name: value for name, value in start.items() if "/" not in name}
    texts |= about
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in texts.items()}
