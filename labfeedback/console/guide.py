"""What to do now: one sentence for the operator, a question in the page when there is one, a way to stop looking."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from labfeedback.console.programs import Program
from labfeedback.console.widgets import Choice, Place, Words, key_of, label, panel


class Guide(QWidget):
    """`changed` is called when a program begins or ends, or a question comes or goes."""

    def __init__(self, page: QWidget, changed: Callable[[], None]) -> None:
        """page: has the keys while nothing is asked."""
        super().__init__()
        self._page, self._changed = page, changed
        key_of(page, "Escape", self.stop)
        self._program: Program | None = None
        self.sentence = label("", "title", "what the person is to do now")
        self.detail = label("", "quiet", "how it goes")
        self.trouble = label("", "say", "what to do next")
        self._place = Place(page)
        self.cancel = QPushButton("Stop looking  (Esc)")
        self.cancel.setAccessibleName("stop what is being looked at")
        self.cancel.clicked.connect(self.stop)
        inside = QVBoxLayout(self)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(panel(self.sentence, self.detail, self.trouble))
        inside.addLayout(self._place)
        inside.addWidget(self.cancel)
        self.rest("", "")

    @property
    def asking(self) -> Choice | Words | None:
        """The question that waits."""
        return self._place.question

    @property
    def busy(self) -> bool:
        """Whether a program looks."""
        return self._program is not None

    def say(self, sentence: str, detail: str = "") -> None:
        """What happens now, large, and how it goes."""
        self._show(sentence, detail, "")

    def rest(self, sentence: str, trouble: str) -> None:
        """Nothing happens: what is ready, or what is lacking."""
        self._show(sentence, "", trouble)

    def _show(self, sentence: str, detail: str, trouble: str) -> None:
        for one, text in ((self.sentence, sentence), (self.detail, detail), (self.trouble, trouble)):
            one.setText(text)
            one.setVisible(bool(text))
        self.cancel.setVisible(self.busy)

    def run(
        self, arguments: list[str], line: Callable[[str, bool], None], done: Callable[[int, str, str], None]
    ) -> None:
        """Run a command of this program; see `Program`."""

        def over(code: int, out: str, err: str) -> None:
            self._program = None
            done(code, out, err)
            self._changed()

        self.unask()
        self._program = Program(self, arguments, line, over)
        self.cancel.setVisible(True)
        self._changed()

    def stop(self) -> None:
        """End what is being looked at, put a question away, leave a field: letters are keys again."""
        self._page.setFocus()
        if self._program is not None:
            self._program.cancel()
            self._program = None
        self.unask()
        self._changed()

    def ask(self, question: Choice | Words) -> None:
        """A question; the one before is put away."""
        self._place.put(question)
        self.cancel.setVisible(self.busy)
        self._changed()

    def unask(self) -> None:
        """Put the question away."""
        self._place.clear()
