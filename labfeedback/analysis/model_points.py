"""Joint centres and axes that a vendor's model wrote into a file as points (frame `points`, SCIENCE.md section 3).

Plug-in Gait writes for each segment an origin O and points along its axes A (anterior), L and P (proximal). The engine
knows markers: so the knee centre (femur origin) and the tibia's axes become four markers that span them, and everything
else stays as it is. The frame is then Y = unit(knee - ankle), Z along the model's flexion axis, X across both.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labfeedback.errors import BadSetup
from labfeedback.exchange.trial import METRES, Trial
from labfeedback.markerset import MarkerSet
from labfeedback.records import SIDES

Array = NDArray[np.float64]
HALF_M: Final = 0.05  # half the distance of the two markers that stand for an axis; any length gives the same axes
ROLES: Final = ("knee_lateral", "knee_medial", "ankle_lateral", "ankle_medial")


def wanted(letter: str) -> tuple[str, str, str, str]:
    """Knee centre, tibia origin (ankle centre), anterior and proximal point of one leg, as Plug-in Gait names them."""
    return f"{letter}FEO", f"{letter}TIO", f"{letter}TIA", f"{letter}TIP"


def with_model_points(trial: Trial, markers: MarkerSet) -> tuple[Trial, MarkerSet]:
    """The trial with markers that span the model's axes, and the marker set that uses them.

    Raises BadSetup where a point is not in the file.
    """
    labels, columns = list(trial.labels), [trial.points]
    legs = {}
    for side in SIDES:
        letter = "R" if side > 0 else "L"
        missing = [label for label in wanted(letter) if label not in trial.labels]
        if missing:
            raise BadSetup(
                f"{trial.path}: frame 'points' needs {', '.join(wanted(letter))}, as Plug-in Gait writes them; it "
                f"lacks {', '.join(missing)}. Run the model and export again, or choose another --frame"
            )
        knee, ankle, front, top = (trial.marker(label) for label in wanted(letter))
        axis = np.cross(front - ankle, top - ankle)  # to the subject's right on both legs
        with np.errstate(all="ignore"):
            axis /= np.linalg.norm(axis, axis=1, keepdims=True)
        names = {role: f"{letter}_{role}_of_model" for role in ROLES}
        for role, centre in zip(ROLES, (knee, knee, ankle, ankle), strict=True):
            outwards = side if role.endswith("lateral") else -side
            at = (centre + outwards * HALF_M * axis) / METRES[trial.point_unit]
            labels.append(names[role])
            columns.append(at[:, None].astype(np.float32))
        legs["right" if side > 0 else "left"] = markers.leg(side).model_copy(update=names)
    points = np.ascontiguousarray(np.concatenate(columns, axis=1))
    return replace(trial, labels=tuple(labels), points=points), markers.model_copy(
        update={**legs, "only_points": False, "from_model": True}
    )
