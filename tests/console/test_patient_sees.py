"""What the operator's window shows of the patient's screen: the same, and to a blinded operator nothing of a step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from labfeedback.console.evened import FIRST
from labfeedback.console.looks import DARK
from labfeedback.console.patient_sees import SHOWN, UNMEASURED, PatientSees
from labfeedback.console.view import View
from labfeedback.console.walk import WalkPage
from labfeedback.records import CUE, HEALTH, LEFT, RIGHT, STEP, CueState, Rows

OF_STEPS = [
    (CueState.GOOD, 0.5),
    (CueState.TOO_FAR_IN, -4.0),
    (CueState.TOO_FAR_OUT, 7.0),
    (CueState.NOT_MEASURED, 0.0),
]


def cue(state: CueState, deviation: float, *, number: int = 1, side: int = LEFT, good: int = 3) -> Rows:
    rows: Rows = np.zeros(1, CUE)
    rows["time_s"], rows["cue"], rows["side"], rows["state"] = 10.0 + number / 100 - 0.01, number, side, state
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
    for state, deviation in OF_STEPS[:3]:
        for good in (0, 10):
            assert picture(qtbot, cue(state, deviation, good=good), blinded=True) == first


def test_what_could_not_be_measured_is_not_called_feedback(qtbot):
    seen = [picture(qtbot, cue(CueState.NOT_MEASURED, 0.0, good=good), blinded=True) for good in (0, 10)]
    assert seen[0] == seen[1] and seen[0][0] == UNMEASURED


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


def seen(small: PatientSees, row: Rows) -> Any:
    """What one widget shows after another cue."""
    small.rows(row, health(10.1), 10.1)
    small.show_at(10.1)
    return small.grab().toImage()


def test_another_deviation_and_another_share_are_another_picture(qtbot):
    """In the same widget and the same state: nothing of the step before stays."""
    small = PatientSees(LEFT, {})
    qtbot.addWidget(small)
    rows = [
        cue(CueState.TOO_FAR_OUT, 3.0), cue(CueState.TOO_FAR_OUT, 9.0, number=2),
        cue(CueState.TOO_FAR_OUT, 9.0, number=3, good=9),
    ]  # fmt: skip
    pictures = [seen(small, row) for row in rows]
    assert pictures[0] != pictures[1] != pictures[2]


def test_a_screen_for_both_feet_shows_the_cues_of_both(qtbot):
    small = PatientSees(0, {})
    qtbot.addWidget(small)
    left = seen(small, cue(CueState.GOOD, 0.5))
    assert left != seen(small, cue(CueState.GOOD, 0.5, number=2, side=RIGHT))
    view = View()
    view.hear({"kind": "page", "page": "walk", "side": "left", "sees": "both"})
    page = WalkPage(view, DARK, lambda _command: None)
    qtbot.addWidget(page)
    assert seen(page.small, cue(CueState.GOOD, 0.5)) != seen(page.small, cue(CueState.GOOD, 0.5, number=2, side=RIGHT))


def test_the_operator_stands_where_the_patient_stands_however_the_wall_is_lit(qtbot):
    """A picture that is mirrored for a projection from behind is right way round here."""
    plain, mirrored = PatientSees(LEFT, {}), PatientSees(LEFT, {"mirrored": True})
    qtbot.addWidget(plain)
    qtbot.addWidget(mirrored)
    row = cue(CueState.TOO_FAR_OUT, 7.0)
    assert seen(plain, row) == seen(mirrored, row)


@pytest.mark.parametrize("blinded", [True, False])
def test_a_page_opened_again_shows_the_steps_that_were_walked(qtbot, blinded):
    random = np.random.default_rng(2)
    count = FIRST + 30
    steps: Rows = np.zeros(count, STEP)
    steps["side"], steps["cued"], steps["fpa_valid"], steps["kam_valid"] = LEFT, 1, 1, 1
    steps["end_s"], steps["fpa_deg"] = 11.0 + np.arange(count), random.normal(2.0, 1.5, count)
    row = cue(CueState.GOOD, 0.5)
    row["target"] = 2.0
    view = View()
    view.hear({"kind": "page", "page": "walk", "side": "left", "sees": "left", "blinded": blinded})
    page = WalkPage(view, DARK, lambda _command: None)
    qtbot.addWidget(page)
    page.past(steps, row)
    page.plots.draw(10.1)
    assert len(page.plots._angles.getData()[1]) == (30 if blinded else 60)


@pytest.mark.parametrize("blinded", [True, False])
def test_the_page_of_a_blinded_visit_is_blinded_in_every_part(qtbot, blinded):
    """From the parent's news to what stands on the page: cue, step and health rows of a step far from its target."""
    view = View()
    view.hear({"kind": "page", "page": "walk", "side": "left", "sees": "left", "blinded": blinded})
    page = WalkPage(view, DARK, lambda _command: None)
    qtbot.addWidget(page)
    row: Rows = np.zeros(1, STEP)
    row["side"], row["fpa_deg"], row["cued"], row["end_s"] = LEFT, 9.5, 1, 10.05
    row["fpa_valid"] = row["kam_valid"] = 1
    for table, rows in (("cues", cue(CueState.TOO_FAR_OUT, 7.0)), ("health", health(10.1)), ("steps", row)):
        page.rows(table, rows, 10.1)
    page.show_view(10.1)
    page.plots.draw(10.1)
    assert (page.small.text() == SHOWN) == blinded
    dots = page.plots._angles.getData()[1]
    assert (dots is None or not len(dots)) == blinded
    assert page.plots._peaks.isHidden() == page.plots._moment.isHidden() == blinded
