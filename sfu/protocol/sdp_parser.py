"""Text → `SessionDescription`. Raises `SdpError` that names the line, and nothing else, whatever the text.

It checks grammar and what one section may say; it never compares sections, which is negotiation's business.
"""

from sfu.errors import SdpError

from . import sdp_media_attributes as media
from . import sdp_transport_attributes as transport
from .sdp_model import Direction, MediaDescription, Origin, RtpMap, SdpLimits, SessionDescription, TransportLines
from .sdp_sections import Attributes, Section, at_line, split_sections
from .sdp_text import MAX_UINT64, Malformed, number, shown, token, words

DEFAULT_LIMITS = SdpLimits()

_OPENING = (("v", 1), ("o", 2), ("s", 3))
"""The lines that every description opens with (RFC 8866, section 5)."""


def parse(text: str, *, limits: SdpLimits = DEFAULT_LIMITS) -> SessionDescription:
    """Read a session description. Line ends may be CRLF or LF. Raises `SdpError`."""
    session, *media_sections = split_sections(text, limits)
    origin = _opening(session)
    attributes = session.attributes
    return SessionDescription(
        origin=origin,
        media=tuple(_media(section) for section in media_sections),
        groups=attributes.numbered("group", media.group),
        transport=_transport(attributes),
        direction=_direction(attributes),
        ice_lite=attributes.flag("ice-lite"),
        extmap_allow_mixed=attributes.flag("extmap-allow-mixed"),
        msid_semantic=attributes.one("msid-semantic", str.strip),
    )


def _opening(session: Section) -> Origin:
    for kind, line in _OPENING:
        found = session.lines.get(kind, [])
        if not found or found[0][0] != line:
            raise SdpError(f"the line is not `{kind}=`", line=line)
        if len(found) > 1:
            raise SdpError(f"a second {kind}=", line=found[1][0])
    if session.lines["v"][0][1].strip() != "0":
        raise SdpError("the version is not 0", line=1)
    if "t" not in session.lines:
        raise SdpError("the session has no t= line", line=3)
    return at_line(2, _origin, session.lines["o"][0][1])


def _origin(value: str) -> Origin:
    parts = words(value, "the origin", least=6)
    if len(parts) != 6:
        raise Malformed(f"the origin is not six words: {shown(value)}")
    return Origin(
        session_id=number(parts[1], "the session id", MAX_UINT64),
        version=number(parts[2], "the session version", MAX_UINT64),
        username=parts[0],
        address=parts[5],
    )


def _media(section: Section) -> MediaDescription:
    attributes = section.attributes
    kind, port, protocol, formats = at_line(section.line, _media_line, section.header)
    return MediaDescription(
        kind=kind,
        port=port,
        protocol=protocol,
        formats=formats,
        mid=attributes.one("mid", media.mid),
        direction=_direction(attributes),
        transport=_transport(attributes),
        connection=_connection(section),
        rtcp_mux=attributes.flag("rtcp-mux"),
        rtcp_rsize=attributes.flag("rtcp-rsize"),
        bundle_only=attributes.flag("bundle-only"),
        extmap_allow_mixed=attributes.flag("extmap-allow-mixed"),
        extensions=attributes.numbered("extmap", media.extension_map),
        rtp_maps=_rtp_maps(attributes),
        format_parameters=_format_parameters(attributes),
        feedback=attributes.all("rtcp-fb", media.feedback),
        rids=attributes.numbered("rid", media.rid),
        simulcast=attributes.one("simulcast", lambda value: media.simulcast(value, attributes.line("simulcast"))),
        media_stream_ids=attributes.all("msid", media.media_stream_id),
        ssrcs=_ssrcs(attributes),
        ssrc_groups=attributes.all("ssrc-group", media.ssrc_group),
        candidates=attributes.all("candidate", transport.candidate),
        end_of_candidates=attributes.flag("end-of-candidates"),
        sctp_port=attributes.one("sctp-port", transport.sctp_port),
        max_message_size=attributes.one("max-message-size", transport.max_message_size),
        line=section.line,
    )


def _media_line(value: str) -> tuple[str, int, str, tuple[str, ...]]:
    parts = words(value, "the m-line", least=4)
    port, slash, count = parts[1].partition("/")
    if slash and number(count, "the number of ports", 65_535) != 1:
        raise Malformed("an m-line with several ports")
    formats = tuple(token(part, "a format of the m-line", longest=64) for part in parts[3:])
    if "RTP/" in parts[2]:
        for each in formats:
            media.payload_type(each)
    if len(set(formats)) != len(formats):
        raise Malformed("the m-line names a format twice")
    kind = token(parts[0], "the media type", longest=32)
    protocol = parts[2]
    for part in protocol.split("/"):
        token(part, "the protocol", longest=32)
    return kind, number(port, "the port", 65_535), protocol, formats


def _connection(section: Section) -> str | None:
    found = section.lines.get("c")
    if not found:
        return None
    line, value = found[0]
    return at_line(line, lambda: words(value, "the connection line", least=3)[2])


def _transport(attributes: Attributes) -> TransportLines:
    return TransportLines(
        ice_ufrag=attributes.one("ice-ufrag", transport.ice_ufrag),
        ice_pwd=attributes.one("ice-pwd", transport.ice_pwd),
        ice_options=attributes.one("ice-options", transport.ice_options) or (),
        fingerprints=attributes.all("fingerprint", transport.fingerprint),
        setup=attributes.one("setup", transport.setup),
    )


def _direction(attributes: Attributes) -> Direction | None:
    found = [direction for direction in Direction if attributes.flag(direction)]
    if len(found) > 1:
        line = max(attributes.line(direction) for direction in found)
        raise SdpError("a second, different direction in the same section", line=line)
    return found[0] if found else None


def _rtp_maps(attributes: Attributes) -> dict[int, RtpMap]:
    result: dict[int, RtpMap] = {}
    for rtp_map in attributes.numbered("rtpmap", media.rtp_map):
        if result.setdefault(rtp_map.payload_type, rtp_map) != rtp_map:
            raise SdpError(f"a second, different rtpmap of payload type {rtp_map.payload_type}", line=rtp_map.line)
    return result


def _format_parameters(attributes: Attributes) -> dict[int, str]:
    """Several fmtp lines of one payload type count as one."""
    found: dict[int, list[str]] = {}
    for name, parameters in attributes.all("fmtp", media.format_parameters):
        if name.isascii() and name.isdigit() and len(name) <= 3 and int(name) <= media.MAX_PAYLOAD_TYPE:
            found.setdefault(int(name), []).append(parameters)
    return {payload_type: ";".join(each) for payload_type, each in found.items()}


def _ssrcs(attributes: Attributes) -> dict[int, str | None]:
    result: dict[int, str | None] = {}
    for ssrc, name, value in attributes.all("ssrc", media.ssrc):
        if name == "cname":
            result[ssrc] = value
        else:
            result.setdefault(ssrc)
    return result
