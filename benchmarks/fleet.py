"""All clients of one load: their sessions, the two compiled threads that carry their media, and their consent checks."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from benchmarks import sdp
from benchmarks.endpoint import ClientIdentity, ConnectError, Endpoint, Signalling
from benchmarks.native.media import Media
from benchmarks.patterns import KEYFRAME_EVERY_S, Pattern, evenly

CONSENT_INTERVAL_S = 2.5
"""Between two checks of one client, as browsers do it."""

CONCURRENT_JOINS = 8
"""Handshakes at once: more only measures the queue in the client."""

SETTLE_S = 0.5
"""What was sent is given this long to arrive before the last packets are counted."""

AUDIO_LEVEL = 0x80 | 20
"""RFC 6464: voice, -20 dBov."""


class Adapter(Protocol):
    """The ways into a server. `ConnectError` for one that it does not have."""

    def publisher(self, room: str) -> Signalling: ...
    def receiver(self, room: str) -> Signalling: ...
    def person(self, room: str) -> Signalling:
        """Who does both."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent, and to how many: rooms of one publisher and many receivers, or rooms of people who all do both."""

    rooms: int = 1
    receivers: int = 50
    """Of each room's publisher; 0: nobody receives."""
    people: int = 0
    """In each room, instead of a publisher and receivers."""
    websocket: bool = False
    """Ciranda's own protocol for publishers and receivers, too; people have no other."""
    pattern: Pattern = field(default_factory=lambda: evenly(300, 1200, 10))
    check_every: int = 4
    """Every n-th packet of a stream is decrypted, compared and timed."""
    feedback: bool = True
    """Receivers send reports, transport-wide feedback and NACKs, as browsers do; without, what these cost is seen."""

    @property
    def clients(self) -> int:
        return self.rooms * (self.people or 1 + self.receivers)

    @property
    def publishers(self) -> int:
        return self.rooms * (self.people or 1)

    @property
    def sinks(self) -> int:
        return self.rooms * (self.people or self.receivers)

    @property
    def tracks_wanted(self) -> tuple[int, int]:
        """Audio and video tracks that each of them receives."""
        others = self.people - 1 if self.people else 1
        return tuple(others if kind in self.pattern.kinds else 0 for kind in ("audio", "video"))  # type: ignore[return-value]

    def __str__(self) -> str:
        what = (
            f"{self.rooms} rooms of {self.people} people"
            if self.people
            else f"{self.rooms} x {self.receivers} receivers"
        )
        sizes = {size for stream in self.pattern.streams for size in stream.sizes}
        size = f"{min(sizes)} to {max(sizes)}" if len(sizes) > 1 else f"{min(sizes)}"
        each = f"{self.pattern.packets_per_second:g} packets/s of {size} bytes from each publisher"
        return f"{what}, {each}, {self.pattern.name}{'' if self.feedback else ', NO FEEDBACK'}"


