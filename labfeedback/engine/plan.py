"""Names turned into numbers: which channel is which marker of which leg, which plate is whose, in kernel layout."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from labfeedback.core.inertia import segment_inertia
from labfeedback.core.legpoints import EXPRESS_IN, ROLE_NAMES, ROLES
from labfeedback.engine.start import LegCalibration, Segment, Setup
from labfeedback.errors import StreamTrouble
from labfeedback.layout import PLATE_CHANNELS, Layout
from labfeedback.records import SIDES

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
LENGTH_UNITS = {"m": 1.0, "meter": 1.0, "meters": 1.0, "metre": 1.0, "metres": 1.0, "mm": 1e-3, "millimeters": 1e-3}
MOMENT_UNITS = {"nm": 1.0, "n*m": 1.0, "n.m": 1.0, "nmm": 1e-3, "n*mm": 1e-3, "n.mm": 1e-3}
# Points of a vendor's model come in as markers that span its axes, see analysis.model_points.
_EXPRESS = {"proximal": 0, "distal": 1, "lab": 2, "points": 0}


@dataclass(frozen=True, slots=True)
class LegPlan:
    """One leg's columns in a step's window: the eight roles first, then cluster markers that are no role."""

    rows: Ints  # (m,) rows of the marker track; -1 for a role that this set does not have
    members: Ints  # (2, k) columns of shank and foot cluster
    counts: Ints  # (2,) 0 = not calibrated
    reference: Array  # (2, k, 3) m
    local: Array  # (8, 3) m
    inertia: Array
    foot_rows: Ints  # marker-track rows without which the foot's angle is not measured
    leg_rows: Ints  # all of this leg that its numbers lean on
    leg_names: tuple[str, ...]  # their labels
    stands_on: Ints  # rows of all markers of the foot
    pairs: Ints  # (pairs, 2) rows of markers on one segment, whose distance stays
    pair_names: tuple[str, ...]
    foot_pairs: int  # the first of them that is the foot's


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything `core` needs besides samples. Foot index 0 is right, 1 is left."""

    columns: Ints  # (m, 3) marker channels
    numbers: tuple[int, int]  # channel of the source's own sample number in markers and forces, -1 where there is none
    rows: dict[str, int]  # label -> row of the marker track
    pelvis: Ints  # rows of the pelvis markers that the stream has
    girdle: Ints  # (5,) rows of right front, left front, right back, left back, sacrum; -1 where there is none
    trunk: Ints  # rows of the trunk's upper end; empty where one of them is missing
    scale: float  # source length unit to m
    turn: Array  # (3, 3) source to lab
    legs: tuple[LegPlan, LegPlan]
    kinds: Ints
    roles: Ints  # (2, 8)
    members: Ints  # (2, 2, k) rows of the marker track
    counts: Ints  # (2, 2)
    reference: Array  # (2, 2, k, 3)
    local: Array  # (2, 8, 3)
    channels: Ints  # (6 plates,) force channels in rig order
    channel_scale: Array
    plate_turn: Array  # (plates, 3, 3), sign included
    plate_origin: Array  # (plates, 3)
    plate_foot: Ints
    plate_limits: Array  # (6 plates,) inf where the rig gives none
    surface: Array  # (2,) m
    outlines: Array  # (plates, 4, 2) corners, lab x and z, m
    edges: NDArray[np.bool_]  # (plates,) whether the corners are where a plate ends
    gap_z: float  # lab z of the gap between the belts; NaN where there are no two


def marker_labels(layout: Layout) -> dict[str, tuple[int, int, int]]:
    """Marker name -> its three channels, for every complete marker of the stream."""
    found: dict[str, dict[str, int]] = {}
    for index, channel in enumerate(layout.channels):
        if channel.type.lower().startswith("position"):
            found.setdefault(channel.marker or channel.label[:-2], {})[channel.type[-1].upper()] = index
    return {name: (axes["X"], axes["Y"], axes["Z"]) for name, axes in found.items() if len(axes) == 3}


def _length_unit(layout: Layout) -> float:
    units = {channel.unit.strip().lower() for channel in layout.channels if channel.type.lower().startswith("position")}
    if len(units) != 1 or not units <= set(LENGTH_UNITS):
        raise StreamTrouble(
            f"stream {layout.name!r} gives its positions in {', '.join(sorted(units)) or 'no unit'}: expected one of "
            "m or mm for all markers; set the unit in the source"
        )
    return LENGTH_UNITS[units.pop()]


