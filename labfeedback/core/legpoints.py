"""The order in which every kernel finds one leg's markers: eight anatomical roles, then two clusters."""

from __future__ import annotations

from typing import Final

KNEE_LATERAL: Final = 0
KNEE_MEDIAL: Final = 1
ANKLE_LATERAL: Final = 2
ANKLE_MEDIAL: Final = 3
HEEL: Final = 4
MT1: Final = 5
MT2: Final = 6
MT5: Final = 7
ROLES: Final = 8

ROLE_NAMES: Final = (
    "knee_lateral", "knee_medial", "ankle_lateral", "ankle_medial", "heel", "mt1", "mt2", "mt5",
)  # fmt: skip

# Rows of what `anatomy.leg_frames` writes.
KJC: Final = 0
AJC: Final = 1
FRONT: Final = 2
TIBIA: Final = 3  # three rows: X, Y, Z of the anatomical (proximal) tibia
FOOT: Final = 6
EXPRESS: Final = 9  # the axes that KAM and KFM are expressed in
FRAME_ROWS: Final = 12

# How a leg is read: entries of its `kinds` vector.
FOOT_FROM_MT2: Final = 0  # 0: the foot's axis ends at the midpoint of MT1 and MT5; 1: at MT2
ANGLE_FROM_MT2: Final = 1  # 0: FPA towards the midpoint of MT1 and MT5; 1: towards MT2
EXPRESS_IN: Final = 2  # 0 proximal tibia, 1 distal tibia, 2 lab
