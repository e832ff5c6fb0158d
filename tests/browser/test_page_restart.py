"""The server is restarted under a meeting: the page returns by itself, and everybody is in the room again, as they were."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.harness.chromium import Tabs
from tests.harness.meeting_page import MeetingPage
from tests.harness.server_process import ServerProcess
from tests.harness.stats import eventually

BACK_S = 5.0
"""From the moment that the new server listens."""
NAMES = ("Ana", "Bo", "Cy")
PRESENT = """() => ciranda.state === 'joined' && ciranda.connectionState === 'connected' && ciranda.chatOpen
  && [...ciranda.participants.values()].map(({ name }) => name).sort().join()"""


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def people(chromium: Browser) -> AsyncIterator[tuple[ServerProcess, list[MeetingPage]]]:
    """Three pages that see each other; Ana's microphone is off."""
    tabs = Tabs(chromium)
    async with ServerProcess() as server:
        pages = [await MeetingPage.join(tabs, server.url, "restart", name) for name in NAMES]
        await pages[0].press("microphone")
        await pages[2].press("chat")
        await everything_is_as_it_was(pages)
        yield server, pages
        await tabs.close()


async def everything_is_as_it_was(pages: list[MeetingPage]) -> None:
    for page in pages:
        await page.wait_for_pictures(*(name for name in NAMES if name != page.name))
        await page.wait_for_tiles(f"{page.name} (you)", *(name for name in NAMES if name != page.name))
        await page.page.locator(".banner").wait_for(state="hidden")
    await pages[1].tile("Ana").get_by_role("img", name="Microphone off").wait_for()


async def back(pages: list[MeetingPage]) -> None:
    """Everybody is in the room with everybody, connected, and can write."""

    async def present() -> bool:
        found = await asyncio.gather(*(page.page.evaluate(PRESENT) for page in pages))
        return found == ["Bo,Cy", "Ana,Cy", "Ana,Bo"]

    await eventually(present, within_s=20, what="everybody is back")


@pytest.mark.parametrize("how", [pytest.param(signal.SIGTERM, marks=pytest.mark.slow), signal.SIGKILL])
async def test_everybody_is_back(people: tuple[ServerProcess, list[MeetingPage]], how: signal.Signals) -> None:
    server, pages = people
    for page in pages:
        await page.page.evaluate("() => { globalThis.sameDocument = true; }")
    await server.end(how)
    await server.start()
    started = time.monotonic()
    await back(pages)
    took = time.monotonic() - started
    assert took < BACK_S
    text = f"here again after {how.name}"
    assert await pages[0].page.evaluate("(text) => ciranda.sendChat(text)", text)
    await pages[2].wait_for_message("Ana", text)
    await everything_is_as_it_was(pages)
    for page in pages:
        assert await page.page.evaluate("() => sameDocument"), "no reload"
        assert page.tab.errors == []
