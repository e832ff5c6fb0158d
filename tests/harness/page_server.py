"""Serves the plain test pages on a port of its own, so that they are of another origin than the server under test."""

import asyncio
from pathlib import Path
from typing import Any, Self

from aiohttp import web

PAGES = Path(__file__).parent / "pages"


class PageServer:
    """`async with PageServer() as pages`. Browsers without a driver post what they see to `/report/{name}`."""

    def __init__(self) -> None:
        self.reports: dict[str, list[dict[str, Any]]] = {}
        self._news = asyncio.Condition()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/report/{name}", self._report)
        app.router.add_static("/", PAGES)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _report(self, request: web.Request) -> web.Response:
        async with self._news:
            self.reports.setdefault(request.match_info["name"], []).append(await request.json())
            self._news.notify_all()
        return web.Response(status=204)

    async def report(self, name: str, *, after: int = 0, within_s: float = 30.0) -> dict[str, Any]:
        """The first report of `name` with an index of at least `after`. `AssertionError` when it reports an error or nothing."""
        try:
            async with asyncio.timeout(within_s), self._news:
                await self._news.wait_for(lambda: len(self.reports.get(name, ())) > after)
        except TimeoutError:
            raise AssertionError(f"{name} reported nothing within {within_s} s: {self.reports.get(name)}") from None
        found = self.reports[name][after]
        assert "error" not in found, found["error"]
        return found
