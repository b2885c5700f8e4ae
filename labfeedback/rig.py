"""What is bolted to the floor: axes, plates, streams and the patient's screen of one lab."""

from __future__ import annotations

import difflib
import hashlib
import json
import tomllib
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from labfeedback.errors import BadSetup

Vector = tuple[float, float, float]
_ROOM_M = 20.0
_SIGNED = Literal["x", "y", "z", "-x", "-y", "-z"]


class Axes(BaseModel):
    """The lab axes (ISB: x walking direction, y up, z the subject's right) named by the source's axes."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    x: _SIGNED
    y: _SIGNED
    z: _SIGNED


class Plate(BaseModel):
    """One force plate, in the source's frame and metres.

    corners_m: (4, 3), C3D order: +x+y, -x+y, -x-y, +x-y of the plate's own frame (its z points down).
    origin_m: transducer origin from the surface centre, in the plate's own frame.
    sign: +1 if rotated channels are the force on the subject, -1 if they are the force on the plate.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str
    side: Literal["left", "right"]
    corners_m: tuple[Vector, Vector, Vector, Vector]
    origin_m: Vector = (0.0, 0.0, 0.0)
    sign: Literal[1, -1] = 1
    edges_known: bool = Field(True, description="false: the corners only enclose where it was stepped on")
    limits: tuple[float, float, float, float, float, float] | None = Field(
        None, description="full scale of Fx Fy Fz (N) and Mx My Mz (Nm); at 98 % a channel counts as saturated"
    )

    @cached_property
    def axes(self) -> NDArray[np.float64]:
        """(3, 3), columns are the plate's x, y, z in the source frame, from the corners (C3D TYPE 2)."""
        c1, c2, c3, c4 = (np.array(c) for c in self.corners_m)
        x = c1 + c4 - c2 - c3
        y = c1 + c2 - c3 - c4
        x = x / np.sqrt(x @ x)
        y = y - x * (x @ y)
        y = y / np.sqrt(y @ y)
        return np.stack([x, y, np.cross(x, y)], axis=1)

    @property
    def centre(self) -> NDArray[np.float64]:
        """(3,) surface centre, m, source frame."""
        return np.asarray(np.array(self.corners_m).mean(axis=0))

    @property
    def origin(self) -> NDArray[np.float64]:
        """(3,) true transducer origin, m, source frame."""
        return np.asarray(self.centre + self.axes @ np.array(self.origin_m))

    @model_validator(mode="after")
    def _corners_span_a_plate(self) -> Self:
        c = np.array(self.corners_m)
        if np.isfinite(c).all() and np.abs(c).max() > _ROOM_M:
            raise ValueError(
                f"plate {self.id}: a corner lies {np.abs(c).max():g} m away: the corners look like millimetres; metres "
                "are expected"
            )
        area = float(np.linalg.norm(np.cross(c[1] - c[0], c[3] - c[0])))
        if not np.isfinite(c).all() or area < 0.02:
            raise ValueError(f"plate {self.id}: its corners span {area:.4f} m2, expected a plate of at least 0.02 m2")
        return self


class Stream(BaseModel):
    """How to find one LSL stream and what its stamps mean."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    type: str
    source_id: str = ""
    rate_hz: float = Field(gt=0)
    latency_s: float = Field(0.0, ge=-0.5, le=0.5, description="subtracted from the stamps: sensor to stamp")


class OtherStream(BaseModel):
    """A stream that is recorded with the visit and not looked at: EMG, insoles, heart rate, event markers."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    type: str = ""
    source_id: str = ""


class Streams(BaseModel):
    """The two streams the engine joins, and those that are only recorded."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    markers: Stream
    forces: Stream
    others: tuple[OtherStream, ...] = Field((), max_length=6)
    one_clock: bool = Field(False, description="one system samples both, so that no stamp trial is asked for")


class Sync(BaseModel):
    """What a stamp trial found (`labfeedback skew`): force stamps are later than marker stamps by skew_s."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    date: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$", description="ISO day of the trial")
    skew_s: float = Field(ge=-0.5, le=0.5)
    spread_s: float = Field(0.0, ge=0.0, le=0.1, description="standard error of it")
    contacts: int = Field(0, ge=0, description="stamps that counted")
    rig: str = Field("", description="what was measured: `Rig.timing_hash` of that day")


