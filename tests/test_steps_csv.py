"""The step table in CSV says what the rows say, in words where the lab expects words."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from labfeedback.errors import BadSetup
from labfeedback.exchange.steps_csv import COLUMNS, write_steps
from labfeedback.records import LEFT, STEP, Flag


def test_a_step_is_written_with_words_empty_cells_and_its_own_time_zero(tmp_path: Path) -> None:
    rows = np.zeros(1, STEP)
    rows["side"], rows["start_s"], rows["kam1_nm"], rows["fpa_deg"] = LEFT, 101.5, np.nan, -7.25
    rows["flags"], rows["fpa_valid"] = int(Flag.MARKERS | Flag.STREAM_GAP), 1
    write_steps(tmp_path / "steps.csv", rows, t0=100.0)
    (line,) = csv.DictReader((tmp_path / "steps.csv").open())
    assert (line["side"], line["valid"], line["fpa_valid"]) == ("left", "false", "true")
    assert (line["start_s"], line["kam1_nm"], line["fpa_deg"]) == ("1.500000", "", "-7.25")
    assert line["flags"] == "markers;stream_gap"
    assert COLUMNS[:4] == ("side", "start_s", "end_s", "valid") and len(set(COLUMNS)) == len(STEP.names or ())


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadSetup, match="could not be written"):
        write_steps(tmp_path / "nowhere" / "steps.csv", np.zeros(0, STEP))
