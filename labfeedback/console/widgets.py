"""Controls of the operator's window: a button that must be held, a question, a line that waits to be seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from PyQt6.QtCore import QEvent, Qt, QTimer
from PyQt6.QtGui import QColor, QFocusEvent, QKeyEvent, QKeySequence, QMouseEvent, QPainter, QPaintEvent, QShortcut
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QSpinBox, QVBoxLayout, QWidget

HOLD_S: Final = 1.0


def label(text: str, kind: str = "", name: str = "") -> QLabel:
    """A label with the style sheet's name `kind` and an accessible name."""
    out = QLabel(text)
    out.setObjectName(kind)
    out.setWordWrap(True)
    out.setAccessibleName(name or text)
    return out


def panel(*widgets: QWidget) -> QFrame:
    """Widgets in a frame."""
    frame = QFrame()
    frame.setObjectName("panel")
    inside = QVBoxLayout(frame)
    inside.setContentsMargins(10, 8, 10, 8)
    for widget in widgets:
        inside.addWidget(widget)
    return frame


def key_of(page: QWidget, key: str, done: Callable[[], None]) -> QShortcut:
    """A key of the page. Kept down it is one stroke: a hand that rests on A acknowledges nothing unread."""
    shortcut = QShortcut(QKeySequence(key), page)
    shortcut.setAutoRepeat(False)
    shortcut.activated.connect(done)
    return shortcut


def asks_for_letter(event: QEvent | None) -> bool:
    """Whether Qt asks the widget that has the keys who gets a letter: the widget (accept), or a shortcut (ignore)."""
    return isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and event.text().isalpha()


class HoldButton(QPushButton):
    """Does something only when it was held for a second, by mouse or by key: never one stroke."""

    def __init__(self, text: str, done: Callable[[], None], colour: str) -> None:
        super().__init__(text)
        self.setObjectName("stop")
        self.setAccessibleName(f"{text}, hold for a second")
        self.setToolTip("Hold for a second")
        self._done, self._colour, self._since = done, QColor(colour), 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(30)
        self._timer.timeout.connect(self._look)

    @property
    def share(self) -> float:
        """How much of the second is over."""
        return min(1.0, (time.monotonic() - self._since) / HOLD_S) if self._since else 0.0

    def press(self) -> None:
        """Somebody begins to hold it."""
        if self.isEnabled() and not self._since:
            self._since = time.monotonic()
            self._timer.start()

    def let_go(self) -> None:
        """Let go: nothing happens unless the second was over."""
        self._since = 0.0
        self._timer.stop()
        self.update()

    def _look(self) -> None:
        if self.share >= 1.0:
            self.let_go()
            self._done()
        self.update()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Begin."""
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self.press()
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Let go."""
        self.let_go()
        super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Space or Return, held."""
        if event is not None and event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if not event.isAutoRepeat():
                self.press()
            return
        super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent | None) -> None:
        """Let go."""
        if event is not None and not event.isAutoRepeat():
            self.let_go()
        super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent | None) -> None:
        """The key's release would now go elsewhere: what nobody is known to hold is not held."""
        self.let_go()
        super().focusOutEvent(event)

    def changeEvent(self, event: QEvent | None) -> None:
        """A button that is switched off is no longer held."""
        if not self.isEnabled():
            self.let_go()
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """The button, and how long it was held."""
        super().paintEvent(event)
        if self._since:
            painter = QPainter(self)
            painter.fillRect(4, self.height() - 9, int((self.width() - 8) * self.share), 5, self._colour)
            painter.end()


class Confirm(QPushButton):
    """Return presses it, but not one that is still down from something else."""

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """A key that repeats is no answer."""
        if event is not None and event.isAutoRepeat():
            return
        super().keyPressEvent(event)


