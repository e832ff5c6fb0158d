"""Connections that are there only to be there: each is closed after its time, counted by name, and keeps nobody else out."""

import asyncio
import contextlib
import io
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from signaling import listener
from signaling.context import CONTEXT
from tests.harness.certificate import self_signed
from tests.harness.server_process import ServerProcess
from tests.integration.doors import Doors, doors, eventually

HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: " + b"a" * 4_000
SOON_S = 0.5


def closed(house: Doors) -> dict[str, int]:
    """Reason → connections, without what never happened."""
    return {reason: count for reason, count in house.server._app[CONTEXT].connections.closed.items() if count}


def opened(house: Doors) -> int:
    return len(house.server._app[CONTEXT].connections)


async def connect(house: Doors) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = house.server.url.rpartition("//")[2].rpartition(":")
    return await asyncio.open_connection(host, int(port))


async def ended(reader: asyncio.StreamReader) -> None:
    """The server has closed it."""
    async with asyncio.timeout(20):
        with contextlib.suppress(ConnectionError):
            while await reader.read(65_536):
                continue


@asynccontextmanager
async def trickling(writer: asyncio.StreamWriter, text: bytes) -> AsyncIterator[None]:
    """A byte at a time, meanwhile."""

    async def send() -> None:
        for byte in text:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.005)

    task = asyncio.create_task(send())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_one_that_never_sends_a_request() -> None:
    async with doors(request_timeout_seconds=SOON_S) as house:
        started_s = time.monotonic()
        reader, writer = await connect(house)
        await ended(reader)
        assert time.monotonic() - started_s >= SOON_S
        assert (closed(house), opened(house)) == ({"no_request": 1}, 0)
        assert 'ciranda_http_connections_closed_total{reason="no_request"} 1.0' in await house.metrics()
        writer.close()


async def test_one_that_sends_a_head_byte_by_byte() -> None:
    async with doors(request_timeout_seconds=SOON_S) as house:
        reader, writer = await connect(house)
        async with trickling(writer, HEAD):
            await ended(reader)
        assert closed(house) == {"no_request": 1}
        writer.close()


async def test_one_that_was_answered_may_rest() -> None:
    """Its next request may come later than the first one may."""
    async with doors(request_timeout_seconds=SOON_S) as house:
        reader, writer = await connect(house)
        silent, other = await connect(house)
        for _ in range(2):
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            async with asyncio.timeout(10):
                assert b"200 OK" in await reader.readuntil(b"ok")
            await ended(silent)
        assert closed(house) == {"no_request": 1}
        writer.close()
        other.close()
        await eventually(lambda: opened(house) == 0)


async def test_a_websocket_that_never_joins() -> None:
    async with doors(request_timeout_seconds=SOON_S, join_timeout_seconds=SOON_S) as house:
        member = await house.socket()
        assert (await member.expect("error"))["code"] == "not_joined"
        assert await member.closed() == ("not_joined", 1008)
        await eventually(lambda: opened(house) == 0)
        text = await house.metrics()
        assert 'ciranda_sockets_closed_total{reason="not_joined"} 1.0' in text
        assert 'ciranda_refused_total{code="not_joined",door="websocket"} 1.0' in text
        assert closed(house) == {}


async def test_a_websocket_outlives_the_time_for_a_request() -> None:
    async with doors(request_timeout_seconds=SOON_S) as house:
        ana = await house.member("Ana")
        reader, writer = await connect(house)
        await ended(reader)
        await ana.quiet()
        writer.close()


async def test_a_tls_handshake_that_never_begins_and_one_that_is_rubbish(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    async with doors(tls_cert=certificate, tls_key=key, request_timeout_seconds=SOON_S) as house:
        reader, writer = await connect(house)
        _, rude = await connect(house)
        rude.write(b"GET / HTTP/1.1\r\n\r\n")
        await eventually(lambda: closed(house).get("tls") == 1)
        await ended(reader)
        assert closed(house) == {"tls": 1, "no_request": 1}
        trusting = ssl.create_default_context(cafile=str(certificate))
        trusting.check_hostname = False
        async with house.http.get(house.url("/healthz"), ssl=trusting) as response:
            assert response.status == 200
        writer.close()
        rude.close()


async def test_silent_ones_keep_nobody_out() -> None:
    async with doors(max_connections=20) as house:
        ana = await house.member("Ana")
        crowd = [await connect(house) for _ in range(60)]
        ben = await house.member("Ben", room="red")
        await ana.quiet()
        await ben.quiet()
        assert opened(house) <= 20
        assert closed(house)["made_place"] >= 40
        for _, writer in crowd:
            writer.close()


async def test_one_address_takes_its_share_and_no_more() -> None:
    async with doors(max_connections_per_address=10) as house:
        people = [await house.member(f"Person {number}") for number in range(10)]
        for _ in range(3):
            reader, writer = await connect(house)
            await ended(reader)
            writer.close()
        assert closed(house) == {"too_many_from_address": 3}
        await people[0].send(type="leave")
        await people[0].until("closed")
        await people[0].socket.close()
        await eventually(lambda: opened(house) == 9)
        await house.member("Late")


async def test_a_trusted_proxy_has_as_many_as_there_are() -> None:
    async with doors(max_connections_per_address=2, trusted_proxy=("127.0.0.0/8",)) as house:
        for number in range(6):
            await (await house.socket(headers={"X-Forwarded-For": f"192.0.2.{number}"})).join(f"Person {number}")
        assert closed(house) == {}


async def test_one_who_does_not_take_what_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "STALLED_MS", 1_000)
    async with doors(max_file_bytes=30_000_000) as house:
        ana = await house.member("Ana")
        bearer = {"Authorization": f"Bearer {ana.welcome['resume']}"}
        async with house.http.post(
            house.url("/files/blue?name=x"), data=io.BytesIO(bytes(25_000_000)), headers=bearer
        ) as response:
            path = response.headers["Location"]
        before = opened(house)
        with socket.socket() as lazy:
            lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            host, _, port = house.server.url.rpartition("//")[2].rpartition(":")
            lazy.setblocking(False)
            await asyncio.get_running_loop().sock_connect(lazy, (host, int(port)))
            lazy.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            await eventually(lambda: opened(house) == before + 1)
            await eventually(lambda: opened(house) == before)
        await ana.quiet()


async def test_the_command_cuts_them_too(tmp_path: Path) -> None:
    """With its own event loop, over TLS: without a handshake, and after one."""
    certificate, key = self_signed(tmp_path)
    options = ("--tls-cert", str(certificate), "--tls-key", str(key), "--request-timeout-seconds", str(SOON_S))
    trusting = ssl.create_default_context(cafile=str(certificate))
    async with ServerProcess(*options) as server, aiohttp.ClientSession() as http:
        host, _, port = server.url.rpartition("//")[2].rpartition(":")
        silent, nothing = await asyncio.open_connection(host, int(port))
        shaken, still = await asyncio.open_connection(host, int(port), ssl=trusting)
        await ended(silent)
        await ended(shaken)
        async with http.get(f"{server.url}/metrics", ssl=trusting) as response:
            text = await response.text()
        assert 'ciranda_http_connections_closed_total{reason="no_request"} 2.0' in text
        assert "ciranda_http_connections 1.0" in text
        nothing.close()
        still.close()
