"""An independent, slow reading of SCIENCE.md sections 2-6: what the engine's numbers are checked against.

Written from the specification alone, with numpy and scipy, whole record at a time. Lab axes are ISB (X walking
direction, Y up, Z the subject's right), SI units; s = +1 for the right leg, -1 for the left. Matrices hold the
segment's axes as columns. Section numbers in the docstrings are SCIENCE.md's. Where the specification leaves a
choice open the docstring says "Choice:".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

Array = NDArray[np.float64]
GRAVITY = np.array([0.0, -9.81, 0.0])
SIDES = {"right": 1, "left": -1}
POINTS = 201  # of a resampled stance; window 1 is points 6-99, window 2 100-194, both ends included
WINDOW_1, WINDOW_2 = (6, 99), (100, 194)


def unit(v: Array) -> Array:
    """Vectors (..., 3) at length 1."""
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


def rotate(matrices: Array, v: Array) -> Array:
    """(n, 3, 3) times (n, 3) or (3,), frame by frame."""
    return np.einsum("nij,nj->ni", matrices, np.broadcast_to(v, (len(matrices), 3)))


# ---- signals (section 6) ------------------------------------------------------------------------------------------


def low_pass(signal: Array, rate: float, cutoff: float) -> Array:
    """Section 6: butter(2, fc) as second-order sections, forward and backward along axis 0, odd padding.

    NaNs split a column into runs that are filtered apart; a run too short for the padding becomes NaN.
    """
    sos = butter(2, cutoff, fs=rate, output="sos")
    flat = signal.reshape(len(signal), -1)
    out = np.full_like(flat, np.nan)
    for column in range(flat.shape[1]):
        good = np.flatnonzero(np.isfinite(flat[:, column]))
        for run in np.split(good, np.flatnonzero(np.diff(good) > 1) + 1):
            if len(run) > 12:
                out[run, column] = sosfiltfilt(sos, flat[run, column], padtype="odd")
    return out.reshape(signal.shape)


def mark_missing(markers: Array) -> Array:
    """Section 3: NaN, exact 0,0,0 and the last value repeated all become NaN. markers (n, m, 3)."""
    missing = np.all(markers == 0, axis=2) | np.isnan(markers).any(axis=2)
    missing[1:] |= np.all(markers[1:] == markers[:-1], axis=2)
    return np.where(missing[..., None], np.nan, markers)


# ---- rigid bodies (section 3) -------------------------------------------------------------------------------------


def rigid_fit(reference: Array, seen: Array) -> tuple[Array, Array, float]:
    """Section 3: least-squares R, t with seen ~ R @ reference + t (Kabsch), and the RMS residual in m.

    Both (c, 3); rows of `seen` with NaN are left out; fewer than three rows give NaN.
    """
    ok = np.isfinite(seen).all(axis=1)
    if ok.sum() < 3:
        return np.full((3, 3), np.nan), np.full(3, np.nan), float("nan")
    a, b = reference[ok], seen[ok]
    u, _, vt = np.linalg.svd((b - b.mean(0)).T @ (a - a.mean(0)))
    rotation = u @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ vt
    shift = b.mean(0) - rotation @ a.mean(0)
    return rotation, shift, float(np.sqrt(np.mean(np.sum((b - a @ rotation.T - shift) ** 2, axis=1))))


def tibia_frame(knee: Array, ankle: Array, axis: Array) -> Array:
    """Section 3, proximal tibia: Y = unit(KJC - AJC), X = unit(Y x zt), Z = X x Y.

    axis = zt = s * (lateral - medial epicondyle), or of the malleoli for the distal option. All (n, 3).
    """
    y = unit(knee - ankle)
    x = unit(np.cross(y, axis))
    return np.stack([x, y, np.cross(x, y)], axis=-1)


def foot_frame(heel: Array, front: Array, axis: Array | None) -> Array:
    """Section 3, foot: X = unit(MT - CAL), Y = unit(zt x X), Z = X x Y, zt = s * (MT5 - MT1).

    axis None (no MT1, or only CAL and MT2): Y = unit(up - (up.X) X). All (n, 3).
    """
    x = unit(front - heel)
    if axis is None:
        up = np.array([0.0, 1.0, 0.0])
        y = unit(up - (x @ up)[:, None] * x)
    else:
        y = unit(np.cross(axis, x))
    return np.stack([x, y, np.cross(x, y)], axis=-1)


def foot_progression_deg(heel: Array, front: Array, s: int) -> Array:
    """Section 6: v = horizontal part of (MT2 - CAL), FPA = s * atan2(v_Z, v_X), in degrees, toe-out positive."""
    v = front - heel
    return s * np.degrees(np.arctan2(v[:, 2], v[:, 0]))


def calibrate(static: Array, labels: list[str], legs: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Section 3, static trial: joint centres and axes stored in the shank's technical cluster.

    static (n, m, 3) of quiet standing, n frames of at least 1 s; median per marker. Choice: KJC, AJC, both axes
    all live in the shank cluster, whose frame is parallel to the lab in the static trial, origin at its centroid.
    """
    where = dict(zip(labels, np.nanmedian(static, axis=0), strict=True))
    out = {}
    for side, leg in legs.items():
        s = SIDES[side]
        reference = np.array([where[name] for name in leg["shank_cluster"]])
        origin = reference.mean(0)
        out[side] = {
            "cluster": tuple(leg["shank_cluster"]),
            "reference": reference - origin,
            "knee": (where[leg["knee_lateral"]] + where[leg["knee_medial"]]) / 2 - origin,
            "ankle": (where[leg["ankle_lateral"]] + where[leg["ankle_medial"]]) / 2 - origin,
            "proximal": s * (where[leg["knee_lateral"]] - where[leg["knee_medial"]]),
            "distal": s * (where[leg["ankle_lateral"]] - where[leg["ankle_medial"]]),
        }
    return out


