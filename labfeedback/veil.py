"""What a blinded operator is told of a visit: where it is, what it asks, what goes wrong; no load, no angle, no arm.

One place for every way to the operator: the window, the terminal and the operator's report. How near to the target
somebody walks, and on which side, tells who learns a change and who trains their own walk; of the deviation the window
shows what is left when that is taken out (`console.evened`).
"""

from __future__ import annotations

import re
from typing import Any, Final

from labfeedback.records import CueState, EventCode

LOAD: Final = (
    "a limit of load or speed is passed or cannot be watched: tell whoever is not blinded, before the next visit"
)
# Codes whose sentences hold the person's own values or the target: hidden, or said without them.
HIDDEN: Final = frozenset({EventCode.BASELINE_DONE, EventCode.TARGET_SET, EventCode.COMMAND})
INSTEAD: Final = {
    EventCode.ALARM: LOAD,
    EventCode.TARGET_REFUSED: "the target of this block is refused: end the visit and ask whoever is not blinded",
}
_OF_A_STEP: Final = frozenset({CueState.GOOD, CueState.TOO_FAR_IN, CueState.TOO_FAR_OUT})
_CONDITION: Final = re.compile(r"(?<=[a-z0-9_])/[a-z0-9_]+")  # 'practice/toe_in_5' names the candidate
_TURN: Final = re.compile(r"^(direction check: .*?) by \d+ deg")  # of the standing foot, but it reads like a target
_LOAD_RULES: Final = re.compile(r"(flexion moment|other knee): [^;]*")
_OF_BLOCKS: Final = frozenset(
    {
        EventCode.VISIT_BEGAN, EventCode.BLOCK_BEGAN, EventCode.BLOCK_ENDED, EventCode.BLOCK_SKIPPED,
        EventCode.STOP_RULE, EventCode.ACKNOWLEDGED, EventCode.REFUSED, EventCode.PROMPT,
    }
)  # fmt: skip


def unnamed(block: str) -> str:
    """A block's name without its candidate."""
    return _CONDITION.sub("", block)


def sentence(code: int, text: str) -> str | None:
    """An event's sentence for a blinded operator; None where nothing is told."""
    if code in HIDDEN:
        return None
    if code in INSTEAD:
        return INSTEAD[EventCode(code)]
    if code == EventCode.NOTE:
        return _TURN.sub(r"\1", text)
    return _LOAD_RULES.sub("a load rule", unnamed(text)) if code in _OF_BLOCKS else text


def veiled(news: dict[str, Any]) -> dict[str, Any] | None:
    """The lab's news as a blinded operator gets them; None: not at all."""
    kind = news.get("kind")
    if kind == "event":
        text = sentence(int(news["code"]), str(news["text"]))
        if text is None:
            return None
        return {**{k: v for k, v in news.items() if k != "value"}, "text": text}
    if kind == "status":
        return {**news, "fpa_deg": {}, "cue": _cue(news.get("cue") or {}), "visit": _visit(news.get("visit"))}
    return news


def _cue(cue: dict[str, Any]) -> dict[str, Any]:
    """Whether the walk is paused, natural or over; not what was said of a step."""
    if "state" not in cue:
        return {}
    return {"state": CueState.KEEP_WALKING if cue["state"] in _OF_A_STEP else cue["state"]}


def _visit(visit: dict[str, Any] | None) -> dict[str, Any] | None:
    if visit is None:
        return None
    held = _LOAD_RULES.sub("a load rule", visit["acknowledge"])
    return {**visit, "id": unnamed(visit["id"]), "next": unnamed(visit["next"]), "acknowledge": held}
