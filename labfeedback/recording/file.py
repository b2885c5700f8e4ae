"""One HDF5 file of a recording, finished or live or left by a crash, cut to what is known to be consistent."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from labfeedback.errors import BadFile
from labfeedback.inputlog import MAX_STREAMS
from labfeedback.recording.layout import DIGEST, FLUSH, LOG, SCHEMA, STREAMS, Array
from labfeedback.recording.unmarked import Unmarked
from labfeedback.records import TABLES

FRESH_S = 2.0  # a living recorder writes ten times a second; an older part is read strictly


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of one stream's samples of one layout: `count` of them from index `first`, in `group`'s datasets."""

    stream: int
    first: int
    count: int
    blocks: int
    layout: str
    group: Any


class RecordingFile:
    """`cut`: a ring position; of a part only what was flushed at or before it is seen."""

    def __init__(self, path: Path, cut: int | None = None) -> None:
        """Raises BadFile with a sentence."""
        self.path = path
        self.h5 = _open(path)
        try:
            self._read_counts(cut)
        except (KeyError, ValueError, OSError, TypeError, IndexError, AttributeError, RuntimeError) as error:
            self.h5.close()
            raise BadFile(
                f"{path} is an HDF5 file but not a recording of this program, or a damaged one "
                f"({_plain(error)}). Give a file that 'run' or 'demo' wrote, or copy it again from its origin."
            ) from error

    def _read_counts(self, cut: int | None) -> None:
        schema = int(self.h5.attrs["schema"])
        if schema != SCHEMA:
            self.h5.close()
            raise BadFile(
                f"{self.path} has layout version {schema}; this program reads version {SCHEMA}. "
                "Use the program version that wrote it."
            )
        self.is_part = "flushed" in self.h5
        self.token = int(self.h5.attrs["ring"])
        self.start_position = int(self.h5.attrs["position"]) if self.is_part else 0
        self.end_position = self.start_position
        row = None
        if self.is_part:
            flushed = _dataset(self.h5, "flushed", FLUSH)
            flushed.refresh()
            rows = flushed[:]
            if cut is not None:
                rows = rows[rows["position"] <= cut]
            row = rows[-1] if len(rows) else None
            if row is not None:
                self.end_position = int(row["position"])
        log = _group(self.h5, "input/log")
        parts_of_log = [
            _dataset(log, name, kind) for name, kind in (("records", LOG), ("text", "u1"), ("digest", DIGEST))
        ]
        tables = [_dataset(self.h5, name, dtype) for name, dtype in TABLES.items()]
        if self.is_part:
            for dataset in (*parts_of_log, *tables):
                dataset.refresh()
            self.log_count, self.text_count, self.log_blocks = (
                (int(row[name]) if row is not None else 0) for name in ("log", "log_text", "log_blocks")
            )
            self.table_counts = {name: int(row[name]) if row is not None else 0 for name in TABLES}
        else:
            self.log_count, self.text_count, self.log_blocks = (
                log[name].shape[0] for name in ("records", "text", "digest")
            )
            self.table_counts = {name: self.h5[name].shape[0] for name in TABLES}
        self.pieces = list(self._pieces(row))

    def _pieces(self, row: Any) -> list[Piece]:
        out = []
        for name in self.h5["input"]:
            if name == "log":
                continue
            group = _group(self.h5, f"input/{name}")
            values = _dataset(group, "values", None, dimensions=2)
            if values.dtype.kind != "f":
                raise ValueError(f"{values.name} holds no numbers")
            for dataset, kind in (("raw_time", "f8"), ("epoch", "i4"), ("digest", DIGEST)):
                _dataset(group, dataset, kind)
            if "layout" not in group:
                raise ValueError(f"{group.name}/layout is missing")
            layout = bytes(group["layout"][()]).decode().strip()
            if self.is_part:
                stream = STREAMS.index(name)
                if row is None or row["first"][stream] < 0:
                    continue
                for dataset in ("values", "raw_time", "epoch", "digest"):
                    group[dataset].refresh()
                first, count, blocks = (int(row[field][stream]) for field in ("first", "samples", "blocks"))
            else:
                stream, first = int(group.attrs["stream"]), int(group.attrs["first"])
                count, blocks = group["raw_time"].shape[0], group["digest"].shape[0]
            if not 0 <= stream < MAX_STREAMS:
                raise ValueError(f"stream {stream}")
            out.append(Piece(stream, first, count, blocks, layout, group))
        return sorted(out, key=lambda piece: (piece.stream, piece.first))

    def about(self) -> dict[str, str]:
        """The texts of `/about`."""
        try:
            return {name: bytes(item[()]).decode().strip() for name, item in self.h5["about"].items()}
        except (KeyError, ValueError, OSError, TypeError, AttributeError, RuntimeError) as error:
            raise BadFile(f"/about of {self.path} cannot be read: the file is damaged ({error}).") from error

    def log_rows(self) -> tuple[Array, bytes]:
        """LOG rows and the text their `text_at` counts in. Raises BadFile when they cannot be read."""
        log = self.h5["input/log"]
        try:
            return log["records"][: self.log_count], log["text"][: self.text_count].tobytes()
        except OSError as error:
            raise BadFile(f"The input log of {self.path} cannot be read: the file is damaged ({error}).") from error

    def table(self, name: str) -> Array:
        """Rows of one of `records.TABLES`."""
        try:
            rows: Array = self.h5[name][: self.table_counts[name]]
        except OSError as error:
            raise BadFile(
                f"The table '{name}' of {self.path} cannot be read: the file is damaged ({error})."
            ) from error
        return rows

    def close(self) -> None:
        """Close the file."""
        self.h5.close()


