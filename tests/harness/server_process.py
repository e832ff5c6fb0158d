"""The server as it is run: a process of its own, which can be ended as an operator or as a fault ends it, and started again."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, Self

START_S = 30.0
END_S = 15.0


class ServerProcess:
    """`async with ServerProcess() as server`; `options` as of `ciranda serve`, on free loopback ports that it keeps."""

    def __init__(self, *options: str, log: Path | None = None) -> None:
        """`log`: where its log lines go."""
        self._options = options
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._ports = ("0", "0")
        self.url = ""
        self.media = ("", 0)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process is not None:
            await self.end(signal.SIGKILL)

    async def start(self) -> None:
        """Gives control back when it listens: again on the same ports."""
        with open(self._log if self._log is not None else os.devnull, "ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(
                    sys.executable,
                    "-m",
                    "ciranda",
                    "serve",
                    "--http-port",
                    self._ports[0],
                    "--media-port",
                    self._ports[1],
                ),
                *self._options,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        ready = await asyncio.wait_for(self._ready(), START_S)
        self.url = ready["http"]
        host, port = ready["media"][0].removesuffix("/udp").rsplit(":", 1)
        self.media = (host, int(port))
        self._ports = (self.url.rsplit(":", 1)[1], port)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def end(self, how: signal.Signals) -> None:
        """Sends the signal and waits until the process is gone."""
        process, self._process = self._process, None
        assert process is not None
        process.send_signal(how)
        await asyncio.wait_for(process.communicate(), END_S)

    async def _ready(self) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        found: dict[str, Any] = json.loads(line)
        assert found["event"] == "ready"
        return found
