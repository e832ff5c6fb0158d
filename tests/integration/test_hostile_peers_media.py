"""An authenticated participant sends what its keys allow it to send, all of it wrong: the others' call loses nothing."""

from collections.abc import Callable

import pytest

from tests.harness.rtp_peer import RtpPeer
from tests.harness.stage import Scene, stage
from tests.integration.hostile_packets import EVIL, Packets


@pytest.mark.parametrize("group", [EVIL[0:5], EVIL[5:10], EVIL[10:15]], ids=["packets", "spoofs", "feedback"])
async def test_nobody_else_notices(group: list[Callable[[Scene, RtpPeer], Packets]]) -> None:
    async with stage() as scene:
        for evil in group:
            eve = await scene.enemy()
            await scene.flood(eve.send, evil(scene, eve))
            await eve.check()
            # The two are asked for keyframes on its behalf, but not more often than twice a second each.
        requests = sum(packet[1] == 206 for peer in (scene.ana, scene.ben) for packet in peer.rtcp)
        assert requests < 100
