"""The inertia tables against the oracle's, which were typed in a second time from the specification."""

from __future__ import annotations

import numpy as np
import pytest

from labfeedback.core.inertia import COM, FOOT_KIND, FOOT_PART, MASS, TENSOR, segment_inertia, table_for
from tests import naive

SEXES = {"F": "female", "M": "male"}
SHANK, FOOT, HEEL_TOE = 0.4, 0.139, 0.2


def as_matrix(six):
    xx, yy, zz, xy, xz, yz = six
    return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])


@pytest.mark.parametrize("s", [1, -1])
@pytest.mark.parametrize("sex", ["F", "M"])
@pytest.mark.parametrize("table", ["dumas", "deleva", "winter"])
def test_masses_centres_and_tensors_are_the_oracles(table, sex, s):
    ours = segment_inertia(table, sex, 72.0, s)
    name = "winter" if table == "winter" else f"{table}_{SEXES[sex]}"
    for segment, part in (("shank", 0), ("foot", FOOT_PART)):
        mass, com, tensor = naive.inertia(name, segment, s, 72.0, SHANK, FOOT, HEEL_TOE)
        length = SHANK if segment == "shank" else FOOT if table != "deleva" else 1.2 * HEEL_TOE
        assert ours[part + MASS] == pytest.approx(mass, rel=1e-12)
        if np.isfinite(com).all():
            np.testing.assert_allclose(ours[part + COM : part + COM + 3] * length, com, atol=1e-12)
        got = as_matrix(ours[part + TENSOR : part + TENSOR + 6]) * mass * length * length
        np.testing.assert_allclose(got, tensor, atol=1e-12)


def test_winters_foot_lies_half_way_to_the_metatarsals():
    ours = segment_inertia("winter", "unknown", 70.0, 1)
    assert ours[FOOT_KIND] == 1
    assert ours[FOOT_PART + COM] == 0.5


@pytest.mark.parametrize(
    ("name", "sex", "table"), [("auto", "F", "dumas"), ("auto", "unknown", "winter"), ("deleva", "unknown", "deleva")]
)
def test_the_table_follows_what_is_known_about_the_subject(name, sex, table):
    assert table_for(name, sex) == table


def test_without_a_sex_the_mean_of_both_is_taken():
    both = [segment_inertia("dumas", sex, 70.0, 1) for sex in "FM"]
    np.testing.assert_allclose(segment_inertia("dumas", "unknown", 70.0, 1), (both[0] + both[1]) / 2)


def test_an_unknown_table_is_refused():
    with pytest.raises(ValueError, match="expected auto, dumas, winter or deleva"):
        segment_inertia("zatsiorsky", "F", 70.0, 1)
