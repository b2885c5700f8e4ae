"""What a file says about the room it was recorded in: the rig, where none is given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labfeedback.errors import BadSetup
from labfeedback.exchange.trial import Trial
from labfeedback.markerset import Leg, MarkerSet, shipped_marker_sets
from labfeedback.rig import Rig

Array = NDArray[np.float64]
_LONG = 1.3  # a plate this much longer than wide is a belt, and its long side is the walking axis
_SAME_PLACE_M = 0.02
_TURNED_COS = np.cos(np.radians(35.0))


def choose_marker_set(trial: Trial, static: Trial | None = None) -> MarkerSet:
    """The one shipped marker set whose required labels are all there. Raises BadSetup with the list otherwise.

    With a static trial the medial markers need to be in that one only.
    """
    fitting, report, only_static = [], [], []
    for name, markers in shipped_marker_sets().items():
        by_file = missing_labels(markers, trial, static)
        if not by_file:
            fitting.append(markers)
        for file, missing in by_file.items():
            some = ", ".join(missing[:4]) + (" ..." if len(missing) > 4 else "")
            report.append(f"{name} ({whose(file, static, 'static trial ')}lacks {len(missing)}: {some})")
            if trial.path not in by_file:
                only_static.append(f"{len(missing)} labels of marker set {name!r}: {some}")
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = ", ".join(markers.name for markers in fitting)
        raise BadSetup(f"{trial.path}: more than one shipped marker set fits: {names}; choose with --markers")
    if static is not None and only_static:
        raise BadSetup(
            f"{static.path} (the static trial) lacks, or has twice, {'; '.join(only_static)}. The walk "
            f"{trial.path.name} has its own. The static trial has: {', '.join(static.labels[:60])}. Is it of the same "
            "subject and marker set?"
        )
    raise BadSetup(
        f"{trial.path}: no shipped marker set fits its labels: {'; '.join(report)}. The file has: "
        f"{', '.join(trial.labels[:60])}. Write a marker set and give it with --markers"
    )


def whose(file: Path, static: Trial | None, word: str = " (the static trial)") -> str:
    """`word` where `file` is the static trial, else nothing."""
    return word if static is not None and file == static.path else ""


def missing_labels(markers: MarkerSet, trial: Trial, static: Trial | None) -> dict[Path, list[str]]:
    """Required labels that the walking trial, or the static one, has not or has more than once; only files that lack.

    The walk comes first. When both are the same file, what both need is asked of it.
    """
    clusters = {m for leg in (markers.right, markers.left) for m in leg.shank_cluster + leg.foot_cluster}
    medial = set(markers.right.medial + markers.left.medial)
    walking = set(markers.required) if static is None else (set(markers.required) - medial) | clusters
    out: dict[Path, set[str]] = {trial.path: walking - (set(trial.labels) - trial.doubled)}
    if static is not None:
        lacking = (set(markers.required) | clusters) - (set(static.labels) - static.doubled)
        out[static.path] = out.get(static.path, set()) | lacking
    return {path: sorted(missing) for path, missing in out.items() if missing}


def front_of(trial: Trial, leg: Leg) -> Array:
    """(n, 3) m: where the foot's axis ends, MT2 or the middle of MT1 and MT5."""
    if leg.mt2 is not None:
        return trial.marker(leg.mt2)
    return (trial.marker(leg.mt1 or "") + trial.marker(leg.mt5 or "")) / 2


def from_line(points: Array, heel: Array, front: Array) -> Array:
    """(n,) distance of points from the lines heel to front, m; all (n, k), seen in the plane or space they are in."""
    line = front - heel
    share = np.clip(((points - heel) * line).sum(axis=1) / np.maximum((line * line).sum(axis=1), 1e-9), 0.0, 1.0)
    return np.asarray(np.linalg.norm(points - heel - share[:, None] * line, axis=1))


def rig_of(trial: Trial, markers: MarkerSet) -> tuple[Rig, str]:
    """A rig from the trial's own plates and feet, and one sentence about it.

    Up is against the plates' normals; forward is the plates' side that the feet point along; a plate is left or right
    by where it lies. Raises BadSetup where the plates are not one belt for each foot.
    """
    if not trial.plates:
        raise BadSetup(f"{trial.path}: {trial.no_plates}; without forces no moment can be computed")
    if len(trial.plates) != 2:
        raise BadSetup(
            f"{trial.path}: {len(trial.plates)} force plates; a split belt has two, one for each foot. "
            "Give --rig to say which plate is which foot's"
        )
    up = up_of(trial)
    feet = _direction_of_feet(trial, markers, up)
    forward = _belt_axis(trial, feet, up)
    if forward @ feet < _TURNED_COS:
        angle = np.degrees(np.arccos(np.clip(forward @ feet, -1, 1)))
        raise BadSetup(
            f"{trial.path}: the feet point {angle:.0f} deg away from the plates' sides: the walking direction "
            "cannot be taken from the file; give --rig"
        )
    to_lab = np.stack([forward, up, np.cross(forward, up)])
    centres = [float((to_lab @ np.array(plate.corners_m).mean(axis=0))[2]) for plate in trial.plates]
    if abs(centres[0] - centres[1]) < 0.15:
        raise BadSetup(
            f"{trial.path}: the two plates lie one behind the other, not side by side: not a split belt. "
            "Give --rig to say which plate is which foot's"
        )
    named = axis_map(to_lab)
    rig = Rig.model_validate(
        {
            "name": "from-file",
            "about": "plates and walking direction as found in the file",
            **({"axes": named} if named else {"rotation": tuple(map(tuple, to_lab.tolist()))}),
            "plates": [
                {
                    "id": plate.id,
                    "side": "left" if z == min(centres) else "right",
                    "corners_m": plate.corners_m,
                    "origin_m": plate.origin_m,
                }
                for plate, z in zip(trial.plates, centres, strict=True)
            ],
            "streams": {
                "markers": {"name": "markers", "type": "MoCap", "rate_hz": trial.rate_hz},
                "forces": {"name": "forces", "type": "Force", "rate_hz": trial.analog_rate_hz},
            },
        }
    )
    sides = ", ".join(f"plate {plate.id} {plate.side}" for plate in rig.plates)
    axes = "x={x} y={y} z={z}".format(**named) if named else f"forward = ({', '.join(f'{v:+.4f}' for v in forward)})"
    return rig, f"from the file's plates and feet: {axes}; {sides}"


