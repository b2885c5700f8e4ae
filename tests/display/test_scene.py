"""Whatever arrives, in whatever order: nothing stale, nothing of the other foot, no word against its own number."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labfeedback.display.scene import (
    FEEDBACK,
    LONGEST_VALUE_S,
    MARKS,
    OF_A_STEP,
    SILENT_S,
    Heard,
    Scene,
    hear,
    scene_at,
)
from labfeedback.records import CUE, HEALTH, LEFT, RIGHT, CueState, Rows


def cue(number: int = 0, time_s: float = 10.0, **fields: float) -> Rows:
    row = np.zeros(1, CUE)
    row["cue"], row["time_s"], row["side"], row["band"] = number, time_s, RIGHT, 2.0
    row["state"], row["deviation"], row["expires_s"] = CueState.GOOD, 0.5, time_s + 1.5
    for name, value in fields.items():
        row[name] = value
    return row


def health(time_s: float = 10.0, state: int = 0) -> Rows:
    row = np.zeros(1, HEALTH)
    row["time_s"], row["state"] = time_s, state
    return row


def shown(*cues: Rows, at: float = 10.0, health_at: float | None = None, side: int = RIGHT) -> Scene:
    heard = hear(Heard(side), np.concatenate(cues), health(at if health_at is None else health_at), at)
    return scene_at(heard, at)


def test_a_good_step_is_shown_with_its_deviation_and_the_counts_of_its_row() -> None:
    scene = shown(cue(good_steps=3, scored_steps=4))
    assert (scene.state, scene.deviation, scene.good_steps, scene.scored_steps) == (CueState.GOOD, 0.5, 3, 4)


def test_before_anything_is_heard_the_screen_is_neutral() -> None:
    assert scene_at(Heard(LEFT), 3.0) == Scene(side=LEFT, state=CueState.KEEP_WALKING)


def test_a_value_is_gone_when_its_cue_expires() -> None:
    assert shown(cue(expires_s=11.5), at=11.5).state is CueState.GOOD
    assert shown(cue(expires_s=11.5), at=11.5 + 1e-6).state is CueState.KEEP_WALKING


def test_a_value_without_an_expiry_is_never_shown_and_an_absurd_expiry_is_cut() -> None:
    assert shown(cue(expires_s=np.nan)).state is CueState.KEEP_WALKING
    assert shown(cue(expires_s=np.inf), at=10.0 + LONGEST_VALUE_S + 0.01).state is CueState.KEEP_WALKING


@pytest.mark.parametrize(("age_s", "state"), [(0.24, CueState.GOOD), (0.26, CueState.KEEP_WALKING)])
def test_a_silent_health_stream_makes_it_neutral_after_250_ms(age_s: float, state: CueState) -> None:
    assert shown(cue(), at=10.5, health_at=10.5 - age_s).state is state


@pytest.mark.parametrize(("code", "state"), [(0, "GOOD"), (1, "GOOD"), (2, "KEEP_WALKING"), (3, "KEEP_WALKING")])
def test_data_that_the_hub_calls_old_make_it_neutral(code: int, state: str) -> None:
    heard = hear(Heard(RIGHT), cue(), health(10.0, code), 10.0)
    assert scene_at(heard, 10.0).state.name == state


def test_a_cue_of_the_other_foot_is_never_shown_and_hides_nothing() -> None:
    assert shown(cue(0), cue(1, time_s=10.1, side=LEFT, deviation=-9, state=CueState.TOO_FAR_IN)).deviation == 0.5
    assert shown(cue(), side=LEFT).state is CueState.KEEP_WALKING


def test_an_older_cue_does_not_replace_a_newer_one() -> None:
    newer = cue(5, time_s=10.0)
    older = cue(4, time_s=9.0, state=CueState.TOO_FAR_IN, deviation=-5, expires_s=11)
    assert shown(newer, older).cue == 5
    assert shown(older, newer).cue == 5


def test_a_restarted_hub_may_count_its_cues_from_zero_again() -> None:
    assert shown(cue(57, time_s=9.0), cue(0, time_s=10.0)).cue == 0


@pytest.mark.parametrize(
    ("state", "deviation", "band"),
    [
        (CueState.TOO_FAR_IN, 5.0, 2.0),
        (CueState.TOO_FAR_OUT, -5.0, 2.0),
        (CueState.GOOD, 5.0, 2.0),
        (CueState.TOO_FAR_IN, -1.0, 2.0),
        (CueState.GOOD, np.nan, 2.0),
        (CueState.TOO_FAR_OUT, 5.0, np.nan),
        (77, 0.5, 2.0),
    ],
)
def test_a_row_that_contradicts_itself_is_not_shown(state: int, deviation: float, band: float) -> None:
    scene = shown(cue(state=state, deviation=deviation, band=band))
    assert (scene.state, scene.deviation) == (CueState.KEEP_WALKING, None)


@pytest.mark.parametrize("state", [CueState.NATURAL, CueState.BELT_STOPPED, CueState.PAUSED, CueState.FINISHED])
def test_a_state_without_a_value_holds_until_the_next_cue(state: CueState) -> None:
    scene = shown(cue(state=state, expires_s=np.inf, deviation=3.0, good_steps=1, scored_steps=1), at=500.0)
    assert (scene.state, scene.deviation, scene.scored_steps) == (state, None, 0)


def test_the_end_stays_on_screen_when_the_hub_is_gone() -> None:
    end = cue(state=CueState.FINISHED, expires_s=np.inf)
    assert shown(end, at=60.0, health_at=10.0).state is CueState.FINISHED


def test_the_last_steps_are_kept_newest_first_and_start_anew_after_a_pause() -> None:
    good = [cue(n, time_s=10.0 + n, expires_s=12.0 + n) for n in range(8)]
    off = cue(8, time_s=18.0, state=CueState.NOT_MEASURED, deviation=np.nan, expires_s=20.0)
    assert shown(*good, off, at=18.0).marks == (CueState.NOT_MEASURED, *[CueState.GOOD] * (MARKS - 1))
    again = cue(10, time_s=19.0, expires_s=21.0)
    assert shown(*good, cue(9, time_s=18.5, state=CueState.PAUSED), again, at=19.0).marks == (CueState.GOOD,)


def test_a_step_taken_back_after_toe_off_keeps_one_mark() -> None:
    first = cue(0, time_s=9.0, good_steps=1, scored_steps=1)
    early = cue(1, time_s=9.8, good_steps=2, scored_steps=2)
    back = cue(2, state=CueState.NOT_MEASURED, deviation=np.nan, good_steps=1, scored_steps=1)
    scene = shown(first, early, back)
    assert (scene.marks, scene.scored_steps) == ((CueState.NOT_MEASURED, CueState.GOOD), 1)


def test_two_targets_with_the_same_deviation_make_the_same_scene() -> None:
    assert shown(cue(value=2.5, target=2.0)) == shown(cue(value=17.5, target=17.0))


_ANY = st.floats(allow_nan=True, allow_infinity=True, width=32)
_TIME = st.floats(0.0, 12.0) | st.sampled_from([np.nan, np.inf, -np.inf])
_CUES = st.builds(
    cue,
    st.integers(0, 9),
    _TIME,
    side=st.sampled_from([LEFT, RIGHT, 0]),
    state=st.integers(-1, 9),
    deviation=st.floats(-20, 20) | _ANY,
    band=st.floats(0, 5) | _ANY,
    variable=st.integers(-2, 20),
    good_side=st.integers(-2, 2),
    expires_s=_TIME,
    good_steps=st.integers(-2, 50),
    scored_steps=st.integers(-2, 50),
)
_HEALTH = st.builds(health, _TIME, st.integers(0, 3))
_HEARD = st.lists(st.tuples(st.floats(0.0, 0.4), st.none() | _CUES, st.none() | _HEALTH), max_size=25)


@settings(max_examples=300, deadline=None)
@given(side=st.sampled_from([LEFT, RIGHT, 0]), happenings=_HEARD)
def test_the_laws_hold_whatever_is_heard(side: int, happenings: list[tuple[float, Rows | None, Rows | None]]) -> None:
    heard, now, seen, lively = Heard(side), 0.0, [], []
    for wait, cues, healths in happenings:
        now += wait
        heard = hear(heard, cues, healths, now)
        seen += [] if cues is None else [cues[0]]
        lively += [] if healths is None else [healths[0]]
        for later in (0.0, 0.2, 0.3, 2.0):
            time_s = now + later
            scene = scene_at(heard, time_s)
            assert scene.side == side or side == 0
            if scene.state not in OF_A_STEP:
                assert (scene.deviation, scene.marks, scene.scored_steps) == (None, (), 0)
                continue
            # An independent reading of the laws, from the rows themselves.
            assert scene.side in (LEFT, RIGHT)
            same = [
                r
                for r in seen
                if (r["side"], r["cue"], r["time_s"]) == (scene.side, scene.cue, scene.cue_time_s)
                and r["variable"] == scene.variable
            ]
            assert any(r["state"] == scene.state and time_s <= r["expires_s"] for r in same)
            assert any(h["state"] < 2 and abs(time_s - h["time_s"]) <= SILENT_S for h in lively)
            assert 0 <= scene.good_steps <= scene.scored_steps
            if scene.state in FEEDBACK:
                assert scene.deviation is not None and scene.band is not None
                sign = {CueState.TOO_FAR_IN: -1, CueState.TOO_FAR_OUT: 1}.get(scene.state)
                if sign is None:
                    assert abs(scene.deviation) <= scene.band + 1e-5 or scene.deviation * scene.good_side > 0
                else:
                    assert np.sign(scene.deviation) == sign
