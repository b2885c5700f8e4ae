"""The outline of a foot from above: plain numbers that the patient's screen and the printed page both draw.

The right foot, toes towards -y as on a screen; length 1, heel centre at the origin, and the line from the heel centre
to the second metatarsal head (the axis that FPA is measured on) straight up. Medial is -x.
"""

from __future__ import annotations

from typing import Final

Point = tuple[float, float]

# End point of each cubic piece with its two control points; the first entry is only where it begins.
SOLE: Final[tuple[tuple[Point, Point | None, Point | None], ...]] = (
    ((0.000, 0.100), None, None),
    ((0.120, -0.030), (0.070, 0.100), (0.120, 0.045)),
    ((0.165, -0.300), (0.120, -0.120), (0.155, -0.200)),
    ((0.222, -0.560), (0.176, -0.400), (0.219, -0.470)),
    ((0.140, -0.700), (0.225, -0.640), (0.195, -0.672)),
    ((-0.060, -0.765), (0.075, -0.733), (0.010, -0.765)),
    ((-0.175, -0.630), (-0.130, -0.765), (-0.175, -0.710)),
    ((-0.098, -0.310), (-0.175, -0.530), (-0.098, -0.430)),
    ((-0.120, -0.030), (-0.098, -0.200), (-0.120, -0.120)),
    ((0.000, 0.100), (-0.120, 0.045), (-0.070, 0.100)),
)
# Toes: centre, radii, turn in degrees. The first one is the great toe.
TOES: Final[tuple[tuple[Point, Point, float], ...]] = (
    ((-0.102, -0.848), (0.070, 0.085), 2.0),
    ((0.023, -0.845), (0.045, 0.062), 5.0),
    ((0.106, -0.806), (0.040, 0.054), 12.0),
    ((0.176, -0.752), (0.037, 0.048), 22.0),
    ((0.232, -0.684), (0.034, 0.043), 32.0),
)
