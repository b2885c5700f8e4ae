"""Every record and every row comes back from the wire as the same bytes."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from labfeedback import wire
from labfeedback.inputlog import MAX_STREAMS, Command, Link, Offset, Record, Samples, Start, Tick
from labfeedback.records import TABLES

seen = st.tuples(*[st.integers(0, 2**62)] * MAX_STREAMS)
number = st.floats(allow_nan=True, allow_infinity=True)
whole = st.integers(0, 2**40)


@st.composite
def samples(draw: st.DrawFn) -> Samples:
    count, channels = draw(st.integers(0, 20)), draw(st.integers(0, 9))
    width = draw(st.sampled_from(["<f4", "<f8"]))
    values = draw(hnp.arrays(width, (count, channels), elements=st.floats(width=32, allow_nan=True)))
    return Samples(draw(st.integers(0, 7)), draw(whole), draw(whole), draw(hnp.arrays("<f8", count)), values)


records = st.one_of(
    samples(),
    st.builds(Start, st.text(), seen),
    st.builds(Link, st.integers(0, 7), whole, st.booleans(), st.text(), seen),
    st.builds(Offset, st.integers(0, 7), number, number, seen),
    st.builds(Tick, number, seen),
    st.builds(Command, whole, st.text(), seen),
)


def same(one: object, other: object) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if isinstance(one, float) and isinstance(other, float):
        return np.float64(one).tobytes() == np.float64(other).tobytes()
    return type(one) is type(other) and one == other


def through(kind: int, parts: tuple[object, ...]) -> wire.Message:
    return wire.decode(kind, b"".join(bytes(memoryview(part)) for part in parts))  # type: ignore[arg-type]


@settings(max_examples=200, deadline=None)
@given(records)
def test_every_record_comes_back_unchanged(record: Record) -> None:
    back = through(*wire.encode(record))
    assert type(back) is type(record)
    for field in fields(record):
        assert same(getattr(record, field.name), getattr(back, field.name)), field.name


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(TABLES)), st.integers(0, 5), st.randoms(use_true_random=False))
def test_rows_of_every_table_come_back_unchanged(table: str, count: int, random: object) -> None:
    dtype = TABLES[table]
    noise = random.randbytes(count * dtype.itemsize)  # type: ignore[attr-defined]
    name, rows = through(*wire.encode_rows(table, np.frombuffer(noise, dtype)))  # type: ignore[misc]
    assert name == table and rows.dtype == dtype and rows.tobytes() == noise


def test_the_end_and_the_loss_are_messages_too() -> None:
    assert through(*wire.encode_end()) == wire.End()
    assert through(*wire.encode_lost(12)) == wire.Lost(12)


def test_decoded_samples_may_be_written_to() -> None:
    back = through(*wire.encode(Samples(0, 0, 0, np.zeros(2), np.zeros((2, 3)))))
    assert isinstance(back, Samples) and back.values.flags.writeable and back.values.flags.aligned


def test_values_that_are_no_floats_and_rows_of_another_table_are_refused() -> None:
    with pytest.raises(ValueError, match="float32 or float64"):
        wire.encode(Samples(0, 0, 0, np.zeros(2), np.zeros((2, 3), int)))
    with pytest.raises(ValueError, match="dtype of"):
        wire.encode_rows("steps", np.zeros(1, TABLES["cues"]))
    with pytest.raises(ValueError, match="unknown kind"):
        wire.decode(99, b"\0" * 64)
