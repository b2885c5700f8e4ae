"""A byte ring in shared memory: one writer (the hub), one resumable reader (the recorder), owned by their parent.

Block: eight 64-byte lines of indices, then the ring itself. Positions are bytes written since creation; they only grow,
so a message's position is its identity: a reader that restarts sees the same message under the same position again.

- The writer copies a whole message and only then publishes the head: a writer killed at any point leaves either the
  whole message or nothing.
- `read` moves a private cursor; `commit` publishes it as the tail. What a killed reader had read but not committed is
  read again by its successor, and the writer cannot overwrite it before.
- Each index is one aligned 8-byte word with one author. x86-64 makes stores visible in order; for processors that do
  not, each message carries its position and a CRC-32, and one that is not whole yet is left for the next `read`.
"""

from __future__ import annotations

import contextlib
import secrets
import struct
import sys
import zlib
from multiprocessing import resource_tracker, shared_memory
from typing import Any, Final

from labfeedback.errors import BadSetup, LabError

DEFAULT_SIZE: Final = 64 << 20  # 60 s of 60 markers at 200 Hz and 12 plate channels at 2 kHz is 20 MB with its rows
_LINE: Final = 8  # 64 bytes in words: indices of different authors share no cache line
_MAGIC, _CAPACITY, _HEAD, _TAIL, _LOST, _TOKEN = (_LINE * n for n in range(6))
_INDEX_BYTES: Final = 512
_MAGIC_VALUE: Final = 0x4C46_4252_494E_4731
_HEADER: Final = struct.Struct("<QIII4x")  # position, payload length, kind, CRC-32 of the payload
_ALIGN: Final = 32  # capacity and messages are multiples of this, so a header is never split by the wrap
_PATIENCE: Final = 50  # reads in a row that may find the same unfinished message before it counts as damage


def _attach(name: str) -> shared_memory.SharedMemory:
    """Open a block that somebody else owns, without telling this process's resource tracker about it.

    The tracker unlinks what it knows of when the last process that shares it is gone. A process started by other means
    than `multiprocessing` has a tracker of its own, which would unlink the owner's block when that process is killed.
    Unregistering afterwards is no cure: spawned children share the parent's tracker, and it would forget the owner's
    own entry. From Python 3.13 on this has a name (`track=False`); before, the registration is skipped by hand.
    Windows has no tracker: there a block lives as long as one handle is open, and the owner keeps one.
    """
    if sys.version_info >= (3, 13):
        return shared_memory.SharedMemory(name, track=False)
    register = resource_tracker.register
    resource_tracker.register = lambda *_: None
    try:
        return shared_memory.SharedMemory(name)
    finally:
        resource_tracker.register = register


