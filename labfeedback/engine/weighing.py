"""What the plates say of a static trial: the person's mass, and whether each foot stands on its own plate."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from labfeedback.engine.body import LegMeasured
from labfeedback.engine.standing import Standing
from labfeedback.engine.start import Check
from labfeedback.engine.verdict import check
from labfeedback.records import SIDE_NAMES

Array = NDArray[np.float64]
MASS_KG: Final = (20.0, 250.0)
MASS_PCT: Final = ((0.0, 1.0), (0.0, 3.0))  # SCIENCE.md section 10
SHARE_PCT: Final = ((40.0, 60.0), (25.0, 75.0))
STEADY_PCT: Final = ((0.0, 1.5), (0.0, 4.0))
UNDER_FOOT_MM: Final = ((0.0, 60.0), (0.0, 80.0))  # exchanged plates give over 150


def weight(standing: Standing, legs: list[LegMeasured], said_kg: float | None) -> tuple[float | None, list[Check]]:
    """Mass (kg; None where nothing was weighed or the plates cannot be believed) with what vouches for it."""
    loads = standing.loads
    if loads is None or not len(loads.up_n):
        return None, [
            Check(name="mass", light="amber", limit="20-250 kg", sentence="no plates in this trial: not weighed",
                  remedy="the mass comes from the subject file: weigh the person on the plates before the first walk")
        ]  # fmt: skip
    up_n = loads.up_n[np.asarray(np.isfinite(loads.up_n).all(axis=1))]
    if len(up_n) < 0.5 * len(loads.up_n):
        return None, [
            Check(name="mass", light="red", firm=True, limit="20-250 kg", sentence="the plates send no numbers for "
                  "half of the trial", remedy="check the plates' amplifier and bridge, and record it again")
        ]  # fmt: skip
    up = np.median(up_n, axis=0)
    pulled = [("right", "left")[foot] for foot in (0, 1) if up[foot] < -50.0]
    if pulled:
        return None, [
            Check(name="sign", where=" ".join(pulled), value=round(float(up.min()), 1), unit="N", limit=">= 0",
                  light="red", firm=True, sentence=f"the {' and '.join(pulled)} plate pulls its foot down "
                  f"({up.min():.0f} N upwards)", remedy="its sign is reversed: correct `sign` in the rig")
        ]  # fmt: skip
    total = up_n.sum(axis=1)
    mass = float(total.mean()) / 9.81
    checks = [
        check("mass", "", mass, "kg", (MASS_KG, MASS_KG), "the plates carry {}",
              "check that the person stands on the plates, their zero and their units", firm=True)
    ]  # fmt: skip
    if said_kg is not None:
        off = 100 * abs(mass / said_kg - 1)
        checks.append(
            check("mass_said", "", off, "%", MASS_PCT,
                  f"the plates carry {mass:.1f} kg, the subject file says {said_kg:.1f} kg: {{}} apart",
                  "is it this person? Check handrail and harness and the plates' zero, then correct mass_kg in the "
                  "subject file", firm=True)
        )  # fmt: skip
    if mass < 1:
        return None, checks
    blocks = np.array([part.mean() for part in np.array_split(total, max(1, round(len(total) / loads.rate_hz * 10)))])
    share = 100 * float(up_n[:, 0].mean() / total.mean())
    checks += [
        check("share", "", share, "% right", SHARE_PCT, "{} of the weight", "stand with one foot on each plate and the "
              "weight on both"),
        check("steady", "", 100 * float(blocks.std() / total.mean()), "%", STEADY_PCT, "the load varies by {}",
              "let go of the handrail and stand quietly"),
    ]  # fmt: skip
    return mass, checks + [one for leg in legs for one in _under_foot(leg, loads.cop_m)]


def _under_foot(leg: LegMeasured, cop_m: Array) -> list[Check]:
    """Distance of a plate's median centre of pressure from its own foot's heel-toe line: exchanged plates show here."""
    side = SIDE_NAMES[leg.side]
    here = cop_m[:, 0 if leg.side > 0 else 1]
    here = here[np.asarray(np.isfinite(here).all(axis=1))]
    if len(here) < 0.5 * len(cop_m) or not np.isfinite(leg.frames).all():
        return []  # `share` says that this plate carries nobody
    heel, front = leg.heel[[0, 2]], leg.front[[0, 2]]
    line = front - heel
    cop = np.median(here, axis=0)
    along = float(np.clip((cop - heel) @ line / (line @ line), 0.0, 1.0))
    away = 1e3 * float(np.linalg.norm(cop - heel - along * line))
    return [
        check("under_foot", side, away, "mm", UNDER_FOOT_MM, f"the {side} plate's load lies {{}} off the {side} foot",
              "the plates are exchanged, a plate has the wrong place in the rig, or a foot is on the wrong belt",
              firm=True)
    ]  # fmt: skip
