"""The player: pours a recording (C3D, XDF, two-file walks, our own) into LSL at its original pace.

Each sample carries t0 + its time in the file and is pushed when that moment has come, never before; both streams share
one t0. Values are the file's own numbers in the file's own units and frame, so that what the hub computes from the
stream equals what `analyse` computes from the file. Faster than 1x is `analyse` or `replay`: LSL has no back-pressure.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from labfeedback.device import Pushed, Stop, StopOrOrphaned
from labfeedback.errors import BadFile, BadSetup, LabError
from labfeedback.layout import Layout
from labfeedback.rig import Rig, Stream, load_rig, shipped

_CHUNK_S: Final = 0.005  # forces leave in such lots, as a data acquisition card sends them
_HOLD_S: Final = 1.0  # streams stay open after the last sample, so that every receiver gets it
_LEAD_S: Final = 0.05
_SAME_PLACE_M: Final = 0.001
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Source:
    """One stream to play. time_s: (n,) from the recording's beginning, ascending. values: (n, channels) float32."""

    layout: Layout
    time_s: NDArray[np.float64]
    values: NDArray[np.float32]

    @property
    def end_s(self) -> float:
        """When the next sample would come."""
        return float(self.time_s[-1]) + 1.0 / self.layout.nominal_rate


def load(path: Path, rig: Rig | None = None) -> list[Source]:
    """Markers and forces of a file, named as `rig` names its streams.

    Without a rig the shipped one whose plates lie where the file's do; else `recorded-markers`, `recorded-forces`.
    Raises BadFile, or BadSetup where the rig is of another laboratory.
    """
    return _from_recording(path, rig) if path.suffix.lower() in (".h5", ".hdf5") else _from_file(path, rig)


def _from_file(path: Path, rig: Rig | None) -> list[Source]:
    from labfeedback.exchange.read import read_trial
    from labfeedback.exchange.trial import force_stream, marker_stream

    trial = read_trial(path)
    if not trial.plates:
        raise BadFile(f"{path}: {trial.no_plates}; a walk without forces cannot be played")
    rig = rig or _rig_with_plates([plate.corners_m for plate in trial.plates])
    markers, forces = "recorded-markers", "recorded-forces"
    ids = {stream: f"recorded-{stream}" for stream in (markers, forces)}
    sides: tuple[str, ...] = ()
    signs: tuple[int, ...] = ()
    if rig is not None:
        if not _same_place(rig, [plate.corners_m for plate in trial.plates]):
            raise BadSetup(f"{path}: its force plates are not where rig {rig.name!r} has them: choose another rig")
        markers, forces = rig.streams.markers.name, rig.streams.forces.name
        ids = {stream.name: _source_id(stream) for stream in (rig.streams.markers, rig.streams.forces)}
        sides, signs = tuple(p.side for p in rig.plates), tuple(p.sign for p in rig.plates)
    sources = []
    for layout, values in (
        marker_stream(trial, markers, ids[markers]),
        force_stream(trial, forces, ids[forces], sides, signs),
    ):
        sources.append(Source(layout, np.arange(len(values)) / layout.nominal_rate, values))
    if trial.stamps is None:
        return sources
    # A recording of streams: as they came, delays and all, on the recorder's clock.
    times = [np.maximum.accumulate(_local(one)) for one in trial.stamps]
    begin = min(float(each[0]) for each in times)
    return [replace(source, time_s=each - begin) for source, each in zip(sources, times, strict=True)]


def _local(stamped: Any) -> NDArray[np.float64]:
    """Stamps on the recorder's clock, by the offsets measured around each."""
    time = np.asarray(stamped.time_s)
    if not stamped.offsets:
        return time
    at, offsets = np.array(stamped.offsets).T
    return np.asarray(time + np.interp(time, at, offsets))


def _source_id(stream: Stream) -> str:
    """The one that the rig asks for, because a hub refuses any other; else one that says what it is."""
    return stream.source_id or f"recorded-{stream.name}"


