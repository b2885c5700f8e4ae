"""The simulated walker as a device: two LSL streams in real time, or a C3D file at once, with the truth beside them.

python -m devices.simulated --seconds 60 --truth truth.csv
python -m devices.simulated --c3d walk.c3d --seconds 60 --truth truth.csv
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from devices.walker import FAULTS, Piece, Walker, parse_fault
from devices.walker.standing import TURN_S, Stander
from devices.walker.steps import GAIN
from devices.walker.truth import write_truth
from labfeedback.device import Pushed, Stop, StopOrOrphaned
from labfeedback.errors import BadSetup, LabError
from labfeedback.exchange.outputs import check_outputs
from labfeedback.layout import Layout, PlateLayout, marker_channels, plate_channels
from labfeedback.records import CUE, CueState, from_numbers, numeric_fields
from labfeedback.rig import Rig, load_rig

if TYPE_CHECKING:
    from devices.lsl import Outlet

CHUNK_S: Final = 0.005
_AHEAD_S: Final = 0.030
_HALF_SAMPLE_S: Final = 0.0004
_SEEN: Final = (CueState.GOOD, CueState.TOO_FAR_IN, CueState.TOO_FAR_OUT, CueState.NATURAL, CueState.ON_YOUR_OWN)


@dataclass(frozen=True)
class Walk:
    """Everything that makes a walk; plain values, so that it travels to a spawned process."""

    seed: int = 1
    noise: str = "standard"
    mass_kg: float = 75.0
    height_m: float = 1.70
    natural_fpa_deg: tuple[float, float] = (7.0, 7.0)
    fpa_sd_deg: float = 1.65
    kam_sd: float = 0.0
    gain: float = GAIN
    slope: tuple[float, float] | None = None
    habit_deg: tuple[float, float] = (0.0, 0.0)
    practised: int = 0
    speed_m_s: float = 1.25
    faults: tuple[str, ...] = ()
    standing_s: float = 0.0
    turn: tuple[str, float, float] | None = None  # while standing: which foot, degrees inwards, when in s

    def stander(self) -> Stander:
        """The same person standing quietly."""
        return Stander(
            self.seed, noise=self.noise, mass_kg=self.mass_kg, height_m=self.height_m, fpa_deg=self.natural_fpa_deg,
            turn=self.turn,
        )  # fmt: skip

    def walker(self) -> Walker:
        """The walker. Raises BadSetup for a fault or noise level that does not exist."""
        return Walker(
            self.seed, noise=self.noise, mass_kg=self.mass_kg, height_m=self.height_m, speed_m_s=self.speed_m_s,
            natural_fpa_deg=self.natural_fpa_deg, fpa_sd_deg=self.fpa_sd_deg, kam_sd=self.kam_sd,
            gain=self.gain, slope=self.slope, habit_deg=self.habit_deg, practised=self.practised,
            faults=[parse_fault(text) for text in self.faults],
        )  # fmt: skip


def layouts(walker: Walker, rig: Rig) -> tuple[Layout, Layout]:
    """Descriptions of the marker and the force stream, as the rig `simulated` expects them."""
    plates = tuple(
        PlateLayout(id=p.id, side=p.side, corners_m=p.corners_m, origin_m=p.origin_m, sign=p.sign) for p in rig.plates
    )
    marker, force = rig.streams.markers, rig.streams.forces
    return (
        Layout(
            name=marker.name, type=marker.type, source_id=marker.source_id, nominal_rate=walker.marker_rate_hz,
            channels=marker_channels(list(walker.labels), "m"),
        ),
        Layout(
            name=force.name, type=force.type, source_id=force.source_id, nominal_rate=walker.force_rate_hz,
            channels=plate_channels([p.id for p in rig.plates]), plates=plates,
        ),
    )  # fmt: skip


class CueListener(threading.Thread):
    """What the walker sees: cues of one session's hub, from LSL, while there is one."""

    def __init__(self, session: str) -> None:
        super().__init__(daemon=True, name="cues")
        self.cues: SimpleQueue[np.void] = SimpleQueue()
        self._query = f"name='labfeedback-cues' and source_id='labfeedback-cues-{session}'"
        self._stop_listening = threading.Event()

    def run(self) -> None:
        """Find the stream and pass its rows on; look again when it is lost."""
        import pylsl

        while not self._stop_listening.is_set():
            found = pylsl.resolve_bypred(self._query, 1, 1.0)
            if not found or found[0].channel_count() != len(numeric_fields(CUE)):
                continue
            inlet = pylsl.StreamInlet(found[0], max_buflen=10, recover=False)
            newest = (-np.inf, -1)
            try:
                while not self._stop_listening.is_set():
                    values, _ = inlet.pull_chunk(timeout=0.1, max_samples=64)
                    if len(values):
                        for row in from_numbers(np.atleast_2d(np.asarray(values, dtype=np.float64)), CUE):
                            this = (float(row["time_s"]), int(row["cue"]))
                            if this > newest:  # the hub repeats the newest cue for those who come late
                                newest = this
                                self.cues.put(row)
            except pylsl.util.LostError:
                continue
            finally:
                inlet.close_stream()

    def close(self) -> None:
        """Stop within a second or so."""
        self._stop_listening.set()

    def hand_over(self, walker: Walker, t0: float) -> None:
        """Give the walker all cues that came since the last call."""
        while True:
            try:
                row = self.cues.get_nowait()
            except Empty:
                return
            state = int(row["state"])
            if state in _SEEN and int(row["variable"]) == 0:  # it knows how to turn a foot, nothing else
                walker.cue(float(row["time_s"]) - t0, int(row["side"]), float(row["deviation"]), CueState(state).name)


