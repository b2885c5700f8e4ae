"""The numbers of a visit's report, as plain values: what the page shows and what the JSON file holds.

Angles are deg, toe-out positive; moments %BW*Ht; intervals 95 %, with the autocorrelation of steps taken into account.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from labfeedback.protocol.statistics import Mean, difference, mean_of
from labfeedback.records import SIDE_NAMES, SIDES, EventCode, Flag, Rows
from labfeedback.report.visited import Visited, Walk
from labfeedback.variables import value_of

MDC_KAM: Final = 1.0  # %BW*Ht between days, one person (Birmingham 2007; SEM 0.36)
MOMENTS: Final = ("kam1", "kam2", "kam_impulse", "kfm")
CURVE_S: Final = 60.0  # of the learning curve's bins


def values(rows: Rows, name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """One value a step, NaN where it is withheld."""
    return np.array([value_of(row, name) for row in rows], dtype=np.float64).reshape(-1)


def numbers(visited: Visited) -> dict[str, Any]:
    """Everything the report says, NaN as None."""
    v, p = visited.visit, visited.visit.document
    baseline = visited.baseline()
    blocks = [_block(visited, walk, baseline) for walk in visited.walks]
    out: dict[str, Any] = {
        "subject": visited.setup.subject.id,
        "side": v.side,
        "date": v.date,
        "protocol": {"id": p.id, "version": p.version, "title": p.title, "purpose": p.purpose, "source": p.source},
        "visit": v.number,
        "visits": p.visits,
        "arm": "sham" if "sham" in (v.arm, p.arm) else "active",
        "selected": v.selected,
        "order": list(v.draws.order),
        "recordings": [path.name for path in visited.paths],
        "ended": visited.ended or "cut off: no end was recorded",
        "walked_minutes": _walked_minutes(visited),
        "steps": {name: _steps(visited.steps[visited.steps["side"] == side]) for side, name in SIDE_NAMES.items()},
        "blocks": blocks,
        "training": _training(visited),
        "catch": _catch(visited),
        "learning_curve": _curve(visited),
        "pain": [{"minute": r.time_s / 60, "left": r.left, "right": r.right} for r in visited.pain],
        "latency_ms": _latency(visited),
        "mdc_kam_between_days": MDC_KAM,
        "units": {"angles": "deg, toe-out positive", "moments": "%BW*Ht", "impulse": "%BW*Ht*s", "intervals": "95 %"},
        "remarks": list(visited.setup.remarks),
        "calibration": _calibration(visited),
        "incidents": [
            {"minute": t / 60, "what": s, "code": code}
            for t, s, code in visited.coded(
                EventCode.STOP_RULE, EventCode.ACKNOWLEDGED, EventCode.ALARM, EventCode.HAZARD, EventCode.BLOCK_SKIPPED,
                EventCode.TARGET_REFUSED, EventCode.PAUSED, EventCode.RESUMED, EventCode.BELT_STOPPED,
                EventCode.STREAM_LOST, EventCode.PLATE_ALARM, EventCode.MARKER_MOVED, EventCode.MARKER_GONE,
                EventCode.BELT_AXIS_OFF, EventCode.WEIGHT_DIFFERS, EventCode.CLOCK_STEP, EventCode.SPEED_CHANGED,
            )
        ],
        "overrides": [s for _, s in visited.sentences(EventCode.OVERRIDE)],
        "answers": [
            {"minute": t / 60, "what": s} for t, s in visited.sentences(EventCode.ANSWER) if not s.startswith("pain")
        ],
        "notes": [{"minute": t / 60, "what": s} for t, s in visited.sentences(EventCode.NOTE)],
        "settings": visited.setup.settings.model_dump(mode="json"),
        "software": {
            "engine": visited.about.get("engine_hash"), **(visited.setup.versions or {}),
        },
        "note": "Research use, not a medical device, not for diagnosis.",
    }  # fmt: skip
    plain: dict[str, Any] = plain_values(out)
    return plain


def _walked_minutes(visited: Visited) -> float:
    """Pauses left out. Of a visit that was cut off: its finished blocks, pauses in them included."""
    if visited.walked_s == visited.walked_s:
        return visited.walked_s / 60
    return sum(w.seconds for w in visited.walks if w.seconds == w.seconds and w.planned.block.walks) / 60


def plain_values(value: Any) -> Any:
    """NaN and infinite as None, numpy numbers as Python's."""
    if isinstance(value, dict):
        return {str(name): plain_values(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_values(inner) for inner in value]
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return round(float(value), 6) if math.isfinite(value) else None
    return value


def _steps(rows: Rows) -> dict[str, Any]:
    counted = rows[rows["warm_up"] == 0]
    withheld = {}
    for flag in Flag:
        hit = int(((counted["flags"] & int(flag)) != 0).sum())
        if hit and flag.name:
            withheld[flag.name.lower()] = hit
    return {
        "all": len(rows), "warm_up": len(rows) - len(counted), "counted": len(counted),
        "moment_valid": int(counted["kam_valid"].sum()), "angle_valid": int(counted["fpa_valid"].sum()),
        "flags": withheld,
    }  # fmt: skip


def _mean(m: Mean) -> dict[str, float]:
    return {"mean": m.mean, "low": m.low, "high": m.high, "sd": m.sd, "steps": m.count}


def _block(visited: Visited, walk: Walk, baseline: Walk | None) -> dict[str, Any]:
    block, foot = walk.planned.block, visited.foot
    sides = {}
    for side in SIDES:
        rows = walk.steps(side)
        means = {name: mean_of(values(rows, name)) for name in ("fpa", *MOMENTS)}
        said: dict[str, Any] = {"steps": _steps(rows), **{name: _mean(m) for name, m in means.items()}}
        if baseline is not None and walk is not baseline and block.measures not in ("", "familiarisation", "baseline"):
            own = baseline.steps(side)
            change = {name: difference(m, mean_of(values(own, name))) for name, m in means.items()}
            said["change"] = {name: {"mean": d.mean, "low": d.low, "high": d.high} for name, d in change.items()}
        sides[SIDE_NAMES[side]] = said
    own_steps = walk.steps(foot)
    aimed = walk.aimed.get(foot)
    return {
        "id": walk.planned.id, "title": block.title, "measures": block.measures, "condition": walk.planned.condition,
        "from_minute": (walk.began_s - visited.t0) / 60, "minutes": walk.seconds / 60, "ended": walk.why or "cut off",
        "repeated": walk.repeated, "sides": sides,
        "speed_m_s": mean_of(own_steps["belt_speed_m_s"].astype(float)).mean,
        "cadence_per_min": mean_of(own_steps["cadence_per_min"].astype(float)).mean,
        "target": {"variable": aimed.variable, "value": aimed.target, "band": aimed.band} if aimed else None,
        "feedback_minutes": feedback_minutes(own_steps), "error": error_of(walk, foot),
    }  # fmt: skip


def feedback_minutes(rows: Rows) -> float:
    """Time of the strides whose verdict was shown."""
    shown = rows[rows["cued"] > 0]
    stride = np.where(np.isfinite(shown["stride_s"]), shown["stride_s"], np.nan)
    if not len(shown) or not np.isfinite(stride).any():
        return 0.0
    return float(len(shown) * np.nanmean(stride)) / 60.0


def error_of(walk: Walk, side: int, only: Any = None) -> dict[str, Any] | None:
    """Steps against their target: bias, RMSE, share in the band, share of misses put right on the next step.

    only: mask over the side's steps. None without a target or without a valid step.
    """
    aimed = walk.aimed.get(side)
    if aimed is None:
        return None
    rows = walk.steps(side)
    off = values(rows, aimed.variable) - aimed.target
    if only is not None:
        off = np.where(only, off, np.nan)
    good_side = {"within": 0, "below": -1, "above": 1}[walk.planned.block.feedback.good]  # type: ignore[union-attr]
    seen = np.isfinite(off)
    if not seen.any():
        return None
    good = seen & ((np.abs(off) <= aimed.band) | (off * good_side > 0))
    missed = seen[:-1] & ~good[:-1] & seen[1:]
    return {
        "steps": int(seen.sum()), "bias": float(off[seen].mean()), "rmse": float(np.sqrt((off[seen] ** 2).mean())),
        "in_band": float(good[seen].mean()),
        "corrected": float(good[1:][missed].mean()) if missed.any() else None,
    }  # fmt: skip


def _training(visited: Visited) -> dict[str, Any]:
    out: dict[str, Any] = {"feedback_minutes": 0.0}
    for walk in visited.counted("training", "practice", "condition"):
        out["feedback_minutes"] += feedback_minutes(walk.steps(visited.foot))
    for kind in ("training", "retention"):
        errors = [e for walk in visited.counted(kind) if (e := error_of(walk, visited.foot))]
        if errors:
            total = sum(e["steps"] for e in errors)
            out[kind] = {
                "steps": total,
                "rmse": math.sqrt(sum(e["rmse"] ** 2 * e["steps"] for e in errors) / total),
                "bias": sum(e["bias"] * e["steps"] for e in errors) / total,
                "in_band": sum(e["in_band"] * e["steps"] for e in errors) / total,
            }
    return out


def _catch(visited: Visited) -> dict[str, Any] | None:
    """Steps of blocks with catch steps whose verdict was not shown."""
    parts = []
    for walk in visited.counted():
        feedback = walk.planned.block.feedback
        # Where phases without feedback are mixed in, a step that was not shown need not be a catch step.
        if feedback is not None and feedback.catch_of and not walk.planned.off_s and visited.foot in walk.aimed:
            error = error_of(walk, visited.foot, walk.steps(visited.foot)["cued"] == 0)
            if error:
                parts.append(error)
    if not parts:
        return None
    total = sum(e["steps"] for e in parts)
    return {
        "steps": total, "in_band": sum(e["in_band"] * e["steps"] for e in parts) / total,
        "rmse": math.sqrt(sum(e["rmse"] ** 2 * e["steps"] for e in parts) / total),
    }  # fmt: skip


def _curve(visited: Visited) -> list[dict[str, Any]]:
    """RMSE and share in the band for each minute of training."""
    out = []
    for walk in visited.counted("practice", "condition", "training"):
        if visited.foot not in walk.aimed or walk.ended_s != walk.ended_s:
            continue
        rows = walk.steps(visited.foot)
        for k in range(max(1, round(walk.seconds / CURVE_S))):
            inside = (rows["start_s"] - walk.began_s) // CURVE_S == k
            if error := error_of(walk, visited.foot, inside):
                minute = (walk.began_s - visited.t0) / 60 + k + 0.5
                out.append({"block": walk.planned.id, "minute": minute, **error})
    return out


def _latency(visited: Visited) -> dict[str, Any] | None:
    rows = visited.latency
    if not len(rows):
        return None
    names = ("source_ms", "queue_ms", "compute_ms", "publish_ms")
    total = sum(rows[name] for name in names)
    return {
        "rows": len(rows), "p50": float(np.nanmedian(total)), "p99": float(np.nanpercentile(total, 99)),
        "from_toe_off_p99": float(np.nanpercentile(total + rows["tail_ms"], 99)),
        **{name: float(np.nanmedian(rows[name])) for name in names},
    }  # fmt: skip


def _calibration(visited: Visited) -> dict[str, Any] | None:
    calibration = visited.setup.calibration
    if calibration is None:
        return None
    return {
        "source": calibration.source, "made": calibration.made, "marker_set": calibration.marker_set,
        "mass_kg": calibration.mass_kg, "override": calibration.override, "remarks": list(calibration.remarks),
        "checks": [
            {"light": c.light, "sentence": c.sentence} for c in calibration.checks if c.light != "green"
        ],
    }  # fmt: skip
