"""What a command may write to: never a file it reads, another of its outputs, or anybody's recording.

A mistyped option must not cost a visit, so every command asks here before it computes anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from labfeedback.errors import BadSetup

# What matplotlib's Agg, PDF, SVG and PS writers know.
PICTURES: Final = (".png", ".pdf", ".svg", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".eps", ".ps")
_NEVER: Final = (".c3d", ".h5", ".hdf5", ".toml", ".xdf", ".xdfz", ".trc", ".mot", ".sto")
_SIGNATURES: Final = ((b"\x89HDF\r\n\x1a\n", "an HDF5 recording"), (b"XDF:", "an XDF recording"),
                      (b"PathFileType", "a TRC recording"))  # fmt: skip

Output = tuple[str, Path | None]


def check_outputs(outputs: Sequence[Output], inputs: Iterable[Path | None] = ()) -> None:
    """Refuse outputs that would destroy something or cannot be written.

    outputs: option and path, e.g. ("--steps", Path("steps.csv")); None is skipped. inputs: every file that is read.
    Raises BadSetup; nothing is opened for writing.
    """
    read = [path for path in inputs if path is not None]
    given = [(option, path) for option, path in outputs if path is not None]
    for n, (option, path) in enumerate(given):
        said = f"{option} {path}"
        for source in read:
            if _same(path, source):
                raise BadSetup(
                    f"{said}: this is {source}, which is read; writing would destroy it. Choose another name"
                )
        for other_option, other in given[:n]:
            if _same(path, other):
                raise BadSetup(f"{said}: {other_option} is the same file. Give each output a name of its own")
        if path.is_dir():
            raise BadSetup(f"{said}: this is a folder; add a file name")
        kind = _kept(path)
        if kind:
            raise BadSetup(f"{said}: this is {kind}, and it is not written over. Choose another name")
        if path.suffix.lower() in _NEVER:
            raise BadSetup(
                f"{said}: files that end in {path.suffix} are recordings or settings and are never written here. "
                "Choose another name, for example one that ends in .csv"
            )
        folder = path.absolute().parent
        if not folder.is_dir():
            raise BadSetup(f"{said}: the folder {folder} does not exist; make it or choose another")
        if not os.access(path if path.exists() else folder, os.W_OK):
            raise BadSetup(f"{said}: this may not be written to; choose another folder or name")


def check_picture(option: str, path: Path | None) -> None:
    """Raise BadSetup unless the ending names a format that pictures can be written in."""
    if path is not None and path.suffix.lower() not in PICTURES:
        raise BadSetup(
            f"{option} {path}: the ending says how a picture is written, and {path.suffix or 'none'!r} is not known. "
            "End the name with .png, .pdf or .svg"
        )


def _same(one: Path, other: Path) -> bool:
    """Also through symbolic and hard links; a terminal or /dev/null may be given twice."""
    if one.exists() and other.exists():
        return one.samefile(other) and (one.is_file() or one.is_dir())
    return os.path.normcase(one.resolve()) == os.path.normcase(other.resolve())


def _kept(path: Path) -> str:
    """What recording an existing file is by its first bytes, whatever its name; else empty."""
    if not path.is_file():
        return ""
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError:
        return ""
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    # The first byte of a C3D file is a small block number; text and pictures (PNG, PDF) with a P there have letters.
    return "a C3D recording" if len(head) > 1 and head[1] == 0x50 and 0 < head[0] < 32 else ""
