"""What the tests share: where the real recordings lie, and a private corner of the network for LSL."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings beside the project; tests that need it skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the real recordings (../shared/data beside the project) are not here")
    return SHARED
