"""The answer's text, from what was decided about each m-line. Pure; it decides nothing but the form (RFC 9429, section 5.3).

Ciranda is ICE-lite and always the DTLS server. What describes the transport needs to stand only in the m-line that
carries the bundle (RFC 9143, section 7.3.3). It stands in all, for clients that look elsewhere: aiortc with max-bundle
takes the candidates of the last one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sfu.negotiation.capabilities import Capabilities, answer_parameters
from sfu.negotiation.line_plan import LinePlan
from sfu.negotiation.negotiated import LocalParameters, NegotiatedLine
from sfu.negotiation.offered_media import OfferedMedia
from sfu.protocol.sdp import (
    CandidateLine,
    Direction,
    ExtensionMap,
    Feedback,
    Fingerprint,
    Group,
    MediaDescription,
    MediaStreamId,
    Origin,
    RtpMap,
    SessionDescription,
    Simulcast,
    SimulcastRid,
    SsrcGroup,
    TransportLines,
    serialize,
)
from sfu.protocol.sdp import candidate_line as to_line

DISCARD_PORT = 9
"""Where no candidate is known (RFC 8840, section 4.1.1)."""

ICE_OPTIONS = ("trickle", "ice2")
"""Late candidates do no harm (RFC 8840); nomination as in RFC 8445."""


@dataclass(frozen=True, slots=True)
class _Transport:
    """The lines that all accepted m-lines share."""

    lines: TransportLines
    candidates: tuple[CandidateLine, ...]
    port: int
    address: str | None


def write_answer(
    offer: SessionDescription,
    plans: Sequence[LinePlan],
    lines: Sequence[NegotiatedLine],
    local: LocalParameters,
    capabilities: Capabilities,
    version: int,
) -> str:
    """The text of the answer; `lines` and `plans` have one element for each m-line."""
    transport = _transport(local)
    accepted = [plan.media.mid for plan in plans if plan.accepted and plan.media.mid is not None]
    bundles = any(group.semantics == "BUNDLE" for group in offer.groups)
    media = (_media(plan, line, transport, capabilities) for plan, line in zip(plans, lines, strict=True))
    return serialize(
        SessionDescription(
            origin=Origin(local.session_id, version),
            media=tuple(media),
            groups=(Group("BUNDLE", tuple(accepted)),) if bundles and accepted else (),
            ice_lite=True,
            extmap_allow_mixed=offer.extmap_allow_mixed,
            msid_semantic="WMS *",
        )
    )


def _transport(local: LocalParameters) -> _Transport:
    algorithm, _, digest = local.fingerprint.partition(" ")
    candidates = tuple(to_line(each) for each in local.candidates)
    return _Transport(
        TransportLines(local.ufrag, local.password, ICE_OPTIONS, (Fingerprint(algorithm, digest),), "passive"),
        candidates,
        candidates[0].port if candidates else DISCARD_PORT,
        candidates[0].address if candidates else None,
    )


def _media(plan: LinePlan, line: NegotiatedLine, transport: _Transport, capabilities: Capabilities) -> MediaDescription:
    offered = plan.media
    rejected = MediaDescription(
        offered.kind, 0, offered.protocol, offered.formats, mid=offered.mid, rtcp_mux=offered.rtcp_mux
    )
    if not plan.accepted:
        return replace(rejected, direction=Direction.INACTIVE if "RTP/" in offered.protocol else None)
    accepted = replace(
        rejected,
        port=transport.port,
        connection=transport.address,
        transport=transport.lines,
        candidates=transport.candidates,
        end_of_candidates=True,
    )
    if plan.offered is not None:
        return _rtp(accepted, plan, plan.offered, line)
    if plan.idle:
        return _idle(accepted, offered)
    return replace(accepted, sctp_port=capabilities.sctp_port, max_message_size=capabilities.max_message_size)


def _rtp(base: MediaDescription, plan: LinePlan, offered: OfferedMedia, line: NegotiatedLine) -> MediaDescription:
    rtp_maps = _rtp_maps(plan.media, offered)
    parameters = {
        each.payload_type: answer_parameters(each.rtp_map, each.parameters, receives=plan.receives)
        for each in offered.formats
    } | {each.rtx.payload_type: f"apt={each.payload_type}" for each in offered.formats if each.rtx is not None}
    description = replace(
        base,
        formats=tuple(map(str, rtp_maps)),
        direction=plan.direction,
        rtcp_mux=True,
        rtcp_rsize=plan.media.rtcp_rsize,
        extmap_allow_mixed=plan.media.extmap_allow_mixed,
        extensions=_extensions(offered),
        rtp_maps=rtp_maps,
        format_parameters={each: parameters[each] for each in rtp_maps if parameters[each]},
        feedback=tuple(Feedback(each.payload_type, name) for each in offered.formats for name in each.feedback),
    )
    if plan.receives and offered.layers:
        description = _with_layers(description, plan.media, offered)
    return _with_slot(description, line) if line.slot is not None else description


def _idle(base: MediaDescription, offered: MediaDescription) -> MediaDescription:
    """The client's first format stands in for the one in common that there is not; nothing flows."""
    payload_type = int(offered.formats[0])
    rtp_map = offered.rtp_maps.get(payload_type)
    parameters = offered.format_parameters.get(payload_type)
    return replace(
        base,
        formats=(offered.formats[0],),
        direction=Direction.INACTIVE,
        rtp_maps={} if rtp_map is None else {payload_type: rtp_map},
        format_parameters={} if parameters is None else {payload_type: parameters},
    )


