"""How large things are on this wall: degrees of visual angle turned into pixels. Pure arithmetic, no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from math import radians, tan
from typing import Final

from labfeedback.errors import BadSetup
from labfeedback.rig import Screen

# Cap heights in degrees. Reading at a glance while walking wants far more than acuity: 2 deg is ten times the height
# of the smallest letters that 20/40 eyes can read.
MAIN_DEG: Final = 2.4
MAIN_LEAST_DEG: Final = 2.0
NUMBER_DEG: Final = 1.6
NAME_DEG: Final = 1.3
SMALL_DEG: Final = 0.85
SMALL_LEAST_DEG: Final = 0.8

_MARGIN = 0.05  # of the height: projectors crop edges
# Widths in cap heights (tests/display/test_geometry.py measures them): of TOE OUT with its arrow, centred; of NOT
# MEASURED, which may be smaller because it asks for nothing; of the widest caption, STEPS; of 100%.
_INSTRUCTION_CAPS = 10.4
_UNMEASURED_CAPS = 12.5
_CAPTION_CAPS = 4.9
_NUMBER_CAPS = 4.2

LARGEST_TURN_DEG: Final = 25.0  # drawn; a foot turned further would leave its place, and the word says enough
TWIN: Final = 0.27  # half the distance between the two feet, in lengths of a foot
_SWING: Final = 0.86  # how far a foot turned by LARGEST_TURN_DEG reaches from the middle, in lengths of a foot


@dataclass(frozen=True)
class Geometry:
    """Sizes in pixels for one screen. Cap heights: main, unmeasured, number, name, small. Then the places."""

    width: int
    height: int
    mirrored: bool
    px_per_deg: float
    margin: float
    main: float
    unmeasured: float
    number: float
    name: float
    small: float
    lane_top: float
    pivot_y: float
    foot: float  # length of the drawn foot
    aside: float  # middle of the columns left and right of the feet, from the nearer edge

    @property
    def main_deg(self) -> float:
        """Cap height of the main words in degrees as they fit on this screen."""
        return self.main / self.px_per_deg

    @property
    def small_deg(self) -> float:
        """Cap height of the smallest words in degrees as they fit on this screen."""
        return self.small / self.px_per_deg

    @property
    def readable(self) -> bool:
        """False where the screen is too small for its distance; the words are then as large as fits."""
        return self.main_deg >= MAIN_LEAST_DEG - 1e-9 and self.small_deg >= SMALL_LEAST_DEG - 1e-9


def geometry_for(width: int, height: int, screen: Screen) -> Geometry:
    """Geometry of a width x height pixel picture on `screen`. Raises BadSetup for a picture of no size."""
    if width < 160 or height < 120:
        raise BadSetup(f"the patient's screen is {width} x {height} pixels; expected at least 160 x 120")
    # The denser direction decides, so that a picture that does not fill its screen is never too small to read.
    px_per_m = max(width / screen.width_m, height / screen.height_m)
    degree = 2.0 * screen.viewing_distance_m * tan(radians(0.5)) * px_per_m
    margin = _MARGIN * height
    # Small wanted sizes shrink together when the wall is too small for its distance.
    widest = (width - 2.0 * margin) / _INSTRUCTION_CAPS
    main = min(MAIN_DEG * degree, max(MAIN_LEAST_DEG * degree, 0.8 * widest), widest, 0.2 * height)
    squeeze = min(1.0, main / (MAIN_LEAST_DEG * degree))
    name = NAME_DEG * degree * squeeze
    gap = 0.04 * height
    lane_top = margin + main + gap
    lane_bottom = height - margin - name - 0.8 * gap
    lane = lane_bottom - lane_top
    small = SMALL_DEG * degree * squeeze
    # The columns beside the feet come first: their words have a least size, the foot has none.
    foot = min(0.8 * lane, (width / 2.0 - 1.5 * margin - _CAPTION_CAPS * small) / _SWING)
    column = width / 2.0 - _SWING * foot - 1.5 * margin
    return Geometry(
        width=width,
        height=height,
        mirrored=screen.mirrored,
        px_per_deg=degree,
        margin=margin,
        main=main,
        unmeasured=min(main, (width - 2.0 * margin) / _UNMEASURED_CAPS),
        number=min(NUMBER_DEG * degree * squeeze, column / _NUMBER_CAPS),
        name=name,
        small=small,
        lane_top=lane_top,
        pivot_y=lane_bottom - 0.09 * lane,
        foot=foot,
        aside=margin + column / 2.0,
    )
