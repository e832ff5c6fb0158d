"""What an administrator decides for a whole room: who gets in, and what others may turn on there. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from sfu.dataplane.types import Kind
from sfu.permissions import Permissions
from sfu.views import Source

NAMED = frozenset(Source) - {Source.UNKNOWN}


@dataclass(frozen=True, slots=True)
class RoomState:
    """The default is an open room in which everybody may do everything."""

    locked: bool = False
    """Nobody new gets in."""
    waiting_room: bool = False
    """Who is new waits until an administrator lets them in."""
    microphone: bool = True
    camera: bool = True
    screen: bool = True
    """Also the sound of a shared screen."""
    chat: bool = True
    direct: bool = True
    """Two who are alone may go directly, which shows each of them the other's addresses."""
    metadata: str = "{}"
    """A JSON object that whoever made the room gave it."""

    def allows(self, source: Source) -> bool:
        """Whether somebody who is no administrator may turn it on."""
        match source:
            case Source.MICROPHONE:
                return self.microphone
            case Source.CAMERA:
                return self.camera
            case Source.SCREEN | Source.SCREEN_AUDIO:
                return self.screen
            case Source.UNKNOWN:
                return self.microphone and self.camera and self.screen


def allowed_sources(
    permissions: Permissions, state: RoomState, exceptions: Mapping[Source, bool], *, publish: bool
) -> frozenset[Source]:
    """What somebody may turn on now: what their token allows, less what the room does not. An exception that was made for this
    person counts before the room's rule; neither counts for an administrator.
    """
    if not publish:
        return frozenset()
    granted = NAMED if permissions.sources is None else permissions.sources
    if permissions.admin:
        return granted
    return frozenset(source for source in granted if exceptions.get(source, state.allows(source)))


def may_turn_on(source: Source, kind: Kind, allowed: frozenset[Source]) -> bool:
    """A track that is not what its name says, or has none, needs every permission of its kind: it may show any of them."""
    if source.kind is kind:
        return source in allowed
    return all(named in allowed for named in NAMED if named.kind is kind)
