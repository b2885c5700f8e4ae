"""Simulated patients for whole visits: what a device program of a lab would be, each in a process of its own."""

from __future__ import annotations

import threading
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


def stand_and_turn(side: str, inwards_deg: float, swapped: bool, told: Any, stop: Any) -> None:
    """Stands, and turns one foot when told to. swapped: the labels of left and right are exchanged."""
    import devices.simulated as simulated
    from devices.simulated import Simulated, StopOrOrphaned, Walk

    if swapped:
        other, kept = {"L": "R", "R": "L"}, simulated.marker_channels
        simulated.marker_channels = lambda labels, unit: kept(
            [other[x[0]] + x[1:] if x[0] in other else x for x in labels], unit
        )
    device = Simulated(Walk(seed=4, standing_s=120.0))

    def turn() -> None:
        told.wait()
        device._stander._turn = (side, inwards_deg, device._stander.time_s + 0.1)

    threading.Thread(target=turn, daemon=True).start()
    device.run(StopOrOrphaned(stop))
