"""Replay equals live, and says exactly what does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labfeedback import replay
from labfeedback.errors import BadSetup, DamagedRecording, LabError
from labfeedback.inputlog import Record, Samples
from labfeedback.recording import about
from labfeedback.recording.finalise import finalise
from labfeedback.recording.reader import Recording
from labfeedback.recording.writer import LiveWriter
from tests.recording import visits


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    final = tmp_path_factory.mktemp("visit") / "visit.h5"
    write(final, list(visits.messages(visits.log(6.0))))
    finalise(final)
    return final.read_bytes()


@pytest.fixture
def visit(recorded: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "visit.h5"
    path.write_bytes(recorded)
    return path


def write(final: Path, messages: list[tuple[int, bytes]]) -> None:
    writer = LiveWriter(final, 7, {})
    position = 0
    for at in range(0, len(messages), 50):
        position = writer.take(messages[at : at + 50], position)
    writer.close()


def verdict(path: Path, **options: Any) -> replay.Verdict:
    with Recording.open(path) as recording:
        return replay.check(recording, options.pop("engine", visits.TinyEngine), **options)


def test_an_untouched_recording_is_equal(visit: Path) -> None:
    found = verdict(visit)
    assert found.exit_code == replay.EQUAL and "byte for byte" in found.sentences[0]
    assert found.replayed is not None and len(found.replayed.tables["steps"]) == 12
    assert found.replayed.t0 == 0.0 and found.replayed.span_s > 5.9


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32), st.integers(1, 5000))
def test_it_is_equal_however_the_samples_are_cut_and_interleaved(visit: Path, seed: int, chunk: int) -> None:
    assert verdict(visit, cuts=np.random.default_rng(seed), chunk=chunk).exit_code == replay.EQUAL


def test_one_changed_byte_of_a_force_is_damage_and_named(visit: Path) -> None:
    with h5py.File(visit, "r+") as file:
        row = file["input/forces/values"][2345]
        row.view("u1")[9] ^= 4
        file["input/forces/values"][2345] = row
    found = verdict(visit)
    assert found.exit_code == replay.DAMAGED and "forces, block" in found.sentences[0]


def test_one_changed_byte_anywhere_in_the_stored_input_is_never_equal(visit: Path) -> None:
    whole = visit.read_bytes()
    with h5py.File(visit) as file:
        values = file["input/forces/values"]
        chunk = values.id.get_chunk_info(values.id.get_num_chunks() - 1)
    at = chunk.byte_offset + chunk.size // 2
    visit.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    found = verdict(visit)
    assert found.exit_code == replay.DAMAGED and "cannot be read" in found.sentences[0]
    with pytest.raises(DamagedRecording, match="of forces"):
        verdict(visit, ignore_digest=True)


def test_one_changed_step_is_a_difference_and_named(visit: Path) -> None:
    with h5py.File(visit, "r+") as file:
        row = file["steps"][7:8]
        row["kam1_nm"] += 0.5
        file["steps"][7:8] = row
    found = verdict(visit)
    assert found.exit_code == replay.DIFFERS
    assert "steps: 1 of 12 rows differ; first: row 7, column kam1_nm" in found.sentences[0]
    assert found.sentences[1] == "Steps that differ: 7 (right)."
    assert repr(float(row["kam1_nm"][0])) in found.sentences[0]


def test_a_missing_row_is_a_difference(visit: Path) -> None:
    with h5py.File(visit, "r+") as file:
        file["events"].resize(2, axis=0)
    found = verdict(visit)
    assert found.exit_code == replay.DIFFERS and "events: 2 rows are stored, 4 were computed." in found.sentences[0]


def test_forty_newtons_over_one_stance_change_that_step_alone(visit: Path) -> None:
    with h5py.File(visit, "r+") as file:
        file["input/forces/values"][1500:2000, 2] += 40.0
    assert verdict(visit).exit_code == replay.DAMAGED
    found = verdict(visit, ignore_digest=True)
    assert found.exit_code == replay.DIFFERS and "Steps that differ: 3 (right)." in found.sentences


def test_another_engine_is_told_with_the_largest_difference_of_each_column(visit: Path) -> None:
    class Louder(visits.TinyEngine):
        def feed(self, record: Record) -> Any:
            out = super().feed(record)
            out.steps["kam1_nm"] += 0.25
            return out

    found = verdict(visit, engine=Louder, this_engine="f" * 64)
    assert found.exit_code == replay.OTHER_ENGINE
    # Of the 12 steps two are withheld in both.
    assert "steps.kam1_nm: 0.25 (10 rows differ)." in found.sentences
    assert any(sentence.startswith("frames: ") and "columns are equal" in sentence for sentence in found.sentences)


def test_another_processor_is_held_to_a_relative_difference_and_told(
    visit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slightly(visits.TinyEngine):
        size = 1e-12

        def feed(self, record: Record) -> Any:
            out = super().feed(record)
            out.steps["kam1_nm"] *= 1 + self.size
            return out

    class Grossly(Slightly):
        size = 1e-6

    assert verdict(visit, engine=Slightly).exit_code == replay.DIFFERS
    here = about.machine()
    monkeypatch.setattr(replay, "machine", lambda: {**here, "cpu": "another"})
    found = verdict(visit, engine=Slightly)
    assert found.exit_code == replay.EQUAL and "another cpu" in found.sentences[0]
    assert verdict(visit, engine=Grossly).exit_code == replay.DIFFERS
    assert "byte for byte" in verdict(visit).sentences[0]


def test_a_visit_that_was_cut_off_is_compared_as_far_as_it_goes(tmp_path: Path) -> None:
    final = tmp_path / "visit.h5"
    messages = list(visits.messages(visits.log(3.0), end=False))
    write(final, messages[:-40])
    found = verdict(final)
    assert found.exit_code == replay.EQUAL and "was not recorded" in found.sentences[-1]


def test_an_engine_that_stopped_live_stops_again_and_the_rows_until_then_are_equal(tmp_path: Path) -> None:
    class Stops(visits.TinyEngine):
        def feed(self, record: Record) -> Any:
            if isinstance(record, Samples) and record.first >= 400:
                raise BadSetup("the plates are exchanged")
            return super().feed(record)

    final = tmp_path / "visit.h5"
    engine = Stops(visits.START)
    stored: list[tuple[int, bytes]] = []
    from labfeedback import wire

    for record in visits.log(3.0):
        stored.append(visits.joined(wire.encode(record)))
        try:
            if record != visits.START:
                stored += visits.of_rows(engine.feed(record))
        except BadSetup:
            break
    write(final, [*stored, visits.joined(wire.encode_end())])
    found = verdict(final, engine=Stops)
    assert found.exit_code == replay.EQUAL and "the plates are exchanged" in found.sentences[0]
    assert verdict(final).exit_code == replay.DIFFERS


def names_in(path: Path) -> list[str]:
    """Every group, dataset and attribute of a file; attributes as 'where@name'."""
    found: list[str] = []
    with h5py.File(path) as file:
        found += [f"@{name}" for name in file.attrs]

        def take(name: str, item: Any) -> None:
            found.append(name)
            found.extend(f"{name}@{attribute}" for attribute in item.attrs)

        file.visititems(take)
    return found


def without(path: Path, name: str) -> None:
    where, _, attribute = name.partition("@")
    with h5py.File(path, "r+") as file:
        if attribute:
            del file[where or "/"].attrs[attribute]
        else:
            del file[name]


def test_whatever_is_missing_from_a_recording_is_told_in_a_sentence_that_ends_with_2(
    recorded: bytes, visit: Path
) -> None:
    names = names_in(visit)
    assert {"@schema", "input/forces/values", "input/log", "steps", "about", "input/markers@first"} <= set(names)
    for name in names:
        if name.startswith("about/"):
            continue  # single facts of it may be absent: an older version wrote fewer
        visit.write_bytes(recorded)
        without(visit, name)
        try:
            found = verdict(visit)
        except LabError as error:
            assert error.exit_code == 2 and str(visit) in str(error) and str(error).endswith("."), name
        else:
            assert found.exit_code == replay.DAMAGED and found.sentences, name


@pytest.mark.parametrize("name", ["input/forces/values", "input/log/records", "steps", "flushed"])
def test_what_is_missing_from_a_part_is_told_too(tmp_path: Path, name: str) -> None:
    final = tmp_path / "visit.h5"
    write(final, list(visits.messages(visits.log(1.0))))
    without(tmp_path / "visit.part001.h5", name)
    with pytest.raises(LabError, match=r"missing|not a recording"):
        verdict(final)
