"""A Chromium of its own whose every process can be stopped and continued: what a laptop that sleeps does to a browser."""

import contextlib
import os
import secrets
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from playwright.async_api import Browser

from tests.harness.chromium import launched


class Sleeper:
    """Ask the browser for nothing while it sleeps."""

    def __init__(self, browser: Browser, mark: str) -> None:
        self.browser = browser
        self._mark = mark.encode()

    def sleep(self) -> None:
        """Every process stops where it is."""
        self._signal(signal.SIGSTOP)

    def wake(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, which: signal.Signals) -> None:
        found = list(self._processes())
        assert found, "there is no such browser"
        for process in found:
            with contextlib.suppress(ProcessLookupError):  # it ended by itself in between
                os.kill(process, which)

    def _processes(self) -> Iterator[int]:
        parents: dict[int, int] = {}
        ours: set[int] = set()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError):  # it has ended meanwhile
                number = int(entry.name)
                parents[number] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                command = (entry / "cmdline").read_bytes()
                if self._mark in command and b"--type=" not in command:
                    ours.add(number)
        for number in sorted(parents):
            line = [number]
            while line[-1] in parents:
                line.append(parents[line[-1]])
            if ours.intersection(line):
                yield number


@contextlib.asynccontextmanager
async def sleeper() -> AsyncIterator[Sleeper]:
    mark = f"--ciranda-sleeper={secrets.token_hex(8)}"
    async with launched(mark) as browser:
        found = Sleeper(browser, mark)
        try:
            yield found
        finally:
            found.wake()
