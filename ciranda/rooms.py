"""The rooms of a server, for the program that it runs in: who is there, what happens, and the orders of the API without HTTP.

Everything is to be called on the server's event loop. What cannot be done is a `RemoteError` with the `code` that the API
answers; no such room, or nobody of that id in it, is a `KeyError`.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ciranda.watch import Watch
from sfu.ids import ParticipantId, RoomName
from sfu.moderator import Moderator
from sfu.node import Node
from sfu.room import Room
from sfu.views import Source
from signaling.api.models import NewRoom, RoomDetails, RoomSettings
from signaling.api.rooms import make_room, set_room
from signaling.api.views import details


class Rooms(Mapping[str, RoomDetails]):
    """Name → the room as it is now, a value that does not change. Made by `ciranda.Server`."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def __getitem__(self, name: str) -> RoomDetails:
        return details(self._room(name))

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._node.rooms))

    def __len__(self) -> int:
        return len(self._node.rooms)

    def __contains__(self, name: object) -> bool:
        return name in self._node.rooms

    def watch(self, *, most_waiting: int = 10_000) -> Watch:
        """What happens from now on, in all rooms; `most_waiting`: events that may wait to be read."""
        return Watch(self._node.observers, most_waiting)

    def create(self, name: str, **settings: Any) -> RoomDetails:
        """A room before anybody comes. `settings`: those of `POST /api/v1/rooms` (`max_participants`, `waiting_room`,
        `metadata`, `empty_ttl_seconds`, …). `ValueError` for one that cannot be.
        """
        return details(make_room(self._node, NewRoom(name=name, **settings)))

    def change(self, name: str, **settings: Any) -> RoomDetails:
        """As `create`, of a room that there is."""
        room = self._room(name)
        set_room(self._node, room, RoomSettings(**settings))
        return details(room)

    async def close(self, name: str) -> None:
        """Everybody leaves, and the room is gone."""
        await self._moderator(name, "end").end()

    def admit(self, name: str, waiting: Iterable[str] | None = None) -> int:
        """Let these in who wait (ids of `RoomDetails.waiting`), or all; how many came in."""
        return self._moderator(name, "admit").admit(waiting)

    def refuse(self, name: str, waiting: Iterable[str] | None = None) -> int:
        """These, or all, do not get in; how many there were."""
        return self._moderator(name, "refuse").refuse(waiting)

    async def remove(self, name: str, participant: str) -> None:
        """Somebody has to go; their identity does not come back by itself."""
        await self._moderator(name, "remove", participant).remove(participant)

    def mute(self, name: str, participant: str, source: str | None = None) -> None:
        """All that somebody publishes of a source (`microphone`, `camera`, `screen`) or, without one, all sound."""
        self._moderator(name, "mute", participant).mute(participant, Source(source) if source is not None else None)

    def _room(self, name: str) -> Room:
        return self._node.rooms[RoomName(name)]

    def _moderator(self, name: str, action: str, participant: str | None = None) -> Moderator:
        room = self._room(name)
        if participant is not None and ParticipantId(participant) not in room.participants:
            raise KeyError(participant)
        return Moderator(room, None, action, self._node.moderation)
