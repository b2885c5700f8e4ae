"""The screen's ears and its voice on LSL: cues and health in, `shown` rows out."""

from __future__ import annotations

import numpy as np
import pylsl

from labfeedback.ears import Ear, now, use_private_network
from labfeedback.errors import BadSetup
from labfeedback.records import CUE, HEALTH, SHOWN, Rows, as_numbers, numeric_fields

__all__ = ["ShownOutlet", "Subscriber", "now", "use_private_network"]


class Subscriber:
    """Cues and health of one session."""

    def __init__(self, session: str) -> None:
        if not session or "'" in session:
            raise BadSetup(f"the session {session!r} cannot be looked for; expected a name without quotation marks")
        use_private_network()
        self._cues, self._health = Ear("cues", CUE, session), Ear("health", HEALTH, session)

    @property
    def problem(self) -> str:
        """Why a stream that is there is not listened to; empty: nothing wrong."""
        return self._cues.problem or self._health.problem

    def take(self) -> tuple[Rows | None, Rows | None]:
        """New rows of records.CUE and records.HEALTH on the local clock, None for none. Never waits."""
        cues, health = self._cues.take(), self._health.take()
        return (np.concatenate(cues) if cues else None), (np.concatenate(health) if health else None)

    def close(self) -> None:
        """End both threads."""
        self._cues.close()
        self._health.close()


class ShownOutlet:
    """Publishes what was painted as `labfeedback-shown`."""

    def __init__(self, session: str) -> None:
        use_private_network()
        names = numeric_fields(SHOWN)
        info = pylsl.StreamInfo(
            "labfeedback-shown", "labfeedback", len(names), 0.0, pylsl.cf_double64, f"labfeedback-shown-{session}"
        )
        channels = info.desc().append_child("channels")
        for name in names:
            channels.append_child("channel").append_child_value("label", name)
        self._outlet = pylsl.StreamOutlet(info, 0, 60)

    def push(self, row: Rows) -> None:
        """Send one row of records.SHOWN, shape (1,), stamped with the time it was painted."""
        self._outlet.push_sample(as_numbers(row)[0].tolist(), float(row["painted_s"][0]))
