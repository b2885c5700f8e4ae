"""Every fault can be seen in the samples, starts and ends when it should, and is named in the truth."""

from __future__ import annotations

from pathlib import Path

import ezc3d
import numpy as np
import pytest

from devices.walker import FAULTS, Chunk, Fault, Walker, parse_fault
from devices.walker.truth import write_truth
from devices.walker.walk import LABELS
from devices.walker.write import write_c3d
from labfeedback.errors import BadSetup

START, END, SECONDS = 3.0, 6.0, 9.0


def walk(*faults: Fault, seconds: float = SECONDS, noise: str = "none") -> tuple[Walker, Chunk]:
    walker = Walker(1, noise=noise, fpa_sd_deg=0.0, faults=faults)
    return walker, walker.advance(seconds)


def fault(name: str, side: int = 1) -> Fault:
    return Fault(name, START, END, side)


CLEAN = walk()[1]
MARKER_TIMES, FORCE_TIMES = CLEAN.markers.time, CLEAN.forces.time
IN_M = (MARKER_TIMES >= START) & (MARKER_TIMES < END)
IN_F = (FORCE_TIMES >= START) & (FORCE_TIMES < END)


def columns(*names: str) -> list[int]:
    return [3 * LABELS.index(name) + axis for name in names for axis in range(3)]


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_seen_while_it_lasts_and_not_before(name: str) -> None:
    walker, chunk = walk(fault(name))
    before = chunk.markers.time < START - 0.4  # a foot swings towards its new place a little earlier
    assert np.array_equal(chunk.markers.values[before], CLEAN.markers.values[MARKER_TIMES < START - 0.4])
    before = chunk.forces.time < START
    assert np.array_equal(chunk.forces.values[before], CLEAN.forces.values[FORCE_TIMES < START])
    same = [
        len(given.time) == len(clean.time) and np.array_equal(given.values, clean.values)
        for given, clean in zip(chunk, CLEAN, strict=True)
    ]
    assert not all(same)
    named = [step for step in walker.truth if step.fault]
    assert named and all(step.fault == name and step.start_s < END and step.end_s > START for step in named)


def test_crossover_loads_both_plates_with_one_foot_and_changes_neither_force_nor_truth() -> None:
    walker, chunk = walk(fault("crossover"))
    single = (FORCE_TIMES > 3.72 + 0.2) & (FORCE_TIMES < 4.2)  # right contact at 3.70, left toe-off at 3.85
    assert chunk.forces.values[single, 2].max() < -100.0  # the left plate, in single support of the right foot
    assert np.allclose(chunk.forces.values[single, 2] + chunk.forces.values[single, 8], CLEAN.forces.values[single, 8])
    assert {round(step.kam1_pct_bwht, 3) for step in walker.truth} == {3.139}


def test_wrong_belt_puts_the_whole_foot_on_the_other_plate() -> None:
    _, chunk = walk(fault("wrong_belt"))
    stance = (FORCE_TIMES > 3.75) & (FORCE_TIMES < 4.35)
    assert np.abs(chunk.forces.values[stance, 8]).max() == 0.0
    assert chunk.markers.values[(MARKER_TIMES > 3.75) & (MARKER_TIMES < 4.35)][:, columns("RCAL")[2]].max() < 0.0


def test_plates_swapped_flipped_offset_drifting_and_late() -> None:
    clean = CLEAN.forces.values
    swapped = walk(fault("swapped_plates"))[1].forces.values
    assert np.array_equal(swapped[IN_F], np.roll(clean[IN_F], 6, axis=1))
    flipped = walk(fault("flipped_sign", -1))[1].forces.values
    assert np.array_equal(flipped[IN_F, :6], -clean[IN_F, :6]) and np.array_equal(flipped[:, 6:], clean[:, 6:])
    offset = walk(fault("plate_offset"))[1].forces.values - clean
    assert np.allclose(offset[IN_F], [8, 8, 8, 0, 0, 0] * 2) and not offset[~IN_F].any()
    drift = walk(Fault("drift", 0.0, 100.0), seconds=60.0)[1].forces.values
    assert drift[-1, 8] - drift[-1 - 6600, 8] == pytest.approx(5.0 * 6.6 / 60.0, abs=1e-6)  # six strides apart
    late = walk(fault("skew"))[1].forces.values
    shifted = np.roll(clean, 20, axis=0)
    assert np.array_equal(late[IN_F], shifted[IN_F])


