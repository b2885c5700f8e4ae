"""The window in front of the patient: one widget that paints the newest scene, and the tick that asks for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QCloseEvent, QGuiApplication, QKeyEvent, QPainter, QPaintEvent, QScreen
from PyQt6.QtWidgets import QWidget

from labfeedback.display import backdrop
from labfeedback.display.geometry import Geometry, geometry_for
from labfeedback.display.painting import paint
from labfeedback.rig import Screen

BESIDE: Final = (0.3, 0.4)  # of the width of a single display that the operator's window shares: least and most
OPERATOR_PX: Final = 1366  # that the operator's window wants of it


class PatientWindow(QWidget):
    """Shows one scene at a time. `painted(scene, paint_ms)` is called once for each new scene, after its painting."""

    def __init__(
        self,
        scene: Any,
        screen: Screen,
        painted: Callable[[Any, float], None],
        strokes: Callable[[QPainter, int, int, Any, Geometry], None] = paint,
    ) -> None:
        """strokes: paints a scene; the direction check has scenes and strokes of its own."""
        super().__init__()
        self._strokes = strokes
        self._scene, self._screen, self._painted = scene, screen, painted
        self._reported: Any = None
        self._geometry: Geometry | None = None
        self.closed = False
        self.setMinimumSize(320, 240)
        self.setWindowTitle("labfeedback - patient")
        # Every pixel is painted every time: Qt need not erase first.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setCursor(Qt.CursorShape.BlankCursor)

    @property
    def scene(self) -> Any:
        """The scene that is or is about to be on screen."""
        return self._scene

    def show_scene(self, scene: Any) -> bool:
        """Paint `scene` now if it differs from the one on screen; True if it was painted."""
        if scene == self._scene and self._reported == scene:
            return False
        self._scene = scene
        self.repaint()
        return True

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: ARG002 - Qt's signature
        """Paint the whole window, in pixels of the device."""
        began = time.perf_counter()
        ratio = self.devicePixelRatioF()
        width, height = round(self.width() * ratio), round(self.height() * ratio)
        if self._geometry is None or (self._geometry.width, self._geometry.height) != (width, height):
            self._geometry = geometry_for(width, height, self._screen)
        painter = QPainter(self)
        painter.scale(1.0 / ratio, 1.0 / ratio)
        self._strokes(painter, width, height, self._scene, self._geometry)
        painter.end()
        took_ms = (time.perf_counter() - began) * 1e3
        if self._reported != self._scene:
            self._reported = self._scene
            self._painted(self._scene, took_ms)

    def prepare(self, band_deg: float = 2.0) -> None:
        """Paint ahead of need for this window's size. 2 deg is the usual band; another costs its first step 5 ms."""
        if self._geometry is not None:
            backdrop.prepare(self._geometry, self._scene.side, band_deg)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Escape closes the window; the visit goes on and the screen comes back."""
        if event is not None and event.key() == Qt.Key.Key_Escape:
            self.close()

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Remember that a person closed it."""
        self.closed = True
        super().closeEvent(event)


def chosen_screen(name: str) -> QScreen | None:
    """The screen called `name`; without a name, or if it is not there, the last that is not the primary one."""
    screens, primary = QGuiApplication.screens(), QGuiApplication.primaryScreen()
    for screen in screens:
        if name and screen.name() == name:
            return screen
    others = [screen for screen in screens if screen is not primary]
    return others[-1] if others else primary


def show_on_wall(window: PatientWindow, display: str, *, beside: bool) -> None:
    """Fill the patient's display.

    beside: the operator has a window, which keeps the keyboard; with a single display it also keeps the front, and the
    patient's screen is a window in the corner behind it.
    """
    place = chosen_screen(display)
    if beside:
        window.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        window.setWindowFlag(Qt.WindowType.WindowDoesNotAcceptFocus, True)
    if place is not None and beside and len(QGuiApplication.screens()) == 1:
        window.setWindowFlag(Qt.WindowType.WindowStaysOnBottomHint, True)
        free = place.availableGeometry()
        room = free.width() - OPERATOR_PX
        width = int(min(BESIDE[1] * free.width(), max(BESIDE[0] * free.width(), room)))
        height = width * 9 // 16
        window.setGeometry(free.right() + 1 - width, free.bottom() + 1 - height, width, height)
        window.show()
        return
    if place is not None:
        window.setScreen(place)
        window.setGeometry(place.geometry())
    window.showFullScreen()
    window.setWindowState(Qt.WindowState.WindowFullScreen)
