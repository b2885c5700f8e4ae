"""One live stream: an LSL inlet that fills our own memory, with the raw stamps of the sender."""

from __future__ import annotations

import ctypes
import socket
from typing import Any, Final

import numpy as np
import pylsl
from numpy.typing import NDArray

from labfeedback.errors import StreamTrouble
from labfeedback.hub.lsl import clock_offset, layout_of, plain_layout, source
from labfeedback.inputlog import Samples
from labfeedback.layout import Layout

BUFFER_S: Final = 3  # a stall longer than this drops old samples instead of feeding old frames to the patient
MOST_SAMPLES: Final = 512  # per pull
PATIENCE_S: Final = 4.0  # for a description, a connection or a first clock offset
ONE_CLOCK_S: Final = 0.001  # two computers' clocks, counted from their starts, are never this close
_DTYPES: Final[dict[str, np.dtype[Any]]] = {
    "float32": np.dtype(np.float32), "double64": np.dtype(np.float64), "int32": np.dtype(np.int32),
    "int16": np.dtype(np.int16), "int8": np.dtype(np.int8), "int64": np.dtype(np.int64),
}  # fmt: skip


class LiveStream:
    """A connected, clock-primed inlet of stream `stream`; `pull` gives the next `Samples`.

    Reconnection is not left to liblsl (recover=False): its recovery is silent, so that samples of a sender with other
    channels or units would reach the engine before anybody could look at the new description.
    """

    def __init__(self, stream: int, info: Any, *, described: bool = True) -> None:
        """Connect, read the description, prime the clock offset and drop what piled up meanwhile (about 0.7 s).

        described: whether its channels must be described, in floating-point numbers; a stream that is only recorded
        need not. Raises StreamTrouble when the sender does not answer or is not described.
        """
        self.stream = stream
        self.uid: str = info.uid()
        self.born_s: float = info.created_at()  # on the sender's clock
        self.inlet = pylsl.StreamInlet(info, max_buflen=BUFFER_S, recover=False)
        try:
            full = self.inlet.info(PATIENCE_S)
            self.layout: Layout = self._read(full, described)
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
        dtype = _DTYPES[self.layout.channel_format]
        self._memory: NDArray[Any] = np.zeros((MOST_SAMPLES, len(self.layout.channels)), dtype)
        self._stamps = np.zeros(MOST_SAMPLES)
        self._channels = len(self.layout.channels)
        self._row_bytes = self._channels * dtype.itemsize
        self._memory_at, self._stamps_at = self._memory.ctypes.data, self._stamps.ctypes.data
        self._code = ctypes.c_int()
        self._code_at = ctypes.byref(self._code)
        self._call = self.inlet.do_pull_chunk
        self.epoch = 0
        self.flush()

    @staticmethod
    def _read(full: Any, described: bool) -> Layout:
        try:
            layout = layout_of(full)
        except StreamTrouble:
            if described:
                raise
            layout = plain_layout(full)
        if layout.channel_format not in _DTYPES or (described and _DTYPES[layout.channel_format].kind != "f"):
            raise StreamTrouble(
                f"stream {source(full)} sends {layout.channel_format} values, expected floating-point numbers"
            )
        return layout

    def flush(self) -> None:
        """Drop whatever is queued."""
        self.inlet.flush()

    def pull(self, first: int, timeout_s: float) -> Samples | None:
        """Wait at most timeout_s for a sample, then take all that are there; None if none came.

        Values and stamps are views of this stream's memory: valid until the next pull. Raises pylsl's LostError.
        """
        count = 0
        if timeout_s > 0:
            count = self._fill(0, 1, timeout_s)
            if not count:
                return None
        count += self._fill(count, MOST_SAMPLES - count, 0.0)
        if not count:
            return None
        return Samples(self.stream, self.epoch, first, self._stamps[:count], self._memory[:count])

    def _fill(self, at: int, most: int, timeout_s: float) -> int:
        """Pull up to `most` samples into our memory from row `at` on; how many came.

        `StreamInlet.pull_chunk` with our memory takes 14 us here, this 3: it makes no array, no view and no type.
        """
        values = self._call(
            self.inlet.obj,
            ctypes.c_void_p(self._memory_at + at * self._row_bytes),
            ctypes.c_void_p(self._stamps_at + at * 8),
            ctypes.c_size_t(most * self._channels),
            ctypes.c_size_t(most),
            ctypes.c_double(timeout_s),
            self._code_at,
        )
        if self._code.value:
            pylsl.util.handle_error(self._code)
        return int(values) // self._channels

    def close(self) -> None:
        """Disconnect."""
        self.inlet.close_stream()
