"""A client's address changes in the middle of a call: the server follows, and nobody is told that anybody left."""

import pytest

from ciranda.server import Server
from tests.harness.link_clients import AiortcBehind, WrtcBehind
from tests.harness.link_emulator import LinkEmulator
from tests.harness.wrtc_client import WrtcParticipant
from tests.link.calls import ROOM, decodes, departures, follows, see_each_other, until, watch

NEXT_CHECK_S = 15.0
"""libwebrtc checks every 2.5 s, others every 4 to 6 s, and a busy machine makes it later."""
RESUMED_S = 3.0


@pytest.mark.parametrize("keep_old", [True, False])
async def test_a_nat_gives_another_port(server: Server, keep_old: bool) -> None:
    async with (
        LinkEmulator(server.media_addresses[0]) as link,
        WrtcBehind(link, server.url, ROOM, "Ana") as ana,
        WrtcParticipant(server.url, ROOM, "Bo") as bo,
    ):
        await see_each_other(ana, bo)
        old = link.upstream_addresses
        link.move(keep_old=keep_old)
        assert not link.upstream_addresses & old
        await until(lambda: follows(server, ana, link), within_s=NEXT_CHECK_S, what="the server follows the check")
        link.forget_old()
        assert await decodes(bo, ana, within_s=10) < RESUMED_S
        assert await decodes(ana, bo, within_s=10) < RESUMED_S
        assert departures(bo) == []
        assert str(ana.connection.connection_state) == "connected"


async def test_an_ice_restart_from_the_new_address_does_not_wait_for_a_check(server: Server) -> None:
    async with (
        LinkEmulator(server.media_addresses[0]) as link,
        WrtcBehind(link, server.url, ROOM, "Ana") as ana,
        WrtcParticipant(server.url, ROOM, "Bo") as bo,
    ):
        await see_each_other(ana, bo)
        link.move()
        await ana.restart()
        await until(lambda: follows(server, ana, link), within_s=RESUMED_S, what="the server follows the restart")
        assert await decodes(bo, ana) < RESUMED_S
        assert await decodes(ana, bo) < RESUMED_S
        assert departures(bo) == []


async def test_a_client_that_nominates_only_once_is_followed_too(server: Server) -> None:
    """aiortc, like Firefox, renews consent with checks that carry no USE-CANDIDATE."""
    async with (
        LinkEmulator(server.media_addresses[0]) as link,
        AiortcBehind(link, server.url, ROOM, "Ana") as ana,
        WrtcParticipant(server.url, ROOM, "Bo", publish=False) as bo,
    ):
        await watch(bo, ana)
        link.move()
        await until(lambda: follows(server, ana, link), within_s=NEXT_CHECK_S, what="the server follows the check")
        blackholed = link.blackholed
        await decodes(bo, ana)
        assert link.blackholed == blackholed
        assert departures(bo) == []
