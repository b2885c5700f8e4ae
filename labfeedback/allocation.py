"""Who trains what in a blinded study: a file that somebody other than the operator keeps, outside the study folder.

Each line is a pseudonym and a sealed row: all rows are equally long and look like noise, so that a file opened by
mistake tells nothing, not even who is in the same group. The seal keeps out a glance, not a person who wants to know:
the lab must be able to read it without a password. What keeps people out is where the file lies and who may open it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from labfeedback.errors import BadSetup
from labfeedback.protocol.aiming import change_words, parse_change

ARMS: Final = ("active", "sham")
HEAD: Final = "labfeedback allocation 1 (sealed; 'labfeedback allocate FILE --show' reads it)"
_ROW: Final = 384
_NONCE: Final = 16
_MARK: Final = 16  # bytes of a digest: a letter that a disk has changed must not be another target


@dataclass(frozen=True, slots=True)
class Allocated:
    """One person's row. change: what is trained, in words; with arm 'sham' it is kept and not trained."""

    subject: str
    arm: str
    change: str
    reason: str
    made: str  # ISO day and time


def allocated(subject: str, arm: str, change: str, reason: str, made: str) -> Allocated:
    """A checked row. Raises BadSetup."""
    if arm not in ARMS:
        raise BadSetup(f"arm {arm!r}: expected active or sham")
    amount = parse_change(change)
    if amount == 0.0 and arm == "active":
        raise BadSetup("the active arm trains a change; 'natural' is what the sham arm trains")
    return Allocated(subject, arm, change_words(amount), reason.strip(), made)


def begin(path: Path) -> None:
    """A file without people. Raises BadSetup where there is one, or none can be."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(HEAD + "\n")
    except FileExistsError:
        read(path)  # that of an earlier study may go on; anything else is refused
    except OSError as error:
        raise BadSetup(f"{path} cannot be written ({error.strerror}); choose another place") from None


def read(path: Path) -> list[Allocated]:
    """All rows in the order they were made; a person's last one counts. Raises BadSetup."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise BadSetup(
            f"{path}: the allocation cannot be read ({why}). Is its drive there? Ask whoever keeps it"
        ) from None
    if not lines or lines[0] != HEAD:
        raise BadSetup(f"{path}: this is no allocation file; 'labfeedback blind' makes one")
    return [_open(path, number, line) for number, line in enumerate(lines[1:], 2) if line.strip()]


def of(path: Path, subject: str) -> Allocated:
    """The person's row that counts. Raises BadSetup, which tells nothing of others."""
    rows = [one for one in read(path) if one.subject == subject]
    if not rows:
        raise BadSetup(
            f"{subject} is not allocated yet: ask whoever keeps the allocation to run 'labfeedback allocate'"
        )
    return rows[-1]


def add(path: Path, row: Allocated) -> None:
    """Append; a person who has a row already needs a reason. Raises BadSetup."""
    before = [one for one in read(path) if one.subject == row.subject]
    if before and len(row.reason) < 3:
        raise BadSetup(
            f"{row.subject} is allocated already (arm {before[-1].arm}, {before[-1].change}); to change that, give "
            "--reason: both rows are kept"
        )
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{row.subject}\t{_seal(row)}\n")
    except OSError as error:
        raise BadSetup(f"{path} cannot be written ({error.strerror})") from None


def _stream(nonce: bytes) -> bytes:
    return hashlib.shake_256(b"labfeedback allocation" + nonce).digest(_ROW)


def _seal(row: Allocated) -> str:
    text = json.dumps(asdict(row)).encode()
    if len(text) > _ROW:
        raise BadSetup("the reason is too long: 120 letters are enough")
    nonce = secrets.token_bytes(_NONCE)
    padded = text.ljust(_ROW)
    noise = bytes(a ^ b for a, b in zip(padded, _stream(nonce), strict=True))
    return base64.b64encode(nonce + _mark(nonce, padded) + noise).decode()


def _mark(nonce: bytes, padded: bytes) -> bytes:
    return hashlib.sha256(nonce + padded).digest()[:_MARK]


def _open(path: Path, number: int, line: str) -> Allocated:
    try:
        subject, code = line.split("\t")
        raw = base64.b64decode(code, validate=True)
        nonce, mark, noise = raw[:_NONCE], raw[_NONCE : _NONCE + _MARK], raw[_NONCE + _MARK :]
        text = bytes(a ^ b for a, b in zip(noise, _stream(nonce), strict=True))
        row = Allocated(**json.loads(text)) if mark == _mark(nonce, text) else None
    except (ValueError, TypeError):
        row = None
    if row is None or row.subject != subject:
        raise BadSetup(f"{path}, line {number}: damaged; restore the file from a copy")
    return row
