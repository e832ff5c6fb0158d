"""What a transport is told, tells and reports: plain values. Every event carries the transport's `state` after it."""

from dataclasses import dataclass

from sfu.data_channels import SctpParameters
from sfu.dataplane.types import SrtpProfile
from sfu.ids import Ufrag
from sfu.protocol.ice import Candidate


@dataclass(frozen=True, slots=True)
class RemoteParameters:
    """What the client's offer says about its transport. An ICE-lite agent needs neither its ufrag nor its candidates."""

    fingerprints: tuple[tuple[str, str], ...]
    """(algorithm, value) of each `a=fingerprint`."""
    sctp: SctpParameters | None = None
    """None: no data channels."""


@dataclass(frozen=True, slots=True)
class LocalParameters:
    """What the answer says about ours."""

    ufrag: Ufrag
    password: str
    fingerprint: str
    """`sha-256 AB:CD:…`"""
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Connected:
    """SRTP keys are in the data plane: media may be routed."""

    ice_s: float
    """From `start` to the first valid check."""
    dtls_s: float
    """From that to the end of the handshake."""
    profile: SrtpProfile
    state: str = "connected"


@dataclass(frozen=True, slots=True)
class Disconnected:
    """Nothing was heard for 8 s; it may come back until consent expires."""

    state: str = "disconnected"


@dataclass(frozen=True, slots=True)
class Reconnected:
    """Heard again after `Disconnected`."""

    state: str = "connected"


@dataclass(frozen=True, slots=True)
class Moved:
    """The client is reached at another IP address: it has changed networks."""

    state: str = "connected"


@dataclass(frozen=True, slots=True)
class Closed:
    """The end, reported exactly once; nothing follows."""

    reason: str
    """`closed` (by us), `closed_by_peer`, `ice_timeout`, `consent_expired`, `dtls_timeout`, `dtls_failed`, `dtls_error`,
    `no_srtp_profile`, `fingerprint_mismatch`, `limit_reached` (addresses), `shutting_down` or `internal_error`"""
    state: str = "closed"


@dataclass(frozen=True, slots=True)
class ChannelOpened:
    """The client opened a data channel; `send_message` works for this label."""

    label: str


@dataclass(frozen=True, slots=True)
class Message:
    """Text on a data channel."""

    label: str
    text: str


TransportEvent = Connected | Disconnected | Reconnected | Moved | Closed | ChannelOpened | Message