def _from_recording(path: Path, rig: Rig | None) -> list[Source]:
    from labfeedback.inputlog import FORCES, MARKERS, Offset, Start
    from labfeedback.recording.reader import Recording

    sources = []
    with Recording.open(path) as recording:
        offsets: dict[int, float] = {}
        for record in recording.records:
            if isinstance(record, Start) and rig is None:
                rig = _rig_of(record)
            elif isinstance(record, Offset):
                offsets.setdefault(record.stream, record.offset_s)
        for stream in (MARKERS, FORCES):
            parts = list(recording.samples(stream))
            if not parts:
                raise BadFile(f"{path}: holds no {'forces' if stream == FORCES else 'markers'}")
            layout = Layout.model_validate_json(recording.streams[stream].layout)
            source_id = f"recorded-{layout.name}"
            if rig is not None:
                wanted = rig.streams.markers if stream == MARKERS else rig.streams.forces
                layout = layout.model_copy(update={"name": wanted.name})
                source_id = _source_id(wanted)
            layout = layout.model_copy(update={"source_id": source_id, "channel_format": "float32"})
            values = np.concatenate([part.values for part in parts]).astype(np.float32)
            times = np.concatenate([part.raw_time for part in parts]) + offsets.get(stream, 0.0)
            sources.append(Source(layout, times, values))
    begin = min(float(source.time_s[0]) for source in sources)
    return [replace(source, time_s=np.maximum.accumulate(source.time_s) - begin) for source in sources]


def _rig_of(start: Any) -> Rig | None:
    """The rig of the recorded visit; None where START holds none that this version knows."""
    try:
        return Rig.model_validate(json.loads(start.text)["rig"])
    except (KeyError, ValueError):
        return None


def _rig_with_plates(corners: list[Any]) -> Rig | None:
    found = [rig for rig in (load_rig(name) for name in shipped("rigs")) if _same_place(rig, corners)]
    return found[0] if len(found) == 1 else None


def _same_place(rig: Rig, corners: list[Any]) -> bool:
    return len(rig.plates) == len(corners) and all(
        np.allclose(plate.corners_m, measured, rtol=0, atol=_SAME_PLACE_M)
        for plate, measured in zip(rig.plates, corners, strict=True)
    )


class Player:
    """Plays sources into LSL; keeps the device contract."""

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        loop: bool = False,
        wait_s: float = 60.0,
        start_delay_s: float = 2.0,
        say: Say | None = None,
    ) -> None:
        """wait_s: wait at most so long until every stream is listened to (0: do not wait), then start_delay_s more,

        because a hub that has connected still measures its clock offset and drops what came meanwhile.
        """
        self._sources = tuple(sources)
        self._loop = loop
        self._wait_s = wait_s
        self._delay_s = start_delay_s
        self._say = say or (lambda _: None)

    @property
    def layouts(self) -> Sequence[Layout]:
        """Markers, forces."""
        return [source.layout for source in self._sources]

    def run(self, stop: Stop, seconds: float | None = None) -> None:
        """Play to the end of the file, until told to stop, or for so many seconds of the recording."""
        from pylsl import local_clock

        from devices.lsl import Outlet

        outlets = [Outlet(source.layout) for source in self._sources]
        names = " and ".join(f"{s.layout.name!r} ({s.layout.nominal_rate:g} Hz)" for s in self._sources)
        self._say(f"streams {names} are open")
        if not self._wait(outlets, stop):
            return
        length = max(source.end_s for source in self._sources)
        t0 = local_clock() + _LEAD_S
        end = np.inf if seconds is None else t0 + seconds
        self._say(_what_plays(length, self._loop, seconds))
        while not stop.is_set():
            self._once(outlets, t0, end, stop)
            if not self._loop or local_clock() >= end:
                break
            t0 += length
        finish = local_clock() + _HOLD_S
        while local_clock() < finish and not stop.is_set():
            time.sleep(0.02)

    def _wait(self, outlets: Sequence[Any], stop: Stop) -> bool:
        """False if told to stop meanwhile."""
        give_up = time.monotonic() + self._wait_s
        while time.monotonic() < give_up and not all(outlet.has_listeners() for outlet in outlets):
            if stop.is_set():
                return False
            time.sleep(0.02)
        if self._wait_s > 0 and not all(outlet.has_listeners() for outlet in outlets):
            self._say(f"nobody listens to every stream after {self._wait_s:g} s: playing all the same")
        start = time.monotonic() + self._delay_s
        while time.monotonic() < start:
            if stop.is_set():
                return False
            time.sleep(0.02)
        return True

    def _once(self, outlets: Sequence[Any], t0: float, end: float, stop: Stop) -> None:
        """One pass: sleep until the next lot is due, then push everything whose moment has come."""
        from pylsl import local_clock

        stamps = [t0 + source.time_s for source in self._sources]
        counts = [int(np.searchsorted(each, end)) for each in stamps]
        steps = [max(1, round(_CHUNK_S * source.layout.nominal_rate)) for source in self._sources]
        done = [0] * len(stamps)
        while not stop.is_set():
            due = [
                each[min(at + step, count) - 1]
                for each, at, step, count in zip(stamps, done, steps, counts, strict=True)
                if at < count
            ]
            if not due:
                return
            pause = min(due) - local_clock()
            if pause > 0:
                time.sleep(min(pause, 0.1))
                continue
            now = local_clock()
            for n, outlet in enumerate(outlets):
                until = min(int(np.searchsorted(stamps[n], now, side="right")), counts[n])
                if until > done[n]:
                    part = slice(done[n], until)
                    outlet.push(Pushed(stamps[n][part], self._sources[n].values[part]))
                    done[n] = until


