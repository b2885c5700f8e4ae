"""What the patient's screen is to say at one moment: pure, no window, no clock, no stream.

`hear` takes in rows as they arrive, `scene_at` says what may be shown now. Laws: a value is gone when its cue expires;
nothing but a neutral screen without a fresh and healthy health row; a cue of another foot does not exist; an older cue
never replaces a newer one; a row that contradicts itself (wrong word for the sign of its deviation) is not shown.
A scene holds the deviation but neither target nor angle, so a sham target cannot be told from a real one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from labfeedback.records import SIDES, CueState, Rows
from labfeedback.variables import FEEDBACK_VARIABLES

SILENT_S: Final = 0.25  # no health row for this long: neutral
AHEAD_S: Final = 0.25  # a row stamped further in the future than this comes from a wrong clock
LONGEST_VALUE_S: Final = 5.0  # 1.5 of the slowest strides; bounds a row whose expiry is missing or absurd
UNHEALTHY: Final = 2  # health.state from which the data are too old to act on
MARKS: Final = 6  # how many of the last steps are shown
BAND_SLACK_DEG: Final = 1e-6  # rounding allowed between a row's state and its own deviation

FEEDBACK: Final = frozenset({CueState.GOOD, CueState.TOO_FAR_IN, CueState.TOO_FAR_OUT})
OF_A_STEP: Final = FEEDBACK | {CueState.NOT_MEASURED}
_STATES: Final = {int(state): state for state in CueState}
_ENDS_MARKS: Final = frozenset(
    {CueState.NATURAL, CueState.ON_YOUR_OWN, CueState.BELT_STOPPED, CueState.PAUSED, CueState.FINISHED}
)


@dataclass(frozen=True)
class Scene:
    """What is painted. Two equal scenes give equal pictures.

    variable is the ordinal of what is shown, 0 the foot angle. deviation and band, in its unit, are None unless the
    state is GOOD, TOO_FAR_IN or TOO_FAR_OUT; marks are the states of the last steps, newest first; good_steps and
    scored_steps are the counts of the row that is shown. cue and cue_time_s
    say which row that was (-1 and None: none yet); they are reported, not painted.
    """

    side: int
    state: CueState = CueState.KEEP_WALKING
    deviation: float | None = None
    band: float | None = None
    marks: tuple[CueState, ...] = ()
    good_steps: int = 0
    scored_steps: int = 0
    cue: int = -1
    cue_time_s: float | None = None
    variable: int = 0
    good_side: int = 0


@dataclass(frozen=True)
class Heard:
    """Everything that was heard and may still matter: the newest cue of this foot, the newest health row, the marks."""

    side: int  # +1 right, -1 left; 0: both, and each cue says whose it is
    cue: int = -1
    cue_time_s: float = -np.inf
    expires_s: float = -np.inf
    state: CueState = CueState.KEEP_WALKING
    deviation: float | None = None
    band: float | None = None
    good_steps: int = 0
    scored_steps: int = 0
    marks: tuple[CueState, ...] = ()
    foot: int = 0  # whose the newest cue is
    variable: int = 0
    good_side: int = 0
    health_time_s: float = -np.inf
    health_state: int = UNHEALTHY


def _state(code: int, deviation: float, band: float, good_side: int) -> CueState:
    """The state of a row, or KEEP_WALKING where the row is unknown or contradicts itself."""
    state = _STATES.get(code, CueState.KEEP_WALKING)
    if state not in FEEDBACK:
        return state
    if not (np.isfinite(deviation) and np.isfinite(band) and band >= 0 and good_side in (-1, 0, 1)):
        return CueState.KEEP_WALKING
    agrees = {
        CueState.GOOD: abs(deviation) <= band + BAND_SLACK_DEG or deviation * good_side > 0,
        CueState.TOO_FAR_IN: deviation < 0 and deviation <= -band + BAND_SLACK_DEG,
        CueState.TOO_FAR_OUT: deviation > 0 and deviation >= band - BAND_SLACK_DEG,
    }
    return state if agrees[state] else CueState.KEEP_WALKING


def _hear_cue(heard: Heard, row: np.void, now_s: float) -> Heard:
    time_s, cue = float(row["time_s"]), int(row["cue"])
    side = int(row["side"])
    if side not in SIDES or heard.side not in (0, side) or not time_s <= now_s + AHEAD_S:
        return heard
    if (time_s, cue) <= (heard.cue_time_s, heard.cue):
        return heard
    good_side = int(row["good_side"])
    variable = int(row["variable"])
    state = _state(int(row["state"]), float(row["deviation"]), float(row["band"]), good_side)
    if not 0 <= variable < len(FEEDBACK_VARIABLES):  # what cannot be named cannot be shown
        state, variable = (CueState.KEEP_WALKING if state in OF_A_STEP else state), 0
    expires_s = float(row["expires_s"])
    if state in OF_A_STEP:
        expires_s = -np.inf if np.isnan(expires_s) else min(expires_s, time_s + LONGEST_VALUE_S)
    elif np.isnan(expires_s):
        expires_s = np.inf  # a state without a value holds until the next cue
    scored = max(0, int(row["scored_steps"]))
    marks = heard.marks
    if state is CueState.NOT_MEASURED and scored < heard.scored_steps:
        marks = marks[1:]  # takes back what was said of the same step at heel-off: one step, one mark
    if state in _ENDS_MARKS or variable != heard.variable:
        marks = ()
    elif state in OF_A_STEP:
        marks = (state, *marks)[:MARKS]
    return replace(
        heard,
        cue=cue,
        cue_time_s=time_s,
        expires_s=expires_s,
        state=state,
        deviation=float(row["deviation"]) if state in FEEDBACK else None,
        band=float(row["band"]) if state in FEEDBACK else None,
        foot=side,
        variable=variable,
        good_side=good_side,
        good_steps=min(max(0, int(row["good_steps"])), scored),
        scored_steps=scored,
        marks=marks,
    )


def hear(heard: Heard, cues: Rows | None, health: Rows | None, now_s: float) -> Heard:
    """Take in new rows (records.CUE, records.HEALTH; None or empty: none), in any order. now_s: local LSL time."""
    for row in () if cues is None else cues:
        heard = _hear_cue(heard, row, now_s)
    for row in () if health is None else health:
        time_s = float(row["time_s"])
        if heard.health_time_s < time_s <= now_s + AHEAD_S:
            heard = replace(heard, health_time_s=time_s, health_state=int(row["state"]))
    return heard


def scene_at(heard: Heard, now_s: float) -> Scene:
    """What may be shown at local LSL time now_s (s). Anything doubtful is the neutral screen."""
    seen_cue = heard.cue if np.isfinite(heard.cue_time_s) else -1
    seen_time = heard.cue_time_s if np.isfinite(heard.cue_time_s) else None
    healthy = heard.health_state < UNHEALTHY and abs(now_s - heard.health_time_s) <= SILENT_S
    current = heard.cue_time_s - AHEAD_S <= now_s <= heard.expires_s
    # The end of a visit is no measurement and cannot go stale: the hub is gone by then, and telling somebody to keep
    # walking after the end would be wrong.
    if not current or not (healthy or heard.state is CueState.FINISHED):
        return Scene(side=heard.side or heard.foot, cue=seen_cue, cue_time_s=seen_time)
    has_step = heard.state in OF_A_STEP
    return Scene(
        side=heard.side or heard.foot,
        state=heard.state,
        deviation=heard.deviation,
        band=heard.band,
        marks=heard.marks if has_step else (),
        good_steps=heard.good_steps if has_step else 0,
        scored_steps=heard.scored_steps if has_step else 0,
        cue=seen_cue,
        cue_time_s=seen_time,
        variable=heard.variable if has_step else 0,
        good_side=heard.good_side if has_step else 0,
    )
