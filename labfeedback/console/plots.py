"""Live plots of the operator's window: forces and running moment of the last seconds, angle and peaks of the steps.

1-px pens without antialiasing, redrawn at most 20 times a second: more would cost the hub its core.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Any, Final

import numpy as np
import pyqtgraph as pg
from PyQt6.QtWidgets import QGridLayout, QWidget

from labfeedback.console.looks import Looks
from labfeedback.records import LEFT, RIGHT, Rows

SECONDS: Final = 5.0
STEPS: Final = 60
_COLOURS: Final = {RIGHT: "#4aa3ff", LEFT: "#ff9d42"}
_SYMBOLS: Final = {RIGHT: "o", LEFT: "s"}
_NAMES: Final = {RIGHT: "right", LEFT: "left"}


class Plots(QWidget):
    """Feed it rows; `draw` shows them. foot: the trained one. blinded: deviation from the target only, no moment."""

    def __init__(self, looks: Looks, foot: int, *, blinded: bool = False) -> None:
        super().__init__()
        pg.setConfigOptions(antialias=False, background=looks.panel, foreground=looks.quiet)
        self._foot, self._blinded = foot, blinded
        self._frames: deque[Rows] = deque()
        self._steps: deque[Any] = deque(maxlen=2 * STEPS)
        self._band: tuple[float, float] = (math.nan, math.nan)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(6)
        self._force = self._plot("vertical force, N (orange: left, blue: right)", "s")
        self._moment = self._plot("running KAM, Nm (estimate; orange: left, blue: right)", "s")
        angle = "foot angle from target, deg" if blinded else "foot angle, deg (up: toe-out)"
        self._angle = self._plot(f"{angle}, {_NAMES[foot]} foot", "steps ago")
        self._peaks = self._plot(f"KAM1 (filled), KAM2 (hollow), {_NAMES[foot]} knee, %BW*Ht", "steps ago")
        places = [(self._force, 0, 0), (self._angle, 0, 1)]
        if not blinded:
            places += [(self._moment, 1, 0), (self._peaks, 1, 1)]
        else:
            self._moment.hide()
            self._peaks.hide()
        for plot, row, column in places:
            grid.addWidget(plot, row, column)
        pens = {side: pg.mkPen(_COLOURS[side], width=1) for side in (RIGHT, LEFT)}
        self._force_curves = {side: self._force.plot(pen=pens[side], name=_NAMES[side]) for side in pens}
        self._moment_curves = {side: self._moment.plot(pen=pens[side]) for side in pens}
        self._lane = pg.LinearRegionItem((0, 0), orientation="horizontal", movable=False,
                                         brush=pg.mkBrush(79, 214, 168, 60))  # fmt: skip
        self._lane.setVisible(False)
        self._angle.addItem(self._lane)
        colour, symbol = _COLOURS[foot], _SYMBOLS[foot]
        mark = {"pen": None, "symbol": symbol, "symbolSize": 7, "symbolPen": colour}
        self._angles = self._angle.plot(**mark, symbolBrush=colour)
        self._first = self._peaks.plot(**mark, symbolBrush=colour)
        self._second = self._peaks.plot(**mark, symbolBrush=None)

    def _plot(self, title: str, below: str) -> pg.PlotWidget:
        plot = pg.PlotWidget()
        plot.setAccessibleName(title)
        plot.setTitle(title, size="10pt")
        plot.setMouseEnabled(False, False)
        plot.hideButtons()
        plot.setMenuEnabled(False)
        plot.showGrid(y=True, alpha=0.2)
        plot.setLabel("bottom", below)
        return plot

    def frames(self, rows: Rows) -> None:
        """FRAME rows as they come."""
        self._frames.append(rows)
        newest = float(rows["time_s"][-1])
        while self._frames and float(self._frames[0]["time_s"][-1]) < newest - SECONDS:
            self._frames.popleft()

    def steps(self, rows: Rows) -> None:
        """STEP rows as they come; warm-up is not shown."""
        for row in rows:
            if int(row["side"]) == self._foot and not row["warm_up"]:
                angle = float(row["fpa_deg"]) if row["fpa_valid"] else math.nan
                # A blinded operator sees how far a step was from its target, and only where the patient saw it too:
                # natural steps against the target would tell how large the change is.
                off = angle - self._band[0] if row["cued"] else math.nan
                self._steps.append((row, off if self._blinded else angle))

    def cues(self, rows: Rows) -> None:
        """CUE rows as they come: what the trained foot aims at; NaN: nothing."""
        for row in rows:
            if int(row["side"]) == self._foot:
                angle = int(row["variable"]) == 0
                self._band = (float(row["target"]), float(row["band"])) if angle else (math.nan, math.nan)

    def past(self, steps: Rows, cues: Rows) -> None:
        """Rows of a walk under way, as they were recorded: each step after the cues that came before it."""
        told = 0
        for step in steps:
            while told < len(cues) and float(cues[told]["time_s"]) <= float(step["end_s"]):
                self.cues(cues[told : told + 1])
                told += 1
            self.steps(np.array([step]))
        self.cues(cues[told:])

    def draw(self) -> None:
        """Show what came."""
        if self._frames:
            rows = np.concatenate(list(self._frames)) if len(self._frames) > 1 else self._frames[0]
            time = rows["time_s"] - float(rows["time_s"][-1])
            for side, name in _NAMES.items():
                self._force_curves[side].setData(time, rows[f"{name}_fz_n"], connect="finite")
                if not self._blinded:
                    self._moment_curves[side].setData(time, rows[f"{name}_kam_nm"], connect="finite")
        target, band = self._band
        known = target == target
        self._lane.setVisible(known)
        middle = 0.0 if self._blinded else target
        if known:
            self._lane.setRegion((middle - band, middle + band))
        steps = list(self._steps)[-STEPS:]
        place = np.arange(len(steps)) - len(steps)
        self._angles.setData(place, np.array([angle for _, angle in steps], dtype=float))
        if not self._blinded:
            for curve, name in ((self._first, "kam1_pct_bwht"), (self._second, "kam2_pct_bwht")):
                peaks = [row[name] if row["kam_valid"] else math.nan for row, _ in steps]
                curve.setData(place, np.array(peaks, dtype=float))
