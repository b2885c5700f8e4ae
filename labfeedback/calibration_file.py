"""A static trial's calibration as a file that people can read and that nobody can change unseen."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

import labfeedback
from labfeedback.engine.start import Calibration
from labfeedback.errors import BadFile, BadSetup
from labfeedback.rig import _sentence

_NUMBERS: Final = re.compile(r"\[\s*([\d.eE+-]+(?:,\s*[\d.eE+-]+)*)\s*\]")
SUFFIX: Final = ".calibration.json"


class CalibrationFile(BaseModel):
    """The file. digest: SHA-256 of the calibration, so that a number changed by hand is noticed."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["labfeedback calibration"] = "labfeedback calibration"
    schema_: Literal[1] = Field(1, alias="schema")
    written_by: str
    digest: str
    calibration: Calibration


def digest(calibration: Any) -> str:
    """SHA-256 of everything a calibration says, as it stands in the file: later versions may add what it lacks."""
    said = json.dumps(calibration, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(said.encode()).hexdigest()


def check_target(path: Path, *, replace: bool = False) -> None:
    """Raises BadSetup, before anybody stands still, for a place where a calibration cannot or must not be written."""
    said = f"--out {path}"
    if not path.name.endswith(SUFFIX):
        raise BadSetup(f"{said}: a calibration's name ends in {SUFFIX}, for example {path.stem}{SUFFIX}")
    if not path.absolute().parent.is_dir():
        raise BadSetup(f"{said}: the folder {path.absolute().parent} does not exist; make it or choose another")
    if path.is_dir():
        raise BadSetup(f"{said}: this is a folder")
    if path.exists() and not replace:
        raise BadSetup(f"{said}: this file exists and is not written over. Choose another name, or say --replace")


def save(path: Path, calibration: Calibration, *, replace: bool = False) -> None:
    """Write a calibration as JSON. Raises BadSetup where `check_target` does or the disk refuses."""
    check_target(path, replace=replace)
    whole = CalibrationFile(
        schema=1,
        written_by=f"labfeedback {labfeedback.__version__}",
        digest=digest(calibration.model_dump(mode="json")),
        calibration=calibration,
    )
    text = json.dumps(whole.model_dump(mode="json", by_alias=True), indent=1, ensure_ascii=False, allow_nan=False)
    text = _NUMBERS.sub(lambda found: "[" + " ".join(found.group(1).split()) + "]", text)  # a point is one line
    beside = path.with_name(path.name + ".part")  # a full disk must not leave half a calibration under its name
    try:
        beside.write_text(text + "\n", encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise BadSetup(f"{path}: could not be written ({error.strerror}); choose another folder") from error


def load(path: Path) -> Calibration:
    """Read and check a calibration. Raises BadFile in sentences."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadFile(f"{path}: no such calibration; make one with 'labfeedback calibrate'") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BadFile(f"{path}: not readable as a calibration ({error}); record the static trial again") from None
    _refuse_foreign(path, content)
    try:
        whole = CalibrationFile.model_validate(content)
    except ValidationError as error:
        raise BadFile(_sentence(str(path), error, CalibrationFile)) from None
    if digest(content["calibration"]) != whole.digest:
        raise BadFile(
            f"{path}: its numbers are not those that were measured (the digest differs): somebody changed the file, or "
            "it is damaged. Record the static trial again"
        )
    return whole.calibration


def _refuse_foreign(path: Path, content: Any) -> None:
    if not isinstance(content, dict) or content.get("kind") != "labfeedback calibration":
        raise BadFile(f"{path}: this is no calibration; make one with 'labfeedback calibrate'")
    if content.get("schema") != 1:
        raise BadFile(
            f"{path}: written in form {content.get('schema')!r} by {content.get('written_by', 'an unknown program')}, "
            "this version reads form 1: update labfeedback, or record the static trial again"
        )
