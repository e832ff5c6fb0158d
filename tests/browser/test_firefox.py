"""Firefox ESR publishes to Chromium and watches it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ciranda.server import Server
from sfu.config import Settings
from tests.harness import firefox
from tests.harness.chromium import Tabs
from tests.harness.page_server import PageServer
from tests.harness.stats import Sample, eventually


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[Server]:
    """Media on an address of this machine that Firefox takes."""
    host = firefox.own_address()
    if host is None:
        pytest.skip("Firefox takes no candidate on loopback, and this machine has no other interface")
    async with Server(Settings(http_port=0, media_port=0, media_host=host, insecure=True)) as running:
        yield running


async def test_firefox_publishes_and_chromium_watches(tabs: Tabs, server: Server, pages: PageServer) -> None:
    viewer = await tabs.open(f"{pages.url}/plain.html")
    async with firefox.unattended(pages, "publisher", publish=f"{server.url}/whip/fox?name=Firefox"):
        await viewer.watch(f"{server.url}/whep/fox")

        async def seen() -> bool:
            sample = await viewer.sample()
            video, audio = sample.inbound("video").values(), sample.inbound("audio").values()
            return any(s["framesDecoded"] > 50 for s in video) and any(s["totalAudioEnergy"] > 0 for s in audio)

        await eventually(seen, within_s=40, what="Chromium decodes what Firefox sends")
        (room,) = server.node.rooms.values()
        connections = [person.connection for person in room.participants.values()]

        async def over_udp() -> bool:
            return [each.transport.path for each in connections if each is not None] == ["udp", "udp"]

        await eventually(over_udp, within_s=10, what="both have chosen UDP")  # on a full machine TCP may answer first


async def test_firefox_watches_what_chromium_publishes(tabs: Tabs, server: Server, pages: PageServer) -> None:
    publisher = await tabs.open(f"{pages.url}/plain.html")
    await publisher.publish(f"{server.url}/whip/hen?name=Chromium")
    async with firefox.unattended(pages, "viewer", watch=f"{server.url}/whep/hen"):
        seen = 0

        async def decoded() -> bool:
            nonlocal seen
            report = await pages.report("viewer", after=seen)
            seen += 1
            sample = Sample.of(report["stats"], 0.0)
            video, audio = sample.inbound("video").values(), sample.inbound("audio").values()
            return any(s.get("framesDecoded", 0) > 50 for s in video) and any(
                s.get("totalAudioEnergy", 0) > 0 for s in audio
            )

        await eventually(decoded, within_s=40, what="Firefox decodes what Chromium sends")
