"""The values that go into a negotiation and come out of it. Nothing here acts."""

from dataclasses import dataclass

from sfu.dataplane.types import Kind, ReceiveParams, SlotParams, TrackParams
from sfu.ids import Mid, Ufrag
from sfu.protocol.ice import Candidate
from sfu.protocol.sdp import CandidateLine


@dataclass(frozen=True, slots=True)
class LocalParameters:
    """Our side of the transport."""

    ufrag: Ufrag
    password: str
    fingerprint: str
    """`sha-256 AB:CD:…`"""
    candidates: tuple[Candidate, ...]
    session_id: int
    """Of `o=`, at most 62 bits; the same for a connection's whole life (RFC 9429, section 5.2.1)."""
    session_version: int
    """At least this is written into `o=`; it always rises from answer to answer."""
    cname: str


@dataclass(frozen=True, slots=True)
class Role:
    """What the answer may accept at all. An m-line whose direction is not allowed is answered `inactive`."""

    publish: bool
    subscribe: bool


@dataclass(frozen=True, slots=True)
class NegotiatedLine:
    """One m-line after offer and answer."""

    mid: Mid
    """Empty only for a rejected m-line without one."""
    index: int
    kind: Kind | None
    """None: data channels, or rejected media of another kind."""
    accepted: bool
    """False: port 0 in the answer; the m-line may be recycled by a later offer (RFC 9429, section 5.2.2)."""
    track: TrackParams | None = None
    """The client sends here."""
    slot: SlotParams | None = None
    """The client receives here."""
    slot_number: int | None = None
    """n of the slot's media stream `slot-n`, which an audio and a video slot share; stays for the slot's life."""


@dataclass(frozen=True, slots=True)
class DataChannelParams:
    """The m-line of data channels (RFC 8841)."""

    mid: Mid
    remote_port: int
    """SCTP port of the client."""
    max_message_size: int
    """Bytes that the client takes in one message; 0: any size."""


@dataclass(frozen=True, slots=True)
class Negotiated:
    """The outcome of one offer and its answer."""

    answer: str
    lines: tuple[NegotiatedLine, ...]
    receive: ReceiveParams
    remote_ufrag: str
    remote_password: str
    remote_fingerprints: tuple[tuple[str, str], ...]
    """(algorithm, value)"""
    remote_candidates: tuple[CandidateLine, ...]
    """An ICE-lite server has no use for them but counting."""
    data_channels: DataChannelParams | None
    ice_restart: bool
    """The client's ICE credentials changed: make new ones, then negotiate the same offer again with them."""
    remote_setup: str
    """`actpass` or `active`"""
    session_version: int
    """Of `o=` in the answer."""
