"""Live plots of the operator's window: forces and running moment of the last seconds, angle and peaks of the steps.

What the hub needs is its core, so the plots are frugal: 1-px pens without antialiasing, axes that are painted once and
kept as pictures, ranges that change seldom, curves of the steps drawn only when a step has come, and at most
`DRAWN_HZ` pictures a second (`python -m benchmarks.window` measures it).
"""

from __future__ import annotations

import math
from collections import deque
from typing import Any, Final

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt6.QtWidgets import QGraphicsItem, QGridLayout, QWidget

from labfeedback.console.evened import AGAIN, COMPARED, FIRST, Evened
from labfeedback.console.looks import Looks
from labfeedback.records import LEFT, RIGHT, Rows

SECONDS: Final = 5.0
FASTEST_HZ: Final = 500.0  # of a camera
POINTS: Final = 500
STALE_S: Final = 0.5
GAP_S: Final = 0.1
STEPS: Final = 60
DRAWN_HZ: Final = 10.0
_SYMBOLS: Final = {RIGHT: "o", LEFT: "s"}
_NAMES: Final = {RIGHT: "right", LEFT: "left"}
_COLUMNS: Final = ("time_s", "right_fz_n", "left_fz_n", "right_kam_nm", "left_kam_nm")
MOST_SD: Final = 4.0  # the range of a blinded operator's plot, which never changes
LATER: Final = f"nothing is shown of the first {FIRST} steps with feedback,<br>nor of {AGAIN} after a break"
OTHER: Final = "feedback is of another variable than the foot angle:<br>nothing of it is shown"
AXIS_PX: Final = 44  # room for '-1000'
LANE_RGBA: Final = (79, 214, 168, 60)
_SLACK: Final = 0.12  # of a range, above and below what it shows


class Reel:
    """The newest rows of some columns; memory that is made once. (rows, columns) float64."""

    def __init__(self, rows: int, columns: int) -> None:
        self._kept: NDArray[np.float64] = np.full((2 * rows, columns), np.nan)
        self._rows, self._end = rows, 0

    def add(self, values: NDArray[np.float64]) -> None:
        """Append (n, columns)."""
        values = values[-self._rows :]
        if self._end + len(values) > len(self._kept):
            keep = self._kept[max(0, self._end - self._rows) : self._end].copy()
            self._kept[: len(keep)], self._end = keep, len(keep)
        self._kept[self._end : self._end + len(values)] = values
        self._end += len(values)

    @property
    def newest(self) -> NDArray[np.float64]:
        """At most `rows` of them."""
        return self._kept[max(0, self._end - self._rows) : self._end]


