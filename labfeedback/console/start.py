"""The page before a visit: who and by which protocol; calibration, check, direction check; then begin."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from PyQt6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from labfeedback.console.choosing import Fields
from labfeedback.console.guide import Guide
from labfeedback.console.lights import Lights
from labfeedback.console.looks import Looks
from labfeedback.console.widgets import Choice, Words, key_of, label

WARNING: Final = (
    "Research use, not a medical device. The treadmill's own stop and lanyard come first; this program never stops a "
    "belt."
)
Send = Callable[[dict[str, Any]], None]


class StartPage(QWidget):
    """`choices`: what is there to choose from, and what was chosen last, from the parent."""

    def __init__(self, choices: dict[str, Any], looks: Looks, send: Send) -> None:
        super().__init__()
        self._send, self._choices = send, choices
        self._checked_for: tuple[str, ...] = ()
        self._reasons: dict[str, str] = {}  # line of the check -> why it is accepted
        self._refused = ""
        last = choices.get("last", {})
        self.mirrored: bool | None = last.get("mirrored")
        self._mirrored_in = last.get("rig", "")
        self.ready = False
        self._begun = False
        self.check_file = ""
        self.direction = ""  # what the direction check found and the operator confirmed
        self.fields = Fields(choices, self._changed, lambda asked: send({"do": "look", **asked}))
        self._directed = self._person()
        if last.get("direction") and last.get("directed") == list(self._directed):
            self.direction = str(last["direction"])  # a visit that was cut off does not ask for it again
        self.guide = Guide(self, self._allow)
        self.lights = Lights(looks)
        self.steps: dict[str, QPushButton] = {}
        for name, text, key, done, words in (
            ("calibrate", "Calibrate standing", "L", self.begin_calibration, "calibration from quiet standing"),
            ("check", "Check while walking", "C", self.begin_check, "check streams, sides, signs and plates"),
            ("direct", "Direction check", "D", self.begin_direction, "the standing patient turns the foot in"),
        ):
            self.steps[name] = self._button(f"{text}  ({key})", key, done, words)
        self.accept = self._button("Accept a red line, with a reason  (O)", "O", self.ask_reason, "accept a red line")
        self.begin = self._button("Begin the visit  (Ctrl+Return)", "Ctrl+Return", self.start, "begin the visit")
        self.begin.setObjectName("go")
        self._lay_out()
        self._changed()

    def _lay_out(self) -> None:
        left = QVBoxLayout()
        left.addWidget(label("Before the visit", "title"))
        left.addWidget(self.fields)
        left.addStretch(1)
        for button in self.steps.values():
            left.addWidget(button)
        left.addWidget(self.begin)
        right = QVBoxLayout()
        right.addWidget(label("WHAT TO DO NOW", "caption"))
        right.addWidget(self.guide)
        right.addWidget(label("PRE-FLIGHT", "caption"))
        right.addWidget(self.lights, 1)
        right.addWidget(self.accept)
        right.addWidget(label(WARNING, "quiet"))
        whole = QHBoxLayout(self)
        whole.setContentsMargins(14, 10, 14, 10)
        whole.setSpacing(14)
        whole.addLayout(left, 4)
        whole.addLayout(right, 5)

    def _button(self, text: str, key: str, done: Callable[[], None], name: str) -> QPushButton:
        button = QPushButton(text)
        button.setAccessibleName(name)
        button.clicked.connect(lambda _checked=False: done())
        key_of(self, key, button.click)
        return button

    # --- what was chosen, and what it lacks ---

    @property
    def chosen(self) -> dict[str, Any]:
        """As the parent takes it."""
        return {**self.fields.chosen, "mirrored": self.mirrored, "direction": self.direction,
                "directed": list(self._person()) if self.direction else []}  # fmt: skip

    def _key(self) -> tuple[str, ...]:
        """A check holds for these."""
        return tuple(str(self.fields.chosen[name]) for name in ("subject", "rig", "markers", "calibration"))

    def _person(self) -> tuple[str, ...]:
        """A direction check holds for these, on one day."""
        chosen = self.fields.chosen
        return (time.strftime("%Y-%m-%d"), *(str(chosen[name]) for name in ("subject", "rig", "markers", "side")))

    def found(self, asked: dict[str, Any], found: dict[str, Any]) -> None:
        """What the parent knows of the chosen person."""
        refused = self._refused
        self.fields.take(asked, found)
        self._refused = refused  # nobody chose anything: why a visit could not begin still stands
        self._allow()

    def refused(self, text: str) -> None:
        """The parent could not begin."""
        self._refused, self._begun = text, False
        self._allow()

    def _changed(self) -> None:
        if not hasattr(self, "begin"):
            return
        self._refused = ""
        if self._checked_for and self._key() != self._checked_for:
            self.ready, self._checked_for, self._reasons = False, (), {}
            self.lights.forget()
        if self.mirrored is not None and self._mirrored_in != self.fields.chosen["rig"]:
            self.mirrored = None  # another room, another wall
        if self._directed != self._person():
            self.direction, self._directed = "", self._person()
        self._allow()

    @property
    def lacking(self) -> str:
        """What stands in the way of beginning; empty: nothing."""
        if self.fields.missing:
            return f"Choose: {', '.join(self.fields.missing)}"
        if not self.fields.found:
            return "Looking the person up ..."
        if trouble := self.fields.found.get("trouble"):
            return str(trouble)
        if not self.fields.side.currentText():
            return "Choose the trained leg"
        if not self.ready:
            names = ", ".join(dict.fromkeys(one["name"] for one in self.lights.stopping))
            if names:
                return f"NOT READY to walk: {names}. Mend it as the red lines say, then check again"
            return "Check while the person walks: it must be ready before a visit can begin"
        if not self.direction and self._turns_a_foot():
            return (
                "Direction check: belt off, the patient stands and turns the foot in, you confirm what the wall shows"
            )
        return ""

    def _turns_a_foot(self) -> bool:
        """Documents of one's own are not in the list: they are checked too."""
        known = self.fields.protocol.currentText()
        return known in self._choices["turns"] or known not in self._choices["protocols"]

    def _allow(self) -> None:
        busy, lacking = self.guide.busy, self.lacking
        idle = not busy and self.guide.asking is None and not self._begun
        known = self.fields.found and not self.fields.found.get("trouble")  # the look-up may choose leg and calibration
        usable = bool(known) and not self.fields.missing and not busy and not self._begun
        marks = {"calibrate": bool(self.fields.chosen["calibration"]), "check": self.ready,
                 "direct": bool(self.direction)}  # fmt: skip
        for name, button in self.steps.items():
            button.setEnabled(usable and (name != "direct" or bool(self.fields.chosen["side"])))
            text = button.text().removeprefix("\u2713 ")
            button.setText(f"\u2713 {text}" if marks[name] else text)
        # What is asked is asked about the person, rig and leg that stand here.
        self.fields.setEnabled(not busy and not self._begun and self.guide.asking is None)
        stopping = self.lights.stopping
        self.accept.setVisible(bool(stopping) and not busy and not any(one.get("firm") for one in stopping))
        self.begin.setEnabled(not lacking and idle)
        self.begin.setText(f"{'Go on with' if self.fields.chosen['resume'] else 'Begin'} the visit  (Ctrl+Return)")
        if idle and self._refused:
            self.guide.rest("", f"{self._refused[:1].upper()}{self._refused[1:]}")
        elif idle:
            self.guide.rest("" if lacking else "Ready to begin", lacking)

    def start(self) -> None:
        """Begin the visit."""
        if self.begin.isEnabled():
            self._refused, self._begun = "", True
            self._allow()
            self.guide.say("Starting the lab ...")
            self._send({"do": "begin", **self.chosen, "check": self.check_file})

    # --- programs that look before the first step ---

    def _of_lab(self) -> list[str]:
        c = self.fields.chosen
        return ["--rig", c["rig"], "--markers", c["markers"], "--subject", c["subject"]]

    def _new_file(self, ending: str) -> str:
        """A name that nobody has used: checks and calibrations are never written over."""
        return f"{self._choices['scratch']}-{time.time_ns():x}.{ending}"

    def begin_check(self) -> None:
        """Look for ten seconds. What was accepted before may be mended, or red for another reason now: asked anew."""
        self._reasons = {}
        self._look_at_walk()

    def _look_at_walk(self) -> None:
        self._refused, self.ready, self._checked_for = "", False, ()
        self.check_file = self._new_file("check.json")
        arguments = ["check", *self._of_lab(), "--json", "--save", self.check_file,
                     "--out", self.fields.chosen["study"]]  # fmt: skip
        if calibration := self.fields.chosen["calibration"]:
            arguments += ["--calibration", calibration]
        for name, reason in self._reasons.items():
            arguments += ["--override", f"{name}={reason}"]
        self.lights.forget()
        key = self._key()
        self.guide.run(arguments, lambda _l, _e: None, lambda code, out, err: self.show_check(code, out, err, key))
        self.guide.say("Walk for ten seconds, hands off the rails", "Looking at streams, sides, signs and plates ...")

    def show_check(self, code: int, out: str, err: str, key: tuple[str, ...]) -> None:
        """What the check printed, as lights."""
        self.ready, self._checked_for = False, ()
        try:
            self.ready = self.lights.show_found(out) and code == 0
        except (ValueError, KeyError):
            self._refused = _last(err) or "the check said nothing"
            if self._reasons:
                self._refused += ". Check again (C); what is still red can be accepted then"
            self.lights.say(self._refused)
            return
        self._checked_for = key
        if key != self._key():
            self.ready, self._refused = False, "the choice has changed since this check began: check again"

    def ask_reason(self) -> None:
        """A red line that is no hazard may be accepted, with a reason that the recording keeps."""
        lines = self.lights.stopping
        if not self.accept.isVisibleTo(self) or not lines:
            return

        def given(reason: str) -> None:
            self._reasons[lines[0]["name"]] = reason
            self._look_at_walk()

        text = f"Accept '{lines[0]['name']}': why? It is recorded. Then the check is made again."
        self.guide.ask(Words(text, given))

    def begin_calibration(self) -> None:
        """Three seconds of quiet standing."""
        self._refused = ""
        target = self.fields.found.get("calibrate_to") or ""
        if target and Path(target).parent.is_dir():
            target += f"{time.strftime('%Y%m%dT%H%M%S')}.calibration.json"
        else:  # no visit of this person yet: the first one takes it into its folder
            target = self._new_file("calibration.json")

        def done(code: int, out: str, err: str) -> None:
            try:
                self.lights.show_found(out, stops=False)
            except (ValueError, KeyError):
                self.lights.say(_last(err))
            if code == 0:
                self.fields.calibration.setText(target)
            else:
                self._refused = f"calibration: {_last(err)}"

        stand = "Stand still, one foot on each plate, facing forwards"
        self.ready, self._checked_for = False, ()  # another calibration needs another check
        arguments = ["calibrate", *self._of_lab(), "--json", "--out", target]
        self.guide.run(arguments, lambda t, _e: self.guide.say(stand, t), done)
        self.guide.say(stand)

    def begin_direction(self) -> None:
        """The patient's screen shows the standing foot; the operator says what the wall shows."""
        self._refused, self.direction = "", ""
        person = self._person()
        arguments = ["direction", *self._of_lab(), "--json", "--beside", "--side", self.fields.chosen["side"]]
        if self.mirrored is not None:
            arguments.append("--mirrored" if self.mirrored else "--not-mirrored")
        if self._choices.get("headless"):
            arguments.append("--headless")

        def done(code: int, out: str, err: str) -> None:
            found: dict[str, Any] = {}
            with contextlib.suppress(ValueError, IndexError):
                found = json.loads(out.strip().splitlines()[-1])
            if code != 0 or found.get("phase") != "done":
                self._refused = f"direction check: {_last(err) or 'it gave no answer'}"
            else:
                self.ask_direction(found, person)

        self.guide.run(arguments, self._direction_line, done)
        self.guide.say("The belt is off; the patient stands and looks at the wall")

    def _direction_line(self, text: str, error: bool) -> None:
        if error:
            return
        with contextlib.suppress(ValueError):
            news = json.loads(text)
            change, left = news.get("change_deg"), news.get("left_s")
            turned = "" if change is None else f"turned {'in' if change < 0 else 'out'} by {abs(change):.0f} deg"
            if news.get("say"):
                self.guide.say(news["say"], "   ".join(x for x in (turned, f"{left:.0f} s" if left else "") if x))

    def ask_direction(self, found: dict[str, Any], person: tuple[str, ...]) -> None:
        """What the operator saw on the wall. person: for whom it was made, see `_person`."""

        def seen() -> None:
            if found["turned_in"]:
                self.direction = (
                    f"direction check: {found['side']} foot turned {found['words']}, and the operator saw it so on the "
                    "wall"
                )
            self._answered("" if found["turned_in"] else "direction check: the foot was not turned in", person)

        def turned() -> None:
            self.mirrored, self._mirrored_in = not found["mirrored"], self.fields.chosen["rig"]
            how = "mirrored" if self.mirrored else "no longer mirrored"
            self._answered(f"the patient's picture is now {how}: make the direction check again", person)

        def wrong() -> None:
            self._answered("direction check not passed: look at labels, sides and the rig before anybody walks", person)

        side = found["side"].upper()
        text = f"Did the wall show the {side} foot, with its toes turned {found['way']} as the patient did?"
        self.guide.ask(Choice(text, (("Yes", "1", seen), ("It was mirrored: turn the picture round", "2", turned),
                                     ("No, something else", "3", wrong))))  # fmt: skip

    def _answered(self, refused: str, person: tuple[str, ...]) -> None:
        self.guide.unask()
        self._refused, self._directed = refused, self._person()
        if person != self._directed:  # the fields were locked; a late look-up and midnight are not
            self.direction, self._refused = "", "the choice or the day has changed: make the direction check again"
        self._allow()


def _last(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1].removeprefix("labfeedback: ") if lines else ""