def _what_plays(length_s: float, loop: bool, seconds: float | None) -> str:
    if not loop or (seconds is not None and seconds <= length_s):
        played = length_s if seconds is None else min(seconds, length_s)
        return f"playing {played:.1f} s" + (f" of {length_s:.1f} s" if played < length_s else "")
    how_long = "again and again" if seconds is None else f"again and again, {seconds:.1f} s in all"
    return (
        f"playing {length_s:.1f} s {how_long}. Where the recording begins again the walk jumps: the engine withholds "
        "the steps there"
    )


def _check_times(seconds: float | None, wait_s: float, start_delay_s: float) -> None:
    """Raises BadSetup for times that nobody can wait for."""
    if seconds is not None and not 0 < seconds < np.inf:
        raise BadSetup(f"--seconds {seconds:g}: expected a number above zero; leave it out to play the whole file")
    for option, value in (("--wait", wait_s), ("--start-delay", start_delay_s)):
        if not 0 <= value < np.inf:
            raise BadSetup(f"{option} {value:g}: expected seconds, 0 or more")


def run(
    path: str,
    *,
    rig: str = "",
    loop: bool = False,
    session: str = "",
    seconds: float | None = None,
    wait_s: float = 60.0,
    start_delay_s: float = 2.0,
    stop: Stop | None = None,
    say: Say | None = None,
) -> None:
    """Load and play a file; may be the target of a spawned process. Raises BadFile or BadSetup."""
    _check_times(seconds, wait_s, start_delay_s)
    if session:
        os.environ["LABFEEDBACK_LSL_SESSION"] = session
    player = Player(
        load(Path(path), load_rig(rig) if rig else None),
        loop=loop,
        wait_s=wait_s,
        start_delay_s=start_delay_s,
        say=say,
    )
    player.run(StopOrOrphaned(stop or Event()), seconds)


def main() -> None:
    """`python -m devices.recorded FILE`: the device as a program of its own."""
    parser = argparse.ArgumentParser(description="Play a recorded walk into LSL at its original pace.")
    parser.add_argument("file")
    parser.add_argument("--rig", default="", help="name the streams as this rig does")
    parser.add_argument("--loop", action="store_true")
    parser.add_argument("--session", default="", help="private LSL session")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--wait", type=float, default=60.0, help="for listeners, s")
    parser.add_argument("--start-delay", type=float, default=2.0, help="after listeners came, s")
    given = parser.parse_args()
    try:
        run(
            given.file,
            rig=given.rig,
            loop=given.loop,
            session=given.session,
            seconds=given.seconds,
            wait_s=given.wait,
            start_delay_s=given.start_delay,
            say=lambda text: print(text, file=sys.stderr),
        )
    except LabError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
