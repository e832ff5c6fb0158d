"""One media port: a worker of the data plane on the event loop, and the sorting of what it hands up.

Owns the engine, the worker, the table from ICE user fragments to transports, and the one timer of all of them. STUN goes to
a transport by the user fragment it names, DTLS by the handle that the data plane found, everything about layers to
`on_event`. It never touches RTP, and knows nothing of rooms. One wake-up handles a bounded number of events; a fault in
the handling of one is logged and ends its transport at most.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from sfu.candidates import host_candidates
from sfu.dataplane import Engine, Worker
from sfu.dataplane.types import (
    Address,
    ConnectionClosed,
    DtlsReceived,
    Event,
    LayerStarted,
    LayerStopped,
    SourceEnded,
    StunReceived,
)
from sfu.log import get_logger
from sfu.protocol import stun
from sfu.protocol.ice import Candidate
from sfu.rate import KeyedBuckets, TokenBucket
from sfu.timer_queue import TimerQueue

log = get_logger(__name__)

EVENTS_A_WAKE_UP = 32
"""A DTLS flight costs about 0.3 ms, so that a wake-up holds the loop for 10 ms at the very most."""
TIMERS_A_WAKE_UP = 64
TIMER_GRAIN_S = 0.001
"""uvloop counts whole milliseconds; without this a timer that is almost due would spin."""
STRANGERS_PER_SECOND = 1_000.0
STRANGER_PER_SECOND = 20.0
"""Answers to requests that no transport vouches for (plain Binding requests, errors): over all, and to one IP address."""

LayerEvent = LayerStarted | LayerStopped | SourceEnded
StunAnswer = tuple[bytes | None, str | None]


class Endpoint(Protocol):
    """What a transport is to its port."""

    @property
    def handle(self) -> int: ...
    def receive_stun(self, request: stun.StunMessage, source: Address, now: float) -> StunAnswer: ...
    def receive_dtls(self, datagram: bytes, source: Address, now: float) -> None: ...
    def next_timer(self, now: float) -> float | None: ...
    def handle_timer(self, now: float) -> None: ...
    def yield_address(self, address: Address, now: float) -> bool: ...
    def lose_address(self, address: Address, now: float) -> None: ...
    def fail(self, reason: str) -> None: ...


class MediaPort:
    """`on_event` is called on the loop for every event about a layer; set it before `start`."""

    def __init__(self, host: str, port: int, *, advertise: Sequence[str] = (), tcp: bool = False) -> None:
        """`advertise`: IP addresses that clients reach this port at, if not `host` itself. `tcp`: take TCP as well as UDP."""
        self._host, self._port, self._advertise, self._tcp = host, port, tuple(advertise), tcp
        self.engine = Engine(ntp_offset_us=time.time_ns() // 1_000 - time.monotonic_ns() // 1_000)
        self.on_event: Callable[[LayerEvent], None] = _ignore
        self.refused: Counter[str] = Counter()
        """Named reason → datagrams and data channel messages refused, since the start."""
        self._worker: Worker | None = None
        self._candidates: tuple[Candidate, ...] = ()
        self._endpoints: dict[int, Endpoint] = {}
        self._ufrags: dict[str, Endpoint] = {}
        self._holders: dict[Address, Endpoint] = {}
        self._timers: TimerQueue[int] = TimerQueue()
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = 0.0
        self._strangers = TokenBucket(STRANGERS_PER_SECOND, STRANGERS_PER_SECOND)
        self._stranger = KeyedBuckets(STRANGER_PER_SECOND, 2 * STRANGER_PER_SECOND, most_keys=4_096)

    # -- life ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Binds the sockets and starts the worker. `OSError` if the address cannot be had."""
        worker = Worker(self.engine, self._host, self._port, tcp=self._tcp)
        self._worker = worker
        self._candidates = host_candidates(worker.address, self._advertise, tcp=self._tcp)
        asyncio.get_running_loop().add_reader(worker.fileno(), self._wake_up)
        worker.start()

    async def close(self) -> None:
        """Closes what transports are left, then stops the worker (which waits for its thread: some milliseconds)."""
        for endpoint in list(self._endpoints.values()):
            try:
                endpoint.fail("shutting_down")
            except Exception:
                log.exception("transport_end_failed", transport=endpoint.handle)
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._worker is not None:
            asyncio.get_running_loop().remove_reader(self._worker.fileno())
            self._worker.stop()
            self._worker = None

    @property
    def address(self) -> tuple[str, int]:
        """Where the socket is bound. `RuntimeError` before `start` and after `close`."""
        if self._worker is None:
            raise RuntimeError("the media port is not open")
        return self._worker.address

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The host candidates of every answer."""
        return self._candidates

    @property
    def counters(self) -> Mapping[str, int]:
        """A snapshot of `refused`, and what the kernel dropped because the sockets' receive buffers were full."""
        return self.refused | Counter(receive_full=self._worker.receive_drops if self._worker is not None else 0)

    # -- for transports ------------------------------------------------------------------------------------------

    def attach(self, endpoint: Endpoint) -> None:
        """Its DTLS and its timers are its own from now on."""
        self._endpoints[endpoint.handle] = endpoint

    def detach(self, endpoint: Endpoint, ufrags: Iterable[str], addresses: Iterable[Address]) -> None:
        """Nothing is handed to it any more."""
        for address in addresses:
            self.let_go(address, endpoint)
        self._endpoints.pop(endpoint.handle, None)
        self._timers.forget(endpoint.handle)
        for ufrag in ufrags:
            self.forget(ufrag)

    def expect(self, ufrag: str, endpoint: Endpoint) -> None:
        """Checks that name this user fragment are for it."""
        self._ufrags[ufrag] = endpoint

    def forget(self, ufrag: str) -> None:
        self._ufrags.pop(ufrag, None)

    def may_have(self, address: Address, endpoint: Endpoint, now: float) -> bool:
        """Whether a validated address may become this transport's: nobody has it, or who has it yields."""
        holder = self._holders.get(address)
        return holder is None or holder is endpoint or holder.yield_address(address, now)

    def hold(self, address: Address, endpoint: Endpoint) -> None:
        """It is this transport's now."""
        self._holders[address] = endpoint

    def let_go(self, address: Address, endpoint: Endpoint) -> None:
        if self._holders.get(address) is endpoint:
            del self._holders[address]

    def send(self, datagram: bytes, address: Address) -> None:
        """A STUN or DTLS datagram; dropped, and counted by the data plane, when the socket's buffer is full."""
        if self._worker is not None:
            self._worker.send(datagram, address)

    def reschedule(self, endpoint: Endpoint, now: float) -> None:
        """Its next timer may be earlier than it was."""
        when = endpoint.next_timer(now)
        if when is not None and endpoint.handle in self._endpoints:
            self._timers.call_by(endpoint.handle, when)
            self._set_alarm(now)

    # -- on the loop ---------------------------------------------------------------------------------------------

    def _wake_up(self) -> None:
        if self._worker is None:
            return
        now = monotonic()
        for event in self._worker.drain(EVENTS_A_WAKE_UP):
            try:
                self._handle(event, now)
            except Exception:
                self.refused["internal_error"] += 1
                log.exception("media_event_failed", kind=type(event).__name__)
                if isinstance(event, DtlsReceived):
                    self._give_up(event.transport)

    def _handle(self, event: Event, now: float) -> None:
        if isinstance(event, StunReceived):
            self._stun(event.data, event.address, now)
        elif isinstance(event, DtlsReceived):
            endpoint = self._endpoints.get(event.transport)
            if endpoint is None:
                self.refused["dtls_no_transport"] += 1
                return
            endpoint.receive_dtls(event.data, event.address, now)
            self.reschedule(endpoint, now)
        elif isinstance(event, ConnectionClosed):
            holder = self._holders.get(event.address)
            if holder is not None:
                holder.lose_address(event.address, now)
                self.reschedule(holder, now)
        else:
            self.on_event(event)

    def _stun(self, data: bytes, source: Address, now: float) -> None:
        try:
            message = stun.parse(data)
        except stun.StunError:
            self.refused["stun_malformed"] += 1
            return
        answer, refusal = self._answer(message, source, now)
        if refusal is not None:
            self.refused[refusal] += 1
        if answer is not None:
            self.send(answer, source)

    def _answer(self, message: stun.StunMessage, source: Address, now: float) -> StunAnswer:
        if message.username is not None:
            endpoint = self._ufrags.get(message.username.partition(":")[0])
            if endpoint is not None:
                answer, refusal = endpoint.receive_stun(message, source, now)
                self.reschedule(endpoint, now)
                if refusal is None:
                    return answer, None
                return (answer if self._may_answer(source, now) else None), refusal
        if message.kind is not stun.Kind.REQUEST or message.method != stun.BINDING:
            return None, "stun_not_a_request"
        if not self._may_answer(source, now):
            return None, "stun_rate_limited"
        if message.username is not None:
            return stun.error(message, stun.UNAUTHENTICATED), "stun_unknown_ufrag"
        if message.integrity is not None:
            return stun.error(message, stun.BAD_REQUEST), "stun_bad_request"
        if message.unknown_required:
            return stun.error(message, stun.UNKNOWN_ATTRIBUTE), "stun_unknown_attribute"
        return stun.success(message, source), None

    def _may_answer(self, source: Address, now: float) -> bool:
        return self._stranger.take(source[0], now) and self._strangers.take(now)

    def _set_alarm(self, now: float) -> None:
        when = self._timers.next_time()
        if when is None or (self._alarm is not None and self._alarm_at <= when):
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = when
        self._alarm = asyncio.get_running_loop().call_later(max(TIMER_GRAIN_S, when - now), self._ring)

    def _ring(self) -> None:
        self._alarm = None
        now = monotonic()
        for handle in self._timers.pop_due(now, TIMERS_A_WAKE_UP):
            endpoint = self._endpoints.get(handle)
            if endpoint is None:
                continue
            try:
                endpoint.handle_timer(now)
                self.reschedule(endpoint, now)
            except Exception:
                self.refused["internal_error"] += 1
                log.exception("transport_timer_failed", transport=handle)
                self._give_up(handle)
        self._set_alarm(now)

    def _give_up(self, handle: int) -> None:
        endpoint = self._endpoints.get(handle)
        if endpoint is None:
            return
        try:
            endpoint.fail("internal_error")
        except Exception:
            log.exception("transport_end_failed", transport=handle)


def monotonic() -> float:
    """The clock of ICE and of every timer here: seconds."""
    return time.monotonic()


def _ignore(_: LayerEvent) -> None:
    """Before a node listens there are no tracks, and so no layers."""