def _segment(rows: dict[str, int], segment: Segment | None) -> tuple[list[int], list[tuple[float, float, float]]]:
    if segment is None:
        return [], []
    kept = [(rows[label], at) for label, at in zip(segment.labels, segment.reference, strict=True) if label in rows]
    if len(kept) < 3:
        raise StreamTrouble(
            f"of the calibrated cluster {', '.join(segment.labels)} only {len(kept)} markers are in the stream: at "
            "least 3 are needed. Use the marker set of the static trial"
        )
    return [row for row, _ in kept], [at for _, at in kept]


def _clusters(rows: dict[str, int], leg: LegCalibration | None) -> tuple[Ints, Ints, Array, Array]:
    parts = [_segment(rows, leg.shank if leg else None), _segment(rows, leg.foot if leg else None)]
    widest = max(3, *(len(members) for members, _ in parts))
    members = np.full((2, widest), -1, np.int64)
    counts = np.zeros(2, np.int64)
    reference = np.zeros((2, widest, 3))
    local = np.full((ROLES, 3), np.nan)
    for index, (row_list, at) in enumerate(parts):
        counts[index] = len(row_list)
        members[index, : len(row_list)] = row_list
        reference[index, : len(row_list)] = np.array(at).reshape(-1, 3)
    if leg is not None:
        for segment in (leg.shank, leg.foot):
            for role, place in (segment.points if segment else {}).items():
                local[ROLE_NAMES.index(role)] = place
    return members, counts, reference, local


def make_plan(setup: Setup, markers: Layout, forces: Layout) -> Plan:
    """Match a visit's START with the two layouts. Raises StreamTrouble listing what is missing."""
    there = marker_labels(markers)
    calibration = setup.calibration
    roles = np.full((2, ROLES), -1, np.int64)
    names: list[str] = []
    for side in SIDES:
        leg = setup.marker_set.leg(side)
        own = [getattr(leg, role) for role in ROLE_NAMES]
        names += [label for label in (*own, *leg.shank_cluster, *leg.foot_cluster) if label and label in there]
    names += [label for label in (*setup.marker_set.pelvis, *setup.marker_set.trunk) if label in there]
    names = list(dict.fromkeys(names))
    rows = {name: row for row, name in enumerate(names)}
    for foot, side in enumerate(SIDES):
        leg = setup.marker_set.leg(side)
        carried = calibration.leg(side).shank.points if calibration else {}
        missing = []
        for index, role in enumerate(ROLE_NAMES):
            label = getattr(leg, role)
            if label in rows:
                roles[foot, index] = rows[label]
            elif label and role not in carried:
                missing.append(label)
        if missing:
            raise StreamTrouble(
                f"stream {markers.name!r} lacks {', '.join(missing)} of marker set {setup.marker_set.name!r}; it has "
                f"{', '.join(sorted(there)) or 'no markers'}. Choose the right marker set, or give a static trial"
            )
    parts = [_clusters(rows, calibration.leg(side) if calibration else None) for side in SIDES]
    widest = max(part[0].shape[1] for part in parts)

    def padded(array: Array | Ints, fill: float) -> Array | Ints:
        out = np.full((array.shape[0], widest, *array.shape[2:]), fill, array.dtype)
        out[:, : array.shape[1]] = array
        return out

    kinds = np.zeros(3, np.int64)
    both = (setup.marker_set.right, setup.marker_set.left)
    kinds[0] = int(any(leg.mt1 is None or leg.mt5 is None for leg in both))
    kinds[1] = int(all(leg.mt2 is not None for leg in both))
    kinds[EXPRESS_IN] = _EXPRESS[setup.settings.tibia_frame]
    legs = tuple(
        _leg_plan(setup, side, rows, roles[foot], parts[foot][1], parts[foot]) for foot, side in enumerate(SIDES)
    )
    rig = setup.rig
    labels = {channel.label: index for index, channel in enumerate(forces.channels)}
    channels, scales = [], []
    for plate in rig.plates:
        for name in PLATE_CHANNELS:
            label = f"FP{plate.id}_{name}"
            if label not in labels:
                raise StreamTrouble(
                    f"stream {forces.name!r} lacks channel {label}; it has {', '.join(labels) or 'no channels'}. "
                    "Check the plate ids of the rig"
                )
            unit = forces.channels[labels[label]].unit.strip().lower()
            known = {"n": 1.0} if name[0] == "F" else MOMENT_UNITS
            if unit not in known:
                raise StreamTrouble(
                    f"stream {forces.name!r}, channel {label}: unit {unit or 'missing'!r}, expected "
                    f"{'N' if name[0] == 'F' else 'Nm or Nmm'}; set the unit in the source"
                )
            channels.append(labels[label])
            scales.append(known[unit])
    turn = rig.to_lab
    surface = np.array(
        [np.mean([(turn @ p.centre)[1] for p in rig.plates if _foot(p.side) == foot] or [0.0]) for foot in range(2)]
    )
    return Plan(
        columns=np.array([there[name] for name in names], np.int64),
        numbers=(_number(markers), _number(forces)),
        rows=rows,
        pelvis=np.array([rows[label] for label in setup.marker_set.pelvis if label in rows], np.int64),
        girdle=np.array([rows.get(label, -1) for label in setup.marker_set.girdle], np.int64),
        trunk=np.array(
            [rows[x] for x in setup.marker_set.trunk] if set(setup.marker_set.trunk) <= set(rows) else [], np.int64
        ),
        scale=_length_unit(markers),
        turn=np.ascontiguousarray(turn),
        legs=(legs[0], legs[1]),
        kinds=kinds,
        roles=roles,
        members=np.stack([np.asarray(padded(part[0], -1), np.int64) for part in parts]),
        counts=np.stack([part[1] for part in parts]),
        reference=np.stack([np.asarray(padded(part[2], 0.0), np.float64) for part in parts]),
        local=np.stack([part[3] for part in parts]),
        channels=np.array(channels, np.int64),
        channel_scale=np.array(scales),
        plate_turn=np.stack([plate.sign * (turn @ plate.axes) for plate in rig.plates]),
        plate_origin=np.stack([turn @ plate.origin for plate in rig.plates]),
        plate_foot=np.array([_foot(plate.side) for plate in rig.plates], np.int64),
        plate_limits=np.concatenate([np.array(plate.limits or (np.inf,) * 6) for plate in rig.plates]),
        surface=surface,
        outlines=np.stack([(np.array(plate.corners_m) @ turn.T)[:, [0, 2]] for plate in rig.plates]),
        edges=np.array([plate.edges_known for plate in rig.plates]),
        gap_z=rig.belt_gap_z_m,
    )


