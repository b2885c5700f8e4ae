"""The page during a visit: where it is, what it asks, what went wrong, what is measured, what the patient sees."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from labfeedback.console.looks import STATE_WORDS, Looks
from labfeedback.console.patient_sees import PatientSees
from labfeedback.console.plots import Plots
from labfeedback.console.view import View
from labfeedback.console.widgets import HoldButton, Place, Question, Words, key_of, label, panel
from labfeedback.records import LEFT, RIGHT, EventCode, Rows, flag_names

SIDE_PX: Final = 360
Send = Callable[[dict[str, Any]], None]


class WalkPage(QWidget):
    """Shows a View; `send` takes commands for the hub or the parent."""

    def __init__(self, view: View, looks: Looks, send: Send, scale: float = 1.0) -> None:
        """scale: see `looks.scale_of`."""
        super().__init__()
        self._scale = scale
        self._view, self._looks, self._send = view, looks, send
        foot = RIGHT if view.side == "right" else LEFT
        self.plots = Plots(looks, foot, scale, blinded=view.blinded)
        side = 0 if view.sees == "both" else foot
        self.small = PatientSees(side, view.screen, scale, blinded=view.blinded)
        self._flags: dict[str, int] = {}
        self._counted = [0, 0]
        self._questions: dict[int, Question] = {}
        self._lines = (-1, 0, 0)
        self._build()

    def _build(self) -> None:
        self.state = label("", "title", "state of the visit")
        self.state.setWordWrap(False)
        self.state.setMinimumWidth(int(200 * self._scale))  # the words beside it do not move when it changes
        self.block = label("", "title", "block")
        self.left = label("", "big", "time or steps left")
        self.left.setMinimumWidth(150)
        self.left.setWordWrap(False)
        self.left.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.then = label("", "quiet", "what comes next")
        self.then.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.say = label("", "say", "what the patient is told")
        self.you = label("", "quiet", "for you")
        self.who = label(self._view.heading, "quiet", "who and what")
        words = QVBoxLayout()
        words.setSpacing(1)
        for one in (self.who, self.block, self.say, self.you):
            words.addWidget(one)
        top = QHBoxLayout()
        top.addWidget(self.state)
        top.addLayout(words, 1)
        right = QVBoxLayout()
        right.addWidget(self.left)
        right.addWidget(self.then)
        top.addLayout(right)
        head = QWidget()
        head.setObjectName("panel")
        head.setLayout(top)
        self.health = label("", "quiet", "stream health")
        self.valid = label("", "quiet", "valid steps")
        self.asks = QVBoxLayout()
        self._begun = Place(self)
        self.asks.addLayout(self._begun)
        self.incidents = QListWidget()
        self.incidents.setAccessibleName("incidents, newest first")
        self.incidents.setWordWrap(True)
        self.incidents.setMinimumHeight(44)
        self.incidents.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.seen = QPushButton("Acknowledge  (A)")
        self.seen.setAccessibleName("acknowledge the oldest incident")
        self.seen.setObjectName("warn")
        self.seen.clicked.connect(self.acknowledge)
        self.grave = label("", "grave", "the incident that waits")
        side = QVBoxLayout()
        side.addLayout(self.asks)
        side.addWidget(self.grave)
        side.addWidget(self.seen)
        side.addWidget(label("INCIDENTS", "caption"))
        side.addWidget(self.incidents, 1)
        side.addWidget(panel(self.health, self.valid))
        side.addWidget(label("THE PATIENT SEES", "caption"))
        side.addWidget(self.small, 0, Qt.AlignmentFlag.AlignHCenter)
        side.setSpacing(5)
        side.setContentsMargins(4, 0, 4, 0)
        beside = QWidget()
        beside.setLayout(side)
        beside.setFixedWidth(int(SIDE_PX * self._scale))
        body = QHBoxLayout()
        body.addWidget(self.plots, 1)
        body.addWidget(beside)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(10, 8, 10, 8)
        whole.addWidget(head)
        whole.addLayout(body, 1)
        whole.addLayout(self._bar())

    def _bar(self) -> QHBoxLayout:
        bar = QHBoxLayout()
        self.buttons: dict[str, QPushButton] = {}
        for name, text, key, done in (
            ("start", "Start", "S", lambda: self._send({"do": "start"})),
            ("pause", "Pause", "P", lambda: self._send({"do": "pause"})),
            ("resume", "Resume", "R", lambda: self._send({"do": "resume"})),
            ("pain", "Pain", "I", self._ask_pain),
            ("note", "Note", "N", self._ask_note),
            ("repeat", "Repeat block", "B", lambda: self._send({"do": "repeat"})),
            ("skip", "Skip", "K", self._ask_skip),
        ):
            button = QPushButton(f"{text}  ({key})")
            button.setAccessibleName(text)
            if name in ("start", "resume"):
                button.setObjectName("go")
            button.clicked.connect(lambda _checked=False, do=done: do())
            key_of(self, key, button.click)
            self.buttons[name] = button
            bar.addWidget(button)
        for key, done in (("A", self.seen.click), ("Escape", self._put_away), ("Q", self._to_question)):
            key_of(self, key, done)
        bar.addStretch(1)
        for name, text in (("end_block", "End block"), ("end_visit", "End visit")):
            hold = HoldButton(f"{text}: hold", partial(self._send, {"do": name}), self._looks.stop)
            self.buttons[name] = hold
            bar.addWidget(hold)
        return bar

    # --- what the operator begins; in the page, so that nothing covers the screen while somebody walks ---

    def _ask_pain(self) -> None:
        """The protocol's question if one is open, else one of its own beside the others."""
        asked = next((q for q in self._questions.values() if q.prompt["kind"] == "pain"), None)
        if asked is None:
            self._add({"number": -1, "kind": "pain", "text": "pain of both knees now, 0 to 10", "wait": False})
            asked = self._questions[-1]
        asked.first.setFocus()

    def _to_question(self) -> None:
        """The oldest open question, whatever it asks."""
        if self._questions:
            next(iter(self._questions.values())).first.setFocus()

    def _ask_note(self) -> None:
        self._ask_words("Note: what happened?", lambda text: self._send({"do": "note", "text": text}))

    def _ask_skip(self) -> None:
        self._ask_words(
            "Skip this block: why? The reason is recorded.", lambda text: self._send({"do": "skip", "reason": text})
        )

    def _ask_words(self, text: str, given: Callable[[str], None]) -> None:
        self._put_away()

        def keep(words: str) -> None:
            self._put_away()
            given(words)

        self._begun.put(Words(text, keep))

    def _put_away(self) -> None:
        """Esc: the question that the operator began is dropped, those of the protocol stay; letters are keys again."""
        if -1 in self._questions:
            self._remove(-1)
        self._begun.clear()
        self.setFocus()

    def acknowledge(self) -> None:
        """A stop rule first, then the oldest incident: one stroke acknowledges what stands beside the button."""
        waiting = self._view.waiting
        if self._view.visit.get("acknowledge"):
            self._send({"do": "acknowledge"})
            held = str(self._view.visit["acknowledge"])
            for one in waiting:
                if one.code == EventCode.STOP_RULE and one.text.startswith(held):
                    self._send({"do": "seen", "number": one.number})
        elif waiting:
            self._send({"do": "seen", "number": waiting[0].number})

    # --- what comes ---

    def rows(self, table: str, rows: Rows, now_s: float) -> None:
        """Rows of the hub's streams."""
        if table == "frames":
            self.plots.frames(rows)
        elif table == "steps":
            self.plots.steps(rows)
            self._count(rows)
        elif table == "cues":
            self.small.rows(rows, None, now_s)
            self.plots.cues(rows)
        elif table == "health":
            self.small.rows(None, rows, now_s)

    def past(self, steps: Rows, cues: Rows) -> None:
        """What was walked before this window was opened."""
        self.plots.cues(cues)
        self.plots.steps(steps)
        self._count(steps)

    def _count(self, rows: Rows) -> None:
        for row in rows:
            if row["warm_up"]:
                continue
            self._counted[0] += 1
            self._counted[1] += int(row["kam_valid"])
            for name in flag_names(int(row["flags"])).split(";"):
                if name:
                    self._flags[name] = self._flags.get(name, 0) + 1

    def show_view(self, now_s: float) -> None:
        """Bring everything up to date with the view."""
        view, visit = self._view, self._view.visit
        word, colour = STATE_WORDS[view.state]
        if view.status.get("silent"):
            word, colour = "NO DATA", "stop"
        if view.hub_silent and not view.ended:
            word, colour = "HUB SILENT", "stop"
        ink = getattr(self._looks, colour)
        self.state.setText(f"<span style='color:{ink}'>&#9632;</span> {word}")
        if view.ended:
            self.block.setText("The walk has ended; the recording is being finished")
            for one in (self.left, self.then, self.say, self.you):
                one.setText("")
        elif not visit and view.status:
            self.block.setText(view.phase)
            self.left.setText(f"{view.status['steps']} steps")
        if visit:
            self.block.setText(f"Block {visit['block'] + 1} of {visit['blocks']}: {visit['title']}")
            self.left.setText(view.left)
            self.then.setText(f"then {visit['next']}")
            self.say.setText(f"Say: {visit['patient']}" if visit["patient"] else "")
            told = visit["operator"]
            if visit["halted"]:
                told = f"The block's time does not run: {' and '.join(visit['halted'])}"
            self.you.setText(told)
        for name, button in self.buttons.items():
            button.setEnabled(view.may(name))
        self._questions_now(visit.get("prompts", []))
        waiting = view.waiting
        held = visit.get("acknowledge", "")
        self.grave.setText(held or (waiting[0].text if waiting else ""))
        self.grave.setVisible(bool(held or waiting))
        self.seen.setVisible(bool(held or waiting))
        self.seen.setText(f"Acknowledge  (A){f'   {len(waiting)} wait' if len(waiting) > 1 else ''}")
        self._incidents_now()
        self._health_now()
        self.small.show_at(now_s)

    def _questions_now(self, prompts: list[dict[str, Any]]) -> None:
        open_ = {int(p["number"]) for p in prompts}
        for number in [n for n in self._questions if n not in open_ and n >= 0]:
            self._remove(number)
        for prompt in prompts:
            if int(prompt["number"]) not in self._questions:
                self._add(prompt)

    def _add(self, prompt: dict[str, Any]) -> None:
        question = Question(prompt, self._answered)
        self._questions[int(prompt["number"])] = question
        self.asks.addWidget(question)
        question.show()  # a layout shows it later, and what is not shown takes neither focus nor keys
        # While somebody walks keys stay with the walk, and what is being written keeps them: the rest of a note would
        # otherwise be shortcuts.
        if len(self._questions) == 1 and prompt["wait"] and self._begun.question is None:
            question.first.setFocus()

    def _answered(self, command: dict[str, Any]) -> None:
        if command.get("prompt") == -1:
            del command["prompt"]
            command["kind"] = "pain"
            self._remove(-1)
        self._send(command)

    def _remove(self, number: int) -> None:
        question = self._questions.pop(number)
        had_focus = question.isAncestorOf(self.focusWidget()) if self.focusWidget() else False
        question.hide()
        self.asks.removeWidget(question)
        question.deleteLater()
        if self._questions and had_focus:
            next(iter(self._questions.values())).first.setFocus()
        elif had_focus:
            self.setFocus()

    def _incidents_now(self) -> None:
        incidents = self._view.incidents
        now = (incidents[-1].number if incidents else -1, len(incidents), sum(one.seen for one in incidents))
        if now == self._lines:
            return
        self._lines = now
        self.incidents.clear()
        for one in reversed(incidents[-60:]):
            mark = "!! " if one.grave and not one.seen else ("\u2713 " if one.grave else "")
            item = QListWidgetItem(f"{one.clock}  {mark}{one.text}")
            if one.grave and not one.seen:
                font = item.font()
                font.setBold(True)
                item.setFont(font)
            self.incidents.addItem(item)

    def _health_now(self) -> None:
        status = self._view.status
        if not status or self._view.hub_silent:  # ages and latencies of a hub that is silent are not those of now
            told = "the hub says nothing" if self._view.hub_silent else "no news from the hub yet"
            self.health.setText("" if self._view.ended else told)
            return
        ages = f"markers {1000 * status['markers_age_s']:.0f} ms, forces {1000 * status['forces_age_s']:.0f} ms old"
        if status["silent"]:
            ages = f"SILENT: {' and '.join(status['silent'])}"
        late = status["latency_ms"]
        hub = f"hub p50 {status['loop_p50_ms']:.1f} p99 {status['loop_p99_ms']:.1f}"
        latency = "" if late != late else f"\nlatency {late:.1f} ms, {hub}"
        lost = f"\nNOT RECORDED: {status['lost']} messages" if status["lost"] else ""
        full = f"\nrecorder behind: {status['ring_fill']:.0%} full" if status["ring_fill"] > 0.2 else ""
        self.health.setText(ages + latency + lost + full)
        counted, valid = self._counted
        if counted:
            reasons = ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in sorted(self._flags.items())[:4])
            self.valid.setText(
                f"{valid} of {counted} steps valid ({valid / counted:.0%}){': ' + reasons if reasons else ''}"
            )