def shank_points(get: Any, leg: dict[str, Any], s: int, calibration: dict[str, Any] | None) -> dict[str, Array]:
    """Section 3: knee, ankle, proximal and distal axis (n, 3) and the fit's residual, with or without a static trial.

    Choice: with medial markers in the trial the centres are midpoints of each frame, without any rigid fit.
    """
    if calibration is None:
        knee_l, knee_m = get(leg["knee_lateral"]), get(leg["knee_medial"])
        ankle_l, ankle_m = get(leg["ankle_lateral"]), get(leg["ankle_medial"])
        out = {"knee": (knee_l + knee_m) / 2, "ankle": (ankle_l + ankle_m) / 2}
        out |= {"proximal": s * (knee_l - knee_m), "distal": s * (ankle_l - ankle_m)}
        return out | {"residual": np.zeros(len(knee_l))}
    seen = np.stack([get(name) for name in calibration["cluster"]], axis=1)
    fits = [rigid_fit(calibration["reference"], frame) for frame in seen]
    rotation, shift = np.array([fit[0] for fit in fits]), np.array([fit[1] for fit in fits])
    out = {name: rotate(rotation, calibration[name]) + shift for name in ("knee", "ankle")}
    out |= {name: rotate(rotation, calibration[name]) for name in ("proximal", "distal")}
    return out | {"residual": np.array([fit[2] for fit in fits])}


# ---- inertia (section 3) ------------------------------------------------------------------------------------------

# mass %, COM x y z %, radii xx yy zz %, signed "product radii" xy xz yz %; lengths KJC-AJC and AJC-MT.
DUMAS = {
    ("shank", "female"): (4.5, (-4.9, -40.4, 3.1), (28, 10, 28), (2, 1, 6)),
    ("shank", "male"): (4.8, (-4.8, -41.0, 0.7), (28, 10, 28), (-4, -2, 5)),
    ("foot", "female"): (1.0, (38.2, -30.9, 5.5), (24, 51, 50), (-15, 9, -5)),
    ("foot", "male"): (1.2, (50.2, -19.9, 3.4), (22, 49, 48), (17, -11, 0)),
}
# mass fraction, COM fraction (from the knee; from the heel), radii about sagittal, transverse, longitudinal axis.
DE_LEVA = {
    ("shank", "male"): (0.0433, 0.4395, 0.251, 0.246, 0.102),
    ("shank", "female"): (0.0481, 0.4352, 0.267, 0.263, 0.092),
    ("foot", "male"): (0.0137, 0.4415, 0.257, 0.245, 0.124),
    ("foot", "female"): (0.0129, 0.4014, 0.299, 0.279, 0.139),
}


