"""A marker that has not been seen for several steps has fallen off, or its cameras look elsewhere: said by its name."""

from __future__ import annotations

from typing import Final

STEPS_IN_A_ROW: Final = 3  # of one foot: an arm or a rail hides a marker for a part of a step


class Gone:
    """Causal; one look at each step. Feet are 0 (right) and 1 (left)."""

    def __init__(self) -> None:
        self._count: tuple[dict[str, int], dict[str, int]] = ({}, {})

    def look(self, foot: int, unseen: tuple[str, ...]) -> str:
        """unseen: labels that the whole window of the step does not show. Returns a sentence when one has just been
        away for long enough; it is told again only after it was back."""
        before, now = self._count[foot], {label: self._count[foot].get(label, 0) + 1 for label in unseen}
        before.clear()
        before.update(now)
        lost = [label for label, count in now.items() if count == STEPS_IN_A_ROW]
        if not lost:
            return ""
        many = len(lost) > 1
        which, have, it = ", ".join(lost), "have" if many else "has", "them" if many else "it"
        return (
            f"{which} {have} not been seen for {STEPS_IN_A_ROW} steps: fallen off, or hidden. Steps that need {it} are "
            f"withheld until the cameras see {it}"
        )
