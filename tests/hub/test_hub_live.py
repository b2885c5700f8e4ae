"""The hub against real streams in a private corner of the network."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pylsl

from labfeedback.errors import Hazard, StreamTrouble
from labfeedback.inputlog import Command, Link, Offset, Samples, Start, Tick
from labfeedback.records import FRAME, numeric_fields
from labfeedback.wire import End
from tests.hub.conftest import LABELS, Device, Hub, force_layout, marker_layout, small_rig

HubMaker = Callable[..., Hub]
DeviceMaker = Callable[[Any], Device]


def linked(news: dict[str, Any]) -> bool:
    return bool(news["kind"] == "linked")


def test_every_sample_reaches_the_log_in_order_and_every_record_says_what_came_before(
    hub: HubMaker, device: DeviceMaker
) -> None:
    rig = small_rig("order")
    device(marker_layout(rig)), device(force_layout(rig))
    walk = hub(rig, seconds=1.5)
    walk.wait_for(linked)
    time.sleep(0.7)
    walk.commands.send({"do": "note", "text": "hello"})
    ended = walk.wait_for(lambda news: news["kind"] == "ended")
    messages = walk.end()
    assert ended["why"] == "1.5 s are over"
    assert isinstance(messages[0], Start) and isinstance(messages[-1], End)
    records = [m for m in messages if not isinstance(m, (tuple, End))]
    assert [type(r) for r in records[1:5]] == [Link, Offset, Link, Offset]
    seen = [0] * 8
    last: dict[int, float] = {}
    for record in records:
        if isinstance(record, Samples):
            assert record.first == seen[record.stream]
            seen[record.stream] += len(record.raw_time)
            # The fake devices send their own count as every value: nothing lost, nothing twice.
            counts = record.values[:, 0].astype(float)
            assert np.all(np.diff(counts) == 1)
            assert counts[0] == last.get(record.stream, counts[0] - 1) + 1
            last[record.stream] = counts[-1]
        else:
            assert record.seen == tuple(seen)
    # 1.5 s, and on a busy machine what came while the streams were being linked; never less than was sent meanwhile.
    assert 120 <= seen[0] <= 300
    assert 4.0 <= seen[1] / seen[0] <= 6.0
    assert 25 <= sum(isinstance(r, Tick) for r in records) <= 32
    assert [json.loads(r.text) for r in records if isinstance(r, Command)] == [{"do": "note", "text": "hello"}]
    frames = np.concatenate([m[1] for m in messages if isinstance(m, tuple) and m[0] == "frames"])
    assert len(frames) == seen[0]
    assert any(isinstance(m, tuple) and m[0] == "steps" for m in messages[-3:])


def test_results_are_published_for_every_tool_in_the_lab(hub: HubMaker, device: DeviceMaker) -> None:
    rig = small_rig("published")
    device(marker_layout(rig)), device(force_layout(rig))
    walk = hub(rig)
    walk.wait_for(linked)
    (info,) = pylsl.resolve_byprop("source_id", f"labfeedback-frames-{walk.session}", 1, 5.0)
    inlet = pylsl.StreamInlet(info, max_buflen=5)
    root = inlet.info(2.0).desc().child("channels")
    labels, node = [], root.child("channel")
    while not node.empty():
        labels.append(node.child_value("label"))
        node = node.next_sibling()
    assert labels == list(numeric_fields(FRAME)) and info.type() == "labfeedback" and info.nominal_srate() == 0
    values, stamps = inlet.pull_chunk(1.0, 30, None, 30, True)
    assert len(stamps) == 30
    assert np.array_equal(values[:, 1], stamps) and np.all(np.diff(values[:, 0]) == 1)
    latency = pylsl.local_clock() - stamps[-1]
    assert 0 < latency < 0.25
    walk.end()


def test_two_streams_that_answer_to_one_name_are_refused_and_listed(hub: HubMaker, device: DeviceMaker) -> None:
    rig = small_rig("twice")
    layout = marker_layout(rig)
    device(layout), device(layout.model_copy(update={"source_id": "other"})), device(force_layout(rig))
    walk = hub(rig)
    error = walk.wait_for(lambda news: news["kind"] == "error")
    assert "duplicate: 2 streams" in error["text"] and "'m'" in error["text"] and "'other'" in error["text"]
    assert error["exit_code"] == 2
    assert walk.end() == [] and isinstance(walk.error, StreamTrouble)


def test_a_missing_stream_is_named_with_what_is_visible(hub: HubMaker, device: DeviceMaker) -> None:
    rig = small_rig("missing")
    device(marker_layout(rig))
    walk = hub(rig, wait_s=1.0)
    error = walk.wait_for(lambda news: news["kind"] == "error")
    assert "no stream answers to 'forces-missing'" in error["text"] and "'markers-missing'" in error["text"]


def test_a_silent_stream_is_neutral_in_a_quarter_second_and_paused_after_two(
    hub: HubMaker, device: DeviceMaker
) -> None:
    rig = small_rig("silent")
    markers = device(marker_layout(rig))
    device(force_layout(rig))
    walk = hub(rig)
    walk.wait_for(linked)
    walk.wait_for(lambda news: news["kind"] == "status" and news["state"] == 0)
    markers.silent = True
    since = pylsl.local_clock()
    time.sleep(2.4)
    messages = walk.end()
    health = np.concatenate([m[1] for m in messages if isinstance(m, tuple) and m[0] == "health"])
    reached = {state: float(health["time_s"][health["state"] >= state][0]) - since for state in (1, 2, 3)}
    during = health[(health["time_s"] > since) & (health["state"] > 0)]
    assert len(during)
    # A tick is at most 50 ms late, the last frame at most 10 ms old.
    assert 0.18 < reached[2] < 0.29 and 1.9 < reached[3] < 2.15
    assert float(during["forces_age_s"].max()) < 0.25


def test_a_stream_that_comes_back_the_same_is_linked_with_the_next_epoch(hub: HubMaker, device: DeviceMaker) -> None:
    rig = small_rig("back")
    markers = device(marker_layout(rig))
    device(force_layout(rig))
    walk = hub(rig)
    walk.wait_for(linked)
    time.sleep(0.3)
    markers.go()
    walk.wait_for(lambda news: "is lost" in news.get("text", ""))
    device(marker_layout(rig))
    walk.wait_for(lambda news: "is back" in news.get("text", ""))
    time.sleep(0.3)
    messages = walk.end()
    links = [m for m in messages if isinstance(m, Link) and m.stream == 0]
    assert [(link.epoch, link.connected) for link in links] == [(0, True), (0, False), (1, True)]
    samples = [m for m in messages if isinstance(m, Samples) and m.stream == 0]
    assert {s.epoch for s in samples} == {0, 1}
    firsts, lengths = [s.first for s in samples], [len(s.raw_time) for s in samples]
    assert firsts == [int(x) for x in np.cumsum([0, *lengths[:-1]])]


def test_a_stream_that_comes_back_as_something_else_stays_out(hub: HubMaker, device: DeviceMaker) -> None:
    rig = small_rig("changed")
    markers = device(marker_layout(rig))
    device(force_layout(rig))
    walk = hub(rig)
    walk.wait_for(linked)
    markers.go()
    device(marker_layout(rig, labels=[*LABELS[1:], LABELS[0]]))
    note = walk.wait_for(lambda news: "REFUSED" in news.get("text", "") and news["kind"] == "note")
    assert "another order" in note["text"] and note["loud"]
    time.sleep(0.2)
    messages = walk.end()
    assert [m.connected for m in messages if isinstance(m, Link) and m.stream == 0] == [True, False]
    assert any(isinstance(m, Command) and "REFUSED" in m.text for m in messages)
    assert not any(isinstance(m, Samples) and m.stream == 0 and m.epoch > 0 for m in messages)


def test_the_walk_ends_by_itself_five_seconds_after_both_sources_went(hub: HubMaker, device: DeviceMaker) -> None:
    rig = small_rig("gone")
    devices = [device(marker_layout(rig)), device(force_layout(rig))]
    walk = hub(rig)
    walk.wait_for(linked)
    time.sleep(0.3)
    for one in devices:
        one.go()
    since = time.monotonic()
    ended = walk.wait_for(lambda news: news["kind"] == "ended", 9.0)
    assert 4.5 < time.monotonic() - since < 7.0
    assert "both streams ended" in ended["why"]
    assert isinstance(walk.end()[-1], End) and walk.error is None


def test_a_hazard_ends_the_walk_with_its_sentence_and_a_finished_log(hub: HubMaker, device: DeviceMaker) -> None:
    rig = small_rig("hazard")
    device(marker_layout(rig)), device(force_layout(rig))
    walk = hub(rig)
    walk.wait_for(linked)
    walk.commands.send({"do": "note", "text": "left and right are exchanged"})
    error = walk.wait_for(lambda news: news["kind"] == "error")
    assert "left and right are exchanged" in error["text"] and error["exit_code"] == 2
    assert isinstance(walk.end()[-1], End) and isinstance(walk.error, Hazard)


def test_a_stop_command_ends_the_walk_and_is_in_the_log(hub: HubMaker, device: DeviceMaker) -> None:
    rig = small_rig("stop")
    device(marker_layout(rig)), device(force_layout(rig))
    walk = hub(rig)
    walk.wait_for(linked)
    walk.commands.send({"do": "stop"})
    assert walk.wait_for(lambda news: news["kind"] == "ended")["why"] == "ended by the operator"
    assert any(isinstance(m, Command) and json.loads(m.text) == {"do": "stop"} for m in walk.end())


def test_a_silent_source_is_never_replaced_by_another_of_its_name(hub: HubMaker, device: DeviceMaker) -> None:
    rig = small_rig("other")
    markers = device(marker_layout(rig))
    device(force_layout(rig))
    walk = hub(rig)
    walk.wait_for(linked)
    device(marker_layout(rig).model_copy(update={"source_id": "of another person"}))
    note = walk.wait_for(lambda news: "duplicate" in news.get("text", ""))
    assert note["loud"] and "'of another person'" in note["text"] and "not used" in note["text"]
    markers.silent = True
    time.sleep(3.5)
    sent = markers.sent
    markers.silent = False
    walk.wait_for(lambda news: news["kind"] == "status" and news["state"] == 0 and news["markers_age_s"] < 0.1)
    time.sleep(0.3)
    messages = walk.end()
    assert [m.connected for m in messages if isinstance(m, Link) and m.stream == 0] == [True]
    counts = np.concatenate([m.values[:, 0] for m in messages if isinstance(m, Samples) and m.stream == 0])
    assert np.all(np.diff(counts) == 1) and counts[-1] > sent
    assert any(isinstance(m, Command) and "duplicate" in m.text for m in messages)
    walk.wait_for(lambda news: news["kind"] == "ended")
    assert sum("duplicate" in str(news.get("text", "")) for news in walk.told) == 1, "said once, though also recorded"
