"""A TCP way to the server under test that can be cut, fall silent, and come back: what happens to WebSockets and pages.

It passes bytes on and reads none. `cut` is a cable that somebody notices (connections are reset, new ones refused), `hush` one
that nobody does: nothing gets through and nothing is closed, and what was sent into the silence never arrives.
"""

import asyncio
import contextlib
import socket
from typing import Self
from urllib.parse import urlsplit

CHUNK_BYTES = 65_536


class Wire:
    """`async with Wire(server.url) as wire`; clients use `wire.url`."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self._to = (parts.hostname, parts.port)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._port = 0
        self._silences = 0
        self.silent = False

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def cut(self) -> None:
        """Every connection is reset; nobody listens any more."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.transport.abort()

    def hush(self) -> None:
        """Nothing gets through any more, and nobody is told: the connections of now are dead for good."""
        self.silent = True
        self._silences += 1

    async def restore(self) -> None:
        """New connections work again."""
        self.silent = False
        if self._server is None:
            await self._listen()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port, family=socket.AF_INET)
        self._port = self._server.sockets[0].getsockname()[1]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        if self.silent:
            return
        try:
            onward, back = await asyncio.open_connection(*self._to)
        except OSError:
            writer.transport.abort()
            return
        self._writers.add(back)
        for source, sink in ((reader, back), (onward, writer)):
            pump = asyncio.create_task(self._pump(source, sink, self._silences))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, born: int) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(CHUNK_BYTES):
                if born == self._silences:
                    sink.write(data)
                    await sink.drain()
        if born == self._silences:
            sink.close()