def test_labels_swapped_turned_and_exchanged() -> None:
    clean = CLEAN.markers.values
    feet = walk(fault("swapped_feet"))[1].markers.values
    assert np.array_equal(feet[IN_M][:, columns("RCAL", "LASI")], clean[IN_M][:, columns("LCAL", "RASI")])
    pair = walk(fault("marker_swap"))[1].markers.values
    assert np.array_equal(pair[IN_M][:, columns("RSH1", "RSH4")], clean[IN_M][:, columns("RSH4", "RSH1")])
    yaw = walk(fault("yaw"))[1].markers.values[IN_M]
    for letter, sign in (("R", 1.0), ("L", -1.0)):  # outwards on one foot, inwards on the other
        toe, heel = columns(f"{letter}MT2"), columns(f"{letter}CAL")
        angle = [np.arctan2((v[:, toe] - v[:, heel])[:, 2], (v[:, toe] - v[:, heel])[:, 0]) for v in (yaw, clean[IN_M])]
        turn = np.rad2deg(sign * np.median(angle[0] - angle[1]))
        assert turn == pytest.approx(2.0 * sign)


def test_markers_missing_zero_and_repeated() -> None:
    touched = columns("RCAL", "RSH2")
    missing = walk(fault("nan_markers"))[1].markers.values
    assert np.isnan(missing[IN_M][:, touched]).all() and np.isfinite(missing[~IN_M]).all()
    zeros = walk(Fault("zeros", START, END, markers=("LMT2",)))[1].markers.values
    assert not zeros[IN_M][:, columns("LMT2")].any() and zeros[IN_M][:, touched].all()
    held = walk(fault("repeated_value"), noise="standard")[1].markers.values
    last_good = np.flatnonzero(IN_M)[0] - 1
    assert (held[IN_M][:, touched] == held[last_good, touched]).all()


def test_frames_lost_and_sent_twice_keep_their_own_stamps() -> None:
    lost = walk(fault("lost_frames"))[1].markers
    assert 0 < len(MARKER_TIMES) - len(lost.time) < 0.06 * IN_M.sum()
    assert np.isin(lost.time, MARKER_TIMES).all() and np.diff(lost.time).min() > 0.004
    twice = walk(fault("duplicated_frames"))[1].markers
    again = np.flatnonzero(np.diff(twice.time) == 0.0)
    assert len(twice.time) - len(MARKER_TIMES) == len(again) > 0
    assert np.array_equal(twice.values[again], twice.values[again + 1])


def test_a_handrail_takes_a_tenth_of_the_weight() -> None:
    _, chunk = walk(fault("handrail"))
    stance = (FORCE_TIMES > 3.75) & (FORCE_TIMES < 4.35)
    assert np.allclose(chunk.forces.values[stance, 8], 0.9 * CLEAN.forces.values[stance, 8])


def test_a_slower_belt_carries_the_standing_foot_more_slowly_and_lengthens_the_stance() -> None:
    walker, chunk = walk(Fault("speed_change", 3.0, 30.0), seconds=12.0)
    step = next(s for s in walker.truth if s.start_s > 5.0 and s.side == "right")

    def heel_speed(of: Chunk, contact_s: float, stance_s: float) -> float:
        flat = np.abs(of.markers.time - contact_s - 0.4 * stance_s) < 0.1 * stance_s
        return float(np.median(np.gradient(of.markers.values[flat, columns("RCAL")[0]], 0.005)))

    slow = heel_speed(chunk, step.contact_s, step.toe_off_s - step.contact_s)
    assert slow == pytest.approx(0.8 * heel_speed(CLEAN, 1.5, 0.7), rel=0.01)
    assert step.end_s - step.start_s == pytest.approx(0.6907 / 0.8, abs=0.001)
    assert step.kam1_pct_bwht == pytest.approx(3.139, abs=0.002)


