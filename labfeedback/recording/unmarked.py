"""A part whose writer was killed, seen without the mark 'open for writing' that it still bears.

HDF5 opens such a file as a reader of a live one (SWMR). That is right while its writer lives; on a file that was also
cut short it retries a damaged read for years, doubling its pause each time. Seen through this, the file opens strictly:
what is damaged fails at once. Nothing is written to it.

Superblock version 3 (HDF5 file format 3.0, section II.A): flags at byte 11, end of file at 28, checksum at 44.
"""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any, Final

_SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"
_SIZE: Final = 48
_MASK: Final = 0xFFFFFFFF


class Unmarked(io.RawIOBase):
    """The file at `path`, read-only, with a clean superblock. Raises OSError when it has no superblock of that kind."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = path.open("rb", buffering=0)
        self._length = path.stat().st_size
        head = self._file.read(_SIZE)
        version_and_sizes = bytes((3, 8, 8))
        if len(head) < _SIZE or head[:8] != _SIGNATURE or head[8:11] != version_and_sizes:
            self._file.close()
            raise OSError("it does not begin like a recording's part")
        clean = head[:11] + b"\0" + head[12:28] + struct.pack("<Q", self._length) + head[36:44]
        self._head = clean + struct.pack("<I", lookup3(clean))
        self._at = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """As for any file."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length}[whence]
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        """As for any file."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """As for any file, but for the superblock."""
        view = memoryview(buffer).cast("B")
        self._file.seek(self._at)
        count = 0
        while count < len(view):
            data = self._file.read(len(view) - count)
            if not data:
                break
            view[count : count + len(data)] = data
            count += len(data)
        for offset in range(self._at, min(self._at + count, _SIZE)):
            view[offset - self._at] = self._head[offset]
        self._at += count
        return count

    def close(self) -> None:
        """Close the file beneath."""
        if not self.closed:
            self._file.close()
        super().close()


def lookup3(data: bytes) -> int:
    """Bob Jenkins' public-domain hash `lookup3` (hashlittle, seed 0), the checksum of HDF5's metadata; 32 bits."""
    a = b = c = (0xDEADBEEF + len(data)) & _MASK
    padded = data + bytes(-len(data) % 12)
    words = struct.unpack(f"<{len(padded) // 4}I", padded)
    for at in range(0, len(words), 3):
        a, b, c = (a + words[at]) & _MASK, (b + words[at + 1]) & _MASK, (c + words[at + 2]) & _MASK
        if at + 3 < len(words):
            a = (a - c) & _MASK ^ _turn(c, 4)
            c = (c + b) & _MASK
            b = (b - a) & _MASK ^ _turn(a, 6)
            a = (a + c) & _MASK
            c = (c - b) & _MASK ^ _turn(b, 8)
            b = (b + a) & _MASK
            a = (a - c) & _MASK ^ _turn(c, 16)
            c = (c + b) & _MASK
            b = (b - a) & _MASK ^ _turn(a, 19)
            a = (a + c) & _MASK
            c = (c - b) & _MASK ^ _turn(b, 4)
            b = (b + a) & _MASK
    c = ((c ^ b) - _turn(b, 14)) & _MASK
    a = ((a ^ c) - _turn(c, 11)) & _MASK
    b = ((b ^ a) - _turn(a, 25)) & _MASK
    c = ((c ^ b) - _turn(b, 16)) & _MASK
    a = ((a ^ c) - _turn(c, 4)) & _MASK
    b = ((b ^ a) - _turn(a, 14)) & _MASK
    return ((c ^ b) - _turn(b, 24)) & _MASK


def _turn(word: int, by: int) -> int:
    return (word << by | word >> (32 - by)) & _MASK
