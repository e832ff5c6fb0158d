"""What each message of an administrator does: the moderator says whether they may. Also everybody's own hand."""

from collections.abc import Callable
from typing import Any

from sfu.errors import PermissionDeniedError
from sfu.events import Asked
from sfu.ids import MessageId, ParticipantId
from sfu.moderator import Moderator, set_hand
from sfu.moderator import decline as decline_question
from sfu.views import Source
from signaling import client_messages
from signaling.client import Client, Handler, joined


def moderator(client: Client, action: str) -> Moderator:
    """`PermissionDeniedError`, `RemoteError` (`not_joined`)."""
    participant = joined(client)
    node = client.context.node
    return Moderator(node.rooms[client.room], participant, action, node.moderation)


async def hand(client: Client, message: client_messages.Hand) -> None:
    participant = joined(client)
    if message.participant is None or message.participant == participant.id:
        set_hand(participant, message.raised)
        return
    acting = moderator(client, "hand")
    if message.raised:
        raise PermissionDeniedError("people raise their hands themselves")
    acting.lower_hand(message.participant)


async def decline(client: Client, message: client_messages.Decline) -> None:
    participant = joined(client)
    question = Asked(Source(message.source), message.muted, ParticipantId(message.participant))
    decline_question(client.context.node.rooms[client.room], participant, question)


async def remove(client: Client, message: client_messages.Remove) -> None:
    await moderator(client, "remove").remove(message.participant)


async def retract(client: Client, message: client_messages.Retract) -> None:
    """Its file goes with it, unless its author only passed somebody else's on."""
    participant = joined(client)
    room, message_id = client.context.node.rooms[client.room], MessageId(message.message)
    said = room.texts.authorship.find(message_id)
    if said is not None and said.sender == participant.id:
        room.retract(message_id, participant)
    else:
        moderator(client, "retract").retract(message_id)
    if said is None or said.file is None:
        return
    store = client.context.file_store
    if participant.permissions.admin or store.owner(room.name, said.file) == participant.id:
        room.files.pop(said.file, None)
        store.remove(room.name, said.file)


async def end(client: Client, message: client_messages.End) -> None:
    await moderator(client, "end").end()


def _plain(action: str, act: Callable[[Moderator, Any], object]) -> Handler:
    async def handler(client: Client, message: Any) -> None:
        act(moderator(client, action), message)

    return handler


HANDLERS: dict[type[client_messages.ClientMessage], Handler] = {
    client_messages.Hand: hand,
    client_messages.Ask: _plain("ask", lambda who, m: who.ask(m.participant, Source(m.source), m.muted)),
    client_messages.Decline: decline,
    client_messages.MuteAll: _plain("mute", lambda who, m: who.mute_all(Source(m.source))),
    client_messages.Allow: _plain("allow", lambda who, m: who.allow(m.participant, Source(m.source), m.allowed)),
    client_messages.Promote: _plain("promote", lambda who, m: who.promote(m.participant)),
    client_messages.Remove: remove,
    client_messages.Retract: retract,
    client_messages.ChangeRoom: _plain(
        "room", lambda who, m: who.change(**m.model_dump(exclude={"type"}, exclude_none=True))
    ),
    client_messages.Admit: _plain("admit", lambda who, m: who.admit(m.waiting)),
    client_messages.Refuse: _plain("refuse", lambda who, m: who.refuse(m.waiting)),
    client_messages.End: end,
}