def inertia(
    table: str, segment: str, s: int, mass_kg: float, shank_m: float, ankle_mt_m: float, heel_mt_m: float
) -> tuple[float, Array, Array]:
    """Section 3: mass in kg, COM in m in the segment's axes, inertia tensor in kg m2 in the segment's axes.

    table: dumas_female, dumas_male, winter, deleva_female, deleva_male or deleva_mean (mean of both rows). The COM
    counts from KJC (shank), from AJC (Dumas foot) or from the heel marker (de Leva foot). For Winter's foot it is
    NaN: it lies half-way on the line AJC-MT, which is no axis of the foot frame. Choice: a signed Dumas entry is the
    tensor's element, sign * m (r L)^2; Winter's long axis is the foot's X; de Leva's sagittal axis is x of the shank
    and y of the foot.
    """
    name, _, sex = table.partition("_")
    length = shank_m if segment == "shank" else ankle_mt_m
    if name == "dumas":
        percent, com, radii, products = DUMAS[segment, sex]
        m = mass_kg * percent / 100
        (xx, yy, zz), (xy, xz, yz) = np.array(radii) / 100, np.array(products) / 100
        xy, xz, yz = xy * abs(xy), s * xz * abs(xz), s * yz * abs(yz)
        tensor = m * length**2 * np.array([[xx**2, xy, xz], [xy, yy**2, yz], [xz, yz, zz**2]])
        return m, length * np.array([com[0], com[1], s * com[2]]) / 100, tensor
    if name == "winter":
        if segment == "shank":
            m, r = 0.0465 * mass_kg, 0.302 * length
            return m, np.array([0.0, -0.433 * length, 0.0]), m * r**2 * np.diag([1.0, 0.0, 1.0])
        m, r = 0.0145 * mass_kg, 0.475 * length
        return m, np.full(3, np.nan), m * r**2 * np.diag([0.0, 1.0, 1.0])
    rows = [DE_LEVA[segment, which] for which in (("male", "female") if sex == "mean" else (sex,))]
    fraction, com_fraction, sagittal, transverse, longitudinal = np.mean(rows, axis=0)
    m = float(fraction * mass_kg)
    if segment == "shank":
        radii_m = shank_m * np.array([sagittal, longitudinal, transverse])
        return m, np.array([0.0, -com_fraction * shank_m, 0.0]), m * np.diag(radii_m**2)
    foot_m = 1.2 * heel_mt_m
    radii_m = foot_m * np.array([longitudinal, sagittal, transverse])
    return m, np.array([com_fraction * foot_m, 0.0, 0.0]), m * np.diag(radii_m**2)


# ---- plates (section 4) -------------------------------------------------------------------------------------------


def cop_plate(force: Array, moment_o: Array, o: Array) -> tuple[Array, Array, Array]:
    """Section 4, plate frame: COPx, COPy about the surface centre S and the free moment Tz; o = vector O to S."""
    m = moment_o - np.cross(o, force)
    x, y = -m[:, 1] / force[:, 2], m[:, 0] / force[:, 2]
    return x, y, m[:, 2] - x * force[:, 1] + y * force[:, 0]


def moment_about(point: Array, origin: Array, force: Array, moment_o: Array) -> Array:
    """Section 4: M = M_O + (O - K) x F."""
    return moment_o + np.cross(origin - point, force)


# ---- motion and moments (section 6) -------------------------------------------------------------------------------


