"""From a block's words to what its steps are judged by: targets in the variable's unit, from the own values."""

from __future__ import annotations

import math
from typing import NamedTuple

from labfeedback.protocol.aim import GOOD_SIDES, Aim
from labfeedback.protocol.aiming import FURTHEST, KAM, in_unit, parse_target, variable_for
from labfeedback.protocol.baseline import Own
from labfeedback.protocol.schedule import Planned, Visit
from labfeedback.records import SIDE_NAMES, SIDES, CueState
from labfeedback.variables import FEEDBACK_VARIABLES


class Aimed(NamedTuple):
    """told: (sentence, target) for each side. refused: why there is no aim; empty when there is one."""

    aim: Aim
    told: list[tuple[str, float]]
    refused: str = ""


def aim_of(planned: Planned, visit: Visit, own: Own, larger_peak: str, now: float) -> Aimed:
    """What the block aims at from data time `now` on, s.

    own: side name -> variable -> the person's own value. larger_peak: what 'kam' stands for.
    """
    feedback, foot = planned.block.feedback, visit.foot
    nothing = Aim(sides=(foot,), since_s=now)
    if feedback is None:
        return Aimed(nothing, [])
    sides = {"trained": (foot,), "left": (-1,), "right": (1,), "both": SIDES}[feedback.side]
    variable = (larger_peak or "kam1") if feedback.variable == KAM else feedback.variable
    if feedback.side != "both" and sides != (foot,):
        text = f"{planned.id}: {feedback.side} is not the trained leg, which is the {visit.side} one"
        return Aimed(nothing, [], text)
    target, targets, told, band = parse_target(planned.target, feedback.variable), {}, [], feedback.band
    for side in sides:
        mean = own.get(SIDE_NAMES[side], {}).get(variable, math.nan)
        value = target.value(mean)
        if value != value:
            return Aimed(nothing, [], f"{planned.id}: the {SIDE_NAMES[side]} side has no own value of {variable}")
        # Asked and furthest may be the same number; the sum and difference of floats must not refuse it.
        most = FURTHEST.get(variable, math.inf)
        if not abs(value - mean) <= most + 1e-9:
            unit = variable_for(variable).unit
            text = f"{planned.id}: target refused: more than {most:g} {unit} from the own {in_unit(mean, variable)}"
            return Aimed(nothing, [], text)
        targets[side] = value
        if feedback.band_percent:
            band = abs(mean) * feedback.band / 100.0
        label = FEEDBACK_VARIABLES[variable].label
        text = f"{SIDE_NAMES[side]} {label} ({variable}): target {in_unit(value, variable)}, {planned.target} from "
        told.append((f"{text}{in_unit(mean, variable)}, band {band:.6g}", value))
    aim = Aim(
        sides=sides,
        variable=variable,
        targets=targets,
        band=band,
        good_side=GOOD_SIDES[feedback.good],
        idle=CueState.ON_YOUR_OWN,
        since_s=now,
        on_s=planned.on_s,
        off_s=planned.off_s,
        catch_of=feedback.catch_of,
        catch=visit.draws.catch,
    )
    return Aimed(aim, told)
