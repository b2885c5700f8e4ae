"""The doctor's examination."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from labfeedback import doctor


def test_the_examination_is_json_for_machines() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "labfeedback.cli", "doctor", "--json", "--listen", "0.2"],
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.loads(answer.stdout)
    names = {finding["what"] for finding in told["findings"]}
    assert {"Python", "numpy", "pylsl", "liblsl", "disk", "clock"} <= names
    assert answer.returncode == (0 if told["ok"] else 1)


def test_the_doctor_starts_without_qt() -> None:
    code = (
        "import sys; sys.modules['PyQt6'] = None; sys.modules['pylsl'] = None; sys.modules['h5py'] = None\n"
        "import labfeedback.doctor, labfeedback.commands.doctor"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "NEEDED", {"a-package-nobody-has": "this test"})
    missing = [finding for finding in doctor._packages() if finding.state == doctor.MISSING]
    assert doctor.lacks(missing) and "pip install a-package-nobody-has" in missing[0].mend


def test_an_old_package_is_not_good_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.importlib.metadata, "version", lambda _: "1.16.2")
    (finding,) = [f for f in doctor._packages() if f.what == "pylsl"]
    assert finding.state == doctor.MISSING and "pylsl>=1.18" in finding.mend


def test_missing_libraries_come_with_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "missing_libraries", lambda **_: ["libEGL.so.1", "libGL.so.1"])
    monkeypatch.setattr(sys, "platform", "linux")
    (finding,) = doctor._libraries()
    assert finding.state == doctor.MISSING and finding.mend == "sudo apt-get install -y libegl1 libgl1"


def test_a_display_is_needed_on_linux_only() -> None:
    assert not doctor.has_screen({}, "linux")
    assert doctor.has_screen({"DISPLAY": ":0"}, "linux") and doctor.has_screen({"WAYLAND_DISPLAY": "w"}, "linux")
    assert doctor.has_screen({}, "win32")
