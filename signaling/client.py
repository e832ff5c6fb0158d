"""What handlers need of the socket that a message came by; `signaling.websocket` is one."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sfu import events
from sfu.errors import RemoteError
from sfu.ids import RoomName
from sfu.participant import Participant
from sfu.waiting_room import Waiting
from signaling import server_messages
from signaling.context import Context
from signaling.relay_passwords import RelayPasswords


class Client(Protocol):
    """A socket and, once it has joined, its participant."""

    context: Context
    room: RoomName
    address: str
    """Whose limits it counts against."""
    participant: Participant | None
    waiting: Waiting | None
    """Until somebody lets it in."""
    relay_passwords: RelayPasswords

    def send(self, message: server_messages.ServerMessage) -> None: ...
    def attach(self, participant: Participant) -> None: ...
    def listen(self, event: events.RoomEvent) -> None: ...
    def held(self) -> AbstractContextManager[None]: ...
    def close(self, reason: str) -> None: ...


Handler = Callable[[Client, Any], Awaitable[None]]


def joined(client: Client) -> Participant:
    """Whom the socket speaks for."""
    if client.participant is None:
        raise RemoteError("the first message is join", code="not_joined")
    return client.participant
