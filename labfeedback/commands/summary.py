"""How a walk is shown when it is over: a table of its steps, and a plot of foot angle and knee moment."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table

from labfeedback.commands.operator import toe_words
from labfeedback.records import LEFT, RIGHT, SIDE_NAMES, CueState, Rows, flag_names

RESEARCH: Final = "Research use, not for diagnosis"
SHOWN_ROWS: Final = 12
COLOURS: Final = {RIGHT: "#1f5fa8", LEFT: "#c0582b"}  # told apart without colour by marker, too
MARKS: Final = {RIGHT: "o", LEFT: "s"}
WORDS: Final = {CueState.GOOD: "good", CueState.TOO_FAR_IN: "too far in", CueState.TOO_FAR_OUT: "too far out"}


def show_summary(recording: Path, out: Path, console: Console | None = None) -> Path | None:
    """Print the step table and write the plot beside the recording; names every file it leaves. Returns the plot."""
    from labfeedback.recording.reader import Recording

    console = console or Console(highlight=False)
    with Recording.open(recording) as visit:
        steps, cues, frames = visit.table("steps"), visit.table("cues"), visit.table("frames")
        title = _title(json.loads(visit.start.text)["subject"]["id"], recording)
    begin = float(frames["time_s"][0]) if len(frames) else None  # where a replay's table counts from, too
    console.print(step_table(steps, cues, begin))
    for line in in_short(steps, cues):
        console.print(line)
    console.print(f"Recording: {recording}", soft_wrap=True)
    pictures = sorted((out / "pictures").glob("*.png"))
    if pictures:
        console.print(f"Pictures of the patient's screen: {out / 'pictures'} ({len(pictures)})", soft_wrap=True)
    if not len(steps):
        return None
    picture = plot(steps, cues, recording.with_suffix(".png"), begin, title)
    console.print(f"Plot: {picture}", soft_wrap=True)
    return picture


def step_table(steps: Rows, cues: Rows, begin_s: float | None = None) -> Table:
    """The first and last steps, as many as fit a screen. begin_s: time of the first marker frame, s."""
    table = Table(title=f"{len(steps)} steps", title_justify="left")
    for name in ("step", "foot", "at, s", "stance, s", "toe, deg", "KAM1", "KAM2", "cue", "flags"):
        table.add_column(name, justify="left" if name in ("foot", "cue", "flags") else "right")
    table.caption = "KAM1, KAM2: peaks of the external knee adduction moment, % of body weight times height"
    begin = _begin(steps, begin_s)
    if no_true_peak(steps):
        table.caption += "; ~: no true second peak, the value at the border of the window"
    half = SHOWN_ROWS // 2
    every = len(steps) <= SHOWN_ROWS
    rows = list(steps) if every else [*steps[:half], None, *steps[-half:]]
    for row in rows:
        if row is None:
            table.add_row("...")
            continue
        table.add_row(
            str(int(row["step"])),
            SIDE_NAMES[int(row["side"])],
            f"{row['start_s'] - begin:.2f}",
            f"{row['end_s'] - row['start_s']:.2f}",
            toe_words(float(row["fpa_deg"])).replace("toe-", ""),
            _number(row["kam1_pct_bwht"]),
            _number(row["kam2_pct_bwht"]) + ("~" if row["kam_valid"] and not row["kam2_is_peak"] else ""),
            _cue_of(row, cues),
            flag_names(int(row["flags"])),
        )
    return table


def in_short(steps: Rows, cues: Rows) -> list[str]:
    """A sentence for each foot, and one about the band."""
    lines = []
    for side in (LEFT, RIGHT):
        own = steps[steps["side"] == side]
        valid = own[own["kam_valid"] > 0]
        if len(valid):
            lines.append(
                f"{SIDE_NAMES[side]} foot: {len(own)} steps, {len(valid)} valid; mean angle "
                f"{toe_words(float(np.nanmean(valid['fpa_deg']))).replace(' toe', ' deg toe')}; mean KAM1 "
                f"{np.nanmean(valid['kam1_pct_bwht']):.2f}, KAM2 {np.nanmean(valid['kam2_pct_bwht']):.2f} %BW*Ht"
                + (f", no true second peak in {flat} of {len(valid)} steps" if (flat := no_true_peak(own)) else "")
            )
    scored = cues[cues["scored_steps"] > 0]
    if len(scored):
        good, of = int(scored["good_steps"][-1]), int(scored["scored_steps"][-1])
        lines.append(f"in the band: {good} of {of} steps with feedback ({good / of:.0%})")
    return lines


def no_true_peak(steps: Rows) -> int:
    """How many valid steps have no second peak of their own."""
    return int(((steps["kam_valid"] > 0) & (steps["kam2_is_peak"] == 0)).sum())


def plot(steps: Rows, cues: Rows, path: Path, begin_s: float | None = None, title: str = "") -> Path:
    """Foot angle and KAM peaks of both feet over the walk, with the target band, as a PNG file.

    A second peak that is none is a faint hollow mark of its own, not part of any line.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, (angle, moment) = plt.subplots(2, 1, figsize=(11, 7), sharex=True, layout="constrained")
    begin = _begin(steps, begin_s)
    for side in (LEFT, RIGHT):
        own = steps[steps["side"] == side]
        time_s = own["start_s"] - begin
        style: dict[str, Any] = {"color": COLOURS[side], "marker": MARKS[side], "markersize": 4, "linewidth": 0.8}
        valid = own["fpa_valid"] > 0
        angle.plot(time_s[valid], own["fpa_deg"][valid], label=f"{SIDE_NAMES[side]} foot", **style)
        valid = own["kam_valid"] > 0
        moment.plot(time_s[valid], own["kam1_pct_bwht"][valid], label=f"{SIDE_NAMES[side]}, first peak", **style)
        peak, second = valid & (own["kam2_is_peak"] > 0), {**style, "linestyle": ":", "fillstyle": "none"}
        flank = valid & ~peak
        if peak.any():
            moment.plot(time_s[peak], own["kam2_pct_bwht"][peak], label=f"{SIDE_NAMES[side]}, second peak", **second)
        if flank.any():
            moment.plot(
                time_s[flank],
                own["kam2_pct_bwht"][flank],
                label=f"{SIDE_NAMES[side]}, late stance, no true peak",
                **{**second, "linestyle": "none", "alpha": 0.35, "markersize": 3},
            )
    aimed = cues[np.isfinite(cues["target"])]
    if len(aimed):
        target, band = float(aimed["target"][-1]), float(aimed["band"][-1])
        since = float(aimed["time_s"][0]) - begin
        until = float(steps["end_s"][-1]) - begin
        name = SIDE_NAMES[int(aimed["side"][-1])]
        angle.fill_between(
            [since, until], target - band, target + band, color="0.85", label=f"target band, {name} foot"
        )
    angle.set_ylabel("foot progression angle, deg\n(up: toe-out, down: toe-in)")
    moment.set_ylabel("knee adduction moment, %BW*Ht")
    moment.set_xlabel("time, s")
    for axes in (angle, moment):
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
        axes.grid(color="0.92")
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle("   ·   ".join(part for part in (title, RESEARCH) if part), fontsize=11)
    figure.savefig(path, dpi=120)
    plt.close(figure)
    return path


def _begin(steps: Rows, begin_s: float | None) -> float:
    """Where times count from: the first marker frame, or without frames the first step."""
    if begin_s is not None:
        return begin_s
    return float(steps["start_s"][0]) if len(steps) else 0.0


def _title(subject: str, recording: Path) -> str:
    """Subject, and the moment that the recording's name bears."""
    found = re.search(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)\d\d", recording.stem)
    date = "   ·   {}-{}-{} {}:{}".format(*found.groups()) if found else ""
    return f"subject {subject}{date}"


def _number(value: float) -> str:
    return "-" if value != value else f"{value:.2f}"


def _cue_of(step: Any, cues: Rows) -> str:
    """The verdict on this stance: the first cue of its foot between its start and 0.3 s after its end."""
    own = cues[
        (cues["side"] == step["side"])
        & (cues["step"] >= 0)
        & (cues["time_s"] > step["start_s"])
        & (cues["time_s"] < step["end_s"] + 0.3)
    ]
    verdicts = [WORDS[CueState(int(state))] for state in own["state"] if CueState(int(state)) in WORDS]
    return verdicts[0] if verdicts else ""
