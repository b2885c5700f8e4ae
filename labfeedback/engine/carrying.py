"""Whether the markers that are left of a shank cluster still carry the moment.

Three visible markers define a pose, but not always one that is good enough: a marker's noise is turned into noise of
knee centre, ankle centre and shank, and that into noise of KAM, the more the closer the markers lie together. To first
order in the noise e of the markers that are used (rigid fit: J = sum(r r I - r r^T), d theta = J^-1 sum r x e):

    d KAM = F dz_knee + KFM d theta_y                                   (lever arm, axis)
          + w^2 (m_shank a_shank dz_com + m_foot a_foot dz_ankle - I d theta_x)        (inertia; w^2 of the filter)

What counts is how much the fit without the hidden ones differs from the fit with all: each of the five terms with the
difference of both fits, in quadrature, because their signs depend on the instant. In a hole longer than a moment the
skin's own motion counts too, of which only the straight part is known (core.hidden). Sizes are those of SCIENCE.md
section 9: 0.3 mm of noise, 1 mm of skin motion at stride frequency.

It is an estimate to a factor of two, not an error bar: `Settings.hidden_moves_pct` is set so that no marker of three
clusters of four to six markers, hidden for any part of stance, changes KAM by over 0.1 %BW*Ht
(benchmarks/occlusion.py).
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labfeedback.engine.plan import Plan
from labfeedback.engine.start import LegCalibration, Setup
from labfeedback.records import SIDES
from labfeedback.settings import Settings

Array = NDArray[np.float64]
NOISE_M: Final = 0.0003
SKIN_M: Final = 0.001 / math.sqrt(6.0)  # per axis: amplitude of 1 mm, RMS of a sine, in a direction of its own
STRIDE_RAD_S: Final = 2.0 * math.pi / 1.1
# Of an adult in single support, per body weight and height (SCIENCE.md sections 3, 8): %BW*Ht per m, or per rad.
PER_KNEE_M: Final = 62.0
PER_TURN: Final = 3.0  # KFM at its peak
SHANK, FOOT = 0.046, 0.0145  # of body mass
GRAVITY: Final = 9.81


class Carrying:
    """One leg's calibrated shank.

    there: labels in the stream; the others of the cluster do not count, as in `Plan.members`. rate_hz: of the markers.
    height_m: None where it is not known.
    """

    def __init__(
        self, leg: LegCalibration, there: set[str], settings: Settings, rate_hz: float, height_m: float | None
    ) -> None:
        shank = zip(leg.shank.labels, leg.shank.reference, strict=True)
        self._reference = np.array([at for label, at in shank if label in there])
        points = {role: np.array(at) for role, at in leg.shank.points.items()}
        self._knee = 0.5 * (points["knee_lateral"] + points["knee_medial"])
        self._ankle = 0.5 * (points["ankle_lateral"] + points["ankle_medial"])
        # Variance left by butter(2) forward and backward: 0.833 fc of rate / 2; mean square of its second derivative.
        self._passed = NOISE_M * math.sqrt(min(1.0, 0.833 * settings.filter_hz / (0.5 * rate_hz)))
        self._per_acceleration = (2.0 * math.pi * settings.filter_hz) ** 2 / math.sqrt(3.0)
        self._height = height_m or 1.7
        self._all = self._sensitivity(np.ones(len(self._reference), np.bool_))
        self._known: dict[bytes, tuple[float, float]] = {}

    def moved_pct(self, visible: NDArray[np.bool_], seconds: float) -> float:
        """How much KAM differs, one standard deviation in %BW*Ht, when for so long only these (k,) are visible.

        Infinite with fewer than three, or three on a line.
        """
        if visible.sum() < 3:
            return math.inf
        key = visible.tobytes()
        if key not in self._known:
            less = zip(self._sensitivity(visible), self._all, strict=True)
            lever, inertia = (float(np.sqrt(((a - b) ** 2).sum())) for a, b in less)
            self._known[key] = lever, inertia
        lever, inertia = self._known[key]
        bent = 1.0 - math.cos(min(0.5 * STRIDE_RAD_S * seconds, math.pi / 2.0))
        return math.hypot(lever * math.hypot(self._passed, SKIN_M * bent), inertia * self._passed)

    def _sensitivity(self, visible: NDArray[np.bool_]) -> tuple[Array, Array]:
        """((k, 3), (k, 3)) %BW*Ht per m of each marker's error: by lever arm and axis, by inertia."""
        r = self._reference[visible]
        centre = r.mean(axis=0)
        r = r - centre
        spread = (r * r).sum() * np.eye(3) - r.T @ r
        if np.linalg.cond(spread) > 1e6:
            return np.full(self._reference.shape, np.inf), np.full(self._reference.shape, np.inf)
        turn = np.linalg.solve(spread, np.array([_cross(x) for x in r]).transpose(1, 0, 2).reshape(3, -1))
        turn = turn.reshape(3, len(r), 3)  # (axis, marker, component)

        def across(point: Array) -> Array:
            """(markers, 3) z of what a point carried by the cluster moves."""
            x, y, _ = point - centre
            return np.asarray(np.eye(3)[2] / len(r) + turn[0] * y - turn[1] * x)

        lower = self._ankle - self._knee
        length = float(np.linalg.norm(lower))
        com = self._knee + 0.41 * lower
        # Of body mass, m: masses times their arms to the knee; the foot's centre goes with the ankle.
        per_mass = 100.0 * self._per_acceleration / (GRAVITY * self._height)
        out = np.zeros((5, *self._reference.shape))
        out[0, visible] = PER_KNEE_M * across(self._knee)
        out[1, visible] = PER_TURN * turn[1]
        out[2, visible] = per_mass * SHANK * 0.41 * length * across(com)
        out[3, visible] = per_mass * FOOT * length * across(self._ankle)
        out[4, visible] = per_mass * SHANK * (0.28 * length) ** 2 * turn[0]
        return out[:2], out[2:]


def carryings(setup: Setup, plan: Plan) -> list[Carrying | None]:
    """Of right and left leg; None without a calibration, where no marker may be missing."""
    if setup.calibration is None:
        return [None, None]
    rate, height = setup.rig.streams.markers.rate_hz, setup.subject.height_m
    return [Carrying(setup.calibration.leg(side), set(plan.rows), setup.settings, rate, height) for side in SIDES]


def _cross(v: Array) -> Array:
    """(3, 3) matrix of v x."""
    x, y, z = v
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
