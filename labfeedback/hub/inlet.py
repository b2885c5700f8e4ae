"""One live stream: an LSL inlet that fills our own memory, with the raw stamps of the sender."""

from __future__ import annotations

import socket
from typing import Any, Final

import numpy as np
import pylsl
from numpy.typing import NDArray

from labfeedback.errors import StreamTrouble
from labfeedback.hub.lsl import clock_offset, layout_of, source
from labfeedback.inputlog import Samples
from labfeedback.layout import Layout

BUFFER_S: Final = 3  # a stall longer than this drops old samples instead of feeding old frames to the patient
MOST_SAMPLES: Final = 512  # per pull
PATIENCE_S: Final = 4.0  # for a description, a connection or a first clock offset
ONE_CLOCK_S: Final = 0.001  # two computers' clocks, counted from their starts, are never this close
_DTYPES: Final[dict[str, np.dtype[Any]]] = {"float32": np.dtype(np.float32), "double64": np.dtype(np.float64)}


class LiveStream:
    """A connected, clock-primed inlet of stream `stream`; `pull` gives the next `Samples`.

    Reconnection is not left to liblsl (recover=False): its recovery is silent, so that samples of a sender with other
    channels or units would reach the engine before anybody could look at the new description.
    """

    def __init__(self, stream: int, info: Any) -> None:
        """Connect, read the description, prime the clock offset and drop what piled up meanwhile (about 0.7 s).

        Raises StreamTrouble when the sender does not answer or is not described.
        """
        self.stream = stream
        self.uid: str = info.uid()
        self.inlet = pylsl.StreamInlet(info, max_buflen=BUFFER_S, recover=False)
        try:
            full = self.inlet.info(PATIENCE_S)
            self.layout: Layout = layout_of(full)
            self.inlet.open_stream(PATIENCE_S)
            self.offset = clock_offset(self.inlet, PATIENCE_S)
            # On this very computer both ends read one clock, and what is measured (10-60 us) is noise. It would tear
            # apart samples that were taken at one instant: a frame would then wait for the next lot of forces.
            self.own_clock = self.layout.hostname == socket.gethostname() and abs(self.offset[0]) < ONE_CLOCK_S
            if self.own_clock:
                self.offset = (0.0, self.offset[1], self.offset[2])
        except (pylsl.util.TimeoutError, pylsl.util.LostError) as error:
            raise StreamTrouble(
                f"stream {source(info)} is announced but does not answer ({error}): restart its sender; "
                "if it runs on another computer, open that computer's firewall for LSL"
            ) from None
        dtype = _DTYPES.get(self.layout.channel_format, np.dtype(np.float32))
        self._memory: NDArray[Any] = np.zeros((MOST_SAMPLES, len(self.layout.channels)), dtype)
        self._rest = self._memory[1:]
        self.epoch = 0
        self.flush()

    def flush(self) -> None:
        """Drop whatever is queued."""
        self.inlet.flush()

    def pull(self, first: int, timeout_s: float) -> Samples | None:
        """Wait at most timeout_s for a sample, then take all that are there; None if none came.

        `values` is a view of this stream's memory: valid until the next pull. Raises pylsl's LostError.
        """
        # Two pulls of fixed sizes: ctypes makes (and, uncollected, keeps) an array type for each new size.
        if timeout_s > 0:
            _, times = self.inlet.pull_chunk(timeout_s, 1, self._memory, None, True)
            if not len(times):
                return None
            _, more = self.inlet.pull_chunk(0.0, MOST_SAMPLES - 1, self._rest, None, True)
            if len(more):
                times = np.concatenate((times, more))
        else:
            _, times = self.inlet.pull_chunk(0.0, MOST_SAMPLES, self._memory, None, True)
            if not len(times):
                return None
        return Samples(self.stream, self.epoch, first, times, self._memory[: len(times)])

    def close(self) -> None:
        """Disconnect."""
        self.inlet.close_stream()
