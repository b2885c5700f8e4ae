"""One recorded walk through the engine: rig, marker set, mass and height settled first, hazards refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from labfeedback.analysis import checks, room, walkway
from labfeedback.analysis.model_points import with_model_points
from labfeedback.calibration_file import load as load_calibration
from labfeedback.engine import Engine
from labfeedback.engine.calibration import calibrate, refuse_misfit
from labfeedback.engine.outputs import Curve
from labfeedback.engine.start import Calibration, build_start
from labfeedback.errors import BadSetup, Hazard
from labfeedback.exchange.read import read_trial
from labfeedback.exchange.trial import Stamped, Trial, force_stream, marker_stream
from labfeedback.inputlog import FORCES, MARKERS, MAX_STREAMS, Link, Offset, Record, Samples
from labfeedback.layout import Layout
from labfeedback.markerset import MarkerSet, load_marker_set
from labfeedback.records import EVENT, STEP, EventCode, Rows
from labfeedback.rig import Rig, load_rig
from labfeedback.settings import Settings
from labfeedback.subject import Subject

_CHUNK_S: Final = 1.0
_MASS_KG: Final = (20.0, 250.0)  # as Subject and Settings have them, which a test holds together
_HEIGHT_M: Final = (0.9, 2.3)
_FILTER_HZ: Final = (3.0, 50.0)
_MASS_DIFFERS: Final = 0.03


@dataclass(frozen=True, slots=True)
class Options:
    """What the person at the keyboard gave; None or empty means: take it from the file."""

    static: Path | None = None
    markers: str = ""
    rig: str = ""
    mass_kg: float | None = None
    height_m: float | None = None
    sex: Literal["F", "M", "unknown"] = "unknown"
    filter_hz: float = 15.0
    calibration: Path | None = None
    frame: Literal["proximal", "distal", "lab", "points"] = "proximal"
    inertia: Literal["auto", "dumas", "winter", "deleva"] = "auto"

    def __post_init__(self) -> None:
        """Raises BadSetup for a number that no walk has, before anything is read."""
        if self.static is not None and self.calibration is not None:
            raise BadSetup("--static and --calibration: give one of the two")
        centimetres = "; is that centimetres?" if (self.height_m or 0) > 3 else ""
        for option, value, (low, high), unit, hint in (
            ("--mass", self.mass_kg, _MASS_KG, "kg", ""),
            ("--height", self.height_m, _HEIGHT_M, "m", centimetres),
            ("--filter-hz", self.filter_hz, _FILTER_HZ, "Hz", ""),
        ):
            if value is not None and not low <= value <= high:  # catches nan, too
                said = f"{option} {value:g}" + ("" if hint else f" {unit}")
                raise BadSetup(f"{said}: expected {low:g} to {high:g} {unit}{hint}")


@dataclass(frozen=True, slots=True)
class Analysis:
    """One file's result. Times count from the first marker frame. notes: sentences a reader must know."""

    path: Path
    frames: int
    rate_hz: float
    rig: Rig
    rig_source: str
    markers: MarkerSet
    subject: Subject
    mass_source: str
    height_source: str
    settings: Settings
    steps: Rows
    events: Rows
    curves: tuple[Curve, ...]
    notes: tuple[str, ...]
    static: Path | None = None

    def side(self, side: int) -> Rows:
        """Steps of one foot, +1 right, -1 left."""
        return np.asarray(self.steps[self.steps["side"] == side])


def analyse_file(path: Path, options: Options, progress: Callable[[float], None] | None = None) -> Analysis:
    """Read and analyse one file.

    progress: called with the share done, 0..1. Raises BadFile, BadSetup or Hazard, never a number that is plausible and
    wrong.
    """
    if path.suffix.lower() in (".h5", ".hdf5"):
        from labfeedback.analysis.visit import analyse_visit  # which needs what is defined here

        return analyse_visit(path, options, progress)
    static = read_trial(options.static) if options.static else None
    return analyse_trial(read_trial(path), options, static, progress)


