"""Copies of a C3D recording that a laboratory could have made: turned, shifted, in metres, cut, mirrored, spoiled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ezc3d
import numpy as np
from numpy.typing import NDArray

Change = Callable[[Any], None]


def rewritten(source: Path, target: Path, *changes: Change) -> Path:
    """`source` with the changes made, written by ezc3d."""
    file = ezc3d.c3d(str(source))
    for change in changes:
        change(file)
    file.write(str(target))
    return target


def turned(degrees: float) -> Change:
    """Everything turned about the vertical (z) through the origin."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])

    def change(file: Any) -> None:
        _points(file, lambda xyz: np.einsum("ij,jmn->imn", turn, xyz))
        corners = file["parameters"]["FORCE_PLATFORM"]["CORNERS"]["value"]
        file["parameters"]["FORCE_PLATFORM"]["CORNERS"]["value"] = np.einsum("ij,jmn->imn", turn, corners)

    return change


def shifted(x: float, y: float) -> Change:
    """Everything moved, in the file's unit."""
    by = np.array([x, y, 0.0])[:, None, None]

    def change(file: Any) -> None:
        _points(file, lambda xyz: xyz + by)
        platform = file["parameters"]["FORCE_PLATFORM"]
        platform["CORNERS"]["value"] = platform["CORNERS"]["value"] + by

    return change


def in_metres(file: Any) -> None:
    """Points, corners and origins in metres; moments stay in Nmm."""
    _points(file, lambda xyz: xyz / 1000)
    platform = file["parameters"]["FORCE_PLATFORM"]
    for name in ("CORNERS", "ORIGIN"):
        platform[name]["value"] = platform[name]["value"] / 1000
    file["parameters"]["POINT"]["UNITS"]["value"] = ["m"]


def lying_units(file: Any) -> None:
    """ANALOG:UNITS says V for newtons and newton millimetres."""
    file["parameters"]["ANALOG"]["UNITS"]["value"] = ["V"] * len(file["parameters"]["ANALOG"]["UNITS"]["value"])


def cut(first: int, last: int) -> Change:
    """Only the marker frames first..last-1 and their analog samples."""

    def change(file: Any) -> None:
        points, analogs = file["data"]["points"], file["data"]["analogs"]
        each = analogs.shape[2] // points.shape[2]
        meta = file["data"]["meta_points"]
        meta["residuals"] = meta["residuals"][:, :, first:last]
        meta["camera_masks"] = meta["camera_masks"][:, :, first:last]
        file["data"]["points"] = points[:, :, first:last]
        file["data"]["analogs"] = analogs[:, :, first * each : last * each]
        file["parameters"]["TRIAL"]["ACTUAL_END_FIELD"]["value"] = np.array([last - first, 0])

    return change


def mirrored(file: Any) -> None:
    """A true mirror: x reversed, left and right labels exchanged, plates mirrored with all they report.

    A plate's mirror image keeps a right-handed frame whose x is the negative image of its x: corners 1-2 and 3-4 change
    places, origin x, Fx, My and Mz change sign.
    """
    _points(file, lambda xyz: xyz * np.array([-1.0, 1.0, 1.0])[:, None, None])
    exchange_sides(file)
    platform = file["parameters"]["FORCE_PLATFORM"]
    corners = platform["CORNERS"]["value"] * np.array([-1.0, 1.0, 1.0])[:, None, None]
    platform["CORNERS"]["value"] = corners[:, [1, 0, 3, 2], :]
    platform["ORIGIN"]["value"] = platform["ORIGIN"]["value"] * np.array([-1.0, 1.0, 1.0])[:, None]
    for plate in range(corners.shape[2]):
        for channel in (0, 4, 5):
            file["data"]["analogs"][0, 6 * plate + channel] *= -1


def exchange_sides(file: Any) -> None:
    """Left labels on right markers and the other way round."""
    labels = file["parameters"]["POINT"]["LABELS"]["value"]
    other = {"L": "R", "R": "L"}
    file["parameters"]["POINT"]["LABELS"]["value"] = [other.get(label[0], label[0]) + label[1:] for label in labels]


def exchange_medial_and_lateral(file: Any) -> None:
    """The right knee's medial and lateral labels exchanged."""
    swap = {"RFCL": "RFCM", "RFCM": "RFCL"}
    labels = file["parameters"]["POINT"]["LABELS"]["value"]
    file["parameters"]["POINT"]["LABELS"]["value"] = [swap.get(label, label) for label in labels]


def reversed_channels(*channels: int) -> Change:
    """Analog channels (from 0) with the wrong sign."""

    def change(file: Any) -> None:
        file["data"]["analogs"][0, list(channels)] *= -1

    return change


def swapped_plates(file: Any) -> None:
    """Each plate reports what the other one measured."""
    analogs = file["data"]["analogs"]
    analogs[0, :12] = analogs[0, [6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5]]


def standing_still(frame: int, frames: int) -> Change:
    """One frame held for `frames`, without forces that matter: what a static trial looks like to a calibration."""

    def change(file: Any) -> None:
        cut(frame, frame + 1)(file)
        data = file["data"]
        data["points"] = np.repeat(data["points"], frames, axis=2)
        data["analogs"] = np.repeat(data["analogs"], frames, axis=2)
        for name in ("residuals", "camera_masks"):
            data["meta_points"][name] = np.repeat(data["meta_points"][name], frames, axis=2)
        file["parameters"]["TRIAL"]["ACTUAL_END_FIELD"]["value"] = np.array([frames, 0])

    return change


def without(*labels: str) -> Change:
    """Markers that were taken off: their labels are gone."""

    def change(file: Any) -> None:
        named = file["parameters"]["POINT"]["LABELS"]["value"]
        file["parameters"]["POINT"]["LABELS"]["value"] = [f"*{i}" if n in labels else n for i, n in enumerate(named)]

    return change


def hidden(label: str, first: int, last: int, how: str) -> Change:
    """One marker not seen in the frames first..last-1, told as `nan`, as `zero` or as the last value `repeat`ed."""

    def change(file: Any) -> None:
        index = file["parameters"]["POINT"]["LABELS"]["value"].index(label)
        points = file["data"]["points"]
        value = {"nan": np.nan, "zero": 0.0, "repeat": points[:3, index, first - 1][:, None]}[how]
        points[:3, index, first:last] = value
        file["data"]["points"] = points
        if how == "nan":
            file["data"]["meta_points"]["residuals"][0, index, first:last] = -1

    return change


def _points(file: Any, change: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> None:
    points = file["data"]["points"]
    points[:3] = change(points[:3])
    file["data"]["points"] = points
