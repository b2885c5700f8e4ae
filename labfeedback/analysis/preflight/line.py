"""One line of the list before the first step, its light, and what may be overridden."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from labfeedback.errors import BadSetup, Hazard

Light = Literal["green", "amber", "red", "grey"]
ORDER: Final = (
    "streams",
    "duplicates",
    "rate",
    "gaps",
    "labels",
    "visible",
    "mirrored",
    "sides",
    "sign",
    "zero",
    "noise",
    "mass",
    "belt axis",
    "skew",
    "stamp trial",
    "calibration",
    "other streams",
    "disk",
)
FIRM: Final = ("mirrored", "sign", "sides", "mass")  # no reason overrides these
NOT_LOOKED_AT: Final = "not looked at"
EVERYBODY: Final = "let the person walk for ten seconds on both belts, hands off the rails"


class Line(BaseModel):
    """One line. light: grey means that it could not be looked at. firm: never overridden. reason: why it was."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    where: str = ""
    light: Light
    found: str = ""
    sentence: str
    remedy: str = ""
    firm: bool = False
    reason: str = ""


def line(name: str, light: Light, sentence: str, remedy: str = "", *, where: str = "", found: str = "") -> Line:
    """A line; a green one has no remedy."""
    said = "" if light == "green" else remedy
    return Line(
        name=name,
        where=where,
        light=light,
        found=found,
        sentence=sentence,
        remedy=said,
        firm=name in FIRM and light != "green",
    )


def grade(off: float, limits: tuple[float, float]) -> Light:
    """green up to the first limit, amber up to the second; not a number is grey."""
    if off != off:
        return "grey"
    return "green" if off <= limits[0] else "amber" if off <= limits[1] else "red"


def overridden(lines: Iterable[Line], reasons: dict[str, str]) -> list[Line]:
    """The lines with the reasons of those that were accepted. Raises Hazard for a firm one, BadSetup for none such."""
    lines = list(lines)
    bad = {one.name for one in lines if one.light != "green"}
    for name in reasons:
        if name in FIRM and name in bad:
            raise Hazard(f"--override {name}: side, sign, mirrored labels and mass are never overridden; mend it")
        if name not in bad:
            listed = ", ".join(sorted(bad - set(FIRM))) or "nothing is"
            raise BadSetup(f"--override {name}: this line is not red or amber; to be overridden: {listed}")
        if not reasons[name].strip():
            raise BadSetup(f"--override {name}: say why, as in {name}=REASON")
    return [
        one.model_copy(update={"reason": reasons[one.name]}) if one.name in reasons and one.light != "green" else one
        for one in lines
    ]


def ready(lines: Iterable[Line]) -> bool:
    """Whether nothing stands in the way: no red, and no firm line unseen, but what was overridden."""
    return not any((one.light == "red" or (one.light == "grey" and one.firm)) and not one.reason for one in lines)