def _rtp_maps(media: MediaDescription, offered: OfferedMedia) -> dict[int, RtpMap]:
    """In the order of the offer: the client's preference."""
    maps = {each.payload_type: each.rtp_map for each in offered.formats}
    maps |= {each.rtx.payload_type: each.rtx for each in offered.formats if each.rtx is not None}
    return {int(each): maps[int(each)] for each in media.formats if int(each) in maps}


def _extensions(offered: OfferedMedia) -> tuple[ExtensionMap, ...]:
    """All that Ciranda knows, with the offer's ids and the direction as seen from here (RFC 8285, section 7).

    Also those that this m-line has no use for, as RID on a slot: Chromium offers for later m-lines only what it has seen
    accepted, and then refuses its own simulcast for want of RID.
    """
    return tuple(replace(each, direction=each.direction.reversed) for each in offered.extensions.values())


def _with_layers(description: MediaDescription, media: MediaDescription, offered: OfferedMedia) -> MediaDescription:
    """Simulcast is mirrored: what the client sends, Ciranda receives, in the same order (RFC 8853, section 5.3.2)."""
    accepted = {each.payload_type for each in offered.formats}
    rids = tuple(
        replace(layer, sends=False, payload_types=tuple(each for each in layer.payload_types if each in accepted))
        for layer in offered.layers
    )
    simulcast = None
    if media.simulcast is not None and media.simulcast.send:
        simulcast = Simulcast(receive=tuple((SimulcastRid(rid.id),) for rid in rids))
    return replace(description, rids=rids, simulcast=simulcast)


def _with_slot(description: MediaDescription, line: NegotiatedLine) -> MediaDescription:
    slot = line.slot
    if slot is None:
        return description
    stream = f"slot-{line.slot_number}"
    repaired = any(each.rtx_payload_type is not None for each in slot.formats.values())
    ssrcs = (slot.ssrc, slot.rtx_ssrc) if repaired else (slot.ssrc,)
    return replace(
        description,
        media_stream_ids=(MediaStreamId(stream, f"{stream}-{description.kind}"),),
        ssrcs=dict.fromkeys(ssrcs, slot.cname),
        ssrc_groups=(SsrcGroup("FID", ssrcs),) if repaired else (),
    )
