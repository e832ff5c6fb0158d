"""What a transport may receive: one table for all m-lines of the bundle, and the track of each.

Pure. Bundled m-lines share payload types, header extension ids and SSRCs, so they must agree on them (RFC 9143, sections
9 and 10); what contradicts is an `SdpError`.
"""

from collections import Counter
from collections.abc import Sequence

from sfu.dataplane.types import Extension, Format, ReceiveParams, TrackParams
from sfu.errors import SdpError
from sfu.negotiation.line_plan import LinePlan
from sfu.negotiation.offered_media import OfferedMedia
from sfu.protocol.sdp import ExtensionMap


def received_extensions(offered: OfferedMedia) -> dict[Extension, ExtensionMap]:
    """Extensions that the client may put on what it sends."""
    return {extension: each for extension, each in offered.extensions.items() if each.direction.sends}


def plan_receive(plans: Sequence[LinePlan]) -> ReceiveParams:
    """The table of all m-lines on which the client sends."""
    payload_types: dict[int, Format] = {}
    rtx: dict[int, int] = {}
    extensions: dict[Extension, int] = {}
    owners: dict[int, Extension] = {}
    for plan, offered in _tracks(plans):
        for each in offered.formats:
            if payload_types.setdefault(each.payload_type, each.format) is not each.format:
                _conflict(f"payload type {each.payload_type}", each.rtp_map.line)
            if each.rtx is not None and rtx.setdefault(each.rtx.payload_type, each.payload_type) != each.payload_type:
                _conflict(f"payload type {each.rtx.payload_type}", each.rtx.line)
        for extension, mapping in received_extensions(offered).items():
            if extensions.setdefault(extension, mapping.id) != mapping.id:
                _conflict(f"header extension {mapping.uri}", mapping.line)
            if owners.setdefault(mapping.id, extension) is not extension:
                _conflict(f"header extension id {mapping.id}", mapping.line)
        if payload_types.keys() & rtx.keys():
            _conflict(f"payload type {min(payload_types.keys() & rtx.keys())}", plan.media.line)
    return ReceiveParams(payload_types, rtx, extensions)


def plan_tracks(plans: Sequence[LinePlan]) -> dict[int, TrackParams]:
    """Index of the m-line → its track."""
    uses = Counter(payload_type for _, offered in _tracks(plans) for payload_type in _payload_types(offered))
    taken: set[int] = set()
    result: dict[int, TrackParams] = {}
    for plan, offered in _tracks(plans):
        ssrcs = {*offered.ssrcs, *offered.rtx_ssrcs.values()}
        if ssrcs & taken:
            raise SdpError(f"the SSRC {min(ssrcs & taken)} is signalled by two m-lines", line=plan.media.line)
        taken |= ssrcs
        result[plan.index] = TrackParams(
            mid=plan.media.mid or "",
            kind=offered.kind,
            rids=tuple(layer.id for layer in offered.layers),
            ssrcs=offered.ssrcs,
            rtx_ssrcs=offered.rtx_ssrcs,
            payload_types=frozenset(each for each in _payload_types(offered) if uses[each] == 1),
            nack=any(each.nack for each in offered.formats),
            transport_cc=any("transport-cc" in each.feedback for each in offered.formats),
        )
    return result


def _tracks(plans: Sequence[LinePlan]) -> list[tuple[LinePlan, OfferedMedia]]:
    return [(plan, plan.offered) for plan in plans if plan.receives and plan.offered is not None]


def _payload_types(offered: OfferedMedia) -> set[int]:
    return {each.payload_type for each in offered.formats} | {
        each.rtx.payload_type for each in offered.formats if each.rtx is not None
    }


def _conflict(what: str, line: int) -> None:
    raise SdpError(f"{what} has two meanings in the bundle", line=line)
