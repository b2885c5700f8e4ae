"""The plots of a report, as SVG text."""

from __future__ import annotations

from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.transforms import Affine2D

from labfeedback.footprint import SOLE, TOES
from labfeedback.records import SIDE_NAMES
from labfeedback.report.looks import BLUE, GREEN, GREY, LIGHT, ORANGE, as_svg, tidy
from labfeedback.report.visited import Visited

mpl.use("Agg")
import matplotlib.pyplot as plt

mpl.rcParams.update(
    {"font.size": 9, "svg.fonttype": "none", "font.family": "sans-serif", "svg.hashsalt": "labfeedback"}
)


def timeline(visited: Visited) -> str:
    """Foot angle with its target band, and both knees' peaks, over the visit."""
    figure, axes = plt.subplots(3, 1, figsize=(10, 6.6), sharex=True, layout="constrained",
                                gridspec_kw={"height_ratios": [1.2, 1, 0.8]})  # fmt: skip
    angle, own, other = axes
    foot = visited.foot
    for n, walk in enumerate(visited.walks):
        if walk.ended_s != walk.ended_s or walk.rows is None or not walk.planned.block.walks:
            continue
        a, b = ((t - visited.t0) / 60 for t in (walk.began_s, walk.ended_s))
        for ax in axes:
            if n % 2:
                ax.axvspan(a, b, color=LIGHT, alpha=0.55, linewidth=0)
        name = walk.planned.id.rpartition("/")[2].replace("_", " ")
        if walk.planned.block.measures == "practice":
            name = ""
        angle.text((a + b) / 2, 1.02, name, transform=angle.get_xaxis_transform(), ha="center", va="bottom",
                   fontsize=6.5, rotation=0 if b - a > 1.5 else 35, color=GREY)  # fmt: skip
        aimed = walk.aimed.get(foot)
        if aimed is not None and aimed.variable == "fpa":
            angle.fill_between([a, b], aimed.target - aimed.band, aimed.target + aimed.band, color=GREEN, alpha=0.22,
                               linewidth=0)  # fmt: skip
    rows = visited.steps[(visited.steps["side"] == foot) & (visited.steps["warm_up"] == 0)]
    time = (rows["start_s"] - visited.t0) / 60
    valid = rows["fpa_valid"] > 0
    for shown, colour, label in ((1, BLUE, "with feedback"), (0, GREY, "without feedback")):
        pick = valid & (rows["cued"] == shown)
        if pick.any():
            angle.plot(time[pick], rows["fpa_deg"][pick], ".", markersize=2.6, color=colour, label=label)
    valid = rows["kam_valid"] > 0
    own.plot(time[valid], rows["kam1_pct_bwht"][valid], ".", markersize=2.6, color=BLUE, label="first peak")
    own.plot(time[valid], rows["kam2_pct_bwht"][valid], ".", markersize=2.6, color=ORANGE, label="second peak")
    rest = visited.steps[(visited.steps["side"] == -foot) & (visited.steps["warm_up"] == 0)]
    valid = rest["kam_valid"] > 0
    later = (rest["start_s"] - visited.t0) / 60
    other.plot(later[valid], rest["kam1_pct_bwht"][valid], ".", markersize=2, color=BLUE)
    other.plot(later[valid], rest["kam2_pct_bwht"][valid], ".", markersize=2, color=ORANGE)
    side, rest_side = SIDE_NAMES[foot], SIDE_NAMES[-foot]
    angle.set_ylabel(f"{side} foot angle, deg\n(up: toe-out)")
    own.set_ylabel(f"KAM, {side} knee,\n%BW*Ht")
    other.set_ylabel(f"{rest_side} knee,\n%BW*Ht")
    other.set_xlabel("minutes from the beginning")
    for ax in axes:
        tidy(ax)
    for ax in (angle, own):
        if ax.get_legend_handles_labels()[0]:
            ax.legend(loc="upper right", frameon=False, fontsize=7.5, markerscale=3, ncols=2)
    return as_svg(figure)


def learning(numbers: dict[str, Any]) -> str:
    """RMSE to the target over the minutes of training; empty without any."""
    curve = numbers["learning_curve"]
    if len(curve) < 2:
        return ""
    figure, axes = plt.subplots(figsize=(5, 2.6), layout="constrained")
    minute = [row["minute"] for row in curve]
    axes.plot(minute, [100 * row["in_band"] for row in curve], "o-", color=BLUE, markersize=4)
    axes.set_ylim(0, 100)
    axes.set_ylabel("steps in the band, %")
    axes.set_xlabel("minute of the visit")
    tidy(axes)
    return as_svg(figure)


