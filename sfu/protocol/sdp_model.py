"""Session descriptions as values: what `sdp_parser` reads and `sdp_writer` writes (RFC 8866, RFC 9429).

It never decides anything: whether a description is acceptable is the business of negotiation. Only what Ciranda uses
is kept; attributes without a field here do not survive parsing. `line` fields hold the 1-based line of the parsed text,
for error messages, and take no part in comparisons; they are 0 in descriptions that were built.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Direction(StrEnum):
    """Direction of media as seen by the side that wrote the description (RFC 8866, section 6.7)."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def sends(self) -> bool:
        return self in (Direction.SENDRECV, Direction.SENDONLY)

    @property
    def receives(self) -> bool:
        return self in (Direction.SENDRECV, Direction.RECVONLY)

    @property
    def reversed(self) -> "Direction":
        return Direction.of(sends=self.receives, receives=self.sends)

    @staticmethod
    def of(*, sends: bool, receives: bool) -> "Direction":
        if sends:
            return Direction.SENDRECV if receives else Direction.SENDONLY
        return Direction.RECVONLY if receives else Direction.INACTIVE


@dataclass(frozen=True, slots=True)
class Origin:
    """`o=` (RFC 8866, section 5.2)."""

    session_id: int
    version: int
    username: str = "-"
    address: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Group:
    """`a=group` (RFC 5888)."""

    semantics: str
    mids: tuple[str, ...]
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class RtpMap:
    """`a=rtpmap` (RFC 8866, section 6.6)."""

    payload_type: int
    encoding: str
    clock_rate: int
    """Hz"""
    channels: int = 1
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Feedback:
    """`a=rtcp-fb` (RFC 4585, section 4.2)."""

    payload_type: int | None
    """None: `*`, every payload type of the m-line."""
    name: str
    """Type and parameter as written, in lower case: `nack`, `nack pli`, `ccm fir`, `transport-cc`."""


@dataclass(frozen=True, slots=True)
class ExtensionMap:
    """`a=extmap` (RFC 8285, section 5)."""

    id: int
    uri: str
    direction: Direction = Direction.SENDRECV
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class RidRestrictions:
    """`a=rid` (RFC 8851)."""

    id: str
    sends: bool
    """`send` or `recv`, as seen by the side that wrote the line."""
    payload_types: tuple[int, ...] = ()
    """Of `pt=`; empty: all of the m-line."""
    restrictions: tuple[str, ...] = ()
    """The others, as written: `max-width=1280`."""
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class SimulcastRid:
    """One alternative of a simulcast stream."""

    id: str
    paused: bool = False
    """Written as `~`: the stream starts paused."""


SimulcastStreams = tuple[tuple[SimulcastRid, ...], ...]
"""Streams in order of preference; each has one or more alternatives."""


@dataclass(frozen=True, slots=True)
class Simulcast:
    """`a=simulcast` (RFC 8853)."""

    send: SimulcastStreams = ()
    receive: SimulcastStreams = ()
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class SsrcGroup:
    """`a=ssrc-group` (RFC 5576, section 4.2)."""

    semantics: str
    ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MediaStreamId:
    """`a=msid` (RFC 8830)."""

    stream: str
    """`-`: no stream."""
    track: str | None = None


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """`a=fingerprint` (RFC 8122)."""

    algorithm: str
    """Lower case: `sha-256`."""
    value: str
    """Upper-case pairs of hexadecimal digits, joined by `:`."""


@dataclass(frozen=True, slots=True)
class CandidateLine:
    """`a=candidate` (RFC 8839, section 5.1); of extension attributes, only `tcptype` is kept."""

    foundation: str
    component: int
    transport: str
    """Lower case: `udp` or `tcp`."""
    priority: int
    address: str
    """IPv4, IPv6 or a name such as a browser's `….local`."""
    port: int
    type: str = "host"
    tcptype: str | None = None
    """`active`, `passive` or `so` (RFC 6544, section 4.5)."""


@dataclass(frozen=True, slots=True)
class TransportLines:
    """What describes the ICE and DTLS transport; may stand in the session's part or an m-line's part."""

    ice_ufrag: str | None = None
    ice_pwd: str | None = None
    ice_options: tuple[str, ...] = ()
    fingerprints: tuple[Fingerprint, ...] = ()
    setup: str | None = None
    """`actpass`, `active`, `passive` or `holdconn` (RFC 4145)."""


@dataclass(frozen=True, slots=True)
class MediaDescription:
    """An m-line and what follows it."""

    kind: str
    """`audio`, `video`, `application`, …"""
    port: int
    protocol: str
    formats: tuple[str, ...]
    """As written; payload types for RTP."""
    mid: str | None = None
    direction: Direction | None = None
    """None: not said, which means the session's, else sendrecv."""
    transport: TransportLines = TransportLines()
    connection: str | None = None
    """Address of `c=`."""
    rtcp_mux: bool = False
    rtcp_rsize: bool = False
    bundle_only: bool = False
    extmap_allow_mixed: bool = False
    extensions: tuple[ExtensionMap, ...] = ()
    rtp_maps: Mapping[int, RtpMap] = field(default_factory=dict)
    format_parameters: Mapping[int, str] = field(default_factory=dict)
    """Payload type → text of `a=fmtp`."""
    feedback: tuple[Feedback, ...] = ()
    rids: tuple[RidRestrictions, ...] = ()
    simulcast: Simulcast | None = None
    media_stream_ids: tuple[MediaStreamId, ...] = ()
    ssrcs: Mapping[int, str | None] = field(default_factory=dict)
    """Signalled SSRCs in order → CNAME, None where no CNAME was given."""
    ssrc_groups: tuple[SsrcGroup, ...] = ()
    candidates: tuple[CandidateLine, ...] = ()
    end_of_candidates: bool = False
    sctp_port: int | None = None
    max_message_size: int | None = None
    """Bytes; 0: any size (RFC 8841, section 6)."""
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """A whole description."""

    origin: Origin
    media: tuple[MediaDescription, ...] = ()
    groups: tuple[Group, ...] = ()
    transport: TransportLines = TransportLines()
    direction: Direction | None = None
    ice_lite: bool = False
    extmap_allow_mixed: bool = False
    msid_semantic: str | None = None
    """Text of `a=msid-semantic`."""


@dataclass(frozen=True, slots=True)
class SdpLimits:
    """Bounds on what is read at all. The defaults are Ciranda's own, no standard's."""

    max_bytes: int = 131_072
    """Chromium 156 writes 6.2 kB for a pair of an audio and a video slot: room for 20 pairs."""
    max_lines: int = 8_192
    max_line_length: int = 4_096
    """Characters."""
    max_media: int = 256
    max_attributes: int = 1_024
    """`a=` lines of one m-line, and of the session's part."""
