"""What the plates say: sign, zero, noise and the mass they carry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labfeedback.analysis.preflight.line import EVERYBODY, Light, Line, grade, line
from labfeedback.analysis.walked import STANDING_N, Walked
from labfeedback.engine.start import Calibration
from labfeedback.records import SIDE_NAMES, SIDES
from labfeedback.subject import Subject

Array = NDArray[np.float64]

# The mean offset of a swing: vertical N, horizontal N, about the surface's middle Nm. Red from the engine's alarm on.
ZERO: Final = ((5.0, 10.0), (2.0, 3.0))
NOISE_N: Final = 10.0  # three times it must stay below the contact level of 30 N
MASS_OFF: Final = 0.03


def _loaded(walked: Walked, side: int) -> Array:
    up = walked.load[side].up_n
    return np.asarray(up[np.abs(up) > STANDING_N])


def pulled_down(walked: Walked) -> dict[int, int]:
    """Sides whose plates say that the person hangs from them -> -1."""
    found = {side: _loaded(walked, side) for side in SIDES}
    return {side: -1 for side, loaded in found.items() if len(loaded) and np.median(loaded) < 0}


def sign(walked: Walked, flip: dict[int, int]) -> Iterator[Line]:
    """Each side's plates must push the person up, brake and push along the belt, and push towards the midline.

    walked: with what is in `flip` turned.
    """
    for side in SIDES:
        where, loaded = SIDE_NAMES[side], _loaded(walked, side)
        if len(loaded) < 50:
            yield line("sign", "grey", f"nobody stands on the {where} plate", EVERYBODY, where=where)
            continue
        up = float(np.median(loaded)) * flip.get(side, 1)
        if up < 0:
            said, remedy = f"the {where} plate pulls the person down ({up:+.0f} N)", "turn this plate's sign in the rig"
        else:
            told, remedy = _shear(walked, side), "mend this channel in the source or the rig"
            if told is None:
                half = f"the {where} plate pushes the person up ({up:.0f} N); its horizontal signs were not seen"
                yield line("sign", "grey", half, EVERYBODY, where=where, found=f"{up:+.0f} N")
                continue
            said = told
        light: Light = "red" if said else "green"
        said = said or f"the {where} plate pushes the person up ({up:.0f} N)"
        yield line("sign", light, said, remedy, where=where, found=f"{up:+.0f} N")


def _shear(walked: Walked, side: int) -> str | None:
    """A sentence where a horizontal force has the wrong sign (analysis.checks has the figures); None: unseen."""
    lead = walked.outline(side)[0][:, 0] - walked.outline(-side)[0][:, 0]
    force = np.stack([walked.at_frames(walked.load[side].force_n[:, k]) for k in range(3)], axis=1)
    good = (force[:, 1] > STANDING_N) & np.isfinite(lead)
    if good.sum() < 20 or np.ptp(lead[good]) < 0.2:  # standing tells nothing of it
        return None
    where = SIDE_NAMES[side]
    if float(np.corrcoef(force[good, 0], lead[good])[0, 1]) > 0.3:
        return f"the {where} plate pushes forward while the foot is in front: its fore-aft force is reversed"
    if float(-side * force[good, 2].mean() / force[good, 1].mean()) < -0.02:
        return f"the {where} plate pushes the foot outwards: its sideways force is reversed"
    return ""


def offset(walked: Walked, side: int) -> Array | None:
    """(3,) N, lab axes, of a side's plates while nobody is on them; None where they were not free for two swings."""
    swings = walked.swings(side)
    if len(swings) < 2:
        return None
    force = walked.load[side].force_n
    return np.asarray(np.median([force[one].mean(axis=0) for one in swings], axis=0))


def zero(walked: Walked, side: int, means: Array | None) -> Iterator[Line]:
    """Offset and noise of a side's free plates."""
    where = SIDE_NAMES[side]
    if means is None:
        for name in ("zero", "noise"):
            yield line(name, "grey", f"the {where} plate was not free for two swings", EVERYBODY, where=where)
        return
    up, level = float(abs(means[1])), float(np.hypot(means[0], means[2]))
    light: Light = max((grade(up, ZERO[0]), grade(level, ZERO[1])), key=("green", "amber", "red").index)
    yield line(
        "zero",
        light,
        f"the free {where} plate says {means[1]:+.1f} N vertical, {level:.1f} N sideways",
        "zero the plates with nobody on the belts, belts running",
        where=where,
        found=f"{means[1]:+.1f} N",
    )
    force = walked.load[side].force_n
    noise = float(np.median([_smoothed(force[one, 1]).std() for one in walked.swings(side)]))
    yield line(
        "noise",
        grade(noise, (NOISE_N, NOISE_N)),
        f"the {where} plate's noise is {noise:.1f} N",
        "three times it must stay below 30 N: look at cables, belts and the amplifier's filter",
        where=where,
        found=f"{noise:.1f} N",
    )


def _smoothed(force: Array) -> Array:
    width = max(1, len(force) // 8)  # about 12 ms: what contacts are found in is smoothed alike
    return np.convolve(force, np.ones(width) / width, mode="valid")


def mass(walked: Walked, subject: Subject, calibration: Calibration | None, too_much_n: float) -> Line:
    """Both plates, less what they say unloaded, over whole strides or quiet standing, against the person's file."""
    kg = walked.carried_kg() - too_much_n / 9.81
    if kg != kg:
        total = walked.load[1].up_n + walked.load[-1].up_n
        standing = (
            len(total) > 100 and float(np.std(total)) < 0.05 * float(np.mean(total)) and np.mean(total) > STANDING_N
        )
        kg = float(np.mean(total)) / 9.81 if standing else kg
    named = subject.mass_kg if subject.mass_kg is not None else calibration.mass_kg if calibration else None
    if kg != kg:
        return line("mass", "grey", "nobody was weighed", EVERYBODY)
    if named is None:
        return line(
            "mass",
            "red",
            f"the plates carry {kg:.1f} kg, the subject file names no mass",
            "weigh the person ('labfeedback calibrate' does) and write it down",
            found=f"{kg:.1f} kg",
        )
    off = kg / named - 1
    light: Light = "green" if abs(off) <= MASS_OFF else "red"
    return line(
        "mass",
        light,
        f"the plates carry {kg:.1f} kg, {subject.id} has {named:.1f} kg ({100 * off:+.1f} %)",
        "is it this person? hands off the rails; then weigh again and correct the file",
        found=f"{kg:.1f} kg",
    )
