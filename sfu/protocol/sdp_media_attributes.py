"""Values of the attributes that describe RTP streams and their formats.

Each function takes the text after the attribute's colon, gives a value, or raises `Malformed`.
"""

from .sdp_model import (
    Direction,
    ExtensionMap,
    Feedback,
    Group,
    MediaStreamId,
    RidRestrictions,
    RtpMap,
    Simulcast,
    SimulcastRid,
    SimulcastStreams,
    SsrcGroup,
)
from .sdp_text import MAX_TAG_LENGTH, MAX_UINT32, RID_CHARS, Malformed, chars, number, shown, token, words

MAX_PAYLOAD_TYPE = 127
MAX_EXTENSION_ID = 4_351
"""1 to 255 on the wire, 4,096 to 4,351 as proposals of an offer (RFC 8285, section 7)"""
MAX_SIMULCAST_STREAMS = 32
MAX_GROUP_SSRCS = 64
_DIRECTIONS = {direction.value: direction for direction in Direction}


def payload_type(value: str) -> int:
    return number(value, "the payload type", MAX_PAYLOAD_TYPE)


def mid(value: str) -> str:
    return token(value.strip(), "the mid", longest=MAX_TAG_LENGTH)


def group(value: str, line: int) -> Group:
    parts = words(value, "the group", least=1)
    return Group(
        token(parts[0], "the group's semantics"), tuple(token(part, "a mid of the group") for part in parts[1:]), line
    )


def rtp_map(value: str, line: int) -> RtpMap:
    parts = words(value, "the rtpmap", least=2)
    fields = parts[1].split("/")
    if len(parts) > 2 or not 2 <= len(fields) <= 3:
        raise Malformed(f"the rtpmap is not `payload-type name/clock-rate[/channels]`: {shown(value)}")
    return RtpMap(
        payload_type(parts[0]),
        token(fields[0], "the rtpmap's name", longest=64),
        number(fields[1], "the rtpmap's clock rate", MAX_UINT32, minimum=1),
        number(fields[2], "the rtpmap's channels", 255, minimum=1) if len(fields) == 3 else 1,
        line,
    )


def format_parameters(value: str) -> tuple[str, str]:
    """(format, parameters): the parameters' grammar belongs to the codec."""
    name, _, parameters = value.partition(" ")
    return token(name, "the format of the fmtp"), parameters.strip()


def feedback(value: str) -> Feedback:
    parts = words(value, "the rtcp-fb", least=2)
    return Feedback(None if parts[0] == "*" else payload_type(parts[0]), " ".join(parts[1:]).lower())


def extension_map(value: str, line: int) -> ExtensionMap:
    parts = words(value, "the extmap", least=2)
    number_text, slash, direction_text = parts[0].partition("/")
    direction = _DIRECTIONS.get(direction_text) if slash else Direction.SENDRECV
    if direction is None:
        raise Malformed(f"the extmap has an unknown direction {shown(direction_text)}")
    return ExtensionMap(number(number_text, "the extmap's id", MAX_EXTENSION_ID, minimum=1), parts[1], direction, line)


def rid(value: str, line: int) -> RidRestrictions:
    parts = words(value, "the rid", least=2)
    if parts[1] not in ("send", "recv"):
        raise Malformed(f"the rid's direction is {shown(parts[1])}, neither send nor recv")
    payload_types: tuple[int, ...] = ()
    restrictions: list[str] = []
    for part in ";".join(parts[2:]).split(";"):
        if part.startswith("pt="):
            payload_types = tuple(payload_type(each) for each in part.removeprefix("pt=").split(","))
        elif part:
            restrictions.append(part)
    return RidRestrictions(rid_id(parts[0]), parts[1] == "send", payload_types, tuple(restrictions), line)


def rid_id(value: str) -> str:
    return chars(value, "the rid", RID_CHARS, longest=MAX_TAG_LENGTH)


def simulcast(value: str, line: int) -> Simulcast:
    parts = words(value, "the simulcast attribute", least=2)
    found: dict[str, SimulcastStreams] = {}
    if len(parts) not in (2, 4):
        raise Malformed(f"the simulcast attribute is not `direction list [direction list]`: {shown(value)}")
    for direction, streams in zip(parts[::2], parts[1::2], strict=True):
        if direction not in ("send", "recv") or direction in found:
            raise Malformed(f"the simulcast attribute's direction {shown(direction)} is unknown or said twice")
        found[direction] = _simulcast_streams(streams)
    return Simulcast(found.get("send", ()), found.get("recv", ()), line)


def _simulcast_streams(value: str) -> SimulcastStreams:
    streams = value.split(";")
    if len(streams) > MAX_SIMULCAST_STREAMS:
        raise Malformed(f"more than {MAX_SIMULCAST_STREAMS} simulcast streams")
    result = []
    seen: set[str] = set()
    for stream in streams:
        alternatives = tuple(
            SimulcastRid(rid_id(each.removeprefix("~")), each.startswith("~")) for each in stream.split(",")
        )
        for each in alternatives:
            if each.id in seen:
                raise Malformed(f"the simulcast attribute names the rid {each.id} twice")
            seen.add(each.id)
        result.append(alternatives)
    return tuple(result)


def ssrc(value: str) -> tuple[int, str, str]:
    """(SSRC, name of its attribute, the attribute's value)."""
    identifier, _, attribute = value.partition(" ")
    name, _, content = attribute.strip().partition(":")
    if not name:
        raise Malformed(f"the ssrc line has no attribute: {shown(value)}")
    return number(identifier, "the SSRC", MAX_UINT32), name, content


def ssrc_group(value: str) -> SsrcGroup:
    parts = words(value, "the ssrc-group", least=2)
    ssrcs = tuple(number(part, "an SSRC of the group", MAX_UINT32) for part in parts[1:])
    if len(ssrcs) > MAX_GROUP_SSRCS or len(set(ssrcs)) != len(ssrcs):
        raise Malformed("the ssrc-group names an SSRC twice, or too many")
    return SsrcGroup(token(parts[0], "the ssrc-group's semantics").upper(), ssrcs)


def media_stream_id(value: str) -> MediaStreamId:
    parts = words(value, "the msid", least=1)
    return MediaStreamId(parts[0], parts[1] if len(parts) > 1 else None)
