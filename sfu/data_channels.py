"""The data channels of one client (RFC 8831, RFC 8832): text relayed upward, and text sent.

Owns an SCTP association, aiortc's `RTCSctpTransport`, over a callback that encrypts and sends. aiortc trusts its peer with
memory and time; a client of ours is a stranger. So every chunk passes `_Association`, which bounds what aiortc will hold and
compute, and nothing that aiortc raises gets past `receive`. The names of aiortc used here are private in part: a test holds
them to their contract. It never closes the transport: at worst the association is aborted, and media goes on.
"""

import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from aiortc.rtcdatachannel import RTCDataChannel
from aiortc.rtcsctptransport import (
    Chunk,
    DataChunk,
    ForwardTsnChunk,
    RTCSctpCapabilities,
    RTCSctpTransport,
    SackChunk,
)

from sfu.log import get_logger
from sfu.protocol.sctp import is_well_formed
from sfu.rate import TokenBucket

log = get_logger(__name__)

MAX_MESSAGE_BYTES = 65_536
"""Either way; what RFC 8841 assumes where nothing was signalled."""
MAX_BUFFERED_BYTES = 262_144
"""Waiting in one channel for a slow client; beyond it messages are dropped."""
MAX_CHANNELS = 8
MAX_LABEL_BYTES = 64
LOCAL_SCTP_PORT = 5_000

RECEIVE_WINDOW_BYTES = 262_144
"""Held for reassembly at most; advertised to the client."""
RECEIVE_WINDOW_CHUNKS = 256
"""Chunks ahead of the next one expected that are kept; aiortc's work for a chunk grows with their number."""
MAX_FORWARD_CHUNKS = 65_536
"""A client gives up at most what it had in flight (RFC 3758)."""
MAX_STREAMS = 256
"""Browsers number channels from 0 or 1 in steps of 2, so this leaves them 128 channels in the association's life."""
CHUNKS_PER_SECOND = 1_000.0
CHUNK_BURST = 2_000.0
"""A chunk costs 20 to 60 µs; a message of `MAX_MESSAGE_BYTES` has 57."""
_TSN_MODULO = 1 << 32


@dataclass(frozen=True, slots=True)
class SctpParameters:
    """What the client's m-line of data channels says."""

    remote_port: int = 5_000
    max_message_size: int = MAX_MESSAGE_BYTES
    """Bytes that the client takes; 0 means any (RFC 8841)."""


class _ViolationError(Exception):
    """The client did what no honest one does; the association ends."""


class _Link:
    """What `RTCSctpTransport` asks of a DTLS transport. Sending never suspends, so that its coroutines run in one step."""

    _role = "server"
    state = "connected"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send

    async def _send_data(self, data: bytes) -> None:
        self._send(data)

    def _register_data_receiver(self, _: object) -> None:
        """`DataChannels.receive` hands data in directly."""

    def _unregister_data_receiver(self, _: object) -> None:
        """See above."""


class _Association(RTCSctpTransport):
    """aiortc's association with bounds on what a client may make it hold and compute."""

    def __init__(self, link: _Link, refused: Counter[str]) -> None:
        super().__init__(link, port=LOCAL_SCTP_PORT)  # type: ignore[arg-type]  # the parts of it that are used
        self._advertised_rwnd = RECEIVE_WINDOW_BYTES
        self._inbound_streams_max = MAX_STREAMS
        self._refused = refused
        self._bucket = TokenBucket(CHUNKS_PER_SECOND, CHUNK_BURST)

    @property
    def ended(self) -> bool:
        return self._association_state is self.State.CLOSED

    async def _receive_chunk(self, chunk: Chunk) -> None:
        if not self._bucket.take(time.monotonic()):
            self._refused["data_rate_limited"] += 1
            return
        await super()._receive_chunk(chunk)

    async def _receive_data_chunk(self, chunk: DataChunk) -> None:
        if chunk.stream_id >= MAX_STREAMS:
            raise _ViolationError("stream")
        ahead = (chunk.tsn - self._last_received_tsn) % _TSN_MODULO
        if 0 < ahead < _TSN_MODULO // 2:
            full = len(chunk.user_data) > self._advertised_rwnd
            if full and ahead == 1 and not self._sack_misordered:
                raise _ViolationError("message_size")  # in order, nothing missing, and yet no message is complete
            if full or ahead > RECEIVE_WINDOW_CHUNKS:
                self._refused["data_window"] += 1  # not acknowledged: the client sends it again
                return
        await super()._receive_data_chunk(chunk)

    async def _receive_sack_chunk(self, chunk: SackChunk) -> None:
        outstanding = (self._local_tsn - 1 - chunk.cumulative_tsn) % _TSN_MODULO
        if outstanding >= _TSN_MODULO // 2:
            raise _ViolationError("sack")  # acknowledges what was never sent
        last = 0
        for first, end in chunk.gaps:
            if not last < first <= end <= outstanding:
                raise _ViolationError("sack_gaps")
            last = end
        await super()._receive_sack_chunk(chunk)

    async def _receive_forward_tsn_chunk(self, chunk: ForwardTsnChunk) -> None:
        if any(stream_id >= MAX_STREAMS for stream_id, _ in chunk.streams):
            raise _ViolationError("stream")
        ahead = (chunk.cumulative_tsn - self._last_received_tsn) % _TSN_MODULO
        if MAX_FORWARD_CHUNKS < ahead < _TSN_MODULO // 2:
            raise _ViolationError("forward_tsn")
        await super()._receive_forward_tsn_chunk(chunk)

    def discard(self) -> None:
        """Nothing is sent again: aiortc's tasks that are still to run find no work."""
        self._data_channel_queue.clear()
        self._outbound_queue.clear()
        self._sent_queue.clear()
        self._forward_tsn_chunk = None
        self._t3_cancel()