def angular(frames: Array, rate: float) -> tuple[Array, Array]:
    """Angular velocity and acceleration (n, 3) in the lab: w from the skew part of dR/dt R', then dw/dt."""
    turn = np.gradient(frames, 1 / rate, axis=0) @ np.swapaxes(frames, 1, 2)
    skew = (turn - np.swapaxes(turn, 1, 2)) / 2
    w = np.stack([skew[:, 2, 1], skew[:, 0, 2], skew[:, 1, 0]], axis=1)
    return w, np.gradient(w, 1 / rate, axis=0)


def segment_motion(frames: Array, com: Array, tensor: Array, rate: float) -> tuple[Array, Array]:
    """Acceleration of the COM and rate of angular momentum Hd = I a + w x (I w), both (n, 3) in the lab."""
    acceleration = np.gradient(np.gradient(com, 1 / rate, axis=0), 1 / rate, axis=0)
    w, alpha = angular(frames, rate)
    lab = frames @ tensor @ np.swapaxes(frames, 1, 2)
    return acceleration, rotate(lab, alpha) + np.cross(w, rotate(lab, w))


def recursion(k: Array, a: Array, p: Array, f: Array, t: Array, foot: Any, shank: Any) -> Array:
    """Section 6: M_ext = -M_K from the foot up. F acts at P (the COP) with moment T; foot, shank = (m, G, a_G, Hd)."""
    m_f, g_f, a_f, hd_f = foot
    m_s, g_s, a_s, hd_s = shank
    f_a = m_f * (a_f - GRAVITY) - f
    m_a = hd_f - np.cross(p - g_f, f) - t - np.cross(a - g_f, f_a)
    f_k = m_s * (a_s - GRAVITY) + f_a
    m_k = hd_s + m_a + np.cross(a - g_s, f_a) - np.cross(k - g_s, f_k)
    return -m_k


def closed_form(k: Array, p: Array, f: Array, t: Array, foot: Any, shank: Any) -> Array:
    """Section 6: M_ext = (COP - K) x F + T - SUM [(G - K) x m (a - g) + Hd]."""
    total = np.cross(p - k, f) + t
    for m, g, acceleration, hd in (foot, shank):
        total = total - np.cross(g - k, m * (acceleration - GRAVITY)) - hd
    return total


def kam_kfm(moment_ext: Array, tibia: Array, s: int) -> tuple[Array, Array]:
    """Section 6: KAM = s * M_ext . X_tibia (adduction +), KFM = -M_ext . Z_tibia (flexion +)."""
    return s * np.sum(moment_ext * tibia[:, :, 0], axis=1), -np.sum(moment_ext * tibia[:, :, 2], axis=1)


# ---- steps (sections 5 and 6) -------------------------------------------------------------------------------------


def stances(
    vertical: Array, rate: float, on: float = 50, off: float = 30, hold_s: float = 0.02
) -> list[tuple[float, float]]:
    """Section 5: (contact, toe-off) in s after sample 0, of whole stances of 0.35-1.2 s.

    Contact: rise through `on` that stays hold_s, back-dated to the crossing of `off`; toe-off: fall through `off` that
    stays hold_s. Choice: `vertical` is low-passed at 25 Hz, zero lag; crossings are interpolated between samples.
    """
    fz = low_pass(vertical, rate, 25.0)
    hold = round(hold_s * rate)
    out = []
    start: float | None = None
    down = bool(fz[0] < off)
    for i in range(1, len(fz) - hold):
        if down and fz[i - 1] <= on < fz[i] and np.all(fz[i : i + hold + 1] > on):
            j = i
            while j > 0 and fz[j - 1] >= off:
                j -= 1
            start = (j - 1 + (off - fz[j - 1]) / (fz[j] - fz[j - 1])) / rate if j > 0 else None
            down = False
        elif not down and fz[i - 1] >= off > fz[i] and np.all(fz[i : i + hold + 1] < off):
            end = (i - 1 + (fz[i - 1] - off) / (fz[i - 1] - fz[i])) / rate
            if start is not None and 0.35 <= end - start <= 1.2:
                out.append((start, end))
            start, down = None, True
    return out


