"""One walk: starts hub, recorder, screen and devices as processes, watches them, and ends them in order.

The parent owns the ring, so that no dying child can take it along, and imports neither Qt, LSL nor HDF5.
"""

from __future__ import annotations

import multiprocessing
import os
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

from labfeedback.asked import Asked
from labfeedback.errors import LabError
from labfeedback.process import SHORT_PATIENCE_S, Child, spawn, start_tracker
from labfeedback.ring import DEFAULT_SIZE, Ring
from labfeedback.upkeep import LOOK_S, Logs, Silence, Tell, restart, say

HUB: Final = "labfeedback.hub.program:run"
RECORDER: Final = "labfeedback.recording.program:run"
DISPLAY: Final = "labfeedback.display.program:run"

LAST_TRIES: Final = 2  # of a recorder that keeps dying after the walk
STUCK_S: Final = 5.0
HUB_PATIENCE_S: Final = 15.0
FINALISE_PATIENCE_S: Final = 180.0

SCREEN: Final = "patient's screen"


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
        asked: Asked | None = None,
    ) -> None:
        """walk: what the hub is given. screen: keywords of the patient's screen besides the session; None: no screen.

        devices: each starts one device program when called with a stop event. tell: gets the hub's news and our own
        as dicts with "kind" (status, note, event, linked, ended ...); "text" and "loud" where a person should read it.
        asked: the caller's, when it counts the wishes to end already.
        """
        self.session = session or uuid.uuid4().hex[:10]
        self._recording_path = recording
        self._tell = tell
        start_tracker()
        self._ring = Ring.create(f"lf{os.getpid():x}{uuid.uuid4().hex[:6]}", ring_size)
        context = multiprocessing.get_context("spawn")
        self._news, hub_news = context.Pipe(duplex=False)
        hub_commands, self._commands = context.Pipe(duplex=False)
        hub, recorder, display = programs
        self._logs = Logs()
        log = self._logs.path
        ring = self._ring.name
        self._hub = Child(
            "hub",
            lambda stop: spawn(hub, walk, ring, hub_news, hub_commands, stop, self.session, name="hub", log=log("hub")),
            restart=False,
        )
        self._recorder = Child(
            "recorder",
            lambda stop: spawn(recorder, ring, str(recording), {}, stop, name="recorder", log=log("recorder")),
            restart=True,
            log="recorder",
        )
        self._display: Child | None = None
        if screen is not None:
            self._display = Child(
                SCREEN,
                lambda stop: spawn(display, self.session, stop=stop, name="screen", log=log("screen"), **screen),
                restart=True,
                log="screen",
            )
        self._devices = [Child(f"device {n + 1}", start, restart=False) for n, start in enumerate(devices)]
        self._hub_ends = (hub_news, hub_commands)
        self._linked = False
        self._silence = Silence(tell)
        self._stuck = False
        self._ending: dict[str, Any] = {}
        self._error: dict[str, Any] = {}
        self._asked = asked or Asked()
        self._answered = 0  # of the times it was asked to end

    @property
    def began(self) -> bool:
        """Whether the walk began: both streams came and fitted."""
        return self._linked

    def command(self, command: dict[str, Any]) -> None:
        """Pass an operator's command to the hub: {"do": "pause" | "resume" | "stop" | "note", "text": ...}."""
        try:
            self._commands.send(command)
        except OSError:
            self._say("the hub no longer takes commands", loud=True)

    def run(self) -> Ending:
        """Until the walk is over and the recording is finished.

        Ctrl+C, SIGTERM or the closing of the terminal end it cleanly; a second one at once; a third one also leaves the
        recording unfinished, in parts. Whichever it is, the ending says where the recording is.
        """
        with self._asked:
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
        looked = time.monotonic()
        while self._hub.alive:
            try:
                heard = self._listen(LOOK_S)
                now = time.monotonic()
                self._heed_silence(heard, now - looked)
                looked = now
                self._mend()
            except KeyboardInterrupt:  # somebody else's answer to Ctrl+C
                self._asked.ask()
            self._heed_asking()
        while self._listen(0.0):
            pass

    def _heed_asking(self) -> None:
        """End the walk when asked to; at once when asked again, or when the hub takes too long."""
        asked = self._asked
        if asked.times and not self._answered:
            self._answered = 1
            self._hub.stop.set()
            word = asked.word[0].upper() + asked.word[1:]
            self._say(f"{word}: ending the walk and finishing the recording. Ctrl+C again: at once", loud=True)
        elif asked.times > 1 and self._answered == 1:
            self._answered = 2
            self._say("asked again: the walk is ended at once; the recording is being finished", loud=True)
            self._hub.end_now()
        elif asked.times == 1 and time.monotonic() - asked.at > HUB_PATIENCE_S:
            self._say("the hub does not end by itself; it is ended", loud=True)
            self._hub.end_now()

    def _heed_silence(self, heard: bool, passed_s: float) -> None:
        """End a linked hub that was silent for too long. passed_s: since the last look."""
        patience = HUB_PATIENCE_S if self._ending or self._error else STUCK_S
        if self._silence.lasts(heard or not self._linked, passed_s, patience):
            self._stuck = True
            self._say(f"the hub was silent for {patience:g} s and is ended; the recording is finished", loud=True)
            self._hub.end_now()

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
        """Restart what died, after pauses that grow when it dies again and again."""
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
        """The recorder is never given up: what it has not written waits in the ring, and it may come back before that
        is full (a disk that was unplugged, for one).
        """
        waiting = f". What is not recorded waits in memory, which is {self._ring.fill:.0%} full"
        restart(child, self._logs, self._tell, waiting if child is self._recorder else "")

    def _finish(self) -> Ending:
        code = self._hub.process.exitcode if self._hub.process is not None else None
        steps = {name: int(self._ending.get(name, 0)) for name in ("steps", "steps_valid")}
        if self._error:
            why, exit_code = str(self._error["text"]), int(self._error["exit_code"])
        elif self._ending:
            why, exit_code = str(self._ending["why"]), 0
            if self._asked.times:  # the hub was only told to stop; we know by what
                why = why.replace("ended by Ctrl+C", f"ended by {self._asked.word}")
        elif self._answered > 1:
            why, exit_code = "ended at once, because it was asked to end twice", 1
        else:
            gone = f"is gone (exit code {code}{self._logs.last_words('hub')})"
            if self._stuck:
                gone = "did not answer and was ended"
            why = (
                f"the hub {gone}: the walk has ended. Tell the patient to "
                "keep walking until the belt stops; the recording of everything before is being finished. "
                f"Details: {self._logs.folder}"
            )
            self._logs.keep = True
            exit_code = 1
            self._say(why, loud=True)
        if not self._linked:
            return Ending(why, exit_code, None, **steps)
        recording = self._finish_recording()
        if trouble := self._not_recorded(recording):
            self._logs.keep = True
            self._say(trouble, loud=True)
            why, exit_code = f"{why}. {trouble}", exit_code or 1
        return Ending(why, exit_code, recording, **steps)

    def _not_recorded(self, recording: Path | None) -> str:
        """What is missing from the recording, as a sentence with what to do; empty when nothing is."""
        if recording is None:
            path = self._recording_path
            parts = sorted(path.parent.glob(f"{path.stem}.part*")) if path.parent.is_dir() else []
            if not parts:
                return f"NOTHING WAS RECORDED: neither {path} nor parts of it exist. Details: {self._logs.folder}"
            return (
                f"the recording is NOT FINISHED: it is still in parts ({', '.join(p.name for p in parts)} in "
                f"{path.parent}). Finish it with: labfeedback recover {parts[0]}"
            )
        if self._ring.lost:
            return (
                f"{self._ring.lost} messages were NOT RECORDED, because the recorder fell behind by the whole memory; "
                f"{recording} says where"
            )
        return ""

    def _finish_recording(self) -> Path | None:
        """Wait for the recorder to drain the ring and finalise."""
        recorder = self._recorder
        assert recorder.process is not None
        tries = 0
        give_up = time.monotonic() + FINALISE_PATIENCE_S
        while time.monotonic() < give_up:
            self._tell({"kind": "finishing"})  # an operator's window that died meanwhile is opened again
            if self._asked.times > 2:
                self._say("asked for the third time: the recording is left as it is", loud=True)
                recorder.end_now()
                break
            if self._asked.times > self._answered:
                self._answered = self._asked.times
                self._say("the recording is being finished; asked three times it is left in parts", loud=True)
            if recorder.alive and not recorder.stop.is_set():
                recorder.stop.set()  # takes all that is in the ring; a hub's END may be missing or have found no room
            recorder.process.join(LOOK_S)
            if recorder.process.exitcode == 0:
                break
            if not recorder.alive:
                if tries == LAST_TRIES and not recorder.next_start:
                    break
                before = recorder.process
                self._restart(recorder)
                tries += recorder.process is not before
        else:
            self._say("the recorder does not finish", loud=True)
        return self._recording_path if self._recording_path.exists() else None

    def _say(self, text: str, *, loud: bool = False) -> None:
        say(self._tell, text, loud=loud)

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
        self._logs.close()


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
