"""All clients of one load run: their sessions, the two compiled threads that carry their media, and their consent checks."""

import asyncio
import contextlib
import threading
import time
import urllib.parse
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

import aiohttp

from benchmarks import sdp
from benchmarks.endpoint import ClientIdentity, Endpoint
from benchmarks.native.publishers import Publishers
from benchmarks.native.receivers import Receivers

CONSENT_INTERVAL_S = 2.5
"""Between two checks of one client, as browsers do it."""

CONCURRENT_JOINS = 8
"""Handshakes at once: more only measures the queue in the client."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent, and to how many."""

    publishers: int = 1
    receivers: int = 50
    """Of each publisher."""
    packets_per_second: int = 300
    packet_size: int = 1200
    """Bytes of RTP before SRTP adds its tag."""
    packets_per_frame: int = 10
    burst: bool = False
    """All packets of a frame at once, instead of evenly spaced."""
    check_every: int = 4
    """Every n-th packet of a receiver is decrypted, compared and timed."""
    feedback: bool = True
    """Receivers send reports, transport-wide feedback and NACKs, as browsers do; without, what these cost is seen."""


class Fleet:
    """`async with Fleet.connected(…) as fleet`; media flows between `start` and `stop`."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.sources: list[Endpoint] = []
        self.sinks: list[Endpoint] = []
        self.sink_source: list[int] = []
        total = load.publishers * load.receivers
        self.publishers = Publishers(
            load.publishers,
            packets_per_second=load.packets_per_second,
            packets_per_frame=load.packets_per_frame,
            burst=load.burst,
            packet_size=load.packet_size,
        )
        # Polling costs a call a socket: with many sockets less often, so that it stays a small part of one core.
        interval_ms = max(4.0, total / 50)
        self.receivers = Receivers(total, interval_ms=interval_ms, check_every=load.check_every, feedback=load.feedback)
        self._threads: list[threading.Thread] = []
        self.join_seconds = 0.0

    @classmethod
    @contextlib.asynccontextmanager
    async def connected(
        cls, url: str, load: Load, *, on_join: Callable[[int, int], None], room: str = "bench"
    ) -> AsyncIterator["Fleet"]:
        """Every client has its keys when this is entered. `ConnectError` when one cannot have them."""
        fleet = cls(load)
        identity = ClientIdentity()
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONCURRENT_JOINS)) as http:
            try:
                await fleet._join(http, url, identity, on_join, room)
                fleet._hand_over()
                yield fleet
            finally:
                fleet.stop()
                await asyncio.gather(*(e.close(http) for e in (*fleet.sinks, *fleet.sources)))

    async def _join(
        self,
        http: aiohttp.ClientSession,
        url: str,
        identity: ClientIdentity,
        on_join: Callable[[int, int], None],
        room: str,
    ) -> None:
        load = self.load
        total = load.publishers * (1 + load.receivers)
        gate = asyncio.Semaphore(CONCURRENT_JOINS)
        joined = 0

        async def join(endpoint: Endpoint) -> None:
            nonlocal joined
            async with gate:
                await endpoint.connect(http)
            joined += 1
            on_join(joined, total)

        for n in range(load.publishers):
            path = f"{url}/whip/{urllib.parse.quote(f'{room}-{n}')}?name=publisher"
            self.sources.append(Endpoint(path, "sendonly", identity))
            for _ in range(load.receivers):
                path = f"{url}/whep/{urllib.parse.quote(f'{room}-{n}')}?name=receiver"
                self.sinks.append(Endpoint(path, "recvonly", identity))
                self.sink_source.append(n)
        for source in self.sources:
            await join(source)
        started = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for sink in self.sinks:
                group.create_task(join(sink))
        self.join_seconds = time.monotonic() - started

    def _hand_over(self) -> None:
        for source in self.sources:
            self.publishers.add(
                source.socket.fileno(),
                source.inbound,
                source.outbound,
                ssrc=source.ssrc,
                payload_type=sdp.PAYLOAD_TYPE,
                mid_id=sdp.MID_ID,
                mid=sdp.MID,
                transport_cc_id=source.answer.transport_cc_id,
            )
        for sink in self.sinks:
            self.receivers.add(
                sink.socket.fileno(),
                sink.inbound,
                sink.outbound,
                local_ssrc=sink.ssrc,
                payload_type=sdp.PAYLOAD_TYPE,
                rtx_payload_type=sdp.RTX_PAYLOAD_TYPE,
                transport_cc_id=sink.answer.transport_cc_id,
                nack=True,
            )

    def start(self) -> None:
        """Receivers first, so that nothing waits in a buffer when the first packet comes."""
        for name, native in (("bench-drain", self.receivers), ("bench-send", self.publishers)):
            thread = threading.Thread(target=native.run, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    async def keep_consent(self) -> None:
        """Sends every client's checks, spread over the interval; runs until cancelled."""
        everybody: Sequence[Endpoint] = (*self.sources, *self.sinks)
        while True:
            started = time.monotonic()
            for n, endpoint in enumerate(everybody):
                endpoint.consent()
                due = started + CONSENT_INTERVAL_S * (n + 1) / len(everybody)
                await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def stop_sending(self) -> None:
        """The publishers end; what they sent is given time to arrive."""
        self.publishers.stop()
        await asyncio.sleep(0.5)

    def stop(self) -> None:
        """Ends both threads. Safe to call twice."""
        self.publishers.stop()
        self.receivers.stop()
        while self._threads:
            self._threads.pop().join()
