"""axe-core finds no violation on any view of the page, in either theme, in either language.

Server and devices are stood in for, so that every view is there within a moment; the page and its policy are the server's. axe is
evaluated from outside of the page: its policy stays as strict as it is.
"""

from collections.abc import AsyncIterator
from importlib.resources import files

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page

from ciranda.server import Server
from scripts.screenshots.views import VIEWS, View, show

AXE_SCRIPT = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
LOCALES = ("en-GB", pytest.param("pt-BR", marks=pytest.mark.slow))
SCHEMES = ("light", "dark")
MORE_OF_THE_SAME = {
    *("grid-1", "grid-2", "grid-3", "grid-5", "grid-9", "grid-26", "off", "sidebar", "speaker", "hands", "audio-only"),
    *("lobby-missing", "refused-room_full", "end-closed", "bad-room", "status-empty", "chat-empty", "unreachable"),
}
FIND = """async () => (await axe.run({ resultTypes: ['violations'] })).violations.flatMap(({ id, nodes }) =>
  nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`))"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house() -> AsyncIterator[Server]:
    """One server for all views: nobody joins it."""
    async with Server(http_port=0, media_port=0) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=LOCALES)
async def readers(request: pytest.FixtureRequest, chromium: Browser) -> AsyncIterator[BrowserContext]:
    """Pages of somebody with this language, who wants no motion: nothing is looked at half faded."""
    context = await chromium.new_context(locale=request.param, reduced_motion="reduce")
    yield context
    await context.close()


async def violations(page: Page) -> list[str]:
    """`rule: selector: what is wrong` for each element."""
    found: list[str] = await page.evaluate(FIND)
    return found


def some(views: tuple[View, ...]) -> list[object]:
    return [
        pytest.param(view, id=view.name, marks=[pytest.mark.slow] if view.name in MORE_OF_THE_SAME else [])
        for view in views
    ]


@pytest.mark.parametrize("view", some(VIEWS))
async def test_no_view_has_a_violation(readers: BrowserContext, house: Server, view: View) -> None:
    page = await readers.new_page()
    try:
        await show(view, page, house.url)
        await page.evaluate(AXE_SCRIPT)
        for scheme in SCHEMES:
            await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            assert await violations(page) == [], scheme
    finally:
        await page.evaluate("localStorage.clear()")
        await page.close()


async def test_violations_would_be_found(readers: BrowserContext, house: Server) -> None:
    page = await readers.new_page()
    await page.goto(house.url)
    await page.locator("#room").wait_for()
    await page.evaluate("document.querySelector('h1').style.color = '#bbb'")
    await page.evaluate("document.querySelector('form button').textContent = ''")
    await page.evaluate(AXE_SCRIPT)
    found = {line.split(":")[0] for line in await violations(page)}
    assert {"color-contrast", "button-name"} <= found
    await page.close()
