"""`labfeedback recover`: what a crash left becomes a finished recording."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def recover(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Recordings, or parts of one (visit.part001.h5).")
    ],
) -> None:
    """Put the parts that a crash left together into one finished recording, and look through all of it.

    Ends with 0 when every FILE is now whole, 2 when one could not be opened or something is missing from it. Pictures
    and tables among the FILEs are passed over with a note.
    """
    from labfeedback.errors import BadFile, LabError
    from labfeedback.recording.layout import final_path
    from labfeedback.recording.recover import recover as mend

    worst = 0
    done: set[Path] = set()
    recordings = [file for file in files if not _is_something_else(file)]
    if not recordings:
        raise BadFile(
            "None of these files is a recording: give the .h5 files that 'run' or 'demo' wrote, or their parts"
        )
    for file in files:
        if file not in recordings:
            typer.echo(f"{file}: no recording, passed over.")
    for file in recordings:
        final = final_path(file)
        if final in done:
            continue  # another part of the same recording
        done.add(final)
        try:
            found = mend(file, say=typer.echo)
        except LabError as error:
            typer.echo(str(error), err=True)
            worst = max(worst, error.exit_code)
            continue
        counts = ", ".join(f"{count} samples of {name}" for name, count in found.samples.items())
        origin = f"put together from {found.parts} part(s)" if found.parts else "was finished already"
        typer.echo(f"{found.path}: {origin}; {counts or 'no samples'}; {found.steps} steps.")
        if not found.clean_end:
            typer.echo("The visit was cut off; everything until then is in the file.")
        for sentence in found.damage:
            typer.echo(f"Damaged or missing: {sentence}")
        if found.damage:
            worst = max(worst, 2)
    raise typer.Exit(worst)


def _is_something_else(file: Path) -> bool:
    """A folder, or an existing file that is no HDF5 file by its name nor by its first bytes."""
    if file.is_dir():
        return True
    if file.suffix.lower() in (".h5", ".hdf5") or not file.is_file():
        return False
    with file.open("rb") as opened:
        return opened.read(8) != b"\x89HDF\r\n\x1a\n"
