"""What a stream carries: its channels, units, rate and plates, as read from (or written into) an LSL description."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

# Spellings in the wild of the units that the engine knows.
_UNITS: Final = {
    "m": "m", "meter": "m", "meters": "m", "metre": "m", "metres": "m",
    "mm": "mm", "millimeter": "mm", "millimeters": "mm", "millimetre": "mm", "millimetres": "mm",
    "n": "N", "newton": "N", "newtons": "N",
    "nm": "Nm", "n.m": "Nm", "n*m": "Nm", "newton-meters": "Nm",
    "nmm": "Nmm", "n.mm": "Nmm", "n*mm": "Nmm", "newton-millimeters": "Nmm",
}  # fmt: skip
PLATE_CHANNELS = ("Fx", "Fy", "Fz", "Mx", "My", "Mz")


class Channel(BaseModel):
    """One channel. For markers: label `RCAL_X`, marker `RCAL`, type `PositionX`, unit `m` or `mm`.

    For plates: label `FP1_Fx` .. `FP1_Mz`, type `ForceX` .. `MomentZ`, unit `N`, `Nm` or `Nmm`.
    """

    model_config = ConfigDict(frozen=True)
    label: str
    marker: str = ""
    type: str = ""
    unit: str = ""


class PlateLayout(BaseModel):
    """A plate as its stream describes it, in the source's own frame and metres (rig.Plate has the meanings)."""

    model_config = ConfigDict(frozen=True)
    id: str
    side: Literal["left", "right", ""] = ""
    corners_m: tuple[tuple[float, float, float], ...]
    origin_m: tuple[float, float, float]
    sign: int = 1


class Layout(BaseModel):
    """One stream's whole description; two streams are interchangeable only if these are equal."""

    model_config = ConfigDict(frozen=True)
    name: str
    type: str
    source_id: str = ""
    hostname: str = ""
    nominal_rate: float
    channel_format: str = "float32"
    channels: tuple[Channel, ...]
    plates: tuple[PlateLayout, ...] = ()


def unit_named(text: str) -> str:
    """m, mm, N, Nm or Nmm for any of its spellings; anything else as it is."""
    return _UNITS.get(text.strip().lower(), text.strip())


def marker_channels(labels: list[str], unit: str) -> tuple[Channel, ...]:
    """Three channels a marker, in the XDF MoCap convention."""
    return tuple(
        Channel(label=f"{label}_{axis}", marker=label, type=f"Position{axis}", unit=unit)
        for label in labels
        for axis in "XYZ"
    )


def plate_channels(ids: list[str], moment_unit: str = "Nm") -> tuple[Channel, ...]:
    """Six channels a plate, `FP1_Fx` .. `FP1_Mz`."""
    return tuple(
        Channel(
            label=f"FP{plate}_{name}",
            type=f"{'Force' if name[0] == 'F' else 'Moment'}{name[1].upper()}",
            unit="N" if name[0] == "F" else moment_unit,
        )
        for plate in ids
        for name in PLATE_CHANNELS
    )
