"""The operator's part of a blinded visit's numbers."""

from __future__ import annotations

from typing import Any, Final

from labfeedback import veil

OF_VISIT: Final = (
    "subject", "side", "date", "visit", "visits", "recordings", "ended", "walked_minutes", "steps", "pain",
    "latency_ms", "calibration", "answers", "software", "note",
)  # fmt: skip
OF_BLOCK: Final = (
    "title", "measures", "from_minute", "minutes", "ended", "repeated", "speed_m_s", "cadence_per_min",
    "feedback_minutes",
)  # fmt: skip


def veiled_numbers(found: dict[str, Any]) -> dict[str, Any]:
    """What of `numbers` a blinded operator may know: blocks, pain, incidents and steps; no load, angle, target, arm.

    Nothing of the steps against their target, not even the share in the band: a person whose target is their own walk
    is in it from the first step on, and stays there without feedback; one who learns a change is not and does not.
    """
    blocks = []
    for block in found["blocks"]:
        sides = {name: {"steps": side["steps"]} for name, side in block["sides"].items()}
        kept = {name: block[name] for name in OF_BLOCK}
        blocks.append({**kept, "id": veil.unnamed(block["id"]), "sides": sides})
    incidents = [
        {"minute": one["minute"], "what": said}
        for one in found["incidents"]
        if (said := veil.sentence(one["code"], one["what"])) is not None
    ]
    return {
        **{name: found[name] for name in OF_VISIT},
        "protocol": {name: found["protocol"][name] for name in ("id", "version", "title", "purpose")},
        # What was noted before the walk may name its target; what the operator noted is the operator's.
        "notes": [one for one in found["notes"] if one["what"] not in found["remarks"]],
        "blocks": blocks,
        "incidents": incidents,
        "training": {},
    }