def analyse_trial(
    trial: Trial, options: Options, static: Trial | None = None, progress: Callable[[float], None] | None = None
) -> Analysis:
    """Analyse one trial that has been read; see `analyse_file`."""
    notes = list(trial.notes)
    if not trial.plates:
        raise BadSetup(f"{trial.path}: {trial.no_plates}; without forces no moment can be computed")
    saved = load_calibration(options.calibration) if options.calibration else None
    markers = _calibrated_set(trial, saved, options) if saved else _marker_set(trial, static, options)
    if markers.only_points and options.frame != "points":
        notes.append(f"marker set {markers.name!r} has no medial knee marker: frame 'points' is used")
        options = replace(options, frame="points")
    if options.frame == "points":
        trial, markers = with_model_points(trial, markers)
    if options.rig:
        rig, rig_source = room.fitted(load_rig(options.rig), trial, notes), f"given: {options.rig}"
    elif walkway.is_walkway(trial, markers):
        trial, rig, rig_source, told = walkway.walkway_rig(trial, markers)
        notes += told
    else:
        rig, rig_source = room.rig_of(trial, markers)
    if static is not None:
        checks.refuse_exchanged_labels(static, rig, markers)
    checks.refuse_exchanged_labels(trial, rig, markers)
    found = checks.refuse_wrong_plates(trial, rig, markers)
    on_floor = rig.floor == "walkway"
    weighed = walkway.mass_over_plates(trial, rig) if on_floor else checks.mass_from_plates(found, trial.analog_rate_hz)
    if saved is not None and options.mass_kg is None and saved.mass_kg is not None:
        mass, mass_source = round(saved.mass_kg, 2), "from the calibration"
    else:
        mass, mass_source = _mass(trial, options, weighed, notes)
    height, height_source = _height(trial, options, notes)
    try:
        subject = Subject(id="analysed", mass_kg=mass, height_m=height, sex=options.sex)
    except ValidationError:  # only what was weighed is not checked yet
        raise BadSetup(
            f"{trial.path}: the plates carry {mass:.1f} kg over whole strides, expected 20 to 250 kg: check their "
            "units, or give --mass"
        ) from None
    settings = Settings(filter_hz=options.filter_hz, tibia_frame=options.frame, inertia=options.inertia)
    if saved is not None:
        owner = subject.model_copy(update={"id": saved.subject})  # a file does not say whose walk it is
        notes += refuse_misfit(saved, markers, rig, owner, where=str(options.calibration))
        notes.append(f"calibration {options.calibration} of {saved.subject} on {saved.date}")
    calibration = saved or _calibration(static, rig, markers)
    start = build_start(rig, subject, markers, settings=settings, calibration=calibration)
    engine = Engine(start, keep_curves=True)
    parts = []
    for share, record in _records(trial, rig):
        parts.append(engine.feed(record))
        if progress is not None:
            progress(share)
    parts.append(engine.finish())
    steps = _joined([part.steps for part in parts], STEP)
    events = _joined([part.events for part in parts], EVENT)
    notes += _told(trial, events)
    return Analysis(
        path=trial.path,
        frames=len(trial.points),
        rate_hz=trial.rate_hz,
        rig=rig,
        rig_source=rig_source,
        markers=markers,
        subject=subject,
        mass_source=mass_source,
        height_source=height_source,
        settings=settings,
        steps=steps,
        events=events,
        curves=tuple(curve for part in parts for curve in part.curves),
        notes=tuple(notes),
        static=static.path if static is not None else None,
    )


def _joined(parts: list[Rows], dtype: np.dtype[np.void]) -> Rows:
    return np.asarray(np.concatenate([np.zeros(0, dtype), *parts]))


