"""A walk as a C3D file: what a motion capture system would have saved, for the offline analysis."""

from __future__ import annotations

from pathlib import Path

import ezc3d
import numpy as np

from devices.walker.plates import DEPTH_M, corners
from devices.walker.standing import Stander
from devices.walker.walk import Walker
from labfeedback.errors import BadSetup
from labfeedback.layout import PLATE_CHANNELS

_UNEVEN = ("lost_frames", "duplicated_frames", "silent_forces")


def write_c3d(path: Path, walker: Walker | Stander, seconds: float) -> None:
    """Walk (or stand) for so many seconds and write them: lab axes, mm, two TYPE 2 plates in N and Nmm.

    Raises BadSetup for faults that a C3D file cannot hold (its frames are even by definition).
    """
    uneven = [fault.name for fault in walker.faults if fault.name in _UNEVEN]
    if uneven:
        raise BadSetup(f"a C3D file has evenly spaced frames and cannot hold {', '.join(uneven)}; use the live streams")
    ratio, rest = divmod(walker.force_rate_hz, walker.marker_rate_hz)
    if rest:
        raise BadSetup(f"{walker.force_rate_hz} Hz of forces is no multiple of {walker.marker_rate_hz} Hz of markers")
    chunk = walker.advance(seconds)
    frames = len(chunk.markers.time)
    points = np.ones((4, len(walker.labels), frames))
    points[:3] = 1000.0 * chunk.markers.values.reshape(frames, -1, 3).transpose(2, 1, 0)
    analogs = np.zeros((1, 12, frames * ratio))
    given = min(len(chunk.forces.time), frames * ratio)
    analogs[0, :, :given] = chunk.forces.values[:given].T
    analogs[0, [3, 4, 5, 9, 10, 11]] *= 1000.0

    c3d = ezc3d.c3d()
    point, analog = c3d["parameters"]["POINT"], c3d["parameters"]["ANALOG"]
    point["RATE"]["value"] = [float(walker.marker_rate_hz)]
    point["LABELS"]["value"] = list(walker.labels)
    point["UNITS"]["value"] = ["mm"]
    analog["RATE"]["value"] = [float(walker.force_rate_hz)]
    analog["LABELS"]["value"] = [f"FP{plate}_{name}" for plate in (1, 2) for name in PLATE_CHANNELS]
    analog["UNITS"]["value"] = (["N"] * 3 + ["Nmm"] * 3) * 2
    c3d["data"]["points"] = points
    c3d["data"]["analogs"] = analogs
    c3d.add_parameter("FORCE_PLATFORM", "USED", [2])
    c3d.add_parameter("FORCE_PLATFORM", "TYPE", [2, 2])
    c3d.add_parameter("FORCE_PLATFORM", "ZERO", [1, 0])
    where = np.array([corners(plate) for plate in (0, 1)]).transpose(2, 1, 0)
    c3d.add_parameter("FORCE_PLATFORM", "CORNERS", 1000.0 * where)
    # From the surface centre down to the transducers, in plate axes (z down): the way Vicon writes it and the project
    # reads it. The C3D manual means the opposite vector.
    c3d.add_parameter("FORCE_PLATFORM", "ORIGIN", np.array([[0.0, 0.0], [0.0, 0.0], [1000.0 * DEPTH_M] * 2]))
    c3d.add_parameter("FORCE_PLATFORM", "CHANNEL", np.arange(1.0, 13.0).reshape(2, 6).T)
    c3d.write(str(path))
