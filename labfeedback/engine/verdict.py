"""Is this static trial fit to walk with? One check a line: what was measured, its limit, a light, a sentence, a remedy.

Green: as it should be. Amber: usable, look at it. Red: not saved without a reason; a firm red (side, sign, mirrored
labels, mass) not at all (SCIENCE.md section 10). Limits without a source are this project's choice.
"""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labfeedback.core.legpoints import ANKLE_LATERAL, KNEE_LATERAL, MT1, MT2, MT5
from labfeedback.engine.body import At, LegMeasured, spread
from labfeedback.engine.standing import Standing
from labfeedback.engine.start import Check, Segment
from labfeedback.records import SIDE_NAMES

Array = NDArray[np.float64]
Lights = tuple[tuple[float, float], tuple[float, float]]  # green from..to, amber from..to
_INF: Final = float("inf")

LEAST_SECONDS: Final = 1.0
STILL_MM: Final = ((0.0, 15.0), (0.0, 40.0))  # a standing knee sways by some mm; a walk moves by decimetres
VISIBLE_PCT: Final = ((95.0, 100.0), (50.0, 100.0))
# The bone's bicondylar width is 79 +- 3 mm in women and 89 +- 4 in men (360 femora, Terzidis, Anat Res Int 2012,
# 679658); skin and two markers' radii add 15 to 60 mm. A published trial (Lenhart) has 170.
KNEE_MM: Final = ((80.0, 150.0), (70.0, 180.0))
# A simulated adult has 82 (SCIENCE.md section 9), the GRAIL subject 82 and 87.
ANKLE_MM: Final = ((60.0, 110.0), (50.0, 130.0))
SHANK_MM: Final = ((320.0, 480.0), (250.0, 560.0))
SHANK_HEIGHT: Final = ((0.21, 0.27), (0.18, 0.30))  # of body height; Winter has 0.285 - 0.039 = 0.246
FOOT_MM: Final = ((140.0, 280.0), (110.0, 320.0))
KNEE_PAIR_MM: Final = ((0.0, 10.0), (0.0, 25.0))  # no side difference in bone (Terzidis); half of it moves the centre
ANKLE_PAIR_MM: Final = ((0.0, 8.0), (0.0, 20.0))
SHANK_PAIR_MM: Final = ((0.0, 12.0), (0.0, 30.0))
# RMS distance from the centre over ten times the marker error (Cappozzo, IEEE Trans Biomed Eng 44:1165, 1997); skin
# moves markers of one cluster against each other by about 3 mm.
SIZE_MM: Final = ((30.0, _INF), (15.0, _INF))
# 8 deg of axial turn are 0.26-0.42 %BW*Ht (SCIENCE.md section 1): 2.5 deg are about 0.1.
TURN_DEG_PER_MM: Final = ((0.0, 2.5), (0.0, 5.0))
RIGID_MM: Final = ((0.0, 2.0), (0.0, 5.0))
MIRRORED_DEG: Final = ((0.0, 45.0), (0.0, 89.0))
FACING_DEG: Final = ((0.0, 15.0), (0.0, 30.0))
LEAN_DEG: Final = ((0.0, 15.0), (0.0, 25.0))  # real people stand with 7 to 12, because of where the epicondyles lie
LEVEL_MM: Final = ((0.0, 15.0), (0.0, 30.0))  # a shod foot that is flat has both markers as high as the other foot's
FLOOR_MM: Final = ((0.0, 90.0), (-15.0, 130.0))


def grade(value: float, lights: Lights) -> str:
    """green, amber or red; what is not a number is red."""
    for name, (low, high) in zip(("green", "amber"), lights, strict=True):
        if low <= value <= high:
            return name
    return "red"


