"""Lost sockets, restarted servers and broken media heal by themselves; the others notice as little as possible."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ciranda.server import Server
from sfu.config import Settings
from sfu.dtls import DtlsServer
from tests.harness.chromium import Tabs
from tests.harness.meeting_page import MeetingPage
from tests.harness.stats import eventually

TIMEOUT_MS = 20_000
BREAKABLE = """(() => {
  const Native = globalThis.WebSocket;
  globalThis.lines = [];
  globalThis.WebSocket = class extends Native {
    constructor(url) {
      super(globalThis.offline ? String(url).replace('/ws/', '/nowhere/') : url);
      globalThis.lines.push(this);
    }
  };
})();"""
COUNT_LEAVES = "() => { globalThis.lefts = 0; ciranda.addEventListener('participantleft', () => lefts++); }"


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[Server]:
    """Without direct calls: the peer connections that are counted here are those to the server."""
    async with Server(Settings(http_port=0, media_port=0, direct_calls=False)) as running:
        yield running


async def two(tabs: Tabs, server: Server, room: str) -> tuple[MeetingPage, MeetingPage]:
    """Ana, whose socket can be broken, and Bo; both see each other."""
    tab = await tabs.open("about:blank", instrumented=True)
    await tab.context.add_init_script(script=BREAKABLE)
    await tab.page.goto(f"{server.url}/{room}")
    await tab.page.fill("#name", "Ana")
    await tab.page.click("button[type=submit]")
    ana = MeetingPage(tab, "Ana")
    await ana.connected()
    bo = await MeetingPage.join(tabs, server.url, room, "Bo")
    await ana.wait_for_pictures("Bo")
    await bo.wait_for_pictures("Ana")
    return ana, bo


async def test_a_lost_socket_is_told_and_resumed(tabs: Tabs, server: Server) -> None:
    ana, bo = await two(tabs, server, "socket")
    identity = await ana.id()
    await bo.page.evaluate(COUNT_LEAVES)
    await ana.page.evaluate("() => { globalThis.offline = true; lines.at(-1).close(); }")
    banner = ana.page.locator(".banner", has_text="Connection lost. Reconnecting")
    await banner.wait_for()
    await ana.press("microphone")  # what happens meanwhile is told afterwards
    await ana.page.evaluate("() => { globalThis.offline = false; dispatchEvent(new Event('online')); }")
    await banner.wait_for(state="hidden", timeout=TIMEOUT_MS)
    await bo.tile("Ana").get_by_role("img", name="Microphone off").wait_for(timeout=TIMEOUT_MS)
    assert await ana.id() == identity
    assert await bo.page.evaluate("() => lefts") == 0
    assert await ana.page.evaluate("() => connections.length") == 1
    assert ana.tab.errors == []


async def test_a_restarted_server_finds_everybody_again(tabs: Tabs) -> None:
    async with Server(Settings(http_port=0, media_port=0)) as server:
        ana, bo = await two(tabs, server, "restart")
        port = int(server.url.rsplit(":", 1)[1])
    await ana.page.locator(".banner", has_text="Reconnecting").wait_for()
    async with Server(Settings(http_port=port, media_port=0)):
        for person, other in ((ana, "Bo"), (bo, "Ana")):
            await person.page.locator(".banner").wait_for(state="hidden", timeout=TIMEOUT_MS)
            await person.wait_for_pictures(other)
            await person.wait_for_tiles(f"{person.name} (you)", other)


async def test_media_that_the_server_gave_up_is_built_anew(tabs: Tabs, server: Server) -> None:
    ana, bo = await two(tabs, server, "media")
    identity = await ana.id()
    participant = next(p for room in server.node.rooms.values() for p in room.participants.values() if p.id == identity)
    assert participant.connection is not None
    await participant.connection.transport.close()
    await ana.press("share")  # whatever is published at such a moment goes over the next one

    async def renewed() -> bool:
        connections: int = await ana.page.evaluate("() => connections.length")
        return connections == 2 and await ana.page.evaluate("() => ciranda.connectionState") == "connected"

    await eventually(renewed, within_s=20, what="Ana's page has a new peer connection")
    await bo.wait_for_pictures("Ana", "Screen of Ana")
    await ana.wait_for_pictures("Bo")
    assert await ana.id() == identity


@pytest.mark.slow
async def test_a_server_that_ends_every_connection_is_not_flooded_with_offers(
    tabs: Tabs, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana, _ = await two(tabs, server, "storm")
    identity = await ana.id()
    participant = next(p for room in server.node.rooms.values() for p in room.participants.values() if p.id == identity)
    whole = DtlsServer._handshake

    def broken(self: DtlsServer) -> None:
        whole(self)
        if self.connected:
            self._events.clear()
            self._notify()
            self._close("dtls_failed")

    monkeypatch.setattr(DtlsServer, "_handshake", broken)
    assert participant.connection is not None
    await participant.connection.transport.close()
    await asyncio.sleep(4)
    assert 2 <= await ana.page.evaluate("() => connections.length") <= 4
    monkeypatch.setattr(DtlsServer, "_handshake", whole)

    async def healed() -> bool:
        return bool(await ana.page.evaluate("() => ciranda.connectionState") == "connected")

    await eventually(healed, within_s=20, what="media is back")
    await ana.wait_for_pictures("Bo")
