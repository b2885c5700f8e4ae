"""What the operator is asked: pain of both knees, footwear, a note, a confirmation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

WORDS: Final = {
    "pain": "pain of both knees, 0 (none) to 10 (worst imaginable)",
    "footwear": "what is worn on the feet",
    "note": "a note",
}


@dataclass(frozen=True, slots=True)
class Prompt:
    """wait: the visit does not go on without an answer."""

    number: int
    kind: str  # pain, footwear, note, confirm
    text: str
    block: str
    wait: bool

    @property
    def words(self) -> str:
        """For people."""
        return f"{self.kind}? {self.text} ({self.block})"

    def dump(self) -> dict[str, Any]:
        """As plain values."""
        return {"number": self.number, "kind": self.kind, "text": self.text, "wait": self.wait}


class Prompts:
    """Those that are open, oldest first."""

    def __init__(self) -> None:
        self.open: list[Prompt] = []
        self._count = 0

    def ask(self, what: str, block: str, *, wait: bool) -> Prompt:
        """what: 'pain', 'footwear', 'note' or 'confirm: <sentence>'."""
        kind, _, text = what.partition(":")
        prompt = Prompt(self._count, kind, text.strip() or WORDS[kind], block, wait)
        self._count += 1
        self.open.append(prompt)
        return prompt

    def waiting(self, kind: str = "") -> bool:
        """Whether one is open that holds the visit up; with a kind: any of that kind."""
        return any(p.kind == kind if kind else p.wait for p in self.open)

    def waiting_words(self) -> str:
        """The first one that holds the visit up."""
        return next(p.words for p in self.open if p.wait)

    def replace(self, kind: str) -> None:
        """The same is about to be asked again, with the visit waiting for it."""
        self.open = [p for p in self.open if p.wait or p.kind != kind]

    def withdraw(self) -> None:
        """Their block is over."""
        self.open = [p for p in self.open if p.kind == "pain" and not p.wait]

    def answer(self, command: dict[str, Any]) -> tuple[Prompt | None, str, str]:
        """(prompt, what to record, why it is refused). command: 'prompt' its number, or 'kind'."""
        found = next((p for p in self.open if _meant(p, command)), None)
        if found is None:
            # Pain may be told at any time, asked for or not.
            if command.get("kind") != "pain" or "prompt" in command:
                return None, "", "no such question is open"
            found = Prompt(-1, "pain", WORDS["pain"], "", False)
        text, refused = _text(found, command)
        if not refused and found in self.open:
            self.open.remove(found)
        return found, text, refused


def _meant(prompt: Prompt, command: dict[str, Any]) -> bool:
    if "prompt" in command:
        return bool(command["prompt"] == prompt.number)
    return command.get("kind") == prompt.kind


def _text(prompt: Prompt, command: dict[str, Any]) -> tuple[str, str]:
    if prompt.kind == "pain":
        ratings = [command.get("left"), command.get("right")]
        if not all(isinstance(r, int) and not isinstance(r, bool) and 0 <= r <= 10 for r in ratings):
            return "", f"pain is a whole number 0 to 10 for each knee; found left {ratings[0]!r}, right {ratings[1]!r}"
        return f"pain: left {ratings[0]}, right {ratings[1]}", ""
    if prompt.kind == "confirm":
        if command.get("yes") is not True:
            return "", f"'{prompt.text}' is not confirmed"
        return f"confirmed: {prompt.text}", ""
    text = str(command.get("text", "")).strip()
    if not text:
        return "", f"{prompt.kind}: nothing was written"
    return f"{prompt.kind}: {text}", ""
