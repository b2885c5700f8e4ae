"""How well a personal target is chosen, over simulated people (SCIENCE.md sections 1, 7 to 9).

    python -m benchmarks.decisions --people 1000 --out DIR                  # step by step, a few minutes
    python -m benchmarks.decisions --people 1000 --chain 12 --out DIR       # 12 of them through the whole engine, too

A person is drawn from the published distributions: natural angle, both baseline peaks, KAM1 slope N(0.021, 0.030)
%BW*Ht a degree, KAM2 slope -0.5 times it + N(0, 0.010), step-to-step SD of KAM 0.25. Each walks the shipped protocol
assessment_fpa step by step: the walker's own steps (variation, learning from cues), the program's own runner, cues and
choice. What stands in for markers and plates is the error of one step as the engine was measured to have it. With
--chain the same choice is made from whole simulated recordings, markers and plates included.

Truth is what the person's slopes say at the asked angles. 'right': the chosen change is truly the best allowed one;
'tied': its true reduction is within the half width of the 95 % interval, that the choice had, of the best.
"""

from __future__ import annotations

import argparse
import json
import math
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np

from devices.walker.steps import Cue, FootSteps
from labfeedback.engine.feedback import Feedback
from labfeedback.protocol.runner import Runner
from labfeedback.protocol.schedule import Visit, candidate_changes
from labfeedback.protocol.selection import LEAST_REDUCTION, choose, walked
from labfeedback.protocol_file import draw, load_protocol
from labfeedback.records import LEFT, STEP

STRIDE_S: Final = 1.1
ANGLE_ERROR_DEG: Final = 0.10  # of one step, standard noise (tests/engine/test_measures.py)
KAM_ERROR: Final = 0.055  # %BW*Ht, likewise
STEP_SD: Final = 0.25  # %BW*Ht
KFM_PER_DEG: Final = 0.02
SHOWN: Final = {1: "GOOD", 2: "TOO_FAR_IN", 3: "TOO_FAR_OUT", 5: "NATURAL"}


def person(seed: int) -> dict[str, float]:
    """One draw of the population."""
    random = np.random.default_rng([seed, 77])
    b1 = float(random.normal(0.021, 0.030))
    return {
        "natural": float(random.normal(7.0, 4.0)),
        "kam1": float(np.clip(random.normal(3.0, 0.9), 1.2, 5.5)),
        "kam2": float(np.clip(random.normal(2.2, 0.8), 0.7, 5.0)),
        "b1": b1,
        "b2": -0.5 * b1 + float(random.normal(0.0, 0.010)),
    }


def assess(seed: int, who: dict[str, float]) -> Any:
    """The verdict on one person, from a visit walked step by step."""
    protocol = load_protocol("assessment_fpa")
    visit = Visit(document=protocol, side="left", draws=draw(protocol, seed))
    runner, feedback = Runner(visit), None
    feedback = Feedback(runner.aim)
    steps = FootSteps(seed, LEFT, who["natural"], 1.65, who["natural"])
    random = np.random.default_rng([seed, 78])
    runner.begin(0.0)
    for prompt in list(runner.prompts.open):
        answer = {"pain": {"left": 2, "right": 1}, "confirm": {"yes": True}}.get(prompt.kind, {"text": "shoes"})
        runner.command(0.0, {"do": "answer", "prompt": prompt.number, **answer})
    runner.command(1.0, {"do": "start"})
    aim, cues, rows = runner.aim, [], []
    feedback.aim = aim
    for number in range(5000):
        contact = 1.5 + number * STRIDE_S
        while runner.state == "walking" and runner.due_s <= contact:
            runner.due(runner.due_s)
            _answer(runner, contact)
        if runner.state == "over":
            break
        if runner.aim is not aim:
            aim = runner.aim
            cues += _seen(feedback.take_up(contact, aim))
        # A cue acts from the next but one step on.
        ready = [cue for cue in cues if cue.time_s < contact - STRIDE_S]
        cues = [cue for cue in cues if cue.time_s >= contact - STRIDE_S]
        row = _step(number, contact, steps.decide(number, ready), who, random)
        row["block"] = runner.index if runner.counts(contact) else -1
        made, _ = feedback.final(contact + 0.8, contact, row[0], 1.65)
        cues += _seen(made)
        runner.step(contact + 0.8, row[0])
        rows.append(row)
        _answer(runner, contact + 0.8)
    return _verdict(runner, np.concatenate(rows), protocol)


