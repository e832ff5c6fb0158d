"""Two pages of the product that can go directly: which way they are on, and what their people see and hear meanwhile."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.harness.chromium import Tabs
from tests.harness.meeting_page import MeetingPage
from tests.harness.page_server import PAGES

SAMPLES_A_MS = 48
"""Opus is decoded at 48 kHz."""
SENSES = (Path(PAGES) / "senses.js").read_text()


@dataclass(frozen=True, slots=True)
class Senses:
    """What a person saw and heard since the figures were set back."""

    black_ms: float
    """The longest time without a picture; one that stands still is a picture."""
    silent_ms: float
    """The longest time in which no audio packet came on the way that is heard."""
    concealed_ms: float
    """Sound that was made up on the way that is heard."""
    late_ms: float
    """By which a timer of the page was late. A browser that is not scheduled sends nothing meanwhile, and plays nothing: so much of
    all the others is nobody's fault."""
    heard_packets: int
    looks: int


SMALLER_CAMERA = "Object.assign(smallCamera, { width: 320, height: 240, frameRate: 10 });"
"""Every picture is encoded twice while a path comes or goes: two cores have enough to do. Still two layers."""


class DirectPage(MeetingPage):
    """Somebody in a meeting, with senses for one other."""

    @classmethod
    async def before(
        cls, tabs: Tabs, url: str, room: str, name: str, *, scripts: Sequence[str] = (), **context_options: Any
    ) -> Self:
        return await super().before(tabs, url, room, name, scripts=(SMALLER_CAMERA, *scripts), **context_options)

    async def on(self, way: str, *, within_s: float = 15.0) -> None:
        """`direct` or `server`."""
        await self.page.wait_for_function(
            "(way) => globalThis.ciranda?.way === way", arg=way, timeout=within_s * 1_000, polling=20
        )

    async def sense(self, name: str) -> None:
        await self.page.evaluate(SENSES)
        await self.page.evaluate("(name) => { globalThis.sensing = senses(name); }", name)

    async def again(self) -> None:
        await self.page.evaluate("() => sensing.again()")

    async def sensed(self) -> Senses:
        found: dict[str, Any] = await self.page.evaluate("() => sensing.found")
        return Senses(
            found["blackMs"],
            found["silentMs"],
            found["concealed"] / SAMPLES_A_MS,
            found["lateMs"],
            found["heardPackets"],
            found["looks"],
        )

    async def open_connections(self) -> int:
        """Peer connections that the page has not closed."""
        found: int = await self.page.evaluate(
            "() => connections.filter(({ signalingState }) => signalingState !== 'closed').length"
        )
        return found

    async def pair(self) -> dict[str, Any]:
        """The selected candidate pair of the direct path: types and ports of both ends."""
        found: dict[str, Any] = await self.page.evaluate(
            """async () => {
              const open = connections.filter(({ connectionState }) => connectionState === 'connected');
              const report = await open.at(-1).getStats();
              const transport = [...report.values()].find(({ type }) => type === 'transport');
              const pair = report.get(transport.selectedCandidatePairId);
              const end = (id) => (({ candidateType, protocol, port }) => ({ candidateType, protocol, port }))(report.get(id));
              return { local: end(pair.localCandidateId), remote: end(pair.remoteCandidateId) };
            }"""
        )
        return found


@dataclass(frozen=True, slots=True)
class Couple:
    """Ana and Bo, who are alone in their room."""

    ana: DirectPage
    bo: DirectPage

    @classmethod
    async def join(cls, tabs: Tabs, url: str, room: str, *, scripts: Sequence[str] = ()) -> Self:
        ana = await DirectPage.join(tabs, url, room, "Ana", scripts=scripts)
        bo = await DirectPage.join(tabs, url, room, "Bo", scripts=scripts)
        return cls(ana, bo)

    @property
    def both(self) -> tuple[DirectPage, DirectPage]:
        return self.ana, self.bo

    async def on(self, way: str, *, within_s: float = 15.0) -> None:
        await asyncio.gather(*(page.on(way, within_s=within_s) for page in self.both))

    async def sense(self) -> None:
        await asyncio.gather(self.ana.sense("Bo"), self.bo.sense("Ana"))

    async def again(self) -> None:
        await asyncio.gather(*(page.again() for page in self.both))

    async def sensed(self) -> tuple[Senses, Senses]:
        return await self.ana.sensed(), await self.bo.sensed()

    async def without_path(self) -> bool:
        """Both have closed all but their connection to the server."""
        return [await page.open_connections() for page in self.both] == [1, 1]
