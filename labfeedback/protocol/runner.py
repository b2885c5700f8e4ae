"""The visit as a state machine: what each command of the operator means in each state (`protocol.table`). Pure."""

from __future__ import annotations

from typing import Any, Final

from labfeedback.protocol.progress import Progress, Said
from labfeedback.protocol.table import COMMANDS, REASONED, STATES, TABLE
from labfeedback.records import EventCode

REASON_LEAST: Final = 3  # letters


class Runner(Progress):
    """One visit. Times are data time, s; whatever is refused changes nothing and says why."""

    def command(self, now: float, command: dict[str, Any]) -> list[Said]:
        """An operator's command; what is not possible now is refused, and nothing changes."""
        what = str(command.get("do"))
        if what not in COMMANDS:
            return []
        method = TABLE.get((self.state, what))
        if method is None:
            return [Said(EventCode.REFUSED, f"{what}: not possible while the visit is {STATES[self.state]}")]
        if what in REASONED and len(str(command.get("reason", "")).strip()) < REASON_LEAST:
            return [Said(EventCode.REFUSED, f"{what}: give a reason, it is recorded")]
        said: list[Said] = getattr(self, method)(now, command)
        return said

    def _start(self, now: float, _command: dict[str, Any]) -> list[Said]:
        if self.prompts.waiting():
            return [Said(EventCode.REFUSED, f"start: first answer: {self.prompts.waiting_words()}")]
        if self.to_acknowledge:
            return [Said(EventCode.REFUSED, f"start: first acknowledge: {self.to_acknowledge}")]
        self._started = True
        return self._advance(now) if self._closing else self._go(now)

    def _pause(self, now: float, command: dict[str, Any]) -> list[Said]:
        self._stop_clock(now)
        self.state = "held"
        return [Said(EventCode.PAUSED, "paused by the operator" + _why(command))]

    def _resume(self, now: float, command: dict[str, Any]) -> list[Said]:
        if self.to_acknowledge:
            return [Said(EventCode.REFUSED, f"resume: first acknowledge: {self.to_acknowledge}")]
        self.state = "walking"
        self._released_s = now
        self._loads.begin()
        return [Said(EventCode.RESUMED, "resumed by the operator" + _why(command))]

    def _acknowledge(self, now: float, command: dict[str, Any]) -> list[Said]:
        if not self.to_acknowledge:
            return [Said(EventCode.REFUSED, "acknowledge: nothing waits for it")]
        text, self.to_acknowledge = self.to_acknowledge, ""
        said = [Said(EventCode.ACKNOWLEDGED, text + _why(command))]
        # The block was walked to its end; only its answer had held the visit up.
        return said + (self._advance(now) if self._closing and not self.prompts.waiting() else [])

    def _override(self, _now: float, command: dict[str, Any]) -> list[Said]:
        text = str(command.get("what", "")).strip() or "unnamed"
        return [Said(EventCode.OVERRIDE, f"{text}: {str(command['reason']).strip()}")]

    def _answer(self, now: float, command: dict[str, Any]) -> list[Said]:
        prompt, text, refused = self.prompts.answer(command)
        if refused or prompt is None:
            return [Said(EventCode.REFUSED, f"answer: {refused}")]
        said = [Said(EventCode.ANSWER, text, float(prompt.number))]
        if prompt.kind == "pain":
            why = self._pain.rate(int(command["left"]), int(command["right"]))
            if why and self._pain.stops > 1:
                said.append(Said(EventCode.STOP_RULE, f"{why}, for the second time: the visit ends"))
                return said + self._finish(now, "a stop rule")
            if why:
                said += self._hold(now, f"pain rule: {why}")
        if self.state == "waiting" and not self.prompts.waiting() and not self.to_acknowledge:
            said += self._after_prompts(now)
        return said

    def _skip(self, now: float, command: dict[str, Any]) -> list[Said]:
        block = self.block
        if block.block.measures == "baseline" and not self.own:
            return [Said(EventCode.REFUSED, f"skip: {block.id} measures the person's own values; nothing goes without")]
        if self.state == "waiting" and not self._closing and self.prompts.waiting():
            return [Said(EventCode.REFUSED, f"skip: first answer: {self.prompts.waiting_words()}")]
        text = f"block {block.id} skipped: {str(command['reason']).strip()}"
        self._stop_clock(now)
        # What is asked after it is asked all the same: how the knees are matters most when a block was given up.
        closing, self._closing = self._closing, False
        said = [Said(EventCode.BLOCK_SKIPPED, text, float(self.index))]
        return said + (self._advance(now) if closing else self._leave(now))

    def _repeat(self, now: float, command: dict[str, Any]) -> list[Said]:
        """The running block from its beginning; between blocks the one before."""
        if self.to_acknowledge:
            return [Said(EventCode.REFUSED, f"repeat: first acknowledge: {self.to_acknowledge}")]
        said: list[Said] = []
        if self._begun:
            said.append(self._ended("it is to be repeated" + _why(command)))
        elif self._closing:
            pass
        elif self.state == "waiting" and self._before is not None:
            self.index = self._before
        else:
            return [Said(EventCode.REFUSED, "repeat: no block has been walked yet")]
        self.state = "waiting"
        self.prompts.withdraw()
        self._closing = False
        self._reset(now)
        return said + self._go(now)

    def _end_block(self, now: float, command: dict[str, Any]) -> list[Said]:
        return self._close(now, "ended by the operator" + _why(command))

    def _end_visit(self, now: float, command: dict[str, Any]) -> list[Said]:
        return self._finish(now, "ended by the operator" + _why(command))

    def _after_prompts(self, now: float) -> list[Said]:
        """Every prompt that held the visit up is answered."""
        if self._closing:
            return self._advance(now)
        # Somebody says when the visit begins.
        if not self._started or self.block.block.starts == "operator":
            return []
        return self._go(now)


def _why(command: dict[str, Any]) -> str:
    reason = str(command.get("reason", "")).strip()
    return f": {reason}" if reason else ""
