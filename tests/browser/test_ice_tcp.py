"""Networks without UDP: browsers meet the others over TCP to the same port number.

Either a router on the way drops all UDP (where network namespaces may not be made, the UDP candidates in a page's answer name a
port where everything vanishes), or a page takes no UDP candidates.
"""

import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser

from ciranda.server import Server
from sfu.config import Settings
from tests.harness.chromium import EXECUTABLE, Tabs, launched
from tests.harness.coturn import free_port
from tests.harness.meeting_page import MeetingPage
from tests.harness.networks import WithoutUdp, permitted
from tests.harness.page_server import PageServer
from tests.harness.stats import eventually, sees_and_hears
from tests.harness.wire import Wire
from tests.harness.wrtc_client import WrtcParticipant

Way = Callable[[Browser, Path], contextlib.AbstractAsyncContextManager[tuple[Server, MeetingPage]]]

OTHER_CANDIDATES = """((silentPort) => {
  const Native = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Native {
    setRemoteDescription({ type, sdp }) {
      const udp = /^a=candidate:\\S+ 1 udp \\d+ \\S+ \\d+/;
      const silent = (line) => line.replace(udp, (found) => found.replace(/\\d+$/, silentPort));
      const lines = sdp.split('\\r\\n');
      const left = silentPort ? lines.map(silent) : lines.filter((line) => !udp.test(line));
      return super.setRemoteDescription({ type, sdp: left.join('\\r\\n') });
    }
  };
})(PORT);"""
TCP_ONLY = OTHER_CANDIDATES.replace("PORT", "0")
STOPWATCH = """(() => {
  const native = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function (description) {
    const began = performance.now();
    this.addEventListener('connectionstatechange', () => {
      if (this.connectionState === 'connected') globalThis.connectedMs ??= performance.now() - began;
    });
    return native.call(this, description);
  };
})();"""
UDP_CHECKS = """async () => {
  const stats = await connections.at(-1).getStats();
  const pairs = [...stats.values()].filter((s) => s.type === 'candidate-pair' && stats.get(s.remoteCandidateId).protocol === 'udp');
  const total = (name) => pairs.reduce((sum, pair) => sum + pair[name], 0);
  return { sent: total('requestsSent') > 0, answered: total('responsesReceived') > 0 };
}"""
SELECTED = """async () => {
  const stats = await connections.at(-1).getStats();
  const transport = [...stats.values()].find((s) => s.type === 'transport');
  const pair = stats.get(transport.selectedCandidatePairId);
  const [local, remote] = [stats.get(pair.localCandidateId), stats.get(pair.remoteCandidateId)];
  return { protocol: local.protocol, tcpType: local.tcpType, port: remote.port };
}"""
CONNECTED_MS = 5_000
"""From the answer to a connected transport, as the page measures it; seen: 0.35 s, UDP vanishing."""


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[Server]:
    """Two shall meet through the server, too."""
    async with Server(Settings(http_port=0, media_port=0, direct_calls=False)) as running:
        yield running


@contextlib.asynccontextmanager
async def behind_a_firewall(_: Browser, directory: Path) -> AsyncIterator[tuple[Server, MeetingPage]]:
    """A browser in a network of its own, whose router drops all UDP."""
    async with WithoutUdp() as network:
        settings = Settings(http_host=network.SERVER, insecure=True, http_port=0, media_port=0, direct_calls=False)
        async with Server(settings) as server:
            flags = ("--no-proxy-server", f"--unsafely-treat-insecure-origin-as-secure={server.url}")
            async with launched(*flags, executable=network.laptop.browser(EXECUTABLE, directory)) as browser:
                tabs = Tabs(browser)
                yield server, await MeetingPage.join(tabs, server.url, "narrow", "Ana", scripts=(STOPWATCH,))
                await tabs.close()


@contextlib.asynccontextmanager
async def into_silence(chromium: Browser, _: Path) -> AsyncIterator[tuple[Server, MeetingPage]]:
    """What is sent to its UDP candidates is never heard of again."""
    tabs = Tabs(chromium)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        elsewhere = OTHER_CANDIDATES.replace("PORT", str(silent.getsockname()[1]))
        async with Server(Settings(http_port=0, media_port=0, direct_calls=False)) as server:
            yield server, await MeetingPage.join(tabs, server.url, "narrow", "Ana", scripts=(elsewhere, STOPWATCH))
            await tabs.close()


WAY: Way = behind_a_firewall if permitted() else into_silence


async def paths(server: Server) -> dict[str, str | None]:
    """As the server has them; the metrics, and on loopback the API, must say the same."""
    people = next(iter(server.node.rooms.values())).participants.values()
    found = {person.name: person.connection.transport.path for person in people if person.connection is not None}
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{server.url}/api/v1/rooms/narrow") as response:
            if response.status == 200:
                assert found == {person["name"]: person["path"] for person in (await response.json())["participants"]}
        async with http.get(f"{server.url}/metrics") as response:
            metrics = await response.text()
    for protocol in ("udp", "tcp"):
        assert f'ciranda_paths{{protocol="{protocol}"}} {[*found.values()].count(protocol)}.0' in metrics
    return found


