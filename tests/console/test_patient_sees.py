"""What the operator's window shows of the patient's screen: the same, and to a blinded operator nothing of a step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from labfeedback.console.patient_sees import SHOWN, PatientSees
from labfeedback.records import CUE, HEALTH, LEFT, RIGHT, CueState, Rows

OF_STEPS = [
    (CueState.GOOD, 0.5),
    (CueState.TOO_FAR_IN, -4.0),
    (CueState.TOO_FAR_OUT, 7.0),
    (CueState.NOT_MEASURED, 0.0),
]


def cue(state: CueState, deviation: float, *, number: int = 1, side: int = LEFT, good: int = 3) -> Rows:
    rows: Rows = np.zeros(1, CUE)
    rows["time_s"], rows["cue"], rows["side"], rows["state"] = 10.0, number, side, state
    rows["deviation"], rows["band"], rows["expires_s"] = deviation, 2.0, 12.0
    rows["good_steps"], rows["scored_steps"] = good, 10
    return rows


def health(time_s: float) -> Rows:
    rows: Rows = np.zeros(1, HEALTH)
    rows["time_s"] = time_s
    return rows


def picture(qtbot: Any, row: Rows, *, blinded: bool, at_s: float = 10.1) -> tuple[str, Any]:
    """What it says and what it looks like; at_s: the data are healthy until 10.1."""
    small = PatientSees(LEFT, {}, blinded=blinded)
    qtbot.addWidget(small)
    small.rows(row, None, 10.1)
    small.rows(None, health(10.1), 10.1)
    small.show_at(at_s)
    return small.text(), small.grab().toImage()


def test_every_verdict_and_every_share_is_one_picture_to_a_blinded_operator(qtbot):
    first = picture(qtbot, cue(*OF_STEPS[0]), blinded=True)
    assert first[0] == SHOWN
    for state, deviation in OF_STEPS:
        for good in (0, 10):
            assert picture(qtbot, cue(state, deviation, good=good), blinded=True) == first


def test_another_operator_sees_the_verdict(qtbot):
    seen = [picture(qtbot, cue(state, deviation), blinded=False)[1] for state, deviation in OF_STEPS]
    assert all(a != b for n, a in enumerate(seen) for b in seen[:n])


@pytest.mark.parametrize("state", [CueState.NATURAL, CueState.ON_YOUR_OWN, CueState.PAUSED, CueState.BELT_STOPPED])
def test_what_is_said_of_no_step_is_shown_as_it_is(qtbot, state):
    text, seen = picture(qtbot, cue(state, 0.0), blinded=True)
    assert text == "" and seen != picture(qtbot, cue(CueState.GOOD, 0.5), blinded=True)[1]


@pytest.mark.parametrize("blinded", [True, False])
def test_stale_feedback_is_not_called_shown(qtbot, blinded):
    """Silent data, an expired cue, the other foot's cue: the neutral screen, as on the wall."""
    neutral = picture(qtbot, cue(CueState.KEEP_WALKING, 0.0), blinded=blinded)
    assert neutral[0] == ""
    assert picture(qtbot, cue(CueState.GOOD, 0.5), blinded=blinded, at_s=10.5) == neutral
    assert picture(qtbot, cue(CueState.GOOD, 0.5), blinded=blinded, at_s=13.0) == neutral
    assert picture(qtbot, cue(CueState.GOOD, 0.5, side=RIGHT), blinded=blinded) == neutral


def test_it_changes_from_words_to_picture_and_back(qtbot):
    small = PatientSees(LEFT, {}, blinded=True)
    qtbot.addWidget(small)
    small.rows(cue(CueState.GOOD, 0.5), health(10.1), 10.1)
    small.show_at(10.1)
    assert small.text() == SHOWN and small.pixmap().isNull()
    small.show_at(10.5)
    assert small.text() == "" and not small.pixmap().isNull()
