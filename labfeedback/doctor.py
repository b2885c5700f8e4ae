"""What this computer has and lacks for a walk. Needs no Qt, LSL or HDF5: each is tried in a process of its own."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

OK: Final = "ok"
NOTE: Final = "note"
MISSING: Final = "missing"

# Distribution name -> why it is needed. Optional ones do not fail the examination.
NEEDED: Final = {
    "numpy": "arrays",
    "scipy": "filters",
    "numba": "compiled kernels",
    "pydantic": "setup files",
    "h5py": "recordings",
    "pylsl": "streams",
    "PyQt6": "the patient's screen",
    "ezc3d": "C3D files",
    "matplotlib": "plots",
    "rich": "the operator's line",
    "typer": "the command line",
    "platformdirs": "folders",
    "psutil": "processes",
}
OPTIONAL: Final = {"pyxdf": "XDF files", "pyqtgraph": "the operator's window"}
LEAST: Final = {"pylsl": (1, 18)}

# Shared library that Qt asks for -> Debian/Ubuntu package that brings it.
APT: Final = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libX11-xcb.so.1": "libx11-xcb1",
}
# Without a monitor (--headless) Qt needs only these.
HEADLESS: Final = (
    "libEGL.so.1",
    "libGL.so.1",
    "libxkbcommon.so.0",
    "libdbus-1.so.3",
    "libfontconfig.so.1",
    "libglib-2.0.so.0",
)

_LSL: Final = """
import json, os, sys
import pylsl
session = os.environ.get("LABFEEDBACK_LSL_SESSION")
if session:
    pylsl.set_config_content("[multicast]\\nResolveScope = machine\\n[ports]\\nPortRange = 160\\n[lab]\\nSessionID = "
        + session + "\\n")
import time
look = pylsl.ContinuousResolver(forget_after=5.0)
time.sleep(float(sys.argv[1]))
print(json.dumps({"version": pylsl.library_version() / 100, "streams": [
    [i.name(), i.type(), i.channel_count(), i.nominal_srate(), i.source_id(), i.hostname()] for i in look.results()]}))
