"""`labfeedback direction`: the standing patient turns the trained foot in; the wall must show it turned in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer

from labfeedback.commands.run import Side
from labfeedback.errors import BadSetup, LabError

LEAST_DEG: Final = 5.0
STRAIGHT_S: Final = 2.0
TURNED_S: Final = 3.0


def direction(
    rig: Annotated[str, typer.Option(help="The lab: a shipped name or a TOML file.")],
    markers: Annotated[str, typer.Option(help="The marker set: a shipped name or a TOML file.")],
    subject: Annotated[Path, typer.Option(help="Who stands there: a TOML file.")],
    side: Annotated[Side | None, typer.Option(help="The trained leg, if the subject file does not say.")] = None,
    pause: Annotated[float, typer.Option(help="Seconds between 'stand straight' and 'turn the foot in'.")] = 4.0,
    show: Annotated[float, typer.Option(help="How long the patient's screen shows the turned foot, s.")] = 6.0,
    wait: Annotated[float, typer.Option(help="How long to wait for the streams, s.")] = 15.0,
    headless: Annotated[bool, typer.Option("--headless", help="No picture on the wall.")] = False,
) -> None:
    """Measure the foot straight, then turned in, and show it as the patient's screen would; the last line is JSON.

    Ends with 1 when the foot turned less than 5 deg, or outwards: then something is exchanged.
    """
    from labfeedback.commands.visiting import trained_side
    from labfeedback.doctor import has_screen
    from labfeedback.markerset import load_marker_set
    from labfeedback.rig import load_rig
    from labfeedback.subject import load_subject

    for name, value in (("--pause", pause), ("--show", show), ("--wait", wait)):
        if not 0 <= value <= 600:
            raise BadSetup(f"{name} {value:g}: expected 0 to 600 s")
    person = load_subject(subject)
    leg = trained_side(person, side.value if side else None)
    the_rig, marker_set = load_rig(rig), load_marker_set(markers)
    typer.echo(f"Stand still, the {leg.upper()} foot straight ahead.")
    straight = _angle(the_rig, marker_set, leg, STRAIGHT_S, wait)
    typer.echo(f"Now turn the toes of the {leg.upper()} foot inwards and stay so.")
    import time

    time.sleep(pause)
    turned = _angle(the_rig, marker_set, leg, TURNED_S, wait)
    change = turned - straight
    way = "inwards" if change < 0 else "outwards"
    found = {
        "side": leg, "change_deg": round(change, 1), "words": f"{way} by {abs(change):.0f} deg", "way": way,
        "turned_in": change <= -LEAST_DEG, "mirrored": the_rig.screen.mirrored,
    }  # fmt: skip
    if not headless and has_screen():
        _show(the_rig, leg, change, show)
    typer.echo(json.dumps(found))
    if not found["turned_in"]:
        raise NotTurnedIn(
            f"the {leg} foot turned {found['words']}; inwards by at least {LEAST_DEG:g} deg was asked for. If it did "
            "turn inwards, its labels or the axes of the rig are wrong: nobody walks before that is mended"
        )


class NotTurnedIn(LabError):
    """The direction check is not passed."""

    exit_code = 1


def _angle(rig: object, marker_set: object, leg: str, seconds: float, wait: float) -> float:
    """Median angle of the standing foot over some seconds, deg, toe-out positive. Raises LabError."""
    from labfeedback.hub.gather import gather
    from labfeedback.markerset import MarkerSet
    from labfeedback.rig import Rig

    assert isinstance(rig, Rig) and isinstance(marker_set, MarkerSet)
    found = gather(rig, seconds=seconds, wait_s=wait)
    if found.trial is None:
        raise BadSetup("; ".join(found.trouble) or "the streams are not there")
    trial = found.trial
    roles = marker_set.leg(1 if leg == "right" else -1)
    names = [roles.heel, roles.mt2 or roles.mt5]
    lacking = [name for name in names if name not in trial.labels]
    if lacking:
        raise BadSetup(f"the markers {', '.join(map(str, lacking))} are not in the stream")
    heel, toe = (trial.positions_m[:, trial.labels.index(str(name))] @ rig.to_lab.T for name in names)
    ahead = toe - heel
    angles = np.degrees(np.arctan2(ahead[:, 2], ahead[:, 0])) * (1 if leg == "right" else -1)
    angles = angles[np.isfinite(angles)]
    if len(angles) < 10:
        raise BadSetup(f"the {leg} foot's heel and toe markers are hidden; look at the cameras")
    return float(np.median(angles))


def _show(rig: object, leg: str, change_deg: float, seconds: float) -> None:
    """The patient's screen with the foot as it stands now."""
    from PyQt6.QtCore import QTimer
    from PyQt6.QtWidgets import QApplication

    from labfeedback.display.scene import Scene
    from labfeedback.display.window import PatientWindow, chosen_screen
    from labfeedback.records import LEFT, RIGHT, CueState
    from labfeedback.rig import Rig

    assert isinstance(rig, Rig)
    application = QApplication.instance() or QApplication(["labfeedback"])
    state = CueState.TOO_FAR_IN if change_deg < 0 else CueState.TOO_FAR_OUT
    scene = Scene(RIGHT if leg == "right" else LEFT, state, change_deg, 2.0)
    window = PatientWindow(scene, rig.screen, lambda _scene, _ms: None)
    place = chosen_screen(rig.screen.display)
    if place is not None:
        window.setScreen(place)
        window.setGeometry(place.geometry())
    window.showFullScreen()
    QTimer.singleShot(int(1000 * seconds), application.quit)
    application.exec()
    window.close()