async def test_who_has_no_udp_meets_the_others_over_tcp(chromium: Browser, tabs: Tabs, tmp_path: Path) -> None:
    async with (
        WAY(chromium, tmp_path) as (server, ana),
        # Cameras need an origin on loopback, or a flag.
        Wire(server.url) as wire,
        WrtcParticipant(server.url, "narrow", "Wim") as wim,
    ):
        bo = await MeetingPage.join(tabs, wire.url, "narrow", "Bo")
        await ana.wait_for_pictures("Bo", "Wim")
        await bo.wait_for_pictures("Ana", "Wim")
        port = server.media_addresses[0][1]
        assert await ana.page.evaluate(SELECTED) == {"protocol": "tcp", "tcpType": "active", "port": port}

        async def over_udp() -> bool:
            return bool((await bo.page.evaluate(SELECTED))["protocol"] == "udp")

        await eventually(over_udp, within_s=10, what="who has UDP takes it")  # on a full machine TCP may answer first
        for person, name in ((ana, "Ana"), (bo, "Bo"), (wim, "Wim")):
            await sees_and_hears(person.sample, within_s=15, what=f"{name} sees and hears")
        took_ms = await ana.page.evaluate("() => connectedMs")
        assert took_ms < CONNECTED_MS, f"{took_ms:.0f} ms"
        assert await ana.page.evaluate(UDP_CHECKS) == {"sent": True, "answered": False}
        assert await paths(server) == {"Ana": "tcp", "Bo": "udp", "Wim": "udp"}
        for person, path in ((ana, "TCP"), (bo, "UDP")):
            await person.choose("Connection details")
            await person.page.locator(".stats tr", has_text=f"over the server · {path}").wait_for()
        assert ana.tab.errors + bo.tab.errors == []


@pytest.mark.slow
async def test_a_tcp_connection_that_breaks_is_made_again_and_the_call_goes_on(tabs: Tabs, server: Server) -> None:
    ana = await MeetingPage.join(tabs, server.url, "narrow", "Ana", scripts=(TCP_ONLY,))
    bo = await MeetingPage.join(tabs, server.url, "narrow", "Bo")
    await ana.wait_for_pictures("Bo")
    connection = server.node.rooms[next(iter(server.node.rooms))].participants[await ana.id()].connection  # type: ignore[index]
    assert connection is not None
    first = connection.transport.selected_address
    assert first is not None
    assert len(first) == 3
    # As a middlebox does that forgets: the server's end is shut.
    engine = server.node.ports[0].engine
    engine.remove_address(connection.transport.handle, first)

    async def elsewhere() -> bool:
        now = connection.transport.selected_address
        return now is not None and now != first

    await eventually(elsewhere, within_s=30, what="another connection is selected")
    await sees_and_hears(ana.sample, within_s=15, what="Ana sees and hears again")
    await sees_and_hears(bo.sample, within_s=15, what="Bo sees and hears again")
    assert await ana.page.evaluate("() => connections.length") == 1, "the peer connection is the same"


async def test_whip_and_whep_over_tcp(tabs: Tabs, server: Server, pages: PageServer) -> None:
    publisher, viewer = await tabs.open(f"{pages.url}/plain.html"), await tabs.open(f"{pages.url}/plain.html")
    for tab in (publisher, viewer):
        await tab.page.evaluate(TCP_ONLY)
    await publisher.publish(f"{server.url}/whip/narrow")
    await viewer.watch(f"{server.url}/whep/narrow")
    await sees_and_hears(viewer.sample, within_s=15, what="the viewer sees and hears")
    assert (await viewer.page.evaluate(SELECTED))["protocol"] == "tcp"
    assert (await publisher.page.evaluate(SELECTED))["protocol"] == "tcp"


async def test_without_media_tcp_nobody_is_told_of_it(tabs: Tabs, pages: PageServer) -> None:
    async with Server(Settings(http_port=0, media_port=0, media_tcp=False)) as server:
        publisher = await tabs.open(f"{pages.url}/plain.html")
        found = await publisher.publish(f"{server.url}/whip/plain", width=160, height=120)
        assert " udp " in found["answer"]
        assert " tcp " not in found["answer"]
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(server.media_addresses[0], timeout=5)


async def test_a_server_that_is_named_as_its_own_stun_server_is_reached_by_udp_all_the_same(tabs: Tabs) -> None:
    """libwebrtc would take every answer to a check for the STUN server's; see `signaling.ice_servers`."""
    port = free_port()
    async with Server(http_port=0, media_port=port, ice_server=(f"stun:127.0.0.1:{port}",)) as server:
        ana = await MeetingPage.join(tabs, server.url, "own", "Ana")
        assert (await ana.page.evaluate(SELECTED))["protocol"] == "udp"
