"""The network is gone for a while: within consent the call goes on by itself, beyond it the server gives the connection up."""

import asyncio

import pytest

from ciranda.server import Server
from sfu.config import Settings
from sfu.connection import Connection
from sfu.transport import Closed, TransportEvent
from tests.harness.link import Fate
from tests.harness.link_clients import WrtcBehind
from tests.harness.link_emulator import LinkEmulator
from tests.harness.wrtc_client import WrtcParticipant
from tests.link.calls import ROOM, decodes, departures, on_server, see_each_other, until

CUT_S = 5.0
CONSENT_S = 6.0
"""More than two checks of libwebrtc, which come every 2.5 s."""


@pytest.mark.slow
async def test_five_seconds_without_a_network(server: Server) -> None:
    async with (
        LinkEmulator(server.media_addresses[0]) as link,
        WrtcBehind(link, server.url, ROOM, "Ana") as ana,
        WrtcParticipant(server.url, ROOM, "Bo") as bo,
    ):
        await see_each_other(ana, bo)
        connection = on_server(server, ana).connection
        link.cut()
        await asyncio.sleep(CUT_S)
        link.restore()
        await asyncio.gather(decodes(bo, ana), decodes(ana, bo))
        assert on_server(server, ana).connection is connection
        assert departures(bo) == []


@pytest.mark.slow
async def test_longer_than_consent() -> None:
    async with (
        Server(Settings(http_port=0, media_port=0, consent_seconds=CONSENT_S)) as server,
        LinkEmulator(server.media_addresses[0]) as link,
        WrtcBehind(link, server.url, ROOM, "Ana") as ana,
        WrtcParticipant(server.url, ROOM, "Bo") as bo,
    ):
        await see_each_other(ana, bo)
        heard = listen(on_server(server, ana).connection)
        link.cut()
        await until(lambda: on_server(server, ana).connection is None, within_s=20, what="consent expires")
        assert heard[-1] == Closed("consent_expired")
        await bo.signaling.until(lambda: not bo.signaling.participants[ana.id]["tracks"], what="Ana's tracks end")
        await bo.signaling.until(lambda: bo.slot_of(ana, "video") is None, what="her slots are free")
        assert "participant_left" not in departures(bo), "her signalling is there still"
        assert on_server(server, bo).connection is not None
        link.restore()
        sent = link.down.counters[Fate.SENT]
        await until(lambda: server.node.ports[0].refused["stun_unknown_ufrag"] >= 3, what="her checks are refused")
        assert link.down.counters[Fate.SENT] - sent < 50, "no media without consent"


def listen(connection: Connection | None) -> list[TransportEvent]:
    """What its transport reports from now on."""
    assert connection is not None
    events: list[TransportEvent] = []
    pass_on = connection._on_event

    def hear(source: Connection, event: TransportEvent) -> None:
        events.append(event)
        pass_on(source, event)

    connection._on_event = hear
    return events
