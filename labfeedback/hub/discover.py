"""Finding the two streams a rig names, and refusing whatever is not exactly what the rig and marker set say."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy as np
import pylsl

from labfeedback import rig as rigs
from labfeedback.errors import StreamTrouble
from labfeedback.hub.lsl import source
from labfeedback.layout import PLATE_CHANNELS, Layout
from labfeedback.markerset import MarkerSet

FORGET_S: Final = 2.5  # an outlet that went is forgotten then: long enough for a lost packet, short enough to notice
SETTLE_S: Final = 0.8  # after the first match: time in which a second outlet would show up too
CORNER_TOLERANCE_M: Final = 0.001
RATE_TOLERANCE: Final = 0.05


def matches(info: Any, wanted: rigs.Stream) -> bool:
    """Whether an outlet answers to the rig's name, type (without case) and source id (where the rig gives one)."""
    return (
        info.name() == wanted.name
        and info.type().lower() == wanted.type.lower()
        and (not wanted.source_id or info.source_id() == wanted.source_id)
    )


class Lookout:
    """All outlets that can be seen, kept up to date in the background."""

    def __init__(self) -> None:
        self._resolver = pylsl.ContinuousResolver(forget_after=FORGET_S)

    def visible(self) -> list[Any]:
        """StreamInfos (without descriptions) of every outlet but our own results, one per outlet."""
        seen = {info.uid(): info for info in self._resolver.results()}
        return [info for info in seen.values() if info.type() != "labfeedback"]

    def candidates(self, wanted: rigs.Stream) -> list[Any]:
        """The outlets that answer to one of the rig's streams."""
        return [info for info in self.visible() if matches(info, wanted)]


def describe(wanted: rigs.Stream) -> str:
    """What the rig expects, for a sentence."""
    return f"{wanted.name!r} (type {wanted.type}" + (f", source id {wanted.source_id!r})" if wanted.source_id else ")")


def find(
    lookout: Lookout, streams: rigs.Streams, wait_s: float, stop: Callable[[], bool] = lambda: False
) -> tuple[Any, Any]:
    """The StreamInfos of markers and forces. Raises StreamTrouble when one is missing or there twice."""
    wanted = (streams.markers, streams.forces)
    give_up = time.monotonic() + wait_s
    found = [lookout.candidates(stream) for stream in wanted]
    while not all(found) and time.monotonic() < give_up and not stop():
        time.sleep(0.05)
        found = [lookout.candidates(stream) for stream in wanted]
    if stop():
        raise StreamTrouble("ended before the streams came; nothing was recorded")
    if all(found):
        time.sleep(SETTLE_S)
        found = [lookout.candidates(stream) for stream in wanted]
    for stream, infos in zip(wanted, found, strict=True):
        refuse_unless_one(stream, infos, lookout)
    return found[0][0], found[1][0]


def refuse_unless_one(wanted: rigs.Stream, infos: list[Any], lookout: Lookout) -> None:
    """Raises StreamTrouble unless exactly one outlet matches."""
    if len(infos) > 1:
        listed = "; ".join(source(info) for info in infos)
        raise StreamTrouble(
            f"duplicate: {len(infos)} streams answer to {describe(wanted)}: {listed}. "
            "Stop all but one, or give the rig the source_id of the right one"
        )
    if not infos:
        seen = "; ".join(source(info) for info in lookout.visible()) or "nothing at all"
        raise StreamTrouble(
            f"no stream answers to {describe(wanted)}. Visible on the network: {seen}. "
            "Start the device's bridge, or correct the stream's name in the rig"
        )


def check_markers(layout: Layout, wanted: rigs.Stream, marker_set: MarkerSet, *, calibrated: bool) -> None:
    """Raises StreamTrouble unless every needed marker is there with X, Y, Z in order, in m or mm, at the rig's rate."""
    _check_rate(layout, wanted)
    _check_units(layout, lambda _: ("m", "mm"))
    axes: dict[str, list[str]] = {}
    for channel in layout.channels:
        axes.setdefault(channel.marker, []).append(channel.type)
    odd = [name for name, types in axes.items() if types != ["PositionX", "PositionY", "PositionZ"]]
    if odd:
        raise StreamTrouble(
            f"stream {layout.name!r}: markers {_listed(odd)} do not have exactly the channels PositionX, PositionY, "
            f"PositionZ in this order (found {axes[odd[0]]} for {odd[0]!r})"
        )
    needed = set(marker_set.required)
    if calibrated:  # medial markers come off after the static trial; the shank's cluster carries them
        for leg in (marker_set.right, marker_set.left):
            needed = (needed - set(leg.medial)) | set(leg.shank_cluster)
    missing = sorted(needed - set(axes))
    if missing:
        raise StreamTrouble(
            f"stream {layout.name!r} lacks the markers {_listed(missing)} of marker set {marker_set.name!r}. "
            f"It carries: {_listed(axes)}. Choose another marker set, or label these markers in the source"
        )


