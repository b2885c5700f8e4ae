"""Plays the hub to a real screen in another process and prints what the screen said, as JSON. Run by test_live.py."""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
from pathlib import Path

import numpy as np
import pylsl

from labfeedback.display.program import run
from labfeedback.display.subscriber import Subscriber, use_private_network
from labfeedback.records import (
    CUE,
    HEALTH,
    LEFT,
    RIGHT,
    SHOWN,
    CueState,
    Rows,
    as_numbers,
    from_numbers,
    numeric_fields,
)

SESSION = "visit-1"


class Hub:
    """Outlets for cues and health, and an inlet for what was shown."""

    def __init__(self) -> None:
        self._outlets = {
            table: outlet(table, SESSION, numeric_fields(dtype)) for table, dtype in (("cues", CUE), ("health", HEALTH))
        }
        self.shown: list[dict[str, float]] = []
        self._inlet: pylsl.StreamInlet | None = None
        self.number = 0

    def wait_for_screen(self) -> float:
        """Seconds until the screen listens to both streams."""
        began = time.monotonic()
        found = pylsl.resolve_bypred(f"source_id='labfeedback-shown-{SESSION}'", 1, 30.0)
        self._inlet = pylsl.StreamInlet(found[0])
        self._inlet.open_stream(timeout=10.0)
        for each in self._outlets.values():
            assert each.wait_for_consumers(20.0)
        return time.monotonic() - began

    def _push(self, table: str, row: Rows) -> None:
        self._outlets[table].push_sample(as_numbers(row)[0].tolist(), float(row["time_s"][0]))

    def live(self, seconds: float) -> float:
        """Send health every 20 ms for a while; the time of the last row."""
        end = pylsl.local_clock() + seconds
        row: Rows = np.zeros(1, HEALTH)
        while (now := pylsl.local_clock()) < end:
            row["time_s"] = now
            self._push("health", row)
            self.listen(0.02)
        return float(row["time_s"][0])

    def cue(self, state: CueState, deviation: float = np.nan, *, side: int = LEFT, lasts: float = 30.0) -> float:
        """Send one cue; its time."""
        row: Rows = np.zeros(1, CUE)
        row["cue"], row["time_s"], row["side"], row["state"] = self.number, pylsl.local_clock(), side, state
        row["deviation"], row["band"], row["expires_s"] = deviation, 2.0, row["time_s"] + lasts
        row["good_steps"], row["scored_steps"] = self.number, self.number + 1
        self.number += 1
        self._push("cues", row)
        return float(row["time_s"][0])

    def listen(self, seconds: float) -> None:
        """Gather `shown` rows for a while."""
        assert self._inlet is not None
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            values, _ = self._inlet.pull_chunk(timeout=left, min_samples=1, as_numpy=True)
            if len(values):
                for row in from_numbers(np.asarray(values), SHOWN):
                    self.shown.append({name: float(row[name]) for name in SHOWN.names or ()})

    def close(self) -> None:
        """The hub dies: its streams vanish."""
        self._outlets.clear()


def outlet(table: str, session: str, names: tuple[str, ...]) -> pylsl.StreamOutlet:
    """A stream as the hub publishes it."""
    source = f"labfeedback-{table}-{session}"
    info = pylsl.StreamInfo(f"labfeedback-{table}", "labfeedback", len(names), 0.0, pylsl.cf_double64, source)
    channels = info.desc().append_child("channels")
    for name in names:
        channels.append_child("channel").append_child_value("label", name)
    return pylsl.StreamOutlet(info)


def problem_with(*outlets: pylsl.StreamOutlet, session: str) -> str:
    """What a subscriber says about outlets that it must not listen to."""
    ears = Subscriber(session)
    end = time.monotonic() + 10.0
    while not ears.problem and time.monotonic() < end:
        for each in outlets:
            each.push_sample([1.0] * each.channel_count)
        time.sleep(0.02)
    heard = ears.take()
    ears.close()
    assert heard == (None, None)
    return ears.problem


def main(folder: Path) -> None:
    """One short visit."""
    use_private_network()
    processes = multiprocessing.get_context("spawn")
    stop = processes.Event()
    screen = processes.Process(
        target=run,
        args=(SESSION, "left", {}),
        kwargs={"headless": True, "pictures_dir": folder, "stop": stop},
        daemon=True,
    )
    screen.start()
    hub = Hub()
    said: dict[str, object] = {"start_s": hub.wait_for_screen()}
    hub.live(0.3)
    said["good_s"] = hub.cue(CueState.GOOD, 0.5)
    hub.live(0.3)
    said["in_s"] = hub.cue(CueState.TOO_FAR_IN, -6.0)
    hub.live(0.3)
    hub.cue(CueState.TOO_FAR_OUT, 8.0, side=RIGHT)
    hub.live(0.3)
    said["short_s"] = hub.cue(CueState.TOO_FAR_OUT, 5.0, lasts=0.3)
    hub.live(0.6)
    hub.cue(CueState.GOOD, 1.0)
    said["last_health_s"] = hub.live(0.3)
    hub.listen(0.6)  # silence
    said["after_silence"] = len(hub.shown)
    hub.live(0.2)  # back again, the same cue is still valid
    hub.close()
    hub.listen(0.5)
    second = Hub()  # restarted, same session
    second.shown, second.number = hub.shown, 100
    said["reconnect_s"] = second.wait_for_screen()
    second.live(0.2)
    second.cue(CueState.NOT_MEASURED)
    second.live(0.3)
    second.cue(CueState.FINISHED, lasts=1e9)
    second.live(0.3)
    stop.set()
    screen.join(15.0)
    said["exit_code"] = screen.exitcode
    said["shown"] = second.shown
    said["other_channels"] = problem_with(outlet("cues", "visit-2", ("kam", "fpa")), session="visit-2")
    twins = [outlet("cues", "visit-3", numeric_fields(CUE)) for _ in range(2)]
    said["two_streams"] = problem_with(*twins, session="visit-3")
    print(json.dumps(said))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
