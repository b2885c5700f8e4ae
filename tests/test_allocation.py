"""The allocation file of a blinded study: what is written is read, rows look alike, damage is never another arm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labfeedback import allocation as kept
from labfeedback.errors import BadSetup

DAY = "2026-11-27T10:00:00+01:00"


def row(subject: str = "S1", arm: str = "active", change: str = "toe-in 5 deg", reason: str = "") -> kept.Allocated:
    return kept.allocated(subject, arm, change, reason, DAY)


class TestTheAllocation:
    def test_what_is_written_is_read(self, tmp_path):
        path = tmp_path / "a.allocation"
        kept.begin(path)
        rows = [row(), row("S2", "sham", "toe-out 10 deg"), row("S3", "sham", "natural")]
        for one in rows:
            kept.add(path, one)
        assert kept.read(path) == rows
        assert kept.of(path, "S2").arm == "sham"

    def test_rows_of_every_arm_look_alike(self, tmp_path):
        path = tmp_path / "a.allocation"
        kept.begin(path)
        for number in range(40):
            kept.add(
                path,
                row(
                    f"S{number:02d}", ("active", "sham")[number % 2], "toe-in 10 deg" if number % 3 else "toe-out 5 deg"
                ),
            )
        lines = path.read_text(encoding="utf-8").splitlines()[1:]
        codes = [line.split("\t")[1] for line in lines]
        assert len({len(code) for code in codes}) == 1
        assert len(set(codes)) == 40
        assert len({code[:6] for code in codes}) > 30  # nothing that two of them share

    def test_a_second_row_needs_a_reason_and_the_newest_counts(self, tmp_path):
        path = tmp_path / "a.allocation"
        kept.begin(path)
        kept.add(path, row())
        with pytest.raises(BadSetup, match="allocated already"):
            kept.add(path, row(change="toe-out 5 deg"))
        kept.add(path, row(change="toe-out 5 deg", reason="assessed again"))
        assert kept.of(path, "S1").change == "toe-out 5 deg"
        assert len(kept.read(path)) == 2

    @pytest.mark.parametrize(
        ("arm", "change", "words"),
        [("placebo", "toe-in 5 deg", "expected active or sham"), ("active", "natural", "trains a change"),
         ("active", "toe-in 20 deg", "15"), ("active", "in 5", "expected"), ("sham", "selected", "no change")],
    )  # fmt: skip
    def test_nonsense_is_refused(self, arm, change, words):
        with pytest.raises(BadSetup, match=words):
            row(arm=arm, change=change)

    @given(st.integers(0, 3000), st.integers(1, 255))
    def test_a_damaged_file_is_never_another_allocation(self, tmp_path_factory, place, change):
        path = tmp_path_factory.mktemp("a") / "a.allocation"
        kept.begin(path)
        rows = [row(), row("S2", "sham", "natural")]
        for one in rows:
            kept.add(path, one)
        raw = bytearray(path.read_bytes())
        raw[place % len(raw)] ^= change
        path.write_bytes(bytes(raw))
        try:
            found = kept.read(path)
        except BadSetup:
            return
        assert all(one in rows for one in found)

    def test_a_person_without_a_row_is_told_whom_to_ask(self, tmp_path):
        path = tmp_path / "a.allocation"
        kept.begin(path)
        with pytest.raises(BadSetup, match="not allocated yet: ask"):
            kept.of(path, "S1")
