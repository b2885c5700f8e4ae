"""The table that a person reads in the terminal."""

from __future__ import annotations

import math

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from labfeedback.analysis.walk import Analysis
from labfeedback.records import SIDE_NAMES, SIDES, Rows, flag_names


def show(one: Analysis, console: Console | None = None) -> None:
    """Print notes, every step, and both feet's means to stdout."""
    out = console or Console()
    if not out.is_terminal:  # a file or a pipe has no width: do not fold the table into the 80 columns rich assumes
        out = Console(width=160)
    height = f"{one.subject.height_m:.2f} m ({one.height_source})" if one.subject.height_m else "unknown"
    static = f" · static trial {escape(str(one.static))}" if one.static else ""
    out.print(f"[bold]{escape(str(one.path))}[/bold]   {one.frames} frames at {one.rate_hz:g} Hz", highlight=False)
    out.print(
        f"marker set {one.markers.name}{static} · rig {escape(one.rig_source)} · mass {one.subject.mass_kg:.1f} kg "
        f"({one.mass_source}) · height {height} · filter {one.settings.filter_hz:g} Hz",
        highlight=False,
    )
    for note in one.notes:
        out.print(f"[yellow]note[/yellow] {escape(note)}", highlight=False)
    relative = one.subject.height_m is not None
    unit = "%BW*Ht" if relative else "Nm/kg"
    table = Table(box=None, pad_edge=False, header_style="bold")
    heads = (
        "foot", "contact\ns", "stance\ns", "foot\nangle", "KAM1\nNm", "KAM2\nNm", f"KAM1\n{unit}", f"KAM2\n{unit}",
    )  # fmt: skip
    for head in heads:
        table.add_column(head, justify="left" if head.startswith("foot") else "right", no_wrap=True)
    table.add_column("withheld\nbecause of")
    field = "pct_bwht" if relative else "nm_per_kg"
    flanks = no_true_peak(one.steps)
    for row in one.steps:
        table.add_row(
            SIDE_NAMES[int(row["side"])],
            f"{row['start_s']:.3f}",
            f"{row['end_s'] - row['start_s']:.3f}",
            _angle(row["fpa_deg"]) if row["fpa_valid"] else "-",
            _number(row["kam1_nm"], bool(row["kam_valid"])),
            _second(row, "kam2_nm", flanks > 0),
            _number(row[f"kam1_{field}"], bool(row["kam_valid"]), 2),
            _second(row, f"kam2_{field}", flanks > 0, 2),
            flag_names(int(row["flags"])).replace(";", ", ").replace("_", " ") if not row["kam_valid"] else "",
            style="" if row["kam_valid"] else "dim",
        )
    out.print(table)
    if flanks:
        out.print("[dim]~ no true second peak: value at the border of the window[/dim]", highlight=False)
    for side in SIDES:
        steps = one.side(side)
        valid, angles = steps[steps["kam_valid"] == 1], steps["fpa_deg"][steps["fpa_valid"] == 1]
        sentence = f"{SIDE_NAMES[side]}: {len(valid)} of {len(steps)} steps valid"
        if not len(steps):
            shortest, longest = one.settings.stance_min_s, one.settings.stance_max_s
            sentence = (
                f"{SIDE_NAMES[side]}: 0 of 0 steps: no complete stance of {shortest:g}-{longest:g} s was found "
                "(notes above say what was rejected, if anything)"
            )
        elif not len(valid):
            reasons = flag_names(int(np.bitwise_or.reduce(steps["flags"]))).replace(";", ", ").replace("_", " ")
            sentence += f": all withheld because of {reasons or 'an unknown reason'}"
        if len(angles):
            sentence += f", foot angle {_angle(angles.mean())}"
        if len(valid):
            sentence += (
                f", KAM1 {valid['kam1_nm'].mean():.1f} Nm ({valid[f'kam1_{field}'].mean():.2f} {unit})"
                f", KAM2 {valid['kam2_nm'].mean():.1f} Nm ({valid[f'kam2_{field}'].mean():.2f} {unit})"
            )
            if flat := no_true_peak(steps):
                sentence += f", no true peak in {flat} of {len(valid)} steps"
        out.print(sentence, highlight=False)


def no_true_peak(steps: Rows) -> int:
    """How many valid steps have no second peak of their own: their KAM2 is the value at the border of its window."""
    return int(((steps["kam_valid"] == 1) & (steps["kam2_is_peak"] == 0)).sum())


def _second(row: Rows, name: str, any_flank: bool, digits: int = 1) -> str:
    """KAM2, dim and with a ~ where it is no peak; the others keep the room of the ~ so that digits stay aligned."""
    text = _number(float(row[name]), bool(row["kam_valid"]), digits)
    if text == "-" or not any_flank:
        return text + (" " if any_flank else "")
    return f"{text} " if row["kam2_is_peak"] else f"[dim]{text}~[/dim]"


def _angle(value: float) -> str:
    return f"{abs(value):.1f}° {'toe-out' if value >= 0 else 'toe-in'}"


def _number(value: float, valid: bool, digits: int = 1) -> str:
    return f"{value:.{digits}f}" if valid and math.isfinite(value) else "-"
