"""A visit's way through its blocks, as data and clock drive it. Pure; all times are data time, s.

A block's clock runs from the first step that began after it was released, and stands while the walk is held: by the
operator, a stop rule that waits for an acknowledgement, a belt that stands or a stream that is silent.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from labfeedback.protocol.aim import Aim
from labfeedback.protocol.aiming import in_unit
from labfeedback.protocol.aims import aim_of
from labfeedback.protocol.baseline import Gathering, larger_peak, settle
from labfeedback.protocol.prompts import Prompt, Prompts
from labfeedback.protocol.schedule import Planned, Standing, Visit, plan
from labfeedback.protocol.stopping import Loads, Pain
from labfeedback.records import CueState, EventCode

SPEED_OFF_M_S: Final = 0.05


class Said(NamedTuple):
    """One event."""

    code: EventCode
    text: str
    value: float = math.nan


class Progress:
    """One visit from its first block to its end; `Runner` adds what an operator may do."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.plan = plan(visit)
        standing = visit.standing or Standing(block=0)
        self.state = "opening"  # then waiting, walking, held, over
        self.index = min(standing.block, len(self.plan) - 1)
        self.own = {side: dict(values) for side, values in standing.own.items()}
        self.larger_peak = standing.larger_peak
        self._part = standing.part if visit.standing else 1
        self.prompts = Prompts()
        self._rules = visit.document.stop
        self._pain = Pain(self._rules, standing.pain, standing.pain_stops)
        self._loads = Loads(self._rules, visit.side)
        self.walked_s = standing.walked_s
        self.to_acknowledge = standing.to_acknowledge  # the sentence of the rule that holds
        self._started = False
        self._halts: set[str] = set()  # belt, streams
        self.aim = Aim(sides=(visit.foot,))
        self._begun = False
        self._closing = False  # the prompts that wait are those after a block
        self._before: int | None = None  # the block that was walked last
        self._next_pain_s = self.walked_s + 60.0 * self._rules.pain_every_min
        self._gathering = Gathering()
        self._reset(0.0)

    # --- what others look at ---

    @property
    def block(self) -> Planned:
        """The one that runs or comes next."""
        return self.plan[self.index]

    @property
    def holds(self) -> CueState | None:
        """What the patient's screen must say instead of feedback; None: nothing."""
        if self.state == "over":
            return CueState.FINISHED
        if self.state == "held":
            return CueState.PAUSED
        return CueState.KEEP_WALKING if self.state in ("opening", "waiting") else None

    @property
    def due_s(self) -> float:
        """Data time at which something is due; infinite while the clock stands."""
        if self.state != "walking" or self.aim.clock_from_s != self.aim.clock_from_s:
            return math.inf
        return self.aim.clock_from_s + min(self._left_s, self._next_pain_s - self.walked_s, self._visit_left_s)

    @property
    def _visit_left_s(self) -> float:
        return 60.0 * self._rules.minutes - self.walked_s

    @property
    def _left_s(self) -> float:
        minutes = self.block.block.minutes
        return math.inf if minutes is None else 60.0 * minutes - self.aim.elapsed_s

    def counts(self, contact_s: float) -> bool:
        """Whether a step that began then belongs to the running block."""
        return self.state == "walking" and not self._halts and contact_s >= self._released_s

    def standing(self) -> Standing:
        """Where the visit would go on if it were cut off now."""
        return Standing(
            block=self.index, own=self.own, larger_peak=self.larger_peak, pain=tuple(self._pain.ratings),
            pain_stops=self._pain.stops, to_acknowledge=self.to_acknowledge, walked_s=self.walked_s,
            part=self._part + 1,
        )  # fmt: skip

    def left(self, now: float) -> tuple[float, int | None]:
        """Seconds of the block that are left, infinite where steps decide; and steps, None where time does."""
        steps, since = self.block.block.steps, self.aim.clock_from_s
        if self._closing:  # what is asked after a block is not before it
            return (math.inf if math.isinf(self._left_s) else 0.0), None if steps is None else 0
        seconds = max(0.0, self._left_s - (max(0.0, now - since) if since == since else 0.0))
        return seconds, None if steps is None else max(0, steps - self._steps)

    @property
    def halts(self) -> list[str]:
        """What keeps the block's clock from running: 'belt', 'streams', 'hazard'."""
        return sorted(self._halts)

    # --- what happens ---

    def begin(self, now: float) -> list[Said]:
        """Data have begun to flow."""
        p = self.visit.document
        text = f"{p.id} {p.version}, visit {self.visit.number} of {p.visits}, {self.visit.side} leg"
        if self._part > 1:
            text += f"; continued, part {self._part}, at block {self.block.id}"
        said = [Said(EventCode.VISIT_BEGAN, text, float(self.visit.number))]
        return said + self._arrive(now)

    def halt(self, now: float, why: str) -> None:
        """The belt stands or a stream is silent: the clock stands."""
        self._stop_clock(now)
        self._halts.add(why)

    def release(self, now: float, why: str) -> None:
        """The belt moves, or the streams are back."""
        self._halts.discard(why)
        self._released_s = now

    def step(self, now: float, row: np.void) -> list[Said]:
        """A finished step of either foot."""
        contact = float(row["start_s"])
        if not self.counts(contact):
            return []
        said: list[Said] = []
        if self.aim.clock_from_s != self.aim.clock_from_s:
            self.aim.clock_from_s = contact
        block = self.block.block
        if block.measures == "baseline":
            self._gathering.add(row)
        if row["belt_speed_m_s"] == row["belt_speed_m_s"] and not row["warm_up"]:
            self._speeds.append(float(row["belt_speed_m_s"]))
        if int(row["side"]) == self.visit.foot and not row["warm_up"]:
            self._steps += 1
        for rule, text, holds in self._loads.step(row, self.own, block.feedback is not None):
            if holds:
                said += self._hold(now, f"{rule}: {text}")
            else:
                said.append(Said(EventCode.ALARM, f"{rule}: {text}"))
        if self.state == "walking" and block.steps is not None and self._steps >= block.steps:
            said += self._close(now, "its steps are walked")
        return said

    def due(self, now: float) -> list[Said]:
        """The clock has come to `due_s`."""
        said: list[Said] = []
        if now < self.due_s:
            return said
        left, pain, visit = self._left_s, self._next_pain_s - self.walked_s, self._visit_left_s
        least = min(left, pain, visit)
        self._stop_clock(self.aim.clock_from_s + least, go_on_s=self.aim.clock_from_s + least)
        if visit <= least:
            said.append(Said(EventCode.STOP_RULE, f"the visit has lasted {self._rules.minutes:g} minutes"))
            return said + self._finish(now, "its time is over")
        if pain <= least:
            self._next_pain_s += 60.0 * self._rules.pain_every_min
            open_ = next((p for p in self.prompts.open if p.kind == "pain"), None)
            if open_ is None:
                said.append(self._ask("pain", wait=False))
            else:  # nobody has answered: ask aloud once more
                said.append(Said(EventCode.PROMPT, open_.words, float(open_.number)))
        if left <= least:
            said += self._close(now, "its time is over")
        return said

    # --- from block to block ---

    def _reset(self, now: float) -> None:
        self._steps = 0
        self._speeds: list[float] = []
        self._begun = False
        self._released_s = now
        self._gathering = Gathering()
        self.aim = Aim(sides=(self.visit.foot,), since_s=math.inf)

    def _arrive(self, now: float) -> list[Said]:
        """At a block that has not begun: its prompts, or straight on."""
        block = self.block.block
        self.state = "waiting"
        self._reset(now)
        asked = block.before
        if self._part > 1 and not self._started and not asked:
            asked = self.plan[0].block.before  # after a break: lanyard and pain once more
        said = [self._ask(prompt, wait=True) for prompt in asked]
        if not said and block.starts == "by itself" and self._started and not self.to_acknowledge:
            return self._go(now)
        return said

    def _go(self, now: float) -> list[Said]:
        """Begin the block."""
        planned, block = self.block, self.block.block
        if not block.walks:
            said = [self._of_block(EventCode.BLOCK_BEGAN, block.title)]
            self._begun = True
            return said + self._close(now, "its questions are answered")
        aimed = aim_of(planned, self.visit, self.own, self.larger_peak, now)
        if aimed.refused:
            return [Said(EventCode.TARGET_REFUSED, aimed.refused)]
        said = [Said(EventCode.TARGET_SET, text, value) for text, value in aimed.told]
        self.state, self._begun, self._released_s = "walking", True, now
        self.aim = aimed.aim
        self._loads.begin()
        return [self._of_block(EventCode.BLOCK_BEGAN, block.title), *said]

    def _close(self, now: float, why: str) -> list[Said]:
        """The block has had its length."""
        block = self.block.block
        self._stop_clock(now)
        said = [self._ended(why)]
        if block.measures == "baseline":
            settled = settle(self._gathering, self.visit.side)
            if settled.lacking:
                self.to_acknowledge, self.state, self._before = settled.lacking, "waiting", self.index
                self._reset(now)
                return [*said, Said(EventCode.STOP_RULE, f"{settled.lacking}: mend the cause and repeat it")]
            self.own = settled.own
            self.larger_peak = larger_peak(self.own, self.visit.side)
            angle = self.own[self.visit.side]["fpa"]
            said.append(Said(EventCode.BASELINE_DONE, f"own angle {in_unit(angle, 'fpa')}", angle))
            if settled.unwatched:
                said.append(Said(EventCode.ALARM, settled.unwatched))
        if isinstance(block.speed, float) and self._speeds:
            speed = math.fsum(self._speeds) / len(self._speeds)
            if abs(speed - block.speed) > SPEED_OFF_M_S:
                text = f"the belt ran at {speed:.2f} m/s, the protocol asks for {block.speed:.2f} m/s"
                said.append(Said(EventCode.ALARM, text, speed))
        return said + self._leave(now)

    def _leave(self, now: float) -> list[Said]:
        """The prompts after the block, then on."""
        self._begun = False
        self.prompts.withdraw()
        asked = [self._ask(prompt, wait=True) for prompt in self.block.block.after]
        if not asked:
            return self._advance(now)
        self.state, self._closing = "waiting", True
        self.aim = Aim(sides=(self.visit.foot,), since_s=math.inf)
        return asked

    def _advance(self, now: float) -> list[Said]:
        """To the next block, or to the end."""
        self._stop_clock(now)
        self._closing = False
        self.prompts.withdraw()
        follows = self.block.next
        if follows < 0:
            return self._finish(now, "all its blocks are walked")
        self._before, self.index = self.index, follows
        return self._arrive(now)

    def _finish(self, now: float, why: str) -> list[Said]:
        self._stop_clock(now)
        said = [self._ended(why)] if self._begun else []
        self._begun = False
        self.state = "over"
        self.prompts.withdraw()
        return [*said, Said(EventCode.VISIT_ENDED, f"the visit has ended: {why}", self.walked_s)]

    def _hold(self, now: float, why: str) -> list[Said]:
        """A stop rule: to go on somebody must acknowledge it."""
        self._stop_clock(now)
        self.to_acknowledge = why
        if self.state == "walking":
            self.state = "held"
        return [Said(EventCode.STOP_RULE, f"{why}; acknowledge it to go on")]

    # --- small things ---

    def _stop_clock(self, now: float, go_on_s: float = math.nan) -> None:
        since, self.aim.clock_from_s = self.aim.clock_from_s, go_on_s
        if since == since:
            passed = max(0.0, now - since)
            self.aim.elapsed_s += passed
            self.walked_s += passed

    def _ask(self, kind: str, *, wait: bool) -> Said:
        if wait:
            self.prompts.replace(kind)
        prompt: Prompt = self.prompts.ask(kind, self.block.id, wait=wait)
        return Said(EventCode.PROMPT, prompt.words, float(prompt.number))

    def _of_block(self, code: EventCode, text: str) -> Said:
        return Said(code, f"block {self.index + 1} of {len(self.plan)}, {self.block.id}: {text}", float(self.index))

    def _ended(self, why: str) -> Said:
        return self._of_block(EventCode.BLOCK_ENDED, why)
