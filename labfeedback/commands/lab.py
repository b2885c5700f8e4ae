"""`labfeedback lab`: the operator's window, from the check to the report; what a desktop icon runs."""

from __future__ import annotations

import json
import tempfile
import time
import uuid
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from labfeedback.errors import BadSetup, LabError

if TYPE_CHECKING:
    from labfeedback.aside import Aside
    from labfeedback.asked import Asked
    from labfeedback.desk import Desk

LOOK_S: Final = 0.05
LOOK_PATIENCE_S: Final = 60.0
REMEMBERED: Final = ("study", "subject", "rig", "markers", "protocol", "side", "mirrored")


def lab(
    study: Annotated[Path | None, typer.Option(metavar="DIR", help="The study folder to begin with.")] = None,
    rig: Annotated[str, typer.Option(help="The rig to begin with.")] = "",
    markers: Annotated[str, typer.Option(help="The marker set to begin with.")] = "",
    light: Annotated[bool, typer.Option("--light", help="Dark words on a light ground.")] = False,
    headless: Annotated[bool, typer.Option("--headless", help="The patient's screen without a window.")] = False,
) -> None:
    """Open the operator's window and stay until it is closed; each visit is run from there.

    What was chosen last is chosen again the next time.
    """
    from labfeedback.aside import Aside
    from labfeedback.asked import Asked
    from labfeedback.commands.walking import can_show
    from labfeedback.desk import Desk
    from labfeedback.doctor import has_screen

    no_screen = can_show(headless, typer.echo)
    if no_screen and not headless:
        raise BadSetup(
            "the operator's window needs a display, and there is none here. From a terminal: 'labfeedback visit'"
        )
    memory = Memory(Path(typer.get_app_dir("labfeedback")) / "lab.json")
    last = memory.recall()
    if rig and rig != last.get("rig"):
        last.pop("mirrored", None)  # another room, another wall
    last |= {k: v for k, v in (("rig", rig), ("markers", markers)) if v}
    if study is not None:
        last["study"] = str(study.absolute())
    desk = Desk({**choices(last), "headless": headless}, headless=not has_screen(), dark=not light)
    with Asked() as asked:
        serving = Serving(desk, asked, headless=no_screen, memory=memory)
        warming = Aside("labfeedback.commands.lab_look:warm")
        desk.begin()
        try:
            while not desk.closed and not asked.times:
                serving.once()
                time.sleep(LOOK_S)
        finally:
            desk.close()
            warming.close()


def choices(last: dict[str, Any]) -> dict[str, Any]:
    """What there is to choose from, and what was chosen last."""
    from labfeedback.commands.lab_visit import SCRATCH
    from labfeedback.protocol_file import load_protocol, shipped
    from labfeedback.rig import shipped as of_devices

    documents = {name: load_protocol(name) for name in shipped()}
    turns = [n for n, d in documents.items() if any(b.feedback and b.feedback.variable == "fpa" for b in d.blocks)]
    return {
        "rigs": list(of_devices("rigs")), "markers": list(of_devices("markersets")), "protocols": list(documents),
        "turns": turns, "shams": [name for name, document in documents.items() if document.arm == "sham"], "last": last,
        "scratch": str(Path(tempfile.gettempdir()) / f"{SCRATCH}{uuid.uuid4().hex[:8]}"),
    }  # fmt: skip


class Memory:
    """What was chosen last, in a file of this computer's user; losing it costs nothing but clicks."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def recall(self) -> dict[str, Any]:
        """Nothing where there is none, or it cannot be read."""
        try:
            found = json.loads(self._path.read_text(encoding="utf-8")) if self._path else {}
        except (OSError, ValueError):
            return {}
        return {name: found[name] for name in REMEMBERED if name in found} if isinstance(found, dict) else {}

    def keep(self, chosen: dict[str, Any]) -> None:
        """Write it; a disk that refuses is no reason to stop a visit."""
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps({name: chosen[name] for name in REMEMBERED if name in chosen}, indent=1)
            self._path.write_text(text + "\n", encoding="utf-8")
        except OSError:
            return


class Serving:
    """Does what the window asks for, one thing at a time. Call `once` again and again."""

    def __init__(
        self, desk: Desk, asked: Asked, *, headless: bool, memory: Memory | None = None,
        devices: tuple[Callable[[Any], BaseProcess], ...] = (), session: str = "",
    ) -> None:  # fmt: skip
        self.desk, self.asked, self.headless = desk, asked, headless
        self.memory = memory or Memory(None)
        self.devices, self.session = devices, session
        self._looking: tuple[dict[str, Any], Aside] | None = None
        self._look_next: dict[str, Any] | None = None

    def once(self) -> None:
        """Take what was asked, answer what has been found out."""
        from labfeedback.aside import unforeseen

        self.desk.work()
        while self.desk.asked:
            command = self.desk.asked.popleft()
            try:
                self._do(command)
            except LabError as error:
                self.desk.refuse(str(error))
            except Exception as error:  # the lab stays
                self.desk.refuse(unforeseen(error))
        self._look()

    def _do(self, command: dict[str, Any]) -> None:
        from labfeedback.commands.lab_visit import override_verdict, run_visit

        what = command["do"]
        if what == "begin":
            chosen = {k: v for k, v in command.items() if k not in ("do", "check")}
            self.memory.keep(chosen)
            self.desk.offer({**self.desk.choices["last"], **chosen})
            try:
                run_visit(self.desk, command, self.asked, headless=self.headless, devices=self.devices,
                          session=self.session)  # fmt: skip
            finally:
                # Asked for twice, or meanwhile: another visit begins only when somebody wants it after this one.
                for late in [one for one in self.desk.asked if one["do"] == "begin"]:
                    self.desk.asked.remove(late)
        elif what == "another":
            self.desk.offer(self.desk.choices["last"])
            self.desk.page("start")
        elif what == "override verdict":
            override_verdict(self.desk, command)
        elif what == "look":
            self._look_next = {name: str(command.get(name, "")) for name in ("study", "subject", "protocol")}

    def _look(self) -> None:
        """Who is chosen, which visit is next, whether one was cut off: the newest question only."""
        from labfeedback.aside import Aside

        if self._looking is not None and (self._looking[1].ready() or self._looking[1].age_s > LOOK_PATIENCE_S):
            asked, aside = self._looking
            self._looking = None
            try:
                found = aside.answer(0.0)
            except LabError as error:
                found = {"trouble": str(error)}
            self.desk.found(asked, found)
        if self._looking is None and self._look_next is not None:
            asked, self._look_next = self._look_next, None
            self._looking = (asked, Aside("labfeedback.commands.lab_look:look", **asked))
