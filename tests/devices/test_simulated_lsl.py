"""The simulated walker as a program: two real LSL streams with its own stamps, its truth, and cues it learns from.

Each test has its own LSL session, so that it sees neither the lab nor another test; LSL can be configured once a
process, so everything that touches LSL here runs in children.
"""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
import subprocess
import sys
import time
import uuid
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

LISTENER = """
import json, sys
from devices.lsl import use_private_session
use_private_session()
import pylsl
from xml.etree import ElementTree
found = {i.name(): i for i in pylsl.resolve_bypred("starts-with(name, 'sim-')", 2, 20.0)}
inlets = {name: pylsl.StreamInlet(info, max_buflen=20) for name, info in found.items()}
out = {}
for name, inlet in inlets.items():
    info = inlet.info(5.0)
    root = ElementTree.fromstring(info.as_xml())
    out[name] = {
        "type": info.type(), "rate": info.nominal_srate(), "source_id": info.source_id(),
        "labels": [c.findtext("label") for c in root.iter("channel")],
        "units": sorted({c.findtext("unit") for c in root.iter("channel")}),
        "plates": [
            (p.findtext("id"), p.findtext("side"), p.findtext("sign"), len(p.findall("corners/corner")))
            for p in root.iter("plate")
        ],
        "stamps": [], "first": None,
    }
    inlet.open_stream(5.0)
print("listening", flush=True)
until = pylsl.local_clock() + float(sys.argv[1])
while pylsl.local_clock() < until:
    for name, inlet in inlets.items():
        values, stamps = inlet.pull_chunk(timeout=0.05, max_samples=4096)
        if len(stamps):
            out[name]["stamps"] += list(map(float, stamps))
            out[name]["first"] = out[name]["first"] or [float(v) for v in values[0]]
print(json.dumps(out))
"""

HUB = """
import sys
from devices.lsl import use_private_session
use_private_session()
import pylsl
from labfeedback.records import CUE, CueState, as_numbers, numeric_fields
import numpy as np
names = numeric_fields(CUE)
info = pylsl.StreamInfo("labfeedback-cues", "labfeedback", len(names), 0, "double64", "labfeedback-cues-" + sys.argv[1])
outlet = pylsl.StreamOutlet(info)
assert outlet.wait_for_consumers(20.0)
row = np.zeros(1, CUE)
row["side"], row["state"], row["deviation"] = 1, CueState.TOO_FAR_OUT, 12.0
import time
time.sleep(1.8)  # on a quick computer the walker listens at once: two steps of each foot shall be over first
for _ in range(40):
    row["time_s"] = pylsl.local_clock()
    outlet.push_sample(as_numbers(row)[0].tolist(), float(row["time_s"][0]))
    time.sleep(0.1)
"""


@pytest.fixture
def environment() -> dict[str, str]:
    """The environment of a child in an LSL session of this test's own."""
    return os.environ | {"LABFEEDBACK_LSL_SESSION": f"walk-{uuid.uuid4().hex[:10]}", "PYTHONPATH": str(ROOT)}


