"""What every device has from its contract: how it stops, and what liblsl is told."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from labfeedback import device
from labfeedback.device import StopOrOrphaned, lsl_configuration


def test_a_device_stops_when_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device.multiprocessing, "parent_process", lambda: None)
    told = threading.Event()
    stop = StopOrOrphaned(told)
    assert not stop.is_set()
    told.set()
    assert stop.is_set()


def test_a_device_stops_when_its_lab_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    alive = [True]
    monkeypatch.setattr(
        device.multiprocessing, "parent_process", lambda: SimpleNamespace(is_alive=lambda: alive[0]), raising=True
    )
    monkeypatch.setattr(StopOrOrphaned, "LOOK_EVERY_S", 0.0)
    stop = StopOrOrphaned(threading.Event())
    assert not stop.is_set()
    alive[0] = False
    assert stop.is_set()


def test_a_private_session_keeps_to_this_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABFEEDBACK_LSL_SESSION", "rehearsal")
    text = lsl_configuration()
    assert "SessionID = rehearsal\n" in text and "ResolveScope = machine\n" in text and "[log]\nlevel = -3" in text


def test_without_a_session_liblsl_is_only_told_to_talk_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LABFEEDBACK_LSL_SESSION", raising=False)
    monkeypatch.delenv("LSLAPICFG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert lsl_configuration() == "[log]\nlevel = -3\n"


@pytest.mark.parametrize("where", ["here", "home", "variable"])
def test_a_labs_own_lsl_configuration_is_never_replaced(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LABFEEDBACK_LSL_SESSION", raising=False)
    monkeypatch.delenv("LSLAPICFG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    if where == "variable":
        monkeypatch.setenv("LSLAPICFG", "anywhere.cfg")
    else:
        path = tmp_path / ("lsl_api.cfg" if where == "here" else "home/lsl_api/lsl_api.cfg")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("[lab]\nKnownPeers = {10.0.0.7}\n")
    assert lsl_configuration() == ""