def pain(numbers: dict[str, Any]) -> str:
    """Both knees' ratings; empty with fewer than two."""
    ratings = numbers["pain"]
    if len(ratings) < 2:
        return ""
    figure, axes = plt.subplots(figsize=(5, 2.6), layout="constrained")
    minute = [max(0.0, r["minute"]) for r in ratings]
    for side, colour, mark in (("left", BLUE, "s"), ("right", ORANGE, "o")):
        axes.plot(minute, [r[side] for r in ratings], mark, linestyle="-", color=colour, label=f"{side} knee")
    axes.set_ylim(-0.4, 10.4)
    axes.set_yticks(range(0, 11, 2))
    axes.set_ylabel("pain, 0 to 10")
    axes.set_xlabel("minute of the visit")
    axes.legend(frameon=False, fontsize=8)
    tidy(axes)
    return as_svg(figure)


def foot_picture(own_deg: float, new_deg: float, side: int) -> str:
    """The foot from above as it walks now and as it is to walk: the only picture of the patient's page.

    Angles are deg, toe-out positive; side +1 right, -1 left.
    """
    figure, axes = plt.subplots(figsize=(5.2, 4.4), layout="constrained")
    for x, angle, name, colour in (
        (-0.55, own_deg, "how you walk now", GREY),
        (0.55, new_deg, "what you practise", GREEN),
    ):
        # On the page up is +y; toes out turn a right foot clockwise, a left one the other way.
        turn = Affine2D().scale(side, -1.0).rotate_deg(-side * angle).translate(x, 0.1)
        axes.add_patch(PathPatch(_SOLE_PATH.transformed(turn), facecolor=colour, edgecolor="none"))
        for (cx, cy), (rx, ry), tilt in TOES:
            toe = Path.unit_circle().transformed(Affine2D().scale(rx, ry).rotate_deg(tilt).translate(cx, cy))
            axes.add_patch(PathPatch(toe.transformed(turn), facecolor=colour, edgecolor="none"))
        axes.plot([x, x], [-0.05, 1.2], color="0.55", linestyle=":", linewidth=1.4)
        axes.text(x, -0.2, name, ha="center", fontsize=11, color=colour)
    axes.text(0.0, 1.22, "straight ahead", ha="center", fontsize=9, color="0.4")
    axes.set_aspect("equal")
    axes.set_xlim(-1.15, 1.15)
    axes.set_ylim(-0.28, 1.3)
    axes.axis("off")
    return as_svg(figure)


def _sole() -> Path:
    points, codes = [SOLE[0][0]], [Path.MOVETO]
    for end, first, second in SOLE[1:]:
        assert first is not None and second is not None
        points += [first, second, end]
        codes += [Path.CURVE4] * 3
    return Path(points, codes)


_SOLE_PATH: Final = _sole()


def course(visits: list[dict[str, Any]]) -> str:
    """Over the visits: share in the band with and without feedback, change of the larger peak with MDC, pain."""
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.0), layout="constrained")
    band, load, hurt = axes
    x = np.arange(1, len(visits) + 1)
    for key, colour, mark, name in (("training", BLUE, "o", "with feedback"), ("retention", GREEN, "s", "without")):
        y = [100 * v["training"][key]["in_band"] if key in v["training"] else np.nan for v in visits]
        if np.isfinite(y).any():
            band.plot(x, y, mark, linestyle="-", color=colour, label=name)
    band.set_ylim(-4, 104)
    band.set_ylabel("steps in the band, %")
    if band.get_legend_handles_labels()[0]:
        band.legend(frameon=False, fontsize=8)
    for n, v in zip(x, visits, strict=True):
        change = v.get("load_change")
        if change and change["low"] is not None:
            load.errorbar(n, change["mean"], [[change["mean"] - change["low"]], [change["high"] - change["mean"]]],
                          fmt="o", color=BLUE, capsize=3)  # fmt: skip
    load.axhline(0, color=GREY, linewidth=0.8)
    load.set_xlim(0.5, len(visits) + 0.5)
    load.set_ylabel("larger KAM peak, change from the\nsame visit's baseline, %BW*Ht")
    for side, colour, mark in (("left", BLUE, "s"), ("right", ORANGE, "o")):
        y = [float(np.mean([r[side] for r in v["pain"]])) if v["pain"] else np.nan for v in visits]
        hurt.plot(x, y, mark, linestyle="-", color=colour, label=f"{side} knee")
    hurt.set_ylim(-0.4, 10.4)
    hurt.set_ylabel("pain, mean of the visit")
    hurt.legend(frameon=False, fontsize=8)
    for ax in axes:
        ax.set_xticks(x, [v["short"] for v in visits], fontsize=7.5, rotation=35)
        tidy(ax)
    return as_svg(figure)
