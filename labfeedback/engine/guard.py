"""Wrong side, wrong sign, mirrored labels: what could train a patient the wrong way (SCIENCE.md section 10)."""

from __future__ import annotations

from labfeedback.engine.steps import FORWARD_M_S, Finding
from labfeedback.records import SIDE_NAMES, SIDES, Flag

STEPS_IN_A_ROW = 2  # one step may be a swapped marker or a stumble; it is withheld, but only the second blocks


class Guard:
    """Looks at each finished step. Feet are 0 (right) and 1 (left)."""

    def __init__(self) -> None:
        self._backwards = [0, 0]
        self._swinging = [0, 0]

    def look(self, foot: int, finding: Finding) -> str:
        """Withhold a step that stands on nothing; returns the hazard as a sentence, or nothing."""
        row = finding.row[0]
        complete = not row["missing_markers"] and row["gap_s"] == 0
        # A cluster that does not fit (two of its markers swapped for a while) is withheld by itself; it proves nothing
        # about left and right.
        fits = not row["flags"] & int(Flag.MARKERS)
        backwards = finding.facing < 0
        if backwards:
            row["flags"] |= int(Flag.MARKERS)
            row["kam_valid"] = row["fpa_valid"] = 0
        self._backwards[foot] = self._backwards[foot] + 1 if backwards and complete and fits else 0
        swinging = finding.heel_speed > FORWARD_M_S
        self._swinging[foot] = self._swinging[foot] + 1 if swinging and complete else 0
        if self._backwards[foot] >= STEPS_IN_A_ROW:
            return (
                "the tibia's front points backwards: the labels of left and right, or of lateral and medial, are "
                "exchanged. Mend the label map of the camera system"
            )
        if self._swinging[foot] >= STEPS_IN_A_ROW:
            return (
                f"the {SIDE_NAMES[SIDES[foot]]} foot swings while its plate is loaded: plates or feet are exchanged. "
                "Mend the plates of the rig"
            )
        return ""

    @staticmethod
    def pulled(foot: int) -> str:
        """The sentence for a plate that pulls the subject down."""
        return f"the {SIDE_NAMES[SIDES[foot]]} foot's plate pulls the subject down: flip its sign in the rig"
