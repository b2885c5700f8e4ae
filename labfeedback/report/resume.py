"""Where a visit that was cut off stands: its recording through the engine again, to the last record."""

from __future__ import annotations

from pathlib import Path

from labfeedback.errors import BadFile
from labfeedback.protocol.schedule import Standing, Visit
from labfeedback.recording.reader import Recording


def standing_of(path: Path) -> tuple[Visit, Standing, bool]:
    """(the visit, where it goes on, whether it has ended). Raises BadFile where it was not made by a protocol."""
    from labfeedback.fingerprint import use_own_kernel_cache

    use_own_kernel_cache()
    from labfeedback.engine import Engine

    with Recording.open(path) as recording:
        engine = Engine(recording.start)
        records = recording.log(gather=True)
        next(records)  # START
        for record in records:
            engine.feed(record)
    runner = engine.visit
    if runner is None:
        raise BadFile(f"{path}: this walk was not made by a protocol")
    return runner.visit, runner.standing(), runner.state == "over"
