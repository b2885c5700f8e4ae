"""What an operator types during a visit, as commands; one grammar for keys, lines and the window's fields."""

from __future__ import annotations

from typing import Any, Final

# key -> (what it begins, whether more is typed after it)
KEYS: Final = {
    "s": ("start", False), "p": ("pause", False), "r": ("resume", False), "a": ("ack", False), "b": ("repeat", False),
    "k": ("skip ", True), "n": ("note ", True), "i": ("pain ", True), "y": ("yes", False), "t": ("text ", True),
    "E": ("end-block", False), "V": ("end-visit", False),
}  # fmt: skip
HELP: Final = (
    "s start  p pause  r resume  a acknowledge  i pain  y confirm  t text  n note  b repeat  k skip  "
    "E E end block  V V end visit  Ctrl+C cut off"
)
_PLAIN: Final = {"start": "start", "pause": "pause", "resume": "resume", "ack": "acknowledge", "repeat": "repeat",
                 "end-block": "end_block", "end-visit": "end_visit"}  # fmt: skip
TWICE: Final = frozenset({"end-block", "end-visit"})  # never one stroke


def parse(line: str, prompts: list[dict[str, Any]]) -> tuple[dict[str, Any] | None, str]:
    """(command, why it is none). prompts: the open ones, as `Prompt.dump`."""
    word, _, rest = line.strip().partition(" ")
    rest = rest.strip()
    if word in _PLAIN:
        return {"do": _PLAIN[word], **({"reason": rest} if rest else {})}, ""
    if word == "skip":
        return ({"do": "skip", "reason": rest}, "") if rest else (None, "skip: say why")
    if word == "note":
        return ({"do": "note", "text": rest}, "") if rest else (None, "note: nothing was written")
    if word == "pain":
        numbers = rest.replace(",", " ").split()
        if len(numbers) != 2 or not all(n.isdigit() and int(n) <= 10 for n in numbers):
            return (
                None,
                f"pain {rest!r}: expected two whole numbers 0 to 10, left knee then right knee, such as 'pain 3 1'",
            )
        return {"do": "answer", "kind": "pain", "left": int(numbers[0]), "right": int(numbers[1])}, ""
    if word == "yes":
        found = next((p for p in prompts if p["kind"] == "confirm"), None)
        if found is None:
            return None, "yes: nothing waits to be confirmed"
        return {"do": "answer", "prompt": found["number"], "yes": True}, ""
    if word == "text":
        found = next((p for p in prompts if p["kind"] in ("footwear", "note")), None)
        if found is None:
            return None, "text: no question waits for words"
        return (
            ({"do": "answer", "prompt": found["number"], "text": rest}, "") if rest else (None, "text: nothing written")
        )
    if word == "override":
        what, _, reason = rest.partition(":")
        return ({"do": "override", "what": what.strip(), "reason": reason.strip()}, "") if reason.strip() else (
            None, "override: write 'override WHAT: REASON'")  # fmt: skip
    return None, f"{line!r} is not understood; there are: start, pause, resume, ack, repeat, skip REASON, note TEXT, " \
                 "pain L R, yes, text WORDS, override WHAT: REASON, end-block, end-visit"  # fmt: skip
