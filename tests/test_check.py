"""The list before the first step: each fault at exactly its line, live and from a file; what nobody overrides."""

from __future__ import annotations

import datetime
import json
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.check_faults import cases, looked_at, played, swap_feet, swap_plates
from devices.walker import Walker
from devices.walker.standing import Stander
from devices.walker.write import write_c3d
from labfeedback.analysis import preflight, room
from labfeedback.analysis.preflight.saved import remarks_of
from labfeedback.cli import build
from labfeedback.engine import Engine
from labfeedback.engine.start import build_start
from labfeedback.errors import BadFile, BadSetup, Hazard
from labfeedback.exchange.c3d import read_c3d
from labfeedback.exchange.trial import Stamped
from labfeedback.markerset import load_marker_set
from labfeedback.records import EventCode
from labfeedback.rig import Rig, Sync, load_rig
from labfeedback.subject import Subject
from tests.engine.walks import simulated, texts
from tests.recording.walked import record

TODAY = datetime.date(2026, 3, 14)
WALKER = load_rig("simulated")
SET = load_marker_set("simulated")
PERSON = Subject(id="S1", mass_kg=76.5, height_m=1.7)  # what the walker's forces amount to (SCIENCE.md section 9)


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    """A good simulated walk as a C3D."""
    path = tmp_path_factory.mktemp("check") / "walk.c3d"
    write_c3d(path, Walker(7), 10.0)
    return path


@pytest.fixture(scope="module")
def trial(walk):
    return read_c3d(walk)


def look(trial, rig=WALKER, markers=SET, person=PERSON, calibration=None):
    return preflight.look(trial, rig, markers, person, calibration)


def lights(lines):
    return {(one.name, one.where, one.light) for one in lines if one.light != "green"}


def exactly(case, lines):
    seen = {one.name for one in lines if one.light != "green"}
    assert seen == ({case.line} if case.line else set()), lights(lines)


def test_every_fault_of_the_walker_is_seen_at_its_line(trial):
    for case in cases(trial, SET):
        # 20 ms late are within what people differ by, and the walker's foot is a plank: 7 ms where people have 17
        if not case.twice and case.name != "forces 20 ms late":
            exactly(case, looked_at(case, trial, WALKER, SET, PERSON, live=False))


@pytest.mark.parametrize(
    ("folder", "file", "name", "kg"),
    [
        ("treadmill_griffith_rtosim", "walking_1.c3d", "griffith", 62.6),
        ("treadmill_grail_gaitalytics", "treadmill_events.c3d", "grail", 56.0),
    ],
)
def test_every_fault_of_a_real_walk_is_seen_at_its_line(shared_data, folder, file, name, kg):
    real, markers = read_c3d(shared_data / folder / file), load_marker_set(name)
    rig = room.fitted(load_rig(name), real, [])
    for case in cases(real, markers):
        if not case.twice:
            exactly(case, looked_at(case, real, rig, markers, Subject(id="R", mass_kg=kg), live=False))


def test_exchanged_labels_and_exchanged_plates_at_once_are_two_lines(trial):
    """Together they hide each other: each load lies under a foot that bears its name."""
    assert lights(look(swap_plates(swap_feet(trial, SET)))) == {("mirrored", "", "red"), ("sides", "", "red")}


def test_a_mirrored_recording_is_never_green(trial):
    points = trial.points.copy()
    side = int(np.argmax(np.abs(WALKER.to_lab[2])))
    points[:, :, side] *= -1
    (one,) = [one for one in look(replace(trial, points=points)) if one.name == "mirrored"]
    assert one.light == "red" and one.firm


def test_medial_and_lateral_labels_exchanged_are_mirrored(trial):
    other = {"RKNEL": "RKNEM", "RKNEM": "RKNEL", "RANKL": "RANKM", "RANKM": "RANKL"}
    (one,) = [
        one
        for one in look(replace(trial, labels=tuple(other.get(x, x) for x in trial.labels)))
        if one.name == "mirrored"
    ]
    assert one.light == "red" and "medial and lateral" in one.sentence


@pytest.mark.parametrize(("axis", "word"), [(0, "fore-aft"), (1, "sideways")])
def test_a_reversed_shear_is_a_wrong_sign(trial, axis, word):
    for k, plate in enumerate(trial.plates):
        turn = WALKER.to_lab @ WALKER.plates[k].axes
        column = int(np.argmax(np.abs(turn[2 * axis])))  # fore-aft is lab X, sideways lab Z
        channels = plate.channels.copy()
        channels[:, column] *= -1
        plates = list(trial.plates)
        plates[k] = replace(plate, channels=channels)
        said = {one.sentence for one in look(replace(trial, plates=tuple(plates))) if one.light == "red"}
        assert any(word in one for one in said), (k, said)


