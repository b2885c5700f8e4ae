"""Listening to one of the hub's numeric streams, in a thread of its own: for the patient's screen and the operator's.

The thread looks for the outlet, checks its channels and queues its rows; `take` never waits. A lost hub is looked for
again until `close`. What cannot be trusted (a second outlet, other channels) is not listened to, and `problem` says
why.
"""

from __future__ import annotations

import socket
import threading
from collections import deque
from typing import Any, Final

import numpy as np
import pylsl
from numpy.typing import NDArray

from labfeedback.device import lsl_configuration
from labfeedback.records import Rows, from_numbers, numeric_fields

_BUFFER_S: Final = 2  # small: after a stall old rows are dropped, not shown
_WAIT_S: Final = 0.1  # longest sleep of a thread before it looks whether it is to end
_FORGET_S: Final = 3.0  # an outlet that answered no wave for this long is gone
_SETTLE_S: Final = 0.6  # a second outlet of the same name answers the second wave of questions, 0.5 s later
_configured = False


def use_private_network() -> None:
    """Keep to this machine and to the session named by LABFEEDBACK_LSL_SESSION, if it is set. Before any LSL call."""
    global _configured
    if not _configured and (text := lsl_configuration()):
        pylsl.set_config_content(text)
    _configured = True


def now() -> float:
    """Local LSL time, s."""
    return float(pylsl.local_clock())


def _labels(info: Any) -> tuple[str, ...]:
    labels = []
    channel = info.desc().child("channels").child("channel")
    while not channel.empty():
        labels.append(channel.child_value("label"))
        channel = channel.next_sibling("channel")
    return tuple(labels)


class Ear:
    """One stream of the hub, in its own thread.

    rest_s: how long to let rows gather, for who looks now and then: a wake-up for every frame costs the hub its core.
    """

    def __init__(self, table: str, dtype: np.dtype[np.void], session: str, *, rest_s: float = 0.0) -> None:
        self._rest_s = rest_s
        self.problem = ""
        self._query = f"source_id='labfeedback-{table}-{session}'"
        self._name, self._dtype = f"labfeedback-{table}", dtype
        self._rows: deque[Rows] = deque(maxlen=1000)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._listen, name=self._name, daemon=True)
        self._thread.start()

    def take(self) -> list[Rows]:
        """All rows since the last call, oldest first."""
        out = []
        while self._rows:
            out.append(self._rows.popleft())
        return out

    def close(self) -> None:
        self._end.set()
        self._thread.join(timeout=2.0)

    def _listen(self) -> None:
        while not self._end.is_set():
            found = self._find()
            if found is None:
                return
            try:
                self._follow(found)
            except RuntimeError:  # the root of all pylsl errors
                self._end.wait(_WAIT_S)  # gone: look for it again

    def _find(self) -> Any:
        """The one outlet of this stream, or None when the screen ends.

        A continuous resolver is asked now and then, because one-shot resolving may block for 5 s past its timeout.
        """
        resolver = pylsl.ContinuousResolver(pred=self._query, forget_after=_FORGET_S)
        while not self._end.wait(_WAIT_S):
            if not resolver.results() or self._end.wait(_SETTLE_S):
                continue
            found = resolver.results()
            if len(found) == 1:
                return found[0]
            if found:
                hosts = ", ".join(sorted(info.hostname() for info in found))
                self.problem = f"{len(found)} streams claim to be {self._name} (on {hosts}); stop all but one"
        return None

    def _follow(self, info: Any) -> None:
        # recover=False: a stream that comes back is a new one, whose channels are checked anew.
        inlet = pylsl.StreamInlet(info, max_buflen=_BUFFER_S, recover=False)
        try:
            found, expected = _labels(inlet.info(timeout=5.0)), numeric_fields(self._dtype)
            if found != expected:
                self.problem = f"{self._name} has the channels {', '.join(found)}; expected {', '.join(expected)}"
                self._end.wait(1.0)
                return
            inlet.open_stream(timeout=5.0)
            self.problem = ""
            remote = info.hostname() != socket.gethostname()
            offset = inlet.time_correction(timeout=5.0) if remote else 0.0
            while not self._end.is_set():
                values, stamps = inlet.pull_chunk(timeout=_WAIT_S, max_samples=256, min_samples=1, as_numpy=True)
                if len(stamps):
                    offset = inlet.time_correction(timeout=5.0) if remote else 0.0
                    self._rows.append(self._on_local_clock(np.asarray(values, dtype=np.float64), offset))
                if self._rest_s:
                    self._end.wait(self._rest_s)
        finally:
            inlet.close_stream()

    def _on_local_clock(self, values: NDArray[np.float64], offset_s: float) -> Rows:
        """(n, fields) values as rows whose times are local: the hub may run on another computer."""
        with np.errstate(invalid="ignore"):  # NaN in a counting column becomes nonsense that the scene refuses
            rows = from_numbers(values, self._dtype)
        for name in ("time_s", "expires_s"):
            if name in (self._dtype.names or ()):
                rows[name] += offset_s
        return rows
