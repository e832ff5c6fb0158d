"""The way between two browsers on a bad network: the server passes on candidates that lead through link emulators.

The candidates of one side only, each with an emulator's port in it: the other side's checks come from there, and so does all else.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from sfu.direct_overlay import DirectOverlay
from sfu.direct_signal import Signal, Step
from sfu.participant import Participant
from tests.harness.link_emulator import LinkEmulator

CANDIDATE_LINES = re.compile(r"a=candidate:.*\r\n")


class DirectLinks:
    """What `cuttable_paths` gives."""

    def __init__(self) -> None:
        self._links: list[LinkEmulator] = []
        self._cut: list[LinkEmulator] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._receive = DirectOverlay.receive

    def receive(self, overlay: DirectOverlay, participant: Participant, signal: Signal) -> None:
        """In place of `DirectOverlay.receive`."""
        if signal.sdp is not None:
            signal = replace(signal, sdp=CANDIDATE_LINES.sub("", signal.sdp))
        if signal.step is not Step.CANDIDATE:
            self._receive(overlay, participant, signal)
        elif participant.id == min(overlay._participants):
            task = asyncio.get_running_loop().create_task(self._redirect(overlay, participant, signal))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _redirect(self, overlay: DirectOverlay, participant: Participant, signal: Signal) -> None:
        fields = (signal.candidate or "").split(" ")
        if ":" in fields[4] or fields[7] != "host":
            return
        link = await LinkEmulator((fields[4], int(fields[5]))).__aenter__()
        self._links.append(link)
        fields[4:6] = link.address[0], str(link.address[1])
        self._receive(overlay, participant, replace(signal, candidate=" ".join(fields)))

    def cut(self) -> None:
        """What is there now is dead for good; later paths are not."""
        for link in self._links:
            link.cut()
        self._cut += self._links
        self._links = []

    async def sweep(self) -> None:
        """Removes what was cut."""
        while self._cut:
            await self._cut.pop().__aexit__()


@asynccontextmanager
async def cuttable_paths() -> AsyncIterator[DirectLinks]:
    """Every direct path that is made meanwhile, by any server of this process."""
    links = DirectLinks()

    def receive(overlay: DirectOverlay, participant: Participant, signal: Signal) -> None:
        links.receive(overlay, participant, signal)

    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(DirectOverlay, "receive", receive)
            yield links
    finally:
        links.cut()
        await links.sweep()