def _limit(lights: Lights) -> str:
    (low, high), (widest_low, widest_high) = lights
    if high == _INF:
        return f">= {low:g} (red < {widest_low:g})"
    if lights[0] == lights[1]:
        return f"{low:g}-{high:g}"
    if low == widest_low:
        return f"<= {high:g} (red > {widest_high:g})"
    if high == widest_high:
        return f">= {low:g} (red < {widest_low:g})"
    return f"{low:g}-{high:g} (red outside {widest_low:g}-{widest_high:g})"


def check(
    name: str, where: str, value: float, unit: str, lights: Lights, said: str, remedy: str, *, firm: bool = False
) -> Check:
    """A check of one number; `said` is the sentence, {} stands for the value with its unit."""
    light = grade(value, lights)
    shown = f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 1 else f"{value:.3g}"
    return Check.model_validate(
        {
            "name": name,
            "where": where,
            "value": round(value, 4) if np.isfinite(value) else None,
            "unit": unit,
            "limit": _limit(lights),
            "light": light,
            "sentence": said.format(f"{shown} {unit}".strip() if np.isfinite(value) else "not measurable"),
            "remedy": "" if light == "green" else remedy,
            "firm": firm and light == "red",
        }
    )


def length(standing: Standing) -> Check:
    """At least one second."""
    seconds = standing.seconds + 1e-9
    return check(
        "length", "", seconds, "s", ((LEAST_SECONDS, _INF), (LEAST_SECONDS, _INF)),
        f"static trial of {seconds:.2f} s" + ("" if seconds >= LEAST_SECONDS else f": at least {LEAST_SECONDS:g} s are "
                                              "needed"), "record 3 s of quiet standing",
    )  # fmt: skip


def visible(label: str, side: int, share: float) -> Check:
    """Share of the trial in which a marker was seen."""
    where = f"{SIDE_NAMES[side]} {label}"
    if np.isnan(share):
        return Check(
            name="visible", where=where, value=0.0, unit="%", limit=_limit(VISIBLE_PCT), light="red",
            sentence=f"{label} ({SIDE_NAMES[side]} leg) is not among the labels",
            remedy="choose the right marker set, or label the marker in the source",
        )  # fmt: skip
    many = "visible {} of the time" if share >= 0.5 else "not visible for half of the trial ({})"
    return check(
        "visible", where, 100 * share, "%", VISIBLE_PCT, f"{label} ({SIDE_NAMES[side]} leg) {many}",
        "turn towards the cameras, move the arms away, and record it again",
    )  # fmt: skip


def still(moved: dict[str, float]) -> Check:
    """moved: label -> m between the 5th and 95th percentile of its most restless axis."""
    which = max(moved, key=lambda label: moved[label])
    return check(
        "still", which, 1e3 * moved[which], "mm", STILL_MM, f"{which} moves by {{}}, the most of all",
        f"quiet standing stays within {STILL_MM[1][1]:.0f} mm. Is this a walk? Record quiet standing",
    )  # fmt: skip


def mirrored(legs: list[LegMeasured]) -> list[Check]:
    """The tibia's front against the foot, and the order of the foot's markers from inside to outside."""
    out = []
    back = [leg for leg in legs if leg.front_deg.max() > MIRRORED_DEG[1][1]]
    for leg in legs:
        side = SIDE_NAMES[leg.side]
        joint = ("knee", "ankle")[int(np.argmax(leg.front_deg))]
        value = float(leg.front_deg.max())
        if leg in back:
            said = f"the front of the {side} tibia points against the foot (at the {joint}, {{}} away)"
        else:
            said = f"front of the {side} tibia and foot differ by {{}} at the {joint}"
        what = f"lateral and medial at the {joint}"
        if leg.front_deg.min() > MIRRORED_DEG[1][1]:  # at knee and ankle
            what = "left and right (or the recording is mirrored)" if len(back) == 2 else "heel and toe"
        remedy = f"the labels of {what} are exchanged. Mend the label map and record it again"
        if value <= MIRRORED_DEG[1][1]:
            remedy = f"look at the markers of {joint} and foot: does the person stand with the foot turned?"
        out.append(check("mirrored", side, value, "deg", MIRRORED_DEG, said, remedy, firm=True))
        out += _foot_order(leg)
    return out


