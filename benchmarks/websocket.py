"""Adapter for Ciranda's WebSocket protocol: people who publish and receive on one connection."""

import asyncio
import contextlib
import secrets
import urllib.parse
from collections.abc import Callable
from typing import Any

import aiohttp

from benchmarks.endpoint import ConnectError, Endpoint

SOURCES = {"audio": "microphone", "video": "camera"}


class SocketExchange:
    """One participant's socket. It is read on to the end, so that the server never finds a slow reader."""

    def __init__(self, http: aiohttp.ClientSession, url: str, token: str) -> None:
        self._http = http
        self._url = url
        self._token = token
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None

    async def exchange(self, endpoint: Endpoint) -> str:
        try:
            self._socket = await self._http.ws_connect(self._url, max_msg_size=0)
            join = {"type": "join", "version": 1, "name": "bench"}
            await self._socket.send_json(join | ({"token": self._token} if self._token else {}))
            await self._next("welcome")
            tracks = [
                {"mid": line.mid, "source": SOURCES[line.kind], "muted": False}
                for line in endpoint.lines()
                if line.direction == "sendonly"
            ]
            offer = {"type": "offer", "id": 1, "connection": secrets.token_hex(8), "sdp": endpoint.offer()}
            await self._socket.send_json(offer | {"tracks": tracks})
            answer = await self._next("answer")
        except aiohttp.ClientError as error:
            raise ConnectError(f"{self._url}: {error}") from error
        self._reader = asyncio.create_task(self._discard(self._socket))
        return str(answer["sdp"])

    async def _next(self, kind: str) -> dict[str, Any]:
        assert self._socket is not None
        async for message in self._socket:
            if message.type != aiohttp.WSMsgType.TEXT:
                break
            found: dict[str, Any] = message.json()
            if found["type"] == kind:
                return found
            if found["type"] in ("error", "closed"):
                raise ConnectError(f"{self._url} answered {found}")
        raise ConnectError(f"{self._url} closed the socket before its {kind}")

    @staticmethod
    async def _discard(socket: aiohttp.ClientWebSocketResponse) -> None:
        async for _ in socket:
            continue

    async def close(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(ConnectionError, aiohttp.ClientError):
                await self._socket.send_json({"type": "leave"})
            await self._socket.close()
        if self._reader is not None:
            await self._reader


class SocketAdapter:
    """`url`: of the server."""

    def __init__(self, http: aiohttp.ClientSession, url: str, token_for: Callable[[str], str]) -> None:
        self._http = http
        self._url = url
        self._token_for = token_for

    def person(self, room: str) -> SocketExchange:
        address = f"{self._url}/ws/{urllib.parse.quote(room)}"
        return SocketExchange(self._http, address, self._token_for(room))

    publisher = receiver = person
