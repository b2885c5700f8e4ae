"""The picture of a walk: moment over stance and foot angle over steps, both feet, withheld steps set apart."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike

from labfeedback.analysis.walk import Analysis
from labfeedback.errors import BadSetup
from labfeedback.records import LEFT, RIGHT, SIDE_NAMES, flag_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Blue and vermilion of Okabe and Ito: told apart by colour-blind eyes and, by their lightness, in grey print.
_COLOUR: Final = {RIGHT: "#0072B2", LEFT: "#D55E00"}
_WITHHELD: Final = "#8a8a8a"
_ORDER: Final = (LEFT, RIGHT)
_GRID: Final = np.linspace(0.0, 100.0, 201)


def draw(one: Analysis, path: Path) -> None:
    """Write a PNG, or what the ending says. Raises BadSetup when it cannot be written."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13.0, 8.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 2, height_ratios=[1.5, 1.0], sharey="row")
    for column, side in enumerate(_ORDER):
        _moments(axes[0, column], one, side)
        _angles(axes[1, column], one, side)
    axes[0, 0].set_ylabel("external knee adduction moment (Nm)")
    axes[1, 0].set_ylabel("foot progression angle (deg)\n← toe in      toe out →")
    _percent_axis(axes[0, 1], one)
    height = f"{one.subject.height_m:.2f} m" if one.subject.height_m else "height unknown"
    static = f" (static trial {one.static.name})" if one.static else ""
    figure.suptitle(
        f"{one.path.name}{static}   ·   {one.subject.mass_kg:.1f} kg {one.mass_source}, {height}   ·   "
        f"{one.settings.filter_hz:g} Hz zero-lag filter",
        fontsize=11,
    )
    said = [*one.notes, "Research use, not for diagnosis."]
    lines = [line for note in said for line in textwrap.wrap(note, 200)]
    figure.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=7, color="#555555")
    try:
        figure.savefig(path, dpi=110)
    except (OSError, ValueError) as error:
        raise BadSetup(f"the picture could not be written to {path}: {error}") from None


def _tidy(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.7)
    axes.set_axisbelow(True)


def _moments(axes: Axes, one: Analysis, side: int) -> None:
    _tidy(axes)
    axes.axhline(0.0, color="#444444", linewidth=0.8)
    steps = {int(row["step"]): row for row in one.side(side)}
    kept: list[Any] = []
    withheld: list[int] = []
    for curve in one.curves:
        row = steps.get(curve.step)
        if curve.side != side or row is None or len(curve.frame) < 5:
            continue
        stance = 100 * (curve.frame / one.rate_hz - row["start_s"]) / (row["end_s"] - row["start_s"])
        if row["kam_valid"]:
            axes.plot(stance, curve.kam_nm, color=_COLOUR[side], linewidth=0.8, alpha=0.45)
            axes.plot(row["kam1_stance_pct"], row["kam1_nm"], "^", color=_COLOUR[side], markersize=5, alpha=0.8)
            inside = _COLOUR[side] if row["kam2_is_peak"] else "white"
            axes.plot(
                row["kam2_stance_pct"], row["kam2_nm"], "v", mfc=inside, mec=_COLOUR[side], markersize=5, alpha=0.8
            )
            kept.append(np.interp(_GRID, stance, curve.kam_nm))
        else:
            withheld.append(int(row["flags"]))
            axes.plot(stance, curve.kam_nm, color=_WITHHELD, linewidth=0.8, linestyle=(0, (4, 3)))
    if kept:
        axes.plot(_GRID, np.mean(kept, axis=0), color=_COLOUR[side], linewidth=2.8, label=f"mean of {len(kept)} steps")
        axes.plot([], [], "^", color=_COLOUR[side], markersize=5, label="KAM1")
        axes.plot([], [], "v", color=_COLOUR[side], markersize=5, label="KAM2 (hollow: a flank, no peak)")
    if withheld:
        reasons = _words(int(np.bitwise_or.reduce(withheld))).replace("\n", ", ")
        axes.plot([], [], color=_WITHHELD, linestyle=(0, (4, 3)), label=f"{len(withheld)} withheld: {reasons}")
    axes.set_xlim(0, 100)
    axes.set_xlabel("stance (%)")
    valid = one.side(side)
    valid = valid[valid["kam_valid"] == 1]
    means = f"   KAM1 {valid['kam1_nm'].mean():.1f} Nm, KAM2 {valid['kam2_nm'].mean():.1f} Nm" if len(valid) else ""
    if flat := int((valid["kam2_is_peak"] == 0).sum()):
        means += f" (no true peak in {flat} of {len(valid)})"
    axes.set_title(f"{SIDE_NAMES[side].upper()} KNEE{means}", loc="left", fontsize=10, fontweight="bold")
    if kept or withheld:
        axes.legend(loc="upper right", frameon=False, fontsize=8)
    else:
        axes.text(0.5, 0.5, "no complete step", transform=axes.transAxes, ha="center", color=_WITHHELD)


def _angles(axes: Axes, one: Analysis, side: int) -> None:
    _tidy(axes)
    steps = one.side(side)
    good = steps["fpa_valid"] == 1
    axes.plot(steps["start_s"][good], steps["fpa_deg"][good], "o", color=_COLOUR[side], markersize=6)
    floor = float(np.min(one.steps["fpa_deg"][one.steps["fpa_valid"] == 1], initial=np.inf)) - 2.0
    floor = floor if np.isfinite(floor) else 0.0
    for row in steps[(steps["fpa_valid"] != 1) | (steps["kam_valid"] != 1)]:
        if row["fpa_valid"]:
            axes.plot(row["start_s"], row["fpa_deg"], "o", mfc="white", mec=_COLOUR[side], markersize=6)
        else:
            axes.plot(row["start_s"], floor, "x", color=_WITHHELD, markersize=7)
        axes.annotate(
            _words(int(row["flags"])),
            (row["start_s"], row["fpa_deg"] if row["fpa_valid"] else floor),
            xytext=(0, -8),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=6.5,
            color="#555555",
        )
    title = f"{SIDE_NAMES[side].upper()} FOOT"
    if good.any():
        mean = float(steps["fpa_deg"][good].mean())
        axes.axhline(mean, color=_COLOUR[side], linewidth=1.2, linestyle=":")
        title += f"   {abs(mean):.1f} deg {'toe-out' if mean >= 0 else 'toe-in'}"
    if (steps["kam_valid"] != 1).any():
        axes.set_title(
            f"hollow: moment withheld, cross: angle too ({int((steps['kam_valid'] != 1).sum())} of {len(steps)})",
            loc="right",
            fontsize=8,
            color="#555555",
        )
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
    axes.set_xlim(0, one.frames / one.rate_hz)
    axes.margins(y=0.25)
    axes.set_xlabel("time of contact (s)")


def _words(flags: int) -> str:
    return flag_names(flags).replace(";", "\n").replace("_", " ")


def _percent_axis(axes: Axes, one: Analysis) -> None:
    mass, height = one.subject.mass_kg, one.subject.height_m
    if not mass or not height:
        return
    unit = mass * 9.81 * height / 100

    def percent(newton_metres: ArrayLike) -> ArrayLike:
        return np.asarray(newton_metres, dtype=np.float64) / unit

    def back(percents: ArrayLike) -> ArrayLike:
        return np.asarray(percents, dtype=np.float64) * unit

    axes.secondary_yaxis("right", functions=(percent, back)).set_ylabel("%BW*Ht")
