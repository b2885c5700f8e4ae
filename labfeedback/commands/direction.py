"""`labfeedback direction`: the standing patient turns the trained foot in; the wall must show it turned in."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from labfeedback.commands.run import Side
from labfeedback.errors import BadSetup, LabError

if TYPE_CHECKING:
    from labfeedback.engine.turning import Turned

TOLD_EVERY_S: Final = 0.2


class NotTurnedIn(LabError):
    """The direction check is not passed."""

    exit_code = 1


def direction(
    rig: Annotated[str, typer.Option(help="The lab: a shipped name or a TOML file.")],
    markers: Annotated[str, typer.Option(help="The marker set: a shipped name or a TOML file.")],
    subject: Annotated[Path, typer.Option(help="Who stands there: a TOML file.")],
    side: Annotated[Side | None, typer.Option(help="The trained leg, if the subject file does not say.")] = None,
    mirrored: Annotated[
        bool | None, typer.Option("--mirrored/--not-mirrored", help="Instead of what the rig says of the wall.")
    ] = None,
    show: Annotated[float, typer.Option(help="How long the wall shows the turned foot, s.")] = 6.0,
    patience: Annotated[float, typer.Option(help="How long to wait for the turn, s.")] = 20.0,
    wait: Annotated[float, typer.Option(help="How long to wait for the streams, s.")] = 15.0,
    as_json: Annotated[bool, typer.Option("--json", help="Each line as JSON, for a window that drives it.")] = False,
    beside: Annotated[bool, typer.Option("--beside", help="Do not cover a single display.")] = False,
    headless: Annotated[bool, typer.Option("--headless", help="No picture on the wall.")] = False,
) -> None:
    """With the belt off: the foot straight, then turned in, followed live by the patient's screen.

    Ends with 1 when the foot did not turn in by 5 deg, or the other one did, or it is not where a foot of its side that
    stands straight ahead can be: then something is exchanged, and nobody walks. Whether the wall showed it the right
    way round only a person can see.
    """
    from labfeedback.asked import Asked
    from labfeedback.commands.visiting import trained_side
    from labfeedback.commands.walking import can_show
    from labfeedback.engine.turning import LEAST_DEG, Turning
    from labfeedback.markerset import load_marker_set
    from labfeedback.rig import load_rig
    from labfeedback.subject import load_subject

    for name, value in (("--show", show), ("--wait", wait), ("--patience", patience)):
        if not 0 <= value <= 600:
            raise BadSetup(f"{name} {value:g}: expected 0 to 600 s")
    leg = trained_side(load_subject(subject), side.value if side else None)
    the_rig, marker_set = load_rig(rig), load_marker_set(markers)
    screen = the_rig.screen
    if mirrored is not None:
        screen = screen.model_copy(update={"mirrored": mirrored})
    unseen = can_show(headless, lambda text: typer.echo(text, err=True))
    wall = None if unseen else Wall(screen, leg, beside=beside)
    say, turning, turned = Teller(leg, as_json), Turning(leg, show, patience), None
    say.phase("waiting", math.nan, math.nan, "")
    from labfeedback.hub.turning import follow_feet  # brings the compiled kernels: half a minute on a new computer

    with Asked() as asked:

        def stop() -> bool:
            if wall is not None:
                wall.breathe()
            return asked.times > 0

        try:
            for moment, feet in follow_feet(the_rig, marker_set, leg, wait_s=wait, stop=stop):
                turned = turning.feed(moment, feet)
                say.phase(turned.phase, turned.change_deg, turned.left_s, turned.trouble)
                if wall is not None:
                    wall.show(turned)
                if turned.phase == "done":
                    break
        finally:
            if wall is not None:
                wall.close()
    if turned is None or turned.phase != "done":
        raise NotTurnedIn("the direction check was ended before the foot was turned")
    change = turned.result_deg
    way = "inwards" if change < 0 else "outwards" if change > 0 else ""
    words = f"{way} by {abs(change):.0f} deg" if change else "by less than 5 deg"
    found = {"phase": "done", "side": leg, "change_deg": round(change, 1), "words": words, "way": way,
             "turned_in": change <= -LEAST_DEG, "mirrored": screen.mirrored}  # fmt: skip
    told = "The direction check is not passed." if turned.why else f"The {leg.upper()} foot turned {words}."
    typer.echo(json.dumps(found) if as_json else told)
    if turned.why:
        raise NotTurnedIn(f"{turned.why}. Nobody walks before that is mended")
    if not found["turned_in"]:
        raise NotTurnedIn(
            f"the {leg} foot turned {words}; inwards by at least {LEAST_DEG:g} deg was asked for. If it did turn "
            "inwards, its labels or the axes of the rig are wrong: nobody walks before that is mended"
        )


class Teller:
    """Says what the patient is to do: a sentence for each phase, or a line of JSON now and then."""

    def __init__(self, leg: str, as_json: bool) -> None:
        foot = leg.upper()
        self._say = {
            "waiting": "Waiting for the streams",
            "straight": f"Stand still, the {foot} foot straight ahead",
            "turn": f"Turn the toes of the {foot} foot inwards, and stay so",
            "shown": "Look at the wall: does it show what the foot does?",
        }
        self._json, self._told, self._at = as_json, ("", ""), -math.inf

    def phase(self, phase: str, change_deg: float, left_s: float, trouble: str) -> None:
        """Tell it when it is new; as JSON also what changes all the time."""
        if phase not in self._say:
            return
        now, new = time.monotonic(), (phase, trouble) != self._told
        if not new and not (self._json and now - self._at >= TOLD_EVERY_S):
            return
        self._told, self._at = (phase, trouble), now
        said = self._say[phase] + (f" ({trouble})" if trouble else "")
        if self._json:
            known = {"left_s": left_s, "change_deg": change_deg}
            numbers = {name: None if value != value else round(value, 1) + 0.0 for name, value in known.items()}
            said = json.dumps({"phase": phase, "say": said, **numbers})
        typer.echo(said)


class Wall:
    """The patient's screen during the check, painted as the foot moves."""

    def __init__(self, screen: Any, leg: str, *, beside: bool) -> None:
        from PyQt6.QtWidgets import QApplication

        from labfeedback.display.turned import paint_turned, scene_of
        from labfeedback.display.window import PatientWindow, show_on_wall
        from labfeedback.records import LEFT, RIGHT

        self._application = QApplication.instance() or QApplication(["labfeedback"])
        self._side = RIGHT if leg == "right" else LEFT
        self._scene_of: Callable[..., Any] = scene_of
        self._window = PatientWindow(scene_of(self._side, "straight", math.nan), screen, _unheard, paint_turned)
        show_on_wall(self._window, screen.display, beside=beside)
        self._application.processEvents()

    def show(self, turned: Turned) -> None:
        """Paint what is known now."""
        self._window.show_scene(self._scene_of(self._side, turned.phase, turned.change_deg))
        self._application.processEvents()

    def breathe(self) -> None:
        """Let the window live while nothing is new, as when the streams are waited for."""
        self._application.processEvents()

    def close(self) -> None:
        """The wall is free again."""
        self._window.close()
        self._application.processEvents()


def _unheard(_scene: Any, _paint_ms: float) -> None:
    """Nobody records what a check painted."""
