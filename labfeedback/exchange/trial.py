"""A recorded trial as read from a file: the file's own numbers, with what is needed to understand them.

Numbers stay as the file has them (float32, its unit, its frame), so that analysing a trial and playing it into the lab
give the engine identical values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labfeedback.layout import Layout, PlateLayout, marker_channels, plate_channels

METRES: Final = {"m": 1.0, "mm": 1e-3}
Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Event:
    """A marked instant. time_s counts from the trial's first frame."""

    time_s: float
    label: str
    context: str


@dataclass(frozen=True, slots=True)
class TrialPlate:
    """One force plate.

    corners_m: (4, 3), file frame. origin_m: transducer origin from the surface centre, the plate's own frame (z down).
    channels: (n, 6) float32, Fx Fy Fz in N and Mx My Mz in `moment_unit`, the plate's own frame, as in the file.
    """

    id: str
    corners_m: tuple[Vector, Vector, Vector, Vector]
    origin_m: Vector
    channels: NDArray[np.float32]
    moment_unit: str
    edges_known: bool = True  # False: the corners only enclose where it was stepped on

    @property
    def axes(self) -> NDArray[np.float64]:
        """(3, 3), columns are the plate's x, y, z in the file's frame."""
        c1, c2, c3, c4 = np.array(self.corners_m)
        x = c1 + c4 - c2 - c3
        x = x / np.linalg.norm(x)
        y = c1 + c2 - c3 - c4
        y = y - x * (x @ y)
        y = y / np.linalg.norm(y)
        return np.stack([x, y, np.cross(x, y)], axis=1)

    @property
    def wrench(self) -> NDArray[np.float64]:
        """(n, 6) force N and moment Nm about the transducer origin, the plate's own frame."""
        out = self.channels.astype(np.float64)
        out[:, 3:] *= {"Nm": 1.0, "Nmm": 1e-3}[self.moment_unit]
        return out

    def force_and_cop(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Force (n, 3) N, centre of pressure (n, 3) m and free moment (n,) Nm, file frame (SCIENCE.md section 4).

        The free moment is about the plate's own z, which points down. COP is NaN where the vertical force is zero.
        """
        wrench = self.wrench
        force = wrench[:, :3]
        moment = wrench[:, 3:] + np.cross(np.array(self.origin_m), force)
        vertical = np.where(force[:, 2] == 0.0, np.nan, force[:, 2])
        x, y = -moment[:, 1] / vertical, moment[:, 0] / vertical
        free = moment[:, 2] - x * force[:, 1] + y * force[:, 0]
        axes = self.axes
        centre = np.array(self.corners_m).mean(axis=0)
        cop = centre + np.stack([x, y, np.zeros_like(x)], axis=1) @ axes.T
        return force @ axes.T, cop, free


@dataclass(frozen=True, slots=True)
class Stamped:
    """When samples were stamped. time_s: (n,) on the sender's clock. offsets: (sender's time, offset) as measured, s;
    local = stamp + offset."""

    time_s: NDArray[np.float64]
    offsets: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """Markers and plates of one file.

    labels: m names, unique. points: (n, m, 3) float32 in `point_unit` (m or mm), missing is NaN. first_frame counts
    from 1. mass_kg and height_m only where the file knows them. notes: sentences about what was recovered or ignored.
    doubled: labels that the file has more than once. no_plates: why there are no plates, empty if there are.
    stamps: of markers and forces, where the file has them (XDF); None: both run at their rates from one instant on.
    """

    path: Path
    labels: tuple[str, ...]
    points: NDArray[np.float32]
    point_unit: str
    rate_hz: float
    first_frame: int
    plates: tuple[TrialPlate, ...]
    analog_rate_hz: float
    events: tuple[Event, ...] = ()
    mass_kg: float | None = None
    height_m: float | None = None
    notes: tuple[str, ...] = ()
    doubled: frozenset[str] = field(default_factory=frozenset)
    no_plates: str = ""
    stamps: tuple[Stamped, Stamped] | None = None

    @property
    def positions_m(self) -> NDArray[np.float64]:
        """(n, m, 3) metres, file frame, NaN where missing."""
        return self.points.astype(np.float64) * METRES[self.point_unit]

    def marker(self, label: str) -> NDArray[np.float64]:
        """(n, 3) metres of one marker. Raises KeyError if the trial has no such label."""
        if label not in self.labels:
            raise KeyError(label)
        return self.points[:, self.labels.index(label)].astype(np.float64) * METRES[self.point_unit]

    @property
    def duration_s(self) -> float:
        """First to last frame."""
        return (len(self.points) - 1) / self.rate_hz


def marker_stream(trial: Trial, name: str, source_id: str = "") -> tuple[Layout, NDArray[np.float32]]:
    """The trial's markers as an LSL stream carries them: layout and (n, 3 m) values."""
    layout = Layout(
        name=name,
        type="MoCap",
        source_id=source_id,
        nominal_rate=trial.rate_hz,
        channels=marker_channels(list(trial.labels), trial.point_unit),
    )
    return layout, np.ascontiguousarray(trial.points.reshape(len(trial.points), -1))


def force_stream(
    trial: Trial, name: str, source_id: str = "", sides: tuple[str, ...] = (), signs: tuple[int, ...] = ()
) -> tuple[Layout, NDArray[np.float32]]:
    """The trial's plates as an LSL stream carries them: layout and (n, 6 plates) values, moments in the file's unit."""
    unit = trial.plates[0].moment_unit
    plates = tuple(
        PlateLayout.model_validate(
            {
                "id": plate.id,
                "side": sides[i] if sides else "",
                "corners_m": plate.corners_m,
                "origin_m": plate.origin_m,
                "sign": signs[i] if signs else 1,
            }
        )
        for i, plate in enumerate(trial.plates)
    )
    layout = Layout(
        name=name,
        type="Force",
        source_id=source_id,
        nominal_rate=trial.analog_rate_hz,
        channels=plate_channels([plate.id for plate in trial.plates], unit),
        plates=plates,
    )
    return layout, np.ascontiguousarray(np.concatenate([plate.channels for plate in trial.plates], axis=1))
