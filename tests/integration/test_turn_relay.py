"""People whose network lets nothing through but a TURN server meet all the same: Chromium, our page, and a real coturn.

Chromium believes coturn's self-signed certificate because a flag names its key; nothing else about TLS is switched off.
"""

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from ciranda.server import Server
from sfu.config import Settings
from signaling.context import CONTEXT
from signaling.ice_servers import IceServers
from tests.harness.chromium import Tabs, launched
from tests.harness.coturn import SECRET, Coturn, coturn
from tests.harness.meeting_page import MeetingPage
from tests.harness.stats import eventually, grown

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

RELAY_ONLY = """(() => {
  globalThis.sockets = [];
  const Socket = globalThis.WebSocket;
  globalThis.WebSocket = class extends Socket {
    constructor(url) { super(url); sockets.push(this); }
  };
  const Native = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Native {
    constructor(configuration) { super({ ...configuration, iceTransportPolicy: 'relay' }); }
  };
})();"""
SELECTED = """async () => {
  const stats = await connections.at(-1).getStats();
  const transport = [...stats.values()].find((s) => s.type === 'transport');
  const local = stats.get(stats.get(transport.selectedCandidatePairId).localCandidateId);
  return { type: local.candidateType, protocol: local.relayProtocol, port: local.port };
}"""
GATHER = """async (iceServers) => {
  const connection = new RTCPeerConnection({ iceServers, iceTransportPolicy: 'relay' });
  const found = { candidates: 0, errors: [] };
  connection.onicecandidate = ({ candidate }) => { if (candidate?.candidate) found.candidates += 1; };
  connection.onicecandidateerror = ({ errorCode }) => found.errors.push(errorCode);
  connection.createDataChannel('any');
  const done = new Promise((resolve) => {
    connection.onicegatheringstatechange = () => connection.iceGatheringState === 'complete' && resolve();
  });
  await connection.setLocalDescription();
  await done;
  connection.close();
  return found;
}"""
TRANSPORTS = ("udp", "tcp", "tls")
HOUR_S = 3_600


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def turn(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Coturn]:
    async with coturn(tmp_path_factory.mktemp("coturn")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tabs(turn: Coturn) -> AsyncIterator[Tabs]:
    async with launched(f"--ignore-certificate-errors-spki-list={turn.certificate.spki}") as browser:
        opened = Tabs(browser)
        yield opened
        await opened.close()


def settings(turn: Coturn, transport: str, **more: Any) -> Settings:
    return Settings(
        http_port=0, media_port=0, turn_server=(turn.url(transport),), turn_secret=SECRET, direct_calls=False, **more
    )


async def join(tabs: Tabs, server: Server, name: str) -> MeetingPage:
    """Our page, whose peer connections may use nothing but relays and whose sockets can be reached."""
    tab = await tabs.open("about:blank", instrumented=True)
    await tab.context.add_init_script(script=RELAY_ONLY)
    await tab.page.goto(f"{server.url}/relayed")
    await tab.page.fill("#name", name)
    await tab.page.click("button[type=submit]")
    person = MeetingPage(tab, name)
    await person.connected()
    return person


async def flows(person: MeetingPage) -> None:
    before = await person.sample()

    async def more() -> bool:
        now = await person.sample()
        frames = grown(before, now, "video", "framesDecoded")
        energy = grown(before, now, "audio", "totalAudioEnergy")
        return any(count >= 15 for count in frames.values()) and any(energy.values())

    await eventually(more, within_s=20, what=f"{person.name} sees and hears")


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_two_meet_over_turn(tabs: Tabs, turn: Coturn, transport: str) -> None:
    async with Server(settings(turn, transport)) as server:
        ana, bo = await join(tabs, server, "Ana"), await join(tabs, server, "Bo")
        await ana.wait_for_pictures("Bo")
        await bo.wait_for_pictures("Ana")
        for person in (ana, bo):
            await flows(person)
            selected = await person.page.evaluate(SELECTED)
            assert (selected["type"], selected["protocol"]) == ("relay", transport)
            # The server, too, knows them by nothing but coturn's addresses.
            assert selected["port"] in {address[1] for address in server.node.ports[0]._holders}
        assert len(server.node.ports[0]._holders) == 2
        await ana.choose("Connection details")
        await ana.page.locator(".stats tr", has_text="over the server · relay (TURN)").wait_for()
        assert ana.tab.errors + bo.tab.errors == []
        await ana.tab.close()
        await bo.tab.close()


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_expired_and_forged_passwords_give_no_relay(tabs: Tabs, turn: Coturn, transport: str) -> None:
    """Beside one that is good, so that nothing but the password can be the reason."""
    now = time.time()
    ours = IceServers(settings(turn, transport, turn_ttl_seconds=HOUR_S))
    tab = await tabs.open("about:blank")

    async def gather(*servers: Any) -> Any:
        return await tab.page.evaluate(GATHER, [json.loads(server.model_dump_json()) for server in servers])

    (good,) = ours.for_participant("p_ana", now)
    found = await gather(good)
    assert found["candidates"] >= 1, found
    (expired,) = ours.for_participant("p_ana", now - HOUR_S - 60)
    assert await gather(expired) == {"candidates": 0, "errors": [401]}
    forged = good.model_copy(update={"username": f"{int(now) + 9 * HOUR_S}:p_ana"})
    assert await gather(forged) == {"candidates": 0, "errors": [401]}
    await tab.close()


async def test_who_comes_back_gets_a_new_password(tabs: Tabs, turn: Coturn) -> None:
    """For the ICE restart that a change of network needs: the peer connection stays, its configuration changes."""
    async with Server(settings(turn, "udp", turn_ttl_seconds=HOUR_S)) as server:
        ana = await join(tabs, server, "Ana")
        handed = "() => connections.at(-1).getConfiguration().iceServers"
        (first,) = await ana.page.evaluate(handed)
        # A longer life tells the new one from the old, whichever second it is made in.
        server._app[CONTEXT].ice_servers = IceServers(settings(turn, "udp", turn_ttl_seconds=2 * HOUR_S))
        await ana.page.evaluate("() => sockets.at(-1).close()")

        async def renewed() -> bool:
            (now,) = await ana.page.evaluate(handed)
            return _expiry(now) >= _expiry(first) + HOUR_S

        await eventually(renewed, within_s=10, what="a new password")
        assert await ana.page.evaluate("() => connections.length") == 1
        assert await ana.page.evaluate("() => connections[0].getConfiguration().iceTransportPolicy") == "relay"
        assert (await ana.page.evaluate(GATHER, await ana.page.evaluate(handed)))["candidates"] >= 1
        assert ana.tab.errors == []
        await ana.tab.close()


@pytest.mark.slow
async def test_a_call_that_lasts_longer_than_its_password_can_restart_ice(tabs: Tabs, turn: Coturn) -> None:
    """The relay goes on when the password has expired; a new one, as a change of network needs, gets the newer password."""
    short = settings(turn, "udp").model_copy(update={"turn_ttl_seconds": 4})  # settings have a minute at least
    async with Server(short) as server:
        ana, bo = await join(tabs, server, "Ana"), await join(tabs, server, "Bo")
        await ana.wait_for_pictures("Bo")
        handed = "() => connections[0].getConfiguration().iceServers"
        first = await ana.page.evaluate(handed)
        elsewhere = await tabs.open("about:blank")

        async def expired() -> bool:
            found: Any = await elsewhere.page.evaluate(GATHER, first)
            return bool(found == {"candidates": 0, "errors": [401]})

        await eventually(expired, within_s=20, what="the first password has expired")
        before = await ana.page.evaluate(SELECTED)
        await flows(ana)
        assert await ana.page.evaluate(SELECTED) == before, "what is relayed goes on"
        await ana.page.evaluate("() => { connections[0].restartIce(); ciranda.receiveVideo(false); }")

        async def moved() -> bool:
            selected: Any = await ana.page.evaluate(SELECTED)
            return bool(selected["type"] == "relay" and selected["port"] != before["port"])

        await eventually(moved, within_s=20, what="another relay is used")
        await ana.page.evaluate("() => ciranda.receiveVideo(true)")
        await flows(ana)
        await flows(bo)
        assert await ana.page.evaluate("() => [connections.length, sockets.length]") == [1, 1]
        assert ana.tab.errors == bo.tab.errors == []
        for tab in (ana.tab, bo.tab, elsewhere):
            await tab.close()


def _expiry(server: dict[str, Any]) -> int:
    return int(server["username"].partition(":")[0])
