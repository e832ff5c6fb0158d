"""What must be true of an offer as a whole before its m-lines are looked at: BUNDLE, order of m-lines, one transport.

Pure. It raises `SdpError` and never guesses; what a single m-line can carry is in `offered_media`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sfu.errors import SdpError
from sfu.negotiation.negotiated import NegotiatedLine
from sfu.protocol.sdp import CandidateLine, MediaDescription, SessionDescription

RTP_PROTOCOLS = frozenset(
    {"UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "TCP/DTLS/RTP/SAVPF", "TCP/DTLS/RTP/SAVP", "RTP/SAVPF", "RTP/SAVP"}
)
"""RFC 9429, section 5.1.2: all of them mean DTLS-SRTP."""
DATA_PROTOCOLS = frozenset({"UDP/DTLS/SCTP", "TCP/DTLS/SCTP"})
DATA_FORMAT = "webrtc-datachannel"

STRONG_HASHES = frozenset({"sha-256", "sha-384", "sha-512"})
"""RFC 8122, section 5.1, without those that are broken."""


@dataclass(frozen=True, slots=True)
class RemoteTransport:
    """The client's side of ICE and DTLS."""

    ufrag: str
    password: str
    fingerprints: tuple[tuple[str, str], ...]
    candidates: tuple[CandidateLine, ...]
    setup: str


def is_live(media: MediaDescription) -> bool:
    """Whether the client wants this m-line; port 0 means rejected unless it says bundle-only (RFC 9143, section 6)."""
    return media.port != 0 or media.bundle_only


def check_order(offer: SessionDescription, previous: Sequence[NegotiatedLine]) -> None:
    """M-lines never vanish and never swap; a mid changes only where the m-line was rejected (RFC 9429, section 5.2.2)."""
    if len(offer.media) < len(previous):
        raise SdpError(f"the offer has {len(offer.media)} m-lines, the one before had {len(previous)}")
    for media, before in zip(offer.media, previous, strict=False):
        if not before.accepted or not is_live(media):
            continue
        if media.mid != before.mid:
            raise SdpError(f"the m-line had the mid {before.mid}, which must not change", line=media.line)
        if (before.kind.name.lower() if before.kind is not None else "application") != media.kind:
            raise SdpError("the kind of the m-line must not change", line=media.line)


def check_bundle(offer: SessionDescription) -> None:
    """Every live m-line has a mid of its own, is in one BUNDLE group, and multiplexes RTCP (RFC 9143, RFC 8858)."""
    seen: set[str] = set()
    for media in offer.media:
        if media.mid is not None:
            if media.mid in seen:
                raise SdpError(f"the mid {media.mid} is there twice", line=media.line)
            seen.add(media.mid)
    group = _bundle_group(offer)
    live = [media for media in offer.media if is_live(media)]
    for media in live:
        if media.mid is None:
            raise SdpError("the m-line has no mid", line=media.line)
        if media.mid not in group and len(live) > 1:
            raise SdpError(f"the m-line {media.mid} is not in the BUNDLE group", line=media.line)
        if media.kind in ("audio", "video") and media.protocol in RTP_PROTOCOLS and not media.rtcp_mux:
            raise SdpError("the m-line does not offer rtcp-mux", line=media.line)


def _bundle_group(offer: SessionDescription) -> frozenset[str]:
    groups = [group for group in offer.groups if group.semantics == "BUNDLE"]
    if len(groups) > 1:
        raise SdpError("a second BUNDLE group: all m-lines must share one transport", line=groups[1].line)
    mids = groups[0].mids if groups else ()
    if len(set(mids)) != len(mids):
        raise SdpError("the BUNDLE group names a mid twice", line=groups[0].line)
    unknown = set(mids) - {media.mid for media in offer.media}
    if unknown:
        raise SdpError(f"the BUNDLE group names {min(unknown)}, which is no m-line's mid", line=groups[0].line)
    return frozenset(mids)


def read_transport(offer: SessionDescription, media: MediaDescription) -> RemoteTransport:
    """The client's transport, as the m-line that carries the bundle describes it, or the session's part."""
    own, common = media.transport, offer.transport
    ufrag, password = own.ice_ufrag or common.ice_ufrag, own.ice_pwd or common.ice_pwd
    if ufrag is None or password is None:
        raise SdpError("neither the m-line nor the session has ice-ufrag and ice-pwd", line=media.line)
    offered = own.fingerprints or common.fingerprints
    if not offered:
        raise SdpError("neither the m-line nor the session has a fingerprint: DTLS-SRTP is required", line=media.line)
    fingerprints = tuple((each.algorithm, each.value) for each in offered if each.algorithm in STRONG_HASHES)
    if not fingerprints:
        raise SdpError(f"no fingerprint of {', '.join(sorted(STRONG_HASHES))}", line=media.line)
    setup = own.setup or common.setup or "active"
    if setup not in ("actpass", "active"):
        raise SdpError(f"the offer says setup:{setup}; it must let the client be the DTLS client", line=media.line)
    candidates = tuple(candidate for each in offer.media for candidate in each.candidates)
    return RemoteTransport(ufrag, password, fingerprints, candidates, setup)