def check_forces(layout: Layout, wanted: rigs.Stream, rig: rigs.Rig) -> None:
    """Raises StreamTrouble unless all six channels of every plate are there, in N, Nm or Nmm, and plates agree."""
    _check_rate(layout, wanted)
    _check_units(layout, lambda label: ("N",) if "_F" in label else ("Nm", "Nmm"))
    labels = [channel.label for channel in layout.channels]
    missing = [
        f"FP{plate.id}_{name}"
        for plate in rig.plates
        for name in PLATE_CHANNELS
        if f"FP{plate.id}_{name}" not in labels
    ]
    if missing:
        raise StreamTrouble(
            f"stream {layout.name!r} lacks the channels {_listed(missing)} of rig {rig.name!r}. "
            f"It carries: {_listed(labels)}"
        )
    for plate in rig.plates:
        for described in layout.plates:
            if described.id == plate.id:
                _check_plate(layout, described.model_dump(), plate)
    known = {described.id for described in layout.plates}
    absent = [plate.id for plate in rig.plates if known and plate.id not in known]
    if absent:
        raise StreamTrouble(
            f"stream {layout.name!r} describes the plates {_listed(known)}, rig {rig.name!r} also has {_listed(absent)}"
        )


def _check_plate(layout: Layout, described: dict[str, Any], plate: rigs.Plate) -> None:
    where = f"stream {layout.name!r}, plate {plate.id}"
    fix = "One of the two is wrong about where a force acts: correct the rig or the sender before anybody walks"
    if described["side"] and described["side"] != plate.side:
        raise StreamTrouble(f"{where} is the {described['side']} one, the rig says {plate.side}. {fix}")
    if described["sign"] != plate.sign:
        raise StreamTrouble(f"{where} has sign {described['sign']:+d}, the rig says {plate.sign:+d}. {fix}")
    for what, found, expected in (
        ("corners", described["corners_m"], plate.corners_m),
        ("origin", [described["origin_m"]], [plate.origin_m]),
    ):
        a, b = np.array(found, dtype=float), np.array(expected, dtype=float)
        if a.shape != b.shape:
            raise StreamTrouble(f"{where}: {len(a)} {what} described, 4 expected. {fix}")
        apart = float(np.abs(a - b).max())
        if not apart <= CORNER_TOLERANCE_M:
            raise StreamTrouble(
                f"{where}: {what} differ from the rig's by up to {apart * 1000:.0f} mm "
                f"(found {np.round(a, 3).tolist()}, rig {np.round(b, 3).tolist()}). {fix}"
            )


def _check_rate(layout: Layout, wanted: rigs.Stream) -> None:
    rate = layout.nominal_rate
    # Irregular streams (rate 0: some vendor apps) are taken; the engine's clock fit and the health rows watch them.
    if rate > 0 and abs(rate / wanted.rate_hz - 1) > RATE_TOLERANCE:
        raise StreamTrouble(
            f"stream {layout.name!r} runs at {rate:g} Hz, the rig says {wanted.rate_hz:g} Hz (5 % allowed). "
            "Set one of the two"
        )
    if layout.channel_format not in ("float32", "double64"):
        raise StreamTrouble(f"stream {layout.name!r} sends {layout.channel_format}, expected float32 or double64")


def _check_units(layout: Layout, allowed: Callable[[str], tuple[str, ...]]) -> None:
    wrong = [f"{c.label} in {c.unit or '(nothing)'!s}" for c in layout.channels if c.unit not in allowed(c.label)]
    units = {c.unit for c in layout.channels if c.unit in ("m", "mm")}
    if wrong:
        raise StreamTrouble(
            f"stream {layout.name!r} has units that are not understood: {_listed(wrong)}. "
            "Understood are m and mm for markers, N, Nm and Nmm for plates: correct the sender's description"
        )
    if len(units) > 1:
        raise StreamTrouble(f"stream {layout.name!r} mixes m and mm: all markers must have one unit")


def compare(old: Layout, new: Layout) -> str:
    """What differs between the layout that was linked and one that came back; empty when they are interchangeable."""
    # Another source id or computer is another sender, perhaps of another person, however alike the streams are.
    differences = [
        f"{what.replace('_', ' ')} {getattr(old, what)!r} -> {getattr(new, what)!r}"
        for what in ("source_id", "hostname")
        if getattr(old, what) != getattr(new, what)
    ]
    before, after = [c.label for c in old.channels], [c.label for c in new.channels]
    if before != after:
        gone, extra = [x for x in before if x not in after], [x for x in after if x not in before]
        differences.append(
            f"channels gone: {_listed(gone) or 'none'}, new: {_listed(extra) or 'none'}"
            if gone or extra
            else "the same channels in another order"
        )
    units = [
        f"{a.label} {a.unit} -> {b.unit}"
        for a in old.channels
        for b in new.channels
        if a.label == b.label and (a.unit, a.type, a.marker) != (b.unit, b.type, b.marker)
    ]
    if units:
        differences.append(f"units or types changed: {_listed(units)}")
    if old.plates != new.plates:
        differences.append("the plates are described differently")
    differences += [
        f"{what.replace('_', ' ')} {getattr(old, what)} -> {getattr(new, what)}"
        for what in ("nominal_rate", "channel_format")
        if getattr(old, what) != getattr(new, what)
    ]
    return "; ".join(differences)


def _listed(names: Iterable[str], most: int = 12) -> str:
    every = list(names)
    return ", ".join(every[:most]) + (f" and {len(every) - most} more" if len(every) > most else "")
