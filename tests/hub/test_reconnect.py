"""Who may speak for a stream whose sender fell silent."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from labfeedback.hub import reconnect as module
from labfeedback.hub.reconnect import OLD_GONE_S, Reconnect
from tests.hub.conftest import marker_layout, small_rig

RIG = small_rig("nobody")
LAYOUT = marker_layout(RIG).model_copy(update={"hostname": "here"})


def outlet(uid: str, *, born_s: float, source_id: str = "m", host: str = "here") -> Any:
    known = {
        "uid": uid,
        "created_at": born_s,
        "source_id": source_id,
        "hostname": host,
        "name": LAYOUT.name,
        "type": "MoCap",
    }
    return SimpleNamespace(**{name: lambda value=value: value for name, value in known.items()})


A = outlet("a", born_s=10.0)
RESTARTED = outlet("a2", born_s=101.0)


class Network:
    """What can be seen; and the reconnect of a walk linked to A, which was last heard at 100 s."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[Any] = [A]
        self.time = 0.0
        monkeypatch.setattr(module, "LiveStream", self._connect)
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: self.time))
        self.reconnect = Reconnect(self, (RIG.streams.markers, RIG.streams.forces))  # type: ignore[arg-type]
        self.reconnect.watch(self._connect(0, A))
        self.heard(0.0)

    def candidates(self, _wanted: Any) -> list[Any]:
        return self.seen

    visible = candidates

    def _connect(self, stream: int, info: Any) -> Any:
        layout = LAYOUT.model_copy(update={"source_id": info.source_id(), "hostname": info.hostname()})
        return SimpleNamespace(
            stream=stream, uid=info.uid(), layout=layout, born_s=info.created_at(), offset=(0.0, 0.0, 0.0)
        )

    def heard(self, ago_s: float) -> None:
        self.reconnect.ages = (100.0 + ago_s, (ago_s, 0.0))

    def lose(self, *then_seen: Any, after_s: float = 0.0) -> str:
        """A's connection breaks; who is linked after a look, or what was said."""
        self.seen = list(then_seen)
        self.reconnect.lost(0)
        self.time += after_s
        self.reconnect._look_for(0)
        return self.reconnect.back[0].uid if self.reconnect.back else "".join(self.reconnect.notes)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    return Network(monkeypatch)


def test_the_same_sender_started_again_is_taken(network: Network) -> None:
    network.heard(2.0)
    assert network.lose(RESTARTED) == "a2"


def test_a_sender_whose_connection_broke_is_taken_again_when_it_is_clear_that_it_lives(network: Network) -> None:
    assert network.lose(A) == ""
    network.time += OLD_GONE_S + 0.1
    network.reconnect._look_for(0)
    assert network.reconnect.back[0].uid == "a"


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (outlet("b", born_s=101.0, source_id="x"), "source id 'm' -> 'x'"),
        (outlet("b", born_s=101.0, host="there"), "computer 'here' -> 'there'"),
        (outlet("b", born_s=50.0), "was there while the linked one was still sending"),
    ],
)
def test_anybody_else_stays_out_aloud(network: Network, other: Any, sentence: str) -> None:
    network.heard(3.0)
    said = network.lose(other)
    assert "REFUSED" in said and sentence in said and "Feedback stays neutral" in said


def test_whoever_was_seen_beside_the_living_sender_never_succeeds_it(network: Network) -> None:
    twin = outlet("b", born_s=5.0)  # even if its birth says nothing, as after a computer's restart
    network.seen = [A, twin]
    network.reconnect._look_around(0)
    network.reconnect._look_around(0)
    assert len(network.reconnect.notes) == 1 and "duplicate" in network.reconnect.notes[0]
    network.heard(4.0)
    network.seen = [twin]
    assert not network.reconnect.successor(0)
    assert "REFUSED" in network.lose(twin)


def test_the_old_one_beside_a_new_one_is_a_duplicate(network: Network) -> None:
    network.heard(4.0)
    said = network.lose(A, RESTARTED, after_s=OLD_GONE_S + 0.1)
    assert "duplicate: 2 streams" in said and not network.reconnect.back


def test_a_paused_sender_keeps_its_connection_unless_it_was_started_again(network: Network) -> None:
    network.heard(1.5)
    for seen, expected in (([A], False), ([], False), ([A, RESTARTED], False), ([RESTARTED], True)):
        network.seen = seen
        assert network.reconnect.successor(0) is expected


def test_strangers_do_not_keep_a_walk_alive_whose_sources_went(network: Network) -> None:
    network.reconnect._strangers.add("b")
    network.lose(outlet("b", born_s=5.0), after_s=9.0)
    assert network.reconnect.gone_since[0] == 0.0