def _foot_order(leg: LegMeasured) -> list[Check]:
    side = SIDE_NAMES[leg.side]
    forward = leg.front - leg.heel
    outwards = leg.side * np.array([-forward[2], 0.0, forward[0]])
    outwards /= max(float(np.linalg.norm(outwards)), 1e-9)
    names = [(leg.leg.mt1, MT1), (leg.leg.mt2, MT2), (leg.leg.mt5, MT5)]
    there = [(label, float(leg.points[row] @ outwards)) for label, row in names if label]
    if len(there) < 2:
        return []
    gaps = [(1e3 * (b[1] - a[1]), a[0], b[0]) for a, b in itertools.pairwise(there)]
    gap, inner, outer = min(gaps)
    return [
        check(
            "foot_order", side, gap, "mm", ((10.0, _INF), (0.0, _INF)), f"{outer} lies {{}} outside {inner}",
            f"{inner} and {outer} are exchanged, or the foot's labels are another foot's: the foot angle would be "
            "wrong. Mend the labels and record it again", firm=True,
        )
    ]  # fmt: skip


def facing(legs: list[LegMeasured]) -> list[Check]:
    """Both feet against the rig's walking direction, and the right foot on the right."""
    total = np.zeros(3)
    for leg in legs:
        along = (leg.front - leg.heel) * np.array([1.0, 0.0, 1.0])
        total += along / np.linalg.norm(along)
    turned = float(np.degrees(np.arctan2(total[2], total[0])))
    where = "the feet point {} away from the rig's walking direction"
    right, left = sorted(legs, key=lambda leg: -leg.side)
    apart = float(right.ankle[2] - left.ankle[2])
    return [
        check(
            "facing", "", abs(turned), "deg", FACING_DEG, where,
            "stand facing the walking direction; if the person does, the rig's axes are wrong and left and right "
            "would be exchanged", firm=True,
        ),
        check(
            "sides", "", 1e3 * apart, "mm", ((60.0, 500.0), (0.0, 900.0)), "the right ankle is {} right of the left",
            "left and right labels are exchanged, the legs are crossed, or the rig's axes are wrong", firm=True,
        ),
    ]  # fmt: skip


def build(leg: LegMeasured, height_m: float | None) -> list[Check]:
    """Widths and lengths of one leg, and how upright it stands."""
    side = SIDE_NAMES[leg.side]
    long = leg.knee - leg.ankle
    shank = float(np.linalg.norm(long))
    lean = float(np.degrees(np.arccos(np.clip(long[1] / shank, -1.0, 1.0))))
    place = f"look at both markers of the {side} {{}}: half of the error moves the joint's centre"
    out = [
        check("knee_width", side, 1e3 * leg.width(KNEE_LATERAL), "mm", KNEE_MM, f"{side} knee {{}} wide",
              place.format("knee")),
        check("ankle_width", side, 1e3 * leg.width(ANKLE_LATERAL), "mm", ANKLE_MM, f"{side} ankle {{}} wide",
              place.format("ankle")),
        check("shank_length", side, 1e3 * shank, "mm", SHANK_MM, f"{side} shank {{}} long",
              f"look at the knee and ankle markers of the {side} leg, and at the unit of the stream"),
    ]  # fmt: skip
    if height_m is not None:
        out.append(
            check("shank_height", side, shank / height_m, "of height", SHANK_HEIGHT,
                  f"{side} shank in parts of the body height of {height_m:.2f} m: {{}}",
                  "check the height in the subject file and the knee and ankle markers")
        )  # fmt: skip
    foot = 1e3 * float(np.linalg.norm(leg.front - leg.heel))
    return [
        *out,
        check("foot_length", side, foot, "mm", FOOT_MM, f"{side} heel to forefoot {{}}", f"check the {side} foot's "
              "markers"),
        check("upright", side, lean, "deg", LEAN_DEG, f"{side} shank leans by {{}}",
              "stand upright with straight knees and record it again"),
    ]  # fmt: skip