"""
_SCREENS: Final = """
import json
from PyQt6.QtGui import QGuiApplication
app = QGuiApplication([])
print(json.dumps([[s.name(), s.size().width(), s.size().height(), s.refreshRate()] for s in app.screens()]))
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the examination. `mend` says what to do about it; empty when nothing is to be done."""

    what: str
    state: Literal["ok", "note", "missing"]
    found: str
    mend: str = ""


def examine(*, listen_s: float = 2.0, folder: Path | None = None) -> list[Finding]:
    """Everything a walk needs, examined. Takes listen_s plus a few seconds."""
    return [
        *_python(),
        *_packages(),
        *_libraries(),
        *_streams(listen_s),
        *_screens(),
        *_disk(folder or Path.cwd()),
        *_clock(),
    ]


def as_json(findings: list[Finding]) -> str:
    """The examination for a machine."""
    return json.dumps({"ok": not lacks(findings), "findings": [asdict(f) for f in findings]}, indent=2)


def lacks(findings: list[Finding]) -> bool:
    """Whether something needed is missing."""
    return any(finding.state == MISSING for finding in findings)


def has_screen(environment: dict[str, str] | None = None, system: str = sys.platform) -> bool:
    """Whether a window can be shown at all: Linux needs an X or Wayland display."""
    env = os.environ if environment is None else environment
    return not system.startswith("linux") or bool(env.get("DISPLAY") or env.get("WAYLAND_DISPLAY"))


def missing_libraries(*, headless: bool) -> list[str]:
    """Shared libraries that Qt will ask for and that this Linux does not have; empty elsewhere."""
    if not sys.platform.startswith("linux"):
        return []
    wanted = [name for name in APT if not headless or name in HEADLESS]
    # In a process of its own: loading a broken library may take its process along.
    code = "import ctypes,sys\nfor name in sys.argv[1:]:\n    try: ctypes.CDLL(name)\n    except OSError: print(name)\n"
    answer = _ask(code, *wanted)
    return answer.stdout.split() if answer is not None else []


def install_command(libraries: list[str]) -> str:
    """The command that brings them on Debian and Ubuntu."""
    return "sudo apt-get install -y " + " ".join(dict.fromkeys(APT.get(name, name) for name in libraries))


def _ask(code: str, *arguments: str, timeout_s: float = 30.0, **env: str) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(
            [sys.executable, "-c", code, *arguments],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env={**os.environ, **env},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None


def _python() -> list[Finding]:
    # Older ones cannot import this module; the version is told all the same.
    return [Finding("Python", OK, f"{platform.python_version()} on {platform.system()} {platform.machine()}")]


def _packages() -> list[Finding]:
    findings = []
    for name, why in {**NEEDED, **OPTIONAL}.items():
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            state: Literal["note", "missing"] = "missing" if name in NEEDED else "note"
            findings.append(Finding(name, state, f"not installed ({why})", f"python -m pip install {name}"))
            continue
        least = LEAST.get(name)
        if least and tuple(int(part) for part in version.split(".")[:2]) < least:
            wanted = ".".join(map(str, least))
            mend = f"python -m pip install '{name}>={wanted}'"
            findings.append(Finding(name, MISSING, f"{version}, {wanted} or later is needed", mend))
        else:
            findings.append(Finding(name, OK, version))
    return findings


def _libraries() -> list[Finding]:
    if not sys.platform.startswith("linux"):
        answer = _ask("import PyQt6.QtWidgets", timeout_s=60.0)
        if answer is not None and answer.returncode == 0:
            return [Finding("Qt", OK, "loads")]
        mend = (
            "install the Microsoft Visual C++ redistributable and try again"
            if sys.platform == "win32"
            else "macOS 12 or later is needed by Qt 6; update macOS, or reinstall PyQt6"
        )
        return [Finding("Qt", MISSING, "does not load", mend)]
    headless, shown = missing_libraries(headless=True), missing_libraries(headless=False)
    if headless:
        return [Finding("Qt's libraries", MISSING, ", ".join(headless), install_command(shown or headless))]
    if shown:
        state: Literal["note", "missing"] = "missing" if has_screen() else "note"
        found = f"enough for --headless; for a window missing: {', '.join(shown)}"
        return [Finding("Qt's libraries", state, found, install_command(shown))]
    return [Finding("Qt's libraries", OK, "all there")]


def _streams(listen_s: float) -> list[Finding]:
    answer = _ask(_LSL, str(listen_s), timeout_s=listen_s + 20.0)
    if answer is None or answer.returncode != 0:
        last = answer.stderr.strip().splitlines()[-1] if answer is not None and answer.stderr.strip() else "no answer"
        mend = "reinstall pylsl (its wheel brings liblsl); on macOS: brew install labstreaminglayer/tap/lsl"
        return [Finding("liblsl", MISSING, f"does not load: {last}", mend)]
    told: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    findings = [Finding("liblsl", OK, f"{told['version']:g}")]
    for name, kind, channels, rate, source_id, host in sorted(told["streams"]):
        found = f"{name!r}, type {kind}, {channels} channels at {rate:g} Hz, source id {source_id!r}, on {host}"
        findings.append(Finding("LSL stream", OK, found))
    if not told["streams"]:
        findings.append(
            Finding("LSL stream", NOTE, f"none visible in {listen_s:g} s", "start the device's bridge before a walk")
        )
    return findings


def _screens() -> list[Finding]:
    if not has_screen():
        return [Finding("screens", NOTE, "no display (neither DISPLAY nor WAYLAND_DISPLAY is set)", "use --headless")]
    answer = _ask(_SCREENS)
    if answer is None or answer.returncode != 0:
        return [Finding("screens", NOTE, "Qt could not open the display", "use --headless, or mend Qt's libraries")]
    return [
        Finding("screen", OK, f"{name or 'unnamed'}: {width}x{height} at {rate:.0f} Hz")
        for name, width, height, rate in json.loads(answer.stdout.splitlines()[-1])
    ]


def _disk(folder: Path) -> list[Finding]:
    free = shutil.disk_usage(folder).free / 1e9
    found = f"{free:.1f} GB free at {folder}"
    if free < 1:
        return [Finding("disk", MISSING, found, "an hour of walking takes up to 0.5 GB: free some space")]
    return [Finding("disk", OK, found)]


def _clock() -> list[Finding]:
    info = time.get_clock_info("perf_counter")
    steps: list[float] = []
    last = time.perf_counter()
    while len(steps) < 50:
        now = time.perf_counter()
        if now > last:
            steps.append(now - last)
            last = now
    step = max(min(steps), info.resolution)
    began = time.perf_counter()
    for _ in range(20):
        time.sleep(0.001)
    slept = (time.perf_counter() - began) / 20 * 1000
    found = f"resolution {step * 1e6:.2f} us; a sleep of 1 ms takes {slept:.2f} ms"
    if step > 1e-4:
        return [Finding("clock", MISSING, found, "this clock is too coarse to stamp samples: use another computer")]
    return [Finding("clock", OK, found)]
