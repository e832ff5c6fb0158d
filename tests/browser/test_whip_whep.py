"""WHIP from one Chromium page to WHEP in another; the pages hold nothing but fetch and RTCPeerConnection."""

import pytest

from ciranda.server import Server
from tests.harness.chromium import Tab, Tabs
from tests.harness.page_server import PageServer
from tests.harness.stats import Sample, eventually, flow_faults, steady

MEASURED_S = 5.0


async def plain(tabs: Tabs, pages: PageServer) -> Tab:
    return await tabs.open(f"{pages.url}/plain.html")


async def decodes(viewer: Tab, *, above: int = 0) -> Sample:
    """Waits until every video line has decoded a frame and sound has come."""

    async def seen() -> Sample | None:
        sample = await viewer.sample()
        video, audio = sample.inbound("video"), sample.inbound("audio")
        arrived = video and audio and all(s.get("framesDecoded", 0) > above for s in video.values())
        return sample if arrived and all(s.get("totalAudioEnergy", 0) > 0 for s in audio.values()) else None

    return await eventually(seen, within_s=10, what="the viewer decodes video and hears")


async def flows(publisher: Tab, viewer: Tab) -> tuple[Sample, Sample]:
    """For some seconds the viewer decodes what the publisher captures, without a freeze."""

    async def sample() -> tuple[Sample, Sample]:
        return await publisher.sample(), await viewer.sample()

    def judge(before: tuple[Sample, Sample], after: tuple[Sample, Sample]) -> list[str]:
        mids = {kind: next(iter(after[1].inbound(kind))) for kind in ("audio", "video")}
        return flow_faults("viewer", (before[0], after[0]), (before[1], after[1]), mids)

    return await steady(sample, judge, seconds=MEASURED_S)


@pytest.mark.slow
async def test_a_viewer_that_comes_late(tabs: Tabs, server: Server, pages: PageServer) -> None:
    publisher, viewer = await plain(tabs, pages), await plain(tabs, pages)
    await publisher.publish(f"{server.url}/whip/late?name=camera")
    await eventually(lambda: sends(publisher), within_s=10, what="the publisher sends")
    await viewer.watch(f"{server.url}/whep/late")
    await decodes(viewer)
    sent, received = await flows(publisher, viewer)
    assert "GCM" in sent.transport()["srtpCipher"]
    assert "GCM" in received.transport()["srtpCipher"]


async def sends(publisher: Tab) -> bool:
    return any(s["framesEncoded"] > 20 for s in (await publisher.sample()).outbound("video"))


async def test_a_viewer_that_came_before_the_publisher(tabs: Tabs, server: Server, pages: PageServer) -> None:
    viewer, publisher = await plain(tabs, pages), await plain(tabs, pages)
    await viewer.watch(f"{server.url}/whep/early")
    await publisher.publish(f"{server.url}/whip/early")
    await decodes(viewer)
    await flows(publisher, viewer)


async def test_a_viewer_sees_the_next_publisher_without_asking_again(
    tabs: Tabs, server: Server, pages: PageServer
) -> None:
    viewer, first, second = await plain(tabs, pages), await plain(tabs, pages), await plain(tabs, pages)
    await viewer.watch(f"{server.url}/whep/next")
    session = await first.publish(f"{server.url}/whip/next")
    before = await decodes(viewer)
    status = await first.page.evaluate(
        "async (url) => (await fetch(url, { method: 'DELETE' })).status", session["location"]
    )
    assert status == 200
    await second.publish(f"{server.url}/whip/next")
    frames = max(s["framesDecoded"] for s in before.inbound("video").values())
    await decodes(viewer, above=frames + 20)


async def test_simulcast_reaches_its_best_layer(tabs: Tabs, server: Server, pages: PageServer) -> None:
    publisher, viewer = await plain(tabs, pages), await plain(tabs, pages)
    answer = await publisher.publish(f"{server.url}/whip/simulcast", width=640, height=360, simulcast=["h", "f"])
    assert "a=simulcast:recv h;f" in answer["answer"]
    await viewer.watch(f"{server.url}/whep/simulcast")

    async def best() -> bool:
        return any(s.get("frameHeight") == 360 for s in (await viewer.sample()).inbound("video").values())

    await eventually(best, within_s=20, what="the viewer gets 360 lines")
    layers = {s["rid"]: s for s in (await publisher.sample()).outbound("video")}
    assert {rid: layer["frameHeight"] for rid, layer in layers.items()} == {"h": 180, "f": 360}
    await flows(publisher, viewer)


@pytest.mark.parametrize("codec", ["video/VP9", "video/H264", "video/AV1"])
async def test_every_codec_is_forwarded(tabs: Tabs, server: Server, pages: PageServer, codec: str) -> None:
    publisher, viewer = await plain(tabs, pages), await plain(tabs, pages)
    await publisher.publish(f"{server.url}/whip/codec", codec=codec)
    await viewer.watch(f"{server.url}/whep/codec")
    seen = await decodes(viewer, above=20)
    assert [seen.codec(s) for s in seen.inbound("video").values()] == [codec]
