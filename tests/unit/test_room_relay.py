"""Texts go to everybody else, at a price: one talker in a full room must not take the event loop from the others."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from sfu.config import Settings
from sfu.dtls import Certificate
from sfu.events import RoomEvent
from sfu.ids import RoomName
from sfu.media_port import MediaPort
from sfu.participant import Participant
from sfu.permissions import JoinRequest
from sfu.room import Room
from sfu.timings import JoinTimings

TEXT = '{"text": "hello"}'
REFUSAL = '{"error": "rate_limited"}'


def ignore(_: RoomEvent) -> None:
    """Nobody looks at events here."""


def full_room(people: int) -> tuple[Room, list[Participant], list[str]]:
    room = Room(
        RoomName("tea"),
        cast("MediaPort", None),
        certificate=cast("Certificate", None),
        settings=Settings(messages_per_second=1_000, message_burst=10_000),
        timings=JoinTimings(),
        on_empty=lambda _: None,
    )
    sent: list[str] = []

    def send(_: str, text: str) -> bool:
        sent.append(text)
        return True

    transport = SimpleNamespace(send_message=send)
    joined = [room.join(JoinRequest(name=f"p{number}"), ignore) for number in range(people)]
    for participant in joined:
        participant.connection = cast("Any", SimpleNamespace(transport=transport, tracks={}, slots={}))
    return room, joined, sent


def test_what_a_talker_costs_is_bounded_by_how_many_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 1_000.0
    monkeypatch.setattr("sfu.relay.time.monotonic", lambda: now_s)
    room, (talker, other, *_), sent = full_room(501)
    for _ in range(50):
        room.relay(talker, "chat", TEXT)
    assert sent.count(REFUSAL) == 20, "a flood is answered with little"
    assert len(sent) - sent.count(REFUSAL) == 11 * 500, "a burst, and the message that went over it"
    assert room.texts.refused == {"rate_limited": 39}
    room.relay(other, "chat", TEXT)
    assert len(sent) - sent.count(REFUSAL) == 12 * 500, "others have shares of their own"
    now_s += 10.0
    for _ in range(50):
        room.relay(talker, "chat", TEXT)
    assert len(sent) - sent.count(REFUSAL) == 12 * 500 + 11 * 500
    assert sent.count(REFUSAL) == 40


def test_a_small_room_is_limited_by_messages_only() -> None:
    room, (talker, _), sent = full_room(2)
    for _ in range(4_000):
        room.relay(talker, "chat", TEXT)
    assert len(sent) == 4_000
    assert room.texts.refused == {}
