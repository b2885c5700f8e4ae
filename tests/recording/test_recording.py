"""What the recorder took from the ring is in the file: live, left by a crash, finished."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from labfeedback.errors import BadFile, BadSetup, DamagedRecording, LabError
from labfeedback.inputlog import MARKERS, Samples
from labfeedback.recording import program
from labfeedback.recording.finalise import finalise
from labfeedback.recording.layout import parts_of
from labfeedback.recording.reader import Recording
from labfeedback.recording.recover import recover
from labfeedback.recording.unmarked import lookup3
from labfeedback.recording.writer import LiveWriter
from labfeedback.records import COMPUTED
from labfeedback.ring import Ring, room
from tests.recording import visits


@pytest.fixture
def ring() -> Iterator[Ring]:
    ring = Ring.create(size=8 << 20)
    yield ring
    ring.close()
    ring.unlink()


def record(final: Path, stream: list[tuple[int, bytes]], *, every: int = 40, position: int = 0) -> int:
    """Write messages as the recorder does, a flush every so many; leaves the part open behind, as a kill would not."""
    writer = LiveWriter(final, 7, {"note": "test"})
    for at in range(0, len(stream), every):
        position = writer.take(stream[at : at + every], position)
    writer.close()
    return position


def same_visit(visit: Recording, stream: list[visits.Record]) -> None:
    assert visit.records == visits.others_of(iter(stream))
    assert visits.streams_of(visit.log()) == visits.streams_of(iter(stream))


def test_a_finished_recording_gives_back_every_record_and_every_row(ring: Ring, tmp_path: Path) -> None:
    stream = list(visits.log(4.0))
    for message in visits.messages(iter(stream)):
        assert ring.write(*message)
    program.run(ring.name, tmp_path / "out" / "visit.h5", {"settings": {"band": 2}})
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["visit.h5"], "no part and no scratch file is left"
    assert ring.fill == 0.0
    engine = visits.TinyEngine(visits.START)
    outs = [engine.feed(item) for item in stream[1:]] + [engine.finish()]
    with Recording.open(tmp_path / "out" / "visit.h5") as visit:
        assert visit.finished and visit.clean_end and visit.lost == 0 and visit.verify() == []
        same_visit(visit, stream)
        for table in COMPUTED:
            assert visit.table(table).tobytes() == np.concatenate([getattr(out, table) for out in outs]).tobytes()
        assert len(visit.table("health")) == 80 and len(visit.table("shown")) == 0
        assert visit.start == visits.START and visit.about["rig"] == {"id": "pretended"}
        assert visit.about["settings"] == {"band": 2} and len(visit.about["engine_hash"]) == 64
        assert visit.about["machine"]["numpy"] == np.__version__
        assert visit.streams[MARKERS].layout == '{"name":"m"}' and visit.streams[MARKERS].samples == 400


def test_the_log_may_be_cut_and_interleaved_at_will(tmp_path: Path) -> None:
    stream = list(visits.log(2.0))
    record(tmp_path / "visit.h5", list(visits.messages(iter(stream))))
    with Recording.open(tmp_path / "visit.h5") as visit:
        for options in ({"chunk": 1}, {"chunk": 7}, {"cuts": np.random.default_rng(3)}):
            again = list(visit.log(**options))  # type: ignore[arg-type]
            assert visits.others_of(iter(again)) == visits.others_of(iter(stream))
            assert visits.streams_of(iter(again)) == visits.streams_of(iter(stream))
            counts = [0] * 8
            for item in again:
                if isinstance(item, Samples):
                    assert item.first == counts[item.stream]
                    counts[item.stream] += len(item.raw_time)
                else:
                    assert item.seen == tuple(counts)


def test_a_stream_with_other_channels_begins_a_new_part_and_is_merged(tmp_path: Path) -> None:
    final = tmp_path / "visit.h5"
    stream = list(visits.log(2.0, relayout_at=1.0))
    record(final, list(visits.messages(iter(stream))))
    assert len(parts_of(final)) == 2
    with Recording.open(final) as live:
        same_visit(live, stream)
    finalise(final)
    with Recording.open(final) as visit:
        same_visit(visit, stream)
        assert visit.verify() == []
    with h5py.File(final) as file:
        assert file["input/markers/values"].shape == (100, 6) and file["input/markers_2/values"].shape == (100, 9)
        assert file["input/forces/values"].shape == (2000, 12)


@pytest.mark.parametrize("resume_at", [0, 1, 7, 200, 333])
def test_a_successor_that_reads_messages_again_repeats_nothing(tmp_path: Path, resume_at: int) -> None:
    final = tmp_path / "visit.h5"
    stream = list(visits.log(2.0))
    messages = list(visits.messages(iter(stream)))
    # Commits lag behind flushes: the first life flushed up to 400, the ring was committed up to resume_at.
    writer = LiveWriter(final, 7, {})
    at = 0
    position = 0
    for end in sorted({*range(40, 401, 40), *([resume_at] if resume_at else [])}):
        position = writer.take(messages[at:end], position)
        at = end
    writer.close()
    resumed = sum(room(len(payload)) for _, payload in messages[:resume_at])
    record(final, messages[resume_at:], position=resumed)
    finalise(final)
    with Recording.open(final) as visit:
        same_visit(visit, stream)
        assert visit.verify() == [] and len(visit.table("steps")) == 4


def test_messages_that_never_came_are_named(tmp_path: Path) -> None:
    final = tmp_path / "visit.h5"
    messages = list(visits.messages(visits.log(2.0)))
    record(final, messages[:200])
    record(final, messages[300:], position=sum(room(len(payload)) for _, payload in messages[:300]))
    said: list[str] = []
    finalise(final, said.append)
    assert "Something is missing before visit.part002.h5" in said[0]
    with Recording.open(final) as visit:
        assert any("were not recorded" in str(damage) for damage in visit.verify())
        with pytest.raises(DamagedRecording, match="without a hole"):
            list(visit.log())


def test_a_live_recording_can_be_read_while_it_grows(tmp_path: Path) -> None:
    final = tmp_path / "visit.h5"
    messages = list(visits.messages(visits.log(3.0)))
    writer = LiveWriter(final, 7, {})
    steps, position = [], 0
    for at in range(0, len(messages), 100):
        position = writer.take(messages[at : at + 100], position)
        with Recording.open(final) as visit:
            assert not visit.finished and visit.verify() == []
            steps.append(len(visit.table("steps")))
            sum(1 for _ in visit.log())
    assert steps == sorted(steps) and steps[0] < steps[-1] == 6
    writer.close()


def test_one_changed_byte_names_its_block(tmp_path: Path) -> None:
    final = tmp_path / "visit.h5"
    record(final, list(visits.messages(visits.log(2.0))))
    finalise(final)
    with h5py.File(final, "r+") as file:
        values = file["input/forces/values"][1234]
        values.view("u1")[17] ^= 1
        file["input/forces/values"][1234] = values
    with Recording.open(final) as visit:
        (damage,) = visit.verify()
    assert damage.where == "forces" and damage.first <= 1234 < damage.first + damage.count
    assert "not those that were recorded" in str(damage)


def test_a_changed_log_record_and_a_changed_command_are_named(tmp_path: Path) -> None:
    final = tmp_path / "visit.h5"
    record(final, list(visits.messages(visits.log(2.0))))
    finalise(final)
    with h5py.File(final, "r+") as file:
        row = file["input/log/records"][10:11]
        row["time_s"] += 0.01
        file["input/log/records"][10:11] = row
    with Recording.open(final) as visit:
        (damage,) = visit.verify()
        assert damage.where == "log" and damage.first <= 10 < damage.first + damage.count
    with h5py.File(final, "r+") as file:
        row["time_s"] -= 0.01
        file["input/log/records"][10:11] = row
        text = file["input/log/text"][:].tobytes()
        file["input/log/text"][text.index("größer".encode())] = ord("G")
    with Recording.open(final) as visit:
        assert [damage.where for damage in visit.verify()] == ["log"]


def test_samples_or_blocks_cut_out_of_the_file_are_noticed(tmp_path: Path) -> None:
    final = tmp_path / "visit.h5"
    record(final, list(visits.messages(visits.log(2.0))))
    finalise(final)
    with h5py.File(final, "r+") as file:
        for name in ("values", "raw_time", "epoch"):
            file["input/forces"][name].resize(1500, axis=0)
    with Recording.open(final) as visit:
        assert visit.verify()
        with pytest.raises(DamagedRecording, match="without a hole"):
            list(visit.log())


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_file_cut_short_is_a_sentence(tmp_path: Path, share: float) -> None:
    final = tmp_path / "visit.h5"
    record(final, list(visits.messages(visits.log(1.0))))
    finalise(final)
    whole = final.read_bytes()
    final.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(BadFile, match="HDF5"):
        Recording.open(final)


def test_garbage_missing_files_and_strangers_are_sentences(tmp_path: Path) -> None:
    (tmp_path / "noise.h5").write_bytes(np.random.default_rng(1).bytes(5000))
    with pytest.raises(BadFile, match="not an HDF5 file"):
        Recording.open(tmp_path / "noise.h5")
    with pytest.raises(BadFile, match="does not exist"):
        Recording.open(tmp_path / "absent.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["data"] = 1
    with pytest.raises(BadFile, match="not a recording of this program"):
        Recording.open(tmp_path / "other.h5")
    with pytest.raises(BadFile, match="does not exist"):
        recover(tmp_path / "absent.h5")
    with pytest.raises(BadFile, match="not an HDF5 file"):
        recover(tmp_path / "noise.h5")


def test_a_part_killed_while_it_was_laid_out_costs_nothing(tmp_path: Path) -> None:
    final = tmp_path / "visit.h5"
    messages = list(visits.messages(visits.log(1.0)))
    position = record(final, messages[:100])
    (tmp_path / "visit.part002.h5").write_bytes(b"\x89HDF\r\n")
    record(final, messages[100:], position=position)
    assert len(parts_of(final)) == 3
    done = recover(tmp_path / "visit.part001.h5")
    assert (done.parts, done.damage, done.clean_end) == (3, (), True)
    assert [path.name for path in tmp_path.iterdir()] == ["visit.h5"]


def test_a_damaged_part_is_kept_when_it_may_hold_something(tmp_path: Path) -> None:
    final = tmp_path / "visit.h5"
    messages = list(visits.messages(visits.log(1.0)))
    position = record(final, messages[:100])
    position = record(final, messages[100:200], position=position)
    record(final, messages[200:], position=position)
    bad = tmp_path / "visit.part002.h5"
    bad.write_bytes(b"\0" * 64 + bad.read_bytes()[64:])
    said: list[str] = []
    done = recover(final, said.append)
    assert bad.exists() and done.damage and any("left where it is" in sentence for sentence in said)


def test_a_recording_of_another_session_is_never_overwritten(ring: Ring, tmp_path: Path) -> None:
    final = tmp_path / "visit.h5"
    record(final, list(visits.messages(visits.log(0.5))))
    with pytest.raises(BadSetup, match="labfeedback recover"):
        program.run(ring.name, final, {})
    finalise(final)
    before = final.read_bytes()
    with pytest.raises(BadSetup, match="not overwritten"):
        program.run(ring.name, final, {})
    assert final.read_bytes() == before


def test_a_recorder_killed_after_finishing_says_so_and_nothing_more(ring: Ring, tmp_path: Path) -> None:
    final = tmp_path / "visit.h5"
    for message in visits.messages(visits.log(0.5)):
        ring.write(*message)
    program.run(ring.name, final, {})
    before = final.read_bytes()
    program.run(ring.name, final, {})
    assert final.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_a_sentence(ring: Ring, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadSetup, match="cannot be written to"):
        program.run(ring.name, tmp_path / "file" / "visit.h5", {})


def test_a_full_disk_is_a_sentence_and_the_ring_keeps_what_was_not_written(
    ring: Ring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    final = tmp_path / "visit.h5"
    messages = list(visits.messages(visits.log(1.0)))
    for message in messages:
        ring.write(*message)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("labfeedback.recording.writer.append", full)
        with pytest.raises(LabError, match="No space left"):
            program.run(ring.name, final, {})
    assert ring.fill > 0
    again = Ring.attach(ring.name)
    assert len(again.read(10**6)) == len(messages)
    again.close()
    program.run(ring.name, final, {})
    with Recording.open(final) as visit:
        assert visit.verify() == [] and visit.clean_end


def test_a_stop_without_an_end_leaves_a_readable_file_that_says_so(ring: Ring, tmp_path: Path) -> None:
    final = tmp_path / "visit.h5"
    for message in visits.messages(visits.log(1.0), end=False):
        ring.write(*message)
    stop = threading.Event()
    stop.set()
    program.run(ring.name, final, {}, stop)
    with Recording.open(final) as visit:
        assert not visit.clean_end and visit.verify() == [] and len(visit.table("steps")) == 2


def test_lost_messages_are_told(ring: Ring, tmp_path: Path) -> None:
    from labfeedback import wire

    messages = list(visits.messages(visits.log(0.5)))
    for message in messages[:-1]:
        ring.write(*message)
    ring.write(*wire.pack_lost(3))
    ring.write(*messages[-1])
    program.run(ring.name, tmp_path / "visit.h5", {})
    with Recording.open(tmp_path / "visit.h5") as visit:
        assert visit.lost == 3 and "3 messages were lost" in str(visit.verify()[0])


def test_about_is_readable_by_any_hdf5_viewer(tmp_path: Path) -> None:
    final = tmp_path / "visit.h5"
    record(final, list(visits.messages(visits.log(0.5))))
    finalise(final)
    with h5py.File(final) as file:
        assert json.loads(file["about/subject"][()])["id"] == "S01"
        assert h5py.check_string_dtype(file["about/start"].dtype).length == len(visits.START.text)


def test_a_part_that_a_crash_left_opens_strictly_once_it_is_no_longer_growing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labfeedback.recording.file.FRESH_S", 0.0)
    final = tmp_path / "visit.h5"
    messages = list(visits.messages(visits.log(2.0)))
    writer = LiveWriter(final, 7, {})
    writer.take(messages, 0)
    part = tmp_path / "visit.part001.h5"
    left = part.read_bytes()  # as a kill leaves it: marked as open for writing
    writer.close()
    part.write_bytes(left)
    with pytest.raises(OSError, match="nable to"):
        h5py.File(part, "r")
    with Recording.open(final) as visit:
        assert visit.verify() == [] and visit.clean_end
    # Cut short, it is a sentence within a moment; HDF5's own reader of live files would try for years.
    part.write_bytes(left[: len(left) * 2 // 3])
    try:
        with Recording.open(final) as visit:
            assert visit.verify()
    except LabError as error:
        assert "cut short or damaged" in str(error) or "not a recording" in str(error) or "damaged" in str(error)


def test_the_checksum_of_a_superblock_is_hdf5s_own(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "latest.h5", "w", libver="latest") as file:
        file["x"] = 1
    head = (tmp_path / "latest.h5").read_bytes()[:48]
    assert lookup3(head[:44]) == int.from_bytes(head[44:], "little")
