"""Walks that several tests of the kernels cut their windows from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.walks import Walk, recorded, simulated


@pytest.fixture(scope="session")
def walker_walk() -> Walk:
    """Ten seconds of the walker at the standard noise."""
    return simulated(12.0, seed=3, noise="standard")


@pytest.fixture(scope="session")
def recording(shared_data: Path) -> Walk:
    """The main recording."""
    return recorded(shared_data)