class Question(QFrame):
    """One open prompt with its answer's field. send: gets the command."""

    def __init__(self, prompt: dict[str, Any], send: Callable[[dict[str, Any]], None]) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.prompt, self._send = prompt, send
        inside = QVBoxLayout(self)
        inside.setContentsMargins(8, 5, 8, 6)
        inside.setSpacing(3)
        text = "Pain of both knees, 0 (none) to 10" if prompt["kind"] == "pain" else str(prompt["text"])
        inside.addWidget(label(text if prompt["wait"] else f"{text}  (keep walking)", "say"))
        row = QHBoxLayout()
        self.first: QWidget
        if prompt["kind"] == "pain":
            self.left, self.right = _rating("left knee"), _rating("right knee")
            for box, after in ((self.left, self.right.setFocus), (self.right, self.answer)):
                if (field := box.lineEdit()) is not None:
                    field.returnPressed.connect(after)
            for name, box in (("LEFT", self.left), ("RIGHT", self.right)):
                row.addWidget(label(name, "caption"))
                row.addWidget(box)
            self.first = self.left
        elif prompt["kind"] == "confirm":
            self.first = self
        else:
            self.words = QLineEdit()
            self.words.setAccessibleName(prompt["text"])
            self.words.returnPressed.connect(self.answer)
            row.addWidget(self.words)
            self.first = self.words
        self.button = Confirm("Confirm" if prompt["kind"] == "confirm" else "Answer")
        self.button.setAccessibleName(f"{self.button.text()}: {prompt['text']}")
        self.button.clicked.connect(self.answer)
        self.button.setAutoDefault(True)  # Return presses it
        if prompt["kind"] == "confirm":
            self.first = self.button
        self.button.setMinimumWidth(96)
        row.addWidget(self.button)
        inside.addLayout(row)

    def answer(self) -> None:
        """Send what stands in the fields; an untouched rating is no answer."""
        command: dict[str, Any] = {"do": "answer", "prompt": self.prompt["number"]}
        kind = self.prompt["kind"]
        if kind == "pain":
            if self.left.value() < 0 or self.right.value() < 0:
                (self.left if self.left.value() < 0 else self.right).setFocus()
                return
            command |= {"left": self.left.value(), "right": self.right.value()}
        elif kind == "confirm":
            command["yes"] = True
        else:
            if not self.words.text().strip():
                self.words.setFocus()
                return
            command["text"] = self.words.text().strip()
        self._send(command)


class Choice(QFrame):
    """A question with answers to choose from: (text, key, what it does). It stands in the page, never over it."""

    def __init__(self, text: str, answers: tuple[tuple[str, str, Callable[[], None]], ...]) -> None:
        super().__init__()
        self.setObjectName("panel")
        inside = QVBoxLayout(self)
        inside.addWidget(label(text, "say"))
        self.buttons: list[QPushButton] = []
        for words, key, done in answers:
            button = QPushButton(f"{words}  ({key})")
            button.setAccessibleName(words)
            button.clicked.connect(lambda _checked=False, do=done: do())
            key_of(self, key, button.click)
            self.buttons.append(button)
            inside.addWidget(button)
        self.first: QWidget = self

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Return chooses nothing by itself: the answer must be meant."""
        if event is not None:
            event.ignore()


class Words(QFrame):
    """Asks for a sentence; Return gives it, and the page's Esc puts the question away."""

    def __init__(self, text: str, given: Callable[[str], None]) -> None:
        super().__init__()
        self.setObjectName("panel")
        self._given = given
        inside = QVBoxLayout(self)
        inside.setContentsMargins(8, 5, 8, 6)
        inside.addWidget(label(text, "say"))
        row = QHBoxLayout()
        self.words = QLineEdit()
        self.words.setAccessibleName(text)
        self.words.returnPressed.connect(self.answer)
        self.button = QPushButton("Keep it")
        self.button.setAccessibleName(f"Keep it: {text}")
        self.button.clicked.connect(self.answer)
        row.addWidget(self.words, 1)
        row.addWidget(self.button)
        inside.addLayout(row)
        self.first: QWidget = self.words

    def answer(self) -> None:
        """Nothing written is no answer."""
        if self.words.text().strip():
            self._given(self.words.text().strip())
        else:
            self.words.setFocus()


class Place(QVBoxLayout):
    """Where one question at a time stands in a page; `owner` has the keys when there is none."""

    def __init__(self, owner: QWidget) -> None:
        super().__init__()
        self._owner = owner
        self.question: Choice | Words | None = None

    def put(self, question: Choice | Words) -> None:
        """Show it with the keys; the one before is put away."""
        self.clear()
        self.question = question
        self.addWidget(question)
        question.show()  # a layout shows it later, and what is not shown takes neither focus nor keys
        question.first.setFocus()

    def clear(self) -> None:
        """Put the question away."""
        if self.question is not None:
            self.question.hide()
            self.removeWidget(self.question)
            self.question.deleteLater()
            self.question = None
            self._owner.setFocus()


class Rating(QSpinBox):
    """Takes digits; letters stay shortcuts, so that P pauses also while a rating is being typed."""

    def event(self, event: QEvent | None) -> bool:
        """Leave letters to whoever waits for them."""
        if event is not None and asks_for_letter(event):
            event.ignore()
            return False
        return super().event(event)

    def focusInEvent(self, event: QFocusEvent | None) -> None:
        """However the focus came: what is typed replaces what stands there."""
        super().focusInEvent(event)
        self.selectAll()


def _rating(name: str) -> Rating:
    """0 to 10, empty until somebody chooses: no number is put into a patient's mouth."""
    box = Rating()
    box.setRange(-1, 10)
    box.setSpecialValueText("?")
    box.setValue(-1)
    box.setAccessibleName(f"pain of the {name}, 0 to 10")
    box.setMinimumWidth(58)
    box.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)  # typed, or arrow keys
    return box
