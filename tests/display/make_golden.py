"""Paint the golden pictures anew: `python -m tests.display.make_golden`. Look at every one before committing."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtGui import QImage, QPainter

from labfeedback.display.geometry import geometry_for
from labfeedback.display.render import HAS_A_FOOT, examples, ready, render_scene
from labfeedback.display.scene import Scene
from labfeedback.display.turned import TurnedScene, paint_turned, scene_of
from labfeedback.records import SIDE_NAMES, SIDES
from labfeedback.rig import Screen

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
SIZES = ((1280, 800), (1920, 1080))
STATES = (*HAS_A_FOOT, "stale")


def pictures() -> dict[str, tuple[Scene, int, int]]:
    """File name -> scene, width, height. The neutral screen has no foot, so one of it is enough."""
    out = {}
    for width, height in SIZES:
        for side in SIDES:
            for state in STATES:
                name = f"{SIDE_NAMES[side]}_{state}" if state in HAS_A_FOOT else state
                out[f"{name}_{width}x{height}.png"] = (examples(side)[state], width, height)
    return out


def turned_pictures() -> dict[str, tuple[TurnedScene, bool]]:
    """File name -> scene of the direction check, whether the wall is mirrored."""
    return {
        f"turned_{SIDE_NAMES[side]}_{'in' if change < 0 else 'out'}{'_mirrored' if mirrored else ''}.png": (
            scene_of(side, "shown", change),
            mirrored,
        )
        for side in SIDES
        for change, mirrored in ((-12.0, False), (12.0, False), (-12.0, True))
    }


def turned_picture(scene: TurnedScene, mirrored: bool, size: tuple[int, int] = SIZES[0]) -> QImage:
    """As the wall shows it."""
    ready()
    image = QImage(*size, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    paint_turned(painter, *size, scene, geometry_for(*size, Screen.model_validate({"mirrored": mirrored})))
    painter.end()
    return image


def pixels(image: QImage) -> NDArray[np.uint8]:
    """(height, width, 3) red, green, blue of a picture."""
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    data = image.constBits()
    assert data is not None
    flat = np.frombuffer(data.asstring(image.sizeInBytes()), np.uint8)
    return np.ascontiguousarray(flat.reshape(image.height(), image.width(), 4)[:, :, 2::-1])


def _png(rgb: NDArray[np.uint8]) -> bytes:
    """Unfiltered PNG: flat pictures get a sixth smaller than with the filters that Qt chooses."""
    height, width, _ = rgb.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), rgb.reshape(height, width * 3)], axis=1)
    out = b"\x89PNG\r\n\x1a\n"
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b"")):
        out += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return out


def main() -> None:
    """Write all golden pictures and say how large they are."""
    GOLDEN.mkdir(exist_ok=True)
    total = 0
    for name, (scene, width, height) in pictures().items():
        (GOLDEN / name).write_bytes(_png(pixels(render_scene(scene, width, height))))
        total += (GOLDEN / name).stat().st_size
    for name, (turned, mirrored) in turned_pictures().items():
        (GOLDEN / name).write_bytes(_png(pixels(turned_picture(turned, mirrored))))
        total += (GOLDEN / name).stat().st_size
    print(f"{len(pictures()) + len(turned_pictures())} pictures, {total / 1e6:.2f} MB, in {GOLDEN}")


if __name__ == "__main__":
    main()
