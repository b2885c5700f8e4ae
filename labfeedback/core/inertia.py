"""Mass, centre of mass and radii of gyration of shank and foot: three published tables by name (SCIENCE.md section 3).

Dumas et al., J Biomech 40:543, 2007; Winter, Biomechanics and Motor Control of Human Movement; de Leva, J Biomech
29:1223, 1996.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

# Layout of the (21,) vector of `segment_inertia`: shank 0..9, foot 10..19, then how the foot is measured.
MASS: Final = 0  # kg
COM: Final = 1  # three fractions of the segment's length, in its axes, from its origin
TENSOR: Final = 4  # xx yy zz xy xz yz as squared fractions of the length
FOOT_PART: Final = 10
FOOT_KIND: Final = 20  # 0 Dumas: axes from AJC; 1 Winter: on the line AJC-MT; 2 de Leva: on the heel-toe line
SIZE: Final = 21

# mass %, COM x y z %, r_xx r_yy r_zz %, signed r_xy r_xz r_yz % (the sign is that of the product)
_DUMAS: Final = {
    "F": ((4.5, -4.9, -40.4, 3.1, 28, 10, 28, 2, 1, 6), (1.0, 38.2, -30.9, 5.5, 24, 51, 50, -15, 9, -5)),
    "M": ((4.8, -4.8, -41.0, 0.7, 28, 10, 28, -4, -2, 5), (1.2, 50.2, -19.9, 3.4, 22, 49, 48, 17, -11, 0)),
}
# mass fraction, COM fraction, sagittal, transverse, longitudinal radius (about the AP, ML and long axis)
_DELEVA: Final = {
    "M": ((0.0433, 0.4395, 0.251, 0.246, 0.102), (0.0137, 0.4415, 0.257, 0.245, 0.124)),
    "F": ((0.0481, 0.4352, 0.267, 0.263, 0.092), (0.0129, 0.4014, 0.299, 0.279, 0.139)),
}
# Longitudinal extent of de Leva's foot in units of heel to metatarsals.
DELEVA_FOOT: Final = 1.2


def table_for(name: str, sex: str) -> str:
    """The table's name after 'auto' is resolved: Dumas where the sex is known, Winter where it is not."""
    if name != "auto":
        return name
    return "dumas" if sex in ("F", "M") else "winter"


def segment_inertia(name: str, sex: str, mass_kg: float, side: int) -> NDArray[np.float64]:
    """(21,) parameters of one leg's shank and foot for the kernels.

    name: 'dumas', 'winter', 'deleva' or 'auto'. Where a table needs a sex and none is known, the mean of both is used.
    side: +1 right, -1 left: on the left the z of the COM and the xz and yz products change sign.
    """
    table = table_for(name, sex)
    out = np.zeros(SIZE)
    if table == "winter":
        out[MASS] = 0.0465 * mass_kg
        out[COM + 1] = -0.433
        # Winter's radius 0.302 L is about the centre of mass; none is given about the long axis.
        out[TENSOR] = out[TENSOR + 2] = 0.302 * 0.302
        out[FOOT_PART + MASS] = 0.0145 * mass_kg
        out[FOOT_PART + COM] = 0.5
        out[FOOT_PART + TENSOR + 1] = out[FOOT_PART + TENSOR + 2] = 0.475 * 0.475
        out[FOOT_KIND] = 1
        return out
    if table not in ("dumas", "deleva"):
        raise ValueError(f"inertia {name!r}: expected auto, dumas, winter or deleva")
    sexes = (sex,) if sex in ("F", "M") else ("F", "M")
    for one in sexes:
        if table == "dumas":
            for part, row in zip((0, FOOT_PART), _DUMAS[one], strict=True):
                out[part + MASS] += row[0] / 100 * mass_kg
                out[part + COM : part + COM + 3] += np.array(row[1:4]) / 100 * (1, 1, side)
                radii = np.array(row[4:10]) / 100
                out[part + TENSOR : part + TENSOR + 6] += radii * np.abs(radii) * (1, 1, 1, 1, side, side)
        else:
            shank, foot = _DELEVA[one]
            out[MASS] += shank[0] * mass_kg
            out[COM + 1] -= shank[1]
            out[TENSOR : TENSOR + 3] += np.square([shank[2], shank[4], shank[3]])
            out[FOOT_PART + MASS] += foot[0] * mass_kg
            out[FOOT_PART + COM] += foot[1]
            out[FOOT_PART + TENSOR : FOOT_PART + TENSOR + 3] += np.square([foot[4], foot[2], foot[3]])
    out /= len(sexes)
    out[FOOT_KIND] = 2 if table == "deleva" else 0
    return out