def largest(curve: Array, window: tuple[int, int]) -> tuple[float, float, bool]:
    """Section 6: maximum of a 201-point curve over window[0]..window[1], its % of stance, whether a true local one."""
    i = window[0] + int(np.argmax(curve[window[0] : window[1] + 1]))
    left, right = curve[max(i - 1, 0)], curve[min(i + 1, POINTS - 1)]
    return float(curve[i]), 100 * i / (POINTS - 1), bool(curve[i] > left and curve[i] >= right)


def step_of(curves: dict[str, Array], s: int, start: float, end: float, mass: float, height: float) -> dict[str, float]:
    """Section 6: one stance's numbers, named as the project's step table names them.

    kfm_nm is the maximum over the whole stance, kfm_inner_nm over points 6-194. Choice: FPA is the mean of points
    40-120 of the 201.
    """
    time = np.linspace(start, end, POINTS)
    at = {name: np.interp(time, curves["time_s"], curves[name]) for name in curves if curves[name].ndim == 1}
    kam1, kam1_at, kam1_peak = largest(at["kam_nm"], WINDOW_1)
    kam2, kam2_at, kam2_peak = largest(at["kam_nm"], WINDOW_2)
    kfm, kfm_at, _ = largest(at["kfm_nm"], (0, POINTS - 1))
    impulse = float(np.trapezoid(np.maximum(at["kam_nm"], 0), time))
    percent = 100 / (mass * 9.81 * height)
    return {
        "side": s, "start_s": start, "end_s": end, "fpa_deg": float(np.mean(at["fpa_deg"][40:121])),
        "kam1_nm": kam1, "kam2_nm": kam2, "kam1_nm_per_kg": kam1 / mass, "kam2_nm_per_kg": kam2 / mass,
        "kam1_pct_bwht": kam1 * percent, "kam2_pct_bwht": kam2 * percent,
        "kam1_stance_pct": kam1_at, "kam2_stance_pct": kam2_at,
        "kam1_is_peak": kam1_peak, "kam2_is_peak": kam2_peak,
        "kam_impulse_nm_s": impulse, "kam_impulse_pct_bwht_s": impulse * percent,
        "kfm_nm": kfm, "kfm_stance_pct": kfm_at, "kfm_inner_nm": largest(at["kfm_nm"], (6, 194))[0],
        "kam1_leverarm_nm": largest(at["kam_leverarm_nm"], WINDOW_1)[0],
        "kam2_leverarm_nm": largest(at["kam_leverarm_nm"], WINDOW_2)[0],
    }  # fmt: skip


