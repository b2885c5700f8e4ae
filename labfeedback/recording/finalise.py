"""Parts become one finished, compressed recording; nothing is removed before that one is whole."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py

from labfeedback.errors import BadFile, LabError
from labfeedback.recording.file import Piece, RecordingFile, missing_positions
from labfeedback.recording.layout import STREAMS, append, create_common, create_stream, parts_of
from labfeedback.recording.reader import open_parts
from labfeedback.records import TABLES

_BLOCK: Final = 65536  # rows copied at a time
_EMPTY: Final = 4096  # a part this small (bytes) died before it was laid out


def finalise(final: Path, say: Callable[[str], None] = lambda _: None) -> Path:
    """Merge the parts beside `final` into it, replace it in one step, then remove the parts. Returns `final`.

    say: told in a sentence what could not be kept. A part that nothing can open is removed only when its neighbours
    prove that it held nothing they do not hold; otherwise it stays where it is.
    Raises BadFile when no part can be opened, LabError when the disk does not take the result; the parts stay then.
    """
    parts = parts_of(final)
    if not parts:
        raise BadFile(f"There are no parts of {final} to put together. Give the path of a recording or of its parts.")
    files, unreadable = open_parts(parts)
    gaps = missing_positions(files)
    for number in gaps:
        say(f"Something is missing before {files[number].path.name}: an earlier part is damaged or gone.")
    # What a last part held cannot be known from neighbours.
    last_lost = bool(unreadable) and unreadable[-1] > files[-1].path and unreadable[-1].stat().st_size > _EMPTY
    scratch = final.with_name(final.name + ".tmp")
    try:
        with h5py.File(scratch, "w") as out:
            _merge(files, out)
        os.replace(scratch, final)  # noqa: PTH105 - the word for "in one step"
    except OSError as error:
        with contextlib.suppress(OSError):
            scratch.unlink()
        raise LabError(
            f"The finished recording could not be written to {final} ({error}). Free some space (about the size of its "
            f"parts) and run: labfeedback recover {parts[0]}"
        ) from error
    finally:
        for file in files:
            file.close()
    keep = set(unreadable) if gaps or last_lost else set()
    for path in keep:
        say(f"{path.name} cannot be opened; it was left where it is.")
    for path in parts:
        if path not in keep:
            with contextlib.suppress(OSError):  # a reader on Windows holds it; the finished file is whole all the same
                path.unlink()
    return final


@dataclass(slots=True)
class Run:
    """A stream group of the finished file: samples of one layout without a hole, up to index `end`."""

    group: Any
    shape: tuple[int, Any, str]  # channels, dtype, layout
    end: int


def _merge(files: list[RecordingFile], out: Any) -> None:
    about: dict[str, str] = {}
    for file in reversed(files):
        about |= file.about()
    create_common(out, about, compress=True)
    out.attrs["ring"] = files[-1].token
    for file in files:
        _append_log(file, out["input/log"])
        for name in TABLES:
            for at in range(0, file.table_counts[name], _BLOCK):
                append(out[name], file.h5[name][at : min(at + _BLOCK, file.table_counts[name])])
    runs: dict[int, list[Run]] = {}
    for file in files:
        for piece in file.pieces:
            _append_piece(piece, out["input"], runs.setdefault(piece.stream, []))


def _append_log(file: RecordingFile, log: Any) -> None:
    rows, text = file.log_rows()
    rows["text_at"] += log["text"].shape[0]
    digests = file.h5["input/log/digest"][: file.log_blocks]
    digests["first"] += log["records"].shape[0]
    append(log["records"], rows)
    append(log["digest"], digests)
    texts = file.h5["input/log/text"][: len(text)]
    append(log["text"], texts)


def _append_piece(piece: Piece, parent: Any, runs: list[Run]) -> None:
    """Onto the stream's last run if it continues it, else into a new group `markers_2`, `markers_3` ..."""
    values = piece.group["values"]
    shape = (values.shape[1], values.dtype, piece.layout or (runs[-1].shape[2] if runs else ""))
    if not runs or runs[-1].end != piece.first or runs[-1].shape != shape:
        name = STREAMS[piece.stream] + (f"_{len(runs) + 1}" if runs else "")
        group = create_stream(parent, name, *shape, compress=True)
        group.attrs["stream"], group.attrs["first"] = piece.stream, piece.first
        runs.append(Run(group, shape, piece.first))
    run = runs[-1]
    for name in ("values", "raw_time", "epoch"):
        for at in range(0, piece.count, _BLOCK):
            append(run.group[name], piece.group[name][at : min(at + _BLOCK, piece.count)])
    append(run.group["digest"], piece.group["digest"][: piece.blocks])
    run.end += piece.count
