"""Every recording of a folder through the analysis: computed, withheld and why, refused and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np

from labfeedback.analysis.walk import Analysis, Options, analyse_trial
from labfeedback.analysis.walkway import standing
from labfeedback.errors import Hazard, LabError
from labfeedback.exchange.read import read_trial
from labfeedback.exchange.trial import Trial
from labfeedback.records import SIDES, flag_names

ELSEWHERE: Final = {".h5": "a visit: labfeedback replay --check reads it"}
LONGEST: Final = 200
FORCES: Final = (".mot", ".sto", ".forces")


@dataclass
class Line:
    """One recording. status: computed, withheld, refused, static or not read."""

    name: str
    status: str
    why: str = ""
    steps: tuple[int, int] = (0, 0)  # right, left
    valid: int = 0
    kam1_nm: float = np.nan  # median of valid steps
    kam2_nm: float = np.nan
    flags: Counter[str] = field(default_factory=Counter)


def recordings(folder: Path) -> list[Path]:
    """What may be a recording, pairs by their names: a force file goes with the TRC whose stem begins its own."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    out: list[Path] = []
    for path in files:
        suffix = path.suffix.lower()
        if suffix in (".c3d", *ELSEWHERE):
            out.append(path)
        elif suffix == ".trc":
            mates = [
                other
                for other in files
                if other.parent == path.parent
                and other.suffix.lower() in FORCES
                and (other.stem == path.stem or other.stem == f"{path.stem}_grf")
            ]
            out.append(path.parent / f"{path.name}+{mates[0].name}" if mates else path)
    return out


def survey(folder: Path, options: Options, progress: Callable[[str, float], None] | None = None) -> list[Line]:
    """A line for each recording under `folder`. Never raises for a recording; static trials serve their folder's walks.

    progress: called with a name and the share done.
    """
    paths = recordings(folder)
    trials: dict[Path, Trial | LabError] = {}
    for path in paths:
        if path.suffix.lower() not in ELSEWHERE:
            try:
                trials[path] = read_trial(path)
            except LabError as error:
                trials[path] = error
    still = {path: trial for path, trial in trials.items() if isinstance(trial, Trial) and standing(trial)}
    lines = []
    for number, path in enumerate(paths, 1):
        if progress is not None:
            progress(path.name, number / len(paths))
        name = str(path.relative_to(folder))
        trial = trials.get(path)
        if trial is None:
            lines.append(Line(name, "not read", ELSEWHERE[path.suffix.lower()]))
        elif isinstance(trial, LabError):
            lines.append(Line(name, "refused", _short(path, trial)))
        elif path in still:
            lines.append(Line(name, "static", "somebody stands still: a static trial, used for walks of its folder"))
        else:
            statics = [other for place, other in still.items() if place.parent == path.parent]
            lines.append(_one(name, trial, options, statics))
    return lines


def _one(name: str, trial: Trial, options: Options, statics: list[Trial]) -> Line:
    refused: LabError | None = None
    for static in (None, *statics):
        try:
            return _line(name, analyse_trial(trial, replace(options), static))
        except Hazard as hazard:  # no static trial mends a wrong side, sign or plate
            refused = hazard
            break
        except LabError as error:
            refused = refused or error
    assert refused is not None
    return Line(name, "refused", _short(trial.path, refused))


def _line(name: str, one: Analysis) -> Line:
    steps = one.steps
    valid = steps["kam_valid"] == 1
    flags: Counter[str] = Counter()
    for step in steps[~valid]:
        flags.update(flag_names(int(step["flags"])).split(";"))
    counts = tuple(int((steps["side"] == side).sum()) for side in SIDES)
    peaks = [float(np.median(steps[key][valid])) if valid.any() else np.nan for key in ("kam1_nm", "kam2_nm")]
    why = ""
    if not len(steps):
        why = "no whole stance on a plate"
    elif one.static is not None:
        why = f"with {one.static.name} of its folder, taken to be the same person"
    status = "computed" if valid.any() else "withheld"
    return Line(name, status, why, (counts[0], counts[1]), int(valid.sum()), peaks[0], peaks[1], flags)


def _short(path: Path, error: LabError) -> str:
    text = str(error).removeprefix(f"{path}: ").replace(f"{path.parent}/", "")
    return text if len(text) <= LONGEST else f"{text[:LONGEST].rsplit(' ', 1)[0]} ... (`analyse` says all of it)"
