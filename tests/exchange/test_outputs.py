"""No output option may cost a lab its recording."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from labfeedback.errors import BadSetup
from labfeedback.exchange.outputs import check_outputs, check_picture

C3D, HDF5 = b"\x02\x50" + bytes(510), b"\x89HDF\r\n\x1a\n" + bytes(500)


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    path = tmp_path / "walk.c3d"
    path.write_bytes(C3D)
    return path


def test_new_tables_and_older_results_may_be_written(walk: Path, tmp_path: Path) -> None:
    table, picture = tmp_path / "steps.csv", tmp_path / "plot.png"
    table.write_text("xP,side\n")
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    check_outputs([("--steps", table), ("--curves", tmp_path / "new.csv"), ("--plot", picture)], [walk, None])


@pytest.mark.parametrize("link", [None, os.symlink, os.link])
def test_an_input_is_never_an_output_however_it_is_called(walk: Path, tmp_path: Path, link: object) -> None:
    source = tmp_path / "measured.dat"  # neither its ending nor its bytes give it away
    source.write_bytes(b"any")
    output = source
    if callable(link):
        output = tmp_path / "steps.csv"
        link(source, output)
    with pytest.raises(BadSetup, match="which is read"):
        check_outputs([("--steps", output)], [walk, source])
    assert source.read_bytes() == b"any"


@pytest.mark.parametrize(("content", "kind"), [(C3D, "a C3D"), (HDF5, "an HDF5"), (b"XDF:\x01\x02", "an XDF")])
def test_a_recording_that_is_no_input_is_kept_whatever_its_name(tmp_path: Path, content: bytes, kind: str) -> None:
    other = tmp_path / "other.csv"
    other.write_bytes(content)
    with pytest.raises(BadSetup, match=f"{kind} recording"):
        check_outputs([("--steps", other)])


@pytest.mark.parametrize("name", ["a.C3D", "visit.h5", "rig.toml", "a.xdf", "a.trc", "a.mot"])
def test_endings_of_recordings_and_settings_are_no_outputs(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadSetup, match="never written"):
        check_outputs([("--truth", tmp_path / name)])


def test_two_outputs_are_two_files(tmp_path: Path) -> None:
    with pytest.raises(BadSetup, match="--steps is the same file"):
        check_outputs([("--steps", tmp_path / "x.csv"), ("--curves", tmp_path / "." / "x.csv")])


def test_a_folder_and_a_missing_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetup, match="is a folder"):
        check_outputs([("--steps", tmp_path)])
    with pytest.raises(BadSetup, match="does not exist"):
        check_outputs([("--steps", tmp_path / "no" / "x.csv")])


@pytest.mark.parametrize("name", ["plot", "plot.csv", "plot.gif"])
def test_a_picture_needs_an_ending_that_can_be_drawn(name: str) -> None:
    with pytest.raises(BadSetup, match=r"End the name with \.png"):
        check_picture("--plot", Path(name))
    check_picture("--plot", Path("plot.SVG"))