def test_when_the_belt_stops_both_feet_stand_still_and_share_the_weight() -> None:
    walker, chunk = walk(Fault("belt_stop", 3.0, 8.0), seconds=12.0)
    still = (chunk.markers.time > 5.0) & (chunk.markers.time < 8.0)
    assert np.ptp(chunk.markers.values[still], axis=0).max() == 0.0
    force = chunk.forces.values[(chunk.forces.time > 5.0) & (chunk.forces.time < 8.0)]
    assert np.allclose(force[:, [2, 8]], -75.0 * 9.81 / 2)
    assert chunk.markers.values[still][:, columns("RMT2", "LMT2")][:, [1, 4]].max() < 0.08  # no foot in the air
    walking = np.ptp(chunk.markers.values[chunk.markers.time > 9.0], axis=0)
    assert walking[columns("RCAL")[0]] > 0.5  # and on it goes
    long = [s for s in walker.truth if s.end_s - s.start_s > 1.2]
    assert {s.side for s in long} == {"left", "right"} and all(s.fault == "belt_stop" for s in long)


def test_a_belt_that_never_starts_again_does_not_hang_the_walker() -> None:
    walker, chunk = walk(Fault("belt_stop", 2.0), seconds=40.0)
    assert len(chunk.markers.time) == 8000 and len(walker.truth) < 5


def test_a_silent_force_stream_leaves_the_markers_alone() -> None:
    _, chunk = walk(fault("silent_forces"))
    assert np.array_equal(chunk.forces.time, FORCE_TIMES[~IN_F])
    assert np.array_equal(chunk.markers.values, CLEAN.markers.values)


def test_faults_are_written_as_name_side_and_seconds() -> None:
    assert parse_fault("yaw@10-20") == Fault("yaw", 10.0, 20.0)
    assert parse_fault("crossover:left@5-") == Fault("crossover", 5.0, float("inf"), -1)
    assert parse_fault("drift") == Fault("drift")


@pytest.mark.parametrize(
    ("text", "says"), [("yawn@1-2", "swapped_plates"), ("yaw@2-1", "before it starts"), ("yaw@a-b", "NAME@START-END"),
                       ("yaw:up@1-2", "left or right")]
)  # fmt: skip
def test_a_fault_that_is_not_understood_is_refused_in_a_sentence(text: str, says: str) -> None:
    with pytest.raises(BadSetup, match=says):
        parse_fault(text)


def test_unknown_noise_and_unknown_markers_are_refused() -> None:
    with pytest.raises(BadSetup, match="none, standard, hard"):
        Walker(1, noise="loud")
    with pytest.raises(BadSetup, match="NOSE"):
        Walker(1, faults=[Fault("zeros", markers=("NOSE",))])


def test_a_written_walk_is_the_walk(tmp_path: Path) -> None:
    write_c3d(tmp_path / "walk.c3d", Walker(1, noise="none", fpa_sd_deg=0.0, faults=[fault("nan_markers")]), SECONDS)
    file = ezc3d.c3d(str(tmp_path / "walk.c3d"), extract_forceplat_data=False)
    points = file["data"]["points"][:3].transpose(2, 1, 0).reshape(len(MARKER_TIMES), -1) / 1000.0
    touched = columns("RCAL", "RSH2")
    assert np.isnan(points[IN_M][:, touched]).all()
    assert np.allclose(points[~IN_M], CLEAN.markers.values[~IN_M], atol=1e-6)
    analogs = file["data"]["analogs"][0].T / np.array([1, 1, 1, 1000, 1000, 1000] * 2)
    assert np.allclose(analogs, CLEAN.forces.values, atol=1e-3)
    with pytest.raises(BadSetup, match="lost_frames"):
        write_c3d(tmp_path / "no.c3d", Walker(1, faults=[fault("lost_frames")]), 1.0)


def test_truth_is_written_in_both_clocks(tmp_path: Path) -> None:
    walker, _ = walk(fault("yaw"))
    write_truth(tmp_path / "truth.csv", walker.truth, t0_lsl_s=1000.0)
    head, first, *rest = (tmp_path / "truth.csv").read_text().splitlines()
    row = dict(zip(head.split(","), first.split(","), strict=True))
    wanted = "side start_s end_s fpa_deg kam1_nm kam2_nm kam1_pct_bwht kam2_pct_bwht kfm_nm fault"
    assert set(wanted.split()) <= set(row)
    assert row["side"] == "right" and float(row["start_lsl_s"]) == pytest.approx(
        1000.0 + float(row["start_s"]), abs=1e-6
    )
    assert len(rest) + 1 == len(walker.truth) and any(line.endswith(",yaw") for line in rest)
