"""kill -9 of the recorder at any moment costs nothing; of everything, nothing that was flushed."""

from __future__ import annotations

import multiprocessing as mp
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np

from labfeedback.process import spawn
from labfeedback.recording.reader import Recording
from labfeedback.recording.recover import recover
from labfeedback.ring import Ring
from tests.recording import visits

RECORDER = "labfeedback.recording.program:run"
LIVES = 6


STOP = mp.get_context("spawn").Event()


def start(ring: Ring, final: Path) -> BaseProcess:
    return spawn(RECORDER, ring.name, str(final), {"note": "kill"}, STOP, name="recorder")


def test_a_recorder_killed_again_and_again_loses_and_repeats_nothing(tmp_path: Path) -> None:
    final = tmp_path / "visit.h5"
    stream = list(visits.log(12.0, relayout_at=6.0))
    messages = list(visits.messages(iter(stream)))
    random = np.random.default_rng(5)
    ring = Ring.create(size=16 << 20)
    try:
        recorder = start(ring, final)
        share = len(messages) // LIVES + 1
        killed = 0
        for life in range(LIVES):
            portion = messages[life * share : (life + 1) * share]
            for at in range(0, len(portion), 40):
                for message in portion[at : at + 40]:
                    assert ring.write(*message)
                time.sleep(float(random.uniform(0, 0.03)))
            if life < LIVES - 1:
                behind = ring.fill
                deadline = time.monotonic() + 20
                while life % 3 and 0 < behind <= ring.fill and time.monotonic() < deadline:
                    time.sleep(0.01)  # two of three are killed only after they have begun to write
                time.sleep(float(random.uniform(0, 0.12)))
                recorder.kill()
                recorder.join()
                killed += recorder.exitcode != 0
                recorder = start(ring, final)
        recorder.join(60)
        assert killed == LIVES - 1 and recorder.exitcode == 0
        assert ring.fill == 0.0
    finally:
        ring.close()
        ring.unlink()
    assert [path.name for path in tmp_path.iterdir()] == ["visit.h5"]
    with Recording.open(final) as visit:
        assert visit.verify() == [] and visit.clean_end
        assert visit.records == visits.others_of(iter(stream))
        assert visits.streams_of(visit.log()) == visits.streams_of(iter(stream))
        assert visit.table("frames")["frame"].tolist() == list(range(1200))
        assert len(visit.table("health")) == 240


def test_what_was_flushed_survives_the_loss_of_everything(tmp_path: Path) -> None:
    final = tmp_path / "visit.h5"
    stream = list(visits.log(6.0))
    messages = list(visits.messages(iter(stream), end=False))
    ring = Ring.create(size=16 << 20)
    recorder = start(ring, final)
    for message in messages[: len(messages) // 2]:
        ring.write(*message)
    deadline = time.monotonic() + 30
    while ring.fill > 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert ring.fill == 0.0
    for message in messages[len(messages) // 2 :]:
        ring.write(*message)
    time.sleep(0.05)
    recorder.kill()
    recorder.join()
    ring.close()
    ring.unlink()  # what was only in memory is gone
    found = recover(final)
    assert found.damage == () and not found.clean_end and found.steps >= 5
    with Recording.open(final) as visit:
        kept = visit.records
        assert (
            kept == visits.others_of(iter(stream))[: len(kept)]
            and len(kept) >= len(visits.others_of(iter(stream))) // 2
        )
        for stream_number, data in visits.streams_of(visit.log()).items():
            assert visits.streams_of(iter(stream))[stream_number].startswith(data)
    again = recover(final)
    assert again.parts == 0 and again.samples == found.samples
