"""The table and the plot at the end of a walk do not call a flank a peak, and count time as a replay does."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from pytest import MonkeyPatch
from rich.console import Console

from labfeedback.commands.summary import _title, in_short, plot, step_table
from labfeedback.records import CUE, LEFT, RIGHT, STEP, Rows


def _steps() -> Rows:
    rows = np.zeros(6, STEP)
    rows["step"] = np.arange(6)
    rows["side"] = [LEFT, RIGHT] * 3
    rows["start_s"] = 100.5 + np.arange(6)
    rows["end_s"] = rows["start_s"] + 0.7
    rows["kam_valid"] = rows["fpa_valid"] = 1
    rows["kam1_pct_bwht"], rows["kam2_pct_bwht"] = 3.0, 1.25
    rows["kam2_is_peak"] = rows["side"] == RIGHT
    return rows


def _text(steps: Rows) -> str:
    console = Console(width=140, record=True, file=io.StringIO())
    console.print(step_table(steps, np.zeros(0, CUE), 100.0))
    return console.export_text()


def test_times_count_from_the_first_marker_frame_and_flanks_are_marked() -> None:
    text = _text(_steps())
    first = next(line for line in text.splitlines() if " left " in line)
    assert "0.50" in first
    assert "1.25~" in first
    assert "no true second peak" in text
    left, right = in_short(_steps(), np.zeros(0, CUE))
    assert "no true second peak in 3 of 3 steps" in left
    assert "no true" not in right


def test_the_plot_draws_flanks_hollow_and_faint_and_says_who_and_when(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    drawn: list[Figure] = []
    save = Figure.savefig

    def keep(figure: Figure, *given: object, **named: object) -> None:
        drawn.append(figure)
        save(figure, *given, **named)

    monkeypatch.setattr(Figure, "savefig", keep)
    title = _title("S01", Path("S01_20260310T141500.h5"))
    plot(_steps(), np.zeros(0, CUE), tmp_path / "x.png", 100.0, title)
    said = drawn[0].get_suptitle()
    assert all(part in said for part in ("S01", "2026-03-10 14:15", "Research use, not for diagnosis"))
    lines = {str(line.get_label()): line for line in drawn[0].axes[1].lines}
    flank = lines["left, late stance, no true peak"]
    assert flank.get_fillstyle() == "none"
    assert flank.get_alpha() == 0.35
    assert flank.get_linestyle() == "None"
    assert "left, second peak" not in lines
    assert "right, late stance, no true peak" not in lines
