"""What could train a patient the wrong way: said aloud, and nothing is judged after it."""

from __future__ import annotations

import numpy as np
import pytest

from devices.walker import Fault
from labfeedback.inputlog import FORCES, MARKERS, Command, Link, Samples, Tick
from labfeedback.protocol.training import Training
from labfeedback.records import CueState, EventCode
from tests.engine.walks import LEFT_IN, NOTHING, fold, simulated, texts, walk_through

JUDGED = (CueState.GOOD, CueState.TOO_FAR_IN, CueState.TOO_FAR_OUT)


def hazards(rows):
    return rows["events"][rows["events"]["code"] == EventCode.HAZARD]


def judged(rows):
    return rows["cues"][np.isin(rows["cues"]["state"], JUDGED)]


@pytest.mark.parametrize(
    ("fault", "words"),
    [("swapped_feet", "exchanged"), ("swapped_plates", "exchanged"), ("flipped_sign", "sign")],
)
@pytest.mark.parametrize("side", ["right", "left"])
def test_a_walk_that_is_wrong_from_the_start_is_never_judged(fault, words, side):
    training = Training(side=side, direction="toe-in", degrees=5.0, baseline_s=8.0)
    walk = simulated(25.0, seed=1, faults=[Fault(fault)])
    rows = walk_through(walk, training=training)
    assert len(hazards(rows)) == 1
    assert words in texts(hazards(rows))[0]
    assert hazards(rows)["time_s"][0] < 5.0
    assert len(judged(rows)) == 0
    assert EventCode.TARGET_SET not in rows["events"]["code"]
    after = rows["steps"][rows["steps"]["known_s"] > hazards(rows)["time_s"][0]]
    assert not after["kam_valid"].any()
    assert not after["fpa_valid"].any()


@pytest.mark.parametrize("fault", ["swapped_feet", "swapped_plates", "flipped_sign"])
@pytest.mark.parametrize("begin", [20.0, 20.37, 20.8])
def test_a_walk_that_goes_wrong_while_it_is_judged_stops_being_judged(fault, begin):
    walk = simulated(30.0, seed=1, faults=[Fault(fault, begin)])
    rows = walk_through(walk, training=LEFT_IN)
    (at,) = hazards(rows)["time_s"]
    assert at < begin + 4.0
    assert len(judged(rows)) > 2
    assert judged(rows)["time_s"].max() <= at
    wrong = judged(rows)[judged(rows)["time_s"] > begin + 1.2]  # a stance that was whole before the fault may be told
    assert len(wrong) == 0, wrong
    last = rows["cues"][-1]
    assert last["state"] == CueState.KEEP_WALKING
    assert last["time_s"] == pytest.approx(at, abs=1e-9)


def test_a_sound_walk_raises_no_hazard():
    rows = walk_through(simulated(30.0, seed=1), training=LEFT_IN)
    assert len(hazards(rows)) == 0
    assert len(judged(rows)) > 8


def test_a_stream_that_comes_back_with_other_channels_blocks():
    walk = simulated(25.0, seed=1)
    records = [*walk.opening(), *walk.chunks()]
    layout = walk.layouts()[MARKERS]
    other = layout.model_copy(update={"channels": layout.channels[3:]})
    for at in range(len(records)):
        if isinstance(records[at], Samples) and records[at].raw_time[-1] > 20.0:
            break
    records[at:at] = [Link(MARKERS, 1, True, other.model_dump_json(), NOTHING)]
    rows = fold(walk.start(training=LEFT_IN), records)
    assert "other channels" in texts(hazards(rows))[0]
    assert len(judged(rows))
    assert judged(rows)["time_s"].max() <= 20.1


class TestTheTarget:
    """Words in, words out; never beyond 15 degrees of the person's own."""

    def course(self, natural, **said):
        training = Training(side="left", baseline_s=8.0, **said)
        walk = simulated(22.0, seed=2, natural_fpa_deg=(natural, natural), fpa_sd_deg=0.3)
        return walk_through(walk, training=training)

    def test_it_is_a_change_from_the_persons_own_angle(self):
        rows = self.course(9.0, direction="toe-in", degrees=4.0)
        (target,) = rows["events"][rows["events"]["code"] == EventCode.TARGET_SET]
        (own,) = rows["events"][rows["events"]["code"] == EventCode.BASELINE_DONE]
        assert own["value"] == pytest.approx(9.0, abs=0.5)
        assert target["value"] == pytest.approx(own["value"] - 4.0, abs=1e-9)
        assert b"left foot: 4 deg toe-in from your own" in target["text"]
        assert (judged(rows)["target"] == target["value"]).all()

    def test_an_absolute_one_further_than_15_degrees_is_refused(self):
        rows = self.course(9.0, direction="toe-in", degrees=8.0, reference="absolute")
        assert EventCode.TARGET_REFUSED in rows["events"]["code"]
        assert len(judged(rows)) == 0
        assert EventCode.TARGET_SET not in rows["events"]["code"]

    def test_an_absolute_one_nearer_than_15_degrees_is_taken(self):
        rows = self.course(9.0, direction="toe-in", degrees=4.0, reference="absolute")
        (target,) = rows["events"][rows["events"]["code"] == EventCode.TARGET_SET]
        assert target["value"] == -4.0

    def test_more_than_15_degrees_cannot_be_asked_for(self):
        with pytest.raises(ValueError, match="15"):
            Training(side="left", direction="toe-in", degrees=15.5)


