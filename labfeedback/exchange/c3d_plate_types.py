"""What a plate's analog channels mean, by its TYPE in a C3D file, as forces and moments about one point.

Source: the C3D format's user guide (c3d.org), chapters FORCE_PLATFORM:TYPE, ORIGIN and CAL_MATRIX; the equations of
TYPE 3 are those of Kistler's plates (see the same guide). Plate frame, z down.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
CHANNELS: Final = {1: 6, 2: 6, 3: 8, 4: 6}
NAMES: Final = "1 (forces, centre of pressure), 2 (forces, moments), 3 (eight transducers) or 4 (CAL_MATRIX)"


def matrices(group: dict[str, Any], types: list[int]) -> tuple[list[Array | None], str]:
    """The (6, 6) matrix of each TYPE 4 plate, None for the others; or the sentence that says what is wrong."""
    out: list[Array | None] = [None] * len(types)
    stored = np.asarray(group.get("CAL_MATRIX", {}).get("value", []), np.float64)
    for i, kind in enumerate(types):
        if kind != 4:
            continue
        if stored.ndim == 2 and len(types) == 1:
            stored = stored[:, :, None]
        if stored.ndim != 3 or stored.shape[:2] != (6, 6) or stored.shape[2] <= i:
            found = "x".join(str(n) for n in stored.shape) if stored.size else "nothing"
            return out, f"plate {i + 1} is of TYPE 4, but CAL_MATRIX has no 6x6 matrix for it (found {found})"
        if not np.isfinite(stored[:, :, i]).all() or (np.diag(stored[:, :, i]) == 0.0).any():
            return out, f"plate {i + 1} is of TYPE 4, but its CAL_MATRIX has zeros on its diagonal or is not finite"
        out[i] = stored[:, :, i]
    return out, ""


def wrench(kind: int, signals: NDArray[np.floating[Any]], origin: Array, matrix: Array | None) -> Array:
    """(n, 6) Fx Fy Fz and the moments about the plate's own point, in N and N times the file's length.

    signals: (n, channels) of one plate, as scaled by the file. origin: (3,) ORIGIN as in the file, its length unit.

    1: Fx Fy Fz, centre of pressure Px Py on the surface, free moment Tz: about the surface's centre.
    2: as they are. 3: Fx12 Fx34 Fy14 Fy23 Fz1 Fz2 Fz3 Fz4, transducers at +-ORIGIN(1), +-ORIGIN(2): about the point
    between them. 4: volts, times CAL_MATRIX.
    """
    s = np.asarray(signals, np.float64)
    if kind == 4:
        assert matrix is not None
        return np.asarray(s @ matrix.T)
    if kind == 1:
        fx, fy, fz, px, py, free = s.T
        # Nobody stands on an unloaded plate: its centre of pressure is any number, or none.
        px, py = (np.where(np.isfinite(p), p, 0.0) for p in (px, py))
        return np.stack([fx, fy, fz, py * fz, -px * fz, free + px * fy - py * fx], axis=1)
    if kind == 3:
        fx12, fx34, fy14, fy23, fz1, fz2, fz3, fz4 = s.T
        a, b = abs(origin[0]), abs(origin[1])
        return np.stack(
            [
                fx12 + fx34, fy14 + fy23, fz1 + fz2 + fz3 + fz4,
                b * (fz1 + fz2 - fz3 - fz4),
                a * (-fz1 + fz2 + fz3 - fz4),
                b * (-fx12 + fx34) + a * (fy14 - fy23),
            ],
            axis=1,
        )  # fmt: skip
    return s
