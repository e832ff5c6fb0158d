"""Floods and tricks at the front doors: who is inside already is served meanwhile, and nothing stays behind."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator

import aiohttp
import pytest
from yarl import URL

from sfu.errors import LimitError
from sfu.ids import RoomName
from sfu.permissions import JoinRequest
from tests.harness.stage import MAX_HELD_S, Held
from tests.harness.transport_client import until
from tests.integration.doors import Doors, doors
from tests.integration.offers import PUBLISH, fragment

SDP = {"Content-Type": "application/sdp"}
TRICKLE = {"Content-Type": "application/trickle-ice-sdpfrag", "If-Match": "*"}


@pytest.fixture
async def house() -> AsyncIterator[Doors]:
    async with doors() as running:
        yield running


async def healthy(house: Doors) -> None:
    async with house.http.get(house.url("/healthz")) as response:
        assert response.status == 200


async def test_requests_that_never_end() -> None:
    """Slow headers hold a connection for a limited time, and nobody else waits for it."""
    async with doors(request_timeout_seconds=1.0) as house:
        host, _, port = house.server.url.removeprefix("http://").partition(":")
        half = []
        for number in range(150):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(b"GET /ws/blue HTTP/1.1\r\nHost: x\r\nX-Slow: "[: 5 + number % 40])
            half.append((reader, writer))
        await healthy(house)
        async with asyncio.timeout(10):
            for reader, _ in half:
                assert await reader.read() == b""
        for _, writer in half:
            writer.close()


async def test_ten_thousand_rooms() -> None:
    """So many as may be, at little cost; the rest is refused, and all are gone with their people."""
    async with doors() as house:
        node = house.server.node
        people = []
        held = Held()
        refused = 0
        for number in range(10_000):
            try:
                people.append(node.join(RoomName(f"room-{number}"), JoinRequest(name="Eve"), lambda _: None))
            except LimitError:
                refused += 1
            if number % 100 == 0:
                await asyncio.sleep(0)
        assert (len(node.rooms), refused) == (1_000, 9_000)
        await asyncio.sleep(0.25)  # levels of all rooms are looked at twice
        held.stop()
        assert held.worst_s < MAX_HELD_S
        for participant in people:
            await participant.leave("left")
        assert node.rooms == {}


async def test_a_flood_of_joins_from_one_address() -> None:
    async with doors(join_burst=50, joins_per_second=1.0) as house:
        ana = await house.member("Ana")
        held = Held()
        codes: Counter[str] = Counter()

        async def knock(number: int) -> None:
            member = await house.socket(f"room-{number}")
            await member.send(type="join", version=1, name="Eve")
            message = await member.next()
            codes[message.get("code", message["type"])] += 1
            await member.socket.close()

        for start in range(0, 200, 50):
            await asyncio.gather(*(knock(number) for number in range(start, start + 50)))
            await ana.quiet()
        held.stop()
        assert codes["welcome"] + codes["rate_limited"] == 200
        assert 49 <= codes["welcome"] <= 70
        assert held.worst_s < MAX_HELD_S
        await until(lambda: not any(p.attached for room in house.server.node.rooms.values() for p in room.participants.values()
                                    if p.name == "Eve"))  # fmt: skip


async def test_guessing_resume_tokens() -> None:
    async with doors(join_burst=40, joins_per_second=0.001) as house:
        ana = await house.member("Ana")
        secret = ana.welcome["resume"]
        assert len(secret) >= 32
        near = [
            secret[:-1] + ("A" if secret[-1] != "A" else "B"),
            secret[1:],
            secret + "A",
            secret.swapcase(),
            "",
            " ",
            "é" * 32,
        ]
        for number in range(60):
            member = await house.socket()
            await member.send(type="join", version=1, name="Eve", resume=near[number % len(near)])
            message = await member.next()
            if message["type"] == "error":
                assert (number >= 39, message["code"]) == (True, "rate_limited")
            else:
                assert not message["resumed"]
                assert message["participant"]["id"] != ana.id
            await member.lose()
        await ana.until("participant_joined")
        await ana.send(type="ping", id=1)
        await ana.until("pong")


@pytest.mark.parametrize(
    "room",
    ["%2e%2e", "..", ".", "%2e", "a%2fb", "..%2f..%2fapi", "caf%C3%A9", "%00", "%ff%fe", "a%0d%0aX: y", "x" * 65, "api",
     "%E2%80%AE", "a b", "a;b", "a%25", "WHIP", "ws", "%EF%BC%8E%EF%BC%8E", "..\\..", "~root", "*"],
)  # fmt: skip
@pytest.mark.parametrize("door", ["ws", "whip", "whep"])
async def test_names_that_are_no_rooms(house: Doors, door: str, room: str) -> None:
    url = URL(house.url(f"/{door}/{room}"), encoded=True)
    if door == "ws":
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await house.http.ws_connect(url)
        assert 400 <= refused.value.status < 500
    else:
        async with house.http.post(url, data=PUBLISH, headers=SDP) as response:
            assert 400 <= response.status < 500
            assert "Location" not in response.headers
    assert house.server.node.rooms == {}


async def test_one_session_restarted_and_poked_without_end(house: Doors) -> None:
    """Whatever is done to it, a WHIP session holds one transport with two sets of credentials at the most."""
    async with house.http.post(house.url("/whip/blue"), data=PUBLISH, headers=SDP) as response:
        session = house.url(response.headers["Location"])
    port = house.server.node.ports[0]
    statuses: Counter[int] = Counter()
    started_s = time.thread_time()
    for number in range(150):
        body = fragment(f"frag{number:04}", candidates=number % 60 + 1)
        async with house.http.patch(session, data=body, headers=TRICKLE) as response:
            statuses[response.status] += 1
        assert len(port._ufrags) <= 2
    for method in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "TRACE", "PROPFIND", "LOCK"):
        async with house.http.request(method, session, headers=TRICKLE) as response:
            statuses[response.status // 100] += 1
        async with house.http.request(method, session[:-1] + "~", headers=TRICKLE) as response:
            assert response.status in (200, 204, 404, 405)
    assert statuses[200] == 150
    assert 5 not in statuses
    assert time.thread_time() - started_s < 3.0
    for status in (200, 404, 404):
        async with house.http.delete(session) as response:
            assert response.status == status
    assert (len(port._endpoints), len(port._ufrags), house.server.node.rooms) == (0, 0, {})