def _told(trial: Trial, events: Rows) -> list[str]:
    """What the engine said that a reader must know. Raises Hazard if it found one."""
    out = []
    for row in events:
        text = bytes(row["text"]).decode("utf-8", "replace")
        if row["code"] == EventCode.HAZARD:
            raise Hazard(f"{trial.path}: {text}. Nothing is given out; correct the source and export again")
        if row["code"] in (EventCode.STANCE_REJECTED, EventCode.STREAM_GAP, EventCode.CLOCK_STEP):
            out.append(f"{row['time_s']:.2f} s: {text}")
    return out


def _marker_set(trial: Trial, static: Trial | None, options: Options) -> MarkerSet:
    if not options.markers:
        return room.choose_marker_set(trial, static)
    markers = load_marker_set(options.markers)
    for file, missing in room.missing_labels(markers, trial, static).items():
        raise BadSetup(
            f"{file}{room.whose(file, static)} lacks, or has twice, {len(missing)} labels of marker set "
            f"{markers.name!r}: {', '.join(missing)}"
        )
    return markers


def _calibrated_set(trial: Trial, saved: Calibration, options: Options) -> MarkerSet:
    """The set that a calibration was made with; the walk needs it without its medial markers."""
    markers = load_marker_set(options.markers or saved.marker_set)
    legs = (markers.right, markers.left)
    needed = {label for leg in legs for label in (*leg.anatomical, *leg.shank_cluster)}
    needed -= {label for leg in legs for label in leg.medial}
    missing = sorted(needed - (set(trial.labels) - trial.doubled))
    if missing:
        raise BadSetup(
            f"{trial.path} lacks, or has twice, {len(missing)} labels of the calibration's marker set "
            f"{markers.name!r}: {', '.join(missing)}"
        )
    return markers


def _mass(trial: Trial, options: Options, from_plates: float, notes: list[str]) -> tuple[float, str]:
    """kg and where it is from: given, else the file's, else the plates' mean load over whole strides."""
    given, source = options.mass_kg, "given"
    if given is None and trial.mass_kg is not None:
        if not _MASS_KG[0] <= trial.mass_kg <= _MASS_KG[1]:
            raise BadSetup(
                f"{trial.path}: its PROCESSING:Bodymass is {trial.mass_kg:g}, expected 20 to 250 kg: give --mass"
            )
        given, source = trial.mass_kg, "from the file (PROCESSING:Bodymass)"
    if given is None:
        if not np.isfinite(from_plates):
            raise BadSetup(f"{trial.path}: mass is unknown and the walk is too short to weigh it: give --mass")
        mass = round(from_plates, 2)
        notes.append(f"mass not given: {mass:.1f} kg from the mean vertical force over whole strides")
        return mass, "from the plates"
    if np.isfinite(from_plates) and abs(from_plates - given) > _MASS_DIFFERS * given:
        notes.append(
            f"mass {given:.1f} kg ({source}) differs by {100 * (from_plates / given - 1):+.0f} % from the "
            f"{from_plates:.1f} kg that the plates carry: check both"
        )
    return float(given), source


def _height(trial: Trial, options: Options, notes: list[str]) -> tuple[float | None, str]:
    if options.height_m is not None:
        return options.height_m, "given"
    if trial.height_m is not None:
        if not _HEIGHT_M[0] <= trial.height_m <= _HEIGHT_M[1]:
            raise BadSetup(
                f"{trial.path}: its PROCESSING:Height means {trial.height_m:g} m, expected 0.9 to 2.3 m: give --height"
            )
        return trial.height_m, "from the file (PROCESSING:Height)"
    notes.append("height not given: columns in %BW*Ht stay empty")
    return None, "unknown"


def _calibration(static: Trial | None, rig: Rig, markers: MarkerSet) -> Calibration | None:
    if static is None:
        return None
    return calibrate(
        static.positions_m @ rig.to_lab.T,
        list(static.labels),
        markers,
        rate_hz=static.rate_hz,
        source=static.path.name,
    )


