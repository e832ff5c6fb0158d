"""A network whose router drops everything but TCP to the page's server and to one port of a real coturn: no UDP, no ICE-TCP.

What the server hands out in its welcome is enough to meet the others.
"""

from pathlib import Path

import pytest

from ciranda.server import Server
from sfu.config import Settings
from tests.harness.chromium import EXECUTABLE, Tabs, launched
from tests.harness.coturn import SECRET, coturn
from tests.harness.meeting_page import MeetingPage
from tests.harness.networks import OnlyTcp, permitted
from tests.harness.stats import sees_and_hears
from tests.harness.wrtc_client import WrtcParticipant

PAIRS = """async () => {
  const stats = await connections.at(-1).getStats();
  const pairs = [...stats.values()].filter(({ type }) => type === 'candidate-pair');
  const way = ({ localCandidateId, remoteCandidateId }) => {
    const [local, remote] = [stats.get(localCandidateId), stats.get(remoteCandidateId)];
    return { type: local.candidateType, relayed: local.relayProtocol ?? null, protocol: remote.protocol };
  };
  const transport = [...stats.values()].find(({ type }) => type === 'transport');
  return {
    tried: pairs.filter(({ requestsSent }) => requestsSent).map(way),
    answered: pairs.filter(({ responsesReceived }) => responsesReceived).map(way),
    selected: way(stats.get(transport.selectedCandidatePairId)),
  };
}"""


async def meet(tmp_path: Path, transport: str) -> None:
    async with OnlyTcp() as network, coturn(tmp_path, host=network.SERVER) as turn:
        settings = Settings(
            http_host=network.SERVER,
            insecure=True,
            http_port=0,
            media_port=0,
            turn_server=(turn.url(transport),),
            turn_secret=SECRET,
        )
        async with Server(settings) as server:
            await network.let_through(int(server.url.rpartition(":")[2]))
            await network.let_through(turn.tls_port if transport == "tls" else turn.port)
            flags = (
                "--no-proxy-server",
                f"--unsafely-treat-insecure-origin-as-secure={server.url}",
                f"--ignore-certificate-errors-spki-list={turn.certificate.spki}",
            )
            async with (
                launched(*flags, executable=network.laptop.browser(EXECUTABLE, tmp_path)) as browser,
                WrtcParticipant(server.url, "narrow", "Wim") as wim,
            ):
                ana = await MeetingPage.join(Tabs(browser), server.url, "narrow", "Ana")
                await ana.wait_for_pictures("Wim")
                for person in (ana, wim):
                    await sees_and_hears(person.sample, within_s=30, what=f"{person.name} sees and hears")
                found = await ana.page.evaluate(PAIRS)
                relayed = {"type": "relay", "relayed": transport, "protocol": "udp"}
                assert found["selected"] == relayed
                assert [way for way in found["answered"] if way != relayed] == []
                assert {"type": "host", "relayed": None, "protocol": "udp"} in found["tried"], "nothing else was closed"
                assert ana.tab.errors == []


if permitted():  # else there are the relay-only pages of test_turn_relay

    @pytest.mark.slow
    @pytest.mark.browser
    @pytest.mark.parametrize("transport", ["tcp", "tls"])
    async def test_where_only_one_port_of_coturn_is_open_people_meet(tmp_path: Path, transport: str) -> None:
        await meet(tmp_path, transport)
