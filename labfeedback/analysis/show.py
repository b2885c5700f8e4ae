"""The table that a person reads in the terminal."""

from __future__ import annotations

import math

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from labfeedback.analysis.walk import Analysis
from labfeedback.records import SIDE_NAMES, SIDES, flag_names


def show(one: Analysis, console: Console | None = None) -> None:
    """Print notes, every step, and both feet's means to stdout."""
    out = console or Console()
    if not out.is_terminal:  # a file or a pipe has no width: do not fold the table into the 80 columns rich assumes
        out = Console(width=160)
    height = f"{one.subject.height_m:.2f} m ({one.height_source})" if one.subject.height_m else "unknown"
    out.print(f"[bold]{escape(str(one.path))}[/bold]   {one.frames} frames at {one.rate_hz:g} Hz", highlight=False)
    out.print(
        f"marker set {one.markers.name} · rig {escape(one.rig_source)} · mass {one.subject.mass_kg:.1f} kg "
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
    for row in one.steps:
        table.add_row(
            SIDE_NAMES[int(row["side"])],
            f"{row['start_s']:.3f}",
            f"{row['end_s'] - row['start_s']:.3f}",
            _angle(row["fpa_deg"]) if row["fpa_valid"] else "-",
            *(_number(row[name], bool(row["kam_valid"])) for name in ("kam1_nm", "kam2_nm")),
            *(_number(row[f"{name}_{field}"], bool(row["kam_valid"]), 2) for name in ("kam1", "kam2")),
            flag_names(int(row["flags"])).replace(";", ", ").replace("_", " ") if not row["kam_valid"] else "",
            style="" if row["kam_valid"] else "dim",
        )
    out.print(table)
    for side in SIDES:
        steps = one.side(side)
        valid, angles = steps[steps["kam_valid"] == 1], steps["fpa_deg"][steps["fpa_valid"] == 1]
        sentence = f"{SIDE_NAMES[side]}: {len(valid)} of {len(steps)} steps valid"
        if len(angles):
            sentence += f", foot angle {_angle(angles.mean())}"
        if len(valid):
            sentence += (
                f", KAM1 {valid['kam1_nm'].mean():.1f} Nm ({valid[f'kam1_{field}'].mean():.2f} {unit})"
                f", KAM2 {valid['kam2_nm'].mean():.1f} Nm ({valid[f'kam2_{field}'].mean():.2f} {unit})"
            )
        out.print(sentence, highlight=False)


def _angle(value: float) -> str:
    return f"{abs(value):.1f}° {'toe-out' if value >= 0 else 'toe-in'}"


def _number(value: float, valid: bool, digits: int = 1) -> str:
    return f"{value:.{digits}f}" if valid and math.isfinite(value) else "-"
