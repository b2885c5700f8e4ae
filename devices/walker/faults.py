"""What can go wrong on demand, each with a start and an end in data time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from labfeedback.errors import BadSetup

FAULTS: Final[dict[str, str]] = {
    "crossover": "the foot straddles the gap: part of its load is on the other plate",
    "wrong_belt": "the foot lands wholly on the other belt",
    "swapped_plates": "the channels of the two plates are exchanged",
    "flipped_sign": "one plate's channels have the wrong sign",
    "swapped_feet": "the marker labels of left and right are exchanged",
    "yaw": "the markers are turned 2 deg about the vertical, plates are not",
    "skew": "the force stream is 20 ms late",
    "lost_frames": "one marker frame in fifty is missing, in bursts of up to four",
    "duplicated_frames": "one marker frame in fifty is sent twice with one stamp",
    "repeated_value": "the markers of the fault keep their last value",
    "zeros": "the markers of the fault are at 0, 0, 0",
    "nan_markers": "the markers of the fault are missing",
    "marker_swap": "two shank markers exchange their labels",
    "slipped_marker": "the markers of the fault have slipped by 10 mm on the skin and stay there",
    "occluded": "the markers of the fault are hidden for 0.15 s of every 0.8 s",
    "handrail": "10 % of body weight is carried by a handrail",
    "plate_offset": "8 N on every force channel of both plates",
    "dead_channel": "one moment channel of one plate says 0",
    "saturated": "one plate's vertical channel does not go beyond 600 N",
    "drift": "the vertical channel of both plates drifts by 5 N a minute",
    "speed_change": "the belt runs at 80 % of its speed",
    "belt_stop": "the belt stops; both feet stand still and share the weight",
    "silent_forces": "the force stream says nothing",
}
# Faults that belong to whole steps: they change in swing, never within a stance.
STEPWISE: Final = ("crossover", "wrong_belt", "handrail")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault from start_s to end_s of data time.

    side: the foot or plate it happens to, where it happens to one. markers: labels that zeros, nan_markers, occluded,
    slipped_marker and repeated_value touch; empty: heel and one shank marker of `side`.
    """

    name: str
    start_s: float = 0.0
    end_s: float = float("inf")
    side: int = 1
    markers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.name not in FAULTS:
            raise BadSetup(f"no fault is called {self.name!r}; there are {', '.join(FAULTS)}")
        if not self.end_s > self.start_s:
            raise BadSetup(f"fault {self.name}: it ends at {self.end_s} s, before it starts at {self.start_s} s")
        if self.side not in (1, -1):
            raise BadSetup(f"fault {self.name}: side {self.side}, expected +1 (right) or -1 (left)")

    @property
    def touched(self) -> tuple[str, ...]:
        """Labels of the markers that this fault touches."""
        letter = "R" if self.side > 0 else "L"
        return self.markers or (f"{letter}CAL", f"{letter}SH2")

    def overlaps(self, start_s: float, end_s: float) -> bool:
        """True if any part of start_s .. end_s has the fault."""
        return self.start_s < end_s and self.end_s > start_s


def parse_fault(text: str) -> Fault:
    """`NAME`, `NAME@START-END`, `NAME:left@START-`; seconds of data time. Raises BadSetup with the expected form."""
    head, _, when = text.partition("@")
    name, _, side = head.partition(":")
    if side not in ("", "left", "right"):
        raise BadSetup(f"fault {text!r}: side {side!r}, expected left or right")
    try:
        first, _, last = when.partition("-")
        start, end = float(first or 0.0), float(last or "inf")
    except ValueError:
        raise BadSetup(
            f"fault {text!r} is not understood; expected NAME@START-END in seconds, as in yaw@10-20"
        ) from None
    return Fault(name, start, end, -1 if side == "left" else 1)