class DataChannels:
    """`send` encrypts and sends one SCTP packet; it must not raise. Callbacks are called on the loop, and are guarded."""

    def __init__(
        self,
        parameters: SctpParameters,
        *,
        send: Callable[[bytes], None],
        on_open: Callable[[str], None],
        on_message: Callable[[str, str], None],
        refused: Counter[str],
    ) -> None:
        self._parameters = parameters
        self._on_open, self._on_message = on_open, on_message
        self._refused = refused
        self._channels: dict[str, RTCDataChannel] = {}
        self._count = 0
        self._ended = False
        self._association = _Association(_Link(send), refused)
        self._association.on("datachannel", self._guard(self._opened))

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the open channels."""
        return tuple(self._channels)

    @property
    def ended(self) -> bool:
        """The association is over: closed by either side, or aborted for a violation."""
        return self._ended

    def start(self) -> None:
        """DTLS is connected: begin the association."""
        capabilities = RTCSctpCapabilities(maxMessageSize=self._parameters.max_message_size)
        _run(self._association.start(capabilities, self._parameters.remote_port))

    def receive(self, packet: bytes) -> None:
        """One decrypted packet. Never raises for what is in it."""
        if self._ended:
            return
        if not is_well_formed(packet):
            self._refused["data_malformed"] += 1
            return
        try:
            _run(self._association._handle_data(packet))
        except _ViolationError as violation:
            self._refused[f"data_violation_{violation}"] += 1
            self.close()
        except Exception:  # noqa: BLE001  # aiortc raises a dozen types for malformed chunks; the client is at fault
            self._refused["data_malformed"] += 1
        if self._association.ended:
            self._end()

    def send(self, label: str, text: str) -> bool:
        """False: no such channel is open, the text is too long for it, or too much waits in it already (counted)."""
        channel = self._channels.get(label)
        if channel is None or channel.readyState != "open":
            return False
        size = len(text.encode())
        most = self._parameters.max_message_size or MAX_MESSAGE_BYTES
        if size > min(most, MAX_MESSAGE_BYTES):
            self._refused["data_too_large"] += 1
            return False
        if channel.bufferedAmount + size > MAX_BUFFERED_BYTES:
            self._refused["data_buffer_full"] += 1
            return False
        channel.send(text)
        return True

    def close(self) -> None:
        """Aborts the association; safe to call twice."""
        if not self._ended:
            _run(self._association.stop())
            self._end()

    def _end(self) -> None:
        self._ended = True
        self._channels.clear()
        self._association.discard()

    def _opened(self, channel: RTCDataChannel) -> None:
        if self._count >= MAX_CHANNELS or len(channel.label.encode()) > MAX_LABEL_BYTES:
            self._refused["data_channel"] += 1
            channel.close()
            return
        label = channel.label
        self._count += 1
        self._channels[label] = channel
        channel.on("message", self._guard(lambda data: self._received(label, data)))
        channel.on("close", self._guard(lambda: self._gone(channel)))
        self._on_open(label)

    def _received(self, label: str, data: str | bytes) -> None:
        if isinstance(data, bytes):
            self._refused["data_binary"] += 1
        elif len(data.encode()) > MAX_MESSAGE_BYTES:
            self._refused["data_too_large"] += 1
        else:
            self._on_message(label, data)

    def _gone(self, channel: RTCDataChannel) -> None:
        self._count -= 1
        if self._channels.get(channel.label) is channel:
            del self._channels[channel.label]

    def _guard(self, handler: Callable[..., None]) -> Callable[..., None]:
        """An exception that left a handler would go through aiortc; it is our own fault, so it is logged as such."""

        def guarded(*arguments: Any) -> None:
            try:
                handler(*arguments)
            except Exception:
                self._refused["internal_error"] += 1
                log.exception("data_channel_handler_failed")

        return guarded


def _run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Runs a coroutine that never suspends (see `_Link`) to its end, without a task."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise RuntimeError("aiortc's SCTP suspended where it must not")