def test_nobody_on_the_belts_is_unseen_and_not_ready(trial):
    empty = tuple(replace(one, channels=np.zeros_like(one.channels)) for one in trial.plates)
    lines = look(replace(trial, plates=empty))
    assert {one.light for one in lines if one.name in ("sides", "sign", "mass", "zero", "skew")} == {"grey"}
    assert not preflight.ready(lines)
    with pytest.raises(Hazard, match="never overridden"):
        preflight.overridden(lines, {"sides": "I saw it"})


def test_a_standing_person_shows_no_horizontal_sign_and_is_not_ready(tmp_path):
    write_c3d(tmp_path / "stand.c3d", Stander(1), 3.0)
    lines = look(read_c3d(tmp_path / "stand.c3d"), person=PERSON.model_copy(update={"mass_kg": 75.0}))
    found = {one.name: one for one in lines}
    assert found["sign"].light == "grey" and "horizontal signs were not seen" in found["sign"].sentence
    assert found["mass"].light == found["sides"].light == found["mirrored"].light == "green"
    assert not preflight.ready(lines)


def test_holes_rates_and_a_source_that_counts_wrong(trial):
    times = np.arange(len(trial.points)) / 200.0
    keep = np.ones(len(times), np.bool_)
    keep[400:440] = False
    force_times = np.arange(len(trial.plates[0].channels)) / 1000.0 + 5.0
    stamps = (Stamped(times[keep] + 5.0, ((0.0, 1.0),)), Stamped(force_times, ((0.0, 1.0),)))
    holed = replace(trial, points=trial.points[keep], stamps=stamps)
    found = {(one.name, one.where): one for one in look(holed)}
    assert found["gaps", "markers"].light == "amber" and "205 ms" in found["gaps", "markers"].sentence
    assert found["rate", "markers"].light == "green"
    slow = replace(trial, stamps=(Stamped(times * 1.03, ()), stamps[1]))
    seen = lights(look(slow))  # its frames drift away from the forces, too
    assert ("rate", "markers", "amber") in seen and not any(name == "gaps" for name, *_ in seen)


def test_stamps_of_arrival_that_jitter_are_no_holes(trial):
    rng, frames = np.random.default_rng(4), np.arange(len(trial.points)) / 200.0
    late = np.maximum.accumulate(frames + rng.exponential(0.005, len(frames))) + 1e-9 * np.arange(len(frames))
    forces = Stamped(np.arange(len(trial.plates[0].channels)) / 1000.0, ())
    assert np.diff(late).max() > 0.02
    assert lights(look(replace(trial, stamps=(Stamped(late, ()), forces)))) == set()


def test_missing_and_doubled_labels_are_named_and_nothing_is_guessed(trial):
    labels = tuple("RTOE" if x == "RMT2" else x for x in trial.labels)
    lines = look(replace(trial, labels=labels))
    (one,) = [one for one in lines if one.name == "labels"]
    assert one.light == "red" and "RMT2" in one.sentence and "RTOE" in one.sentence
    assert not preflight.ready(lines)
    assert any(one.name == "labels" and one.light == "red" for one in look(replace(trial, doubled=frozenset({"LCAL"}))))


@pytest.mark.parametrize("how", ["zeros", "repeated"])
def test_zeros_and_repeats_are_not_seen(trial, how):
    points = trial.points.copy()
    k = trial.labels.index("LANKL")
    points[200:, k] = 0.0 if how == "zeros" else points[199, k]
    assert ("visible", "LANKL", "red") in lights(look(replace(trial, points=points)))


def test_a_stamp_trial_is_asked_for_when_it_is_old_or_the_rig_changed():
    rig = WALKER.model_copy(update={"streams": WALKER.streams.model_copy(update={"one_clock": False})})
    assert preflight.stamp_trial(WALKER, TODAY).light == "green"
    assert preflight.stamp_trial(rig, TODAY).light == "amber"

    def of(**said):
        sync = Sync(skew_s=0.01, spread_s=0.0004, contacts=8, **{"date": "2026-03-01", "rig": rig.timing_hash, **said})
        return rig.model_copy(update={"sync": sync})

    assert preflight.stamp_trial(of(), TODAY).light == "green"
    assert "104 days" in preflight.stamp_trial(of(date="2025-11-30"), TODAY).sentence
    assert preflight.stamp_trial(of(date="2025-11-30"), TODAY).light == "amber"
    markers = rig.streams.markers.model_copy(update={"rate_hz": 100.0})
    other = of().model_copy(update={"streams": rig.streams.model_copy(update={"markers": markers})})
    assert "changed since" in preflight.stamp_trial(other, TODAY).sentence


