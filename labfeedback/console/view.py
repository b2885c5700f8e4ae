"""What the window shows, from the news of the hub: pure, so that a window that was closed is whole again at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from labfeedback.records import CueState, EventCode

KEPT: Final = 300  # incidents
# What an operator must have seen: each waits until it is acknowledged.
GRAVE: Final = frozenset(
    {
        EventCode.HAZARD, EventCode.STOP_RULE, EventCode.TARGET_REFUSED, EventCode.STREAM_LOST, EventCode.STREAM_SILENT,
        EventCode.BELT_STOPPED, EventCode.PLATE_ALARM, EventCode.MARKER_MOVED, EventCode.MARKER_GONE,
        EventCode.BELT_AXIS_OFF, EventCode.WEIGHT_DIFFERS, EventCode.CLOCK_STEP, EventCode.ALARM,
    }
)  # fmt: skip
QUIET: Final = frozenset({EventCode.COMMAND, EventCode.PROMPT, EventCode.STREAM_GAP, EventCode.STANCE_REJECTED,
                          EventCode.PLATE_ZERO, EventCode.TARGET_SET, EventCode.BELT_AXIS})  # fmt: skip
FREE: Final = frozenset({"pause", "resume", "note"})  # what a walk without a protocol knows
BUTTONS: Final = {
    "start": ("waiting",), "pause": ("walking",), "resume": ("held",), "repeat": ("waiting", "walking", "held"),
    "skip": ("waiting", "walking", "held"), "end_block": ("walking", "held"),
    "end_visit": ("waiting", "walking", "held"),
    "pain": ("waiting", "walking", "held"), "note": ("opening", "waiting", "walking", "held"),
}  # fmt: skip


@dataclass(slots=True)
class Incident:
    """One line. number: as the parent counted it; grave ones wait for `seen`."""

    number: int
    text: str
    grave: bool
    clock: str = ""
    seen: bool = False
    code: int | None = None


@dataclass(slots=True)
class View:
    """Everything that is shown. page: 'start', 'walk', 'wait' or 'end'."""

    page: str = "start"
    heading: str = ""
    status: dict[str, Any] = field(default_factory=dict)
    visit: dict[str, Any] = field(default_factory=dict)
    incidents: list[Incident] = field(default_factory=list)
    hub_silent: bool = False
    ended: str = ""  # why the walk has ended; its recording is being finished
    blinded: bool = False
    conclusion: dict[str, Any] = field(default_factory=dict)
    session: str = ""
    recording: str = ""
    side: str = ""
    sees: str = ""  # whose cues the patient's screen shows: left, right or both
    screen: dict[str, Any] = field(default_factory=dict)
    refused: str = ""  # why a visit could not begin
    found: tuple[dict[str, Any], dict[str, Any]] | None = None  # (what was asked, what was found) of a person
    text: str = ""  # of the page 'wait'
    stamp: int = 0  # another conclusion, another page

    def hear(self, news: dict[str, Any]) -> None:
        """One piece of news from the parent."""
        kind = news.get("kind")
        if kind == "page":
            self.page = str(news["page"])
            for name in ("heading", "session", "recording", "side", "sees", "screen", "blinded", "text"):
                if name in news:
                    setattr(self, name, news[name])
            if self.page == "walk":
                self.status, self.visit, self.refused, self.ended = {}, {}, "", ""
        elif kind == "status":
            self.status, self.hub_silent = news, False
            self.visit = news.get("visit") or {}
        elif kind in ("ended", "finishing"):
            # Nothing of a hub that is gone may look live.
            self.ended, self.status, self.visit = str(news.get("why", "")) or self.ended or "the walk is over", {}, {}
        elif kind == "hub silent":
            self.hub_silent = True
        elif kind in ("note", "event"):
            self._incident(news)
        elif kind == "seen":
            for incident in self.incidents:
                if incident.number == news["number"]:
                    incident.seen = True
        elif kind == "concluded":
            self.conclusion = news
            self.page = "end"
            self.stamp += 1
        elif kind == "found":
            self.found = (news["asked"], {k: v for k, v in news.items() if k not in ("kind", "asked")})
        elif kind == "refused":
            self.refused = str(news["text"])
        elif kind == "cleared":
            self.incidents.clear()

    def _incident(self, news: dict[str, Any]) -> None:
        code = news.get("code")
        if code is not None and code in QUIET:
            return
        grave = bool(news.get("loud")) if code is None else code in GRAVE
        number = int(news.get("number", len(self.incidents)))
        self.incidents.append(Incident(number, str(news["text"]), grave, str(news.get("clock", "")), code=code))
        if len(self.incidents) > KEPT:  # one that waits to be seen is not dropped
            oldest = next((one for one in self.incidents if not one.grave or one.seen), None)
            if oldest is not None:
                self.incidents.remove(oldest)

    @property
    def waiting(self) -> list[Incident]:
        """Grave ones that nobody has acknowledged, oldest first."""
        return [one for one in self.incidents if one.grave and not one.seen]

    @property
    def state(self) -> str:
        """Of the visit; a walk without a protocol walks or is held; 'none' before the first news."""
        if self.ended:
            return "over"
        if not self.visit and self.status:
            return "held" if self._cue == CueState.PAUSED else "walking"
        return str(self.visit.get("state", "none"))

    @property
    def _cue(self) -> float:
        return float((self.status.get("cue") or {}).get("state", CueState.KEEP_WALKING))

    @property
    def phase(self) -> str:
        """What a walk without a protocol is doing."""
        return {CueState.NATURAL: "Natural walking", CueState.FINISHED: "The walk is over"}.get(
            CueState(int(self._cue)), "Walking with feedback"
        )

    def may(self, button: str) -> bool:
        """Whether a button does anything now."""
        if self.state not in BUTTONS[button]:
            return False
        if not self.visit:
            return button in FREE
        if button == "start":
            return not self.visit["acknowledge"] and not any(p["wait"] for p in self.visit["prompts"])
        return not (button == "resume" and self.visit["acknowledge"])

    @property
    def left(self) -> str:
        """'1:23', '12 steps' or nothing."""
        if self.visit.get("left_steps") is not None:
            return f"{self.visit['left_steps']} steps"
        seconds = self.visit.get("left_s")
        return "" if seconds is None else f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
