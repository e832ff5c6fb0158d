"""What the answer accepts of each m-line, by the m-line's direction and the client's role. Pure.

A direction that the role does not allow is taken away: the m-line stays, `inactive` if nothing is left of it. So the
transport and the mid survive, and a client whose permissions grow only has to offer again. An m-line with no format in
common is answered `inactive` too: browsers stop a transceiver for good that is rejected, and Chromium cannot have its
first m-line rejected when the others are to use its transport (max-bundle). M-lines of another kind than audio, video
and data channels are rejected with port 0 (RFC 3264, section 6).
"""

from dataclasses import dataclass

from sfu.dataplane.types import Kind
from sfu.errors import SdpError
from sfu.negotiation.capabilities import Capabilities
from sfu.negotiation.negotiated import Role
from sfu.negotiation.offer import DATA_FORMAT, DATA_PROTOCOLS, RTP_PROTOCOLS, is_live
from sfu.negotiation.offered_media import OfferedMedia, read_media
from sfu.protocol.sdp import Direction, MediaDescription, SessionDescription

KINDS = {"audio": Kind.AUDIO, "video": Kind.VIDEO}


@dataclass(frozen=True, slots=True)
class LinePlan:
    """One m-line of the answer."""

    index: int
    media: MediaDescription
    """As offered."""
    offered: OfferedMedia | None = None
    """None: data channels, idle, or rejected."""
    data: bool = False
    """This is the m-line of data channels."""
    idle: bool = False
    """Accepted without a format in common, so that nothing can flow."""
    receives: bool = False
    """Ciranda receives here: the client has a track."""
    sends: bool = False
    """Ciranda sends here: the client has a slot."""

    @property
    def accepted(self) -> bool:
        return self.data or self.idle or self.offered is not None

    @property
    def direction(self) -> Direction:
        """Of the answer."""
        return Direction.of(sends=self.sends, receives=self.receives)


def plan_lines(offer: SessionDescription, role: Role, capabilities: Capabilities) -> tuple[LinePlan, ...]:
    """One plan for each m-line of the offer. Raises `SdpError`."""
    plans: list[LinePlan] = []
    has_data = False
    for index, media in enumerate(offer.media):
        if not is_live(media):
            plans.append(LinePlan(index, media))
        elif media.kind == "application":
            data = not has_data and media.protocol in DATA_PROTOCOLS and media.formats == (DATA_FORMAT,)
            has_data = has_data or data
            plans.append(LinePlan(index, media, data=data))
        elif media.kind in KINDS:
            plans.append(_plan_rtp(index, media, offer.direction, role, capabilities))
        else:
            plans.append(LinePlan(index, media))
    return tuple(plans)


def _plan_rtp(
    index: int, media: MediaDescription, session_direction: Direction | None, role: Role, capabilities: Capabilities
) -> LinePlan:
    if media.protocol not in RTP_PROTOCOLS:
        raise SdpError("the m-line's protocol is not DTLS-SRTP (UDP/TLS/RTP/SAVPF)", line=media.line)
    offered = read_media(media, KINDS[media.kind], capabilities)
    if offered is None:
        return LinePlan(index, media, idle=True)
    direction = media.direction or session_direction or Direction.SENDRECV
    return LinePlan(
        index,
        media,
        offered,
        receives=direction.sends and role.publish,
        sends=direction.receives and role.subscribe,
    )
