"""A muted person's packets stop at the server, whatever their client goes on to send, and flow again when they may."""

from functools import partial

import pytest

from tests.harness.rtp_peer import RtpPeer
from tests.harness.transport_client import until
from tests.integration.doors import Doors, doors, eventually

SLOTS = {"audio": "2", "video": "3"}
SOURCES = {"audio": "microphone", "video": "camera"}
PACKETS = 200


def numbers(listener: RtpPeer, kind: str) -> list[int]:
    """Counters of the packets that came in the listener's slot of this kind."""
    return listener.heard[listener.slot_ssrc(SLOTS[kind])]


async def arrives(sender: RtpPeer, listener: RtpPeer, kind: str) -> None:
    """Something sent from now on arrives, and so everything did that was sent before, on the same path."""
    first = sender.sent[kind]

    def came() -> bool:
        sender.send_media(kind, keyframe=True)
        return any(number >= first for number in numbers(listener, kind)[-50:])

    await until(came)


async def stops(sender: RtpPeer, listener: RtpPeer, kind: str) -> bool:
    """Whether nothing of many packets arrives, though the other kind does."""
    other = "video" if kind == "audio" else "audio"
    await arrives(sender, listener, other)
    first = sender.sent[kind]
    for _ in range(PACKETS):
        sender.send_media(kind, keyframe=True)
    await arrives(sender, listener, other)
    return not any(number >= first for number in numbers(listener, kind)[-PACKETS:])


def track_of(house: Doors, who: RtpPeer, kind: str) -> str:
    person = house.server.node.resume(who.member.welcome["resume"], house.room().name)
    assert person is not None
    return next(track.id for track in person.tracks.values() if track.kind.name.lower() == kind)


def silent(house: Doors, track: str) -> bool:
    tracks = {t.id: t for p in house.room().participants.values() for t in p.tracks.values()}
    return next(t for name, t in tracks.items() if name == track).silent


@pytest.mark.parametrize("kind", ["audio", "video"])
async def test_a_client_that_ignores_being_muted_is_heard_and_seen_by_nobody(kind: str) -> None:
    async with doors() as house:
        ana = await RtpPeer.enter(await house.member("ana"))
        eve = await RtpPeer.enter(await house.member("eve"))
        with ana.listening(), eve.listening():
            for each in ("audio", "video"):
                await arrives(eve, ana, each)
            track = track_of(house, eve, kind)
            await ana.member.send(type="mute", track=track, muted=True)
            await until(partial(_told, eve, "muted"))
            assert await stops(eve, ana, kind)
            # What is not theirs to undo stays, what is theirs does not.
            await eve.member.send(type="mute", track=track, muted=False)
            await eventually(lambda: not silent(house, track))
            await arrives(eve, ana, kind)
            await ana.member.send(type="room", **{SOURCES[kind]: False})
            await eventually(lambda: silent(house, track))
            await eve.member.send(type="mute", track=track, muted=False)
            await until(partial(_told, eve, "error"))
            assert await stops(eve, ana, kind)
        for peer in (ana, eve):
            peer.goodbye()


async def test_who_is_removed_is_heard_no_longer() -> None:
    async with doors() as house:
        ana = await RtpPeer.enter(await house.member("ana"))
        bo = await RtpPeer.enter(await house.member("bo"))
        eve = await RtpPeer.enter(await house.member("eve"), ("audio sendonly",))
        with ana.listening():
            await arrives(bo, ana, "video")
            await ana.member.send(type="remove", participant=eve.member.id)
            await until(partial(_told, ana, "participant_left"))
            await arrives(bo, ana, "video")
            heard = {ssrc: len(packets) for ssrc, packets in ana.heard.items()}
            for _ in range(PACKETS):
                eve.send_media("audio")
            await arrives(bo, ana, "video")
            video = ana.slot_ssrc(SLOTS["video"])
            assert {s: len(p) for s, p in ana.heard.items() if s != video} == {
                s: count for s, count in heard.items() if s != video
            }
        for peer in (ana, bo, eve):
            peer.goodbye()


def _told(peer: RtpPeer, kind: str) -> bool:
    return any(message["type"] == kind for message in peer.log)
