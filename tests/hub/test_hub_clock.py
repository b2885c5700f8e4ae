"""One computer, one clock."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from labfeedback.hub import clock
from labfeedback.hub.clock import ClockWatch
from labfeedback.records import CUE, FRAME, HEALTH, STEP, as_numbers, from_numbers


def stream(number: int, host: str, offset: tuple[float, float, float]) -> Any:
    return SimpleNamespace(
        stream=number,
        epoch=0,
        layout=SimpleNamespace(hostname=host),
        inlet=number,
        offset=offset,
        own_clock=host == "here",
    )


def test_streams_of_one_computer_get_one_offset_the_surest(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = {0: (5.00002, 4e-5, 10.0), 1: (5.00007, 1e-5, 11.0), 2: (9.0, 1e-5, 12.0)}
    monkeypatch.setattr(clock, "clock_offset", lambda inlet, _timeout: measured[inlet])
    watch = ClockWatch()
    for number, host in enumerate(("there", "there", "elsewhere")):
        watch.watch(stream(number, host, (0.0, 0.0, 0.0)))
    watch.poll()
    assert list(watch.queue) == [(0, 0, 5.00007, 1e-5), (1, 0, 5.00007, 1e-5), (2, 0, 9.0, 1e-5)]
    watch.queue.clear()
    watch.poll()
    assert not watch.queue, "an estimate that is not new is not recorded again"


def test_nothing_is_asked_of_a_stream_on_this_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "clock_offset", lambda *_: (0.1, 0.1, 1.0))
    watch = ClockWatch()
    watch.watch(stream(0, "here", (0.0, 0.0, 0.0)))
    watch.poll()
    assert not watch.queue


def test_the_first_offsets_are_shared_too() -> None:
    streams = [
        stream(0, "there", (5.0, 4e-5, 1.0)),
        stream(1, "there", (5.1, 1e-5, 1.0)),
        stream(2, "far", (1.0, 1, 1)),
    ]
    ClockWatch.share(streams)
    assert [one.offset[0] for one in streams] == [5.1, 5.1, 1.0]


@pytest.mark.parametrize("dtype", [FRAME, STEP, CUE, HEALTH])
def test_published_numbers_are_those_of_the_row(dtype: np.dtype[np.void]) -> None:
    rows = np.zeros(3, dtype)
    for column, name in enumerate(dtype.names or ()):
        rows[name] = np.array([column, -1, 2**40]) if dtype[name].kind == "i" else np.array([column + 0.5, np.nan, -7])
    slowly = np.stack([rows[name].astype(float) for name in dtype.names or ()], axis=1)
    assert np.array_equal(as_numbers(rows), slowly, equal_nan=True)
    assert from_numbers(slowly, dtype).tobytes() == rows.tobytes()
