"""Firefox ESR driven over WebDriver BiDi, which it speaks by itself: a page that is clicked and asked, without a driver program."""

import asyncio
import contextlib
import json
import os
import re
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

from tests.harness.firefox import EXECUTABLE, PREFERENCES, end

START_TIMEOUT_S = 60.0
LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)")


class FirefoxPage:
    """One tab. Commands go one at a time."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._last_id = 0
        self._context = ""

    async def begin(self) -> None:
        await self._command("session.new", capabilities={})
        tree = await self._command("browsingContext.getTree")
        self._context = tree["contexts"][0]["context"]

    async def before_pages(self, script: str) -> None:
        """Runs in every page from now on, before its own scripts."""
        await self._command("script.addPreloadScript", functionDeclaration=f"() => {{{script}}}")

    async def goto(self, url: str) -> None:
        await self._command("browsingContext.navigate", context=self._context, url=url, wait="complete")

    async def reload(self) -> None:
        await self._command("browsingContext.reload", context=self._context, wait="complete")

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression (promises are awaited). `RuntimeError` if it throws."""
        wrapped = f"(async () => JSON.stringify(await ({expression})) ?? 'null')()"
        target = {"context": self._context}
        result = await self._command(
            "script.evaluate", expression=wrapped, target=target, awaitPromise=True, userActivation=True
        )
        if result["type"] == "exception":
            raise RuntimeError(result["exceptionDetails"]["text"])
        return json.loads(result["result"]["value"])

    async def wait_for(self, expression: str, *, within_s: float = 20.0) -> None:
        """Until the expression is true. `AssertionError` names it otherwise."""
        deadline = time.monotonic() + within_s
        while not await self.evaluate(expression):
            assert time.monotonic() < deadline, f"not within {within_s} s: {expression}"
            await asyncio.sleep(0.1)

    async def _command(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._last_id += 1
        await self._socket.send_json({"id": self._last_id, "method": method, "params": parameters})
        while True:
            message = json.loads((await self._socket.receive()).data)
            if message.get("id") != self._last_id:
                continue  # an event
            if message["type"] == "error":
                raise RuntimeError(f"{method}: {message['message']}")
            result: dict[str, Any] = message["result"]
            return result


@contextlib.asynccontextmanager
async def firefox_page() -> AsyncIterator[FirefoxPage]:
    """A fresh Firefox with an empty tab and fake devices; ended with the block."""
    with tempfile.TemporaryDirectory(prefix="firefox-", ignore_cleanup_errors=True) as profile:
        lines = (f"user_pref({json.dumps(key)}, {json.dumps(value)});\n" for key, value in PREFERENCES.items())
        (Path(profile) / "user.js").write_text("".join(lines), encoding="utf-8")
        process = await asyncio.create_subprocess_exec(
            *(
                EXECUTABLE,
                "--headless",
                "--no-remote",
                "--profile",
                profile,
                "--remote-debugging-port",
                "0",
                "about:blank",
            ),
            env=os.environ | {"MOZ_CRASHREPORTER_DISABLE": "1", "HOME": profile},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        assert process.stderr is not None
        try:
            address = await asyncio.wait_for(_address(process.stderr), START_TIMEOUT_S)
            drain = asyncio.create_task(_drain(process.stderr))
            async with aiohttp.ClientSession() as http, http.ws_connect(f"{address}/session", max_msg_size=0) as socket:
                page = FirefoxPage(socket)
                await page.begin()
                yield page
        finally:
            await end(process)
        await drain


async def _address(stderr: asyncio.StreamReader) -> str:
    while line := await stderr.readline():
        if found := LISTENING.search(line.decode(errors="replace")):
            return found[1]
    raise RuntimeError("Firefox ended before it listened")


async def _drain(stderr: asyncio.StreamReader) -> None:
    while await stderr.readline():
        pass