def command(*words):
    result = CliRunner().invoke(build("check"), ["check", *map(str, words)], catch_exceptions=True)
    return result, result.exception


@pytest.fixture
def subject(tmp_path):
    path = tmp_path / "S1.toml"
    path.write_text('id = "S1"\nmass_kg = 76.5\nheight_m = 1.70\n', encoding="utf-8")
    return path


def given(subject):
    return "--rig", "simulated", "--markers", "simulated", "--subject", subject


def test_a_good_file_is_ready_and_a_wrong_mass_is_not(walk, subject):
    result, _ = command(walk, *given(subject))
    assert result.exit_code == 0, result.output
    assert "READY" in result.stdout and "NOT READY" not in result.stdout
    subject.write_text('id = "S1"\nmass_kg = 70.0\nheight_m = 1.70\n', encoding="utf-8")
    result, error = command(walk, *given(subject))
    assert error.exit_code == 1 and str(error) == "not ready to walk: mass"
    assert "STOP  mass" in result.stdout and "nothing overrides this" in result.stdout


def test_json_is_the_whole_list(walk, subject):
    result, _ = command(walk, *given(subject), "--json")
    said = json.loads(result.stdout)
    assert said["ready"] and {one["name"] for one in said["lines"]} >= set(preflight.ORDER) - {
        "duplicates",
        "other streams",
    }
    order = [preflight.ORDER.index(one["name"]) for one in said["lines"]]
    assert order == sorted(order)


def test_a_reason_is_recorded_and_reaches_the_recording(subject, tmp_path):
    unzeroed = tmp_path / "unzeroed.c3d"
    from devices.walker import Fault

    write_c3d(unzeroed, Walker(7, faults=[Fault("plate_offset")]), 10.0)
    _, error = command(unzeroed, *given(subject), "--save", tmp_path / "a.check.json")
    assert error.exit_code == 1 and "zero" in str(error)
    now = datetime.datetime.now().astimezone()
    with pytest.raises(BadSetup, match="not ready to walk: the free right plate"):
        remarks_of(tmp_path / "a.check.json", "S1", "simulated", "simulated", now)
    kept = tmp_path / "b.check.json"
    result, error = command(unzeroed, *given(subject), "--override", "zero=belts on, known offset", "--save", kept)
    assert error is None, (result.output, error)
    remarks = remarks_of(kept, "S1", "simulated", "simulated", now)
    assert any("overridden: belts on, known offset" in one for one in remarks)
    walked = simulated(3.0)
    engine, said = Engine(walked.start(remarks=remarks)), []
    for one in walked.opening():
        rows = engine.feed(one).events
        said += texts(rows[rows["code"] == EventCode.NOTE])
    assert said == [one[:240] for one in remarks]
    for other, match in ((("S2", "simulated", "simulated"), "subject"), (("S1", "griffith", "simulated"), "rig")):
        with pytest.raises(BadSetup, match=f"check was of {match}"):
            remarks_of(kept, *other, now)
    with pytest.raises(BadSetup, match="more than 4 h ago"):
        remarks_of(kept, "S1", "simulated", "simulated", now + datetime.timedelta(hours=5))
    with pytest.raises(BadFile, match="not readable as a check"):
        remarks_of(subject, "S1", "simulated", "simulated", now)


@pytest.mark.parametrize("name", ["sides", "sign", "mirrored", "mass"])
def test_what_could_harm_is_never_overridden(trial, name):
    wrong = {
        "sides": swap_plates(trial),
        "mirrored": swap_feet(trial, SET),
        "sign": replace(trial, plates=(replace(trial.plates[0], channels=-trial.plates[0].channels), trial.plates[1])),
        "mass": trial,
    }[name]
    lines = look(wrong, person=PERSON.model_copy(update={"mass_kg": 70.0} if name == "mass" else {}))
    with pytest.raises(Hazard, match="never overridden"):
        preflight.overridden(lines, {name: "the chief said so"})
    assert not preflight.ready(lines)


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (("--override", "zero"), "expected LINE=REASON"),
        (("--override", "zeroo=because"), "one of streams"),
        (("--override", "zero=because"), "not red or amber"),
        (("--seconds", "1"), "expected 4 to 120 s"),
        (("--save", "x.json"), "ends in .check.json"),
    ],
)
def test_a_misuse_gets_a_sentence(walk, subject, words, match):
    _, error = command(walk, *given(subject), *words)
    assert isinstance(error, BadSetup) and match in str(error)


