"""The display's tests paint without a monitor."""

from __future__ import annotations

import os

import pytest

os.environ["QT_QPA_PLATFORM"] = "offscreen"


@pytest.fixture(autouse=True)
def _application(qapp: object) -> object:
    """Fonts and windows need a running application; one for all tests."""
    return qapp
