"""Simulated patients for whole visits: what a device program of a lab would be, each in a process of its own."""

from __future__ import annotations

import time
from typing import Any


def walk_with_outage(session: str, after_s: float, outage_s: float, stop: Any) -> None:
    """Walks and follows the cues; the force stream is gone for a while, as when its program crashes and comes back."""
    import devices.lsl
    from devices.lsl import Outlet
    from devices.simulated import Walk, run

    class Flaky(Outlet):
        """Takes its outlet off the network once."""

        def __init__(self, layout: Any, **more: Any) -> None:
            super().__init__(layout, **more)
            self._pushed, self._gone_since, self._came_back = 0, 0.0, not layout.plates

        def push(self, pushed: Any) -> None:
            self._pushed += len(pushed.stamps)
            if not self._came_back and self._pushed > after_s * self.layout.nominal_rate:
                if not self._gone_since:
                    self._gone_since = time.monotonic()
                    self._outlet = None
                if time.monotonic() - self._gone_since < outage_s:
                    return
                self._came_back = True
                again = Outlet(self.layout)
                self._outlet = again._outlet
            super().push(pushed)

    devices.lsl.Outlet = Flaky  # type: ignore[misc]
    run(Walk(seed=4, slope=(0.04, -0.02), kam_sd=0.15), stop, session=session, wait=True)


def walk(seed: int, stop: Any) -> None:
    """Walks for the check; nobody tells this patient anything."""
    from devices.simulated import Walk, run

    run(Walk(seed=seed), stop)


def stand(stop: Any) -> None:
    """Stands quietly, for the calibration."""
    from devices.simulated import Walk, run

    run(Walk(seed=4, standing_s=120.0), stop)


def stand_and_turn(side: str, inwards_deg: float, after_s: float, stop: Any) -> None:
    """Stands, and after a while turns one foot."""
    from devices.simulated import Walk, run

    run(Walk(seed=4, standing_s=120.0, turn=(side, inwards_deg, after_s)), stop)
