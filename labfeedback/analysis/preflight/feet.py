"""Whose foot is whose, and which plate is under it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from labfeedback.analysis.checks import exchanged_plates
from labfeedback.analysis.preflight.line import EVERYBODY, Line, line
from labfeedback.analysis.room import from_line
from labfeedback.analysis.walked import STANDING_N, Mended, Walked, median
from labfeedback.exchange.trial import Trial
from labfeedback.markerset import MarkerSet
from labfeedback.records import SIDE_NAMES, SIDES
from labfeedback.rig import Rig

Array = NDArray[np.float64]

UNDER_FOOT_M: Final = 0.08  # right plates give 10-25 mm, exchanged ones over 150 (analysis.checks)


def mirrored(walked: Walked) -> tuple[bool, Line]:
    """Whether left and right labels are exchanged, and the line.

    Three signs: feet point along the belt, the right one lies right of the left one, and the front of each tibia (where
    its medial markers are on) points forward.
    """
    feet = {side: walked.foot(side) for side in SIDES}
    ahead = [one for heel, front in feet.values() if (one := median((front - heel)[:, 0])) == one]
    apart = _across(walked, 1) - _across(walked, -1)
    fronts = {side: _tibia_front(walked, side) for side in SIDES}
    back = [side for side in SIDES if fronts[side] < 0]
    remedy = "mend the label map in the camera system; nothing is measured until then"
    if not ahead or apart != apart:
        return False, line("mirrored", "grey", "heel and toe of neither foot are seen", "see the markers above")
    if min(ahead) < 0:
        which = "both feet point" if max(ahead) < 0 else "one foot points"
        return False, line(
            "mirrored",
            "red",
            f"{which} against the rig's walking direction: the rig's axes or the heel and toe labels are wrong",
            "turn the rig's axes, or mend heel and toe labels",
        )
    if apart < 0 or len(back) == 2:
        said = (
            f"the right foot is {1e3 * abs(apart):.0f} mm LEFT of the left foot"
            if apart < 0
            else ("the fronts of both shanks point backwards")
        )
        return apart < 0, line(
            "mirrored",
            "red",
            f"{said}: the labels of left and right are exchanged, or the recording is mirrored",
            remedy,
            found=f"{1e3 * apart:+.0f} mm",
        )
    if back:
        return False, line(
            "mirrored",
            "red",
            f"the front of the {SIDE_NAMES[back[0]]} shank points backwards: its "
            "medial and lateral labels are exchanged",
            remedy,
        )
    return False, line(
        "mirrored",
        "green",
        f"the right foot is {1e3 * apart:.0f} mm right of the left one and both point forward",
        found=f"{1e3 * apart:+.0f} mm",
    )


def _across(walked: Walked, side: int) -> float:
    """Median z of all that is seen of a foot and its ankle, m."""
    leg = walked.markers.leg(side)
    seen = [median(walked.marker(label)[:, 2]) for label in (leg.heel, leg.ankle_lateral, leg.mt5 or leg.mt2 or "")]
    return median(np.array(seen))


def _tibia_front(walked: Walked, side: int) -> float:
    """Forward component of the tibia's front from lateral and medial markers; NaN without them. Labels as they are."""
    leg = walked.markers.leg(side)
    knee = [walked.marker(label) for label in (leg.knee_lateral, leg.knee_medial)]
    ankle = [walked.marker(label) for label in (leg.ankle_lateral, leg.ankle_medial)]
    long = (knee[0] + knee[1] - ankle[0] - ankle[1]) / 2
    return median(np.cross(long, side * (knee[0] - knee[1]))[:, 0])


def sides(trial: Trial, rig: Rig, markers: MarkerSet, mended: Mended) -> tuple[Line, Trial, Mended]:
    """Each load must lie under its own foot, in a walk or in stamps. Gives back the trial with its plates mended."""
    away = _beside(Walked(trial, rig, markers, mended))
    if not np.isfinite([*away.values()]).all():
        return line("sides", "grey", "not both feet were seen on a loaded plate", EVERYBODY), trial, mended
    worst = max(SIDES, key=lambda side: away[side])
    found = f"{1e3 * away[worst]:.0f} mm"
    if away[worst] <= UNDER_FOOT_M:
        return (
            line("sides", "green", f"each plate's load lies under its own foot ({found} at most)", found=found),
            trial,
            mended,
        )
    other = exchanged_plates(trial)
    if other is not None:
        turned = mended._replace(flip={-side: by for side, by in mended.flip.items()})
        if max(_beside(Walked(other, rig, markers, turned)).values()) <= UNDER_FOOT_M:
            return (
                line(
                    "sides",
                    "red",
                    "each plate is loaded under the OTHER foot: the plates are exchanged",
                    "exchange the plates in the source or the rig; then stamp with the left foot: the left plate "
                    "must answer",
                    found=found,
                ),
                other,
                turned,
            )
    return (
        line(
            "sides",
            "red",
            f"the {SIDE_NAMES[worst]} plate's load lies {found} beside its foot",
            "a plate is at another place than the rig says, or one of its channels is wrong: step on it and look",
            found=found,
        ),
        trial,
        mended,
    )


def _beside(walked: Walked) -> dict[int, float]:
    """Median distance of each side's load from its foot, m; NaN where they were not seen together."""
    out = {}
    for side in SIDES:
        load = walked.load[side]
        cop = np.stack([walked.at_frames(np.nan_to_num(load.cop_m[:, k])) for k in (0, 2)], axis=1)
        heel, front = (points[:, (0, 2)] for points in walked.outline(side))
        out[side] = median(from_line(cop, heel, front)[walked.at_frames(load.up_n) > STANDING_N])
    return out