def _records(trial: Trial, rig: Rig) -> Iterator[tuple[float, Record]]:
    """The input log of a trial, with the share of it that each record ends."""
    sides, signs = tuple(p.side for p in rig.plates), tuple(p.sign for p in rig.plates)
    points = marker_stream(trial, rig.streams.markers.name)
    forces = force_stream(trial, rig.streams.forces.name, sides=sides, signs=signs)
    streams = {MARKERS: (*points, trial.rate_hz), FORCES: (*forces, trial.analog_rate_hz)}
    if trial.stamps is not None:
        yield from _stamped(trial, {MARKERS: points, FORCES: forces})
        return
    nothing = (0,) * MAX_STREAMS
    for stream, (layout, _, _) in streams.items():
        yield 0.0, Link(stream, 0, True, layout.model_dump_json(), nothing)
        yield 0.0, Offset(stream, 0.0, 0.0, nothing)
    done = dict.fromkeys(streams, 0)
    chunks = int(np.ceil((trial.duration_s + 1 / trial.rate_hz) / _CHUNK_S))
    for chunk in range(1, chunks + 1):
        for stream in (FORCES, MARKERS):
            _, values, rate = streams[stream]
            end = len(values) if chunk == chunks else min(len(values), round(chunk * _CHUNK_S * rate))
            if end > done[stream]:
                rows = np.arange(done[stream], end)
                yield chunk / chunks, Samples(stream, 0, done[stream], rows / rate, values[done[stream] : end])
                done[stream] = end


def _stamped(trial: Trial, streams: dict[int, tuple[Layout, NDArray[np.float32]]]) -> Iterator[tuple[float, Record]]:
    """The same of a trial whose samples carry stamps: raw ones, and each clock offset after the samples before it.

    Local time counts from the first marker frame's stamp.
    """
    assert trial.stamps is not None
    first_frame = trial.stamps[0]
    zero = float(first_frame.time_s[0]) + (first_frame.offsets[0][1] if first_frame.offsets else 0.0)
    stamps = {
        stream: Stamped(one.time_s, tuple((at, offset - zero) for at, offset in one.offsets or ((0.0, 0.0),)))
        for stream, one in zip((MARKERS, FORCES), trial.stamps, strict=True)
    }
    nothing = (0,) * MAX_STREAMS
    pending: dict[int, list[tuple[float, float]]] = {}
    for stream, (layout, _) in streams.items():
        measured = list(stamps[stream].offsets)
        yield 0.0, Link(stream, 0, True, layout.model_dump_json(), nothing)
        yield 0.0, Offset(stream, measured[0][1], 0.0, nothing)
        pending[stream] = measured[1:]
    local = {stream: one.time_s + one.offsets[0][1] for stream, one in stamps.items()}
    begin, end = (pick(float(pick(one)) for one in local.values()) for pick in (min, max))
    done = dict.fromkeys(streams, 0)
    chunks = max(1, int(np.ceil((end - begin) / _CHUNK_S)))
    for chunk in range(1, chunks + 1):
        until = begin + chunk * _CHUNK_S if chunk < chunks else np.inf
        for stream in (FORCES, MARKERS):
            raw, values = stamps[stream].time_s, streams[stream][1]
            stop = int(np.searchsorted(local[stream], until))
            while done[stream] < stop:
                later = pending[stream]
                upto = stop
                if later and later[0][0] <= raw[stop - 1]:
                    upto = int(np.searchsorted(raw[:stop], later[0][0], side="right"))
                if upto > done[stream]:
                    first = done[stream]
                    yield chunk / chunks, Samples(stream, 0, first, raw[first:upto], values[first:upto])
                    done[stream] = upto
                if later and (upto < stop or later[0][0] <= raw[upto - 1]):
                    yield chunk / chunks, Offset(stream, later.pop(0)[1], 0.0, nothing)
