"""The terminal of a visit: where it is, what it asks, what is being typed; keys in, commands out."""

from __future__ import annotations

import time
from typing import Any, Final

from rich.console import Console, Group
from rich.text import Text

from labfeedback.commands.keys import Keys
from labfeedback.commands.operator import OperatorLine, status_line
from labfeedback.commands.visit_words import HELP, KEYS, TWICE, parse
from labfeedback.veil import veiled

TWICE_S: Final = 2.0
_STATE: Final = {
    "opening": ("NO DATA YET", "bold yellow"),
    "waiting": ("WAITING", "bold yellow"),
    "walking": ("WALKING", "bold green"),
    "held": ("HELD", "bold red"),
    "over": ("OVER", "bold"),
}


def block_lines(visit: dict[str, Any]) -> list[Text]:
    """Where the visit is and what it waits for."""
    word, style = _STATE[visit["state"]]
    line = Text()
    line.append(f" {word} ", style)
    line.append(f"block {visit['block'] + 1} of {visit['blocks']}: {visit['title']}", "bold")
    if visit["left_s"] is not None:
        line.append(f"   {int(visit['left_s']) // 60}:{int(visit['left_s']) % 60:02d} left")
    if visit["left_steps"] is not None:
        line.append(f"   {visit['left_steps']} steps left")
    line.append(f"   then {visit['next']}", "dim")
    lines = [line]
    if visit["patient"]:
        lines.append(Text(f"   say: {visit['patient']}", "cyan"))
    if visit["operator"]:
        lines.append(Text(f"   you: {visit['operator']}", "dim"))
    if visit["halted"]:
        lines.append(Text(f"   the block's time does not run: {' and '.join(visit['halted'])}", "bold red"))
    if visit["acknowledge"]:
        lines.append(Text(f"   !! {visit['acknowledge']}  (a: acknowledge)", "bold red"))
    keys = {"pain": "i", "confirm": "y", "footwear": "t", "note": "t"}
    lines += [Text(f"   ? {p['text']}  ({keys[p['kind']]})", "bold yellow") for p in visit["prompts"]]
    return lines


class VisitLine(OperatorLine):
    """Takes the lab's news; `send` passes commands on. blinded: what a blinded operator may see, see `veil`."""

    def __init__(
        self, console: Console | None = None, heading: str = "", keys: Keys | None = None, *, blinded: bool = False
    ) -> None:
        super().__init__(console, heading)
        self.keys = keys
        self._blinded = blinded
        self._typed = ""
        self._pressed: tuple[str, float] = ("", 0.0)
        self._prompts: list[dict[str, Any]] = []

    def __call__(self, news: dict[str, Any]) -> None:
        told = veiled(news) if self._blinded else news
        if told is not None:
            super().__call__(told)
        self.work()

    def work(self) -> None:
        """What was typed meanwhile."""
        if self.keys is None:
            return
        for item in self.keys.take():
            if self.keys.whole_lines:
                if item.strip():
                    self.do(item)
            else:
                self._key(item)

    def do(self, line: str) -> None:
        """One whole command."""
        command, refused = parse(line, self._prompts)
        if command is None:
            self.say(refused, loud=True)
        else:
            self.send(command)
            if "prompt" in command:  # the next answer is for the next question
                self._prompts = [p for p in self._prompts if p["number"] != command["prompt"]]

    def _key(self, key: str) -> None:
        if self._typed:
            if key in ("\r", "\n"):
                line, self._typed = self._typed, ""
                self.do(line)
            elif key == "\x1b":
                self._typed = ""
            elif key in ("\x7f", "\b"):
                self._typed = self._typed[:-1]
            elif key.isprintable():
                self._typed += key
            return
        known = KEYS.get(key)
        if known is None:
            return
        line, more = known
        if more:
            self._typed = line
            return
        now = time.monotonic()
        if line in TWICE and not (self._pressed[0] == line and now - self._pressed[1] < TWICE_S):
            self._pressed = (line, now)
            self.say(f"press {key} once more within {TWICE_S:g} s: {line}")
            return
        self._pressed = ("", 0.0)
        self.do(line)

    def _show(self, status: dict[str, Any]) -> None:
        visit = status.get("visit")
        if visit is None:
            super()._show(status)
            return
        self._prompts = list(visit["prompts"])
        lines = block_lines(visit)
        if self._live is None:
            super()._show(status)
            return
        lines.append(status_line(status, time.monotonic() - self._began))
        lines.append(Text(f" > {self._typed}_" if self._typed else f" {HELP}", "" if self._typed else "dim"))
        self._live.update(Group(Text(self._heading, "bold"), *lines))
