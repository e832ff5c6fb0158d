"""`SessionDescription` → text. Pure; what it writes, `sdp_parser` reads back as the same value."""

from collections.abc import Iterable, Iterator

from .ice import Candidate
from .sdp_model import (
    CandidateLine,
    Direction,
    MediaDescription,
    RidRestrictions,
    SessionDescription,
    SimulcastStreams,
    TransportLines,
)

LINE_END = "\r\n"
NO_ADDRESS = "0.0.0.0"  # noqa: S104 - written into `c=` where no address is known, never bound to


def serialize(description: SessionDescription) -> str:
    """The text, with CRLF after every line."""
    return _joined(_session(description))


def _joined(lines: Iterable[str]) -> str:
    return "".join(line + LINE_END for line in lines)


def _session(description: SessionDescription) -> Iterator[str]:
    origin = description.origin
    yield "v=0"
    yield f"o={origin.username} {origin.session_id} {origin.version} IN {_family(origin.address)} {origin.address}"
    yield "s=-"
    yield "t=0 0"
    if description.ice_lite:
        yield "a=ice-lite"
    for group in description.groups:
        yield f"a=group:{' '.join((group.semantics, *group.mids))}"
    if description.extmap_allow_mixed:
        yield "a=extmap-allow-mixed"
    if description.msid_semantic is not None:
        yield f"a=msid-semantic: {description.msid_semantic}"
    yield from transport_lines(description.transport)
    if description.direction is not None:
        yield f"a={description.direction}"
    for media in description.media:
        yield from _media(media)


def _media(media: MediaDescription) -> Iterator[str]:
    connection = media.connection or NO_ADDRESS
    yield f"m={media.kind} {media.port} {media.protocol} {' '.join(media.formats)}"
    yield f"c=IN {_family(connection)} {connection}"
    if media.mid is not None:
        yield f"a=mid:{media.mid}"
    yield from transport_lines(media.transport)
    for candidate in media.candidates:
        yield f"a=candidate:{candidate_text(candidate)}"
    if media.end_of_candidates:
        yield "a=end-of-candidates"
    if media.direction is not None:
        yield f"a={media.direction}"
    for present, name in (
        (media.bundle_only, "bundle-only"),
        (media.rtcp_mux, "rtcp-mux"),
        (media.rtcp_rsize, "rtcp-rsize"),
        (media.extmap_allow_mixed, "extmap-allow-mixed"),
    ):
        if present:
            yield f"a={name}"
    yield from _rtp(media)
    if media.sctp_port is not None:
        yield f"a=sctp-port:{media.sctp_port}"
    if media.max_message_size is not None:
        yield f"a=max-message-size:{media.max_message_size}"


def _rtp(media: MediaDescription) -> Iterator[str]:
    for extension in media.extensions:
        direction = "" if extension.direction is Direction.SENDRECV else f"/{extension.direction}"
        yield f"a=extmap:{extension.id}{direction} {extension.uri}"
    for media_stream_id in media.media_stream_ids:
        track = "" if media_stream_id.track is None else f" {media_stream_id.track}"
        yield f"a=msid:{media_stream_id.stream}{track}"
    for rtp_map in media.rtp_maps.values():
        channels = f"/{rtp_map.channels}" if rtp_map.channels != 1 else ""
        yield f"a=rtpmap:{rtp_map.payload_type} {rtp_map.encoding}/{rtp_map.clock_rate}{channels}"
    for payload_type, parameters in media.format_parameters.items():
        yield f"a=fmtp:{payload_type} {parameters}"
    for feedback in media.feedback:
        yield f"a=rtcp-fb:{'*' if feedback.payload_type is None else feedback.payload_type} {feedback.name}"
    for rid in media.rids:
        yield f"a=rid:{_rid(rid)}"
    if media.simulcast is not None:
        send, receive = media.simulcast.send, media.simulcast.receive
        lists = [(name, each) for name, each in (("send", send), ("recv", receive)) if each]
        yield f"a=simulcast:{' '.join(f'{name} {_simulcast(each)}' for name, each in lists)}"
    for group in media.ssrc_groups:
        yield f"a=ssrc-group:{' '.join((group.semantics, *map(str, group.ssrcs)))}"
    for ssrc, cname in media.ssrcs.items():
        yield f"a=ssrc:{ssrc} {'cname' if cname is None else f'cname:{cname}'}"


def _rid(rid: RidRestrictions) -> str:
    formats = [f"pt={','.join(map(str, rid.payload_types))}"] if rid.payload_types else []
    restrictions = ";".join((*formats, *rid.restrictions))
    return f"{rid.id} {'send' if rid.sends else 'recv'}{' ' if restrictions else ''}{restrictions}"


def _simulcast(streams: SimulcastStreams) -> str:
    return ";".join(",".join(("~" if each.paused else "") + each.id for each in stream) for stream in streams)


def transport_lines(transport: TransportLines) -> Iterator[str]:
    """The lines of ICE and DTLS; fragments (RFC 8840) use them too."""
    if transport.ice_ufrag is not None:
        yield f"a=ice-ufrag:{transport.ice_ufrag}"
    if transport.ice_pwd is not None:
        yield f"a=ice-pwd:{transport.ice_pwd}"
    if transport.ice_options:
        yield f"a=ice-options:{' '.join(transport.ice_options)}"
    for fingerprint in transport.fingerprints:
        yield f"a=fingerprint:{fingerprint.algorithm} {fingerprint.value}"
    if transport.setup is not None:
        yield f"a=setup:{transport.setup}"


def candidate_line(candidate: Candidate | CandidateLine) -> CandidateLine:
    """One of our own host candidates as it is written."""
    if isinstance(candidate, CandidateLine):
        return candidate
    address, port = candidate.address
    transport, tcptype = ("tcp", "passive") if candidate.tcp else ("udp", None)
    return CandidateLine(
        candidate.foundation, candidate.component, transport, candidate.priority, address, port, tcptype=tcptype
    )


def candidate_text(candidate: CandidateLine) -> str:
    """What follows `a=candidate:` (RFC 8839, section 5.1; RFC 6544, section 4.5)."""
    tcptype = f" tcptype {candidate.tcptype}" if candidate.tcptype is not None else ""
    return (
        f"{candidate.foundation} {candidate.component} {candidate.transport} {candidate.priority} "
        f"{candidate.address} {candidate.port} typ {candidate.type}{tcptype}"
    )


def _family(address: str) -> str:
    return "IP6" if ":" in address else "IP4"
