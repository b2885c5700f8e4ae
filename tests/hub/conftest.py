"""A private corner of the network, a small lab of two streams in it, and a hub that can be started against it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing import Pipe
from typing import Any

import pytest

os.environ.setdefault("LABFEEDBACK_LSL_SESSION", f"test-{os.getpid()}")

import pylsl

from labfeedback.hub import program
from labfeedback.hub.lsl import enter_session
from labfeedback.layout import Channel, Layout, PlateLayout, marker_channels, plate_channels
from labfeedback.markerset import MarkerSet
from labfeedback.rig import Rig
from labfeedback.ring import Ring
from labfeedback.wire import decode

enter_session()

NAMES = ("KL", "KM", "AL", "AM", "HEEL", "MT2")
LABELS = [f"{side}{name}" for side in "RL" for name in NAMES]
LEGS = {
    side: dict(
        zip(
            ("knee_lateral", "knee_medial", "ankle_lateral", "ankle_medial", "heel", "mt2"),
            (f"{side[0].upper()}{name}" for name in NAMES),
            strict=True,
        )
    )
    for side in ("right", "left")
}
MARKER_SET = MarkerSet.model_validate({"name": "small", **LEGS})


def corners(z: float) -> tuple[tuple[float, float, float], ...]:
    """A plate of 1.6 by 0.5 m around lateral position z whose own z axis points down (lab axes, y up)."""
    return ((0.8, 0.0, z + 0.25), (-0.8, 0.0, z + 0.25), (-0.8, 0.0, z - 0.25), (0.8, 0.0, z - 0.25))


def small_rig(tag: str) -> Rig:
    """Two plates, 100 Hz markers, 500 Hz forces; `tag` keeps tests that run at the same time apart."""
    return Rig.model_validate(
        {
            "name": "small lab",
            "axes": {"x": "x", "y": "y", "z": "z"},
            "plates": [
                {"id": "1", "side": "left", "corners_m": corners(-0.26)},
                {"id": "2", "side": "right", "corners_m": corners(0.26)},
            ],
            "streams": {
                "markers": {"name": f"markers-{tag}", "type": "MoCap", "source_id": "", "rate_hz": 100.0},
                "forces": {"name": f"forces-{tag}", "type": "Force", "rate_hz": 500.0},
            },
        }
    )


def marker_layout(rig: Rig, *, unit: str = "m", labels: list[str] = LABELS) -> Layout:
    """What the rig's marker stream should say of itself."""
    return Layout(
        name=rig.streams.markers.name,
        type="MoCap",
        source_id="m",
        nominal_rate=100.0,
        channels=marker_channels(labels, unit),
    )


def force_layout(rig: Rig, *, sign: int = 1, channels: tuple[Channel, ...] | None = None) -> Layout:
    """What the rig's force stream should say of itself."""
    return Layout(
        name=rig.streams.forces.name,
        type="Force",
        source_id="f",
        nominal_rate=500.0,
        channels=channels or plate_channels(["1", "2"]),
        plates=tuple(
            PlateLayout(id=p.id, side=p.side, corners_m=p.corners_m, origin_m=p.origin_m, sign=sign) for p in rig.plates
        ),
    )


class Device:
    """An outlet with a description that pushes zeros at its rate, until told to be silent or to go."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.sent = 0
        self.silent = False
        self._go = threading.Event()
        info = pylsl.StreamInfo(
            layout.name, layout.type, len(layout.channels), layout.nominal_rate, "float32", layout.source_id
        )
        channels = info.desc().append_child("channels")
        for channel in layout.channels:
            node = channels.append_child("channel")
            for key, value in channel.model_dump().items():
                node.append_child_value(key, value)
        if layout.plates:
            plates = info.desc().append_child("plates")
            for plate in layout.plates:
                node = plates.append_child("plate")
                for key in ("id", "side", "sign"):
                    node.append_child_value(key, str(getattr(plate, key)))
                ring = node.append_child("corners")
                for point in plate.corners_m:
                    _point(ring.append_child("corner"), point)
                _point(node.append_child("origin"), plate.origin_m)
        self._outlet: Any = pylsl.StreamOutlet(info, 1, 10)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        began = pylsl.local_clock()
        n = 0
        while not self._go.is_set():
            while n / self.layout.nominal_rate <= pylsl.local_clock() - began:
                n += 1
                if not self.silent and self._outlet is not None:
                    self._outlet.push_sample([float(self.sent)] * len(self.layout.channels), pylsl.local_clock())
                    self.sent += 1
            time.sleep(0.001)

    def go(self) -> None:
        """Take the outlet off the network."""
        self._go.set()
        self._thread.join()
        self._outlet = None


def _point(node: Any, point: tuple[float, float, float]) -> None:
    for name, value in zip("xyz", point, strict=True):
        node.append_child_value(name, repr(value))


class Hub:
    """The hub's program in a thread, with the ring and pipes that its parent would give it."""

    def __init__(self, rig: Rig, **walk: Any) -> None:
        self.ring = Ring.create(size=8 << 20)
        self.stop = threading.Event()
        self.news, news = Pipe(duplex=False)
        commands, self.commands = Pipe(duplex=False)
        self.error: BaseException | None = None
        self.told: list[dict[str, Any]] = []
        self.session = f"s{id(self)}"
        spec = {
            "rig": rig.model_dump(),
            "marker_set": MARKER_SET.model_dump(),
            "wait_s": 5.0,
            "engine": "tests.hub.fake_engine:begin",
            **walk,
        }

        def run() -> None:
            try:
                program.run(spec, self.ring.name, news, commands, self.stop, self.session)
            except BaseException as error:
                self.error = error

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()

    def wait_for(self, wanted: Callable[[dict[str, Any]], bool], seconds: float = 8.0) -> dict[str, Any]:
        """The first piece of news that fits."""
        give_up = time.monotonic() + seconds
        while time.monotonic() < give_up:
            if self.news.poll(0.05):
                self.told.append(self.news.recv())
                if wanted(self.told[-1]):
                    return self.told[-1]
        raise AssertionError(f"not told in {seconds} s; told {[t for t in self.told if t['kind'] != 'status']}")

    def end(self) -> list[Any]:
        """Stop it and give everything it wrote into the ring."""
        self.stop.set()
        self.thread.join(20)
        assert not self.thread.is_alive()
        return self.messages()

    def messages(self) -> list[Any]:
        """What is new in the ring."""
        return [decode(kind, payload) for kind, payload in self.ring.read(100_000)]


@pytest.fixture
def hub() -> Iterator[Callable[..., Hub]]:
    """Starts hubs and takes them down."""
    hubs: list[Hub] = []

    def make(rig: Rig, **walk: Any) -> Hub:
        hubs.append(Hub(rig, **walk))
        return hubs[-1]

    yield make
    for one in hubs:
        one.stop.set()
        one.thread.join(20)
        one.ring.close()
        one.ring.unlink()


@pytest.fixture
def device() -> Iterator[Callable[[Layout], Device]]:
    """Starts devices and takes them down."""
    devices: list[Device] = []

    def make(layout: Layout) -> Device:
        devices.append(Device(layout))
        return devices[-1]

    yield make
    for one in devices:
        one.go()
