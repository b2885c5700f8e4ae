"""What the start page must know of the chosen study, person and protocol; read in a process of its own."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

from labfeedback.errors import LabError
from labfeedback.records import EventCode
from labfeedback.study import Session


def look(study: str, subject: str, protocol: str) -> dict[str, Any]:
    """{"trouble", "person", "side", "blinded", "visit", "of", "walked", "cut", "calibration", "calibrate_to"}.

    visit: the next one of this protocol. of: how many it has. walked: a line about the person's visits so far. cut: of
    a visit of today that has not ended, or None. calibration: today's newest file. calibrate_to: where a new one goes,
    without its time.
    """
    from labfeedback.protocol_file import load_protocol
    from labfeedback.study import label_of, open_study
    from labfeedback.subject import load_subject

    out: dict[str, Any] = {"trouble": "", "person": "", "side": "", "blinded": False, "visit": 1, "of": 0, "walked": "",
                           "cut": None, "calibration": "", "calibrate_to": ""}  # fmt: skip
    person = load_subject(Path(subject))
    document = load_protocol(protocol)
    out |= {"person": person.id, "side": person.trained_side or "", "of": document.visits}
    folder = Path(study)
    if not (folder / "dataset_description.json").exists():
        if folder.is_dir() and any(folder.iterdir()):
            out["trouble"] = f"{folder} is no study folder and is not empty: choose another, or an empty one"
        return out
    found = open_study(folder)
    out["blinded"] = found.allocation is not None
    ended, walked = 0, []
    for session in found.sessions(person.id):
        known = _of_session(session)
        if known is None:
            continue
        walked.append(session.task)
        if known["protocol"] == document.id:
            ended = max(ended, known["visit"] if known["ended"] else 0)
            out["cut"] = None if known["ended"] else _cut(known)
    out["visit"] = min(ended + 1, document.visits)
    if out["cut"]:
        out["visit"] = out["cut"]["visit"]
    many = "visit" if len(walked) == 1 else "visits"
    out["walked"] = f"{len(walked)} {many} so far, the last a {walked[-1]}" if walked else "no visit so far"
    mine = folder / f"sub-{label_of(person.id)}"
    today = datetime.date.today().strftime("%Y%m%d")
    made = sorted(mine.glob(f"*_date-{today}T*.calibration.json"))
    out["calibration"] = str(made[-1]) if made else ""
    out["calibrate_to"] = str(mine / f"{mine.name}_date-")
    return out


def warm() -> None:
    """Compile the kernels where this computer has not yet: the first check would otherwise wait half a minute."""
    from labfeedback.fingerprint import use_own_kernel_cache

    use_own_kernel_cache()
    import labfeedback.engine  # noqa: F401 - importing it is what compiles


def _of_session(session: Session) -> dict[str, Any] | None:
    """Protocol, visit, whether it ended; None where nothing of it can be read."""
    from labfeedback.recording.layout import final_path
    from labfeedback.recording.reader import Recording
    from labfeedback.report.visited import text_of

    paths = {final_path(path) for path in session.folder.glob(f"{session.stem}_run-*_visit*.h5")}
    if not paths:
        return None
    try:
        with Recording.open(max(paths)) as recording:
            visit = json.loads(recording.start.text).get("visit") or {}
            events = recording.table("events")
    except (LabError, OSError, ValueError, KeyError):
        return None
    began = [text_of(e) for e in events if int(e["code"]) == EventCode.BLOCK_BEGAN]
    return {
        "protocol": visit.get("document", {}).get("id", ""), "visit": int(visit.get("number", 1)),
        "date": str(visit.get("date", "")), "block": began[-1].partition(",")[0] if began else "its beginning",
        "ended": any(int(e["code"]) == EventCode.VISIT_ENDED for e in events),
    }  # fmt: skip


def _cut(known: dict[str, Any]) -> dict[str, Any] | None:
    """Only a visit of today can go on: markers sit elsewhere tomorrow."""
    if known["date"][:10] != datetime.date.today().isoformat():
        return None
    return {"visit": known["visit"], "clock": known["date"][11:16], "block": known["block"]}