def wait_for_hub(session: str, stop: Stop) -> None:
    """Until the session's hub says for the first time how it is: from then on no sample is missed."""
    import pylsl

    query = f"name='labfeedback-health' and source_id='labfeedback-health-{session}'"
    while not stop.is_set():
        found = pylsl.resolve_bypred(query, 1, 0.5)
        if not found:
            continue
        inlet = pylsl.StreamInlet(found[0], max_buflen=2, recover=False)
        try:
            while not stop.is_set():
                if inlet.pull_sample(timeout=0.2)[0] is not None:
                    return
        except pylsl.util.LostError:
            continue
        finally:
            inlet.close_stream()


class Simulated:
    """A `labfeedback.device.Device`: the walker in real time."""

    def __init__(self, walk: Walk, session: str = "", *, wait: bool = False) -> None:
        """session: the hub whose cues are followed. wait: begin only when that hub works."""
        self.walker = walk.walker()
        self._stander = walk.stander()
        self._standing_s = walk.standing_s
        self.layouts = layouts(self.walker, load_rig("simulated"))
        self.t0_s = float("nan")  # LSL time of data time 0, once it runs
        self.worst_lateness_s = 0.0
        self._session = session
        self._wait = wait

    def run(self, stop: Stop, seconds: float | None = None) -> None:
        """Fill both streams, stamped t0 + k / rate, until told to stop or for so many seconds of walking.

        Where the walk begins with standing, that comes before t0.
        """
        from pylsl import local_clock

        from devices.lsl import Outlet, use_private_session

        use_private_session()
        listener = CueListener(self._session) if self._session else None
        if listener:
            listener.start()
        markers, forces = (Outlet(layout) for layout in self.layouts)
        self.walker.prepare(_AHEAD_S)
        if self._wait:
            wait_for_hub(self._session, stop)
        self.t0_s = t0 = local_clock() + 0.05 + self._standing_s
        tick = 0
        try:
            self._stand(stop, t0 - self._standing_s, markers, forces)
            while not stop.is_set() and (seconds is None or tick * CHUNK_S < seconds - 1e-9):
                due = tick * CHUNK_S
                late = local_clock() - t0 - due
                if late < 0:
                    time.sleep(-late)
                    late = local_clock() - t0 - due
                self.worst_lateness_s = max(self.worst_lateness_s, late)
                if listener:
                    listener.hand_over(self.walker, t0)
                # Half a sample more, so that the samples of this very instant go out now and not one chunk later.
                chunk = self.walker.advance(due + _HALF_SAMPLE_S)
                # Forces first: a frame then never waits for its own forces.
                forces.push(_stamped(chunk.forces, t0))
                markers.push(_stamped(chunk.markers, t0))
                self.walker.prepare(due + _AHEAD_S)
                tick += 1
        finally:
            if listener:
                listener.close()

    def _stand(self, stop: Stop, begin: float, markers: Outlet, forces: Outlet) -> None:
        from pylsl import local_clock

        done = 0.0
        while not stop.is_set() and done < self._standing_s - 1e-9:
            done = min(done + CHUNK_S, self._standing_s)
            time.sleep(max(0.0, begin + done - local_clock()))
            chunk = self._stander.advance(done)
            forces.push(_stamped(chunk.forces, begin))
            markers.push(_stamped(chunk.markers, begin))


def _stamped(piece: Piece, t0: float) -> Pushed:
    return Pushed(piece.time + t0, piece.values.astype(np.float32))


