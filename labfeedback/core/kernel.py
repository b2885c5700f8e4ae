"""The one decorator of all kernels, so that all obey the same rules.

Explicit signatures: a wrong dtype is a TypeError at once, not a 100 ms compile in the middle of a walk. No fastmath: it
makes isnan blind and lets the compiler reorder sums, and then compiled and plain Python no longer agree to the bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., object])


def kernel(signature: object) -> Callable[[F], F]:
    """Compile eagerly for `signature`, cached on disk, without the GIL, with IEEE division by zero."""
    decorate = numba.njit(signature, cache=True, nogil=True, error_model="numpy", fastmath=False)
    # To a type checker a kernel stays the plain function that it also is when the compiler is off.
    return cast(Callable[[F], F], decorate)
