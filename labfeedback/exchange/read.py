"""One way in for every kind of recording that can be analysed."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from labfeedback.errors import BadFile
from labfeedback.exchange.c3d import read_c3d
from labfeedback.exchange.pairs import read_pair
from labfeedback.exchange.trc import read_trc, trial_of
from labfeedback.exchange.trial import Trial
from labfeedback.exchange.xdf import read_xdf

KINDS: Final = "C3D (.c3d), XDF (.xdf), markers and forces in two files (walk.trc+walk_grf.mot, walk.trc+walk.forces)"


def read_trial(path: Path) -> Trial:
    """Read a recording by its name. Raises BadFile in sentences."""
    if "+" in path.name and not path.exists():
        return read_pair(path)
    suffix = path.suffix.lower()
    if suffix == ".c3d":
        return read_c3d(path)
    if suffix == ".trc":
        return trial_of(path, read_trc(path))
    if suffix in (".mot", ".sto", ".forces"):
        raise BadFile(f"{path}: forces alone; name the markers too, as in walk.trc+{path.name}")
    if suffix == ".xdf":
        return read_xdf(path)
    raise BadFile(f"{path}: {suffix or 'no'} ending; expected {KINDS}")
