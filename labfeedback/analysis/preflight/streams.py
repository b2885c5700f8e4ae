"""Rates, holes, labels, and which markers are seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from labfeedback.analysis.preflight.line import Light, Line, grade, line
from labfeedback.analysis.walked import Walked
from labfeedback.engine.start import Calibration
from labfeedback.engine.track import longest_interval
from labfeedback.exchange.trial import Trial
from labfeedback.markerset import MarkerSet
from labfeedback.records import SIDE_NAMES, SIDES

RATE_OFF: Final = (0.01, 0.05)  # of the rig's: green, amber
LOST: Final = (0.005, 0.05)  # share of samples
VISIBLE: Final = (0.95, 0.50)


def rates(walked: Walked) -> Iterator[Line]:
    """Samples per second, and holes."""
    streams = walked.rig.streams
    for where, time, rate, wanted in (
        ("markers", walked.marker_time, walked.rates_hz[0], streams.markers.rate_hz),
        ("forces", walked.force_time, walked.rates_hz[1], streams.forces.rate_hz),
    ):
        if len(time) < 10:
            yield line("rate", "red", f"the stream of {where} says nothing", "start its source", where=where)
            continue
        steps = np.diff(time)
        yield line(
            "rate",
            grade(abs(rate / wanted - 1), RATE_OFF),
            f"{where} come at {rate:.1f} Hz, the rig says {wanted:g}",
            "set the source or the rig",
            where=where,
            found=f"{rate:.1f} Hz",
        )
        base = wanted if abs(rate / wanted - 1) <= RATE_OFF[0] else rate  # another rate is no loss
        lost = max(0.0, 1.0 - len(time) / ((time[-1] - time[0]) * base + 1))
        holes = steps[steps > longest_interval(base)]
        longest = 1e3 * float(holes.max(initial=0.0))
        light = grade(lost, LOST)
        said = f"{where}: no sample is missing"
        if len(holes):
            said = f"{where}: {len(holes)} holes, the longest {longest:.0f} ms, {100 * lost:.1f} % of the samples lost"
            light = "amber" if light == "green" else light
        yield line(
            "gaps",
            light,
            said,
            "look at the network and at the source's load",
            where=where,
            found=f"{100 * lost:.1f} %",
        )


def needed(markers: MarkerSet, calibration: Calibration | None) -> dict[str, int]:
    """Label -> side of every marker that a walk needs; with a calibration the medial ones are off."""
    out = {}
    for side in SIDES:
        leg = markers.leg(side)
        names = [*leg.anatomical, *leg.shank_cluster, *leg.foot_cluster]
        for label in names:
            if calibration is None or label not in leg.medial:
                out[label] = side
    return out


def labels(trial: Trial, markers: MarkerSet, calibration: Calibration | None) -> list[Line]:
    """Whether every role of the marker set has its label, once."""
    wanted = set(needed(markers, calibration))
    if calibration is None:  # clusters only serve a calibration
        wanted = set(markers.required)
    missing, doubled = sorted(wanted - set(trial.labels)), sorted(wanted & trial.doubled)
    if not missing and not doubled:
        return [
            line("labels", "green", f"all {len(wanted)} labels of {markers.name!r} are there", found=str(len(wanted)))
        ]
    said = [
        f"missing: {', '.join(missing)}" if missing else "",
        f"there twice: {', '.join(doubled)}" if doubled else "",
    ]
    has = ", ".join(trial.labels[:40])
    return [
        line(
            "labels",
            "red",
            f"labels of {markers.name!r} {'; '.join(x for x in said if x)}. The source has: {has}",
            "label these markers in the source, or choose the right marker set",
            found=f"{len(missing) + len(doubled)}",
        )
    ]


def visible(walked: Walked, calibration: Calibration | None) -> list[Line]:
    """The share of time in which each marker was seen; one line for all that are."""
    out, least, which = [], 1.0, ""
    wanted = needed(walked.markers, calibration)
    for label, side in wanted.items():
        if label not in walked.trial.labels:
            continue
        share = float(np.isfinite(walked.marker(label)[:, 0]).mean())
        light: Light = "green" if share >= VISIBLE[0] else "amber" if share >= VISIBLE[1] else "red"
        if light != "green":
            said = f"{label} ({SIDE_NAMES[side]} leg) is seen {100 * share:.0f} % of the time"
            out.append(
                line(
                    "visible",
                    light,
                    said,
                    "look at the marker, the cameras and what hides it",
                    where=label,
                    found=f"{100 * share:.0f} %",
                )
            )
        elif share <= least:
            least, which = share, label
    good = len(wanted) - len(out)
    if not out:
        out.append(
            line(
                "visible",
                "green",
                f"{good} markers are seen, the least {which} {100 * least:.1f} % of the time",
                found=f"{100 * least:.1f} %",
            )
        )
    return out
