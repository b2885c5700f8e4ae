"""One of our own recordings as a trial: to calibrate from it, and to look at its lab."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from labfeedback.engine.start import Setup, parse_start
from labfeedback.errors import BadFile
from labfeedback.exchange.read import read_trial
from labfeedback.exchange.streamed import Came, trial_of
from labfeedback.exchange.trial import Trial
from labfeedback.inputlog import FORCES, MARKERS, Link, Offset, Samples
from labfeedback.layout import Layout
from labfeedback.recording.reader import Recording
from labfeedback.rig import Rig

SUFFIXES = (".h5", ".hdf5")


class Own(NamedTuple):
    """A recording's samples, and what it was recorded with."""

    trial: Trial
    setup: Setup


def read_own(path: Path) -> Own:
    """Raises BadFile where a stream is not in it."""
    with Recording.open(path) as recording:
        setup = parse_start(recording.start)
        layouts: dict[int, Layout] = {}
        stamps: dict[int, list[Any]] = {MARKERS: [], FORCES: []}
        values: dict[int, list[Any]] = {MARKERS: [], FORCES: []}
        offsets: dict[int, list[tuple[float, float]]] = {MARKERS: [], FORCES: []}
        for record in recording.log():
            if isinstance(record, Link) and record.connected and record.stream in stamps:
                layouts.setdefault(record.stream, Layout.model_validate_json(record.layout))
            elif isinstance(record, Offset) and record.stream in stamps:
                said = stamps[record.stream]
                offsets[record.stream].append((float(said[-1][-1]) if said else 0.0, record.offset_s))
            elif isinstance(record, Samples) and record.stream in stamps:
                stamps[record.stream].append(np.array(record.raw_time))
                values[record.stream].append(np.array(record.values))
    lacking = [name for name, one in (("markers", MARKERS), ("forces", FORCES)) if not stamps[one]]
    if lacking:
        raise BadFile(f"{path}: nothing of {' and '.join(lacking)} was recorded in it")
    came = [
        Came(layouts[one], np.concatenate(stamps[one]), np.concatenate(values[one]), tuple(offsets[one]))
        for one in (MARKERS, FORCES)
    ]
    return Own(trial_of(path, came[0], came[1], setup.rig), setup)


def read_any(path: Path, rig: Rig | None = None) -> Trial:
    """Any recording, ours too. A rig that is given must have the plates of ours; `room.fitted` tells of the others'."""
    if path.suffix.lower() not in SUFFIXES:
        return read_trial(path)
    found = read_own(path)
    if rig is not None and [plate.corners_m for plate in rig.plates] != [
        plate.corners_m for plate in found.setup.rig.plates
    ]:
        raise BadFile(f"{path}: recorded with the plates of rig {found.setup.rig.name!r}, not those of {rig.name!r}")
    return found.trial