@pytest.mark.parametrize("side", ["right", "left"])
def test_no_cue_ever_speaks_of_the_other_foot(side):
    training = Training(side=side, direction="toe-out", degrees=5.0, baseline_s=8.0)
    natural = (3.0, 12.0)
    rows = walk_through(simulated(25.0, seed=3, natural_fpa_deg=natural), training=training)
    foot = 1 if side == "right" else -1
    assert (rows["cues"]["side"] == foot).all()
    steps = rows["steps"][rows["steps"]["side"] == foot]
    for cue in judged(rows):
        own = np.concatenate([steps["fpa_early_deg"], steps["fpa_deg"]])
        assert np.nanmin(np.abs(own - cue["value"])) < 1e-9 or cue["time_s"] > rows["steps"]["known_s"][-2]
    (own,) = rows["events"][rows["events"]["code"] == EventCode.BASELINE_DONE]
    assert own["value"] == pytest.approx(natural[0 if side == "right" else 1], abs=2.0)


@pytest.mark.parametrize(
    ("side", "direction"), [("right", "toe-in"), ("left", "toe-in"), ("left", "toe-out"), ("right", "toe-out")]
)
def test_too_far_out_is_a_positive_deviation_on_both_feet(side, direction):
    training = Training(side=side, direction=direction, degrees=6.0, baseline_s=8.0)
    rows = walk_through(simulated(25.0, seed=4, fpa_sd_deg=0.5), training=training)
    cues = judged(rows)
    assert len(cues) > 4
    # Nobody reacts here: who shall turn in and does not is too far out.
    expected = CueState.TOO_FAR_OUT if direction == "toe-in" else CueState.TOO_FAR_IN
    assert (cues["state"] == expected).all()
    np.testing.assert_allclose(cues["deviation"], cues["value"] - cues["target"])
    assert (np.sign(cues["deviation"]) == (1 if direction == "toe-in" else -1)).all()
    assert cues["good_steps"].max() == 0
    assert cues["scored_steps"].tolist() == list(range(1, len(cues) + 1))


def test_the_operator_pauses_resumes_and_ends():
    walk = simulated(27.0, seed=1)
    records = [*walk.opening(), *walk.chunks()]
    moments = {18.0: '{"do": "pause"}', 20.0: '{"do": "resume"}', 25.0: '{"do": "stop"}'}
    for number, (at, text) in enumerate(moments.items()):
        place = next(i for i, r in enumerate(records) if isinstance(r, Samples) and r.raw_time[0] >= at)
        records.insert(place, Command(number, text, NOTHING))
    rows = fold(walk.start(training=LEFT_IN), records)
    states = [(float(cue["time_s"]), CueState(int(cue["state"]))) for cue in rows["cues"]]
    assert not [s for t, s in states if 18.05 < t < 19.95]
    assert (CueState.PAUSED in [s for t, s in states if abs(t - 18.0) < 0.1]) is True
    assert states[-1][1] == CueState.FINISHED
    assert not [s for t, s in states if t > 25.05]
    assert [s for t, s in states if 22.5 < t < 25 and s in JUDGED]
    early = [s for t, s in states if 20.0 < t < 21.3]
    assert not set(early) & set(JUDGED), "the first two steps after a pause are warm-up"


def test_a_tick_before_everything_else_is_harmless():
    walk = simulated(4.0, seed=1)
    records = [Tick(0.0, NOTHING), *walk.opening(), *walk.chunks()]
    assert len(fold(walk.start(), records)["steps"]) == len(walk_through(walk)["steps"]) > 3


def test_streams_beyond_the_two_are_only_recorded():
    walk = simulated(4.0, seed=1)
    extra = Samples(3, 0, 0, np.arange(5.0), np.full((5, 2), 7.0))
    with_extra = fold(walk.start(), [*walk.opening(), extra, *walk.chunks()])
    assert with_extra["steps"].tobytes() == walk_through(walk)["steps"].tobytes()
    assert FORCES == 1
