"""What somebody who joins may do. Front doors make it from a token; the room model enforces it."""

from dataclasses import dataclass, field

from sfu.negotiation import Role
from sfu.views import Source


@dataclass(frozen=True, slots=True)
class Permissions:
    """The default is everything but administration, as in an open room."""

    publish: bool = True
    sources: frozenset[Source] | None = None
    """What may be published, where `publish` is true; `None`: anything."""
    subscribe: bool = True
    publish_data: bool = True
    admin: bool = False
    direct: bool = True
    """May be in a direct call, which shows each of the two the other's addresses."""


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """Who wants in, as a front door has checked it."""

    name: str
    permissions: Permissions = field(default_factory=Permissions)
    identity: str | None = None
    """`sub` of the token; `None` in open rooms."""
    hidden: bool = False
    """Not announced, not listed: viewers."""
    pinned: str | None = None
    """Receive from this participant (by id or identity) only."""
    may_host: bool = False
    """Where nobody has tokens: whether they may become the room's administrator."""
    may_signal: bool = True
    """Whether they can say anything but offers (not by WHIP and WHEP)."""
    role: Role = field(default_factory=lambda: Role(publish=True, subscribe=True))
    """The directions that the front door offers at all (WHIP publishes, WHEP subscribes)."""
    address: str | None = None
    """Whose limits this counts against: an IP address, or the network that counts as one."""
    direct: bool = False
    """The client knows how to be in a direct call."""

    @property
    def effective_role(self) -> Role:
        """The directions that both the front door and the token allow."""
        return Role(
            publish=self.role.publish and self.permissions.publish,
            subscribe=self.role.subscribe and self.permissions.subscribe,
        )