def _group(parent: Any, name: str) -> Any:
    """A group that must be there. Raises ValueError."""
    group = parent.get(name)
    if not isinstance(group, h5py.Group):
        raise ValueError(f"{parent.name.rstrip('/')}/{name} is missing")
    return group


def _dataset(group: Any, name: str, dtype: Any, dimensions: int = 1) -> Any:
    """A dataset that must be there, with rows of this type (None: any). Raises ValueError."""
    dataset = group.get(name)
    path = f"{group.name.rstrip('/')}/{name}"
    if not isinstance(dataset, h5py.Dataset):
        raise ValueError(f"{path} is missing")
    if (dtype is not None and dataset.dtype != dtype) or dataset.ndim != dimensions:
        raise ValueError(f"{path}: its rows have other fields than this version writes")
    return dataset


def _plain(error: Exception) -> str:
    """What an error says; a KeyError's text comes in quotes."""
    return str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)


def _open(path: Path) -> Any:
    if not path.exists():
        raise BadFile(f"{path} does not exist. Give the path of a recording (.h5).")
    problem: OSError | None = None
    for way in (_finished, _growing if _is_fresh(path) else _left_behind):
        try:
            return way(path)
        except (OSError, RuntimeError, ValueError) as error:
            problem = OSError(str(error))
    size = path.stat().st_size
    if not h5py.is_hdf5(path):
        raise BadFile(
            f"{path} ({size} bytes) is not an HDF5 file, or its beginning is damaged. Give a recording (.h5)."
        ) from problem
    raise BadFile(
        f"{path} ({size} bytes) is an HDF5 file that cannot be opened: it is cut short or damaged ({problem}). "
        "Copy it again from where it was recorded."
    ) from problem


def _is_fresh(path: Path) -> bool:
    return abs(time.time() - path.stat().st_mtime) < FRESH_S


def _finished(path: Path) -> Any:
    return h5py.File(path, "r")


def _growing(path: Path) -> Any:
    return h5py.File(path, "r", libver="latest", swmr=True)


def _left_behind(path: Path) -> Any:
    return h5py.File(Unmarked(path), "r")


def missing_positions(files: list[RecordingFile]) -> list[int]:
    """Numbers of the parts before which ring messages are missing (their predecessor is gone or ends too early)."""
    ends = np.array([0, *(file.end_position for file in files[:-1])]) if files else np.zeros(0)
    return [number for number, file in enumerate(files) if file.is_part and file.start_position > ends[number]]
