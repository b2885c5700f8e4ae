"""A walker with known truth (SCIENCE.md section 9): no clock, no network, and none of the engine's arithmetic.

`Walker` makes marker and plate samples in data time; `Walker.truth` holds what every step really was.
"""

from __future__ import annotations

from devices.walker.faults import FAULTS, Fault, parse_fault
from devices.walker.walk import Chunk, Piece, Walker

__all__ = ["FAULTS", "Chunk", "Fault", "Piece", "Walker", "parse_fault"]