class Screen(BaseModel):
    """The patient's projection."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    width_m: float = Field(2.0, gt=0)
    height_m: float = Field(1.125, gt=0)
    viewing_distance_m: float = Field(3.0, gt=0)
    display: str = Field("", description="name of the output; empty: the last screen that is not the primary one")
    mirrored: bool = Field(False, description="rear projection: paint mirrored")


class Rig(BaseModel):
    """One lab. `to_lab` turns source coordinates into lab coordinates."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    about: str = ""
    axes: Axes | None = None
    rotation: tuple[Vector, Vector, Vector] | None = Field(None, description="instead of axes: rows are lab x, y, z")
    belt_yaw_deg: float = Field(
        0.0, ge=-15.0, le=15.0, description="direction of the belts from the map's X towards the right, as measured"
    )
    plates: tuple[Plate, ...]
    streams: Streams
    screen: Screen = Screen()
    sync: Sync | None = Field(None, description="the last stamp trial; taken off the force stamps")
    floor: Literal["belts", "walkway"] = Field("belts", description="walkway: plates in a floor, one after another")

    @cached_property
    def to_lab(self) -> NDArray[np.float64]:
        """(3, 3) rotation: lab = to_lab @ source. Lab X runs along the belts."""
        if self.rotation is not None:
            out = np.array(self.rotation, dtype=np.float64)
        else:
            assert self.axes is not None
            out = np.zeros((3, 3))
            for row, name in enumerate((self.axes.x, self.axes.y, self.axes.z)):
                out[row, "xyz".index(name[-1])] = -1.0 if name[0] == "-" else 1.0
        if self.belt_yaw_deg == 0.0:
            return out  # exact: a map of ones and zeros keeps every bit of a position
        c, s = np.cos(np.radians(self.belt_yaw_deg)), np.sin(np.radians(self.belt_yaw_deg))
        return np.asarray(np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]]) @ out)

    @property
    def force_latency_s(self) -> float:
        """What is taken off the force stamps: the stream's own latency, and the skew of the last stamp trial."""
        return self.streams.forces.latency_s + (self.sync.skew_s if self.sync else 0.0)

    @property
    def timing_hash(self) -> str:
        """Of what a stamp trial holds for: both streams and the plates behind them."""
        streams = [one.model_dump(mode="json") for one in (self.streams.markers, self.streams.forces)]
        said = json.dumps([streams, [plate.id for plate in self.plates]], sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()[:12]

    @property
    def belt_gap_z_m(self) -> float:
        """Lab z of the middle between a left and a right plate; NaN without one of each."""
        middle = {}
        if self.floor == "walkway":
            return float("nan")
        for side in ("left", "right"):
            z = [float((self.to_lab @ plate.centre)[2]) for plate in self.plates if plate.side == side]
            middle[side] = min(z, key=abs) if z else float("nan")
        return (middle["left"] + middle["right"]) / 2

    @model_validator(mode="after")
    def _is_a_lab(self) -> Self:
        if (self.axes is None) == (self.rotation is None):
            raise ValueError("give either axes or rotation, one of the two")
        turn = self.to_lab
        if not np.allclose(turn @ turn.T, np.eye(3), atol=1e-6) or np.linalg.det(turn) < 0:
            raise ValueError(
                f"the axis map is no rotation (determinant {np.linalg.det(turn):+.2f}); a mirrored map would exchange "
                "left and right: check one sign"
            )
        if not self.plates:
            raise ValueError("no plates: at least one force plate is needed")
        for plate in self.plates:
            down = float((turn @ plate.axes[:, 2])[1])
            if down > -0.9:
                raise ValueError(
                    f"plate {plate.id}: its z axis must point down in the lab (found {down:+.2f} upwards): the corners "
                    "are in the wrong order or the axis map is wrong"
                )
        sides = {
            side: [float((turn @ p.centre)[2]) for p in self.plates if p.side == side] for side in ("left", "right")
        }
        if self.floor == "belts" and sides["left"] and sides["right"] and max(sides["left"]) > min(sides["right"]):
            raise ValueError("a left plate lies to the right of a right plate: exchange the sides or turn the axis map")
        return self


def _sentence(where: str, error: ValidationError, model: type[BaseModel] | None = None) -> str:
    """Every mistake as a sentence; `model`, what was checked, helps to answer a misspelt name with the right one."""
    return f"{where}: " + "; ".join(mistake(item, model) for item in error.errors())


def mistake(item: ErrorDetails, model: type[BaseModel] | None) -> str:
    """One mistake that pydantic found, as a sentence."""
    place = ""
    for part in item["loc"]:
        # people count from 1
        place += f" {int(part) + 1}" if isinstance(part, int) else f"{'.' if place else ''}{part}"
    kind, found, context = item["type"], item["input"], item.get("ctx", {})
    own = item["msg"].removeprefix("Value error, ")
    if kind == "value_error":
        return f"{place}: {own}" if place else own
    if kind == "missing":
        return f"{place} is missing"
    if kind == "extra_forbidden":
        known = _names_at(model, item["loc"][:-1])
        near = difflib.get_close_matches(str(item["loc"][-1]), known, n=1)
        advice = f"; did you mean {near[0]}?" if near else (f"; known here: {', '.join(known)}" if known else "")
        return f"{place} is not known{advice}"
    if kind == "string_pattern_mismatch" and place == "id":
        return f"id = {found!r}: expected a pseudonym of letters, digits, - and _, no name, no spaces, 32 at most"
    expected = _expected(kind, context)
    return f"{place} = {found!r}: expected {expected}" if expected else f"{place}: {own} (found {found!r})"


def _expected(kind: str, context: dict[str, Any]) -> str:
    """What a value should have been; empty for a kind that no setup file here meets."""
    limits = {"greater_than": "gt", "greater_than_equal": "ge", "less_than": "lt", "less_than_equal": "le"}
    words = {"gt": "a number above", "ge": "at least", "lt": "a number below", "le": "at most"}
    if kind in limits:
        return f"{words[limits[kind]]} {context[limits[kind]]:g}"
    if kind == "literal_error":
        return str(context["expected"])
    if kind in ("too_short", "too_long"):
        return f"{context.get('min_length', context.get('max_length'))} values, found {context['actual_length']}"
    return {
        "float_type": "a number",
        "float_parsing": "a number",
        "finite_number": "a number",
        "int_type": "a whole number",
        "int_parsing": "a whole number",
        "bool_type": "true or false",
        "bool_parsing": "true or false",
        "string_type": "a text in quotation marks",
        "tuple_type": "a list in square brackets",
        "model_type": "a table of its own",
        "model_attributes_type": "a table of its own",
    }.get(kind, "")


def _names_at(model: type[BaseModel] | None, place: tuple[int | str, ...]) -> list[str]:
    """The names that a setup file may have at a place of it, following tables inside tables."""
    inside: Any = model
    for part in place:
        if inside is None or isinstance(part, int):
            continue
        field = inside.model_fields.get(part)
        inside = _model_in(field.annotation) if field is not None else None
    return list(inside.model_fields) if inside is not None else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _model_in(inner))), None)


def read_toml(path: Path) -> dict[str, object]:
    """A TOML file as a dict. Raises BadSetup with file and line."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadSetup(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSetup(f"{path}: not readable as TOML: {error}") from None


def shipped(folder: str) -> dict[str, Path]:
    """Name -> file of what `devices` ships in `folder` (`rigs`, `markersets`)."""
    root = Path(str(resources.files("devices"))) / folder
    return {path.stem: path for path in sorted(root.glob("*.toml"))}


def find(folder: str, name_or_file: str) -> Path:
    """A shipped name or a file of the user's. Raises BadSetup with the list of what is there."""
    known = shipped(folder)
    if name_or_file in known:
        return known[name_or_file]
    path = Path(name_or_file)
    if path.is_file():
        return path
    raise BadSetup(f"{name_or_file!r} is neither a file nor one of the shipped {folder}: {', '.join(known) or 'none'}")


def load_rig(name_or_file: str) -> Rig:
    """Read and check a rig. Raises BadSetup in sentences."""
    path = find("rigs", name_or_file)
    try:
        return Rig.model_validate(read_toml(path))
    except ValidationError as error:
        raise BadSetup(_sentence(str(path), error, Rig)) from None
