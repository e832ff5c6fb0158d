"""libwebrtc clients in one room, each sending another codec: every one decodes and hears every other."""

import asyncio
from contextlib import AsyncExitStack
from itertools import permutations

from ciranda.server import Server
from tests.harness.stats import Sample, eventually, flow_faults, steady
from tests.harness.wrtc_client import WrtcHttpClient, WrtcParticipant

CODECS = ("video/VP8", "video/VP9", "video/AV1")
MEASURED_S = 5.0


async def test_one_client_of_each_codec(server: Server) -> None:
    async with AsyncExitStack() as stack:
        people = [
            await stack.enter_async_context(WrtcParticipant(server.url, "codecs", codec[6:], codec=codec))
            for codec in CODECS
        ]
        mids = {(a, b): await people[a].receives(people[b]) for a, b in permutations(range(len(people)), 2)}

        async def sample() -> list[Sample]:
            return list(await asyncio.gather(*(person.sample() for person in people)))

        async def started() -> bool:
            samples = await sample()
            return all(
                samples[a].inbound("video").get(m["video"], {}).get("framesDecoded", 0) > 0
                for (a, _), m in mids.items()
            )

        await eventually(started, within_s=10, what="every slot decodes")

        def judge(before: list[Sample], after: list[Sample]) -> list[str]:
            faults = []
            for (a, b), slots in mids.items():
                pair = f"{people[b].name} at {people[a].name}"
                faults += flow_faults(pair, (before[b], after[b]), (before[a], after[a]), slots)
            return faults

        last = await steady(sample, judge, seconds=MEASURED_S)
        for (receiver, sender), slots in mids.items():
            stream = last[receiver].inbound("video")[slots["video"]]
            assert last[receiver].codec(stream) == CODECS[sender]
        assert all("GCM" in sample.transport()["srtpCipher"] for sample in last)


async def test_whip_and_whep(server: Server) -> None:
    async with WrtcHttpClient() as publisher, WrtcHttpClient() as viewer:
        session = await publisher.publish(f"{server.url}/whip/studio")
        await viewer.watch(f"{server.url}/whep/studio")

        async def seen() -> bool:
            sample = await viewer.sample()
            video, audio = sample.inbound("video").values(), sample.inbound("audio").values()
            return any(s.get("framesDecoded", 0) > 20 for s in video) and any(
                s.get("totalAudioEnergy", 0) > 0 for s in audio
            )

        await eventually(seen, within_s=10, what="the viewer decodes and hears")
        assert await publisher.delete(session) == 200
