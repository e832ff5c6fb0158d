"""Limits that settings put on front doors: each is reached, says so, and lets the next one in when there is room again."""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator

import pytest

from sfu.rate import KeyedBuckets
from signaling import http_body
from signaling.client_address import client_key
from tests.integration.doors import Doors, doors, eventually
from tests.integration.offers import PUBLISH, WATCH, write_offer

SDP = {"Content-Type": "application/sdp"}


async def refused(house: Doors, room: str = "blue") -> str:
    """The code with which one more is turned away."""
    late = await house.socket(room)
    await late.send(type="join", version=1)
    code: str = (await late.expect("error"))["code"]
    assert await late.closed() == (code, 1013)
    return code


async def post(house: Doors, door: str, offer: str, room: str = "blue") -> tuple[int, str | None]:
    async with house.http.post(house.url(f"/{door}/{room}"), data=offer, headers=SDP) as response:
        code = (await response.json())["code"] if response.status >= 400 else None
        assert response.status not in (429, 503) or "Retry-After" in response.headers
        return response.status, code


async def test_participants_a_room() -> None:
    async with doors(max_participants=2) as house:
        ana = await house.member("Ana")
        assert ana.welcome["limits"]["participants"] == 2
        await house.member("Bo")
        assert await refused(house) == "room_full"
        assert await post(house, "whip", PUBLISH) == (503, "room_full")
        assert await post(house, "whep", WATCH) == (503, "room_full")
        await ana.send(type="leave")
        await ana.closed()
        await house.member("Cy")


async def test_a_full_room_still_takes_back_its_own() -> None:
    async with doors(max_participants=1) as house:
        ana = await house.member("Ana")
        await ana.lose()
        assert (await house.member("Ana", resume=ana.welcome["resume"])).id == ana.id


async def test_rooms() -> None:
    async with doors(max_rooms=1) as house:
        ana = await house.member("Ana")
        assert await refused(house, "red") == "limit_reached"
        assert await post(house, "whip", PUBLISH, "red") == (503, "limit_reached")
        await ana.send(type="leave")
        await ana.closed()
        await house.member("Ana", room="red")


async def test_tracks_a_participant() -> None:
    async with doors(max_tracks=2) as house:
        ana = await house.member("Ana")
        three = write_offer(*["audio sendonly"] * 3)
        await ana.send(type="offer", id=1, connection="c", sdp=three)
        error = await ana.expect("error")
        assert (error["code"], error["id"], error["fatal"]) == ("limit_reached", 1, False)
        assert len((await ana.offer(PUBLISH, request_id=2))["tracks"]) == 2
        assert await post(house, "whip", three) == (422, "limit_reached")


async def test_joins_of_one_address() -> None:
    async with doors(joins_per_second=5, join_burst=3) as house:
        await house.member("Ana")
        assert (await post(house, "whip", PUBLISH))[0] == 201
        await house.member("Bo")
        assert await post(house, "whip", PUBLISH) == (429, "rate_limited")
        assert await refused(house) == "rate_limited"
        await asyncio.sleep(0.25)  # the limit itself: five a second
        await house.member("Cy")


async def test_requests_to_sessions_of_one_address() -> None:
    async with doors(messages_per_second=0.001, message_burst=4) as house:
        async with house.http.post(house.url("/whip/blue"), data=PUBLISH, headers=SDP) as response:
            session = house.url(response.headers["Location"])
        seen = []
        for method in ("GET", "PATCH", "DELETE", "HEAD", "GET", "PATCH", "DELETE"):
            async with house.http.request(method, session if method != "DELETE" else session + "x") as response:
                seen.append(response.status)
                assert response.status != 429 or "Retry-After" in response.headers
        assert seen == [204, 415, 404, 204, 429, 429, 429]
        async with house.http.options(session) as response:
            assert response.status == 200, "what browsers ask before is not limited"
        assert len(house.server.node.rooms) == 1, "the session goes on"


async def test_the_page_and_health_are_not_limited_with_joins() -> None:
    async with doors(joins_per_second=0.001, join_burst=1) as house:
        await house.member("Ana")
        for _ in range(5):
            async with house.http.get(house.url("/healthz")) as response:
                assert response.status == 200


async def test_session_descriptions() -> None:
    async with doors(max_sdp_bytes=4_096, max_message_bytes=65_536) as house:
        long = PUBLISH + "a=x\r\n" * 1_000
        assert await post(house, "whip", long) == (413, "too_large")
        ana = await house.member("Ana")
        await ana.send(type="offer", id=1, connection="c", sdp=long)
        assert (await ana.expect("error"))["code"] == "bad_sdp"
        await ana.send(type="offer", id=2, connection="c", sdp="é" * 3_000)
        assert "4096 bytes" in (await ana.expect("error"))["message"]


async def test_a_body_without_a_length_is_limited_too() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"a=x\r\n" * 1_000

    async with doors() as house:
        async with house.http.post(house.url("/whip/blue"), data=endless(), headers=SDP) as response:
            assert response.status == 413
        assert not house.server.node.rooms


