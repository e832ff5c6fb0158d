"""A server below a path of another program's web application."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from ciranda import Server


@asynccontextmanager
async def mounted(server: Server) -> AsyncIterator[str]:
    """The address of the application that it is below `/meet` of."""
    parent = web.Application()
    server.mount(parent, "/meet")
    runner = web.AppRunner(parent, access_log=None)
    try:
        await runner.setup()
        listening = socket.create_server(("127.0.0.1", 0))
        await web.SockSite(runner, listening).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        await runner.cleanup()
