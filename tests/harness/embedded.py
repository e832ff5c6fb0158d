"""A program that embeds a server, as anybody's may, and blocks its event loop for a second whenever it is told to (SIGUSR1).

`async with EmbeddedServer(...)` runs it as a process of its own; `python -m tests.harness.embedded SETTINGS` is the program.
"""

import asyncio
import json
import os
import signal
import sys
import time
from typing import Any, Self

import uvloop

from ciranda.server import Server

BLOCKED_S = 1.0
START_S = 60.0


async def _run(settings: dict[str, Any]) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, time.sleep, BLOCKED_S)
    async with Server(**settings) as server:
        print(json.dumps({"http": server.url, "media": server.media_addresses[0]}), flush=True)
        await stop.wait()


class EmbeddedServer:
    """`settings` are those of a server; its ports are free ones."""

    def __init__(self, **settings: Any) -> None:
        self._settings = {"http_port": 0, "media_port": 0} | settings
        self.url = ""
        self.media = ("", 0)

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.harness.embedded", json.dumps(self._settings)),
            stdout=asyncio.subprocess.PIPE,
        )
        assert self._process.stdout is not None
        async with asyncio.timeout(START_S):
            ready = json.loads(await self._process.stdout.readline())
        self.url, self.media = ready["http"], (ready["media"][0], ready["media"][1])
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.communicate()

    @property
    def pid(self) -> int:
        return self._process.pid

    def block(self) -> None:
        """Its event loop does nothing for `BLOCKED_S`; its media thread goes on."""
        os.kill(self.pid, signal.SIGUSR1)


if __name__ == "__main__":
    uvloop.run(_run(json.loads(sys.argv[1])))
