"""A WebSocket made of bytes, for clients that keep to no rule: any frame can be sent, and what comes is thrown away unread.

A thousand of them fit into one test: after the first message nothing is parsed.
"""

import asyncio
import base64
import contextlib
import json
import os
from typing import Any, Self
from urllib.parse import urlsplit

TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9
READ_BYTES = 262_144
PATIENCE_S = 60.0


def frame(
    payload: bytes, *, opcode: int = TEXT, final: bool = True, masked: bool = True, length: int | None = None
) -> bytes:
    """RFC 6455, section 5.2. `length`: what the header says, if not the truth."""
    said = len(payload) if length is None else length
    mask = 0x80 if masked else 0
    head = bytes([(0x80 if final else 0) | opcode])
    if said < 126:
        head += bytes([mask | said])
    elif said < 65_536:
        head += bytes([mask | 126]) + said.to_bytes(2, "big")
    else:
        head += bytes([mask | 127]) + said.to_bytes(8, "big")
    # A mask of zeros changes nothing.
    return head + (bytes(4) if masked else b"") + payload


class RawSocket:
    """`socket = await RawSocket.open(url, room)`; ends with `drop`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._drain: asyncio.Task[None] | None = None
        self.ended = False
        self.first: dict[str, Any] = {}
        """The server's first message."""

    @classmethod
    async def open(cls, url: str, room: str) -> Self:
        host, port = urlsplit(url).hostname, urlsplit(url).port
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_connection(host, port)
            key = base64.b64encode(os.urandom(16)).decode()
            writer.write(
                f"GET /ws/{room} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
            )
            status = await reader.readuntil(b"\r\n\r\n")
        assert b" 101 " in status[:20], status
        return cls(reader, writer)

    async def join(self, name: str, **fields: Any) -> dict[str, Any]:
        """The answer, which need not be `welcome`. From then on whatever comes is read and forgotten."""
        self.say(type="join", version=1, name=name, **fields)
        async with asyncio.timeout(PATIENCE_S):
            head = await self._reader.readexactly(2)
            size = head[1] & 0x7F
            if size >= 126:
                size = int.from_bytes(await self._reader.readexactly(2 if size == 126 else 8), "big")
            self.first = json.loads(await self._reader.readexactly(size))
        self._drain = asyncio.create_task(self._forget())
        return self.first

    def say(self, **fields: Any) -> None:
        self.send(frame(json.dumps(fields).encode()))

    def send(self, data: bytes) -> None:
        if not self.ended and not self._writer.is_closing():
            self._writer.write(data)

    def drop(self) -> None:
        """The network is gone."""
        self.ended = True
        if self._drain is not None:
            self._drain.cancel()
        self._writer.transport.abort()

    async def _forget(self) -> None:
        with contextlib.suppress(ConnectionError):
            while await self._reader.read(READ_BYTES):
                continue
        self.ended = True
        self._writer.close()
