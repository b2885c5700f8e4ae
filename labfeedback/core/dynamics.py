"""Newton-Euler from the foot up: the external moment about the knee through one stance (SCIENCE.md section 6)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from labfeedback.core.anatomy import leg_frames
from labfeedback.core.inertia import COM, DELEVA_FOOT, FOOT_KIND, FOOT_PART, MASS, TENSOR
from labfeedback.core.kernel import kernel
from labfeedback.core.legpoints import AJC, EXPRESS, FOOT, FRAME_ROWS, FRONT, HEEL, KJC, TIBIA

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
GRAVITY = 9.81


@kernel("void(f8[:,:,::1], i8, f8, f8[:,::1])")
def angular_velocity(frames: Array, first: int, dt: float, out: Array) -> None:
    """out (n, 3) rad/s, lab axes, of the triad in frames[:, first:first + 3, :], by central differences; ends NaN.

    The turn from the frame before to the frame after has the axis of its skew part, whose length is the sine of the
    angle; the series of the arc sine is exact to 1e-7 for the 0.1 rad that a leg turns in 10 ms.
    """
    n = len(frames)
    for c in range(3):
        out[0, c] = np.nan
        out[n - 1, c] = np.nan
    for k in range(1, n - 1):
        # turn[i, j] = sum over the three axes of axis_after[i] axis_before[j]
        x = y = z = 0.0
        for a in range(3):
            b0 = frames[k - 1, first + a, 0]
            b1 = frames[k - 1, first + a, 1]
            b2 = frames[k - 1, first + a, 2]
            e0 = frames[k + 1, first + a, 0]
            e1 = frames[k + 1, first + a, 1]
            e2 = frames[k + 1, first + a, 2]
            x += 0.5 * (e2 * b1 - e1 * b2)
            y += 0.5 * (e0 * b2 - e2 * b0)
            z += 0.5 * (e1 * b0 - e0 * b1)
        square = x * x + y * y + z * z
        scale = (1.0 + square / 6.0 + 3.0 * square * square / 40.0) / (2.0 * dt)
        out[k, 0] = x * scale
        out[k, 1] = y * scale
        out[k, 2] = z * scale


@kernel("void(f8[:,:,::1], i8, i8, f8[::1], i8, f8, f8[::1], f8[::1], f8[::1])")
def rate_of_angular_momentum(
    frames: Array, k: int, first: int, inertia: Array, part: int, square_length: float, w: Array, a: Array, out: Array
) -> None:
    """out (3,) = I alpha + w x (I w) in lab axes; the tensor is inertia[part + TENSOR ...] m L^2 in segment axes."""
    mass = inertia[part + MASS]
    wl = np.empty(3)
    al = np.empty(3)
    for r in range(3):
        wl[r] = frames[k, first + r, 0] * w[0] + frames[k, first + r, 1] * w[1] + frames[k, first + r, 2] * w[2]
        al[r] = frames[k, first + r, 0] * a[0] + frames[k, first + r, 1] * a[1] + frames[k, first + r, 2] * a[2]
    j = part + TENSOR
    scale = mass * square_length
    xx, yy, zz = inertia[j] * scale, inertia[j + 1] * scale, inertia[j + 2] * scale
    xy, xz, yz = inertia[j + 3] * scale, inertia[j + 4] * scale, inertia[j + 5] * scale
    h0 = xx * wl[0] + xy * wl[1] + xz * wl[2]
    h1 = xy * wl[0] + yy * wl[1] + yz * wl[2]
    h2 = xz * wl[0] + yz * wl[1] + zz * wl[2]
    d0 = xx * al[0] + xy * al[1] + xz * al[2] + wl[1] * h2 - wl[2] * h1
    d1 = xy * al[0] + yy * al[1] + yz * al[2] + wl[2] * h0 - wl[0] * h2
    d2 = xz * al[0] + yz * al[1] + zz * al[2] + wl[0] * h1 - wl[1] * h0
    for c in range(3):
        out[c] = frames[k, first, c] * d0 + frames[k, first + 1, c] * d1 + frames[k, first + 2, c] * d2


@kernel("void(f8[:,:,::1], f8[:,::1], f8, f8, i8[::1], f8[::1], f8[:,::1])")
def stance_moments(points: Array, wrench: Array, dt: float, s: float, kinds: Ints, inertia: Array, out: Array) -> None:
    """KAM, KFM and their lever-arm estimates for every frame of a window.

    points: (n, 8 or more, 3) m, filtered, lab frame. wrench: (n, 6) N and Nm about the lab origin, filtered, at the
    frames. s: +1 right, -1 left. inertia: (21,) of `segment_inertia`.
    out: (n, 4) Nm: KAM, KFM (Newton-Euler), KAM, KFM (lever arm). The two frames at each end are NaN: the
    accelerations there have no neighbours.
    """
    n = len(points)
    frames = np.empty((n, FRAME_ROWS, 3))
    com = np.empty((n, 2, 3))
    for k in range(n):
        leg_frames(points[k], s, kinds, frames[k])
    shank_length = 0.0
    foot_length = 0.0
    for k in range(n):
        d0 = frames[k, KJC, 0] - frames[k, AJC, 0]
        d1 = frames[k, KJC, 1] - frames[k, AJC, 1]
        d2 = frames[k, KJC, 2] - frames[k, AJC, 2]
        shank_length += math.sqrt(d0 * d0 + d1 * d1 + d2 * d2)
        if inertia[FOOT_KIND] == 2.0:
            d0 = frames[k, FRONT, 0] - points[k, HEEL, 0]
            d1 = frames[k, FRONT, 1] - points[k, HEEL, 1]
            d2 = frames[k, FRONT, 2] - points[k, HEEL, 2]
            foot_length += DELEVA_FOOT * math.sqrt(d0 * d0 + d1 * d1 + d2 * d2)
        else:
            d0 = frames[k, FRONT, 0] - frames[k, AJC, 0]
            d1 = frames[k, FRONT, 1] - frames[k, AJC, 1]
            d2 = frames[k, FRONT, 2] - frames[k, AJC, 2]
            foot_length += math.sqrt(d0 * d0 + d1 * d1 + d2 * d2)
    shank_length /= n
    foot_length /= n
    for k in range(n):
        for c in range(3):
            com[k, 0, c] = frames[k, KJC, c]
            for a in range(3):
                com[k, 0, c] += inertia[COM + a] * shank_length * frames[k, TIBIA + a, c]
            f = inertia[FOOT_PART + COM]
            if inertia[FOOT_KIND] == 2.0:
                com[k, 1, c] = points[k, HEEL, c] + f * DELEVA_FOOT * (frames[k, FRONT, c] - points[k, HEEL, c])
            elif inertia[FOOT_KIND] == 1.0:
                com[k, 1, c] = frames[k, AJC, c] + f * (frames[k, FRONT, c] - frames[k, AJC, c])
            else:
                com[k, 1, c] = frames[k, AJC, c]
                for a in range(3):
                    com[k, 1, c] += inertia[FOOT_PART + COM + a] * foot_length * frames[k, FOOT + a, c]
    w = np.empty((2, n, 3))
    angular_velocity(frames, TIBIA, dt, w[0])
    angular_velocity(frames, FOOT, dt, w[1])
    alpha = np.empty(3)
    hd_shank = np.empty(3)
    hd_foot = np.empty(3)
    ma = np.empty((2, 3))  # m (a - g) of shank and foot
    for k in range(n):
        if k < 2 or k >= n - 2:
            for c in range(4):
                out[k, c] = np.nan
            continue
        for seg in range(2):
            for c in range(3):
                alpha[c] = (w[seg, k + 1, c] - w[seg, k - 1, c]) / (2.0 * dt)
                acc = (com[k + 1, seg, c] - 2.0 * com[k, seg, c] + com[k - 1, seg, c]) / (dt * dt)
                ma[seg, c] = inertia[FOOT_PART * seg + MASS] * (acc + (GRAVITY if c == 1 else 0.0))
            if seg == 0:
                rate_of_angular_momentum(
                    frames, k, TIBIA, inertia, 0, shank_length * shank_length, w[0, k], alpha, hd_shank
                )
            else:
                rate_of_angular_momentum(
                    frames, k, FOOT, inertia, FOOT_PART, foot_length * foot_length, w[1, k], alpha, hd_foot
                )
        fx, fy, fz = wrench[k, 0], wrench[k, 1], wrench[k, 2]
        # Foot: F_A = m (a - g) - F; M_A = Hd - (moment of the plate about G) - (A - G) x F_A
        gx, gy, gz = com[k, 1, 0], com[k, 1, 1], com[k, 1, 2]
        ax, ay, az = ma[1, 0] - fx, ma[1, 1] - fy, ma[1, 2] - fz
        rx, ry, rz = frames[k, AJC, 0] - gx, frames[k, AJC, 1] - gy, frames[k, AJC, 2] - gz
        mx = hd_foot[0] - (wrench[k, 3] - (gy * fz - gz * fy)) - (ry * az - rz * ay)
        my = hd_foot[1] - (wrench[k, 4] - (gz * fx - gx * fz)) - (rz * ax - rx * az)
        mz = hd_foot[2] - (wrench[k, 5] - (gx * fy - gy * fx)) - (rx * ay - ry * ax)
        # Shank: F_K = m (a - g) + F_A; M_K = Hd + M_A + (A - G) x F_A - (K - G) x F_K
        gx, gy, gz = com[k, 0, 0], com[k, 0, 1], com[k, 0, 2]
        kx, ky, kz = ma[0, 0] + ax, ma[0, 1] + ay, ma[0, 2] + az
        rx, ry, rz = frames[k, AJC, 0] - gx, frames[k, AJC, 1] - gy, frames[k, AJC, 2] - gz
        px, py, pz = frames[k, KJC, 0] - gx, frames[k, KJC, 1] - gy, frames[k, KJC, 2] - gz
        mx = hd_shank[0] + mx + (ry * az - rz * ay) - (py * kz - pz * ky)
        my = hd_shank[1] + my + (rz * ax - rx * az) - (pz * kx - px * kz)
        mz = hd_shank[2] + mz + (rx * ay - ry * ax) - (px * ky - py * kx)
        # The external moment is minus the one that the thigh puts on the shank.
        out[k, 0] = s * -(mx * frames[k, EXPRESS, 0] + my * frames[k, EXPRESS, 1] + mz * frames[k, EXPRESS, 2])
        out[k, 1] = mx * frames[k, EXPRESS + 2, 0] + my * frames[k, EXPRESS + 2, 1] + mz * frames[k, EXPRESS + 2, 2]
        x, y, z = frames[k, KJC, 0], frames[k, KJC, 1], frames[k, KJC, 2]
        ex = wrench[k, 3] - (y * fz - z * fy)
        ey = wrench[k, 4] - (z * fx - x * fz)
        ez = wrench[k, 5] - (x * fy - y * fx)
        out[k, 2] = s * (ex * frames[k, EXPRESS, 0] + ey * frames[k, EXPRESS, 1] + ez * frames[k, EXPRESS, 2])
        out[k, 3] = -(ex * frames[k, EXPRESS + 2, 0] + ey * frames[k, EXPRESS + 2, 1] + ez * frames[k, EXPRESS + 2, 2])
