"""Who walks: a pseudonym and the numbers that scale a moment. A name or a birth date never enters a file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from labfeedback.errors import BadSetup
from labfeedback.rig import _sentence, read_toml


class Subject(BaseModel):
    """height_m may be missing (then no %BW*Ht); mass_kg only where the plates give it: a calibration, or offline."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$", description="pseudonym: letters, digits, - and _")
    mass_kg: float | None = Field(None, ge=20, le=250)
    height_m: float | None = Field(None, ge=0.9, le=2.3)
    sex: Literal["F", "M", "unknown"] = "unknown"
    trained_side: Literal["left", "right"] | None = None


def load_subject(path: Path) -> Subject:
    """Read and check a subject file (TOML). Raises BadSetup in sentences."""
    try:
        return Subject.model_validate(read_toml(path))
    except ValidationError as error:
        raise BadSetup(_sentence(str(path), error, Subject)) from None
