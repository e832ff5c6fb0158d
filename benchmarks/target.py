"""The server that is measured: one that is started here and ended again, or a running one that is named by its URL."""

import argparse
import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import jwt
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.process import ServerProcess, Usage, usage

OWN_SERVER_OPTIONS = (
    *("--joins-per-second", "100000", "--join-burst", "100000", "--max-participants", "10000"),
    *("--messages-per-second", "100000", "--message-burst", "100000", "--log-level", "warning"),
)
"""All clients come from one address here: what shields a server from one address would be all that is measured."""

TOKEN_SECONDS = 3_600
PROBE_TIMEOUT_S = 10.0


class TargetError(Exception):
    """The server cannot be measured as asked; the text says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where it is and how it is read."""

    url: str
    pid: int | None = None
    """Of the server, when it runs on this machine: CPU by thread and exact memory. Else `/metrics` is asked."""
    token: str = ""
    api_key: str = ""
    """`KEY:SECRET`; tokens for the benchmark's rooms are made with it."""

    def token_for(self, room: str) -> str:
        """Empty: the server has open rooms."""
        if not self.api_key:
            return self.token
        key, _, secret = self.api_key.partition(":")
        grant = {"room": room, "roomJoin": True, "canPublish": True, "canSubscribe": True}
        claims = {"iss": key, "sub": "bench", "exp": int(time.time()) + TOKEN_SECONDS, "video": grant}
        return jwt.encode(claims, secret, algorithm="HS256")

    async def usage(self) -> Usage | None:
        """`None` where neither a process id nor `/metrics` says it."""
        if self.pid is not None:
            return usage(self.pid)
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            values = {name: value for (name, labels), value in (await self.metrics()).items() if not labels}
            if "process_cpu_seconds_total" in values:
                cpu = values["process_cpu_seconds_total"]
                return Usage(cpu, 0.0, 0.0, int(values.get("process_resident_memory_bytes", 0)), {})
        return None

    async def metrics(self) -> dict[tuple[str, tuple[str, ...]], float]:
        """(name, label values) → value; empty where the server has no `/metrics`."""
        timeout = aiohttp.ClientTimeout(PROBE_TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as http, http.get(f"{self.url}/metrics") as response:
            if response.status != 200:
                return {}
            text = await response.text()
        return {
            (sample.name, tuple(sample.labels.values())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


def add_target_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags that `opened` reads."""
    target = parser.add_argument_group("server")
    target.add_argument("--server", metavar="URL", help="a running server; without it one is started and ended again")
    target.add_argument("--server-pid", type=int, metavar="PID", help="its process, if it runs on this machine")
    target.add_argument("--token", default="", help="for its rooms (bench-…), if it is not open")
    target.add_argument("--api-key", default="", metavar="KEY:SECRET", help="or what tokens are made with")
    target.add_argument(
        "--server-option", action="append", default=[], help="one more argument for the server that is started"
    )


@contextlib.asynccontextmanager
async def opened(options: argparse.Namespace, *extra: str) -> AsyncIterator[Target]:
    """`extra`: arguments for a server that is started. `TargetError` when a running one does not answer."""
    if options.server is None:
        async with ServerProcess(*OWN_SERVER_OPTIONS, *extra, *options.server_option) as server:
            yield Target(server.url, server.pid)
        return
    if options.server_option:
        raise TargetError("--server-option is for a server that is started here, --server names a running one")
    url = options.server.rstrip("/")
    try:
        async with aiohttp.ClientSession() as http, asyncio.timeout(PROBE_TIMEOUT_S), http.get(url):
            pass
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise TargetError(f"{url} does not answer: {error or 'no answer in time'}") from None
    yield Target(url, options.server_pid, options.token, options.api_key)
