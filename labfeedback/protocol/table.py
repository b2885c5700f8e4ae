"""The visit's states and what an operator may do in each: the whole of it, to be read at a glance.

opening --data flow--> waiting --start, or the last answer--> walking --its length is over--> waiting --...--> over
walking --pause, a stop rule--> held --resume--> walking
"""

from __future__ import annotations

from typing import Final

STATES: Final = {
    "opening": "without data", "waiting": "between blocks", "walking": "running", "held": "held", "over": "over",
}  # fmt: skip
# (state, command) -> method of Runner; everything else is refused with a sentence.
TABLE: Final[dict[tuple[str, str], str]] = {
    ("waiting", "start"): "_start",
    ("waiting", "answer"): "_answer",
    ("waiting", "skip"): "_skip",
    ("waiting", "repeat"): "_repeat",
    ("waiting", "acknowledge"): "_acknowledge",
    ("waiting", "override"): "_override",
    ("waiting", "end_visit"): "_end_visit",
    ("walking", "answer"): "_answer",
    ("walking", "acknowledge"): "_acknowledge",
    ("walking", "pause"): "_pause",
    ("walking", "skip"): "_skip",
    ("walking", "repeat"): "_repeat",
    ("walking", "end_block"): "_end_block",
    ("walking", "override"): "_override",
    ("walking", "end_visit"): "_end_visit",
    ("held", "answer"): "_answer",
    ("held", "acknowledge"): "_acknowledge",
    ("held", "resume"): "_resume",
    ("held", "skip"): "_skip",
    ("held", "repeat"): "_repeat",
    ("held", "end_block"): "_end_block",
    ("held", "override"): "_override",
    ("held", "end_visit"): "_end_visit",
}
COMMANDS: Final = frozenset(command for _, command in TABLE)
REASONED: Final = frozenset({"skip", "override"})  # only with a reason, which is recorded
