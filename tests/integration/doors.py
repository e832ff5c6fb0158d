"""Clients of the front doors for tests: a WebSocket that speaks the protocol, captured offers, tokens."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

import aiohttp
import jwt

from ciranda.server import Server
from sfu.ids import RoomName
from sfu.room import Room
from signaling.context import CONTEXT
from signaling.files import FILES, Files
from signaling.message import VERSION
from signaling.server_messages import parse_server_message
from signaling.websocket import Client

KEY, SECRET = "devkey", "a-secret-that-is-long-enough-for-hs256"
PATIENCE_S = 10.0


def token(room: str, *, identity: str = "ana", expires_in_s: float = 3_600, **video: Any) -> str:
    """A token as LiveKit's libraries make it."""
    claims = {
        "iss": KEY,
        "sub": identity,
        "exp": int(time.time() + expires_in_s),
        "video": {"room": room, "roomJoin": True} | video,
    }
    return jwt.encode(claims, SECRET, algorithm="HS256")


KEYS = (f"{KEY}:{SECRET}",)
"""The setting `api_key` for these tokens."""


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until it holds; `TimeoutError` if it never does."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - a condition of a server that knows nothing of tests
            await asyncio.sleep(0.01)


class Member:
    """One socket. Every message of the server is checked against the classes."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.welcome: dict[str, Any] = {}
        self.ticket: dict[str, Any] = {}
        """What `waiting` said."""

    @property
    def id(self) -> str:
        identity: str = self.welcome["participant"]["id"]
        return identity

    async def send(self, **fields: Any) -> None:
        await self.socket.send_str(json.dumps(fields))

    async def next(self) -> dict[str, Any]:
        """The next message."""
        text = await self.socket.receive_str(timeout=PATIENCE_S)
        parse_server_message(text)
        message: dict[str, Any] = json.loads(text)
        return message

    async def expect(self, kind: str) -> dict[str, Any]:
        """The next message, which must be of this type."""
        message = await self.next()
        assert message["type"] == kind, message
        return message

    async def until(self, kind: str) -> dict[str, Any]:
        """The next message of this type; others are skipped, but no error is."""
        while (message := await self.next())["type"] != kind:
            assert message["type"] != "error", message
        return message

    async def until_error(self) -> dict[str, Any]:
        """The next error; other messages are skipped."""
        while (message := await self.next())["type"] != "error":
            pass
        return message

    async def refused(self, code: str) -> dict[str, Any]:
        """The next error, which is no end; other messages are skipped."""
        message = await self.until_error()
        assert (message["code"], message["fatal"]) == (code, False), message
        return message

    async def join(self, name: str = "Ana", **fields: Any) -> Self:
        await self.send(type="join", version=VERSION, name=name, **fields)
        self.welcome = await self.expect("welcome")
        return self

    async def offer(self, sdp: str, connection: str = "c-1", request_id: int = 1, **fields: Any) -> dict[str, Any]:
        await self.send(type="offer", id=request_id, connection=connection, sdp=sdp, **fields)
        return await self.until("answer")

    async def quiet(self) -> None:
        """Everything that was sent to this client before has arrived, and it was nothing."""
        await self.send(type="ping", id=99)
        assert await self.next() == {"type": "pong", "id": 99}

    async def closed(self) -> tuple[str, int]:
        """The reason of `closed`, and the code of the close frame."""
        reason = (await self.until("closed"))["reason"]
        frame = await self.socket.receive(timeout=PATIENCE_S)
        assert frame.type is aiohttp.WSMsgType.CLOSE, frame
        return reason, frame.data

    async def lose(self) -> None:
        """The network goes: no close frame, no goodbye."""
        connection = self.socket._response.connection
        assert connection is not None
        assert connection.transport is not None
        connection.transport.abort()


class Doors:
    """A server's address and an HTTP client."""

    def __init__(self, server: Server, http: aiohttp.ClientSession) -> None:
        self.server = server
        self.http = http

    def url(self, path: str) -> str:
        return self.server.url + path

    async def socket(self, room: str = "blue", **options: Any) -> Member:
        return Member(await self.http.ws_connect(self.url(f"/ws/{room}"), **options))

    async def member(self, name: str = "Ana", room: str = "blue", **fields: Any) -> Member:
        """Somebody who has joined."""
        return await (await self.socket(room)).join(name, **fields)

    async def waiter(self, name: str = "Cid", room: str = "blue", **fields: Any) -> Member:
        """Somebody who waits to be let in."""
        member = await self.socket(room)
        await member.send(type="join", version=VERSION, name=name, **fields)
        member.ticket = await member.expect("waiting")
        return member

    @property
    def closed_sockets(self) -> dict[str, int]:
        """Reason → sockets that the server closed."""
        return self.server._app[CONTEXT].closed_sockets

    def shrink_socket_buffers(self) -> None:
        """The kernel holds little for the WebSockets that are open now, so that tests of slow readers are short."""
        for client in self.server._app[CONTEXT].clients:
            assert isinstance(client, Client)
            transport = client._request.transport
            assert transport is not None
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)

    def room(self, name: str = "blue") -> Room:
        """The server's own."""
        return self.server.node.rooms[RoomName(name)]

    def files(self) -> Files:
        """The server's own."""
        return self.server._app[FILES]

    async def metrics(self) -> str:
        async with self.http.get(self.url("/metrics")) as response:
            return await response.text()


@asynccontextmanager
async def doors(**settings: Any) -> AsyncIterator[Doors]:
    """A server with these settings, and a client."""
    async with Server(**({"http_port": 0, "media_port": 0} | settings)) as server, aiohttp.ClientSession() as http:
        yield Doors(server, http)
