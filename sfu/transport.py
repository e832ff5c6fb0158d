"""One client's connection: ICE, DTLS, data channels and a transport of the data plane, tied together.

Owns their order and their end: addresses enter the data plane when ICE has validated them, SRTP keys before anybody hears
that the transport is connected, and everything is torn down exactly once, whoever asks first. It runs no task; all that
happens to it happens in calls from its `MediaPort` or its owner, on the loop. It knows neither SDP nor rooms.
"""

import math
from collections.abc import Callable, Iterable

from sfu.candidates import raised
from sfu.data_channels import DataChannels
from sfu.data_channels import SctpParameters as SctpParameters
from sfu.dataplane.types import Address
from sfu.dtls import ApplicationData, Certificate, DtlsClosed, DtlsServer, HandshakeDone
from sfu.errors import LimitError, LocalError, SdpError
from sfu.log import get_logger
from sfu.media_port import MediaPort, StunAnswer, monotonic
from sfu.protocol import ice
from sfu.protocol.ice import Credentials, IceAgent
from sfu.protocol.stun import StunMessage
from sfu.transport_events import ChannelOpened as ChannelOpened
from sfu.transport_events import Closed as Closed
from sfu.transport_events import Connected as Connected
from sfu.transport_events import Disconnected as Disconnected
from sfu.transport_events import LocalParameters as LocalParameters
from sfu.transport_events import Message as Message
from sfu.transport_events import Moved as Moved
from sfu.transport_events import Reconnected as Reconnected
from sfu.transport_events import RemoteParameters as RemoteParameters
from sfu.transport_events import TransportEvent as TransportEvent

log = get_logger(__name__)

DTLS_TIMEOUT_S = 10.0
ICE_TIMEOUT_S = 30.0
GRID_S = 0.5
"""Silence and consent are noticed at most this late."""

TRANSITIONS = {
    ("new", "started"): "checking",
    ("checking", "validated"): "connecting",
    ("connecting", "secured"): "connected",
    ("connected", "silent"): "disconnected",
    ("disconnected", "resumed"): "connected",
    ("new", "ended"): "closed",
    ("checking", "ended"): "closed",
    ("connecting", "ended"): "closed",
    ("connected", "ended"): "closed",
    ("disconnected", "ended"): "closed",
}
"""(state, what happened) → next state; what is not listed changes nothing."""


