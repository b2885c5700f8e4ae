"""How a static trial looks in the terminal: a live line while the person stands, then the verdict."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from labfeedback.engine.calibration import Examined
    from labfeedback.engine.start import Check
    from labfeedback.hub.standing import Progress

STYLES: Final = {"green": "green", "amber": "yellow", "red": "bold red"}
_BAR: Final = 24


class StandingLine:
    """The operator's line while somebody stands; without a terminal, a sentence for each change."""

    def __init__(self, seconds: float, console: Console | None = None) -> None:
        self._seconds = seconds
        self._console = console or Console(stderr=True)
        self._live = Live(console=self._console, transient=True, refresh_per_second=10)
        self._said = ""

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def tell(self, progress: Progress) -> None:
        """Show where it stands."""
        if self._console.is_terminal:
            self._live.update(self.line(progress))
            return
        said = self.sentence(progress)
        if said != self._said:
            self._said = said
            self._console.print(said, soft_wrap=True, highlight=False)

    @staticmethod
    def sentence(progress: Progress) -> str:
        """Without numbers that change all the time."""
        if progress.phase == "waiting":
            return "Waiting for the streams"
        if progress.phase == "countdown":
            return "Stand on both plates, feet forward, knees straight, and keep still"
        if progress.trouble:
            return f"Once more (try {progress.tries}): {progress.trouble.split(' moves by')[0]}"
        return f"Keep still (try {progress.tries})"

    def line(self, progress: Progress) -> Text:
        """One line: phase, bar, seconds left, and what is wrong."""
        if progress.phase == "waiting":
            return Text(f" waiting for the streams, at most {progress.left_s:.0f} s", "cyan")
        if progress.phase == "countdown":
            return Text(
                f" {math.ceil(progress.left_s):3d}  stand on both plates, feet forward, knees straight", "bold cyan"
            )
        done = min(1.0, 1.0 - progress.left_s / self._seconds)
        full = round(_BAR * done)
        text = Text(" KEEP STILL ", "bold yellow" if progress.trouble else "bold green")
        on, off = ("#", ".") if self._console.options.ascii_only else ("█", "░")  # a Windows console may know no blocks
        text.append(on * full + off * (_BAR - full))
        text.append(f" {progress.left_s:.1f} s more")
        if progress.tries > 1:
            text.append(f"  (try {progress.tries})", "dim")
        if progress.trouble:
            text.append(f"  {progress.trouble}", "bold red")
        return text


def verdict_table(checks: Sequence[Check], title: str, console: Console | None = None) -> None:
    """Print all checks; the markers that are seen well share one row."""
    table = Table(title=f"Static trial: {title}", title_justify="left", pad_edge=False, box=None)
    for heading in ("", "check", "where", "found", "limit"):
        table.add_column(heading, no_wrap=True, justify="right" if heading == "found" else "left")
    for light, name, where, found, limit in rows(checks):
        table.add_row(Text(light, STYLES[light]), name, where, found, Text(limit, "dim"))
    (console or Console()).print(table)


def rows(checks: Sequence[Check]) -> Iterator[tuple[str, str, str, str, str]]:
    """(light, check, where, found, limit) of each row."""
    seen = [one for one in checks if one.name == "visible" and one.light == "green"]
    for one in checks:
        if one not in seen:
            found = "-" if one.value is None else f"{one.value:.{0 if abs(one.value) >= 100 else 1}f} {one.unit}"
            if one.unit == "of height":
                found = f"{one.value:.3f} {one.unit}"
            yield one.light, one.name.replace("_", " "), one.where, found, one.limit
        elif one is seen[0]:
            worst = min(seen, key=lambda each: each.value or 0.0)
            where = f"{len(seen)} markers, least {worst.where.split()[-1]}"
            yield "green", "visible", where, f"{worst.value:.1f} %", one.limit


def lines(examined: Examined) -> Iterator[str]:
    """The remedies and one word at the end."""
    for light in ("red", "amber"):
        for one in examined.checks:
            if one.light == light:
                firm = " (nothing overrides this)" if one.firm else ""
                yield f"{light}: {one.sentence}. {one.remedy[:1].upper()}{one.remedy[1:]}{firm}"
    if examined.calibration is not None and examined.calibration.mass_kg is not None:
        yield f"Mass: {examined.calibration.mass_kg:.1f} kg"
    yield f"Verdict: {examined.light}"