def start(environment: dict[str, str], *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, *words], env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_two_streams_arrive_with_labels_and_their_own_stamps(environment: dict[str, str], tmp_path: Path) -> None:
    truth = tmp_path / "truth.csv"
    device = start(environment, "-m", "devices.simulated", "--noise", "none", "--truth", str(truth))
    listener = start(environment, "-c", LISTENER, "3.0")
    try:
        heard = json.loads(listener.communicate(timeout=60)[0].splitlines()[-1])
    finally:
        device.terminate()
    assert device.wait(timeout=10) == 0
    markers, forces = heard["sim-markers"], heard["sim-forces"]
    assert (markers["type"], markers["rate"], markers["source_id"]) == ("MoCap", 200.0, "labfeedback-sim-markers")
    assert (forces["type"], forces["rate"], forces["source_id"]) == ("Force", 1000.0, "labfeedback-sim-forces")
    assert markers["labels"][:3] == ["RKNEL_X", "RKNEL_Y", "RKNEL_Z"] and len(markers["labels"]) == 84
    assert forces["labels"][0] == "FP1_Fx" and forces["labels"][-1] == "FP2_Mz" and len(forces["labels"]) == 12
    assert (markers["units"], forces["units"]) == (["m"], ["N", "Nm"])
    assert forces["plates"] == [["1", "left", "1", 4], ["2", "right", "1", 4]]
    for stream, rate in ((markers, 200.0), (forces, 1000.0)):
        stamps = stream["stamps"]
        assert len(stamps) > 2.0 * rate
        gaps = [later - earlier for earlier, later in pairwise(stamps)]
        assert max(abs(gap - 1 / rate) for gap in gaps) < 1e-6  # none lost, none stamped on arrival
    assert 0.2 < markers["first"][1] < 0.6  # a knee, in metres
    written = rows(truth)  # although the device was terminated
    assert len(written) > 2
    t0 = float(written[0]["start_lsl_s"]) - float(written[0]["start_s"])
    index = (markers["stamps"][0] - t0) * 200.0
    assert index == pytest.approx(round(index), abs=1e-3)  # stamp = t0 + k / rate, and the truth knows t0


def test_the_walker_learns_from_the_cues_of_its_own_session(environment: dict[str, str], tmp_path: Path) -> None:
    mine, other = tmp_path / "mine.csv", tmp_path / "other.csv"
    words = ("-m", "devices.simulated", "--noise", "none", "--seconds", "8")
    walks = [
        start(environment, *words, "--session", name, "--truth", str(path))
        for name, path in (("a", mine), ("b", other))
    ]
    hub = start(environment, "-c", HUB, "a")
    for child in (*walks, hub):
        child.communicate(timeout=60)
        assert child.returncode == 0
    cued, plain = rows(mine), rows(other)
    assert len(cued) == len(plain) > 10
    turned = [
        float(c["fpa_deg"]) - float(p["fpa_deg"]) for c, p in zip(cued, plain, strict=True) if c["side"] == "right"
    ]
    same = [c["fpa_deg"] == p["fpa_deg"] for c, p in zip(cued, plain, strict=True) if c["side"] == "left"]
    assert turned[:2] == [0.0, 0.0] and turned[-1] < -3.0  # far too far out, so it turns in
    assert all(same)


def test_a_spawned_walker_stops_when_told_and_leaves_its_truth(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, environment: dict[str, str]
) -> None:
    from devices.simulated import Walk, run

    monkeypatch.setenv("LABFEEDBACK_LSL_SESSION", environment["LABFEEDBACK_LSL_SESSION"])
    spawn = multiprocessing.get_context("spawn")
    stop, truth = spawn.Event(), tmp_path / "truth.csv"
    child = spawn.Process(target=run, args=(Walk(seed=2), stop), kwargs={"seconds": 60.0, "truth": str(truth)})
    child.start()
    time.sleep(7.0)  # of which a busy machine takes some to start the process
    stop.set()
    child.join(5.0)
    assert child.exitcode == 0
    assert 0 < len(rows(truth)) < 7.0 / 0.55  # a step every 0.55 s


def test_a_fault_that_does_not_exist_is_a_sentence_and_no_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "devices.simulated", "--fault", "gremlins@1-2"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "gremlins" in done.stderr and "Traceback" not in done.stderr


def test_a_walk_is_written_as_a_file_with_its_truth(tmp_path: Path) -> None:
    from devices.simulated import main

    truth = tmp_path / "truth.csv"
    assert main(["--c3d", str(tmp_path / "walk.c3d"), "--seconds", "5", "--truth", str(truth)]) == 0
    assert (tmp_path / "walk.c3d").stat().st_size > 100_000
    assert [row["side"] for row in rows(truth)] == ["right", "left"] * 4
