"""Law 4: the same vectors through a compiled and a plain Python process give the same bytes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SHARED

ROOT = Path(__file__).resolve().parents[2]


def run(compiled: bool) -> dict[str, Any]:
    """What kernel_vectors prints in a process of its own."""
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "0" if compiled else "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.laws.kernel_vectors", *([str(SHARED)] if SHARED.is_dir() else [])]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def both() -> tuple[dict[str, Any], dict[str, Any]]:
    return run(compiled=True), run(compiled=False)


def test_one_process_compiled_and_the_other_did_not(both):
    assert [one["compiled"] for one in both] == [True, False]


def test_every_kernel_and_the_engine_give_the_same_bytes(both):
    compiled, plain = (one["results"] for one in both)
    assert [name for name, _ in compiled] == [name for name, _ in plain]
    different = sorted({name for (name, a), (_, b) in zip(compiled, plain, strict=True) if a != b})
    assert different == []


def test_the_vectors_reach_every_kernel_there_is(both):
    sources = sorted((ROOT / "labfeedback" / "core").glob("*.py"))
    kernels = {
        name
        for source in sources
        for name in re.findall(r"^@kernel\((?:[^@]*?)\)\ndef (\w+)", source.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert len(kernels) > 25
    assert kernels <= {name for name, _ in both[0]["results"]}


def test_the_engine_run_has_frames_steps_and_cues_in_it(both):
    rows = {name: int(text.split()[1]) for name, text in both[0]["results"] if name.startswith("engine")}
    assert rows["engine frames"] > 1000
    assert rows["engine steps"] > 6
    assert rows["engine cues"] > 2
