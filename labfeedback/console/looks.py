"""Colours and sizes of the operator's window: readable at arm's length, told apart without colour, light or dark."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Looks:
    """Colours as #rrggbb. Every text on its ground has a contrast of at least 4.5 (tests/console measures it)."""

    name: str
    ground: str
    panel: str
    line: str
    text: str
    quiet: str
    accent: str
    go: str
    warn: str
    stop: str
    on_colour: str  # text on go, warn, stop and accent
    right: str  # curves and marks of the right foot
    left: str


DARK: Final = Looks("dark", "#10161d", "#19222c", "#33414f", "#f2f5f8", "#a9b6c3", "#6db7ff", "#4fd6a8", "#ffc04d",
                    "#ff8a7a", "#0b1016", "#4aa3ff", "#ff9d42")  # fmt: skip
LIGHT: Final = Looks("light", "#eef2f5", "#ffffff", "#c5ced6", "#14202b", "#4b5a68", "#00589c", "#00694b", "#8a5200",
                     "#b3261e", "#ffffff", "#0b63b0", "#9c4a00")  # fmt: skip
LOOKS: Final = {"dark": DARK, "light": LIGHT}
STATE_WORDS: Final = {
    "none": ("NO VISIT", "quiet"), "opening": ("NO DATA YET", "warn"), "waiting": ("WAITING", "warn"),
    "walking": ("WALKING", "go"), "held": ("HELD", "stop"), "over": ("OVER", "quiet"),
}  # fmt: skip


ORDINARY_PX: Final = 768  # height of the display that sizes below are meant for
LARGEST: Final = 1.35


def scale_of(height_px: int) -> float:
    """How much larger than at 1366 x 768 everything is drawn."""
    return min(LARGEST, max(1.0, height_px / ORDINARY_PX))


def sheet(c: Looks, height_px: int = ORDINARY_PX) -> str:
    """The window's style sheet; a taller display gets larger letters, to be read from beside the treadmill."""
    scale = scale_of(height_px)
    return re.sub(r"font-size: (\d+)px", lambda m: f"font-size: {round(scale * int(m[1]))}px", _sheet(c))


def _sheet(c: Looks) -> str:
    return f"""
    QWidget {{ background: {c.ground}; color: {c.text}; font-size: 15px; }}
    QLabel {{ background: transparent; }}
    QFrame#panel, QWidget#panel {{ background: {c.panel}; border: 1px solid {c.line}; border-radius: 8px; }}
    QLabel#big {{ font-size: 40px; font-weight: 700; }}
    QLabel#title {{ font-size: 24px; font-weight: 600; }}
    QLabel#quiet {{ color: {c.quiet}; }}
    QLabel#say {{ font-size: 18px; color: {c.accent}; }}
    QLabel#grave {{ font-size: 18px; font-weight: 600; color: {c.stop}; }}
    QLabel#fact {{ font-size: 20px; }}
    QLabel#caption {{ color: {c.quiet}; font-size: 13px; font-weight: 600; }}
    QPushButton {{ background: {c.panel}; border: 2px solid {c.line}; border-radius: 8px; padding: 9px 12px;
                   font-size: 16px; font-weight: 600; min-height: 26px; }}
    QPushButton:focus {{ border-color: {c.accent}; }}
    QPushButton:disabled {{ color: {c.quiet}; border-color: {c.line}; background: {c.ground}; font-weight: 400; }}
    QPushButton#go:enabled {{ background: {c.go}; color: {c.on_colour}; border-color: {c.go}; }}
    QPushButton#warn:enabled {{ background: {c.warn}; color: {c.on_colour}; border-color: {c.warn}; }}
    QPushButton#stop:enabled {{ border-color: {c.stop}; color: {c.stop}; }}
    QPushButton#go:focus, QPushButton#stop:focus, QPushButton#warn:focus {{ border-color: {c.accent}; }}
    QLineEdit, QComboBox, QSpinBox, QListWidget, QTextEdit {{ background: {c.panel}; border: 1px solid {c.line};
        border-radius: 6px; padding: 6px; font-size: 15px; selection-background-color: {c.accent};
        selection-color: {c.on_colour}; }}
    QLineEdit:focus, QComboBox:focus, QSpinBox:focus, QListWidget:focus {{
        border: 2px solid {c.accent}; padding: 5px; }}
    QCheckBox {{ spacing: 9px; font-weight: 600; }}
    QCheckBox::indicator {{ width: 18px; height: 18px; border: 2px solid {c.quiet}; border-radius: 4px; }}
    QCheckBox::indicator:checked {{ background: {c.accent}; border-color: {c.accent}; }}
    QCheckBox:focus {{ color: {c.accent}; }}
    QComboBox QAbstractItemView {{ background: {c.panel}; color: {c.text}; }}
    QProgressBar {{ background: {c.ground}; border: 1px solid {c.line}; border-radius: 5px; text-align: center; }}
    QProgressBar::chunk {{ background: {c.accent}; border-radius: 4px; }}
    QTableWidget {{ background: {c.panel}; gridline-color: {c.line}; border: 1px solid {c.line}; font-size: 14px; }}
    QHeaderView::section {{ background: {c.ground}; color: {c.quiet}; border: 0; padding: 5px; font-weight: 600; }}
    """
