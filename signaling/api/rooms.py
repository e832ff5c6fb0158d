"""Makes and changes rooms as a description says, for the API and for the program that the server runs in."""

from sfu.errors import RemoteError
from sfu.moderator import Moderator
from sfu.node import Node
from sfu.room import Room
from signaling.api.models import EMPTY_TTL_S, NewRoom, RoomSettings
from signaling.names import room_name


def make_room(node: Node, described: NewRoom) -> Room:
    """`RemoteError` (`bad_request`, `conflict`), `LimitError`; then there is no room."""
    name = room_name(described.name)
    _check_size(node, described)
    room = node.create(name)
    room.keep_empty_s = EMPTY_TTL_S
    set_room(node, room, described)
    return room


def set_room(node: Node, room: Room, described: RoomSettings) -> None:
    """What the description leaves out stays as it is. `RemoteError` (`bad_request`); then all does."""
    _check_size(node, described)
    if described.max_participants is not None:
        room.max_participants = described.max_participants
    if described.empty_ttl_seconds is not None:
        room.keep_empty_s = described.empty_ttl_seconds
    Moderator(room, None, "room", node.moderation).change(**described.state)


def _check_size(node: Node, described: RoomSettings) -> None:
    most = node.settings.max_participants
    if described.max_participants is not None and described.max_participants > most:
        raise RemoteError(f"max_participants: this server lets at most {most} into a room", code="bad_request")
