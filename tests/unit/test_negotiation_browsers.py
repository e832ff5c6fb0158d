"""Real browsers take our answers: Chromium and Firefox make every kind of offer and check what they made of the answer.

Set `CIRANDA_RECORD_OFFERS=1` to write the offers to tests/data/offers, where the tests without a browser find them.
"""

import asyncio
import itertools
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from sfu.errors import SdpError
from sfu.ids import Ufrag
from sfu.negotiation import LocalParameters, Negotiated, Role, negotiate
from tests.harness import chromium, firefox
from tests.unit.negotiation_help import LOCAL, OFFERS

pytestmark = pytest.mark.browser

PAGE = '<!doctype html><meta charset="utf-8"><title>negotiation</title><script src="/cases.js"></script>'
CASES = Path(__file__).parent.parent / "data" / "negotiation_cases.js"
ROLES = {"both": Role(True, True), "publish": Role(True, False), "subscribe": Role(False, True)}
RESULTS_SECONDS = 60.0


class Answerer:
    """Serves the page of cases on loopback and answers its offers."""

    def __init__(self, browser: str) -> None:
        self.results: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()
        self._browser = browser
        self._previous: dict[str, Negotiated] = {}
        self._local: dict[str, LocalParameters] = {}
        self._new_ssrc = itertools.count(1_000_000).__next__

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        app = web.Application()
        app.add_routes(
            [
                web.get("/", self._page),
                web.get("/cases.js", self._script),
                web.post("/offer/{case}/{step}/{role}", self._offer),
                web.post("/done", self._done),
            ]
        )
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield f"http://localhost:{runner.addresses[0][1]}/"
        finally:
            await runner.cleanup()

    async def _page(self, request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def _script(self, request: web.Request) -> web.Response:
        return web.Response(text=CASES.read_text(), content_type="text/javascript")

    async def _offer(self, request: web.Request) -> web.Response:
        case, step, offer = request.match_info["case"], request.match_info["step"], await request.text()
        if os.environ.get("CIRANDA_RECORD_OFFERS"):
            (OFFERS / f"{self._browser}-{case}-{step}.sdp").write_bytes(offer.encode())
        try:
            result = self._negotiate(case, offer, ROLES[request.match_info["role"]])
            if result.ice_restart:
                self._local[case] = replace(LOCAL, ufrag=Ufrag(f"restarted{step}"), password="restarted" * 3)
                result = self._negotiate(case, offer, ROLES[request.match_info["role"]])
        except SdpError as error:
            return web.Response(status=400, text=error.message)
        self._previous[case] = result
        return web.Response(text=result.answer)

    def _negotiate(self, case: str, offer: str, role: Role) -> Negotiated:
        return negotiate(
            offer,
            previous=self._previous.get(case),
            local=self._local.get(case, LOCAL),
            role=role,
            new_ssrc=self._new_ssrc,
        )

    async def _done(self, request: web.Request) -> web.Response:
        if not self.results.done():
            self.results.set_result(await request.json())
        return web.Response()


def _check(results: dict[str, str]) -> None:
    assert len(results) > 15
    failed = {case: result for case, result in results.items() if result not in ("ok", "this browser cannot send it")}
    assert not failed, "\n".join(f"{case}: {result}" for case, result in failed.items())


async def test_chromium_takes_every_answer() -> None:
    answerer = Answerer("chromium")
    async with answerer.serve() as url, chromium.launched() as browser:
        page = await browser.new_page()
        await page.goto(url)
        _check(await asyncio.wait_for(answerer.results, RESULTS_SECONDS))


async def test_firefox_takes_every_answer(tmp_path: Path) -> None:
    lines = (f"user_pref({json.dumps(key)}, {json.dumps(value)});\n" for key, value in firefox.PREFERENCES.items())
    (tmp_path / "user.js").write_text("".join(lines))
    answerer = Answerer("firefox")
    async with answerer.serve() as url:
        browser = await asyncio.create_subprocess_exec(
            *(firefox.EXECUTABLE, "--headless", "--no-remote", "--profile", str(tmp_path), url),
            env=os.environ | {"MOZ_CRASHREPORTER_DISABLE": "1", "HOME": str(tmp_path)},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            results = await asyncio.wait_for(answerer.results, RESULTS_SECONDS)
        finally:
            browser.terminate()
            await browser.wait()
    _check(results)
