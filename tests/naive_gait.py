"""A second, slow reading of the rest of the gait, whole record at a time: what `engine.gait` and `engine.posture` are
checked against. Written from their definitions with other formulas: arc sine for arc tangent, a fit for a difference.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.naive import SIDES, low_pass

Array = NDArray[np.float64]


def between(time: Array, values: Array, start: float, end: float, first: float, last: float) -> tuple[Array, Array]:
    """Frames from `first` to `last` (shares of a stance) and their values."""
    inside = (time >= start + first * (end - start)) & (time <= start + last * (end - start))
    return time[inside], values[inside]


def belt_speed(time: Array, heels: dict[str, Array], steps: list[dict[str, Any]]) -> float:
    """m/s: minus the median slope of the standing heels."""
    slopes = []
    for step in steps:
        t, x = between(time, heels[step["side"]][:, 0], step["start"], step["end"], 0.25, 0.45)
        slopes.append(np.polyfit(t - t[0], x, 1)[0])
    return -float(np.median(slopes))


def neighbours(
    time: Array, heels: dict[str, Array], steps: list[dict[str, Any]], loads: dict[str, tuple[Array, Array]]
) -> list[dict[str, float]]:
    """Of each step: times, lengths, symmetry. heels: side -> (n, 3) m. loads: side -> time and vertical force, N."""
    belt, out = belt_speed(time, heels, steps), []
    for step in steps:
        side, other = step["side"], "left" if step["side"] == "right" else "right"
        before = [x for x in steps if x["side"] == other and x["start"] < step["start"]][-1:]
        own = [x for x in steps if x["side"] == side and x["start"] < step["start"]][-1:]
        after = [x for x in steps if x["side"] == other and x["start"] > step["start"]][:1]
        row = {"stance_s": step["end"] - step["start"]}
        t, fz = loads[side]
        inside = (t >= step["start"]) & (t <= step["end"])
        row["impulse"] = float(np.trapezoid(fz[inside], t[inside]))
        step["row"], step["at"] = row, _print(time, heels[side], step)
        if before:
            last = before[0]
            moved = step["at"] - last["at"]
            row["step_length_m"] = moved[1] + belt * moved[0]
            row["step_width_m"] = SIDES[side] * moved[2]
            row["step_time_s"] = step["start"] - last["start"]
            row["stance_symmetry_pct"] = _index(row["stance_s"], last["row"]["stance_s"])
            row["impulse_symmetry_pct"] = _index(row["impulse"], last["row"]["impulse"])
            if after:
                row["double_support_s"] = last["end"] - step["start"] + step["end"] - after[0]["start"]
        if own:
            moved = step["at"] - own[0]["at"]
            row["stride_length_m"] = moved[1] + belt * moved[0]
            row["stride_s"] = step["start"] - own[0]["start"]
            row["cadence_per_min"] = 60.0 / (0.5 * row["stride_s"])
        out.append(row)
    return out


def _print(time: Array, heel: Array, step: dict[str, Any]) -> Array:
    """(time, x, z) of the heel in mid-stance: the middle of a line through 25-45 %."""
    t, at = between(time, heel, step["start"], step["end"], 0.25, 0.45)
    middle = step["start"] + 0.35 * (step["end"] - step["start"])
    x, z = (np.polyval(np.polyfit(t - middle, at[:, axis], 1), 0.0) for axis in (0, 2))
    return np.array([middle, x, z])


def _index(own: float, other: float) -> float:
    return 100.0 * (own - other) / (0.5 * (own + other))


def posture(get: Any, step: dict[str, Any], time: Array, names: dict[str, str], trunk: list[str]) -> dict[str, float]:
    """Frontal angles of one step. get: label -> (n, 3) filtered, m. names: knee and ankle roles of this leg, and the
    pelvis as rf, lf, rb, lb."""
    s = SIDES[step["side"]]
    right = (get(names["rf"]) + get(names["rb"])) / 2
    left = (get(names["lf"]) + get(names["lb"])) / 2
    up = s * (right - left)[:, 1] / np.linalg.norm(right - left, axis=1)
    drop = np.degrees(np.arcsin(up))
    lean = np.full(len(time), np.nan)
    if trunk:
        rise = np.mean([get(name) for name in trunk], axis=0) - (right + left) / 2
        frontal = np.hypot(rise[:, 1], rise[:, 2])
        lean = np.degrees(np.arcsin(s * rise[:, 2] / frontal))
    knee = (get(names["knee_lateral"]) + get(names["knee_medial"])) / 2
    ankle = (get(names["ankle_lateral"]) + get(names["ankle_medial"])) / 2
    out = {key: np.empty(len(time)) for key in ("varus", "shank")}
    for k in range(len(time)):
        ml = get(names["rf"])[k] - get(names["lf"])[k]
        front = (get(names["rf"])[k] + get(names["lf"])[k]) / 2
        deep = front - (get(names["rb"])[k] + get(names["lb"])[k]) / 2
        z = ml / np.linalg.norm(ml)
        y = np.cross(z, deep)
        y /= np.linalg.norm(y)
        axes = np.column_stack([np.cross(y, z), y, z])
        wide, depth = 1e3 * np.linalg.norm(ml), 1e3 * np.linalg.norm(deep)
        hip = front + axes @ np.array([-0.24 * depth - 9.9, -0.30 * wide - 10.9, s * (0.33 * wide + 7.3)]) / 1e3
        shank = (knee[k] - ankle[k]) / np.linalg.norm(knee[k] - ankle[k])
        across = s * (get(names["knee_lateral"])[k] - get(names["knee_medial"])[k])
        anterior = np.cross(shank, across)
        anterior /= np.linalg.norm(anterior)
        thigh = hip - knee[k]
        thigh -= (thigh @ anterior) * anterior  # into the frontal plane of the tibia
        bend = np.cross(shank, thigh) @ anterior / np.linalg.norm(thigh)
        out["varus"][k] = -s * np.degrees(np.arcsin(bend))
        out["shank"][k] = s * np.degrees(np.arctan(shank[2] / shank[1]))

    def over(values: Array, first: float, last: float) -> Array:
        return np.interp(step["start"] + np.linspace(first, last, 81) * (step["end"] - step["start"]), time, values)

    return {
        "pelvis_drop_deg": float(over(drop, 0.2, 0.8).max()), "trunk_lean_deg": float(over(lean, 0.2, 0.8).max()),
        "knee_varus_deg": float(over(out["varus"], 0.2, 0.6).mean()),
        "shank_lean_deg": float(over(out["shank"], 0.2, 0.6).mean()),
    }  # fmt: skip


def filtered(markers: Array, rate: float, cutoff: float) -> Array:
    """(n, m, 3) through the step filter."""
    return low_pass(markers, rate, cutoff)
