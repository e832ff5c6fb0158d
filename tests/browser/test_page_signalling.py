"""The way to the server is lost, media has its own: media goes on, the page comes back by itself, and nobody sees a leave."""

import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from ciranda.server import Server
from sfu.config import Settings
from tests.harness.chromium import Tabs
from tests.harness.meeting_page import MeetingPage
from tests.harness.stats import eventually
from tests.harness.wire import Wire
from tests.harness.wrtc_client import WrtcParticipant
from tests.link.calls import departures

RESUMED_S = 1.0
"""From the moment that the network is back."""
NOTICED_S = 20.0
WATCH = """() => {
  globalThis.states = [];
  ciranda.addEventListener('state', ({ detail }) => states.push({ state: detail.state, at: Date.now() }));
}"""


class Room:
    """Ana in a browser, whose way to the server is a `Wire`; Bo and Cy have libwebrtc and no such trouble."""

    def __init__(self, wire: Wire, ana: MeetingPage, bo: WrtcParticipant, cy: WrtcParticipant) -> None:
        self.wire, self.ana, self.bo, self.cy = wire, ana, bo, cy

    async def states(self) -> list[dict[str, float | str]]:
        found: list[dict[str, float | str]] = await self.ana.page.evaluate("() => states")
        return found

    async def noticed(self) -> None:
        """The page knows that it is cut off, and the person is told."""
        await self.ana.page.locator(".banner", has_text="Reconnecting").wait_for(timeout=1000 * NOTICED_S)

    async def media_goes_on(self) -> None:
        """Frames are decoded in both directions now."""
        before = await self.decoded()

        async def grew() -> bool:
            now = await self.decoded()
            return all(now[n] >= before[n] + 10 for n in (0, 1))

        await eventually(grew, within_s=10, what="Ana and Bo decode each other")

    async def decoded(self) -> tuple[int, int]:
        """Frames of Bo's at Ana's, and of Ana's at Bo's."""
        ana = await self.ana.id()
        mid = next((s["mid"] for s in self.bo.signaling.slots if s["participant"] == ana and s["kind"] == "video"), "")
        there = sum(int(s.get("framesDecoded", 0)) for s in (await self.ana.sample()).inbound("video").values())
        here = (await self.bo.sample()).inbound("video").get(mid, {})
        return there, int(here.get("framesDecoded", 0))

    async def resumed(self, since: float) -> float:
        """Waits until the page has joined again; gives the seconds that it took."""

        async def joined() -> float | None:
            last = (await self.states())[-1]
            return float(last["at"]) / 1_000 if last["state"] == "joined" else None

        at: float = await eventually(joined, within_s=NOTICED_S, what="the page is back")
        return at - since


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def room(chromium: Browser) -> AsyncIterator[Room]:
    tabs = Tabs(chromium)
    async with (
        Server(Settings(http_port=0, media_port=0)) as server,
        Wire(server.url) as wire,
        WrtcParticipant(server.url, "signalling", "Bo") as bo,
        WrtcParticipant(server.url, "signalling", "Cy", publish=False) as cy,
    ):
        ana = await MeetingPage.join(tabs, wire.url, "signalling", "Ana")
        await ana.wait_for_pictures("Bo")
        room = Room(wire, ana, bo, cy)
        await room.media_goes_on()
        yield room
        await tabs.close()


async def lose(room: Room, how: str) -> None:
    if how == "cut":
        await room.wire.cut()
    else:
        room.wire.hush()
        if how == "offline":
            await room.ana.tab.context.set_offline(True)


async def bring_back(room: Room, how: str) -> None:
    await room.wire.restore()
    if how == "offline":
        await room.ana.tab.context.set_offline(False)
    if how == "hidden":
        await room.ana.page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")


@pytest.mark.parametrize(
    "how", ["cut", "offline", *(pytest.param(how, marks=pytest.mark.slow) for how in ("hush", "hidden"))]
)
async def test_media_goes_on_and_the_page_comes_back(room: Room, how: str) -> None:
    identity = await room.ana.id()
    await room.ana.page.evaluate(WATCH)
    await lose(room, how)
    await room.noticed()
    await room.media_goes_on()
    back_at = time.time()
    await bring_back(room, how)
    took = await room.resumed(back_at)
    assert took < RESUMED_S
    await room.media_goes_on()
    assert await room.ana.id() == identity
    assert await room.ana.page.evaluate("() => connections.length") == 1
    assert departures(room.bo) == departures(room.cy) == []
