"""The server under test as a process of its own, and what /proc says about it."""

import asyncio
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU time of a whole process, all threads, ended ones too."""

    total_s: float
    """To the nanosecond, where the process is on this machine."""
    user_s: float
    system_s: float
    rss_bytes: int
    threads: dict[str, float]
    """Seconds on a CPU by thread name (living threads, from schedstat, to the nanosecond); the first thread is `event loop`."""


def usage(pid: int) -> Usage:
    """`FileNotFoundError` when the process is gone."""
    root = Path(f"/proc/{pid}")
    # The command's name may hold spaces and brackets: fields are counted from its closing one.
    fields = (root / "stat").read_text().rpartition(")")[2].split()
    threads: dict[str, float] = {}
    for task in (root / "task").iterdir():
        try:
            name = "event loop" if task.name == str(pid) else (task / "comm").read_text().strip()
            seconds = int((task / "schedstat").read_text().split()[0]) / 1e9
        except (FileNotFoundError, ProcessLookupError):
            continue  # the thread ended between two reads; its time is in the process's sum
        threads[name] = threads.get(name, 0.0) + seconds
    return Usage(
        total_s=time.clock_gettime(_process_clock(pid)),
        user_s=int(fields[11]) * TICK_S,
        system_s=int(fields[12]) * TICK_S,
        rss_bytes=int(fields[21]) * os.sysconf("SC_PAGE_SIZE"),
        threads=threads,
    )


def _process_clock(pid: int) -> int:
    """Of all its threads, ended ones too (Linux: MAKE_PROCESS_CPUCLOCK in <linux/posix-timers.h>, of CPUCLOCK_SCHED)."""
    return (~pid << 3) | 2


def machine_busy() -> tuple[float, float, float]:
    """(busy, stolen, total) CPU seconds of the machine since it booted."""
    values = [int(v) * TICK_S for v in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    total = sum(values)
    return total - values[3] - values[4], values[7], total


class ServerProcess:
    """`async with ServerProcess() as server`: started on free loopback ports, ended by SIGTERM."""

    def __init__(self, *extra: str) -> None:
        self._extra = extra
        self.url = ""
        self.media: list[str] = []

    async def __aenter__(self) -> "ServerProcess":
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "sfu", "serve", "--http-port", "0", "--media-port", "0", *self._extra),
            stdout=asyncio.subprocess.PIPE,
        )
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                while line := await self._process.stdout.readline():
                    if self._ready(line):
                        self._drain = asyncio.create_task(_discard(self._process.stdout))
                        return self
        except TimeoutError:
            await self._stop()
            raise RuntimeError(f"the server printed no ready line within {START_TIMEOUT_S} s") from None
        raise RuntimeError(f"the server ended with {await self._process.wait()} before it was ready")

    def _ready(self, line: bytes) -> bool:
        try:
            event = json.loads(line)
        except ValueError:
            return False
        if not isinstance(event, dict) or event.get("event") != "ready":
            return False
        self.url, self.media = event["http"], event["media"]
        return True

    @property
    def pid(self) -> int:
        return self._process.pid

    async def _stop(self) -> None:
        if self._process.returncode is None:
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def __aexit__(self, *_: object) -> None:
        await self._stop()
        await self._drain


async def _discard(stream: asyncio.StreamReader) -> None:
    while await stream.read(65_536):
        continue
