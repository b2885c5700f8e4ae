"""Words and colours of the patient's screen, in one place where a clinician can read them."""

from __future__ import annotations

from typing import Final

from PyQt6.QtGui import QColor

from labfeedback.records import CueState

BACKGROUND: Final = QColor("#0a0e13")
WORDS: Final = QColor("#ffffff")
QUIET_WORDS: Final = QColor("#cfd8e3")
LANE: Final = QColor("#24364a")
LANE_EDGE: Final = QColor("#8fa6bf")
OTHER_FOOT: Final = QColor("#18222d")
# Chosen to stay apart for red-, green- and blue-blind eyes as well (tests/display/test_legible.py measures it).
COLOURS: Final = {
    CueState.GOOD: QColor("#4fe3b0"),
    CueState.TOO_FAR_IN: QColor("#ffa81f"),
    CueState.TOO_FAR_OUT: QColor("#c9a2ff"),
    CueState.NOT_MEASURED: QUIET_WORDS,
}
# What to do, not what was wrong: nothing to translate while walking.
INSTRUCTION: Final = {
    CueState.GOOD: "GOOD",
    CueState.TOO_FAR_IN: "TOE OUT",
    CueState.TOO_FAR_OUT: "TOE IN",
    CueState.NOT_MEASURED: "NOT MEASURED",
}
# Screens without a foot: the words in one or two lines, and a quiet line under them.
NOTICE: Final = {
    CueState.KEEP_WALKING: (("KEEP", "WALKING"), "No feedback right now"),
    CueState.NATURAL: (("WALK", "NATURALLY"), "As you always walk"),
    CueState.ON_YOUR_OWN: (("ON YOUR", "OWN"), "Walk as you have practised"),
    CueState.BELT_STOPPED: (("BELT", "STOPPED"), "Please wait"),
    CueState.PAUSED: (("KEEP", "WALKING"), "Feedback is paused"),
    # People must not stop walking on a moving belt because a screen says that it is over.
    CueState.FINISHED: (("FINISHED",), "Walk until the belt stops"),
}
# Other variables than the foot angle: what to do when the value is too small, when it is too large, and what it is.
GAUGE: Final = {
    "kam1": ("MORE LOAD", "LESS LOAD", "KNEE LOAD"),
    "kam2": ("MORE LOAD", "LESS LOAD", "KNEE LOAD"),
    "kam_impulse": ("MORE LOAD", "LESS LOAD", "KNEE LOAD"),
    "kfm": ("MORE LOAD", "LESS LOAD", "KNEE LOAD"),
    "step_width": ("WIDER", "NARROWER", "STEP WIDTH"),
    "step_length": ("LONGER", "SHORTER", "STEP LENGTH"),
    "stride_length": ("LONGER", "SHORTER", "STEP LENGTH"),
    "cadence": ("QUICKER", "SLOWER", "STEP RATE"),
    "stance_time": ("LONGER", "SHORTER", "STANCE"),
    "double_support": ("LONGER", "SHORTER", "STANCE"),
    "stance_symmetry": ("STAY LONGER", "SHORTER", "STANCE"),
    "weight_distribution": ("MORE WEIGHT", "LESS WEIGHT", "WEIGHT"),
    "pelvis_drop": ("LOWER HIP", "LIFT HIP", "HIPS"),
    "trunk_lean": ("LEAN MORE", "LEAN LESS", "TRUNK"),
    "knee_alignment": ("KNEE OUT", "KNEE IN", "KNEE"),
    "shank_lean": ("KNEE OUT", "KNEE IN", "KNEE"),
}
GAUGE_NAMES: Final = {1: "RIGHT", -1: "LEFT"}
FOOT_NAME: Final = {1: "RIGHT FOOT", -1: "LEFT FOOT"}
