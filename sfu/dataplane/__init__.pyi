"""The one door to the data plane: everything that touches RTP and RTCP packets is behind it.

`Engine` is sans-IO: datagrams, addresses and times in, datagrams and events out. `Worker` is the thin loop around one engine: a
thread, a UDP socket, a TCP port of the same number where wanted, a clock. Control calls on an engine take effect at once when no
worker runs it, and before the worker's next datagram when one does; they never wait for the worker. A stale handle raises
`KeyError`, a value out of its range `ValueError`.
"""

from .types import (
    Address as Address,
)
from .types import (
    AudioLevel as AudioLevel,
)
from .types import (
    ConnectionClosed as ConnectionClosed,
)
from .types import (
    DtlsReceived as DtlsReceived,
)
from .types import (
    EngineCounters as EngineCounters,
)
from .types import (
    Event as Event,
)
from .types import (
    Extension as Extension,
)
from .types import (
    Format as Format,
)
from .types import (
    Kind as Kind,
)
from .types import (
    LayerStarted as LayerStarted,
)
from .types import (
    LayerStats as LayerStats,
)
from .types import (
    LayerStopped as LayerStopped,
)
from .types import (
    ReceiveParams as ReceiveParams,
)
from .types import (
    SlotFormat as SlotFormat,
)
from .types import (
    SlotParams as SlotParams,
)
from .types import (
    SlotStats as SlotStats,
)
from .types import (
    SourceEnded as SourceEnded,
)
from .types import (
    SrtpProfile as SrtpProfile,
)
from .types import (
    StunReceived as StunReceived,
)
from .types import (
    TrackParams as TrackParams,
)
from .types import (
    TransportStats as TransportStats,
)

class Engine:
    def __init__(self, *, max_transports: int = 8192, ntp_offset_us: int = 0, seed: int | None = None) -> None:
        """`ntp_offset_us` + monotonic time = microseconds since 1970 (for sender reports)."""

    # -- transports ---------------------------------------------------------------------------------------------
    def add_transport(self) -> int: ...
    def remove_transport(self, transport: int) -> None:
        """Removes its tracks and slots too; a slot elsewhere that was fed by one of its tracks falls silent."""
    def add_address(self, transport: int, address: Address) -> None:
        """From now on datagrams from `address` belong to `transport` (ICE has validated it). At most 8; the oldest goes first."""
    def remove_address(self, transport: int, address: Address) -> None: ...
    def select_address(self, transport: int, address: Address) -> None:
        """Send to this validated address (the nominated pair)."""
    def set_srtp(self, transport: int, profile: SrtpProfile, receive_key: bytes, send_key: bytes) -> None:
        """Master key and salt of each direction, joined: 30 bytes for AES-CM, 28 for GCM."""
    def set_receive(self, transport: int, params: ReceiveParams) -> None: ...
    def set_consent(self, transport: int, username: bytes, password: bytes) -> None:
        """Answer its routine connectivity checks here; `check_times_us` has their times, and all others are `StunReceived`.

        A `username` that ends with a colon is what USERNAME begins with, any other the whole of it; empty: answer none.
        """

    # -- tracks and slots ---------------------------------------------------------------------------------------
    def add_track(self, transport: int, params: TrackParams) -> int: ...
    def update_track(self, track: int, params: TrackParams) -> None:
        """A new offer changed the m-line; layers already bound whose RID remains stay bound."""
    def remove_track(self, track: int) -> None: ...
    def add_slot(self, transport: int, params: SlotParams) -> int: ...
    def update_slot(self, slot: int, params: SlotParams) -> None:
        """SSRCs must be unchanged; sequence numbers and timestamps go on."""
    def remove_slot(self, slot: int) -> None: ...
    def route(self, slot: int, track: int | None, *, max_layer: int = 3) -> None:
        """Fill the slot with a track of the same engine and kind; forwards the best live layer that is at most `max_layer`."""
    def request_keyframe(self, track: int) -> None:
        """Ask the publisher of every live layer for a keyframe, merged and throttled with all other requests."""

    # -- sans-IO ------------------------------------------------------------------------------------------------
    def receive(self, now_us: int, data: bytes, address: Address) -> None: ...
    def handle_timer(self, now_us: int) -> None: ...
    def next_timer_us(self) -> int:
        """Monotonic time at which `handle_timer` wants to run."""
    def poll_transmit(self) -> tuple[bytes, Address] | None: ...
    def poll_event(self) -> Event | None: ...

    # -- snapshots ----------------------------------------------------------------------------------------------
    def counters(self) -> EngineCounters: ...
    def transport_stats(self, transport: int) -> TransportStats: ...
    def check_times_us(self, transport: int) -> dict[Address, int]:
        """Monotonic time of the last routine check from each of its addresses that has sent one."""
    def track_stats(self, track: int) -> tuple[LayerStats | None, ...]: ...
    def slot_stats(self, slot: int) -> SlotStats: ...
    def audio_levels(self) -> list[AudioLevel]:
        """Every audio track that sent packets since the last call."""

class Worker:
    """One thread and one UDP socket around an engine. The socket is bound by the constructor (`OSError` if it cannot be)."""

    def __init__(
        self,
        engine: Engine,
        host: str,
        port: int,
        *,
        tcp: bool = False,
        most_connections: int = 4096,
        patience_us: int = 10_000_000,
        receive_buffer: int = 4 << 20,
        send_buffer: int = 4 << 20,
    ) -> None:
        """`tcp`: take TCP connections at the same address and port too, at most `most_connections` at once.

        `patience_us` is how long a TCP connection may last that ICE has not validated, half a frame, or a receiver that
        takes nothing of what waits for it.
        """
    @property
    def address(self) -> tuple[str, int]: ...
    @property
    def receive_drops(self) -> int:
        """Datagrams that the kernel dropped because a receive buffer was full; 0 once stopped."""
    def start(self) -> None: ...
    def stop(self) -> None:
        """Ends and joins the thread, closes the socket. Safe to call twice."""
    def fileno(self) -> int:
        """An eventfd, readable while events wait."""
    def drain(self, limit: int = 256) -> list[Event]: ...
    def send(self, data: bytes, address: Address) -> None:
        """Send a STUN or DTLS datagram. Never blocks; a full socket buffer drops it (`send_full`), or a connection's full queue
        (`tcp_full`).
        """