class Fleet:
    """`async with Fleet.connected(…) as fleet`; media flows between `start` and `stop_sending`."""

    def __init__(self, load: Load, *, spare: int = 0) -> None:
        """`spare`: so many may join later."""
        self.load = load
        self.sources: list[Endpoint] = []
        self.sinks: list[Endpoint] = []
        self.identity = ClientIdentity()
        self.join_seconds = 0.0
        total = load.clients + spare
        # Polling costs a call a socket: with many sockets less often, so that it stays a small part of one core.
        self.media = Media(
            total,
            load.publishers * len(load.pattern.streams),
            interval_ms=max(4.0, total / 50),
            check_every=load.check_every,
            feedback=load.feedback,
        )
        self._everybody: list[Endpoint] = []
        self._left: set[Endpoint] = set()
        self._threads: list[threading.Thread] = []

    @classmethod
    @contextlib.asynccontextmanager
    async def connected(
        cls,
        adapter: Adapter,
        load: Load,
        *,
        on_join: Callable[[int, int], None] = lambda _joined, _of: None,
        room: str = "bench",
        spare: int = 0,
    ) -> AsyncIterator["Fleet"]:
        """Every client has its keys, and is drained, when this is entered. `ConnectError` when one cannot have them."""
        fleet = cls(load, spare=spare)
        fleet._thread("bench-drain", fleet.media.drain)
        consent = asyncio.create_task(fleet._keep_consent())
        try:
            await fleet._join_all(adapter, room, on_join)
            yield fleet
        finally:
            consent.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await consent
            fleet._stop()
            gate = asyncio.Semaphore(CONCURRENT_JOINS)
            await asyncio.gather(*(_close(endpoint, gate) for endpoint in fleet._everybody))

    async def _join_all(self, adapter: Adapter, room: str, on_join: Callable[[int, int], None]) -> None:
        load = self.load
        rooms = [f"{room}-{n}" for n in range(load.rooms)]
        pattern, wanted = load.pattern, load.tracks_wanted
        started = time.monotonic()
        if load.people:
            people = [
                Endpoint(self.identity, adapter.person(name), sends=pattern, receives=wanted)
                for name in rooms
                for _ in range(load.people)
            ]
            self.sources = self.sinks = people
            await self.join(people, on_join)
        else:
            self.sources = [Endpoint(self.identity, adapter.publisher(name), sends=pattern) for name in rooms]
            await self.join(self.sources, lambda _n, _of: None)
            started = time.monotonic()
            self.sinks = [self.receiver(adapter, name) for name in rooms for _ in range(load.receivers)]
            await self.join(self.sinks, on_join)
        self.join_seconds = time.monotonic() - started

    def receiver(self, adapter: Adapter, room: str) -> Endpoint:
        """One more that receives what the load's publishers send; not connected yet."""
        return Endpoint(self.identity, adapter.receiver(room), receives=self.load.tracks_wanted)

    async def join(
        self, endpoints: Sequence[Endpoint], on_join: Callable[[int, int], None], *, at_once: int = CONCURRENT_JOINS
    ) -> None:
        """Connect and drain them, so many handshakes at once. `ConnectError`."""
        gate = asyncio.Semaphore(at_once)
        joined = 0

        async def one(endpoint: Endpoint) -> None:
            nonlocal joined
            async with gate:
                self._everybody.append(endpoint)
                await endpoint.connect()
            self._adopt(endpoint)
            joined += 1
            on_join(joined, len(endpoints))

        try:
            async with asyncio.TaskGroup() as group:
                for endpoint in endpoints:
                    group.create_task(one(endpoint))
        except ExceptionGroup as errors:
            first = errors.exceptions[0]
            raise (first if isinstance(first, ConnectError) else errors) from None

    async def leave(self, endpoint: Endpoint) -> None:
        """It ends its session; its socket and counters stay until the fleet's end."""
        self._left.add(endpoint)
        await endpoint.signalling.close()

    def _adopt(self, endpoint: Endpoint) -> None:
        remote = endpoint.remote
        streams = remote.streams() if any(endpoint.receives) else []
        endpoint.index = self.media.add_client(
            endpoint.socket.fileno(),
            endpoint.inbound,
            endpoint.outbound,
            endpoint.feedback,
            feedback_ssrc=endpoint.feedback_ssrc,
            payload_types=(
                remote.payload_type("opus"),
                remote.payload_type("vp8"),
                remote.payload_type("rtx"),
            ),
            transport_cc_id=remote.extension(sdp.TRANSPORT_CC),
            streams=streams,
            more_streams=max(0, sum(endpoint.receives) - len(streams)),
        )
        if endpoint.sends is not None:
            self._add_senders(endpoint, endpoint.sends)

    def _add_senders(self, endpoint: Endpoint, pattern: Pattern) -> None:
        mids = {line.kind: line.mid for line in endpoint.lines() if line.direction == "sendonly"}
        for ssrc, stream in zip(endpoint.ssrcs, pattern.streams, strict=True):
            video = stream.kind == "video"
            extension, number_at = _extension(endpoint.remote, stream.kind, mids[stream.kind], stream.rid)
            self.media.add_sender(
                endpoint.index,
                ssrc=ssrc,
                payload_type=endpoint.remote.payload_type("vp8" if video else "opus"),
                clock_rate=sdp.CLOCK_RATES[stream.kind],
                extension=extension,
                transport_number_at=number_at,
                frame_s=stream.frame_s,
                gap_s=stream.gap_s,
                packets=stream.packets,
                keyframe_packets=stream.keyframe_packets,
                keyframe_every_s=KEYFRAME_EVERY_S if video else 0.0,
                sizes=stream.sizes,
                first_shorter=stream.first_shorter,
            )

    @property
    def senders(self) -> int:
        """Streams that are sent when all publishers are active."""
        return self.load.publishers * len(self.load.pattern.streams)

    def activate(self, publishers: int) -> None:
        """From now on only the first so many of them send."""
        self.media.activate(publishers * len(self.load.pattern.streams))

    def start(self) -> None:
        self._thread("bench-send", self.media.send)

    def _thread(self, name: str, run: Callable[[], None]) -> None:
        thread = threading.Thread(target=run, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    async def _keep_consent(self) -> None:
        """Sends every client's checks, spread over the interval, and answers a full server's; runs until cancelled."""
        while True:
            started = time.monotonic()
            everybody = [e for e in self._everybody if e.index >= 0 and e not in self._left]
            for n, endpoint in enumerate(everybody):
                endpoint.consent()
                self._answer_checks()
                due = started + CONSENT_INTERVAL_S * (n + 1) / len(everybody)
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            if not everybody:
                await asyncio.sleep(0.05)

    def _answer_checks(self) -> None:
        by_index = {endpoint.index: endpoint for endpoint in self._everybody}
        for index, request in self.media.take_requests():
            by_index[index].answer_check(request)

    async def stop_sending(self) -> None:
        """The publishers end; what they sent is given time to arrive."""
        self.media.stop_sending()
        await asyncio.sleep(SETTLE_S)

    def _stop(self) -> None:
        self.media.stop_sending()
        self.media.stop_draining()
        while self._threads:
            self._threads.pop().join()


async def _close(endpoint: Endpoint, gate: asyncio.Semaphore) -> None:
    """A server that is gone has ended the session already."""
    async with gate:
        with contextlib.suppress(OSError, TimeoutError):
            await endpoint.close()


def _extension(remote: sdp.Remote, kind: str, mid: str, rid: str) -> tuple[bytes, int]:
    """One-byte header extensions (RFC 8285) as negotiated, and where the transport-wide number stands in them (-1: nowhere)."""
    values = {sdp.SDES_MID: mid.encode(), sdp.TRANSPORT_CC: bytes(2)}
    if kind == "audio":
        values[sdp.AUDIO_LEVEL] = bytes([AUDIO_LEVEL])
    if rid:
        values[sdp.SDES_RID] = rid.encode()
    body, number_at = b"", -1
    for uri, value in values.items():
        number = remote.extension(uri)
        if number:
            if uri == sdp.TRANSPORT_CC:
                number_at = 4 + len(body) + 1
            body += bytes([number << 4 | len(value) - 1]) + value
    if not body:
        return b"", -1
    body += bytes(-len(body) % 4)
    return b"\xbe\xde" + (len(body) // 4).to_bytes(2, "big") + body, number_at
