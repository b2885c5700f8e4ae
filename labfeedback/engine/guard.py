"""Wrong side, wrong sign, mirrored labels: what could train a patient the wrong way (SCIENCE.md section 10)."""

from __future__ import annotations

from typing import Final

from labfeedback.engine.sight import FORWARD_M_S
from labfeedback.engine.steps import Finding
from labfeedback.records import SIDE_NAMES, SIDES, Flag

# One step may be a swapped marker or a stumble: it is withheld, but only several in a row block.
STEPS_IN_A_ROW: Final = {"backwards": 2, "swinging": 2, "fore-aft": 3, "sideways": 4}
SEEN: Final = 0.9  # a marker that is missing now and then does not hide a wrong label map
_SENTENCES: Final = {
    "backwards": "the tibia's front points backwards: the labels of left and right, or of lateral and medial, are "
    "exchanged. Mend the label map of the camera system",
    "swinging": "the {side} foot swings while its plate is loaded: plates or feet are exchanged. Mend the plates of "
    "the rig",
    "fore-aft": "the {side} foot's plate pushes forward in early stance and brakes in late stance: the sign of its "
    "fore-aft force is reversed. Mend the source or the rig",
    "sideways": "the {side} foot's plate pushes it outwards: the sign of its sideways force is reversed. Mend the "
    "source or the rig",
}


class Guard:
    """Looks at each finished step. Feet are 0 (right) and 1 (left)."""

    def __init__(self, residual_mm: float) -> None:
        self._residual_mm = residual_mm
        self._in_a_row = {"backwards": [0, 0], "swinging": [0, 0], "fore-aft": [0, 0], "sideways": [0, 0]}

    def look(self, foot: int, finding: Finding) -> str:
        """Withhold a step that stands on nothing; returns the hazard as a sentence, or nothing."""
        row = finding.row[0]
        seen = finding.seen >= SEEN and row["gap_s"] == 0
        # A cluster that does not fit (two of its markers swapped for a while) is withheld by itself; it proves nothing
        # about left and right.
        fits = not row["residual_mm"] > self._residual_mm
        # Where the other foot's load is on this plate, its forces say nothing of the plate's sign.
        alone = not row["flags"] & int(Flag.CROSSOVER | Flag.EVENTS) and row["gap_s"] == 0
        backwards = finding.facing < 0
        if backwards:
            row["flags"] |= int(Flag.MARKERS)
            row["kam_valid"] = row["fpa_valid"] = 0
        found = {
            "backwards": backwards and seen and fits,
            "swinging": finding.heel_speed > FORWARD_M_S and seen,
            "fore-aft": finding.reversed_shear == "fore-aft" and alone,
            "sideways": finding.reversed_shear == "sideways" and alone,
        }
        side = SIDE_NAMES[SIDES[foot]]
        for what, is_so in found.items():
            counts = self._in_a_row[what]
            counts[foot] = counts[foot] + 1 if is_so else 0
            if counts[foot] >= STEPS_IN_A_ROW[what]:
                return _SENTENCES[what].format(side=side)
        return ""

    @staticmethod
    def exchanged() -> str:
        """The sentence for plates that are loaded while their own feet swing, on both sides."""
        return (
            "each plate is loaded while the foot that it belongs to swings: plates or feet are exchanged. Mend the "
            "plates of the rig, or the label map"
        )

    @staticmethod
    def pulled(foot: int) -> str:
        """The sentence for a plate that pulls the subject down."""
        return f"the {SIDE_NAMES[SIDES[foot]]} foot's plate pulls the subject down: flip its sign in the rig"
