"""Protocol documents: what a clinician reads and signs, as models. TOML in `protocols/`, read by `protocol_file`.

A document is a list of blocks. Blocks that say `each = "condition"` are walked once for each condition, in an order
that is drawn before the visit. Everything has a default that the clinic rules of SCIENCE.md sections 7 and 10 give.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from labfeedback.protocol.aiming import ANGLE, KAM, Target, parse_target, variable_for
from labfeedback.variables import FEEDBACK_VARIABLES

NAME: Final = r"^[a-z][a-z0-9_]{0,40}$"
PROMPTS: Final = ("pain", "footwear", "note")
BOTH_LEGS: Final = frozenset({"step_width", "step_length", "stride_length", "cadence", "trunk_lean", "stance_time"})
_ON_OFF: Final = re.compile(r"on (\d+(?:\.\d+)?) s, off (\d+(?:\.\d+)?) s")
_CATCH: Final = re.compile(r"1 in (\d+)")
Percent = Annotated[float, Field(ge=0, le=100)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Feedback(_Model):
    """What is fed back in a block, and when it is shown.

    target: see `aiming`. good 'within': inside the band; 'below', 'above': also everything beyond the target on that
    side. show 'always', 'never', 'faded' (the document's `fading`), or 'on 30 s, off 30 s'. catch '1 in 10': one step
    of ten, drawn before the visit, is not shown.
    """

    variable: str = Field(ANGLE, description="one of labfeedback.variables, or 'kam': the larger baseline peak")
    side: Literal["trained", "left", "right", "both"] = "trained"
    target: str
    band: float = Field(2.0, gt=0, description="in the variable's unit, or in % of the own value with band_percent")
    band_percent: bool = False
    good: Literal["within", "below", "above"] = "within"
    show: str = Field("always", pattern=r"^(always|never|faded|on \d+(\.\d+)? s, off \d+(\.\d+)? s)$")
    catch: str = Field("", pattern=r"^(1 in \d+)?$")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.variable != KAM and self.variable not in FEEDBACK_VARIABLES:
            known = ", ".join([KAM, *FEEDBACK_VARIABLES])
            raise ValueError(f"variable {self.variable!r} is not known; there are {known}")
        parse_target(self.target, self.variable)
        if self.target == "selected" and self.variable != ANGLE:
            raise ValueError(f"target 'selected' is a foot angle; it cannot be the target of {self.variable}")
        if self.side == "both" and self.variable not in BOTH_LEGS:
            raise ValueError(
                f"side 'both' with {self.variable}: the untrained leg is never trained; both legs are for "
                f"{', '.join(sorted(BOTH_LEGS))}"
            )
        if self.variable == ANGLE and self.good != "within":
            raise ValueError(f"good {self.good!r} with a foot angle: any turn beyond the target would count as good")
        if self.variable == ANGLE and (self.band_percent or not 0.5 <= self.band <= 10):
            raise ValueError(f"band {self.band:g}: a foot angle's band is 0.5 to 10 deg; 2 is the norm")
        if (match := _ON_OFF.fullmatch(self.show)) and min(float(match[1]), float(match[2])) < 5:
            raise ValueError(f"show {self.show!r}: expected phases of at least 5 s")
        if self.catch and not 2 <= self.catch_of <= 50:
            raise ValueError(f"catch {self.catch!r}: expected '1 in 2' to '1 in 50'")
        return self

    @property
    def aim(self) -> Target:
        """The target's words, understood."""
        return parse_target(self.target, self.variable)

    @property
    def unit(self) -> str:
        """Of target and band."""
        return variable_for(self.variable).unit

    @property
    def on_off_s(self) -> tuple[float, float]:
        """Phases of 'on .. off ..'; (0, 0) for the others."""
        match = _ON_OFF.fullmatch(self.show)
        return (float(match[1]), float(match[2])) if match else (0.0, 0.0)

    @property
    def catch_of(self) -> int:
        """One step in so many is not shown; 0: none."""
        match = _CATCH.fullmatch(self.catch)
        return int(match[1]) if match else 0


class Block(_Model):
    """One part of a visit.

    A block with neither minutes nor steps asks its prompts and is over. measures: what the report and the choice of
    the target make of its steps. next: the id of the block that follows, or 'end'; the one below it when left out.
    before, after: prompts that must be answered: 'pain', 'footwear', 'note', 'confirm: <sentence>'.
    """

    id: str = Field(pattern=NAME)
    title: str = Field(min_length=1, max_length=60)
    patient: str = Field("", max_length=160, description="what the patient is told, in plain words")
    operator: str = Field("", max_length=200)
    minutes: float | None = Field(None, gt=0, le=60)
    steps: int | None = Field(None, ge=5, le=5000, description="of the trained foot")
    speed: float | Literal["self-selected"] = "self-selected"
    measures: Literal[
        "", "familiarisation", "baseline", "practice", "condition", "closing", "training", "retention"
    ] = ""
    each: Literal["", "condition"] = ""
    starts: Literal["by itself", "operator"] = "by itself"
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    feedback: Feedback | None = None
    next: str = ""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.minutes is not None and self.steps is not None:
            raise ValueError("a block ends after minutes or after steps: give one of the two")
        if not self.walks and not (self.before or self.after):
            raise ValueError("a block without minutes and steps must ask something: give it a prompt, or a length")
        if not self.walks and (self.feedback or self.measures):
            raise ValueError("a block without minutes and steps cannot measure or feed back: give it a length")
        if isinstance(self.speed, float) and not 0.3 <= self.speed <= 2.5:
            raise ValueError(f"speed {self.speed:g}: expected 0.3 to 2.5 m/s, or 'self-selected'")
        for prompt in (*self.before, *self.after):
            kind, _, text = prompt.partition(":")
            if kind == "confirm" and text.strip():
                continue
            if prompt not in PROMPTS:
                raise ValueError(
                    f"prompt {prompt!r} is not known; expected 'pain', 'footwear', 'note' or 'confirm: <sentence>'"
                )
        return self

    @property
    def walks(self) -> bool:
        """Whether it has a length."""
        return self.minutes is not None or self.steps is not None


class Condition(_Model):
    """One candidate."""

    id: str = Field(pattern=NAME)
    target: str


class StopRules(_Model):
    """When the visit is held or ended (SCIENCE.md section 10). Pain holds at first and ends at the second time."""

    pain: int = Field(5, ge=1, le=5, description="stricter than SCIENCE.md is allowed, looser is not")
    pain_rise: int = Field(2, ge=1, le=2)
    pain_every_min: float = Field(5.0, gt=0, le=30)
    valid_share: float = Field(0.5, ge=0, le=1, description="of the last 40 steps of the trained foot")
    other_knee: float = Field(0.3, gt=0, le=2, description="%BW*Ht that the other knee's larger peak may rise")
    kfm_percent: float = Field(10.0, gt=0, le=100)
    load_rules: Literal["alarm", "hold"] = Field("alarm", description="what other_knee and kfm_percent do")
    minutes: float = Field(90.0, gt=0, le=240, description="of walking, over the whole visit")


class Fading(_Model):
    """Share of feedback time at each visit, and how long one on/off cycle lasts."""

    percent: tuple[Percent, ...] = (100.0, 80.0, 60.0, 40.0, 20.0, 0.0)
    cycle_s: float = Field(60.0, ge=20, le=600)


class Protocol(_Model):
    """A whole document. purpose: what the report makes of it; arm 'sham' turns 'selected' into the own angle."""

    schema_: Literal[1] = Field(1, alias="schema")
    id: str = Field(pattern=NAME)
    version: str = Field(pattern=r"^\d+(\.\d+)*$")
    title: str = Field(min_length=1, max_length=80)
    about: str = ""
    source: str = Field(min_length=10, description="where it comes from: a publication, or who decided it")
    purpose: Literal["assessment", "training", "retention", "practice", "observation"]
    arm: Literal["active", "sham"] = "active"
    visits: int = Field(1, ge=1, le=52)
    order: Literal["fixed", "random", "counterbalanced"] = "fixed"
    conditions: tuple[Condition, ...] = ()
    stop: StopRules = StopRules()
    fading: Fading = Fading()
    blocks: tuple[Block, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        from labfeedback.protocol.rules import check_whole

        check_whole(self)
        return self
