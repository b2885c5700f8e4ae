"""A check as a file, and what a walk that follows it says of it."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from labfeedback.analysis.preflight.line import Line, ready
from labfeedback.errors import BadFile, BadSetup, Hazard

SUFFIX: Final = ".check.json"
HOLDS_H: Final = 4.0  # plates drift and people go home


class Checked(BaseModel):
    """made: local time with its zone (ISO). ready: whether nothing red stands in the way but what was overridden."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["labfeedback check"] = "labfeedback check"
    made: str
    subject: str
    rig: str
    marker_set: str
    source: str
    ready: bool
    lines: tuple[Line, ...]


def save(path: Path, checked: Checked) -> None:
    """Raises BadSetup for a name that is taken or cannot be written."""
    if not path.name.endswith(SUFFIX):
        raise BadSetup(f"--save {path}: a check's name ends in {SUFFIX}, for example {path.stem}{SUFFIX}")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(json.dumps(checked.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n")
    except FileExistsError:
        raise BadSetup(f"--save {path}: this file exists and is not written over; choose another name") from None
    except OSError as error:
        raise BadSetup(f"--save {path}: could not be written ({error.strerror}); choose another folder") from None


def remarks_of(path: Path, subject: str, rig: str, marker_set: str, now: datetime.datetime) -> list[str]:
    """What a walk's recording says of the check that was made before it.

    Raises BadFile for what is no check, Hazard or BadSetup for one that is red, old, or of another person or lab.
    """
    try:
        checked = Checked.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is none, or of another version"
        raise BadFile(f"{path}: not readable as a check ({why}); make one with 'labfeedback check --save'") from None
    for what, was, here in (
        ("subject", checked.subject, subject),
        ("rig", checked.rig, rig),
        ("marker set", checked.marker_set, marker_set),
    ):
        if was != here:
            raise BadSetup(f"{path}: the check was of {what} {was!r}, here is {here!r}: check again")
    if not ready(checked.lines):
        bad = [one for one in checked.lines if one.light in ("red", "grey") and not one.reason]
        said = "; ".join(one.sentence for one in bad)
        raise (Hazard if any(one.firm for one in bad) else BadSetup)(f"{path}: not ready to walk: {said}. Check again")
    hours = (now - datetime.datetime.fromisoformat(checked.made)).total_seconds() / 3600
    if not 0 <= hours <= HOLDS_H:
        raise BadSetup(f"{path}: the check was made {checked.made}, more than {HOLDS_H:g} h ago: check again")
    counts = {light: sum(one.light == light for one in checked.lines) for light in ("green", "amber", "red", "grey")}
    listed = ", ".join(f"{count} {light}" for light, count in counts.items() if count)
    out = [f"checked {checked.made}: {listed}"]
    for one in checked.lines:
        if one.light != "green":
            accepted = f" - overridden: {one.reason}" if one.reason else ""
            out.append(f"check, {one.light}: {one.name} {one.where}: {one.sentence}{accepted}".replace(" :", ":"))
    return out
