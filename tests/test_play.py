"""The player pours a file into LSL as it was recorded: every value, at its own moment, on one clock."""

from __future__ import annotations

import threading
import time
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devices.recorded import Player, _what_plays, load, run
from labfeedback.errors import BadFile, BadSetup
from labfeedback.process import spawn
from labfeedback.rig import load_rig
from tests.c3d_variants import cut, rewritten, turned

FRAMES = 300


@pytest.fixture(scope="module")
def short(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("play") / "short.c3d"
    return rewritten(shared_data / "treadmill_griffith_rtosim/walking_1.c3d", target, cut(400, 400 + FRAMES))


def test_streams_are_named_as_in_the_rig_whose_plates_the_file_has(short: Path) -> None:
    markers, forces = load(short)
    rig = load_rig("griffith")
    assert (markers.layout.name, forces.layout.name) == (rig.streams.markers.name, rig.streams.forces.name)
    assert (markers.layout.type, forces.layout.type) == ("MoCap", "Force")
    assert [plate.side for plate in forces.layout.plates] == ["left", "right"]
    assert markers.values.shape == (FRAMES, 102)
    assert forces.values.shape == (5 * FRAMES, 12)
    assert markers.end_s == pytest.approx(forces.end_s) == FRAMES / 200


def test_a_rig_of_another_laboratory_is_refused(short: Path) -> None:
    with pytest.raises(BadSetup, match="not where rig 'grail' has them"):
        load(short, load_rig("grail"))


def test_a_file_of_no_known_rig_gets_neutral_names(shared_data: Path, tmp_path: Path) -> None:
    main = shared_data / "treadmill_griffith_rtosim/walking_1.c3d"
    markers, forces = load(rewritten(main, tmp_path / "t.c3d", turned(30.0)))
    assert (markers.layout.name, forces.layout.name) == ("recorded-markers", "recorded-forces")
    assert {plate.side for plate in forces.layout.plates} == {""}


def test_a_walk_without_forces_is_not_played(shared_data: Path) -> None:
    with pytest.raises(BadFile, match="no force plates"):
        load(shared_data / "c3d_corrupt_derived/force_platform_group_renamed.c3d")


def test_a_recorded_visit_is_played_on_one_clock_under_its_own_names(tmp_path: Path) -> None:
    from labfeedback.inputlog import FORCES, MARKERS
    from labfeedback.recording.reader import Recording
    from tests.recording.walked import record

    visit = record(tmp_path / "visit.h5", 3.0)
    sources = load(visit)
    with Recording.open(visit) as recording:
        for stream, source in zip((MARKERS, FORCES), sources, strict=True):
            parts = list(recording.samples(stream))
            assert np.array_equal(source.values, np.concatenate([part.values for part in parts]), equal_nan=True)
            raw = np.concatenate([part.raw_time for part in parts])
            assert np.allclose(np.diff(source.time_s), np.diff(raw), rtol=0, atol=1e-9)
            assert source.layout.name == recording.streams[stream].layout.split('"name":"')[1].split('"')[0]
    assert min(float(source.time_s[0]) for source in sources) == 0.0
    assert max(float(source.time_s[0]) for source in sources) < 0.02


def test_what_is_played_bears_the_source_id_that_the_rig_asks_for(tmp_path: Path, short: Path) -> None:
    from tests.recording.walked import record

    simulated = load_rig("simulated")
    asked = [
        stream.source_id or f"recorded-{stream.name}"
        for stream in (simulated.streams.markers, simulated.streams.forces)
    ]
    assert asked[0] == "labfeedback-sim-markers"
    visit = record(tmp_path / "visit.h5", 1.0)
    assert [source.layout.source_id for source in load(visit)] == asked
    assert [source.layout.source_id for source in load(visit, simulated)] == asked
    griffith = load_rig("griffith")
    pinned = griffith.streams.markers.model_copy(update={"source_id": "the lab's own"})
    streams = griffith.streams.model_copy(update={"markers": pinned})
    markers, forces = load(short, griffith.model_copy(update={"streams": streams}))
    assert markers.layout.source_id == "the lab's own"
    assert forces.layout.source_id == (griffith.streams.forces.source_id or f"recorded-{forces.layout.name}")


@pytest.mark.parametrize(
    ("times", "sentence"),
    [
        ({"seconds": 0.0}, "--seconds 0"),
        ({"seconds": -1.0}, "--seconds -1"),
        ({"seconds": float("nan")}, "--seconds nan"),
        ({"start_delay_s": -1.0}, "--start-delay -1"),
        ({"wait_s": float("inf")}, "--wait inf"),
    ],
)
def test_times_that_nobody_can_wait_for_are_refused_before_the_file_is_read(
    times: dict[str, float], sentence: str
) -> None:
    with pytest.raises(BadSetup, match=sentence):
        run("not there.c3d", **times)  # type: ignore[arg-type]


def test_what_will_be_played_is_said() -> None:
    assert _what_plays(8.66, False, None) == "playing 8.7 s"
    assert _what_plays(8.66, False, 20.0) == "playing 8.7 s"
    assert _what_plays(8.66, True, 3.0) == "playing 3.0 s of 8.7 s"
    assert "20.0 s in all" in _what_plays(8.66, True, 20.0)
    assert "withholds the steps there" in _what_plays(8.66, True, None)


class _Outlet:
    """Takes down what is pushed and when."""

    def __init__(self) -> None:
        self.stamps: list[float] = []
        self.late: list[float] = []

    def push(self, pushed: Any) -> None:
        from pylsl import local_clock

        self.late.append(local_clock() - pushed.stamps[-1])
        self.stamps += pushed.stamps.tolist()


def test_no_sample_leaves_before_its_moment_and_none_is_lost(short: Path) -> None:
    from pylsl import local_clock

    sources = load(short)
    outlets = [_Outlet(), _Outlet()]
    t0 = local_clock() + 0.02
    Player(sources)._once(outlets, t0, np.inf, threading.Event())
    for outlet, source in zip(outlets, sources, strict=True):
        assert np.array_equal(outlet.stamps, t0 + source.time_s)
        assert min(outlet.late) >= 0.0
        assert np.median(outlet.late) < 0.01


def test_playing_stops_when_told(short: Path) -> None:
    stop = threading.Event()
    outlets = [_Outlet(), _Outlet()]
    threading.Timer(0.2, stop.set).start()
    from pylsl import local_clock

    begin = time.monotonic()
    Player(load(short))._once(outlets, local_clock(), np.inf, stop)
    assert time.monotonic() - begin < 1.0
    assert 0 < len(outlets[0].stamps) < FRAMES


_RECEIVER = """
import json, os, sys, time
import numpy as np
from devices.lsl import use_private_session
use_private_session()
import pylsl
wanted = sys.argv[1:3]
infos = [pylsl.resolve_byprop("name", name, 1, 20)[0] for name in wanted]
inlets = [pylsl.StreamInlet(info, max_buflen=30) for info in infos]
xml = [inlet.info(5).as_xml() for inlet in inlets]
for inlet in inlets:
    inlet.open_stream(5)
stamps, values = [[], []], [[], []]
quiet = time.monotonic() + 20
while time.monotonic() < quiet:
    for n, inlet in enumerate(inlets):
        rows, times = inlet.pull_chunk(timeout=0.0, max_samples=2000)
        if times:
            quiet = time.monotonic() + 0.6
            stamps[n] += times
            values[n] += rows
    time.sleep(0.005)
np.savez(sys.argv[3], s0=stamps[0], s1=stamps[1], v0=np.array(values[0], "f4"), v1=np.array(values[1], "f4"),
         xml=np.array(xml))
"""


def test_a_receiver_gets_every_value_with_the_original_timing(
    short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import subprocess
    import sys

    session = f"play{uuid.uuid4().hex[:8]}"
    monkeypatch.setenv("LABFEEDBACK_LSL_SESSION", session)
    sources = load(short)
    names = [source.layout.name for source in sources]
    player = spawn(
        "devices.recorded:run", str(short), session=session, wait_s=30.0, start_delay_s=0.5, name="test player"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", _RECEIVER, *names, str(tmp_path / "got.npz")], timeout=60, check=False
        )
        player.join(20)
    finally:
        player.terminate()
    assert done.returncode == 0
    assert player.exitcode == 0
    with np.load(tmp_path / "got.npz") as got:
        t0 = got["s0"][0]
        for n, source in enumerate(sources):
            assert np.array_equal(got[f"v{n}"], source.values)
            assert np.allclose(got[f"s{n}"] - t0, source.time_s, rtol=0, atol=1e-6)
        assert "<unit>mm</unit>" in str(got["xml"][0])
        assert "<side>left</side>" in str(got["xml"][1])


def test_a_recording_of_streams_is_played_as_it_came(shared_data: Path) -> None:
    markers, forces = load(shared_data / "xdf/derived_treadmill_messy.xdf")
    assert len(markers.values) == 1724
    assert len(forces.values) == 8660
    assert markers.layout.nominal_rate == 200.0
    assert (np.diff(markers.time_s) >= 0).all()
    # The force clock is 1.2345 s off and drifts: on one clock both end together, the markers late by their latency.
    assert forces.time_s[0] == pytest.approx(0.0, abs=0.002)
    assert markers.time_s[-1] - forces.time_s[-1] == pytest.approx(0.004, abs=0.006)
    assert np.std(np.diff(markers.time_s)) > 0.001  # delays and all


def test_a_walk_in_two_files_is_played(shared_data: Path) -> None:
    folder = shared_data / "overground_jam_lenhart"
    markers, forces = load(folder / "overground_17.trc+overground_17_grf.mot")
    assert markers.layout.channels[0].unit == "mm"
    assert forces.layout.nominal_rate == 2000.0
    assert len(forces.layout.plates) == 3