def run(
    walk: Walk,
    stop: Stop,
    *,
    seconds: float | None = None,
    session: str = "",
    truth: str | None = None,
    wait: bool = False,
) -> None:
    """The device as a whole process: also a target for `multiprocessing` (spawn). Writes the truth however it ends."""
    _end_on_terminate()
    device = Simulated(walk, session, wait=wait)
    try:
        device.run(StopOrOrphaned(stop), seconds)
    except KeyboardInterrupt:
        pass
    finally:
        if truth:
            write_truth(Path(truth), device.walker.truth, device.t0_s)


def _end_on_terminate() -> None:
    def end(_number: int, _frame: Any) -> None:
        raise KeyboardInterrupt

    # Whoever ignores it has a parent that answers it, by the stop.
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) != signal.SIG_IGN:
        signal.signal(signal.SIGTERM, end)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="devices.simulated",
        description="A simulated walker with known truth, as two LSL streams or as a C3D file.",
        epilog="faults: " + "; ".join(f"{name} ({about})" for name, about in FAULTS.items()),
    )
    parser.add_argument("--seconds", type=float, default=None, help="stop after so long (default: when terminated)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--noise", default="standard", help="none, standard or hard")
    parser.add_argument("--mass", type=float, default=75.0, metavar="KG")
    parser.add_argument("--height", type=float, default=1.70, metavar="M")
    parser.add_argument("--speed", type=float, default=1.25, metavar="M/S")
    parser.add_argument("--natural", type=float, nargs=2, default=(7.0, 7.0), metavar=("RIGHT", "LEFT"),
                        help="natural foot angle of each foot in degrees of toe-out")  # fmt: skip
    parser.add_argument("--standing", type=float, default=0.0, metavar="SECONDS",
                        help="stand quietly so long before walking; with --c3d: only that static trial")  # fmt: skip
    parser.add_argument("--turn-in", default="", metavar="SIDE:DEG", help="while standing: that foot turns its toes in")
    parser.add_argument("--turn-out", default="", metavar="SIDE:DEG", help="while standing: that foot turns them out")
    parser.add_argument("--turn-after", type=float, default=4.0, metavar="SECONDS", help="when it turns")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME[:left|right]@START-END")
    parser.add_argument("--session", default="", help="learn from the cues of this session's hub")
    parser.add_argument("--truth", default=None, metavar="OUT.csv", help="what every step really was")
    parser.add_argument("--c3d", default=None, metavar="OUT.c3d", help="write a file instead of filling streams")
    return parser


def _turn(inwards: str, outwards: str, after_s: float) -> tuple[str, float, float] | None:
    """Words of the command line. Raises BadSetup."""
    if not inwards and not outwards:
        return None
    side, _, degrees = (inwards or outwards).partition(":")
    try:
        amount = float(degrees)
    except ValueError:
        amount = -1.0
    if (inwards and outwards) or side not in ("left", "right") or not 0 < amount <= 45 or not after_s >= 0:
        raise BadSetup("--turn-in, --turn-out: give one of them, as left:12 or right:12, 45 deg at most")
    return side, amount if inwards else -amount, after_s


def main(argv: Sequence[str] | None = None) -> int:
    """The program. Returns its exit code; a LabError becomes one sentence."""
    given = _arguments().parse_args(argv)
    try:
        turn = _turn(given.turn_in, given.turn_out, given.turn_after)
    except BadSetup as error:
        print(error, file=sys.stderr)
        return error.exit_code
    walk = Walk(
        seed=given.seed, noise=given.noise, mass_kg=given.mass, height_m=given.height, speed_m_s=given.speed,
        natural_fpa_deg=(given.natural[0], given.natural[1]), faults=tuple(given.fault),
        standing_s=given.standing, turn=turn,
    )  # fmt: skip
    try:
        if not 0 <= given.standing <= 3600:
            raise BadSetup(f"--standing {given.standing:g}: expected 0 to 3600 s")
        if turn is not None and given.standing < turn[2] + TURN_S:
            raise BadSetup(
                f"--standing {given.standing:g} s ends before the foot has turned: expected at least "
                f"{turn[2] + TURN_S:g}, or a smaller --turn-after"
            )
        # A new C3D file is what --c3d is for; the truth beside it must not take its place.
        check_outputs([("--truth", given.truth and Path(given.truth))], [given.c3d and Path(given.c3d)])
        if given.c3d:
            from devices.walker.write import write_c3d

            if given.standing:
                write_c3d(Path(given.c3d), walk.stander(), given.standing)
                return 0
            walker = walk.walker()
            write_c3d(Path(given.c3d), walker, 60.0 if given.seconds is None else given.seconds)
            if given.truth:
                write_truth(Path(given.truth), walker.truth)
        else:
            run(walk, threading.Event(), seconds=given.seconds, session=given.session, truth=given.truth)
    except LabError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
