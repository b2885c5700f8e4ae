"""What the hub publishes: five LSL streams that any LSL tool in the lab can read."""

from __future__ import annotations

import json
from typing import Any, Final

import pylsl

from labfeedback.records import CUE, FRAME, HEALTH, STEP, EventCode, Rows, as_numbers, numeric_fields

_NUMERIC: Final = {
    "frames": (FRAME, "time_s"),
    "steps": (STEP, "known_s"),
    "cues": (CUE, "time_s"),
    "health": (HEALTH, "time_s"),
}
_HELD_S: Final = 10  # what a slow reader may fall behind before it loses rows


class Outlets:
    """`labfeedback-frames`, `-steps`, `-cues`, `-health` (float64, a channel per numeric field), `-events` (JSON)."""

    def __init__(self, session: str) -> None:
        self._outlets: dict[str, Any] = {}
        for table, (dtype, _) in _NUMERIC.items():
            names = numeric_fields(dtype)
            info = pylsl.StreamInfo(
                f"labfeedback-{table}", "labfeedback", len(names), 0.0, "double64", f"labfeedback-{table}-{session}"
            )
            channels = info.desc().append_child("channels")
            for name in names:
                channels.append_child("channel").append_child_value("label", name)
            # With an irregular rate the buffer is counted in hundreds of samples.
            self._outlets[table] = pylsl.StreamOutlet(info, 1, _HELD_S * 5)
        events = pylsl.StreamInfo(
            "labfeedback-events", "labfeedback", 1, 0.0, "string", f"labfeedback-events-{session}"
        )
        self._outlets["events"] = pylsl.StreamOutlet(events, 1, _HELD_S)

    def publish(self, table: str, rows: Rows) -> None:
        """Push every row at once, stamped with its own time."""
        outlet = self._outlets[table]
        if table == "events":
            for row in rows:
                outlet.push_sample([event_json(row)], float(row["time_s"]))
            return
        stamps = rows[_NUMERIC[table][1]]
        values = as_numbers(rows)
        for value, stamp in zip(values, stamps, strict=True):
            outlet.push_chunk(value, float(stamp))


def event_json(row: Any) -> str:
    """One event as the JSON that travels: {"time_s", "code", "name", "side", "value", "text"}."""
    code = int(row["code"])
    return json.dumps(
        {
            "time_s": None if row["time_s"] != row["time_s"] else float(row["time_s"]),
            "code": code,
            "name": EventCode(code).name.lower(),
            "side": int(row["side"]),
            "value": None if row["value"] != row["value"] else float(row["value"]),
            "text": bytes(row["text"]).decode("utf-8", "replace"),
        }
    )
