"""The ring loses nothing, repeats nothing and survives the death of either side."""

from __future__ import annotations

import multiprocessing as mp
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labfeedback.errors import BadSetup, LabError
from labfeedback.ring import Ring


@pytest.fixture
def ring() -> Iterator[Ring]:
    ring = Ring.create(size=1 << 16)
    yield ring
    ring.close()
    ring.unlink()


def body(number: int) -> bytes:
    """A message that nobody can mistake for another, of a size that keeps changing."""
    return number.to_bytes(8, "little") * (1 + number * 7919 % 97)


def test_what_is_written_is_read_in_order_across_the_wrap(ring: Ring) -> None:
    for number in range(3000):
        assert ring.write(number, body(number))
        assert ring.read() == [(number, body(number))]
        ring.commit()
    assert ring.fill == 0.0 and ring.position > 10 * ring.capacity


def test_parts_of_any_type_are_joined(ring: Ring) -> None:
    import numpy as np

    assert ring.write(3, b"ab", np.arange(3.0), np.zeros((0, 4)), bytearray(b"z"), b"")
    assert ring.read() == [(3, b"ab" + np.arange(3.0).tobytes() + b"z")]


def test_a_full_ring_refuses_counts_and_goes_on_when_there_is_room_again(ring: Ring) -> None:
    accepted = 0
    while ring.write(1, b"x" * 1000):
        accepted += 1
    assert not ring.write(1, b"x" * 1000)
    assert ring.lost == 2
    assert len(ring.read()) == accepted and not ring.write(1, b"x" * 1000), "reading alone frees nothing"
    ring.commit()
    assert ring.write(2, b"again") and ring.read() == [(2, b"again")]


def test_a_message_larger_than_the_ring_is_lost_not_written_in_half(ring: Ring) -> None:
    assert not ring.write(1, b"x" * (ring.capacity + 1))
    assert ring.lost == 1 and ring.read() == []


def test_what_was_not_committed_is_read_again_under_the_same_position(ring: Ring) -> None:
    for number in range(10):
        ring.write(number, body(number))
    first = Ring.attach(ring.name)
    first.read(4)
    first.commit()
    kept = first.position
    first.read(3)
    first.close()
    second = Ring.attach(ring.name)
    assert second.position == kept
    assert second.read() == [(number, body(number)) for number in range(4, 10)]
    second.close()


def test_a_message_without_its_head_index_does_not_exist(ring: Ring) -> None:
    ring.write(1, b"whole")
    ring._bytes[32:128] = b"\xff" * 96  # a writer killed while it copied the second message
    assert ring.read() == [(1, b"whole")]
    assert ring.write(2, b"next") and ring.read() == [(2, b"next")]


def test_a_message_overwritten_by_somebody_else_is_reported_not_returned(ring: Ring) -> None:
    ring.write(1, b"payload")
    ring._bytes[26] ^= 1  # inside the payload
    assert ring.read() == []
    with pytest.raises(LabError, match="damaged message"):
        for _ in range(100):
            ring.read()


def test_a_name_in_use_and_a_name_that_is_gone_are_sentences(ring: Ring) -> None:
    with pytest.raises(BadSetup, match="exists already"):
        Ring.create(ring.name)
    with pytest.raises(LabError, match="has ended"):
        Ring.attach("lf-no-such-ring")
    other = Ring.attach(ring.name)
    with pytest.raises(RuntimeError):
        other.unlink()
    other.close()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("write"), st.integers(0, 3000)),
            st.tuples(st.just("read"), st.integers(1, 6)),
            st.tuples(st.sampled_from(["commit", "restart"]), st.just(0)),
        ),
        max_size=80,
    ),
)
def test_any_sequence_of_writes_reads_commits_and_restarts_keeps_every_accepted_message(
    steps: list[tuple[str, int]],
) -> None:
    owner = Ring.create(size=8192)
    reader = Ring.attach(owner.name)
    written: list[tuple[int, bytes]] = []
    committed = read = 0
    try:
        for do, number in steps:
            if do == "write":
                message = (len(written), bytes([len(written) % 256]) * number)
                if owner.write(*message):
                    written.append(message)
            elif do == "read":
                got = reader.read(number)
                assert got == written[read : read + len(got)]
                assert len(got) == min(number, len(written) - read)
                read += len(got)
            elif do == "commit":
                reader.commit()
                committed = read
            else:
                reader.close()
                reader = Ring.attach(owner.name)
                read = committed
        assert reader.read() == written[read:]
    finally:
        reader.close()
        owner.close()
        owner.unlink()


def write_forever(name: str) -> None:
    ring = Ring.attach(name)
    number = 0
    while True:
        if ring.write(number, body(number)):
            number += 1


def read_and_tell(name: str, pipe: Any) -> None:
    ring = Ring.attach(name)
    while True:
        got = [number for number, payload in ring.read(50) if payload == body(number)]
        if got:
            pipe.send(got)  # "safe elsewhere"
            ring.commit()


def test_killing_reader_and_writer_at_any_moment_loses_no_message(ring: Ring) -> None:
    spawn = mp.get_context("spawn")
    writer = spawn.Process(target=write_forever, args=(ring.name,), daemon=True)
    writer.start()
    told: list[list[int]] = []
    for life in range(3):
        mine, theirs = spawn.Pipe(duplex=False)
        reader = spawn.Process(target=read_and_tell, args=(ring.name, theirs), daemon=True)
        reader.start()
        theirs.close()
        assert mine.poll(20)
        time.sleep(0.03 * life)
        reader.kill()
        batches = []
        try:
            while mine.poll(0.2):
                batches.append(mine.recv())
        except (EOFError, OSError):
            pass
        reader.join()
        told += batches
    writer.kill()
    writer.join()
    rest = Ring.attach(ring.name)
    tail = [number for number, payload in rest.read(100000) if payload == body(number)]
    rest.close()
    seen = [number for batch in told for number in batch]
    # Only what a reader had said but not committed when it was killed may come twice, and only at such a joint.
    unique = sorted({*seen, *tail})
    assert unique == list(range(unique[-1] + 1)) and len(unique) > 100
    assert len(seen) + len(tail) - len(unique) <= 3 * 50
    assert tail == list(range(tail[0], tail[0] + len(tail))) if tail else True


def test_a_killed_stranger_does_not_take_the_block_with_it(ring: Ring) -> None:
    code = (
        "import sys, time; from labfeedback.ring import Ring; r = Ring.attach(sys.argv[1]);"
        "r.write(5, b'hello'); print('up', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, ring.name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None and child.stdout.readline() == "up\n"
    child.kill()
    _, said = child.communicate()
    time.sleep(0.2)  # a tracker, had there been one, would unlink now
    again = Ring.attach(ring.name)
    assert again.read() == [(5, b"hello")]
    again.close()
    assert said == ""


def test_a_session_leaves_no_complaint_of_the_resource_tracker() -> None:
    code = """
import multiprocessing as mp, sys
from labfeedback.ring import Ring
def child(name):
    r = Ring.attach(name); r.write(1, b'x'); r.close()
if __name__ == "__main__":
    r = Ring.create(size=4096)
    for _ in range(2):
        p = mp.get_context("spawn").Process(target=child, args=(r.name,)); p.start(); p.join()
    print(len(r.read())); r.close(); r.unlink()
"""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "session.py"
        script.write_text(code)
        root = Path(__file__).resolve().parents[1]
        done = subprocess.run(
            [sys.executable, str(script)], capture_output=True, text=True, timeout=60, env=_with_path(root), check=False
        )
    assert (done.stdout, done.stderr) == ("2\n", "")


def _with_path(root: object) -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(root)}
