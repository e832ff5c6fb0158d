"""One participant of a crowded room does what costs the server most, as often as it may: everybody else is served meanwhile."""

import asyncio
import time

import aiohttp
import pytest

from sfu.ids import RoomName
from sfu.permissions import JoinRequest
from sfu.rate import Share
from tests.harness.stage import MAX_HELD_S, Held
from tests.integration.doors import Doors, Member, doors
from tests.integration.offers import write_offer

CROWD = 60
SLOTS = ["audio recvonly", "video recvonly"] * 8
FULL = write_offer("audio sendonly", "video sendonly", *SLOTS)
SILENT = write_offer("audio inactive", "video inactive", *SLOTS)


async def crowd(house: Doors) -> None:
    """People with tracks and slots, as the node sees them."""
    for _ in range(CROWD):
        participant = house.server.node.join(RoomName("blue"), JoinRequest(name="one of many"), lambda _: None)
        await participant.negotiate(FULL, connection="c", sources={})
        await asyncio.sleep(0)


def test_who_spends_more_than_its_share_waits() -> None:
    share = Share(0.1, 0.5)
    assert share.spend(0.4, 100.0) == 0
    assert share.spend(0.2, 100.0) == pytest.approx(1.0)
    assert share.spend(0.1, 101.0) == pytest.approx(1.0)
    assert share.spend(0.1, 200.0) == 0
    assert share.spend(0.5, 199.0) == pytest.approx(1.0)


async def served(member: Member, count: int) -> None:
    """Pings are answered, one after the other."""
    for number in range(count):
        await member.send(type="ping", id=number)
        assert (await member.until("pong"))["id"] == number


@pytest.mark.parametrize("what", ["mute", "offer", "pin", "hand", "room", "mute_all", "allow"])
async def test_one_message_after_the_other_without_a_pause(what: str) -> None:
    async with doors() as house:
        await crowd(house)
        enemy = await house.member("eve")
        track = (await enemy.offer(FULL))["tracks"][0]["id"]
        friend = await house.member("ana")
        held = Held()
        started_s = time.thread_time()
        for number in range(150):
            if what == "mute":
                await enemy.send(type="mute", track=track, muted=number % 2 == 0)
            elif what == "pin":
                await enemy.send(type="pin", participants=[f"p_{n}" for n in range(number % 128)])
            elif what == "hand":
                await enemy.send(type="hand", raised=number % 2 == 0)
            elif what == "room":
                await enemy.send(type="room", microphone=number % 2 == 0, camera=number % 2 == 0)
            elif what == "mute_all":
                await enemy.send(type="mute_all", source="camera" if number % 2 else "microphone")
            elif what == "allow":
                await enemy.send(type="allow", participant=friend.id, source="camera", allowed=number % 2 == 0)
            else:
                await enemy.send(type="offer", id=number, connection="c-1", sdp=SILENT if number % 2 else FULL)
        await served(friend, 10)
        spent_s = time.thread_time() - started_s
        held.stop()
        assert held.worst_s < MAX_HELD_S
        assert spent_s < 1.5
        await enemy.lose()


async def test_a_crowd_is_sent_home_at_once() -> None:
    async with doors() as house:
        await crowd(house)
        ana = await house.member("ana")
        started_s = time.thread_time()
        await house.server.node.rooms[RoomName("blue")].close("closed")
        assert time.thread_time() - started_s < 0.2
        assert house.server.node.rooms == {}
        assert await ana.closed() == ("closed", 1000)


async def test_pings_count_as_messages() -> None:
    async with doors() as house:
        eve, ana = await house.member("eve"), await house.member("ana")
        for _ in range(300):
            await eve.socket.ping()
        assert (await eve.until("participant_joined"))["participant"]["id"] == ana.id
        assert (await eve.expect("error"))["code"] == "rate_limited"
        await eve.closed()
        assert house.closed_sockets == {"rate_limited": 1}
        await served(ana, 1)


async def test_a_ping_is_answered_and_is_no_join() -> None:
    async with doors(join_timeout_seconds=0.3) as house:
        socket = await house.http.ws_connect(house.url("/ws/blue"), autoping=False)
        await socket.ping(b"there?")
        assert await socket.receive() == (aiohttp.WSMsgType.PONG, b"there?", "")
        await socket.pong()
        assert (await socket.receive_json())["code"] == "not_joined"
        await socket.close()
