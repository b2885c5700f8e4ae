"""Where a rigid cluster of markers is: the least-squares rotation and translation.

Quaternion form (Horn, J Opt Soc Am A 4:629, 1987): the rotation is the eigenvector of the largest eigenvalue of a 4x4
matrix. The eigenvalue comes from Newton's method on the characteristic polynomial, the vector from the adjugate
(Theobald, Acta Cryst A61:478, 2005): a third of the cost of an SVD and no LAPACK, whose bits depend on the machine.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labfeedback.core.kernel import kernel

Array = NDArray[np.float64]
LEAST_SPREAD: Final = 1e-3


@kernel("f8(f8,f8,f8,f8,f8,f8,f8,f8,f8)")
def determinant(a: float, b: float, c: float, d: float, e: float, f: float, g: float, h: float, i: float) -> float:
    """Determinant of [[a b c] [d e f] [g h i]]."""
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)


@kernel("b1(f8[:,::1], f8[:,::1], i8[::1])")
def on_one_line(reference: Array, points: Array, members: NDArray[np.int64]) -> bool:
    """Whether the visible members span no plane in either pose, so that the turn about their line is unknown.

    That is: none lies further from the line through two of them than LEAST_SPREAD of its length (0.1 mm beside a line
    of 100 mm). On a line the largest eigenvalue is double, and rounding alone would choose a turn.
    """
    for pose in range(2):
        first = -1
        longest = 0.0
        ux = uy = uz = 0.0
        for j in range(len(members)):
            if not math.isnan(points[members[j], 0]):
                if first < 0:
                    first = j
                elif pose == 0:
                    x = reference[j, 0] - reference[first, 0]
                    y = reference[j, 1] - reference[first, 1]
                    z = reference[j, 2] - reference[first, 2]
                    if x * x + y * y + z * z > longest:
                        longest = x * x + y * y + z * z
                        ux, uy, uz = x, y, z
                else:
                    x = points[members[j], 0] - points[members[first], 0]
                    y = points[members[j], 1] - points[members[first], 1]
                    z = points[members[j], 2] - points[members[first], 2]
                    if x * x + y * y + z * z > longest:
                        longest = x * x + y * y + z * z
                        ux, uy, uz = x, y, z
        widest = 0.0
        for j in range(len(members)):
            if not math.isnan(points[members[j], 0]):
                if pose == 0:
                    x = reference[j, 0] - reference[first, 0]
                    y = reference[j, 1] - reference[first, 1]
                    z = reference[j, 2] - reference[first, 2]
                else:
                    x = points[members[j], 0] - points[members[first], 0]
                    y = points[members[j], 1] - points[members[first], 1]
                    z = points[members[j], 2] - points[members[first], 2]
                cx = y * uz - z * uy
                cy = z * ux - x * uz
                cz = x * uy - y * ux
                square = cx * cx + cy * cy + cz * cz
                if square > widest:
                    widest = square
        # widest = (length * distance to the line)^2
        if widest <= LEAST_SPREAD * LEAST_SPREAD * longest * longest:
            return True
    return False


@kernel("f8(f8[:,::1], f8[:,::1], i8[::1], f8[:,::1], f8[::1])")
def rigid_fit(reference: Array, points: Array, members: NDArray[np.int64], turn: Array, shift: Array) -> float:
    """Fit points[members] = turn @ reference + shift over the members that are not NaN.

    reference: (k, 3) m, the cluster in its calibration pose. points: (m, 3) m, one frame. members: (k,) rows of points.
    Writes turn (3, 3) and shift (3,). Returns the root-mean-square residual in m; NaN, with turn and shift NaN, when
    fewer than three members are visible or those lie on one line.
    """
    nan = np.nan
    visible = 0
    ra0 = ra1 = ra2 = rb0 = rb1 = rb2 = 0.0
    for j in range(len(members)):
        p = members[j]
        if not math.isnan(points[p, 0]):
            visible += 1
            ra0 += reference[j, 0]
            ra1 += reference[j, 1]
            ra2 += reference[j, 2]
            rb0 += points[p, 0]
            rb1 += points[p, 1]
            rb2 += points[p, 2]
    for r in range(3):
        shift[r] = nan
        for c in range(3):
            turn[r, c] = nan
    if visible < 3:
        return nan
    ra0 /= visible
    ra1 /= visible
    ra2 /= visible
    rb0 /= visible
    rb1 /= visible
    rb2 /= visible
    xx = xy = xz = yx = yy = yz = zx = zy = zz = 0.0
    inner = 0.0
    for j in range(len(members)):
        p = members[j]
        if not math.isnan(points[p, 0]):
            a0 = reference[j, 0] - ra0
            a1 = reference[j, 1] - ra1
            a2 = reference[j, 2] - ra2
            b0 = points[p, 0] - rb0
            b1 = points[p, 1] - rb1
            b2 = points[p, 2] - rb2
            inner += a0 * a0 + a1 * a1 + a2 * a2 + b0 * b0 + b1 * b1 + b2 * b2
            xx += a0 * b0
            xy += a0 * b1
            xz += a0 * b2
            yx += a1 * b0
            yy += a1 * b1
            yz += a1 * b2
            zx += a2 * b0
            zy += a2 * b1
            zz += a2 * b2
    half = 0.5 * inner
    if half <= 0.0 or on_one_line(reference, points, members):
        return nan
    # The symmetric 4x4 matrix of Horn; k01 is row 0, column 1.
    k00 = xx + yy + zz
    k01 = yz - zy
    k02 = zx - xz
    k03 = xy - yx
    k11 = xx - yy - zz
    k12 = xy + yx
    k13 = zx + xz
    k22 = -xx + yy - zz
    k23 = yz + zy
    k33 = -xx - yy + zz
    c2 = -2.0 * (xx * xx + xy * xy + xz * xz + yx * yx + yy * yy + yz * yz + zx * zx + zy * zy + zz * zz)
    c1 = -8.0 * determinant(xx, xy, xz, yx, yy, yz, zx, zy, zz)
    c0 = (
        k00 * determinant(k11, k12, k13, k12, k22, k23, k13, k23, k33)
        - k01 * determinant(k01, k12, k13, k02, k22, k23, k03, k23, k33)
        + k02 * determinant(k01, k11, k13, k02, k12, k23, k03, k13, k33)
        - k03 * determinant(k01, k11, k12, k02, k12, k22, k03, k13, k23)
    )
    # The largest root is at most `half`; Newton from there falls monotonically onto it.
    root = half
    for _ in range(50):
        square = root * root
        value = square * square + c2 * square + c1 * root + c0
        slope = 4.0 * square * root + 2.0 * c2 * root + c1
        if slope == 0.0:
            break
        step = value / slope
        root -= step
        if abs(step) <= 1e-15 * half:
            break
    m00 = k00 - root
    m11 = k11 - root
    m22 = k22 - root
    m33 = k33 - root
    # Any non-zero row of the adjugate is the eigenvector; the longest one is the safest.
    best = 0.0
    q0 = q1 = q2 = q3 = 0.0
    for row in range(4):
        if row == 0:
            v0 = determinant(m11, k12, k13, k12, m22, k23, k13, k23, m33)
            v1 = -determinant(k01, k12, k13, k02, m22, k23, k03, k23, m33)
            v2 = determinant(k01, m11, k13, k02, k12, k23, k03, k13, m33)
            v3 = -determinant(k01, m11, k12, k02, k12, m22, k03, k13, k23)
        elif row == 1:
            v0 = -determinant(k01, k02, k03, k12, m22, k23, k13, k23, m33)
            v1 = determinant(m00, k02, k03, k02, m22, k23, k03, k23, m33)
            v2 = -determinant(m00, k01, k03, k02, k12, k23, k03, k13, m33)
            v3 = determinant(m00, k01, k02, k02, k12, m22, k03, k13, k23)
        elif row == 2:
            v0 = determinant(k01, k02, k03, m11, k12, k13, k13, k23, m33)
            v1 = -determinant(m00, k02, k03, k01, k12, k13, k03, k23, m33)
            v2 = determinant(m00, k01, k03, k01, m11, k13, k03, k13, m33)
            v3 = -determinant(m00, k01, k02, k01, m11, k12, k03, k13, k23)
        else:
            v0 = -determinant(k01, k02, k03, m11, k12, k13, k12, m22, k23)
            v1 = determinant(m00, k02, k03, k01, k12, k13, k02, m22, k23)
            v2 = -determinant(m00, k01, k03, k01, m11, k13, k02, k12, k23)
            v3 = determinant(m00, k01, k02, k01, m11, k12, k02, k12, m22)
        size = v0 * v0 + v1 * v1 + v2 * v2 + v3 * v3
        if size > best:
            best = size
            q0, q1, q2, q3 = v0, v1, v2, v3
    # A double largest eigenvalue (a mirrored cluster can have one) makes every row vanish: the turn is undecided.
    scale = half * half * half
    if best <= 1e-16 * scale * scale:
        return nan
    length = math.sqrt(best)
    q0 /= length
    q1 /= length
    q2 /= length
    q3 /= length
    turn[0, 0] = q0 * q0 + q1 * q1 - q2 * q2 - q3 * q3
    turn[0, 1] = 2.0 * (q1 * q2 - q0 * q3)
    turn[0, 2] = 2.0 * (q1 * q3 + q0 * q2)
    turn[1, 0] = 2.0 * (q1 * q2 + q0 * q3)
    turn[1, 1] = q0 * q0 - q1 * q1 + q2 * q2 - q3 * q3
    turn[1, 2] = 2.0 * (q2 * q3 - q0 * q1)
    turn[2, 0] = 2.0 * (q1 * q3 - q0 * q2)
    turn[2, 1] = 2.0 * (q2 * q3 + q0 * q1)
    turn[2, 2] = q0 * q0 - q1 * q1 - q2 * q2 + q3 * q3
    shift[0] = rb0 - (turn[0, 0] * ra0 + turn[0, 1] * ra1 + turn[0, 2] * ra2)
    shift[1] = rb1 - (turn[1, 0] * ra0 + turn[1, 1] * ra1 + turn[1, 2] * ra2)
    shift[2] = rb2 - (turn[2, 0] * ra0 + turn[2, 1] * ra1 + turn[2, 2] * ra2)
    squares = 0.0
    for j in range(len(members)):
        p = members[j]
        if not math.isnan(points[p, 0]):
            for r in range(3):
                e = (
                    turn[r, 0] * reference[j, 0]
                    + turn[r, 1] * reference[j, 1]
                    + turn[r, 2] * reference[j, 2]
                    + shift[r]
                    - points[p, r]
                )
                squares += e * e
    return math.sqrt(squares / visible)