def pair(legs: list[LegMeasured]) -> list[Check]:
    """Both legs compared."""
    one, two = legs
    remedy = "one leg's markers are misplaced: compare both sides"
    out = []
    shanks = [float(np.linalg.norm(leg.knee - leg.ankle)) for leg in legs]
    rows: list[tuple[str, str, Lights, float, float]] = [
        ("knee_pair", "knee widths", KNEE_PAIR_MM, one.width(KNEE_LATERAL), two.width(KNEE_LATERAL)),
        ("ankle_pair", "ankle widths", ANKLE_PAIR_MM, one.width(ANKLE_LATERAL), two.width(ANKLE_LATERAL)),
        ("shank_pair", "shank lengths", SHANK_PAIR_MM, shanks[0], shanks[1]),
        ("heel_pair", "heel heights", LEVEL_MM, float(one.heel[1]), float(two.heel[1])),
        ("toe_pair", "forefoot heights", LEVEL_MM, float(one.front[1]), float(two.front[1])),
    ]
    for name, said, lights, a, b in rows:
        advice = "stand with both feet flat and record it again" if lights is LEVEL_MM else remedy
        out.append(check(name, "", 1e3 * abs(a - b), "mm", lights, f"{said} differ by {{}}", advice))
    return out


def cluster(name: str, side: int, found: Segment) -> list[Check]:
    """Size, shape and rigidity of one technical cluster."""
    where = f"{SIDE_NAMES[side]} {name}"
    reference = np.array(found.reference)
    size, turn = spread(reference)
    remedy = "spread the cluster's markers over the segment, off one line, or keep the medial markers on for walking"
    out = [
        check("cluster_size", where, size, "mm", SIZE_MM, f"{where} cluster: {{}} RMS from its centre", remedy),
        check("cluster_line", where, turn, "deg/mm", TURN_DEG_PER_MM,
              f"{where} cluster turns about its long axis by {{}} of marker error",
              "its markers lie nearly on one line: " + remedy),
    ]  # fmt: skip
    if found.residual_mm is not None:
        out.append(
            check("cluster_rigid", where, found.residual_mm, "mm", RIGID_MM, f"{where} cluster: {{}} off a rigid body",
                  "a marker of it is loose, or two labels change places")
        )  # fmt: skip
    return out


def heights(legs: list[LegMeasured], surface_m: tuple[float, float]) -> list[Check]:
    """Heel markers above the plates: a floor elsewhere means another rig."""
    return [
        check("floor", SIDE_NAMES[leg.side], 1e3 * float(leg.heel[1] - surface_m[0 if leg.side > 0 else 1]), "mm",
              FLOOR_MM, f"{SIDE_NAMES[leg.side]} heel marker {{}} above its plate",
              "the rig's plates lie at another height than the cameras' floor: check the rig")
        for leg in legs
    ]  # fmt: skip


def seen_at(standing: Standing) -> tuple[At, dict[str, float], dict[str, Array]]:
    """Median positions (of what is seen at least half of the time), share seen, and tracks, by label."""
    at: At = {}
    share: dict[str, float] = {}
    tracks = {label: standing.markers[:, column] for column, label in enumerate(standing.labels)}
    for label, track in tracks.items():
        there = np.asarray(np.isfinite(track).all(axis=1))
        share[label] = float(there.mean()) if len(there) else 0.0
        if share[label] >= 0.5:
            at[label] = np.median(track[there], axis=0)
    return at, share, tracks


def restless(tracks: dict[str, Array], labels: list[str]) -> dict[str, float]:
    """m between the 5th and 95th percentile of each marker's most restless axis."""
    out = {}
    for label in labels:
        track = tracks[label]
        track = track[np.isfinite(track).all(axis=1)]
        if len(track):
            low, high = np.percentile(track, (5, 95), axis=0)
            out[label] = float((high - low).max())
    return out
