"""Kinds of patients for rehearsals. Each is drawn from its kind by a seed; nothing of it is known to the program.

A responder's first KAM peak falls by 0.03 to 0.055 %BW*Ht a degree of toe-in (the upper fifth of the 107 people of
SCIENCE.md section 1), a nonresponder's does not depend on the angle.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from labfeedback.errors import BadSetup

KINDS: Final = ("responder", "nonresponder", "noisy", "slow-learner")
STEP_SD: Final = 0.2  # %BW*Ht, of a peak from step to step (SCIENCE.md section 8)


def person(kind: str, seed: int, *, side: int = -1, change_deg: float = 0.0, earlier: int = 0) -> dict[str, Any]:
    """Keywords of `devices.simulated.Walk`.

    earlier: visits that have trained the foot of `side` by change_deg before. Raises BadSetup for an unknown kind.
    """
    if kind not in KINDS:
        raise BadSetup(f"no simulated patient is called {kind!r}; there are {', '.join(KINDS)}")
    random = np.random.default_rng([seed, 40, KINDS.index(kind)])
    natural = random.normal(7.0, 3.0, 2)
    mass, height = random.normal(78.0, 9.0), random.normal(1.70, 0.06)
    steep, flat, second = random.uniform(0.030, 0.055), random.uniform(-0.006, 0.006), random.normal(0.0, 0.005)
    first = float(flat if kind == "nonresponder" else steep)
    said: dict[str, Any] = {
        "seed": seed,
        "natural_fpa_deg": (round(float(natural[0]), 2), round(float(natural[1]), 2)),
        "mass_kg": round(float(np.clip(mass, 55.0, 110.0)), 1),
        "height_m": round(float(np.clip(height, 1.55, 1.85)), 2),
        "slope": (first, -0.5 * first + float(second)),
        "kam_sd": STEP_SD,
    }
    if earlier:
        said["practised"] = 800 * earlier  # in the sham arm too: a choice, nobody has published a sham's spread
        left_over = change_deg * (1.0 - 0.6**earlier)
        said["habit_deg"] = (left_over, 0.0) if side > 0 else (0.0, left_over)
    if kind == "noisy":
        said |= {"fpa_sd_deg": 3.0, "kam_sd": 0.4}
    if kind == "slow-learner":
        said |= {"gain": 0.04}
    return said
