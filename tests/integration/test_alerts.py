"""Every alert fires on a fault that really happens to a server, which a real Prometheus scrapes; none on one that is busy and well.

The rules are those of `metrics/alerts.yml`; only their times are shorter. One server and one Prometheus for all of it.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from tests.harness.embedded import EmbeddedServer
from tests.harness.link import PERFECT, Conditions
from tests.harness.link_clients import HttpBehind
from tests.harness.link_emulator import LinkEmulator
from tests.harness.networks import SlowCard, permitted
from tests.harness.prometheus import RULES, Prometheus, prometheus
from tests.harness.rtp_peer import RtpPeer
from tests.harness.stats import eventually
from tests.harness.wrtc_client import WrtcHttpClient
from tests.integration.doors import Member

WINDOW, INTERVAL = "6s", "500ms"
FIRES_WITHIN_S, CALM_WITHIN_S = 60.0, 90.0
"""The server remembers its worst lag, and the load, for 15 s (metrics/sampler.py)."""
BUSY_S = 8
LISTENERS = 6
TICK_S = 0.005


@dataclass
class Scene:
    """A server with a call on, and who watches it."""

    server: EmbeddedServer
    scraper: Prometheus
    http: aiohttp.ClientSession
    card: SlowCard | None

    async def member(self, name: str, room: str) -> Member:
        return await Member(await self.http.ws_connect(f"{self.server.url}/ws/{room}")).join(name)


class Listener(RtpPeer):
    """Takes what comes and does not look at it. `distant`: on the other side of the network card."""

    distant: SlowCard | None = None

    async def move(self, host: str | None = None) -> None:
        if self.distant is None:
            await super().move(host)
            return
        self.close()
        loop = asyncio.get_running_loop()
        self._socket, _ = await loop.create_datagram_endpoint(lambda: self, sock=self.distant.socket())

    def datagram_received(self, data: bytes, address: Any) -> None:
        if data and data[0] < 128:
            super().datagram_received(data, address)


@asynccontextmanager
async def load(scene: Scene, room: str, *, distant: SlowCard | None = None, packets: int = 4) -> AsyncIterator[None]:
    """One speaks, `LISTENERS` listen: so many packets of video every tick."""
    speaker = await Listener.enter(await scene.member("speaker", room))
    listeners = []
    for number in range(LISTENERS):
        listener = Listener(await scene.member(f"listener {number}", room))
        listener.distant = distant
        await listener.negotiate(("audio recvonly", "video recvonly"))
        await listener.connect(30.0)
        listener.secure()
        listeners.append(listener)

    async def speak() -> None:
        for number in range(1_000_000):
            speaker.send_media("audio")
            for _ in range(packets):
                speaker.send_media("video", keyframe=number % 40 == 0, size=1_100)
            if number % 200 == 0:
                for peer in (speaker, *listeners):
                    peer.send(peer.request())
            await asyncio.sleep(TICK_S)

    task = asyncio.create_task(speak())
    try:
        with ExitStack() as reading:
            for peer in (speaker, *listeners):
                reading.enter_context(peer.listening())
            yield
        assert not task.done(), task
    finally:
        task.cancel()
        for peer in (speaker, *listeners):
            peer.vanish()
            await peer.member.socket.close()


# -- the faults -----------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def a_loop_that_is_blocked(scene: Scene) -> AsyncIterator[None]:
    """The program that embeds the server computes for a second."""
    scene.server.block()
    yield


@asynccontextmanager
async def a_machine_that_stutters(scene: Scene) -> AsyncIterator[None]:
    """The server gets no processor for 40 ms, again and again."""

    async def stutter() -> None:
        while True:
            os.kill(scene.server.pid, signal.SIGSTOP)
            await asyncio.sleep(0.04)
            os.kill(scene.server.pid, signal.SIGCONT)
            await asyncio.sleep(0.04)

    async with load(scene, "stutter"):
        task = asyncio.create_task(stutter())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            os.kill(scene.server.pid, signal.SIGCONT)


@asynccontextmanager
async def a_processor_that_others_use(scene: Scene) -> AsyncIterator[None]:
    """The media thread has one processor, which somebody else is on who counts for more."""
    async with load(scene, "starved", packets=8):
        thread = await _media_thread(scene.server.pid)
        processor = min(os.sched_getaffinity(scene.server.pid))
        command = f"import os\nos.sched_setaffinity(0, {{{processor}}})\nwhile True: pass"
        other = subprocess.Popen([sys.executable, "-c", command])
        try:
            os.setpriority(os.PRIO_PROCESS, thread, 19)
            os.sched_setaffinity(thread, {processor})
            yield
        finally:
            other.kill()
            other.wait()


async def _media_thread(pid: int) -> int:
    """Of this server's threads, beside the event loop's, the one that computes."""

    def spent() -> dict[int, int]:
        tasks = (path for path in Path(f"/proc/{pid}/task").iterdir() if path.name != str(pid))
        return {int(path.name): int((path / "schedstat").read_text().split()[0]) for path in tasks}

    before = spent()
    await asyncio.sleep(1.0)
    return max(before, key=lambda thread: spent()[thread] - before[thread])


@asynccontextmanager
async def a_network_that_loses(scene: Scene) -> AsyncIterator[None]:
    """A quarter of the packets to both receivers does not arrive."""
    async with _two_watch(scene, "lossy", down=Conditions(loss=0.25)):
        yield


@asynccontextmanager
async def a_way_that_is_long(scene: Scene) -> AsyncIterator[None]:
    """Packets take 0.9 s, so connecting takes several times that."""
    async with _two_watch(scene, "far", up=Conditions(delay_s=0.9), down=Conditions(delay_s=0.9)):
        yield


@asynccontextmanager
async def _two_watch(
    scene: Scene, room: str, *, up: Conditions = PERFECT, down: Conditions = PERFECT
) -> AsyncIterator[None]:
    """Somebody publishes, and two watch over such a network."""
    async with AsyncExitStack() as stack:
        link = await stack.enter_async_context(LinkEmulator(scene.server.media, up=up, down=down))
        publisher = await stack.enter_async_context(WrtcHttpClient())
        await publisher.publish(f"{scene.server.url}/whip/{room}")
        for _ in range(2):
            client = await stack.enter_async_context(HttpBehind(link))
            await client.watch(f"{scene.server.url}/whep/{room}")
        yield


@asynccontextmanager
async def a_card_that_is_slow(scene: Scene) -> AsyncIterator[None]:
    """What the network card's queue holds, the socket's buffer has no room for."""
    assert scene.card is not None
    async with load(scene, "distant", distant=scene.card), scene.card.congested():
        yield


@asynccontextmanager
async def a_server_that_is_gone(scene: Scene) -> AsyncIterator[None]:
    os.kill(scene.server.pid, signal.SIGKILL)
    yield


Fault = Callable[[Scene], AbstractAsyncContextManager[None]]
CARD = os.geteuid() == 0 and permitted()
"""Whether there may be a network card that is slow: interfaces are the system's."""
FAULTS: dict[str, Fault] = {
    "CirandaReceiversLose": a_network_that_loses,
    "CirandaJoinsSlow": a_way_that_is_long,
    **({"CirandaSendBufferFull": a_card_that_is_slow} if CARD else {}),
    "CirandaForwardingSlow": a_machine_that_stutters,
    "CirandaEventLoopLags": a_loop_that_is_blocked,
    "CirandaWorkerSaturated": a_processor_that_others_use,
    "CirandaDown": a_server_that_is_gone,
}
ALSO = {
    "CirandaSendBufferFull": {"CirandaForwardingSlow", "CirandaWorkerSaturated"},
    "CirandaWorkerSaturated": {"CirandaForwardingSlow"},
    "CirandaDown": {"CirandaWorkerSaturated", "CirandaForwardingSlow"},
}
"""What a fault brings with it: a packet that waits for a socket or for a processor is late, too."""
SLOW_MACHINE = {"CirandaEventLoopLags", "CirandaForwardingSlow"}
"""What this machine may do to the server by itself."""


