"""Which swings show a plate's zero: long enough, not too long, the plate free and the other foot on its own."""

from __future__ import annotations

import numpy as np
import pytest

from labfeedback.engine.plan import make_plan
from labfeedback.engine.start import parse_start
from labfeedback.engine.zero import Zero
from labfeedback.inputlog import FORCES, MARKERS
from tests.engine.walks import simulated

WEIGHT_N = 700.0


class Force:
    """A force track of a swing of the right foot: its plates say `own`, the other bears `other`."""

    def __init__(self, own_n: float, other_n: float) -> None:
        self.time = np.arange(0.0, 3.0, 0.001)
        self._wrench = np.zeros((len(self.time), 2, 6))
        self._wrench[:, 0, 1], self._wrench[:, 1, 1] = own_n, other_n

    def column(self, name: str) -> np.ndarray:
        return self._wrench if name == "wrench" else self._wrench[:, :, 1]


def measured(swing_s: float = 0.4, own_n: float = 4.0, other_n: float = 650.0) -> bool:
    walk = simulated(3.0)
    setup = parse_start(walk.start())
    zero = Zero(make_plan(setup, walk.layouts()[MARKERS], walk.layouts()[FORCES]), WEIGHT_N, 1000.0, 30.0)
    for k in range(2):
        zero.swing(float(k), 0, 1.0, 1.0 + swing_s, Force(own_n, other_n))  # type: ignore[arg-type]
    left = zero.left(0)
    if np.isnan(left).all():
        return False
    assert left[1] == pytest.approx(own_n)
    return True


@pytest.mark.parametrize(("swing_s", "counts"), [(0.19, False), (0.21, True), (0.89, True), (0.91, False)])
def test_a_swing_lasts_as_swings_do(swing_s, counts):
    assert measured(swing_s) is counts


@pytest.mark.parametrize(("own_n", "counts"), [(29.0, True), (31.0, False), (-31.0, False), (44.0, False)])
def test_the_plate_is_free(own_n, counts):
    assert measured(own_n=own_n) is counts


@pytest.mark.parametrize(("other_n", "counts"), [(351.0, True), (349.0, False)])
def test_the_other_plate_bears_over_half_of_the_body(other_n, counts):
    assert measured(other_n=other_n) is counts
