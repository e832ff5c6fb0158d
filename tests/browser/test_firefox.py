"""Firefox ESR publishes to Chromium and watches it, over UDP and TCP."""

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


async def reached_over(server: Server, **paths: str) -> None:
    """Waits for it: on a full machine TCP may answer first."""
    (room,) = server.node.rooms.values()

    async def chosen() -> bool:
        people = room.participants.values()
        found = {p.name: p.connection.transport.path for p in people if p.connection is not None}
        return found == paths

    await eventually(chosen, within_s=10, what=f"reached over {paths}")


async def publishes_over(path: str, tabs: Tabs, server: Server, pages: PageServer) -> None:
    """Firefox over UDP or TCP, Chromium decodes it and has UDP."""
    viewer = await tabs.open(f"{pages.url}/plain.html")
    url = f"{server.url}/whip/{path}?name=Firefox"
    async with firefox.unattended(pages, "publisher", publish=url, options={"tcpOnly": path == "tcp"}):
        await viewer.watch(f"{server.url}/whep/{path}?name=Chromium")

        async def seen() -> bool:
            sample = await viewer.sample()
            video, audio = sample.inbound("video").values(), sample.inbound("audio").values()
            return any(s["framesDecoded"] > 50 for s in video) and any(s["totalAudioEnergy"] > 0 for s in audio)

        await eventually(seen, within_s=40, what="Chromium decodes what Firefox sends")
        await reached_over(server, Firefox=path, Chromium="udp")


async def test_firefox_publishes_and_chromium_watches(tabs: Tabs, server: Server, pages: PageServer) -> None:
    await publishes_over("udp", tabs, server, pages)


@pytest.mark.slow
async def test_firefox_publishes_over_tcp(tabs: Tabs, server: Server, pages: PageServer) -> None:
    await publishes_over("tcp", tabs, server, pages)


@pytest.mark.slow
async def test_firefox_watches_over_tcp_what_chromium_publishes(tabs: Tabs, server: Server, pages: PageServer) -> None:
    publisher = await tabs.open(f"{pages.url}/plain.html")
    await publisher.publish(f"{server.url}/whip/hen?name=Chromium")
    url = f"{server.url}/whep/hen?name=Firefox"
    async with firefox.unattended(pages, "viewer", watch=url, options={"tcpOnly": True}):
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
        await reached_over(server, Firefox="tcp", Chromium="udp")
