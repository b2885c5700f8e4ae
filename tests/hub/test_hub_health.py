"""The watchdog's limits are START's own."""

from __future__ import annotations

import json

from labfeedback.hub.health import NEUTRAL, OK, PAUSED, WARN, Health
from labfeedback.hub.program import settings_of
from labfeedback.inputlog import Start
from labfeedback.settings import Settings


def test_the_limits_of_silence_are_those_of_start() -> None:
    start = Start(json.dumps({"schema": 1, "settings": {"silent_neutral_s": 0.1, "silent_pause_s": 1.0}}))
    health = Health((200.0, 1000.0), 10.0, settings_of(start))
    assert [health.state_of(age) for age in (0.04, 0.06, 0.12, 0.9, 1.1)] == [OK, WARN, NEUTRAL, NEUTRAL, PAUSED]
    assert health.row(10.12, 0.0)["state"][0] == NEUTRAL


def test_without_settings_the_norm_holds_and_the_patients_screen_is_neutral_in_a_quarter_second() -> None:
    settings = settings_of(Start('{"schema":1}'))
    assert settings == Settings()
    assert Health((200.0, 1000.0), 0.0, settings).state_of(0.2) == NEUTRAL
