"""The same input gives the numbers that it gave when tests/golden/numbers was written (see `tests.laws.numbers`)."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest

from labfeedback.records import CueState, EventCode, Flag, flag_names
from tests.laws.numbers import WALKS, everything, file_of

SAME = 1e-6  # of the largest value in a column: another processor's or library's last bits, nothing more


def number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def differences(kept: list[list[str]], now: list[list[str]]) -> list[str]:
    """What differs, as sentences."""
    if kept[0] != now[0]:
        return [f"columns: {sorted(set(kept[0]) ^ set(now[0]))}"]
    out = [] if len(kept) == len(now) else [f"{len(now) - 1} rows, {len(kept) - 1} expected"]
    for column, name in enumerate(kept[0]):
        old, new = ([row[column] for row in rows[1:]] for rows in (kept, now))
        sizes = [abs(x) for text in old if (x := number(text)) is not None and math.isfinite(x)]
        limit = SAME * max(sizes, default=0.0)
        for row, (a, b) in enumerate(zip(old, new, strict=False)):
            x, y = number(a), number(b)
            alike = a == b or (x is not None and y is not None and abs(x - y) <= limit)
            if not alike:
                out.append(f"{name}, row {row}: {b}, {a} expected")
                break
    return out


@pytest.mark.parametrize("name", list(everything()))
def test_the_numbers_are_those_of_the_day(name):
    found = []
    for part, rows in everything()[name]().items():
        with file_of(name, part).open(newline="", encoding="utf-8") as file:
            found += [f"{part}: {one}" for one in differences(list(csv.reader(file)), rows)]
    assert found == []


def test_the_walks_show_what_they_are_for():
    """A golden walk in which nothing happens would notice nothing."""
    flags, codes, states = 0, set(), set()
    for name in WALKS:
        with file_of(name, "steps").open(newline="", encoding="utf-8") as file:
            flags |= int(np.bitwise_or.reduce([int(row["flags"]) for row in csv.DictReader(file)]))
        with file_of(name, "events").open(newline="", encoding="utf-8") as file:
            codes |= {int(row["code"]) for row in csv.DictReader(file)}
        with file_of(name, "cues").open(newline="", encoding="utf-8") as file:
            states |= {int(row["state"]) for row in csv.DictReader(file)}
    assert flag_names(flags).split(";") == [flag.name.lower() for flag in Flag]
    assert codes >= set(EventCode), set(EventCode) - codes
    assert states == set(CueState), states


def test_a_number_that_moves_is_named():
    kept = [["a", "b"], ["1", "x"], ["2000", "y"]]
    assert differences(kept, [["a", "b"], ["1.001", "x"], ["2000", "y"]]) == []
    assert differences(kept, [["a", "b"], ["1.01", "x"], ["2000", "z"]]) == [
        "a, row 0: 1.01, 1 expected",
        "b, row 1: z, y expected",
    ]
    assert differences(kept, kept[:2]) == ["1 rows, 2 expected"]
