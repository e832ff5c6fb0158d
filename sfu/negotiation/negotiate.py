"""Offer in, answer out: the one negotiation core under every front door (RFC 9429, with the client always offering).

Pure: no socket, no clock, no randomness but the SSRCs that the caller draws. The steps are in modules of their own: `offer`
(what must hold for the whole), `offered_media` (what an m-line can carry), `line_plan` (what of it is accepted),
`receive_plan` and `slot_plan` (what the data plane is told), `answer` (the text).
"""

from collections.abc import Callable, Sequence

from sfu.errors import SdpError
from sfu.ids import Mid
from sfu.negotiation.answer import write_answer
from sfu.negotiation.capabilities import CAPABILITIES, Capabilities
from sfu.negotiation.line_plan import KINDS, LinePlan, plan_lines
from sfu.negotiation.negotiated import DataChannelParams, LocalParameters, Negotiated, NegotiatedLine, Role
from sfu.negotiation.offer import RemoteTransport, check_bundle, check_order, read_transport
from sfu.negotiation.receive_plan import plan_receive, plan_tracks
from sfu.negotiation.slot_plan import SlotPlanner
from sfu.protocol.sdp import DEFAULT_LIMITS, SdpLimits, SessionDescription, parse

DEFAULT_REMOTE_SCTP_PORT = 5_000
"""RFC 8841 demands the attribute; RFC 9429's data channels use this port."""
DEFAULT_REMOTE_MESSAGE_SIZE = 65_536
"""Bytes, where the offer says nothing (RFC 8841, section 6.1)."""


def negotiate(
    offer: str,
    *,
    previous: Negotiated | None,
    local: LocalParameters,
    role: Role,
    capabilities: Capabilities = CAPABILITIES,
    new_ssrc: Callable[[], int],
    limits: SdpLimits = DEFAULT_LIMITS,
) -> Negotiated:
    """Answer an offer. `previous`: the outcome of the same connection's offer before, None for its first.

    Where the result says `ice_restart`, the answer must show new credentials of ours too (RFC 8445, section 9): make
    them, and call again with the same `previous` and the new `local`.

    Raises `SdpError` for every offer that cannot be answered; nothing is changed then, `previous` stays valid.
    """
    description = parse(offer, limits=limits)
    before = previous.lines if previous is not None else ()
    check_order(description, before)
    check_bundle(description)
    plans = plan_lines(description, role, capabilities)
    remote = _remote_transport(description, plans, previous)
    receive = plan_receive(plans)
    lines = _lines(plans, SlotPlanner(plans, before, local.cname, new_ssrc))
    version = (
        max(local.session_version, previous.session_version + 1) if previous is not None else local.session_version
    )
    return Negotiated(
        answer=write_answer(description, plans, lines, local, capabilities, version),
        lines=lines,
        receive=receive,
        remote_ufrag=remote.ufrag,
        remote_password=remote.password,
        remote_fingerprints=remote.fingerprints,
        remote_candidates=remote.candidates,
        data_channels=_data_channels(plans),
        ice_restart=_is_restart(remote, previous),
        remote_setup=remote.setup,
        session_version=version,
    )


def _remote_transport(
    offer: SessionDescription, plans: Sequence[LinePlan], previous: Negotiated | None
) -> RemoteTransport:
    """That of the m-line that will carry the bundle, which is the first accepted one (RFC 9143, section 7.3)."""
    accepted = [plan for plan in plans if plan.accepted]
    if previous is None:
        if all(plan.idle for plan in accepted):
            raise SdpError("the offer has no m-line that can be accepted (none at all, or no codec in common)")
        return read_transport(offer, accepted[0].media)
    if accepted:
        remote = read_transport(offer, accepted[0].media)
        if not set(remote.fingerprints) & set(previous.remote_fingerprints):
            raise SdpError("the fingerprint changed: another certificate needs another connection")
        return remote
    return RemoteTransport(
        previous.remote_ufrag,
        previous.remote_password,
        previous.remote_fingerprints,
        previous.remote_candidates,
        previous.remote_setup,
    )


def _is_restart(remote: RemoteTransport, previous: Negotiated | None) -> bool:
    return previous is not None and (remote.ufrag, remote.password) != (previous.remote_ufrag, previous.remote_password)


def _lines(plans: Sequence[LinePlan], slots: SlotPlanner) -> tuple[NegotiatedLine, ...]:
    tracks = plan_tracks(plans)
    lines = []
    for plan in plans:
        mid = Mid(plan.media.mid or "")
        slot, number = slots.plan(mid, plan.offered) if plan.sends and plan.offered is not None else (None, None)
        lines.append(
            NegotiatedLine(
                mid=mid,
                index=plan.index,
                kind=KINDS.get(plan.media.kind),
                accepted=plan.accepted,
                track=tracks.get(plan.index),
                slot=slot,
                slot_number=number,
            )
        )
    return tuple(lines)


def _data_channels(plans: Sequence[LinePlan]) -> DataChannelParams | None:
    for plan in plans:
        if plan.data:
            media = plan.media
            size = media.max_message_size
            return DataChannelParams(
                Mid(media.mid or ""),
                media.sctp_port or DEFAULT_REMOTE_SCTP_PORT,
                DEFAULT_REMOTE_MESSAGE_SIZE if size is None else size,
            )
    return None