async def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_body, "BODY_TIMEOUT_S", 0.1)

    async def slow() -> AsyncIterator[bytes]:
        yield b"v=0\r\n"
        await asyncio.sleep(60)

    async with doors() as house, house.http.post(house.url("/whip/blue"), data=slow(), headers=SDP) as response:
        assert response.status == 408


async def test_a_body_that_ends_too_early_is_no_fault_of_the_server() -> None:
    async with doors(log_level="error") as house:
        host, _, port = house.server.url.removeprefix("http://").partition(":")
        for body in (b"v=0\r\n", b""):
            reader, writer = await asyncio.open_connection(host, int(port))
            head = (
                b"POST /whip/blue HTTP/1.1\r\nHost: x\r\nContent-Type: application/sdp\r\nContent-Length: 500\r\n\r\n"
            )
            writer.write(head + body)
            await writer.drain()
            writer.close()
            await writer.wait_closed()
            assert await reader.read() == b""
        async with house.http.get(house.url("/healthz")) as response:
            assert response.status == 200


HOSTILE = [
    b"\x00" * 100 + b"\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X%d: y\r\n" % n for n in range(1_000)) + b"\r\n",
    b"POST /whip/blue HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /whip/blue HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    b"POST /whip/blue HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    b"POST /whip/blue HTTP/1.1\r\nHost: x\r\nContent-Type: application/sdp\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET /ws/blue HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    b"GET /ws/blue HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 99\r\n"
    b"Sec-WebSocket-Key: !\r\n\r\n",
    b"GET /ws/blue HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: short\r\n\r\n",
    b"GET //evil.example/%2e%2e HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"DELETE /api/v1/rooms/x HTTP/1.1\r\nHost: \xff\r\n\r\n",
    b"GET /api/v1/rooms HTTP/1.1\r\nHost: [\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b'PATCH /whip/blue/x HTTP/1.1\r\nHost: x\r\nIf-Match: "\r\nContent-Length: 0\r\n\r\n',
    b"POST /whip/blue HTTP/1.1\r\nHost: x\r\nContent-Type: ;;;/\r\nContent-Length: 0\r\n\r\n",
    b"POST /whip/blue?name=%ff%00&name=2 HTTP/1.1\r\nHost: x\r\nContent-Type: application/sdp\r\nContent-Length: 0\r\n\r\n",
]


@pytest.mark.parametrize("request_bytes", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_requests_are_no_fault_of_the_server(request_bytes: bytes) -> None:
    async with doors() as house:
        host, _, port = house.server.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(request_bytes)
        writer.write_eof()
        async with asyncio.timeout(10):
            status_line = await reader.readline()
        assert not status_line or status_line.split()[1][:1] in (b"1", b"2", b"4"), status_line
        writer.close()
        async with house.http.get(house.url("/healthz")) as response:
            assert response.status == 200


async def test_silent_connections_do_not_hold_a_server_up() -> None:
    async with doors() as house:
        host, _, port = house.server.url.removeprefix("http://").partition(":")
        connections = [socket.create_connection((host, int(port))) for _ in range(50)]
        await house.member("Ana")
    for connection in connections:
        connection.close()


async def test_sockets_that_vanish_leave_nothing_behind() -> None:
    async with doors(resume_seconds=0) as house:
        for number in range(20):
            member = await house.member(f"Person {number}", room=f"room{number % 3}")
            if number % 2:
                await member.lose()
            else:
                await member.socket.close()
        await eventually(lambda: not house.server.node.rooms)


PROXIES = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "127.0.0.1/32", "fd00::/8")))


@pytest.mark.parametrize(
    ("remote", "forwarded", "key"),
    [
        ("192.0.2.7", [], "192.0.2.7"),
        ("::ffff:192.0.2.7", [], "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", [], "2001:db8:1:2::/64"),
        ("fe80::1%eth0", [], "fe80::/64"),
        (None, [], "unknown"),
        ("nonsense", ["192.0.2.7"], "unknown"),
        ("192.0.2.7", ["198.51.100.1"], "192.0.2.7"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["6.6.6.6, 198.51.100.1, 10.9.9.9"], "198.51.100.1"),
        ("10.0.0.1", ["6.6.6.6", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1, nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["2001:db8::1"], "2001:db8::/64"),
        ("fd00::1", ["10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", [""], "10.0.0.1"),
    ],
)
def test_joins_are_counted_by_customer(remote: str | None, forwarded: list[str], key: str) -> None:
    assert client_key(remote, forwarded, PROXIES) == key


async def test_customers_behind_a_trusted_proxy_are_told_apart() -> None:
    async with doors(joins_per_second=0.001, join_burst=1, trusted_proxy=("127.0.0.1",)) as house:
        for address in ("198.51.100.1", "198.51.100.2"):
            await (await house.socket(headers={"X-Forwarded-For": address})).join()
        again = await house.socket(headers={"X-Forwarded-For": "198.51.100.1"})
        await again.send(type="join", version=1)
        assert (await again.expect("error"))["code"] == "rate_limited"


def test_the_table_of_addresses_is_bounded() -> None:
    table = KeyedBuckets(1, 1, most_keys=100)
    for number in range(1_000):
        table.take(str(number), 0.0)
    assert len(table) == 100
