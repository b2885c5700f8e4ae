"""Secondary streams are recorded with the visit, come and go aloud, and hold nothing up."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pylsl

from labfeedback.inputlog import Command, Link, Offset, Samples
from labfeedback.layout import Channel, Layout
from labfeedback.rig import Rig
from tests.hub.conftest import Device, Hub, force_layout, marker_layout, small_rig

HubMaker = Callable[..., Hub]
DeviceMaker = Callable[[Any], Device]


def lab(tag: str, *others: dict[str, str]) -> Rig:
    rig = small_rig(tag).model_dump()
    rig["streams"]["others"] = others
    return Rig.model_validate(rig)


def emg(name: str, channels: int = 8, rate: float = 1000.0) -> Layout:
    return Layout(
        name=name, type="EMG", source_id=f"id-{name}", nominal_rate=rate,
        channels=tuple(Channel(label=f"m{k}", type="EMG", unit="uV") for k in range(channels)),
    )  # fmt: skip


def started(hub: HubMaker, device: DeviceMaker, rig: Rig, **said: Any) -> Hub:
    device(marker_layout(rig)), device(force_layout(rig))
    walk = hub(rig, **said)
    walk.wait_for(lambda news: news["kind"] == "linked")
    return walk


def records(walk: Hub) -> list[Any]:
    return [m for m in walk.end() if not isinstance(m, tuple)]


def noted(text: str) -> Callable[[dict[str, Any]], bool]:
    return lambda news: news["kind"] == "note" and text in news["text"]


def test_every_sample_of_a_secondary_stream_is_in_the_log_with_its_own_stamps(
    hub: HubMaker, device: DeviceMaker
) -> None:
    rig = lab("others", {"name": "emg-others", "type": "EMG"})
    device(emg("emg-others", channels=60))
    walk = started(hub, device, rig)
    walk.wait_for(noted("'emg-others' is there"))
    status = walk.wait_for(lambda news: news["kind"] == "status" and news["others"] == {"emg-others": True})
    assert status["others"] == {"emg-others": True}
    time.sleep(1.5)
    all_of_them = records(walk)
    (link,) = [r for r in all_of_them if isinstance(r, Link) and r.stream == 2]
    assert link.connected and link.epoch == 0
    assert json.loads(link.layout)["channels"][59]["label"] == "m59"
    at = all_of_them.index(link)
    assert isinstance(all_of_them[at + 1], Offset) and all_of_them[at + 1].stream == 2
    lots = [r for r in all_of_them if isinstance(r, Samples) and r.stream == 2]
    counts = np.concatenate([lot.values[:, 0] for lot in lots])
    assert len(counts) > 1000
    assert (np.diff(counts) == 1).all()
    first = [lot.first for lot in lots]
    assert first == np.cumsum([0, *(len(lot.raw_time) for lot in lots)])[:-1].tolist()
    stamps = np.concatenate([lot.raw_time for lot in lots])
    assert (np.diff(stamps) > 0).all()
    seen = [r.seen for r in all_of_them if isinstance(r, Command | Link | Offset)]
    assert all(len(one) == 8 for one in seen)


def test_one_that_goes_and_comes_back_is_said_and_has_the_next_epoch(hub: HubMaker, device: DeviceMaker) -> None:
    rig = lab("fickle", {"name": "emg-fickle"})
    walk = started(hub, device, rig)
    status = walk.wait_for(lambda news: news["kind"] == "status")
    assert status["others"] == {"emg-fickle": False}
    first = device(emg("emg-fickle"))
    walk.wait_for(noted("'emg-fickle' is there"))
    time.sleep(0.3)
    first.go()
    walk.wait_for(noted("the walk goes on without it"), 12.0)
    device(emg("emg-fickle"))
    walk.wait_for(noted("'emg-fickle' is back"), 12.0)
    time.sleep(0.3)
    links = [(r.epoch, r.connected) for r in records(walk) if isinstance(r, Link) and r.stream == 2]
    assert links == [(0, True), (0, False), (1, True)]


def test_words_become_notes_with_their_stamp_and_whole_numbers_are_recorded(hub: HubMaker, device: DeviceMaker) -> None:
    rig = lab("words", {"name": "events-words"}, {"name": "heart-words"})
    words = pylsl.StreamOutlet(pylsl.StreamInfo("events-words", "Markers", 1, 0.0, "string", "ev"))
    heart = pylsl.StreamOutlet(pylsl.StreamInfo("heart-words", "HeartRate", 2, 1.0, "int16", "hr"))
    walk = started(hub, device, rig)
    walk.wait_for(noted("'events-words' is there"))
    walk.wait_for(noted("'heart-words' is there"))
    words.push_sample(["trial begins"], 1234.5)
    for beat in (71, 72, 73):
        heart.push_sample([beat, -beat])
    time.sleep(0.4)
    everything = records(walk)
    notes = [json.loads(r.text) for r in everything if isinstance(r, Command)]
    assert {"do": "note", "text": "events-words: trial begins", "stamp_s": 1234.5} in notes
    lots = [r for r in everything if isinstance(r, Samples) and r.stream == 3]
    values = np.concatenate([lot.values for lot in lots])
    assert values.dtype.kind == "f"
    assert values.tolist() == [[71.0, -71.0], [72.0, -72.0], [73.0, -73.0]]
    (link,) = [r for r in everything if isinstance(r, Link) and r.stream == 3]
    assert [c["label"] for c in json.loads(link.layout)["channels"]] == ["ch1", "ch2"]


def test_two_that_answer_to_one_name_are_not_chosen_between(hub: HubMaker, device: DeviceMaker) -> None:
    rig = lab("twice", {"name": "emg-twice"})
    one, other = emg("emg-twice"), emg("emg-twice").model_copy(update={"source_id": "another"})
    device(one), device(other)
    walk = started(hub, device, rig)
    walk.wait_for(noted("2 streams answer to 'emg-twice': give its source_id in the rig"))
    assert not [r for r in records(walk) if isinstance(r, Link) and r.stream == 2]