class Transport:
    """Made before the answer (which carries its `local_parameters`), started with it."""

    def __init__(
        self,
        port: MediaPort,
        *,
        certificate: Certificate,
        on_event: Callable[[TransportEvent], None],
        dtls_timeout_s: float = DTLS_TIMEOUT_S,
        ice_timeout_s: float = ICE_TIMEOUT_S,
        consent_s: float = ice.CONSENT_S,
        silence_s: float = ice.SILENCE_S,
    ) -> None:
        """`dtls_timeout_s` from the first valid check to keys; `ice_timeout_s` from `start` to the first valid check."""
        self._port = port
        self._certificate = certificate
        self._on_event = on_event
        self._dtls_timeout_s, self._ice_timeout_s = dtls_timeout_s, ice_timeout_s
        self._consent_s, self._silence_s = consent_s, silence_s
        self._credentials = ice.random_credentials()
        self._restarts = 0
        self._state = "new"
        self._ice: IceAgent | None = None
        self._dtls: DtlsServer | None = None
        self._remote: RemoteParameters | None = None
        self._channels: DataChannels | None = None
        self._started_at = self._validated_at = 0.0
        self._dtls_deadline: float | None = None
        self._heard_us = 0
        self._host: str | None = None
        self._handle = port.engine.add_transport()

    @property
    def handle(self) -> int:
        """In `port.engine`; stale once closed."""
        return self._handle

    @property
    def port(self) -> MediaPort:
        return self._port

    @property
    def state(self) -> str:
        """`new`, `checking`, `connecting`, `connected`, `disconnected` or `closed`: see `TRANSITIONS`."""
        return self._state

    @property
    def local_parameters(self) -> LocalParameters:
        """For the next answer."""
        local = self._credentials
        candidates = raised(self._port.candidates, self._restarts)
        return LocalParameters(local.ufrag, local.password, self._certificate.fingerprint, candidates)

    @property
    def selected_address(self) -> Address | None:
        """Where the client is reached."""
        return self._ice.selected if self._ice is not None else None

    @property
    def path(self) -> str | None:
        """By what the client is reached: `udp`, or `tcp` where its network has no UDP; None: not at all (yet)."""
        address = self.selected_address
        return None if address is None else "udp" if len(address) == 2 else "tcp"

    # -- for its owner -------------------------------------------------------------------------------------------

    def start(self, remote: RemoteParameters) -> None:
        """Expect the client's checks; call it before the answer goes out. `LocalError` if called twice or when closed."""
        now = monotonic()
        if not self._step("started"):
            raise LocalError(f"a transport that is {self._state} cannot be started")
        self._remote = remote
        self._started_at = now
        self._ice = IceAgent(
            self._credentials,
            now,
            first_check_s=self._ice_timeout_s,
            consent_s=self._consent_s,
            silence_s=self._silence_s,
            may_have=lambda address, when: self._port.may_have(address, self, when),
        )
        self._dtls = DtlsServer(self._certificate, remote.fingerprints)
        self._port.attach(self)
        self._port.expect(self._credentials.ufrag, self)
        self._set_consent()
        self._port.reschedule(self, now)

    def update(self, remote: RemoteParameters) -> None:
        """A later offer of the same connection. `SdpError` if it changes the certificate."""
        if self._remote is None:
            raise LocalError("update before start")
        if _normal(remote.fingerprints) != _normal(self._remote.fingerprints):
            raise SdpError("the DTLS fingerprint may not change; make a new connection")
        self._remote = remote
        if self._state in ("connected", "disconnected"):
            self._open_channels()
            self._flush()

    def restart_ice(self) -> Credentials:
        """New credentials for the answer. Media goes on over the old path until the client has checked with the new ones."""
        self._credentials = ice.random_credentials()
        self._restarts += 1
        if self._ice is not None and self._state != "closed":
            self._ice.restart(self._credentials)
            self._port.expect(self._credentials.ufrag, self)
            self._take_ice_events(monotonic())
        return self._credentials

    def send_message(self, label: str, text: str) -> bool:
        """Over the client's data channel of this label. False: there is none, or it holds too much already (counted)."""
        return self._channels is not None and self._channels.send(label, text)

    async def close(self) -> None:
        """Tells the client (close_notify) and lets go of everything. Safe to call twice."""
        self._end("closed")

    # -- for its port --------------------------------------------------------------------------------------------

    def receive_stun(self, request: StunMessage, source: Address, now: float) -> StunAnswer:
        """A check that names one of our user fragments."""
        if self._ice is None:
            return None, "stun_unexpected"
        self._note_checks(now)
        answer = self._ice.receive(request, source, now)
        try:
            self._take_ice_events(now)
        except LimitError:  # the data plane takes no more addresses
            self._end("limit_reached")
            return None, "ice_address_limit"
        return answer

    def receive_dtls(self, datagram: bytes, source: Address, now: float) -> None:
        """A datagram from an address that is ours in the data plane."""
        if self._dtls is None or self._state == "closed":
            return
        self._dtls.receive(datagram, now)
        self._take_dtls_events(now)
        self._take_ice_events(now)  # data is a sign of life
        self._flush()

    def next_timer(self, now: float) -> float | None:
        """When `handle_timer` wants to run."""
        if self._ice is None or self._dtls is None or self._state == "closed":
            return None
        ice_s = self._ice.next_timer()
        times = (_on_grid(ice_s) if ice_s is not None else None, self._dtls.next_timer(), self._dtls_deadline)
        return min((when for when in times if when is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Consent, silence, the handshake's retransmission and its time-out; early calls do no harm."""
        if self._ice is None or self._dtls is None or self._state == "closed":
            return
        if self._dtls_deadline is not None and now >= self._dtls_deadline:
            self._end("dtls_timeout")
            return
        if self._lives(now):
            return
        self._note_checks(now)
        self._ice.handle_timer(now)
        self._take_ice_events(now)
        self._dtls.handle_timer(now)
        self._take_dtls_events(now)
        self._flush()

    def _lives(self, now: float) -> bool:
        """Whether it was heard so lately that nothing is due: the data plane knows, and asking it costs next to nothing."""
        if self._ice is None or self._dtls is None:
            return False
        stats = self._port.engine.transport_stats(self._handle)
        if stats.packets_received:
            self._dtls.last_flight_arrived()
        if stats.heard_us != self._heard_us:
            self._heard_us = stats.heard_us
            self._ice.note_life(stats.heard_us / 1_000_000)
            self._take_ice_events(now)
        due = self._ice.next_timer()
        return self._dtls.next_timer() is None and due is not None and now < due

    def yield_address(self, address: Address, now: float) -> bool:
        """Another client has validated one of ours; see `IceAgent.yield_address`."""
        if self._ice is None or self._state == "closed":
            return True
        self._note_checks(now)
        yielded = self._ice.yield_address(address, now)
        self._take_ice_events(now)
        return yielded

    def lose_address(self, address: Address, now: float) -> None:
        """The TCP connection that it was has ended."""
        if self._ice is None or self._state == "closed":
            return
        self._note_checks(now)
        self._ice.lose_address(address)
        self._take_ice_events(now)

    def fail(self, reason: str) -> None:
        """The port cannot go on with it. Safe to call twice."""
        self._end(reason)

    # -- inside --------------------------------------------------------------------------------------------------

    def _step(self, trigger: str) -> bool:
        state = TRANSITIONS.get((self._state, trigger))
        if state is None:
            return False
        self._state = state
        return True

    def _emit(self, event: TransportEvent) -> None:
        try:
            self._on_event(event)
        except Exception:
            self._port.refused["internal_error"] += 1
            log.exception("transport_listener_failed", transport=self._handle, what=type(event).__name__)

    def _take_ice_events(self, now: float) -> None:
        engine, handle = self._port.engine, self._handle
        while self._ice is not None and self._state != "closed" and (event := self._ice.next_event()) is not None:
            match event:
                case ice.AddressValidated(address):
                    engine.add_address(handle, address)
                    self._port.hold(address, self)
                    if self._step("validated"):
                        self._validated_at = now
                        self._dtls_deadline = now + self._dtls_timeout_s
                case ice.AddressSelected(address):
                    engine.select_address(handle, address)
                    self._note_host(address[0])
                case ice.AddressDropped(address):
                    engine.remove_address(handle, address)
                    self._port.let_go(address, self)
                case ice.CredentialsRetired(ufrag):
                    self._port.forget(ufrag)
                    self._set_consent()
                case ice.Silent():
                    self._set_consent(False)  # the next check shall be heard here, and at once
                    if self._step("silent"):
                        self._emit(Disconnected())
                case ice.Resumed():
                    self._set_consent()
                    if self._step("resumed"):
                        self._emit(Reconnected())
                case ice.Expired():
                    self._end("ice_timeout" if self._state == "checking" else "consent_expired")

    def _note_host(self, host: str) -> None:
        before, self._host = self._host, host
        if before not in (None, host) and self._state in ("connected", "disconnected"):
            self._emit(Moved(self._state))

    def _set_consent(self, routine: bool = True) -> None:
        """Have the data plane answer the client's routine checks, or none."""
        if self._ice is not None and self._state != "closed":
            credentials = self._ice.in_use
            username = f"{credentials.ufrag}:".encode() if routine else b""
            self._port.engine.set_consent(self._handle, username, credentials.password.encode())

    def _note_checks(self, now: float) -> None:
        """Those that the data plane has answered since."""
        if self._ice is not None and self._state != "closed":
            times_us = self._port.engine.check_times_us(self._handle)
            self._ice.note_checks({address: us / 1_000_000 for address, us in times_us.items()}, now)

    def _take_dtls_events(self, now: float) -> None:
        while self._dtls is not None and self._state != "closed" and (event := self._dtls.next_event()) is not None:
            match event:
                case HandshakeDone(profile, receive_key, send_key):
                    self._port.engine.set_srtp(self._handle, profile, receive_key, send_key)
                    self._dtls_deadline = None
                    self._step("secured")
                    self._open_channels()
                    self._flush()
                    self._emit(Connected(self._validated_at - self._started_at, now - self._validated_at, profile))
                case ApplicationData(data):
                    if self._ice is not None:
                        self._ice.note_life(now)
                    if self._channels is not None:
                        self._channels.receive(data)
                case DtlsClosed(reason):
                    self._end(reason)

    def _open_channels(self) -> None:
        if self._channels is None and self._remote is not None and self._remote.sctp is not None:
            self._channels = DataChannels(
                self._remote.sctp,
                send=self._send_sctp,
                on_open=lambda label: self._emit(ChannelOpened(label)),
                on_message=lambda label, text: self._emit(Message(label, text)),
                refused=self._port.refused,
            )
            self._channels.start()

    def _send_sctp(self, packet: bytes) -> None:
        if self._dtls is not None and self._dtls.send(packet):
            self._flush()

    def _flush(self) -> None:
        address = self.selected_address
        if self._dtls is not None and address is not None:
            for datagram in self._dtls.datagrams():
                self._port.send(datagram, address)

    def _end(self, reason: str) -> None:
        """The one way down: each part once, in the order in which they stand on each other."""
        if not self._step("ended"):
            return
        try:
            if self._channels is not None:
                self._channels.close()
            if self._dtls is not None:
                self._dtls.close()
                if reason != "consent_expired":  # without consent nothing may be sent (RFC 7675, section 5.1)
                    self._flush()
        finally:
            if self._ice is not None:
                self._port.detach(self, self._ice.ufrags, self._ice.addresses)
            self._port.engine.remove_transport(self._handle)
            self._emit(Closed(reason))


def _on_grid(when: float) -> float:
    """The next point of a grid that all transports share, so that a thousand of them wake the loop together."""
    return math.ceil(when / GRID_S) * GRID_S


def _normal(fingerprints: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    return {(algorithm.lower(), value.upper()) for algorithm, value in fingerprints}
