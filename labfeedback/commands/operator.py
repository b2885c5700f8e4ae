"""The operator's line in the terminal: how the walk goes, and every incident aloud."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

STATES: Final = (
    ("running", "bold green"),
    ("data late", "yellow"),
    ("DATA SILENT", "bold red"),
    ("PAUSED", "bold red"),
)
PLAIN_EVERY_S: Final = 10.0  # without a terminal: one line now and then, for a log


def toe_words(angle_deg: float) -> str:
    """'7.2 toe-out', '3.0 toe-in', or 'not measured'; never a bare sign."""
    if angle_deg != angle_deg:
        return "not measured"
    return f"{abs(angle_deg):.1f} toe-{'out' if angle_deg >= 0 else 'in'}"


def status_line(status: dict[str, Any], elapsed_s: float) -> Text:
    """One line: state, time, steps, valid share, last foot angles in words, share in the band, data age, latency."""
    word, style = STATES[min(int(status["state"]), 3)]
    line = Text()
    line.append(f" {word} ", style)
    if status["silent"]:
        line.append(f"({' and '.join(status['silent'])}) ", "bold red")
    line.append(f"{int(elapsed_s) // 60}:{int(elapsed_s) % 60:02d}")
    steps, valid = status["steps"], status["steps_valid"]
    line.append(f"  steps {steps}")
    if steps:
        share = valid / steps
        line.append(f" ({share:.0%} valid)", "" if share >= 0.8 else "yellow")
    last = [
        f"{side} {toe_words(status['fpa_deg'][side]).replace(' toe', ' deg toe')}"
        for side in ("left", "right")
        if side in status["fpa_deg"]
    ]
    if last:
        line.append(f"  last: {', '.join(last)}")
    cue = status["cue"]
    if cue.get("scored_steps"):
        line.append(f"  in the band {cue['good_steps'] / cue['scored_steps']:.0%}")
    age = max(status["markers_age_s"], status["forces_age_s"])
    line.append(f"  data {age * 1000:.0f} ms old", "dim")
    if status["latency_ms"] == status["latency_ms"]:
        line.append(f", latency {status['latency_ms']:.1f} ms", "dim")
    if status["ring_fill"] > 0.2:
        line.append(f"  recorder behind: ring {status['ring_fill']:.0%} full", "bold red")
    if status["lost"]:
        line.append(f"  NOT RECORDED: {status['lost']} messages", "bold red")
    return line


class OperatorLine:
    """Takes the lab's news. In a terminal the line stays at the bottom; elsewhere it is printed now and then."""

    def __init__(self, console: Console | None = None, heading: str = "") -> None:
        self.console = console or Console(stderr=False, highlight=False)
        self._heading = heading
        self.send: Callable[[dict[str, Any]], None] = lambda _command: None  # to the hub, while there is one
        self._began = time.monotonic()
        self._plain_at = 0.0
        self._live: Live | None = None
        self._last: dict[str, Any] | None = None

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._live = Live(Text(" starting ..."), console=self.console, refresh_per_second=8, transient=False)
            self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.__exit__(kind, value, trace)

    def __call__(self, news: dict[str, Any]) -> None:
        """One piece of news from the lab."""
        kind = news["kind"]
        if kind == "status":
            self._show(news)
        elif kind == "hub silent":
            self._silent(float(news["seconds"]))
        elif kind == "ready":
            self.say("the engine is ready; looking for the streams")
        elif kind == "linked":
            self._began = time.monotonic()
            self.say(f"receiving {' and '.join(news['streams'])}")
        elif kind in ("note", "event"):
            self.say(news["text"], loud=bool(news.get("loud")))

    def _silent(self, seconds: float) -> None:
        if self._live is not None:
            self._live.update(Text(f" HUB SILENT for {seconds:.0f} s: nothing is computed ", "bold red"))

    def say(self, text: str, *, loud: bool = False) -> None:
        """A sentence above the line; loud ones ring the bell."""
        stamp = time.strftime("%H:%M:%S")
        if loud:
            self.console.print(Text(f"{stamp}  !! {text}", "bold red"))
            if self.console.is_terminal:
                self.console.bell()
        else:
            self.console.print(Text(f"{stamp}  {text}"))

    def _show(self, status: dict[str, Any]) -> None:
        line = status_line(status, time.monotonic() - self._began)
        if self._live is not None:
            self._live.update(Group(Text(self._heading, "bold"), line) if self._heading else line)
        elif time.monotonic() - self._plain_at >= PLAIN_EVERY_S:
            self._plain_at = time.monotonic()
            self.console.print(line)
