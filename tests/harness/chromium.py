"""One headless Chromium for the whole session, a context for each person in it."""

import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from benchmarks import page
from tests.harness.page_server import PAGES
from tests.harness.stats import Sample

EXECUTABLE = page.CHROMIUM
FLAGS = ("--headless", *page.FLAGS)


@contextlib.asynccontextmanager
async def launched(*more_flags: str, executable: str = EXECUTABLE) -> AsyncIterator[Browser]:
    """Raises playwright's error, which names the path, when Chromium is not installed."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=(*FLAGS, *more_flags))
        try:
            yield browser
        finally:
            await browser.close()


class Tab:
    """A page in a context (storage, permissions) of its own."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.context = context
        self.page = page
        self.errors: list[str] = []
        self.console: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self.console.append(f"{message.type}: {message.text}"))

    async def sample(self) -> Sample:
        """getStats of all its peer connections."""
        at = time.monotonic()
        return Sample.of(await self.page.evaluate("() => globalThis.sample()"), at)

    async def publish(self, url: str, **options: Any) -> Mapping[str, Any]:
        """WHIP from a plain page. Gives `location`, `etag` and `answer`."""
        found: Mapping[str, Any] = await self.page.evaluate("([url, options]) => publish(url, options)", [url, options])
        return found

    async def watch(self, url: str, **options: Any) -> Mapping[str, Any]:
        """WHEP in a plain page."""
        found: Mapping[str, Any] = await self.page.evaluate("([url, options]) => watch(url, options)", [url, options])
        return found

    async def close(self) -> None:
        await self.context.close()


class Tabs:
    """Opens tabs and closes whatever is still open at the end of a test."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._open: list[Tab] = []

    async def open(
        self, url: str, *, instrumented: bool = False, scripts: Sequence[str] = (), **context_options: Any
    ) -> Tab:
        """`instrumented`: the page under test is our product's; its connections are watched from outside. `scripts` run before
        the page's own.
        """
        context = await self._browser.new_context(**context_options)
        if instrumented:
            await context.add_init_script(path=Path(PAGES) / "instrument.js")
        for script in scripts:
            await context.add_init_script(script=script)
        tab = Tab(context, await context.new_page())
        self._open.append(tab)
        await tab.page.goto(url)
        return tab

    async def close(self) -> None:
        while self._open:
            await self._open.pop().close()
