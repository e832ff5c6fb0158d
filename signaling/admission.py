"""From a checked token and what the caller says of itself to a request that the room model takes. Pure."""

from sfu.negotiation import Role
from sfu.permissions import JoinRequest
from signaling.auth import Grant
from signaling.names import display_name

NAMELESS = "Guest"
"""Who says nothing and whose token says nothing."""
BOTH_WAYS = Role(publish=True, subscribe=True)


def join_request(
    grant: Grant,
    *,
    name: str,
    role: Role = BOTH_WAYS,
    hidden: bool = False,
    pinned: str | None = None,
    direct: bool = False,
) -> JoinRequest:
    """The token's name counts before the caller's own."""
    return JoinRequest(
        name=grant.name or display_name(name) or NAMELESS,
        permissions=grant.permissions,
        identity=grant.identity,
        hidden=hidden or grant.hidden,
        pinned=pinned,
        role=role,
        direct=direct,
        may_signal=role is BOTH_WAYS,
    )