def up_of(trial: Trial) -> Array:
    """(3,) unit vector against the plates' normals, file frame."""
    up = -np.mean([plate.axes[:, 2] for plate in trial.plates], axis=0)
    return np.asarray(up / np.linalg.norm(up))


def fitted(rig: Rig, trial: Trial, notes: list[str]) -> Rig:
    """A given rig, if its plates are where the trial has them, with the trial's own rates.

    Raises BadSetup where it is another laboratory's. Plates a few millimetres off are the rig's to correct.
    """
    if len(rig.plates) != len(trial.plates):
        raise BadSetup(
            f"{trial.path}: the file has {len(trial.plates)} force plates, rig {rig.name!r} has {len(rig.plates)}"
        )
    for plate, measured in zip(rig.plates, trial.plates, strict=True):
        away = float(np.abs(np.array(plate.corners_m) - np.array(measured.corners_m)).max())
        if away > _SAME_PLACE_M:
            raise BadSetup(
                f"{trial.path}: plate {measured.id} is not where rig {rig.name!r} has them: corners differ by up to "
                f"{1e3 * away:.0f} mm. Choose the rig of this recording, or leave --rig out"
            )
        if away > 1e-3:
            notes.append(f"plate {measured.id}: corners taken from the rig, {1e3 * away:.1f} mm from the file's")
    rates = (rig.streams.markers.rate_hz, rig.streams.forces.rate_hz)
    if rates == (trial.rate_hz, trial.analog_rate_hz):
        return rig
    notes.append(f"the file runs at {trial.rate_hz:g} and {trial.analog_rate_hz:g} Hz, not at the rig's {rates}")
    streams = rig.streams.model_copy(
        update={
            "markers": rig.streams.markers.model_copy(update={"rate_hz": trial.rate_hz}),
            "forces": rig.streams.forces.model_copy(update={"rate_hz": trial.analog_rate_hz}),
        }
    )
    return rig.model_copy(update={"streams": streams})


def _direction_of_feet(trial: Trial, markers: MarkerSet, up: Array) -> Array:
    """(3,) horizontal unit vector, mean heel-to-toe direction of both feet; the same if their labels are exchanged."""
    total = np.zeros(3)
    for leg in (markers.right, markers.left):
        along = front_of(trial, leg) - trial.marker(leg.heel)
        along = along[np.isfinite(along).all(axis=1)]
        along = along - np.outer(along @ up, up)
        length = np.linalg.norm(along, axis=1)
        good = length > 0.03  # near toe-off the foot is steep and its direction is noise
        if good.any():
            total += (along[good] / length[good, None]).mean(axis=0)
    size = float(np.linalg.norm(total))
    if size < 0.5:
        raise BadSetup(f"{trial.path}: the feet have no common direction: is this a walk along one line?")
    return total / size


def _belt_axis(trial: Trial, feet: Array, up: Array) -> Array:
    """(3,) horizontal unit vector: the belts' long sides, or else the plates' sides nearest to the feet's direction."""
    total = np.zeros(3)
    for plate in trial.plates:
        c1, c2, c3, c4 = np.array(plate.corners_m)
        along_x, along_y = (c1 + c4 - c2 - c3) / 2, (c1 + c2 - c3 - c4) / 2
        long, short = sorted((along_x, along_y), key=lambda v: float(np.linalg.norm(v)), reverse=True)
        if np.linalg.norm(long) < _LONG * np.linalg.norm(short) and abs(short @ feet) / np.linalg.norm(short) > abs(
            long @ feet
        ) / np.linalg.norm(long):
            long = short
        long = long - (long @ up) * up
        total += np.sign(long @ feet) * long / np.linalg.norm(long)
    return np.asarray(total / np.linalg.norm(total))


def axis_map(to_lab: Array) -> dict[str, str] | None:
    """Names of the axes where the rotation is one of signed axes, so that it equals a rig written by hand."""
    names = {}
    for key, row in zip("xyz", to_lab, strict=True):
        column = int(np.argmax(np.abs(row)))
        if abs(abs(row[column]) - 1.0) > 1e-9:
            return None
        names[key] = ("-" if row[column] < 0 else "") + "xyz"[column]
    return names
