"""The ways into servers that the benchmarks know. One for another server is a class like these with three small methods."""

import contextlib
from collections.abc import AsyncIterator

import aiohttp

from benchmarks.fleet import CONCURRENT_JOINS
from benchmarks.fleet import Adapter as Adapter
from benchmarks.target import Target
from benchmarks.websocket import SocketAdapter
from benchmarks.whip import WhipAdapter


@contextlib.asynccontextmanager
async def adapter_for(target: Target, *, websocket: bool = False) -> AsyncIterator[Adapter]:
    """Ciranda's WHIP and WHEP, or its WebSocket protocol."""
    if websocket:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
            yield SocketAdapter(http, target.url, target.token_for)
        return
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONCURRENT_JOINS)) as http:
        whip, whep = (f"{target.url}/{kind}/{{room}}?name=bench" for kind in ("whip", "whep"))
        yield WhipAdapter(http, whip, whep, target.token_for)
