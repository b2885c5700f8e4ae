"""A recorded visit analysed again: its own input log, with other settings where they are asked for.

What the visit itself computed is `replay`. Here the researcher's settings count (filter, frame, inertia, mass, height);
rig, marker set, calibration and person are the visit's. Feedback is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from labfeedback.analysis.walk import Analysis, Options
from labfeedback.engine import Engine
from labfeedback.engine.start import build_start, parse_start
from labfeedback.errors import BadSetup
from labfeedback.inputlog import MARKERS, Samples, Start
from labfeedback.recording.reader import Recording
from labfeedback.records import EVENT, STEP, EventCode


def analyse_visit(path: Path, options: Options, progress: Callable[[float], None] | None = None) -> Analysis:
    """Read and analyse a recording (.h5). Raises LabError in a sentence; BadSetup for what the visit has itself."""
    taken = [
        name
        for name, given in (
            ("--static", options.static), ("--calibration", options.calibration), ("--markers", options.markers),
            ("--rig", options.rig),
        )
        if given
    ]  # fmt: skip
    if taken:
        raise BadSetup(f"{path}: a recorded visit has its own {', '.join(x[2:] for x in taken)}: leave {taken[0]} out")
    with Recording.open(path) as recording:
        setup = parse_start(recording.start)
        own = setup.subject
        told = {"mass_kg": options.mass_kg, "height_m": options.height_m}
        subject = own.model_copy(update={key: value for key, value in told.items() if value is not None})
        if options.sex != "unknown":
            subject = subject.model_copy(update={"sex": options.sex})
        settings = setup.settings.model_copy(
            update={"filter_hz": options.filter_hz, "tibia_frame": options.frame, "inertia": options.inertia}
        )
        start = build_start(
            setup.rig, subject, setup.marker_set, settings=settings, calibration=setup.calibration,
            versions=setup.versions,
        )  # fmt: skip
        engine = Engine(start, keep_curves=True)
        parts, frames, last = [], 0, setup.rig.streams.markers.rate_hz
        streams = recording.streams
        total = streams[MARKERS].samples if MARKERS in streams else 0
        for record in recording.log():
            if isinstance(record, Start):
                continue
            if isinstance(record, Samples) and record.stream == MARKERS:
                frames += len(record.raw_time)
                if progress is not None and total:
                    progress(frames / total)
            parts.append(engine.feed(record))
        parts.append(engine.finish())
    rows = [part.frames for part in parts if len(part.frames)]
    zero = float(rows[0]["time_s"][0]) if rows else 0.0
    steps = np.concatenate([np.zeros(0, STEP), *(part.steps for part in parts)])
    events = np.concatenate([np.zeros(0, EVENT), *(part.events for part in parts)])
    for name in ("start_s", "end_s", "known_s", "single_start_s", "single_end_s"):
        steps[name] -= zero
    events["time_s"] -= zero
    notes = [
        f"{row['time_s']:.2f} s: {bytes(row['text']).decode('utf-8', 'replace')}"
        for row in events
        if row["code"] in (EventCode.HAZARD, EventCode.STANCE_REJECTED, EventCode.STREAM_GAP, EventCode.CLOCK_STEP)
    ]
    changed = {key: value for key, value in told.items() if value is not None and value != getattr(own, key)}
    return Analysis(
        path=path,
        frames=frames,
        rate_hz=last,
        rig=setup.rig,
        rig_source=f"the visit's: {setup.rig.name}",
        markers=setup.marker_set,
        subject=subject,
        mass_source="given" if "mass_kg" in changed else "of the visit",
        height_source="given" if "height_m" in changed else "of the visit" if subject.height_m else "unknown",
        settings=settings,
        steps=steps,
        events=events,
        curves=tuple(replace(curve) for part in parts for curve in part.curves),
        notes=tuple(notes),
        static=None,
    )