def _number(layout: Layout) -> int:
    """The channel of type FrameNumber: counts samples at their source, so that a lost one is known at once."""
    return next((i for i, channel in enumerate(layout.channels) if channel.type.lower() == "framenumber"), -1)


def _foot(side: str) -> int:
    return 0 if side == "right" else 1


def _leg_plan(
    setup: Setup, side: int, rows: dict[str, int], roles: Ints, counts: Ints, part: tuple[Ints, Ints, Array, Array]
) -> LegPlan:
    leg = setup.marker_set.leg(side)
    columns = [int(row) for row in roles]
    extra = [int(row) for row in part[0].ravel() if row >= 0 and int(row) not in columns]
    columns += list(dict.fromkeys(extra))
    place = {row: column for column, row in enumerate(columns) if row >= 0}
    members = np.array([[place.get(int(row), -1) for row in line] for line in part[0]], np.int64)
    front = (leg.mt2,) if leg.mt2 else (leg.mt1, leg.mt5)
    foot_rows = [rows[label] for label in (leg.heel, *front) if label in rows]
    # With a calibrated shank the knee and ankle markers are not looked at; without, nothing may be missing.
    shank = part[0][0][: counts[0]] if counts[0] else roles[:4]
    used = {int(row) for row in (*shank, *roles[4:], *part[0][1][: counts[1]]) if row >= 0}
    shank_labels = dict.fromkeys((*(getattr(leg, role) for role in ROLE_NAMES[:4]), *leg.shank_cluster))
    foot_labels = dict.fromkeys((*(getattr(leg, role) for role in ROLE_NAMES[4:]), *leg.foot_cluster))
    on_shank, on_foot = (
        list(combinations([x for x in labels if x in rows], 2)) for labels in (shank_labels, foot_labels)
    )
    pairs = on_shank + on_foot
    mass = setup.subject.mass_kg
    assert mass is not None  # build_start refuses a START without
    return LegPlan(
        rows=np.array(columns, np.int64),
        members=members,
        counts=counts,
        reference=part[2],
        local=part[3],
        inertia=segment_inertia(setup.settings.inertia, setup.subject.sex, mass, side),
        foot_rows=np.array(foot_rows, np.int64),
        leg_rows=np.array(sorted(used), np.int64),
        leg_names=tuple(label for _, label in sorted((row, label) for label, row in rows.items() if row in used)),
        stands_on=np.array([rows[label] for label in foot_labels if label in rows], np.int64),
        pairs=np.array([[rows[a], rows[b]] for a, b in pairs], np.int64).reshape(-1, 2),
        pair_names=tuple(f"{a}-{b}" for a, b in pairs),
        foot_pairs=len(on_shank),
    )
