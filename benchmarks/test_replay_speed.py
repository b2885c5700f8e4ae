"""A minute of walking, replayed: at least 400 times real time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from labfeedback.recording.reader import Recording
from labfeedback.replay import recompute
from tests.recording import walked

SECONDS = 60.0


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return walked.record(tmp_path_factory.mktemp("speed") / "visit.h5", SECONDS)


def test_replay_of_a_minute(benchmark: Any, visit: Path) -> None:
    with Recording.open(visit) as recording:
        benchmark.pedantic(recompute, args=(recording,), rounds=7, warmup_rounds=1)
    speed = SECONDS / benchmark.stats.stats.min
    benchmark.extra_info["times real time"] = round(speed)
    assert speed >= 400


def test_digests_of_a_minute(benchmark: Any, visit: Path) -> None:
    with Recording.open(visit) as recording:
        assert benchmark.pedantic(recording.verify, rounds=5, warmup_rounds=1) == []