def leg_curves(
    get: Any, leg: dict[str, Any], s: int, time: Array, rate: float, wrench: Array, origin: Array,
    mass: float, table: str, tibia: str, calibration: dict[str, Any] | None,
) -> dict[str, Array]:  # fmt: skip
    """Sections 3, 4, 6: every per-frame curve of one leg from filtered markers and the filtered wrench (n, 6)."""
    shank = shank_points(get, leg, s, calibration)
    knee, ankle = shank["knee"], shank["ankle"]
    shank_axes = tibia_frame(knee, ankle, shank["proximal"])
    heel = get(leg["heel"])
    pair = bool(leg.get("mt1") and leg.get("mt5"))
    front = (get(leg["mt1"]) + get(leg["mt5"])) / 2 if pair else get(leg["mt2"])
    foot_axes = foot_frame(heel, front, s * (get(leg["mt5"]) - get(leg["mt1"])) if pair else None)

    # Choice: lengths are the record's medians, so that masses stay rigid while skin markers move.
    lengths = [float(np.nanmedian(np.linalg.norm(d, axis=1))) for d in (knee - ankle, ankle - front, front - heel)]
    m_s, com_s, tensor_s = inertia(table, "shank", s, mass, *lengths)
    m_f, com_f, tensor_f = inertia(table, "foot", s, mass, *lengths)
    g_s = knee + rotate(shank_axes, com_s)
    if table == "winter":
        g_f = (ankle + front) / 2
    else:
        g_f = (heel if table.startswith("deleva") else ankle) + rotate(foot_axes, com_f)
    shank_body = (m_s, g_s, *segment_motion(shank_axes, g_s, tensor_s, rate))
    foot_body = (m_f, g_f, *segment_motion(foot_axes, g_f, tensor_f, rate))

    force = wrench[:, :3]
    at_ankle = moment_about(ankle, origin, force, wrench[:, 3:])  # the same wrench, moved: no COP needed
    moment = recursion(knee, ankle, ankle, force, at_ankle, foot_body, shank_body)
    lever = moment_about(knee, origin, force, wrench[:, 3:])
    distal, lab = tibia_frame(knee, ankle, shank["distal"]), np.broadcast_to(np.eye(3), shank_axes.shape)
    shown = {"proximal": shank_axes, "distal": distal, "lab": lab}[tibia]
    kam, kfm = kam_kfm(moment, shown, s)
    kam_lever, kfm_lever = kam_kfm(lever, shown, s)
    toe = get(leg["mt2"]) if leg.get("mt2") else front
    return {
        "time_s": time, "kam_nm": kam, "kfm_nm": kfm, "kam_leverarm_nm": kam_lever, "kfm_leverarm_nm": kfm_lever,
        "closed_nm": kam_kfm(closed_form(knee, ankle, force, at_ankle, foot_body, shank_body), shown, s)[0],
        "fpa_deg": foot_progression_deg(heel, toe, s), "fz_n": force[:, 1], "residual_m": shank["residual"],
        "knee_m": knee, "ankle_m": ankle, "tibia": shank_axes, "foot": foot_axes,
    }  # fmt: skip


def analyse(
    markers: Array, labels: list[str], legs: dict[str, dict[str, Any]], *, marker_rate: float,
    plates: dict[str, tuple[Array, Array]], force_rate: float, mass: float, height: float,
    sex: str | None = None, inertia_table: str | None = None, filter_hz: float = 15.0, tibia: str = "proximal",
    calibration: dict[str, Any] | None = None, marker_start_s: float = 0.0, force_start_s: float = 0.0,
) -> tuple[list[dict[str, float]], dict[str, dict[str, Array]]]:  # fmt: skip
    """Steps of both feet, in order of toe-off, and per-frame curves by side.

    markers (n, m, 3) in m, lab axes; legs: side -> role -> label, roles as in labfeedback.markerset.Leg; plates:
    side -> (wrench (k, 6): force on the subject and moment about O in lab axes, O (3,)). Times in s count from the
    same zero as the two start times. sex male, female or None picks the inertia unless inertia_table names one.
    """
    table = inertia_table or ("winter" if sex is None else f"dumas_{sex}")  # section 3's defaults
    smooth = low_pass(mark_missing(markers), marker_rate, filter_hz)
    time = marker_start_s + np.arange(len(markers)) / marker_rate
    steps, curves = [], {}
    for side, leg in legs.items():
        s = SIDES[side]
        raw, origin = plates[side]
        sample_time = force_start_s + np.arange(len(raw)) / force_rate
        filtered = low_pass(raw, force_rate, filter_hz)
        wrench = np.stack([np.interp(time, sample_time, filtered[:, c], np.nan, np.nan) for c in range(6)], axis=1)
        curves[side] = leg_curves(
            lambda name: smooth[:, labels.index(name)], leg, s, time, marker_rate, wrench, origin,
            mass, table, tibia, (calibration or {}).get(side),
        )  # fmt: skip
        for start, end in stances(raw[:, 1], force_rate):
            start, end = start + force_start_s, end + force_start_s
            if start >= time[0] and end <= time[-1]:
                steps.append(step_of(curves[side], s, start, end, mass, height))
    return sorted(steps, key=lambda step: step["end_s"]), curves
