"""What must hold between the parts of a document: order of blocks, baselines before targets, no loop, no dead end.

Each broken rule is a `Broken` with the place it was found at, so that the reader can name the line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from labfeedback.protocol.aiming import ANGLE, parse_target

if TYPE_CHECKING:
    from labfeedback.protocol.document import Protocol

END: Final = "end"
Place = tuple[str | int, ...]


class Broken(ValueError):
    """place: as pydantic's loc, ('blocks', 2, 'next')."""

    def __init__(self, place: Place, sentence: str) -> None:
        super().__init__(sentence)
        self.place = place


def check_whole(p: Protocol) -> None:
    """Raises Broken for the first rule that does not hold."""
    _names(p)
    _conditions(p)
    _way(p)
    _baselines(p)
    if p.purpose == "assessment":
        _assessment(p)
    _safe(p)
    if any(b.feedback and b.feedback.show == "faded" for b in p.blocks) and len(p.fading.percent) < p.visits:
        raise Broken(
            ("fading", "percent"), f"{len(p.fading.percent)} shares for {p.visits} visits: give one for each visit"
        )


def _names(p: Protocol) -> None:
    for what, ids in (("blocks", [b.id for b in p.blocks]), ("conditions", [c.id for c in p.conditions])):
        for n, name in enumerate(ids):
            if name in ids[:n]:
                raise Broken((what, n, "id"), f"the id {name!r} is used twice; give each one its own")
            if name == END:
                raise Broken((what, n, "id"), "'end' means the end of the visit; choose another id")


def _conditions(p: Protocol) -> None:
    each = [n for n, b in enumerate(p.blocks) if b.each]
    if bool(each) != bool(p.conditions):
        if each:
            raise Broken(("blocks", each[0], "each"), "each = 'condition', but the document has no [[conditions]]")
        raise Broken(("conditions", 0), "no block says each = 'condition', so the conditions are never walked")
    if each and each != list(range(each[0], each[-1] + 1)):
        raise Broken(("blocks", each[-1], "each"), "the blocks of a condition must follow each other")
    for n, block in enumerate(p.blocks):
        if block.each and block.next:
            raise Broken(("blocks", n, "next"), "a block of a condition leads to the one below it; leave 'next' out")
        said = block.feedback and block.feedback.target == "condition"
        if said and not block.each:
            raise Broken(("blocks", n, "feedback", "target"), "target 'condition' outside the blocks of a condition")
    variables = {b.feedback.variable for b in p.blocks if b.each and b.feedback}
    for n, condition in enumerate(p.conditions):
        for name in sorted(variables):
            try:
                target = parse_target(condition.target, name)
            except ValueError as error:
                raise Broken(("conditions", n, "target"), str(error)) from None
            if target.kind in ("selected", "condition"):
                raise Broken(("conditions", n, "target"), f"a condition cannot be {condition.target!r}: name a change")


def _way(p: Protocol) -> None:
    ids = [b.id for b in p.blocks]
    for n, block in enumerate(p.blocks):
        if block.next in ("", END):
            continue
        if block.next not in ids:
            known = ", ".join([*ids, END])
            raise Broken(("blocks", n, "next"), f"there is no block {block.next!r}; there are {known}")
        if ids.index(block.next) <= n:
            raise Broken(
                ("blocks", n, "next"), f"{block.id!r} leads back to {block.next!r}: a loop. A visit only goes forward"
            )
    reached = {0}
    for n, block in enumerate(p.blocks):
        if n in reached and block.next != END:
            reached.add(ids.index(block.next) if block.next else n + 1)
    for n in range(len(ids)):
        if n not in reached:
            raise Broken(("blocks", n, "id"), f"no block leads to {ids[n]!r}; mend a 'next' above it or take it out")


def _baselines(p: Protocol) -> None:
    ids = [b.id for b in p.blocks]
    measured = False
    n = 0
    while n < len(p.blocks):  # along the way that is walked
        block = p.blocks[n]
        if block.feedback and block.feedback.aim.needs_baseline and not measured:
            raise Broken(
                ("blocks", n, "feedback", "target"),
                f"target {block.feedback.target!r} is counted from a baseline, and no block before {block.id!r} has "
                "measures = 'baseline'",
            )
        if block.measures == "baseline" and block.feedback is not None:
            raise Broken(("blocks", n, "feedback"), "a baseline is natural walking: it can have no feedback")
        measured = measured or block.measures == "baseline"
        if block.next == END:
            break
        n = ids.index(block.next) if block.next else n + 1


def _assessment(p: Protocol) -> None:
    kinds = [b.measures for b in p.blocks]
    for kind in ("baseline", "condition", "closing"):
        if kind not in kinds:
            raise Broken(
                ("purpose",),
                f"an assessment needs a block with measures = {kind!r}; without it no target can be chosen",
            )
    if not kinds.index("baseline") < kinds.index("condition") < kinds.index("closing"):
        raise Broken(("purpose",), "an assessment goes from baseline through the conditions to the closing block")
    measured = [n for n, block in enumerate(p.blocks) if block.measures == "condition"]
    if len(measured) > 1:
        raise Broken(("blocks", measured[1], "measures"), "each condition can be measured by one block only")
    block = p.blocks[measured[0]]
    if block.feedback is None or block.feedback.variable != ANGLE:
        raise Broken(("blocks", measured[0], "measures"), "a measured condition needs feedback of the variable 'fpa'")
    if not block.each or block.feedback.target != "condition":
        text = "a block that measures a condition says each = 'condition' and target = 'condition'"
        raise Broken(("blocks", measured[0], "measures"), text)
    for n, condition in enumerate(p.conditions):
        if parse_target(condition.target, ANGLE).kind != "change":
            text = f"{condition.target!r} is no candidate: name a change from the own angle, such as 'toe-in 5 deg'"
            raise Broken(("conditions", n, "target"), text)


def _safe(p: Protocol) -> None:
    if p.arm == "sham" and not any(b.feedback and b.feedback.target == "selected" for b in p.blocks):
        raise Broken(("arm",), "arm 'sham' needs a target 'selected': that is what it turns into the own angle")
    walks = [n for n, b in enumerate(p.blocks) if b.walks]
    if walks and not any("pain" in b.before for b in p.blocks[: walks[0] + 1]):
        raise Broken(
            ("blocks", walks[0], "before"), 'nobody walks before pain was asked for: give it before = ["pain"]'
        )
    baselines = [n for n, b in enumerate(p.blocks) if b.measures == "baseline"]
    if len(baselines) > 1:
        raise Broken(("blocks", baselines[1], "measures"), "a visit has one baseline; its own values are decided once")
    for n in baselines:
        seconds, steps = 60.0 * (p.blocks[n].minutes or 0.0), p.blocks[n].steps
        if (steps is None and seconds < 26) or (steps is not None and steps < 22):
            raise Broken(
                ("blocks", n, "measures"), "a baseline needs at least 22 steps, or 26 s: 20 valid ones are used"
            )
