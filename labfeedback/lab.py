"""One walk: starts hub, recorder, screen and devices as processes, watches them, and ends them in order.

The parent owns the ring, so that no dying child can take it along, and imports neither Qt, LSL nor HDF5.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

from labfeedback.errors import LabError
from labfeedback.process import SHORT_PATIENCE_S, Child, spawn
from labfeedback.ring import DEFAULT_SIZE, Ring

HUB: Final = "labfeedback.hub.program:run"
RECORDER: Final = "labfeedback.recording.program:run"
DISPLAY: Final = "labfeedback.display.program:run"

MOST_RESTARTS: Final = 6
RESTART_WINDOW_S: Final = 60.0
LOOK_S: Final = 0.05
HUB_PATIENCE_S: Final = 15.0
FINALISE_PATIENCE_S: Final = 180.0

SCREEN: Final = "patient's screen"
_LIBRARY: Final = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")  # how liblsl begins its own log lines

Tell = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a walk ended. exit_code 0: as meant; otherwise the sentence says what happened."""

    why: str
    exit_code: int
    recording: Path | None
    steps: int = 0
    steps_valid: int = 0


class Lab:
    """Runs one walk to its end."""

    def __init__(
        self,
        walk: dict[str, Any],
        recording: Path,
        tell: Tell,
        *,
        screen: dict[str, Any] | None = None,
        devices: tuple[Callable[[Any], BaseProcess], ...] = (),
        programs: tuple[str, str, str] = (HUB, RECORDER, DISPLAY),
        session: str = "",
        ring_size: int = DEFAULT_SIZE,
    ) -> None:
        """walk: what the hub is given. screen: keywords of the patient's screen besides the session; None: no screen.

        devices: each starts one device program when called with a stop event. tell: gets the hub's news and our own
        as dicts with "kind" (status, note, event, linked, ended ...); "text" and "loud" where a person should read it.
        """
        self.session = session or uuid.uuid4().hex[:10]
        self._recording_path = recording
        self._tell = tell
        self._ring = Ring.create(f"lf{os.getpid():x}{uuid.uuid4().hex[:6]}", ring_size)
        context = multiprocessing.get_context("spawn")
        self._news, hub_news = context.Pipe(duplex=False)
        hub_commands, self._commands = context.Pipe(duplex=False)
        hub, recorder, display = programs
        self._logs = Path(tempfile.mkdtemp(prefix="labfeedback-"))
        self._keep_logs = False
        ring = self._ring.name
        self._hub = Child(
            "hub",
            lambda stop: spawn(
                hub, walk, ring, hub_news, hub_commands, stop, self.session, name="hub", log=self._log("hub")
            ),
            restart=False,
        )
        self._recorder = Child(
            "recorder",
            lambda stop: spawn(recorder, ring, str(recording), {}, stop, name="recorder", log=self._log("recorder")),
            restart=True,
            log="recorder",
        )
        self._display: Child | None = None
        if screen is not None:
            self._display = Child(
                SCREEN,
                lambda stop: spawn(display, self.session, stop=stop, name="screen", log=self._log("screen"), **screen),
                restart=True,
                log="screen",
            )
        self._devices = [Child(f"device {n + 1}", start, restart=False) for n, start in enumerate(devices)]
        self._hub_ends = (hub_news, hub_commands)
        self._linked = False
        self._ending: dict[str, Any] = {}
        self._error: dict[str, Any] = {}
        self._asked = False

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def last_words(self, name: str) -> str:
        """The last line that a child printed, for the sentence about its death; empty when it said nothing."""
        try:
            lines = self._log(name).read_text(encoding="utf-8", errors="replace").split("\n")
        except OSError:
            return ""
        said = [line.strip() for line in lines if line.strip() and not _LIBRARY.match(line)]
        return f": {said[-1][:300]}" if said else ""

    def command(self, command: dict[str, Any]) -> None:
        """Pass an operator's command to the hub: {"do": "pause" | "resume" | "stop" | "note", "text": ...}."""
        try:
            self._commands.send(command)
        except OSError:
            self._say("the hub no longer takes commands", loud=True)

    def run(self) -> Ending:
        """Until the walk is over and the recording is finished. Ctrl+C ends it cleanly, a second one at once."""
        try:
            for child in [*self._devices, *([self._display] if self._display else []), self._hub]:
                child.begin()
            for end in self._hub_ends:  # ours are copies: with them open a dead hub would never be an end of file
                end.close()
            self._watch()
            return self._finish()
        finally:
            self._take_down()

    def _watch(self) -> None:
        asked_at = 0.0
        while self._hub.alive:
            try:
                self._listen(LOOK_S)
                self._mend()
                if asked_at and time.monotonic() - asked_at > HUB_PATIENCE_S:
                    self._say("the hub does not end by itself; it is terminated", loud=True)
                    self._end_hub_now()
            except KeyboardInterrupt:
                if asked_at:
                    self._end_hub_now()
                else:
                    asked_at = time.monotonic()
                    self._asked = True
                    self._say("Ctrl+C: ending the walk and finishing the recording. Again: at once", loud=True)
                    self._hub.stop.set()
        while self._listen(0.0):
            pass

    def _end_hub_now(self) -> None:
        if self._hub.process is not None:
            self._hub.process.terminate()
            self._hub.process.join(SHORT_PATIENCE_S)

    def _listen(self, wait_s: float) -> bool:
        """Take the hub's news; False when there are none."""
        try:
            if not self._news.poll(wait_s):
                return False
            news: dict[str, Any] = self._news.recv()
        except (EOFError, OSError):
            time.sleep(min(wait_s, LOOK_S))
            return False
        kind = news.get("kind")
        if kind == "linked":
            self._linked = True
            self._recorder.begin()  # not before: a walk that is refused leaves no file
        elif kind == "ended":
            self._ending = news
        elif kind == "error":
            self._error = news
            return True
        self._tell(news)
        return True

    def _mend(self) -> None:
        """Restart what died, at most MOST_RESTARTS times a minute."""
        for child in (self._recorder, self._display):
            if child is None or child.process is None or child.alive or child.given_up:
                continue
            if child.process.exitcode == 0:  # closed by a person; or the recorder, having read the hub's END
                child.given_up = True
                if child is self._display:
                    self._say("the patient's screen was closed; the walk goes on without it", loud=True)
                continue
            self._restart(child)
        for device in self._devices:
            if device.process is not None and not device.alive and not device.given_up:
                device.given_up = True
                if device.process.exitcode:
                    self._say(f"{device.name} ended with exit code {device.process.exitcode}", loud=True)

    def _restart(self, child: Child) -> None:
        assert child.process is not None
        now = time.monotonic()
        while child.restarts and now - child.restarts[0] > RESTART_WINDOW_S:
            child.restarts.popleft()
        code = child.process.exitcode
        if len(child.restarts) >= MOST_RESTARTS:
            child.given_up = self._keep_logs = True
            lost = "Nothing more is recorded: end the walk" if child is self._recorder else "The walk goes on"
            self._say(
                f"the {child.name} died {MOST_RESTARTS + 1} times in a minute (exit code {code}"
                f"{self.last_words(child.log)}) and is not started again. {lost}. Details: {self._logs}",
                loud=True,
            )
            return
        child.restarts.append(now)
        self._say(
            f"the {child.name} died (exit code {code}{self.last_words(child.log)}) and is started again", loud=True
        )
        child.begin()

    def _finish(self) -> Ending:
        code = self._hub.process.exitcode if self._hub.process is not None else None
        steps = {name: int(self._ending.get(name, 0)) for name in ("steps", "steps_valid")}
        if self._error:
            why, exit_code = str(self._error["text"]), int(self._error["exit_code"])
        elif self._ending:
            why, exit_code = str(self._ending["why"]), 0
        else:
            why = (
                f"the hub is gone (exit code {code}{self.last_words('hub')}): the walk has ended. Tell the patient to "
                "keep walking until the belt stops; the recording of everything before is being finished. "
                f"Details: {self._logs}"
            )
            self._keep_logs = True
            exit_code = 1
            self._say(why, loud=True)
        recording = self._finish_recording() if self._linked else None
        return Ending(why, exit_code, recording, **steps)

    def _finish_recording(self) -> Path | None:
        """Wait for the recorder to drain the ring and finalise; without the hub's END it is told to."""
        recorder = self._recorder
        if not self._ending and recorder.alive:
            recorder.stop.set()
        give_up = time.monotonic() + FINALISE_PATIENCE_S
        while time.monotonic() < give_up:
            assert recorder.process is not None
            recorder.process.join(LOOK_S * 4)
            if recorder.process.exitcode == 0 or recorder.given_up:
                break
            if not recorder.alive:
                self._restart(recorder)
                if not self._ending and recorder.alive:
                    recorder.stop.set()
        else:
            self._say("the recorder does not finish; run 'labfeedback recover' on its file", loud=True)
        return self._recording_path if self._recording_path.exists() else None

    def _say(self, text: str, *, loud: bool = False) -> None:
        self._tell({"kind": "note", "text": text, "loud": loud})

    def _take_down(self) -> None:
        """Whatever happened: leave no process and no shared memory behind."""
        children = [self._hub, *([self._display] if self._display else []), *self._devices, self._recorder]
        for child in children:
            if child.alive:
                child.stop.set()
        for child in children:
            child.end(SHORT_PATIENCE_S)
        self._news.close()
        self._commands.close()
        self._ring.close()
        self._ring.unlink()
        if not self._keep_logs:
            shutil.rmtree(self._logs, ignore_errors=True)


def visit_file(out: Path, subject: str) -> Path:
    """OUT/<subject>_<YYYYmmddTHHMMSS>.h5, a name that is not taken. Raises LabError when OUT cannot be written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / f".{uuid.uuid4().hex}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise LabError(f"{out}: nothing can be written there ({error.strerror}); choose another --out") from None
    while True:
        path = out / f"{subject}_{time.strftime('%Y%m%dT%H%M%S')}.h5"
        if not path.exists():
            return path
        time.sleep(0.2)  # two visits within one second: the next second's name is free
