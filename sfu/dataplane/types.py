"""What crosses the border between the control plane and the data plane, as plain values.

Handles (`int`) name objects of one engine; they are never reused for another object within a process, and a stale one raises
`KeyError`. Times are microseconds of the monotonic clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

Address = tuple[str, int] | tuple[str, int, int]
"""Numeric IPv4 or IPv6 address and UDP port; or those of a TCP connection and its number, which no other ever has."""


class Kind(IntEnum):
    """Media kind of an m-line."""

    AUDIO = 0
    VIDEO = 1


class Format(IntEnum):
    """A codec with the parameters that must be equal on both sides; the values are dense and below 16."""

    OPUS = 1
    VP8 = 2
    VP9_PROFILE_0 = 3
    VP9_PROFILE_2 = 4
    H264_CONSTRAINED_BASELINE = 5
    """profile-level-id 42e0xx, packetization-mode 1"""
    H264_CONSTRAINED_BASELINE_SINGLE_NAL = 6
    """profile-level-id 42e0xx, packetization-mode 0"""
    H264_BASELINE = 7
    """profile-level-id 4200xx, packetization-mode 1"""
    H264_BASELINE_SINGLE_NAL = 8
    """profile-level-id 4200xx, packetization-mode 0"""
    H264_MAIN = 9
    """profile-level-id 4d00xx, packetization-mode 1"""
    AV1 = 10
    """profile 0"""


class Extension(IntEnum):
    """RTP header extensions that Ciranda understands; the values are dense and below 16."""

    MID = 1
    RID = 2
    REPAIRED_RID = 3
    AUDIO_LEVEL = 4
    """RFC 6464"""
    ABS_SEND_TIME = 5
    TRANSPORT_CC = 6
    """transport-wide sequence number, draft-holmer-rmcat-transport-wide-cc-extensions-01"""
    DEPENDENCY_DESCRIPTOR = 7
    VIDEO_ORIENTATION = 8
    """3GPP TS 26.114"""
    PLAYOUT_DELAY = 9


class SrtpProfile(IntEnum):
    """DTLS-SRTP protection profiles by their IANA number (RFC 5764, RFC 7714)."""

    AES_CM_128_HMAC_SHA1_80 = 0x0001
    AEAD_AES_128_GCM = 0x0007


@dataclass(frozen=True, slots=True)
class ReceiveParams:
    """What a transport may receive; one table for all its m-lines (BUNDLE)."""

    payload_types: Mapping[int, Format] = field(default_factory=dict)
    rtx: Mapping[int, int] = field(default_factory=dict)
    """RTX payload type → the payload type it repairs (apt, RFC 4588)."""
    extensions: Mapping[Extension, int] = field(default_factory=dict)
    """Negotiated id, 1 to 14, of each extension."""


@dataclass(frozen=True, slots=True)
class TrackParams:
    """One m-line on which a client sends."""

    mid: str
    kind: Kind
    rids: tuple[str, ...] = ()
    """RIDs of the simulcast layers, lowest quality first; empty without simulcast. At most 4."""
    ssrcs: tuple[int, ...] = ()
    """SSRCs signalled by `a=ssrc`, without the RTX ones; used only where no MID extension comes."""
    rtx_ssrcs: Mapping[int, int] = field(default_factory=dict)
    """Media SSRC → RTX SSRC (`a=ssrc-group:FID`)."""
    payload_types: frozenset[int] = frozenset()
    """Payload types that no other m-line of this transport uses (last resort of RFC 9143, section 9.2)."""
    nack: bool = False
    transport_cc: bool = False
    """The m-line negotiated transport-cc feedback: send it."""
    keyframe_interval_ms: int = 500
    """At most one keyframe request a layer in this time, at most a minute."""


@dataclass(frozen=True, slots=True)
class SlotFormat:
    """How one format is sent on a slot."""

    payload_type: int
    rtx_payload_type: int | None = None
    nack: bool = False


@dataclass(frozen=True, slots=True)
class SlotParams:
    """One m-line on which a client receives. SSRCs are ours and stay for the slot's life."""

    mid: str
    kind: Kind
    ssrc: int
    rtx_ssrc: int
    cname: str
    formats: Mapping[Format, SlotFormat] = field(default_factory=dict)
    extensions: Mapping[Extension, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StunReceived:
    """A datagram whose first byte is 0 to 3, from any address."""

    data: bytes
    address: Address


@dataclass(frozen=True, slots=True)
class DtlsReceived:
    """A datagram whose first byte is 20 to 63, from a validated address of `transport`."""

    transport: int
    data: bytes
    address: Address


@dataclass(frozen=True, slots=True)
class ConnectionClosed:
    """A TCP connection that had sent something has ended; nothing comes from or goes to its address any more."""

    address: Address


@dataclass(frozen=True, slots=True)
class LayerStarted:
    """The first authenticated packet of a layer, or the first after a `LayerStopped`."""

    track: int
    layer: int
    """Index in `TrackParams.rids`; 0 without simulcast."""
    ssrc: int


@dataclass(frozen=True, slots=True)
class LayerStopped:
    """No packet of this layer for `LAYER_TIMEOUT_US`."""

    track: int
    layer: int


@dataclass(frozen=True, slots=True)
class SourceEnded:
    """An RTCP BYE named the SSRC of this layer."""

    track: int
    layer: int


Event = StunReceived | DtlsReceived | ConnectionClosed | LayerStarted | LayerStopped | SourceEnded


@dataclass(frozen=True, slots=True)
class AudioLevel:
    """RFC 6464 levels of one track since the last call."""

    track: int
    loudest_dbov: int
    """0 (loudest) to 127 (silence), as the positive number on the wire."""
    mean_dbov: int
    packets: int
    voice: bool
    """At least one packet had the voice-activity bit."""


@dataclass(frozen=True, slots=True)
class LayerStats:
    """Receive statistics of one layer (RFC 3550, appendix A)."""

    ssrc: int
    live: bool
    packets: int
    bytes: int
    lost: int
    """Cumulative; recovered packets are not lost."""
    jitter_us: int
    nacks_sent: int
    keyframe_requests_sent: int
    format: Format | None


@dataclass(frozen=True, slots=True)
class SlotStats:
    """Send statistics of one slot."""

    track: int | None
    layer: int
    """The layer being forwarded, -1 for none."""
    packets: int
    bytes: int
    retransmissions: int
    nacks_received: int
    keyframe_requests_received: int
    layer_switches: int
    loss_ratio: float
    """Fraction lost in the last receiver report, 0 to 1."""
    jitter_us: int


@dataclass(frozen=True, slots=True)
class TransportStats:
    """Counters of one transport."""

    packets_received: int
    bytes_received: int
    packets_sent: int
    bytes_sent: int
    rtt_us: int
    """From the last receiver report, 0 before the first (RFC 3550, section 6.4.1)."""
    acknowledged_bps: int
    """Bits a second that transport-wide feedback acknowledged over the last second, 0 without such feedback."""
    heard_us: int
    """Monotonic time of the last authentic packet or routine check from the client, 0 before the first."""


@dataclass(frozen=True, slots=True)
class EngineCounters:
    """Totals since the engine was made. Reading them costs the packet path nothing."""

    packets: Mapping[tuple[str, str], int]
    """(direction `in` or `out`, kind `audio`, `video`, `rtx`, `rtcp`, `stun` or `dtls`) → datagrams."""
    bytes: Mapping[str, int]
    """direction → UDP payload bytes"""
    dropped: Mapping[str, int]
    """reason (lower-case name of `DropReason` without its prefix) → datagrams or packets"""
    nacks: Mapping[str, int]
    """direction → packets asked for"""
    keyframe_requests: Mapping[str, int]
    """direction → requests"""
    retransmissions: int
    layer_switches: int
    forward_latency_us: tuple[tuple[int, int], ...]
    """Histogram: (upper bound in µs, packets at or below it, cumulative); the last bound is 2**63 - 1."""
    forward_latency_sum_us: int
    busy_us: int
    """Time the worker spent outside of waiting."""
    elapsed_us: int
    connections: int
    """TCP connections open now"""
    connections_closed: Mapping[str, int]
    """reason (lower-case name of `CloseReason` without its prefix) → TCP connections ended or not taken"""
