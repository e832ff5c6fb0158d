"""Fixtures of the browser tests. They and their tests share one event loop: the browser lives as long as the session."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from ciranda.server import Server
from sfu.config import Settings
from tests.harness.chromium import Tabs, launched
from tests.harness.meeting_page import MeetingPage
from tests.harness.page_server import PageServer

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """One browser for all tests; they open contexts in it."""
    async with launched() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def tabs(chromium: Browser) -> AsyncIterator[Tabs]:
    """Opens pages; what is still open is closed after the test."""
    opened = Tabs(chromium)
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[Server]:
    """As tests/conftest.py's, on the session's loop."""
    async with Server(Settings(http_port=0, media_port=0)) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house() -> AsyncIterator[Server]:
    """One server for many views: nobody joins it."""
    async with Server(http_port=0, media_port=0) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pair(chromium: Browser) -> AsyncIterator[tuple[MeetingPage, MeetingPage]]:
    """Ana and Bo, who see each other over the server: every test of a module leaves them so."""
    tabs = Tabs(chromium)
    async with Server(http_port=0, media_port=0, direct_calls=False) as running:
        ana = await MeetingPage.join(tabs, running.url, "pair", "Ana")
        bo = await MeetingPage.join(tabs, running.url, "pair", "Bo")
        await ana.wait_for_pictures("Bo")
        await bo.wait_for_pictures("Ana")
        yield ana, bo
        assert ana.tab.errors == bo.tab.errors == []
        await tabs.close()


@pytest_asyncio.fixture(loop_scope="session")
async def pages() -> AsyncIterator[PageServer]:
    """Plain test pages of another origin than the server's."""
    async with PageServer() as serving:
        yield serving
