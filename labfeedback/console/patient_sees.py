"""What the patient sees, small; to a blinded operator only whether it is feedback."""

from __future__ import annotations

from typing import Any, Final

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QImage, QPainter, QPixmap
from PyQt6.QtWidgets import QLabel

from labfeedback.display.geometry import geometry_for
from labfeedback.display.painting import paint
from labfeedback.display.scene import FEEDBACK, OF_A_STEP, Heard, Scene, hear, scene_at
from labfeedback.records import Rows
from labfeedback.rig import Screen

SMALL: Final = (208, 130)
SHOWN: Final = "feedback of the\nlast step is shown"
UNMEASURED: Final = "the last step could\nnot be measured"


class PatientSees(QLabel):
    """Feed it rows; `show_at` paints. side: whose cues the wall shows, +1 right, -1 left, 0 both."""

    def __init__(self, side: int, screen: dict[str, Any], scale: float = 1.0, *, blinded: bool = False) -> None:
        super().__init__()
        self.setAccessibleName("what the patient sees")
        self.setFixedSize(int(SMALL[0] * scale), int(SMALL[1] * scale))
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        if blinded:
            self.setObjectName("panel")
        self._heard = Heard(side)
        self._screen = Screen.model_validate(screen or {}).model_copy(update={"mirrored": False})
        self._blinded = blinded
        self._shown: Scene | None = None

    def rows(self, cues: Rows | None, health: Rows | None, now_s: float) -> None:
        """CUE or HEALTH rows as they come."""
        self._heard = hear(self._heard, cues, health, now_s)

    def show_at(self, now_s: float) -> None:
        """What may be shown now, see `scene_at`."""
        scene = scene_at(self._heard, now_s)
        if scene == self._shown:
            return
        self._shown = scene
        if self._blinded and scene.state in OF_A_STEP:
            # Neither word nor arrows nor share: all of them tell from which side a change is approached.
            self.setText(SHOWN if scene.state in FEEDBACK else UNMEASURED)
            return
        width, height = 2 * SMALL[0], 2 * SMALL[1]
        image = QImage(width, height, QImage.Format.Format_RGB32)
        painter = QPainter(image)
        paint(painter, width, height, scene, geometry_for(width, height, self._screen))
        painter.end()
        small = image.scaled(
            self.size(), Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        self.setPixmap(QPixmap.fromImage(small))
