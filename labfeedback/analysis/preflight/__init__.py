"""The list before the first step: is this lab, today, fit to train this person? (SCIENCE.md section 10)

Each line is judged as if the lines above it were mended: exchanged labels do not also make the plates look exchanged,
and a plate with the wrong sign does not also make the person light. What nobody overrides: labels of left and right,
sides, sign and mass.
"""

from __future__ import annotations

from labfeedback.analysis.preflight.feet import mirrored, sides
from labfeedback.analysis.preflight.lab import axis, disk, owner, skew, stamp_trial
from labfeedback.analysis.preflight.line import FIRM, NOT_LOOKED_AT, ORDER, Light, Line, line, overridden, ready
from labfeedback.analysis.preflight.plates import mass, offset, pulled_down, sign, zero
from labfeedback.analysis.preflight.streams import labels, rates, visible
from labfeedback.analysis.walked import Mended, Walked
from labfeedback.engine.start import Calibration
from labfeedback.exchange.trial import Trial
from labfeedback.markerset import MarkerSet
from labfeedback.records import SIDES
from labfeedback.rig import Rig
from labfeedback.subject import Subject

__all__ = [
    "FIRM",
    "NOT_LOOKED_AT",
    "ORDER",
    "Light",
    "Line",
    "disk",
    "line",
    "look",
    "overridden",
    "owner",
    "ready",
    "stamp_trial",
]


def look(trial: Trial, rig: Rig, markers: MarkerSet, subject: Subject, calibration: Calibration | None) -> list[Line]:
    """Every line that the samples themselves tell. trial and rig have the same plates in the same order."""
    walked = Walked(trial, rig, markers)
    out = [*rates(walked), *labels(trial, markers, calibration)]
    if any(one.name == "labels" and one.light == "red" for one in out):
        reason = "the labels above are missing"
        return [
            *out,
            *(line(name, "grey", f"{NOT_LOOKED_AT}: {reason}", "mend the labels first") for name in ORDER[6:14]),
        ]
    out += visible(walked, calibration)
    turned, said = mirrored(walked)
    out.append(said)
    flip = pulled_down(walked)
    mended = Mended(flip, turned)
    said, trial, mended = sides(trial, rig, markers, mended)
    out.append(said)
    walked = Walked(trial, rig, markers, mended)
    out += sign(walked, mended.flip)
    offsets = {side: offset(walked, side) for side in SIDES}
    for side in SIDES:
        out += zero(walked, side, offsets[side])
    too_much = sum(float(one[1]) for one in offsets.values() if one is not None)
    return [*out, mass(walked, subject, calibration, too_much), axis(walked), skew(walked)]