def room(length: int) -> int:
    """Bytes of the ring that a message with a payload of `length` bytes takes: how far it moves the position."""
    return -(-(_HEADER.size + length) // _ALIGN) * _ALIGN


class Ring:
    """See the module. One thread writes, one thread reads; neither ever waits for the other."""

    def __init__(self, block: shared_memory.SharedMemory, owner: bool) -> None:
        """Not for callers: use `create` or `attach`."""
        self._block = block
        self._owner = owner
        assert block.buf is not None
        self._index = block.buf[:_INDEX_BYTES].cast("Q")
        self._capacity = self._index[_CAPACITY]
        self._bytes = block.buf[_INDEX_BYTES : _INDEX_BYTES + self._capacity]
        self._cursor = self._index[_TAIL]
        self._waits = 0

    @classmethod
    def create(cls, name: str | None = None, size: int = DEFAULT_SIZE) -> Ring:
        """A new ring of at least `size` bytes, to be closed and unlinked by the caller.

        name: unique on this machine, at most 30 characters (a limit of macOS); None lets the system choose (`.name`).
        Raises BadSetup when the name is taken or the memory is not to be had.
        """
        capacity = -(-max(size, 4096) // _ALIGN) * _ALIGN
        try:
            block = shared_memory.SharedMemory(name, create=True, size=_INDEX_BYTES + capacity)
        except FileExistsError as error:
            raise BadSetup(
                f"The shared memory '{name}' exists already: another session of the lab is running under this name. "
                "End it, or give this one another name."
            ) from error
        except OSError as error:
            raise BadSetup(
                f"{capacity / 2**20:.0f} MB of shared memory for the recorder could not be had ({error}). "
                "Close other programs and try again."
            ) from error
        assert block.buf is not None
        words = block.buf[:_INDEX_BYTES].cast("Q")
        words[_TOKEN] = secrets.randbits(63)
        for line, value in ((_CAPACITY, capacity), (_HEAD, 0), (_TAIL, 0), (_LOST, 0), (_MAGIC, _MAGIC_VALUE)):
            words[line] = value
        words.release()
        return cls(block, owner=True)

    @classmethod
    def attach(cls, name: str) -> Ring:
        """The ring of that name. Raises LabError when it does not exist or is something else."""
        try:
            block = _attach(name)
        except FileNotFoundError as error:
            raise LabError(
                f"There is no shared memory '{name}': the session it belonged to has ended. Start a new one."
            ) from error
        assert block.buf is not None
        words = block.buf[:_INDEX_BYTES].cast("Q")
        known = words[_MAGIC] == _MAGIC_VALUE
        words.release()
        if not known:
            block.close()
            raise LabError(f"The shared memory '{name}' is not a ring of this program. Use another session name.")
        return cls(block, owner=False)

    @property
    def name(self) -> str:
        """What `attach` wants."""
        return self._block.name

    @property
    def token(self) -> int:
        """A random number (63 bits) given at creation: the same name may be used again, this is not."""
        return self._index[_TOKEN]

    @property
    def capacity(self) -> int:
        """Bytes, message headers and padding included."""
        return self._capacity

    @property
    def fill(self) -> float:
        """Share of the ring that holds messages not yet committed, 0..1."""
        return float(self._index[_HEAD] - self._index[_TAIL]) / self._capacity

    @property
    def lost(self) -> int:
        """Messages that `write` refused since creation."""
        return self._index[_LOST]

    @property
    def position(self) -> int:
        """Position of the next message that `read` gives; grows only, and survives the reader."""
        return self._cursor

    def write(self, kind: int, *parts: Any) -> bool:
        """Append one message: `kind` (0..2**32-1) and the joined bytes of `parts` (C-contiguous bytes-likes).

        False when there is no room: the message is dropped and counted in `lost`. Never waits.
        """
        views = [_as_bytes(part) for part in parts]
        length = sum(view.nbytes for view in views)
        total = room(length)
        head = self._index[_HEAD]
        if head + total - self._index[_TAIL] > self._capacity:
            self._index[_LOST] += 1
            return False
        at = head % self._capacity
        start = at + _HEADER.size
        crc = 0
        for view in views:
            self._put(start, view)
            start += view.nbytes
            crc = zlib.crc32(view, crc)
        _HEADER.pack_into(self._bytes, at, head, length, kind, crc)
        self._index[_HEAD] = head + total
        return True

    def read(self, limit: int = 4096) -> list[tuple[int, bytes]]:
        """Up to `limit` messages after those already read, oldest first; empty when there is nothing new.

        Raises LabError when a message stays damaged.
        """
        out: list[tuple[int, bytes]] = []
        head = self._index[_HEAD]
        while self._cursor < head and len(out) < limit:
            at = self._cursor % self._capacity
            position, length, kind, crc = _HEADER.unpack_from(self._bytes, at)
            whole = position == self._cursor and _HEADER.size + length <= head - self._cursor
            payload = self._get(at + _HEADER.size, length) if whole else b""
            if not whole or zlib.crc32(payload) != crc:
                self._waits += 1
                if self._waits > _PATIENCE:
                    raise LabError(
                        f"The shared memory '{self.name}' holds a damaged message at byte {self._cursor}: something "
                        "else wrote into it. End the session; what was recorded so far is in its file."
                    )
                break
            self._waits = 0
            out.append((kind, payload))
            self._cursor += room(length)
        return out

    def commit(self) -> None:
        """Everything read so far is safe elsewhere: its room may be used again, and no successor reads it."""
        self._index[_TAIL] = self._cursor

    def close(self) -> None:
        """Let go of the memory in this process; safe to call twice."""
        self._index.release()
        self._bytes.release()
        self._block.close()

    def unlink(self) -> None:
        """Remove the block from the system; for the owner, after its children are gone."""
        if not self._owner:
            raise RuntimeError("only the process that created the ring may unlink it")
        self._block.unlink()

    def unlink_for_dead_owner(self) -> None:
        """Remove the block of an owner that was killed; for the last of its children. Nothing if it is gone already."""
        with contextlib.suppress(OSError):
            self._block.unlink()

    def _put(self, start: int, view: memoryview) -> None:
        start %= self._capacity
        first = min(view.nbytes, self._capacity - start)
        self._bytes[start : start + first] = view[:first]
        if first < view.nbytes:
            self._bytes[: view.nbytes - first] = view[first:]

    def _get(self, start: int, length: int) -> bytes:
        start %= self._capacity
        first = min(length, self._capacity - start)
        payload = bytes(self._bytes[start : start + first])
        return payload if first == length else payload + bytes(self._bytes[: length - first])


def _as_bytes(part: Any) -> memoryview:
    view = memoryview(part)
    if view.ndim == 1 and view.format == "B":
        return view
    return view.cast("B") if view.nbytes else memoryview(b"")
