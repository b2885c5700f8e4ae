"""What keeps a live static trial from counting, and how the operator sees it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

from devices.simulated import Walk, layouts
from devices.walker.standing import Stander
from labfeedback.commands.verdict_table import StandingLine
from labfeedback.engine.standing import standing
from labfeedback.hub.standing import Progress, restless
from labfeedback.markerset import load_marker_set
from labfeedback.rig import load_rig

RIG, SET = load_rig("simulated"), load_marker_set("simulated")
MARKERS, FORCES = layouts(Walk().walker(), RIG)


def why(hide: tuple[str, ...] = (), load: float = 1.0, share: float = 0.5, shake_m: float = 0.0) -> str:
    chunk = Stander(1, share=share).advance(1.0)
    points = chunk.markers.values.reshape(len(chunk.markers.values), -1, 3).copy()
    labels = [channel.marker for channel in MARKERS.channels[::3]]
    for label in hide:
        points[:, labels.index(label)] = np.nan
    points[:, labels.index("LKNEL"), 0] += np.linspace(0.0, shake_m, len(points))
    streams = (MARKERS, points.reshape(len(points), -1)), (FORCES, load * chunk.forces.values)
    return restless(standing(*streams, RIG), SET)


def test_quiet_standing_counts() -> None:
    assert why() == ""


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"hide": ("RKNEM", "LSH3")}, "not seen: RKNEM, LSH3"),
        ({"load": 0.0}, "nobody stands on the plates"),
        ({"share": 0.02}, "nobody stands on the right plate"),
        ({"share": 0.98}, "nobody stands on the left plate"),
        ({"shake_m": 0.03}, "stand still: LKNEL moves by"),
    ],
)
def test_what_does_not_count_is_said(said: dict[str, float], sentence: str) -> None:
    assert sentence in why(**said)  # type: ignore[arg-type]


def test_a_pelvis_marker_that_nobody_sees_does_not_matter() -> None:
    assert why(hide=("RASI",)) == ""


def test_the_operators_line_has_what_is_left_and_what_is_wrong() -> None:
    line = StandingLine(3.0, Console(file=io.StringIO(), force_terminal=True)).line
    half = line(Progress("standing", 1.5)).plain
    assert "1.5 s more" in half and half.count("█") == half.count("░") == 12
    again = line(Progress("standing", 3.0, "not seen: RKNEM", 4)).plain
    assert "try 4" in again and "not seen: RKNEM" in again and "█" not in again
    assert "at most 20 s" in line(Progress("waiting", 20.0)).plain
    assert line(Progress("countdown", 2.1)).plain.strip().startswith("3")


def test_a_console_without_blocks_gets_a_bar_all_the_same() -> None:
    plain = Console(file=io.TextIOWrapper(io.BytesIO(), encoding="cp1252"), force_terminal=True)
    assert "############............" in StandingLine(3.0, plain).line(Progress("standing", 1.5)).plain


def test_without_a_terminal_each_change_is_said_once() -> None:
    out = io.StringIO()
    with StandingLine(3.0, Console(file=out, force_terminal=False, width=200)) as line:
        for left in (3.0, 2.0, 1.0):
            line.tell(Progress("countdown", left))
        for tenth in range(20):
            line.tell(Progress("standing", 3.0, f"stand still: RKNEL moves by {20 + tenth} mm", 2))
    assert out.getvalue().splitlines() == [
        "Stand on both plates, feet forward, knees straight, and keep still",
        "Once more (try 2): stand still: RKNEL",
    ]
