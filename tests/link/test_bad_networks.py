"""Calls over networks as people have them: bursts of loss, copies, overtaking, a thin line with a queue, tunnels."""

import asyncio

import pytest

from ciranda.server import Server
from tests.harness.link import PERFECT, Burst, Conditions, Fate, Step
from tests.harness.link_clients import HttpBehind, WrtcBehind
from tests.harness.link_emulator import LinkEmulator
from tests.harness.stats import Sample, eventually, steady
from tests.harness.wrtc_client import WrtcParticipant
from tests.link.calls import ROOM, decodes, departures, growth, see_each_other, watch

CAFE = Conditions(loss=0.02, burst=Burst(enter=0.005, leave=0.3), duplicate=0.02, delay_s=0.05, jitter_s=0.03)
"""About 3.6 % lost, a third of it in bursts of three, 100 to 160 ms there and back, and what jitters overtakes."""
THIN = Conditions(rate_bps=250_000, queue_bytes=32_768, delay_s=0.02)
"""Less than the video wants; the queue holds a second."""
SECONDS = 5.0
FRAMES_A_SECOND = 5
FROZEN_S = 2.0
CONCEALED = 0.15
"""Of the samples of sound: made up, because the real ones did not come in time."""

Samples = tuple[Sample, Sample]


def faults(viewer: Samples, mids: dict[str, str]) -> list[str]:
    """What is wrong with what somebody gets between two samples."""
    frames = growth(*viewer, mids["video"], "framesDecoded")
    frozen_s = growth(*viewer, mids["video"], "totalFreezesDuration")
    old, new = (sample.inbound("audio")[mids["audio"]] for sample in viewer)
    samples, concealed = (float(new[n]) - float(old[n]) for n in ("totalSamplesReceived", "concealedSamples"))
    checks = {
        f"{frames:.0f} frames": frames >= FRAMES_A_SECOND * SECONDS,
        f"frozen for {frozen_s:.1f} s": frozen_s <= FROZEN_S,
        f"{concealed:.0f} of {samples:.0f} samples concealed": samples > 0 and concealed <= CONCEALED * samples,
    }
    return [fault for fault, right in checks.items() if not right]


async def test_a_call_from_a_cafe(server: Server) -> None:
    async with (
        LinkEmulator(server.media_addresses[0], up=CAFE, down=CAFE, seed=7) as link,
        WrtcBehind(link, server.url, ROOM, "Ana") as ana,
        WrtcParticipant(server.url, ROOM, "Bo") as bo,
    ):
        await see_each_other(ana, bo)
        at_bo, at_ana = await bo.receives(ana), await ana.receives(bo)

        async def sample() -> tuple[Sample, Sample]:
            return await ana.sample(), await bo.sample()

        def judge(before: Samples, after: Samples) -> list[str]:
            ours = [f"at Ana: {fault}" for fault in faults((before[0], after[0]), at_ana)]
            return ours + [f"at Bo: {fault}" for fault in faults((before[1], after[1]), at_bo)]

        await steady(sample, judge, seconds=SECONDS)
        for way in (link.up, link.down):
            assert all(way.counters[fate] > 0 for fate in (Fate.LOST, Fate.BURST_LOST, Fate.DUPLICATED))
        assert departures(bo) == []


async def test_a_thin_line_keeps_sound_and_picture(server: Server) -> None:
    """The publisher sends less when the server's reports say that the queue grows."""
    async with (
        LinkEmulator(server.media_addresses[0], up=THIN) as link,
        WrtcBehind(link, server.url, ROOM, "Ana") as ana,
        WrtcParticipant(server.url, ROOM, "Bo", publish=False) as bo,
    ):
        await watch(bo, ana)
        mids = await bo.receives(ana)

        def judge(before: Sample, after: Sample) -> list[str]:
            return faults((before, after), mids)

        await steady(bo.sample, judge, seconds=SECONDS)


@pytest.mark.slow
async def test_a_train_through_tunnels(server: Server) -> None:
    """Good, bad, nothing, good: the same connection sees it through."""
    journey = [Step(0.0, PERFECT), Step(4.0, CAFE), Step(6.0, Conditions(cut=True)), Step(8.0, PERFECT)]
    async with (
        LinkEmulator(server.media_addresses[0], up=journey, down=journey, seed=2) as link,
        WrtcBehind(link, server.url, ROOM, "Ana") as ana,
        WrtcParticipant(server.url, ROOM, "Bo") as bo,
    ):
        await see_each_other(ana, bo)

        async def through() -> bool:
            return link.up.counters[Fate.CUT] > 0 and link.up.conditions == PERFECT

        await eventually(through, within_s=20, what="the end of the tunnel")
        await asyncio.gather(decodes(bo, ana), decodes(ana, bo))
        assert str(ana.connection.connection_state) == "connected"
        assert departures(bo) == []


@pytest.mark.slow
async def test_whip_and_whep_over_the_cafes_network(server: Server) -> None:
    async with (
        LinkEmulator(server.media_addresses[0], up=CAFE, down=CAFE, seed=3) as there,
        LinkEmulator(server.media_addresses[0], up=CAFE, down=CAFE, seed=4) as here,
        HttpBehind(there) as publisher,
        HttpBehind(here) as viewer,
    ):
        await publisher.publish(f"{server.url}/whip/{ROOM}")
        await viewer.watch(f"{server.url}/whep/{ROOM}")

        async def plays() -> dict[str, str] | None:
            sample = await viewer.sample()
            mids = {kind: mid for kind in ("audio", "video") for mid in sample.inbound(kind)}
            frames = sum(int(s.get("framesDecoded", 0)) for s in sample.inbound("video").values())
            return mids if frames > 20 and len(mids) == 2 else None

        mids = await eventually(plays, within_s=20, what="the picture moves")
        assert mids is not None

        def judge(before: Sample, after: Sample) -> list[str]:
            return faults((before, after), mids)

        await steady(viewer.sample, judge, seconds=SECONDS)
        assert there.up.counters[Fate.LOST] > 0
        assert here.down.counters[Fate.LOST] > 0
