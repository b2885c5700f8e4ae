"""What is wrong in a setup file is answered in a sentence that tells what to write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from labfeedback.analysis.checks import refuse_wrong_plates
from labfeedback.errors import BadSetup
from labfeedback.exchange.c3d import read_c3d
from labfeedback.markerset import Leg, load_marker_set
from labfeedback.rig import find, load_rig
from labfeedback.subject import load_subject


def _refusal(load: Any, path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadSetup) as refused:
        load(str(path) if load is not load_subject else path)
    said = str(refused.value)
    assert "Field" not in said
    assert "Input" not in said
    return said


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('id = "Jane Doe"', "expected a pseudonym of letters, digits, - and _, no name, no spaces"),
        ("mass_kg = 70", "id is missing"),
        ('id = "S1"\nmas_kg = 70', "mas_kg is not known; did you mean mass_kg?"),
        ('id = "S1"\nmass_kg = 5', "mass_kg = 5: expected at least 20"),
        ('id = "S1"\nheight_m = 170', "height_m = 170: expected at most 2.3"),
        ('id = "S1"\nsex = "female"', "sex = 'female': expected 'F', 'M' or 'unknown'"),
        ('id = "S1"\nmass_kg = "seventy"', "mass_kg = 'seventy': expected a number"),
        ("id = 7", "id = 7: expected a text in quotation marks"),
    ],
)
def test_a_subject_file_is_answered_in_plain_words(text: str, sentence: str, tmp_path: Path) -> None:
    assert sentence in _refusal(load_subject, tmp_path / "s.toml", text)


@pytest.fixture
def rig_text() -> str:
    return find("rigs", "simulated").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("right", "wrong", "sentence"),
    [
        ("corners_m", "corner_m", "plates 1.corner_m is not known; did you mean corners_m?"),
        ("rate_hz", "rate", "is not known; did you mean rate_hz?"),
        ('side = "left"', 'side = "links"', "plates 1.side = 'links': expected 'left' or 'right'"),
    ],
)
def test_a_rig_file_is_answered_in_plain_words(
    rig_text: str, right: str, wrong: str, sentence: str, tmp_path: Path
) -> None:
    assert right in rig_text
    assert sentence in _refusal(load_rig, tmp_path / "r.toml", rig_text.replace(right, wrong))


def test_corners_in_millimetres_are_recognised() -> None:
    plate = load_rig("simulated").plates[0]
    corners = [[1000 * value for value in corner] for corner in plate.corners_m]
    with pytest.raises(ValidationError, match="corners look like millimetres; metres are expected"):
        type(plate)(id="1", side="left", corners_m=corners)  # type: ignore[arg-type]


def test_one_label_has_one_place_in_a_leg() -> None:
    leg = load_marker_set("griffith").right.model_dump()
    with pytest.raises(ValidationError, match="knee_lateral and knee_medial are both"):
        Leg.model_validate(leg | {"knee_medial": leg["knee_lateral"]})


def test_a_rig_without_a_plate_for_each_foot_is_refused(shared_data: Path) -> None:
    trial = read_c3d(shared_data / "treadmill_griffith_rtosim/walking_1.c3d")
    rig = load_rig("griffith")
    both_left = rig.model_copy(
        update={"plates": tuple(plate.model_copy(update={"side": "left"}) for plate in rig.plates)}
    )
    with pytest.raises(BadSetup, match="no plate of the rig 'griffith' is the right one"):
        refuse_wrong_plates(trial, both_left, load_marker_set("griffith"))
