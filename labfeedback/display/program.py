"""The patient's screen as a process of its own: `run` listens, paints on the screen's tick and says what it painted."""

from __future__ import annotations

import multiprocessing
import os
import queue
import sys
import threading
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import numpy as np

from labfeedback.display.scene import Heard, Scene, hear, scene_at
from labfeedback.errors import BadSetup
from labfeedback.records import LEFT, RIGHT, SHOWN, SIDE_NAMES
from labfeedback.rig import Screen
from labfeedback.variables import FEEDBACK_VARIABLES

TICK_MS: Final = 16  # about 60 Hz
# A picture stays until the next tick and its painting: what would expire before then is not painted any more.
LOOK_AHEAD_S: Final = 0.025
HEADLESS_SIZE: Final = (1920, 1080)
_LOOK_UP_EVERY: Final = 30  # ticks between looks at the parent and at the streams' problems


class Stop(Protocol):
    """What ends the program: a multiprocessing or threading Event."""

    def is_set(self) -> bool:
        """True once the screen is to end."""
        ...


class Pictures:
    """Writes each state's first picture, and the last one, as PNG files named after the state."""

    def __init__(self, folder: Path, size: tuple[int, int], screen: Screen) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._size, self._screen = folder, size, screen
        self._seen: set[str] = set()
        self._last: Scene | None = None
        self._jobs: queue.SimpleQueue[tuple[Any, Path] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="pictures", daemon=True)
        self._thread.start()

    def keep(self, scene: Scene) -> None:
        """Take a picture if this state was never shown before. Encoding happens in a thread (30 ms for a PNG)."""
        self._last = scene
        name = f"{SIDE_NAMES.get(scene.side, 'both')}_{scene.state.name.lower()}"
        if scene.variable:
            name += f"_{tuple(FEEDBACK_VARIABLES)[scene.variable]}"
        if name not in self._seen:
            self._seen.add(name)
            self._jobs.put((self._picture(scene), self._folder / f"screen_{name}.png"))

    def close(self) -> None:
        """Write the last picture and wait for the files."""
        if self._last is not None:
            name = f"screen_last_{SIDE_NAMES.get(self._last.side, 'both')}_{self._last.state.name.lower()}.png"
            self._jobs.put((self._picture(self._last), self._folder / name))
        self._jobs.put(None)
        self._thread.join(timeout=10.0)

    def _picture(self, scene: Scene) -> Any:
        from labfeedback.display.render import render_scene

        return render_scene(scene, *self._size, self._screen)

    def _write(self) -> None:
        while (job := self._jobs.get()) is not None:
            image, path = job
            if not image.save(str(path)):
                print(f"{path}: the picture could not be written; the visit goes on", file=sys.stderr)


def _shown_row(scene: Scene, painted_s: float, paint_ms: float) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    row: np.ndarray[tuple[int], np.dtype[np.void]] = np.zeros(1, SHOWN)
    row["painted_s"], row["cue"], row["side"], row["state"] = painted_s, scene.cue, scene.side, int(scene.state)
    row["cue_time_s"] = np.nan if scene.cue_time_s is None else scene.cue_time_s
    row["variable"] = scene.variable
    row["deviation"] = np.nan if scene.deviation is None else scene.deviation
    row["paint_ms"] = paint_ms
    return row


def run(
    session: str,
    side: Literal["left", "right", "both"],
    screen: dict[str, Any],
    *,
    headless: bool = False,
    pictures_dir: Path | None = None,
    fullscreen: bool = True,
    beside: bool = False,
    stop: Stop | None = None,
) -> None:
    """Show the cues of `session` for the trained `side` until `stop` is set, the parent is gone or a person closes it.

    screen: a dump of rig.Screen. headless: no monitor is needed; the picture is 1920 x 1080 pixels. pictures_dir: each
    state's first picture and the last one are written there. beside: with a single display leave most of it to the
    operator's window. Raises BadSetup for a side or session that is none.
    """
    if side not in ("left", "right", "both"):
        raise BadSetup(f"the trained side is {side!r}; expected 'left', 'right' or 'both'")
    if headless:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    # After the platform is chosen, and here so that importing this module costs the parent no Qt.
    from PyQt6.QtCore import Qt, QTimer
    from PyQt6.QtWidgets import QApplication

    from labfeedback.display import subscriber
    from labfeedback.display.window import PatientWindow, show_on_wall

    wall = Screen.model_validate(screen)
    application = QApplication.instance() or QApplication(["labfeedback"])
    heard = Heard({"right": RIGHT, "left": LEFT}.get(side, 0))
    ears, voice = subscriber.Subscriber(session), subscriber.ShownOutlet(session)
    pictures: Pictures | None = None
    new: list[Scene] = []

    def painted(scene: Scene, paint_ms: float) -> None:
        voice.push(_shown_row(scene, subscriber.now(), paint_ms))
        new.append(scene)

    window = PatientWindow(scene_at(heard, subscriber.now()), wall, painted)
    if headless or not fullscreen:
        window.resize(*HEADLESS_SIZE)
        window.show()
    else:
        show_on_wall(window, wall.display, beside=beside)
    if pictures_dir is not None:
        pictures = Pictures(pictures_dir, (window.width(), window.height()), wall)
    parent = multiprocessing.parent_process()
    ticks, told = 0, ""

    def tick() -> None:
        nonlocal heard, ticks, told
        cues, health = ears.take()
        time_s = subscriber.now()
        heard = hear(heard, cues, health, time_s)
        window.show_scene(scene_at(heard, time_s + LOOK_AHEAD_S))
        if pictures is not None:
            for scene in new:
                pictures.keep(scene)
        new.clear()
        ticks += 1
        ended = window.closed or (stop is not None and stop.is_set())
        if ticks % _LOOK_UP_EVERY == 0:
            if ears.problem != told:
                told = ears.problem
                print(told or "the patient's screen hears the hub again", file=sys.stderr, flush=True)
            ended = ended or (parent is not None and not parent.is_alive())
        if ended:
            timer.stop()
            application.quit()

    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(tick)
    timer.start(TICK_MS)
    QTimer.singleShot(50, window.prepare)  # after the first picture
    try:
        application.exec()
    finally:
        ears.close()
        if pictures is not None:
            pictures.close()
        window.close()