async def calm(scraper: Prometheus) -> None:
    """Nothing fires."""

    async def nothing() -> bool:
        return not await scraper.firing()

    await eventually(nothing, within_s=CALM_WITHIN_S, what="no alert fires")


async def busy_and_well(scene: Scene) -> None:
    """Two rooms with media for some seconds: no alert. Another attempt is for what this machine does to all of us."""
    async with load(scene, "first"), load(scene, "second"):
        for _ in range(4):
            await calm(scene.scraper)
            await asyncio.sleep(BUSY_S)  # the time that is looked back on
            fired = await scene.scraper.fired(BUSY_S - 1)
            if not fired:
                break
        assert not fired
        sent = await scene.scraper.value(f'sum(rate(ciranda_packets_total{{direction="out"}}[{WINDOW}]))')
        assert sent is not None
        assert sent > 2_000, "a server that does nothing is not busy"


@asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[Scene]:
    async with AsyncExitStack() as stack:
        card = await stack.enter_async_context(SlowCard()) if CARD else None
        host = {"media_host": card.SERVER, "insecure": True} if card is not None else {}
        server = await stack.enter_async_context(EmbeddedServer(join_burst=1_000, resume_seconds=0, **host))
        scraper = await stack.enter_async_context(prometheus(folder, server.url, window=WINDOW, interval=INTERVAL))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        yield Scene(server, scraper, http, card)


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_each_alert_fires_on_its_fault_and_none_on_a_busy_server(tmp_path: Path) -> None:
    rules = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    assert {rule["alert"] for rule in rules} == FAULTS.keys() | ({"CirandaSendBufferFull"} if not CARD else set())
    async with watched(tmp_path) as scene:
        await busy_and_well(scene)
        for alert, fault in FAULTS.items():
            if alert != "CirandaDown":
                await calm(scene.scraper)
            async with fault(scene):
                await scene.scraper.fires(alert, within_s=FIRES_WITHIN_S)
                fired = await scene.scraper.firing()
            assert fired <= {alert} | ALSO.get(alert, set()) | SLOW_MACHINE