def _seen(rows: Any) -> list[Cue]:
    seen = [row[0] for row in rows if int(row["state"][0]) in SHOWN]
    return [Cue(float(r["time_s"]), LEFT, float(r["deviation"]), SHOWN[int(r["state"])]) for r in seen]


def _answer(runner: Runner, now: float) -> None:
    for prompt in list(runner.prompts.open):
        runner.command(now, {"do": "answer", "prompt": prompt.number, "left": 2, "right": 1})


def _step(number: int, contact: float, fpa: float, who: dict[str, float], random: np.random.Generator) -> Any:
    row = np.zeros(1, STEP)
    turn = fpa - who["natural"]
    noise = random.standard_normal(5)
    row["step"], row["side"], row["start_s"], row["end_s"] = number, LEFT, contact, contact + 0.7
    row["kam_valid"] = row["fpa_valid"] = row["kam2_is_peak"] = 1
    row["fpa_deg"] = fpa + ANGLE_ERROR_DEG * noise[0]
    row["kam1_pct_bwht"] = who["kam1"] + who["b1"] * turn + STEP_SD * noise[1] + KAM_ERROR * noise[2]
    row["kam2_pct_bwht"] = who["kam2"] + who["b2"] * turn + STEP_SD * noise[3] + KAM_ERROR * noise[2]
    row["kfm_pct_bwht"] = 3.2 + KFM_PER_DEG * max(turn, 0.0) + 0.15 * noise[4]
    row["belt_speed_m_s"], row["stride_s"] = 1.2, STRIDE_S
    return row


def _verdict(runner: Runner, rows: Any, protocol: Any) -> Any:
    changes = candidate_changes(protocol)
    by_block = {planned.id: rows[rows["block"] == planned.index] for planned in runner.plan}
    candidates = {name: walked(by_block[f"measure/{name}"], change) for name, change in changes.items()}
    return choose(walked(by_block["baseline"]), candidates, walked(by_block["closing"]))


def truth(who: dict[str, float], changes: list[float]) -> dict[float, float]:
    """Change -> true reduction of the larger baseline peak; only allowed changes that reduce it by 5 % or more."""
    first = who["kam1"] >= who["kam2"]
    base, other = (who["kam1"], who["kam2"]) if first else (who["kam2"], who["kam1"])
    slope, other_slope = (who["b1"], who["b2"]) if first else (who["b2"], who["b1"])
    out = {}
    for change in changes:
        reduction = -slope * change
        if reduction >= LEAST_REDUCTION * base and other + other_slope * change < base:
            out[change] = reduction
    return out


def reduction_of(who: dict[str, float], change: float) -> float:
    """True reduction of the larger peak, %BW*Ht."""
    return -change * (who["b1"] if who["kam1"] >= who["kam2"] else who["b2"])


def one(seed: int) -> dict[str, Any]:
    """Everything about one person's decision."""
    who = person(seed)
    changes = sorted(candidate_changes(load_protocol("assessment_fpa")).values())
    return {"seed": seed, **who, **_compare(who, assess(seed, who), changes)}


def _compare(who: dict[str, float], verdict: Any, changes: list[float]) -> dict[str, Any]:
    real = truth(who, changes)
    best = max(real.values(), default=0.0)
    chosen = verdict.chosen if verdict.verdict == "target" else math.nan
    half = next((c.reduction.half for c in verdict.candidates if c.walked.change == chosen), math.nan)
    got = reduction_of(who, chosen) if chosen == chosen else 0.0
    return {
        "verdict": verdict.verdict, "chosen": chosen, "rule": verdict.rule, "responder": bool(real), "best": best,
        "got": got, "uniform": reduction_of(who, -10.0), "right": bool(real) and chosen in real and got >= best - 1e-9,
        "tied": bool(real) and chosen == chosen and got >= best - half,
        "peak_right": verdict.larger_peak == ("kam1" if who["kam1"] >= who["kam2"] else "kam2"),
    }  # fmt: skip


