"""libwebrtc over a link that loses 5 % and shakes by 20 ms: NACK and RTX repair it, and who has no loss notices nothing."""

import asyncio

from ciranda.server import Server
from tests.harness.link import Conditions, Fate
from tests.harness.link_clients import WrtcBehind
from tests.harness.link_emulator import LinkEmulator
from tests.harness.stats import DECODED_SHARE, Sample, steady
from tests.harness.wrtc_client import WrtcParticipant
from tests.link.calls import ROOM, counters, growth, see_each_other, watch

BAD = Conditions(loss=0.05, delay_s=0.01, jitter_s=0.02)
MEASURED_S = 5.0
FROZEN_S = 1.5
"""In all, in that time: a picture may stumble (on a busy machine without any loss), it may not stand."""

Samples = tuple[Sample, Sample]


def shows(pair: str, publisher: Samples, viewer: Samples, mid: str) -> list[str]:
    """What is wrong with a picture between two samples of both."""
    captured = publisher[1].captured() - publisher[0].captured()
    decoded = growth(*viewer, mid, "framesDecoded")
    frozen_s = growth(*viewer, mid, "totalFreezesDuration")
    checks = {
        f"{captured} frames captured": captured >= 10 * MEASURED_S,
        f"{decoded} of {captured} frames decoded": decoded >= DECODED_SHARE * captured,
        f"frozen for {frozen_s:.2f} s": frozen_s <= FROZEN_S,
    }
    return [f"{pair}: {fault}" for fault, right in checks.items() if not right]


def lossless(pair: str, viewer: Samples, mid: str) -> list[str]:
    """What shows that loss of others reached a receiver that has none."""
    counts = {name: growth(*viewer, mid, name) for name in ("packetsLost", "nackCount", "pliCount")}
    return [f"{pair}: {name} grew by {count}" for name, count in counts.items() if count]


async def test_loss_on_the_publishers_uplink(server: Server) -> None:
    async with (
        LinkEmulator(server.media_addresses[0], up=BAD, seed=1) as link,
        WrtcBehind(link, server.url, ROOM, "Ana") as ana,
        WrtcParticipant(server.url, ROOM, "Bo") as bo,
    ):
        await see_each_other(ana, bo)
        at_bo, at_ana = bo.slot_of(ana, "video") or "", ana.slot_of(bo, "video") or ""

        async def sample() -> tuple[Sample, Sample]:
            return await ana.sample(), await bo.sample()

        def judge(before: Samples, after: Samples) -> list[str]:
            (ana0, bo0), (ana1, bo1) = before, after
            bad = shows("Ana at Bo", (ana0, ana1), (bo0, bo1), at_bo)
            good = shows("Bo at Ana", (bo0, bo1), (ana0, ana1), at_ana)
            return bad + good + lossless("Bo at Ana", (ana0, ana1), at_ana)

        sent, _ = await steady(sample, judge, seconds=MEASURED_S)
        video = sent.outbound("video")[0]
        assert link.up.counters[Fate.LOST] > 0
        assert video["nackCount"] > 0
        assert video["retransmittedPacketsSent"] > 0
        assert counters(server).nacks["out"] > 0
        assert counters(server).packets["in", "rtx"] > 0


async def test_loss_on_a_subscribers_downlink(server: Server) -> None:
    async with (
        LinkEmulator(server.media_addresses[0], down=BAD, seed=2) as link,
        WrtcParticipant(server.url, ROOM, "Ana") as ana,
        WrtcBehind(link, server.url, ROOM, "Bo", publish=False) as bo,
        WrtcParticipant(server.url, ROOM, "Cy", publish=False) as cy,
    ):
        await asyncio.gather(watch(bo, ana), watch(cy, ana))
        mids = [viewer.slot_of(ana, "video") or "" for viewer in (bo, cy)]

        async def sample() -> tuple[Sample, Sample, Sample]:
            a, b, c = await asyncio.gather(ana.sample(), bo.sample(), cy.sample())
            return a, b, c

        def judge(before: tuple[Sample, Sample, Sample], after: tuple[Sample, Sample, Sample]) -> list[str]:
            (ana0, bo0, cy0), (ana1, bo1, cy1) = before, after
            bad = shows("Ana at Bo", (ana0, ana1), (bo0, bo1), mids[0])
            good = shows("Ana at Cy", (ana0, ana1), (cy0, cy1), mids[1])
            return bad + good + lossless("Ana at Cy", (cy0, cy1), mids[1])

        _, received, _ = await steady(sample, judge, seconds=MEASURED_S)
        stream = received.inbound("video")[mids[0]]
        assert link.down.counters[Fate.LOST] > 0
        assert stream["nackCount"] > 0
        assert stream["retransmittedPacketsReceived"] > 0
        assert counters(server).nacks["in"] > 0
        assert counters(server).retransmissions > 0
