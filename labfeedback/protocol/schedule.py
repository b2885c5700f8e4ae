"""From a document to the blocks of one visit, in the order that was drawn before it began."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from labfeedback.protocol.aiming import parse_target
from labfeedback.protocol.document import Block, Protocol
from labfeedback.protocol.rules import END
from labfeedback.records import LEFT, RIGHT


class Draws(BaseModel):
    """What chance decided, before START. order: ids of the conditions. catch: numbers 0..1 that place catch steps."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    order: tuple[str, ...] = ()
    catch: tuple[float, ...] = ()


class Standing(BaseModel):
    """Where an interrupted visit stands, for the recording that continues it.

    block: index to begin with. own: side name -> variable -> the person's own value. walked_s: of the visit so far.
    part: 2 for the first continuation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    block: int
    own: dict[str, dict[str, float]] = {}
    larger_peak: str = ""
    pain: tuple[tuple[int, int], ...] = ()
    pain_stops: int = 0
    to_acknowledge: str = ""
    walked_s: float = 0.0
    part: int = 2


class Visit(BaseModel):
    """One visit of one person by a protocol; stored in START.

    side: the trained leg. selected: the chosen change in words ('toe-in 5 deg', 'natural'), where the document asks
    for it. arm: as allocated; 'sham' turns 'selected' into 'natural'.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    document: Protocol
    number: int = Field(1, ge=1, le=52)
    side: Literal["left", "right"]
    arm: Literal["active", "sham"] = "active"
    selected: str = ""
    draws: Draws = Draws()
    standing: Standing | None = None
    date: str = ""  # ISO, of the day's clock, for the report; nothing is computed from it

    @property
    def foot(self) -> int:
        """+1 right, -1 left."""
        return RIGHT if self.side == "right" else LEFT

    def dump(self) -> dict[str, Any]:
        """As JSON values, with the names that the document's file has."""
        return self.model_dump(mode="json", by_alias=True)


@dataclass(frozen=True, slots=True)
class Planned:
    """One block of this visit. target: its words with condition and selection filled in. next: index, -1 for the end.

    on_s, off_s: phases of feedback; off 0: always, on 0: never.
    """

    index: int
    id: str
    block: Block
    condition: str
    target: str
    on_s: float
    off_s: float
    next: int


def needs_selection(protocol: Protocol) -> bool:
    """Whether a block aims at what an assessment selected."""
    return any(b.feedback is not None and b.feedback.target == "selected" for b in protocol.blocks)


def plan(visit: Visit) -> tuple[Planned, ...]:
    """The visit's blocks in order. Raises ValueError where order or selection do not belong to the document."""
    p = visit.document
    ids = [c.id for c in p.conditions]
    order = list(visit.draws.order) or ids
    if sorted(order) != sorted(ids):
        raise ValueError(f"the drawn order {order} is not an order of the conditions {ids}")
    targets = {c.id: c.target for c in p.conditions}
    selected = "natural" if "sham" in (visit.arm, p.arm) else visit.selected
    if needs_selection(p) and not selected:
        raise ValueError(
            f"protocol {p.id} trains what an assessment selected: give the verdict of the assessment, or its change in "
            "words"
        )
    if selected and parse_target(selected, "fpa").kind not in ("change", "natural"):
        raise ValueError(f"{selected!r} is no change to train; expected for example 'toe-in 5 deg', or 'natural'")
    each = [n for n, b in enumerate(p.blocks) if b.each]
    walked: list[tuple[int, str]] = [(n, "") for n in range(each[0] if each else len(p.blocks))]
    if each:
        walked += [(n, condition) for condition in order for n in each]
        walked += [(n, "") for n in range(each[-1] + 1, len(p.blocks))]
    first = {p.blocks[n].id: k for k, (n, _) in reversed(list(enumerate(walked)))}
    out = []
    for index, (n, condition) in enumerate(walked):
        block = p.blocks[n]
        target = block.feedback.target if block.feedback else ""
        target = {"condition": targets.get(condition, ""), "selected": selected}.get(target, target)
        follows = index + 1 if index + 1 < len(walked) else -1
        if block.next:
            follows = -1 if block.next == END else first[block.next]
        name = f"{block.id}/{condition}" if condition else block.id
        out.append(Planned(index, name, block, condition, target, *_phases(visit, block), follows))
    return tuple(out)


def _phases(visit: Visit, block: Block) -> tuple[float, float]:
    feedback = block.feedback
    if feedback is None or feedback.show == "never":
        return 0.0, 1.0
    if feedback.show == "faded":
        fading = visit.document.fading
        share = fading.percent[min(visit.number, len(fading.percent)) - 1] / 100.0
        return share * fading.cycle_s, (1.0 - share) * fading.cycle_s
    on, off = feedback.on_off_s
    return (on, off) if on else (1.0, 0.0)


def candidate_changes(protocol: Protocol) -> dict[str, float]:
    """Condition id -> change of the foot angle, deg toe-out positive."""
    return {c.id: parse_target(c.target, "fpa").amount for c in protocol.conditions}