def chain(seed: int) -> dict[str, Any]:
    """The same decision from a whole simulated recording; slopes of the population, the walker's own peaks."""
    import tempfile

    from devices.simulated import Walk, layouts
    from labfeedback.engine.start import build_start
    from labfeedback.markerset import load_marker_set
    from labfeedback.rehearsal import walk_fast
    from labfeedback.report.verdict import verdict_of
    from labfeedback.report.visited import read_visit
    from labfeedback.rig import load_rig
    from labfeedback.subject import Subject

    who = person(seed)
    natural = round(who["natural"], 2)
    walk = Walk(seed=seed, natural_fpa_deg=(natural, natural), kam_sd=STEP_SD, slope=(who["b1"], who["b2"]))
    walker, rig, protocol = walk.walker(), load_rig("simulated"), load_protocol("assessment_fpa")
    visit = Visit(document=protocol, side="left", draws=draw(protocol, seed))
    person_ = Subject(id=f"P{seed}", mass_kg=75.0, height_m=1.70, sex="M", trained_side="left")
    start = build_start(rig, person_, load_marker_set("simulated"), visit=visit)
    with tempfile.TemporaryDirectory() as folder:
        went = walk_fast(start, layouts(walker, rig), walker, Path(folder) / "walk.h5")
        verdict = verdict_of(read_visit([went.recording]))
    who = {**who, "kam1": 3.14, "kam2": 1.88}
    changes = sorted(candidate_changes(protocol).values())
    steps = assess(seed, who)
    return {
        "seed": seed, **_compare(who, verdict, changes),
        "step_by_step": steps.verdict, "step_by_step_chosen": steps.chosen,
    }  # fmt: skip


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What the measure of the issue asks."""
    responders = [r for r in rows if r["responder"]]
    others = [r for r in rows if not r["responder"]]
    decided = [r for r in rows if r["verdict"] != "repeat"]
    told = [r for r in responders if r["verdict"] != "repeat"]
    correct = sum(r["tied"] or r["right"] for r in told) + sum(
        r["verdict"] == "no responder" for r in others if r["verdict"] != "repeat"
    )

    def share(part: int, of: list[Any]) -> float:
        return round(part / len(of), 4) if of else math.nan

    return {
        "people": len(rows),
        "true_responders": len(responders),
        "repeat": share(sum(r["verdict"] == "repeat" for r in rows), rows),
        "larger_peak_right": share(sum(r["peak_right"] for r in rows), rows),
        "responders_given_a_target": share(sum(r["verdict"] == "target" for r in told), told),
        "responders_right": share(sum(r["right"] for r in told), told),
        "responders_right_or_tied": share(sum(r["tied"] or r["right"] for r in told), told),
        "chosen_right_or_tied_of_those_with_a_target": share(
            sum(r["tied"] or r["right"] for r in decided if r["verdict"] == "target" and r["responder"]),
            [r for r in decided if r["verdict"] == "target"],
        ),
        "nonresponders_recognised": share(
            sum(r["verdict"] == "no responder" for r in others if r["verdict"] != "repeat"),
            [r for r in others if r["verdict"] != "repeat"],
        ),
        "decisions_right_or_tied": share(correct, decided),
        "mean_reduction": {
            "personal_where_a_target_was_given": _mean([r["got"] for r in decided if r["verdict"] == "target"]),
            "personal_all_decided": _mean([r["got"] for r in decided]),
            "best_possible_all_decided": _mean([r["best"] for r in decided]),
            "uniform_toe_in_10_all_decided": _mean([r["uniform"] for r in decided]),
        },
        "made_worse": {
            "personal": share(sum(r["got"] < -1e-9 for r in decided), decided),
            "uniform_toe_in_10": share(sum(r["uniform"] < -1e-9 for r in decided), decided),
        },
    }


def _mean(values: list[float]) -> float:
    return round(float(np.mean(values)), 4) if values else math.nan


def main() -> None:
    """Run, print, and leave both tables as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decisions", description=__doc__)
    parser.add_argument("--people", type=int, default=600)
    parser.add_argument("--chain", type=int, default=0, help="so many through the whole engine")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    from rich.progress import track

    with ProcessPoolExecutor(given.workers) as pool:
        rows = list(track(pool.map(one, range(1, given.people + 1), chunksize=8), "people", total=given.people))
        out = {"step_by_step": summary(rows)}
        if given.chain:
            through = list(track(pool.map(chain, range(1, given.chain + 1)), "whole engine", total=given.chain))
            out["whole_engine"] = summary(through)
            out["whole_engine"]["same_as_step_by_step"] = sum(
                r["verdict"] == r["step_by_step"]
                and (r["chosen"] == r["step_by_step_chosen"] or r["chosen"] != r["chosen"])
                for r in through
            )
            (given.out / "whole_engine.json").write_text(json.dumps(through, indent=1), encoding="utf-8")
    (given.out / "people.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    (given.out / "summary.json").write_text(json.dumps(out, indent=2), encoding="utf-8")
    print(json.dumps(out, indent=2))


if __name__ == "__main__":
    main()
