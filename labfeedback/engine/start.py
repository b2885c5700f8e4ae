"""START: everything a visit's numbers depend on besides the samples, as one JSON text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from labfeedback.errors import BadSetup
from labfeedback.inputlog import Start
from labfeedback.markerset import MarkerSet
from labfeedback.protocol.schedule import Visit
from labfeedback.protocol.training import Training
from labfeedback.rig import Rig
from labfeedback.settings import Settings
from labfeedback.subject import Subject

SCHEMA = 1
Vector = tuple[float, float, float]


class Segment(BaseModel):
    """One calibrated cluster: positions in the static trial, m, lab frame.

    labels, reference: the cluster. points: role -> position of what the cluster carries. residual_mm: RMS of the rigid
    fit while standing, marker_residuals_mm: the same of each label; None and empty where it was not measured.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    labels: tuple[str, ...]
    reference: tuple[Vector, ...]
    points: dict[str, Vector]
    residual_mm: float | None = None
    marker_residuals_mm: tuple[float, ...] = ()


class LegCalibration(BaseModel):
    """A leg in the static trial; heights are of heel and foot front, m. What follows them is for people to read."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    shank: Segment
    foot: Segment | None = None
    stand_heel_m: float
    stand_toe_m: float
    knee_centre_m: Vector | None = None
    ankle_centre_m: Vector | None = None
    knee_width_m: float | None = None
    ankle_width_m: float | None = None
    shank_length_m: float | None = None
    foot_length_m: float | None = None
    stand_fpa_deg: float | None = None  # toe-out positive


class Check(BaseModel):
    """One line of a calibration's verdict.

    value: what was measured, in `unit`; None where it could not be. firm: a red that no reason overrides (side, sign,
    mirrored labels, mass).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    where: str = ""
    value: float | None = None
    unit: str = ""
    limit: str = ""
    light: Literal["green", "amber", "red"] = "green"
    sentence: str
    remedy: str = ""
    firm: bool = False


class Calibration(BaseModel):
    """A static trial, and whose it is: person, day, marker set and lab. Empty where it was made for one use only.

    date: ISO day of the trial. marker_set_hash: of the set's content. to_lab: the rig's axis map. mass_kg: as weighed.
    override: why it was saved in spite of a red check. remarks: what was accepted when it was used.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    source: str = ""
    subject: str = ""
    date: str = ""
    made: str = ""
    marker_set: str = ""
    marker_set_hash: str = ""
    rig: str = ""
    to_lab: tuple[Vector, Vector, Vector] | None = None
    seconds: float | None = None
    mass_kg: float | None = None
    override: str = ""
    remarks: tuple[str, ...] = ()
    right: LegCalibration
    left: LegCalibration
    checks: tuple[Check, ...] = ()

    def leg(self, side: int) -> LegCalibration:
        """The leg of side +1 (right) or -1 (left)."""
        return self.right if side > 0 else self.left


class Setup(BaseModel):
    """START as models."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    schema_: Literal[1] = Field(1, alias="schema")
    rig: Rig
    subject: Subject
    marker_set: MarkerSet
    calibration: Calibration | None = None
    training: Training | None = None
    visit: Visit | None = None  # a protocol's; then there is no training
    remarks: tuple[str, ...] = ()  # what was found and accepted before the walk; each becomes a note
    settings: Settings = Settings()
    # butter(2, fc) of both streams as computed on the day: another scipy must not change a replay's bits.
    sections: dict[str, tuple[float, ...]]
    smoother: tuple[float, ...]
    versions: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Filters:
    """Coefficients at the nominal rates."""

    markers: tuple[float, ...]
    forces: tuple[float, ...]
    smoother: tuple[float, ...]


def design(rig: Rig, settings: Settings) -> Filters:
    """The step filter at both rates and the smoother under event detection."""
    from labfeedback.core.filters import butterworth, gaussian_taps

    for stream in (rig.streams.markers, rig.streams.forces):
        if settings.filter_hz >= 0.45 * stream.rate_hz:
            raise BadSetup(
                f"filter of {settings.filter_hz:g} Hz with {stream.name!r} at {stream.rate_hz:g} Hz: choose a cut-off "
                f"below {0.45 * stream.rate_hz:g} Hz"
            )
    return Filters(
        tuple(butterworth(settings.filter_hz, rig.streams.markers.rate_hz).tolist()),
        tuple(butterworth(settings.filter_hz, rig.streams.forces.rate_hz).tolist()),
        tuple(gaussian_taps(settings.event_lowpass_hz, rig.streams.forces.rate_hz).tolist()),
    )


def build_start(
    rig: Rig,
    subject: Subject,
    marker_set: MarkerSet,
    *,
    settings: Settings | None = None,
    training: Training | None = None,
    visit: Visit | None = None,
    calibration: Calibration | dict[str, Any] | None = None,
    versions: dict[str, Any] | None = None,
    remarks: Sequence[str] = (),
) -> Start:
    """Assemble START. Raises BadSetup when something that belongs to no model alone does not fit together.

    A subject without mass_kg gets the mass that the calibration weighed.
    """
    settings = settings or Settings()
    if (settings.tibia_frame == "points") != marker_set.from_model or marker_set.only_points:
        raise BadSetup(
            f"marker set {marker_set.name!r} with tibia frame {settings.tibia_frame!r}: the frame 'points' needs the "
            "points that a vendor's model wrote into a file ('labfeedback analyse --frame points'), and a set without "
            "medial markers can be used with no other. Choose another frame or marker set"
        )
    if isinstance(calibration, dict):
        calibration = Calibration.model_validate(calibration)
    if subject.mass_kg is None and calibration is not None and calibration.mass_kg is not None:
        subject = subject.model_copy(update={"mass_kg": round(calibration.mass_kg, 2)})
    if subject.mass_kg is None:
        raise BadSetup(f"subject {subject.id!r} has no mass_kg: weigh the subject on the plates and write it down")
    filters = design(rig, settings)
    setup = {
        "schema": SCHEMA,
        "rig": rig.model_dump(mode="json"),
        "subject": subject.model_dump(mode="json"),
        "marker_set": marker_set.model_dump(mode="json"),
        "calibration": calibration.model_dump(mode="json") if calibration else None,
        "training": training.model_dump(mode="json") if training else None,
        "visit": visit.dump() if visit else None,
        "remarks": list(remarks),
        "settings": settings.model_dump(mode="json"),
        "sections": {"markers": filters.markers, "forces": filters.forces},
        "smoother": filters.smoother,
        "versions": versions or {},
    }
    return Start(json.dumps(setup))


def basis(settings: Settings, sex: str) -> dict[str, str]:
    """By name, what the moments were computed with: `tibia_frame`, and `inertia` with 'auto' resolved."""
    from labfeedback.core.inertia import table_for

    return {"tibia_frame": settings.tibia_frame, "inertia": table_for(settings.inertia, sex)}


def parse_start(start: Start) -> Setup:
    """START back as models. Raises BadSetup if this version cannot read it."""
    try:
        return Setup.model_validate_json(start.text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadSetup(
            f"START cannot be read: {place}: {first['msg']}; was it written by another version of labfeedback?"
        ) from None
