"""What `run` and `demo` leave behind."""

from __future__ import annotations

from pathlib import Path

from labfeedback.commands.walking import remove_pictures


def test_a_walk_that_never_began_leaves_no_pictures_but_those_of_earlier_walks(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "screen_left_neutral.png").touch()
    remove_pictures(folder, set())
    assert not folder.exists()

    folder.mkdir()
    earlier = folder / "screen_left_good.png"
    earlier.touch()
    (folder / "screen_last_left_neutral.png").touch()
    remove_pictures(folder, {earlier})
    assert list(folder.iterdir()) == [earlier]
    remove_pictures(tmp_path / "never made", set())