def test_a_calibration_of_another_person_or_day_is_seen(trial):
    from labfeedback.engine.calibration import approve, examine
    from labfeedback.engine.standing import standing
    from tests.engine.test_verdict import FORCES, MARKERS

    chunk = Stander(7).advance(2.0)
    stood = standing((MARKERS, chunk.markers.values), (FORCES, chunk.forces.values), WALKER)
    person = PERSON.model_copy(update={"mass_kg": 75.0})
    calibration = approve(examine(stood, SET, subject=person, rig=WALKER, date="2026-03-14"))
    said = preflight.owner(calibration, trial, WALKER, SET, person, TODAY)
    assert said.light == "green"
    assert preflight.owner(calibration, trial, WALKER, SET, person, TODAY + datetime.timedelta(1)).light == "amber"
    other = person.model_copy(update={"id": "S2"})
    assert preflight.owner(calibration, trial, WALKER, SET, other, TODAY).light == "red"
    bare = replace(trial, labels=tuple(x.replace("KNEM", "GONE") for x in trial.labels))
    assert preflight.owner(None, bare, WALKER, SET, person, TODAY).light == "red"
    assert lights(look(bare, calibration=calibration)) == set()


def test_a_recording_of_ours_can_be_looked_at_and_calibrated_from(tmp_path, subject):
    own = record(tmp_path / "S01_20260314T101500.h5", 9.0)
    subject.write_text('id = "S1"\nmass_kg = 76.5\nheight_m = 1.70\n', encoding="utf-8")
    result, error = command(own, *given(subject))
    assert error is None, (result.output, error)
    from labfeedback.commands.calibrate import read_standing

    stood = read_standing(own, WALKER, SET)
    assert stood.seconds == pytest.approx(9.0, abs=0.1) and set(SET.required) <= set(stood.labels)
    with pytest.raises(BadFile, match="recorded with the plates of rig"):
        read_standing(own, load_rig("griffith"), load_marker_set("griffith"))


def test_a_live_walk_is_ready_and_a_second_source_is_not(trial, subject):
    with played(trial, WALKER, "first"):
        result, error = command(*given(subject), "--seconds", "6", "--wait", "10", "--json")
        assert error is None, (result.output, error)
        assert {one["light"] for one in json.loads(result.stdout)["lines"]} == {"green"}
        with played(trial, WALKER, "second"):
            result, error = command(*given(subject), "--seconds", "5", "--wait", "10", "--json")
    bad = [one for one in json.loads(result.stdout)["lines"] if one["light"] != "green"]
    assert [one["name"] for one in bad] == ["duplicates"]
    assert bad[0]["sentence"].count("type MoCap") == 2 and error.exit_code == 1


def test_streams_that_are_not_there_are_named_with_what_is(subject, trial):
    wanted = WALKER.model_dump(mode="json")
    wanted["streams"]["markers"]["name"] = "not-there"
    from labfeedback.commands.check import of_gathered
    from labfeedback.hub.gather import gather

    with ExitStack() as stack:
        stack.enter_context(played(trial, WALKER, "first"))
        wanted["streams"]["others"] = [{"name": "emg", "type": "EMG"}]
        found = gather(Rig.model_validate(wanted), seconds=4.0, wait_s=1.5)
    assert found.trial is None
    lines = {one.name: one for one in of_gathered(found, Rig.model_validate(wanted))}
    assert "not-there" in lines["streams"].sentence and WALKER.streams.markers.name in lines["streams"].sentence
    assert lines["streams"].light == "red" and lines["other streams"].light == "amber"
    result, error = command(*given(subject), "--seconds", "4", "--wait", "0.5")
    assert error.exit_code == 1 and "streams" in str(error) and "Traceback" not in result.output


def test_what_a_start_says_of_it_is_in_the_setup():
    start = build_start(WALKER, PERSON, SET, remarks=["checked"])
    assert json.loads(start.text)["remarks"] == ["checked"]