class Plots(QWidget):
    """Feed it rows; `draw` shows them. foot: the trained one.

    blinded: no moment, no angle, no band, and of the deviation from the target what `Evened` lets through.
    """

    def __init__(self, looks: Looks, foot: int, scale: float = 1.0, *, blinded: bool = False) -> None:
        """scale: of the letters, see `looks.scale_of`."""
        super().__init__()
        self._scale, self._quiet = scale, looks.quiet
        colours = {RIGHT: looks.right, LEFT: looks.left}
        pg.setConfigOptions(antialias=False, background=looks.panel, foreground=looks.quiet)
        self._foot, self._blinded = foot, blinded
        self._frames = Reel(int(SECONDS * FASTEST_HZ), len(_COLUMNS))
        self._steps: deque[Any] = deque(maxlen=2 * STEPS)
        self._band: tuple[float, float] = (math.nan, math.nan)
        self._targets: list[tuple[float, float]] = []  # (since when, deg) of the trained foot
        self._other = False  # feedback is of another variable
        self._evened = Evened()
        self._new_frames = self._new_steps = False
        self._drawn_s, self._came_s = -math.inf, math.inf
        self._ranges: dict[int, tuple[float, float]] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(6)
        self._force = self._plot("vertical force, N (orange: left, blue: right)", "s", (-SECONDS, 0.0))
        self._moment = self._plot("running KAM, Nm (estimate; orange: left, blue: right)", "s", (-SECONDS, 0.0))
        evened = f"deviation from target: distance from the {COMPARED} before, SD"
        angle = evened if blinded else "foot angle, deg (up: toe-out)"
        self._angle = self._plot(f"{angle}, {_NAMES[foot]} foot", "steps ago", (-STEPS - 1.0, 1.0))
        self._peaks = self._plot(
            f"KAM1 (filled), KAM2 (hollow), {_NAMES[foot]} knee, %BW*Ht", "steps ago", (-STEPS - 1.0, 1.0)
        )
        places = [(self._force, 0, 0), (self._angle, 0, 1)]
        if blinded:
            self._angle.setYRange(-0.2, MOST_SD + 0.2, padding=0)
            self._moment.hide()
            self._peaks.hide()
        else:
            places += [(self._moment, 1, 0), (self._peaks, 1, 1)]
        for plot, row, column in places:
            grid.addWidget(plot, row, column)
        pens = {side: pg.mkPen(colours[side], width=1) for side in (RIGHT, LEFT)}
        self._force_curves = {side: self._force.plot(pen=pens[side], name=_NAMES[side]) for side in pens}
        self._moment_curves = {side: self._moment.plot(pen=pens[side]) for side in pens}
        self._lane = pg.LinearRegionItem((0, 0), orientation="horizontal", movable=False,
                                         brush=pg.mkBrush(*LANE_RGBA))  # fmt: skip
        self._lane.setVisible(False)
        self._angle.addItem(self._lane)
        self._words = f"<div style='color:{looks.text};font-size:{11 * scale:.0f}pt;text-align:center'>%s</div>"
        self._later = pg.TextItem(html=self._words % LATER, anchor=(0.5, 0.5))
        self._later.setTextWidth(int(440 * scale))  # without a width nothing is centred
        self._later.setPos(-STEPS / 2, MOST_SD / 2)
        self._later.setVisible(False)
        self._angle.addItem(self._later, ignoreBounds=True)
        colour, symbol = colours[foot], _SYMBOLS[foot]
        mark = {"pen": None, "symbol": symbol, "symbolSize": int(7 * scale), "symbolPen": colour}
        self._angles = self._angle.plot(**mark, symbolBrush=colour)
        self._first = self._peaks.plot(**mark, symbolBrush=colour)
        self._second = self._peaks.plot(**mark, symbolBrush=None)

    def _plot(self, title: str, below: str, across: tuple[float, float]) -> pg.PlotWidget:
        plot = pg.PlotWidget()
        plot.setAccessibleName(title)
        plot.setTitle(title, size=f"{10 * self._scale:.0f}pt")
        plot.setMouseEnabled(False, False)
        plot.hideButtons()
        plot.setMenuEnabled(False)
        plot.showGrid(y=True, alpha=0.2)
        plot.setLabel("bottom", below, **{"font-size": f"{9 * self._scale:.0f}pt", "color": self._quiet})
        plot.disableAutoRange()
        plot.setXRange(*across, padding=0)
        numbers = self.font()
        numbers.setPointSizeF(9 * self._scale)
        plot.getAxis("left").setWidth(int(AXIS_PX * self._scale))  # found out while painting, it would come too late
        for name in ("left", "bottom"):
            plot.getAxis(name).setTickFont(numbers)
            plot.getAxis(name).setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)
        plot.getPlotItem().titleLabel.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)
        return plot

    def frames(self, rows: Rows) -> None:
        """FRAME rows as they come."""
        self._frames.add(np.stack([rows[name].astype(np.float64) for name in _COLUMNS], axis=1))
        self._new_frames = True

    def steps(self, rows: Rows) -> None:
        """STEP rows as they come, after the CUE rows of their time; warm-up is not shown."""
        for row in rows:
            if int(row["side"]) == self._foot and not row["warm_up"]:
                angle = float(row["fpa_deg"]) if row["fpa_valid"] else math.nan
                end_s = float(row["end_s"])
                peaks = [float(row[n]) if row["kam_valid"] else math.nan for n in ("kam1_pct_bwht", "kam2_pct_bwht")]
                if self._blinded:
                    evened = self._evened.of_step(angle, self._target_at(end_s), end_s, cued=bool(row["cued"]))
                    angle = min(evened, MOST_SD) if evened == evened else math.nan
                self._steps.append((angle, *peaks))
                self._new_steps = True

    def cues(self, rows: Rows) -> None:
        """CUE rows as they come: what the trained foot aims at; NaN: nothing."""
        for row in rows:
            if int(row["side"]) == self._foot:
                angle = int(row["variable"]) == 0
                if angle == self._other:
                    self._other, self._new_steps = not angle, True
                    self._later.setHtml(self._words % (LATER if angle else OTHER))
                band = (float(row["target"]), float(row["band"])) if angle else (math.nan, math.nan)
                if not _same(band, self._band):
                    self._band, self._new_steps = band, True
                    self._targets.append((float(row["time_s"]), band[0]))

    def _target_at(self, time_s: float) -> float:
        """What was aimed at when a step ended: the last one of a block may come when the next block has begun."""
        return next((target for since, target in reversed(self._targets) if since <= time_s), math.nan)

    def draw(self, now_s: float) -> None:
        """Show what came. now_s: any clock, to draw no oftener than is useful.

        Curves of the last seconds vanish when nothing has come for `STALE_S`: what stands still must not look live.
        """
        if self._new_frames:
            self._came_s = now_s
        elif now_s - self._came_s > STALE_S:
            self._came_s = math.inf
            for curve in (*self._force_curves.values(), *self._moment_curves.values()):
                curve.setData([], [])
        if now_s - self._drawn_s < 1.0 / DRAWN_HZ - 0.005:
            return
        self._drawn_s = now_s
        if self._new_frames:
            self._draw_frames()
        if self._new_steps:
            self._draw_steps()
        self._new_frames = self._new_steps = False

    def _draw_frames(self) -> None:
        rows = self._frames.newest
        rows = rows[rows[:, 0] >= rows[-1, 0] - SECONDS]
        rows = rows[:: max(1, len(rows) // POINTS)].copy()  # no more points than a screen can show
        # No line is drawn over what nobody measured. Looked for among the points that are drawn: a row of its own in
        # the reel may be one of those that are left out.
        rows[1:][np.diff(rows[:, 0]) > GAP_S, 1:] = math.nan
        time = rows[:, 0] - rows[-1, 0]
        for column, side in enumerate((RIGHT, LEFT), 1):
            self._force_curves[side].setData(time, rows[:, column], connect="finite")
            if not self._blinded:
                self._moment_curves[side].setData(time, rows[:, column + 2], connect="finite")
        self._fit(self._force, rows[:, 1:3])
        if not self._blinded:
            self._fit(self._moment, rows[:, 3:5])

    def _draw_steps(self) -> None:
        steps = np.array(list(self._steps)[-STEPS:], dtype=np.float64).reshape(-1, 3)
        place = np.arange(len(steps), dtype=np.float64) - len(steps)
        _dots(self._angles, place, steps[:, 0])
        target, band = self._band
        if self._blinded:
            hidden = self._other or target == target
            self._later.setVisible(hidden and not np.isfinite(steps[:, 0]).any())
            return
        lane = [target - band, target + band] if target == target else []
        self._lane.setVisible(bool(lane))
        if lane:
            self._lane.setRegion(lane)
        self._fit(self._angle, np.concatenate([steps[:, 0], lane]), least=8.0)
        _dots(self._first, place, steps[:, 1])
        _dots(self._second, place, steps[:, 2])
        self._fit(self._peaks, steps[:, 1:], least=1.0)

    def _fit(self, plot: pg.PlotWidget, values: NDArray[np.float64], least: float = 1.0) -> None:
        """Change a vertical range only when something would be cut off, or has become half as large."""
        seen = values[np.isfinite(values)]
        if not len(seen):
            return
        low, high = float(seen.min()), float(seen.max())
        was = self._ranges.get(id(plot))
        span = max(high - low, least)
        if was is not None:
            edge = 0.03 * (was[1] - was[0])  # a mark at the very edge is half a mark
            inside = was[0] + edge <= low and high <= was[1] - edge
            if inside and was[1] - was[0] <= 2.0 * span * (1 + 2 * _SLACK):
                return
        middle, half = (low + high) / 2, span * (0.5 + _SLACK)
        self._ranges[id(plot)] = (middle - half, middle + half)
        plot.setYRange(middle - half, middle + half, padding=0)


def _same(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether two (target, band) are one; nothing is the same as nothing."""
    return one == other or (one[0] != one[0] and other[0] != other[0])


def _dots(item: Any, place: NDArray[np.float64], values: NDArray[np.float64]) -> None:
    """A step that is withheld has no dot."""
    there = np.isfinite(values)
    item.setData(place[there], values[there])
