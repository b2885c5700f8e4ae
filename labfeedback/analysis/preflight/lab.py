"""The belts' direction, the two clocks, the calibration's owner, and room on the disk."""

from __future__ import annotations

import datetime
import shutil
from pathlib import Path
from typing import Final

import numpy as np

from labfeedback.analysis.preflight.line import EVERYBODY, Light, Line, grade, line
from labfeedback.analysis.walked import Walked
from labfeedback.engine.calibration import of_another_day, refuse_misfit
from labfeedback.engine.start import Calibration
from labfeedback.errors import BadSetup, Hazard
from labfeedback.exchange.trial import Trial
from labfeedback.markerset import MarkerSet
from labfeedback.rig import Rig
from labfeedback.subject import Subject

AXIS_DEG: Final = (1.0, 2.0)
# Plate minus markers, mean of contact and toe-off: 17.5 and 17 ms in the two treadmill recordings, 7 ms in the walker,
# whose foot is a plank. People differ by some ms, so a walk shows a skew of some 12 ms and more, and no smaller one.
LAG_S: Final = ((0.0055, 0.0285), (-0.005, 0.040))
LEAST_STEPS: Final = 4
STAMP_DAYS: Final = 92
ROOM_GB: Final = (5.0, 1.0)  # a visit of an hour takes under one


def axis(walked: Walked) -> Line:
    """The way standing heels drift, which is where the belts run."""
    angles = walked.heel_drift_deg()
    if len(angles) < LEAST_STEPS:
        return line("belt axis", "grey", f"{len(angles)} heels were seen on a belt", EVERYBODY)
    yaw = float(np.median(angles))
    way = f"{abs(yaw):.1f} deg to the {'right' if yaw > 0 else 'left'} of" if abs(yaw) >= 0.05 else "along"
    return line(
        "belt axis",
        grade(abs(yaw), AXIS_DEG),
        f"the belts run {way} the rig's walking direction ({len(angles)} steps)",
        "calibrate the cameras against the treadmill, or write "
        f"belt_yaw_deg into the rig (now {walked.rig.belt_yaw_deg:g})",
        found=f"{yaw:+.1f} deg",
    )


def skew(walked: Walked) -> Line:
    """Plate minus markers of footfalls, against what people show."""
    lags = walked.lags_s()
    if len(lags) < LEAST_STEPS:
        return line("skew", "grey", f"plates and markers told of {len(lags)} footfalls together", EVERYBODY)
    lag = float(np.median(lags))
    (low, high), (least, most) = LAG_S
    light: Light = "green" if low <= lag <= high else "amber" if least <= lag <= most else "red"
    usual = 0.5 * (low + high)
    way = "late" if lag > usual else "early"
    return line(
        "skew",
        light,
        f"plates tell footfalls {1e3 * lag:.0f} ms after the markers ({1e3 * low:.0f} to {1e3 * high:.0f} is usual)",
        f"the forces seem {1e3 * abs(lag - usual):.0f} ms {way}: record a stamp "
        "trial ('labfeedback skew') and put it into the rig",
        found=f"{1e3 * lag:+.0f} ms",
    )


def stamp_trial(rig: Rig, today: datetime.date) -> Line:
    """Whether the rig's skew was measured, lately, and with this rig."""
    if rig.streams.one_clock:
        return line("stamp trial", "green", "markers and forces are sampled by one system: none is needed")
    remedy = "record a stamp trial and save it: 'labfeedback skew FILE --save'"
    if rig.sync is None:
        return line("stamp trial", "amber", "the rig has no stamp trial: only a walk speaks for the skew", remedy)
    if rig.sync.rig and rig.sync.rig != rig.timing_hash:
        return line(
            "stamp trial",
            "amber",
            f"streams or plates of the rig changed since the stamp trial of {rig.sync.date}",
            remedy,
            found=rig.sync.date,
        )
    days = (today - datetime.date.fromisoformat(rig.sync.date)).days
    light: Light = "green" if days <= STAMP_DAYS else "amber"
    return line(
        "stamp trial",
        light,
        f"skew of {1e3 * rig.sync.skew_s:.1f} ms, measured {days} days ago ({rig.sync.date})",
        remedy,
        found=rig.sync.date,
    )


def owner(
    calibration: Calibration | None, trial: Trial, rig: Rig, markers: MarkerSet, subject: Subject, today: datetime.date
) -> Line:
    """Whose the calibration is, and of which day."""
    if calibration is None:
        medial = {x for leg in (markers.right, markers.left) for x in leg.medial}
        if medial <= set(trial.labels):
            return line("calibration", "green", "none is needed: the medial markers are on")
        return line(
            "calibration",
            "red",
            "no calibration, and the medial markers are off",
            "stand for 'labfeedback calibrate', or put the medial markers on",
        )
    try:
        remarks = refuse_misfit(calibration, markers, rig, subject)
    except (Hazard, BadSetup) as error:
        return line("calibration", "red", str(error), "record a static trial of this person today")
    old = of_another_day(calibration, today.isoformat())
    if old or remarks:
        return line(
            "calibration",
            "amber",
            "; ".join(filter(None, [old, *remarks])),
            "record a static trial today",
            found=calibration.date,
        )
    return line("calibration", "green", f"of {calibration.subject}, {calibration.date}", found=calibration.date)


def disk(folder: Path) -> Line:
    """Room for the recording."""
    there = folder.absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    free = shutil.disk_usage(there).free / 1e9
    return line(
        "disk",
        grade(-free, (-ROOM_GB[0], -ROOM_GB[1])),
        f"{free:.1f} GB are free where the recording goes",
        "make room, or record to another disk",
        found=f"{free:.1f} GB",
    )
