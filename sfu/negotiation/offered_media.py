"""What one RTP m-line of an offer holds that Ciranda can use: formats, header extensions, simulcast layers, SSRCs.

Pure. It knows one m-line only and neither directions nor roles; everything that Ciranda does not know is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sfu.dataplane.types import Extension, Format, Kind
from sfu.errors import SdpError
from sfu.negotiation.capabilities import (
    EXTENSION_URIS,
    FEEDBACK,
    MAX_EXTENSION_ID,
    Capabilities,
    match_format,
    parse_parameters,
)
from sfu.protocol.sdp import ExtensionMap, MediaDescription, RidRestrictions, RtpMap

MAX_SSRCS = 16
"""Media SSRCs that one m-line may signal: four layers are the most that is forwarded, and a reset may change each."""


@dataclass(frozen=True, slots=True)
class OfferedFormat:
    """A payload type that stands for a format that Ciranda forwards."""

    format: Format
    payload_type: int
    rtp_map: RtpMap
    parameters: Mapping[str, str]
    feedback: tuple[str, ...]
    """What the answer may accept, in its order."""
    rtx: RtpMap | None
    """The payload type that repairs this one (RFC 4588)."""

    @property
    def nack(self) -> bool:
        return "nack" in self.feedback


@dataclass(frozen=True, slots=True)
class OfferedMedia:
    """The usable part of one audio or video m-line."""

    kind: Kind
    formats: tuple[OfferedFormat, ...]
    """In the order of the offer, one for each `Format`; never empty."""
    extensions: Mapping[Extension, ExtensionMap]
    layers: tuple[RidRestrictions, ...]
    """Simulcast layers that the client wants to send, in the order of the offer, which browsers make that of
    `sendEncodings`: by convention lowest quality first. Empty without simulcast."""
    ssrcs: tuple[int, ...]
    """Without those that repair others."""
    rtx_ssrcs: Mapping[int, int]


def read_media(media: MediaDescription, kind: Kind, capabilities: Capabilities) -> OfferedMedia | None:
    """None: no format in common. Raises `SdpError` where the m-line contradicts itself."""
    extensions = _extensions(media, capabilities)
    formats = _formats(media, kind, capabilities, transport_cc=Extension.TRANSPORT_CC in extensions)
    if not formats:
        return None
    layered = kind is Kind.VIDEO and Extension.RID in extensions
    ssrcs, rtx_ssrcs = _ssrcs(media)
    layers = _layers(media, {each.payload_type for each in formats}, capabilities.max_layers) if layered else ()
    return OfferedMedia(kind, formats, extensions, layers, ssrcs, rtx_ssrcs)


def _formats(
    media: MediaDescription, kind: Kind, capabilities: Capabilities, *, transport_cc: bool
) -> tuple[OfferedFormat, ...]:
    matched: dict[Format, tuple[RtpMap, dict[str, str]]] = {}
    repairs: dict[int, RtpMap] = {}
    for rtp_map in (media.rtp_maps[int(each)] for each in media.formats if int(each) in media.rtp_maps):
        parameters = parse_parameters(media.format_parameters.get(rtp_map.payload_type, ""))
        if rtp_map.encoding.lower() == "rtx":
            apt = parameters.get("apt", "")
            if apt.isascii() and apt.isdigit() and len(apt) <= 3:
                repairs.setdefault(int(apt), rtp_map)
            continue
        found = match_format(kind, rtp_map, parameters)
        if found in capabilities.formats and found not in matched:
            matched[found] = (rtp_map, parameters)
    return tuple(
        OfferedFormat(
            format=found,
            payload_type=rtp_map.payload_type,
            rtp_map=rtp_map,
            parameters=parameters,
            feedback=_feedback(media, rtp_map.payload_type, transport_cc=transport_cc),
            rtx=_matching_rtx(rtp_map, repairs.get(rtp_map.payload_type)),
        )
        for found, (rtp_map, parameters) in matched.items()
    )


def _matching_rtx(rtp_map: RtpMap, rtx: RtpMap | None) -> RtpMap | None:
    return rtx if rtx is not None and rtx.clock_rate == rtp_map.clock_rate else None


def _feedback(media: MediaDescription, payload_type: int, *, transport_cc: bool) -> tuple[str, ...]:
    """transport-cc needs its header extension; goog-remb is taken only in its place."""
    offered = {each.name for each in media.feedback if each.payload_type in (None, payload_type)}
    if not transport_cc:
        offered.discard("transport-cc")
    if "transport-cc" in offered:
        offered.discard("goog-remb")
    return tuple(name for name in FEEDBACK if name in offered)


def _extensions(media: MediaDescription, capabilities: Capabilities) -> dict[Extension, ExtensionMap]:
    result: dict[Extension, ExtensionMap] = {}
    ids: dict[int, Extension] = {}
    for each in media.extensions:
        extension = EXTENSION_URIS.get(each.uri)
        if extension is None or extension not in capabilities.extensions or each.id > MAX_EXTENSION_ID:
            continue
        if result.setdefault(extension, each).id != each.id:
            raise SdpError(f"a second id for the header extension {each.uri}", line=each.line)
        if ids.setdefault(each.id, extension) is not extension:
            raise SdpError(f"the header extension id {each.id} is there twice", line=each.line)
    return result


def _layers(media: MediaDescription, payload_types: set[int], max_layers: int) -> tuple[RidRestrictions, ...]:
    """Of alternatives the first that can be received is taken; layers beyond `max_layers` are left out (RFC 8853)."""
    offered = {}
    for rid in media.rids:
        if rid.sends and (not rid.payload_types or payload_types.intersection(rid.payload_types)):
            if rid.id in offered:
                raise SdpError(f"the rid {rid.id} is there twice", line=rid.line)
            offered[rid.id] = rid
    if media.simulcast is None or not media.simulcast.send:
        chosen = list(offered.values())
    else:
        usable = ([each.id for each in stream if each.id in offered] for stream in media.simulcast.send)
        chosen = [offered[alternatives[0]] for alternatives in usable if alternatives]
    return tuple(chosen[:max_layers])


def _ssrcs(media: MediaDescription) -> tuple[tuple[int, ...], dict[int, int]]:
    """(media SSRCs in order, media SSRC → the one that repairs it); an m-line without the group has RTX found by RID."""
    rtx_ssrcs: dict[int, int] = {}
    repairing: set[int] = set()
    for group in media.ssrc_groups:
        if group.semantics in ("FID", "FEC", "FEC-FR") and len(group.ssrcs) > 1:
            repairing.update(group.ssrcs[1:])
            if group.semantics == "FID":
                rtx_ssrcs[group.ssrcs[0]] = group.ssrcs[1]
    ssrcs = tuple(ssrc for ssrc in media.ssrcs if ssrc not in repairing)
    if len(ssrcs) > MAX_SSRCS:
        raise SdpError(f"the m-line signals {len(ssrcs)} SSRCs, more than {MAX_SSRCS}", line=media.line)
    return ssrcs, {ssrc: rtx_ssrcs[ssrc] for ssrc in ssrcs if ssrc in rtx_ssrcs}
