"""What each message of a client does: one small function a type, found in a table."""

import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sfu import events
from sfu.errors import RemoteError, SdpError
from sfu.ids import Mid, ParticipantId, RoomName, TrackId
from sfu.participant import Participant
from sfu.permissions import JoinRequest
from sfu.views import Source
from signaling import client_messages, server_messages
from signaling.admission import join_request
from signaling.context import Context
from signaling.direct_messages import ClientDirect
from signaling.message import VERSION
from signaling.translation import welcome


class Client(Protocol):
    """What a handler needs of the socket that a message came by; see `signaling.websocket`."""

    context: Context
    room: RoomName
    participant: Participant | None

    def send(self, message: server_messages.ServerMessage) -> None: ...
    def attach(self, participant: Participant) -> None: ...
    def listen(self, event: events.RoomEvent) -> None: ...
    def held(self) -> AbstractContextManager[None]: ...


async def handle(client: Client, message: client_messages.ClientMessage) -> None:
    """Do what the message says. `RemoteError` if it cannot be done."""
    await HANDLERS[type(message)](client, message)


async def join(client: Client, message: client_messages.Join) -> None:
    if client.participant is not None:
        raise RemoteError("this socket has joined already")
    if message.version != VERSION:
        raise RemoteError(f"this server speaks version {VERSION}", code="unsupported_version")
    context = client.context
    context.check_open()
    participant = context.node.resume(message.resume, client.room) if message.resume else None
    if participant is not None:
        client.attach(participant)
        participant.direct = message.direct
        participant.attach(client.listen)
        _greet(client, participant, resumed=True)
        return
    grant = context.authority.join(message.token, client.room)
    request: JoinRequest = join_request(grant, name=message.name, direct=message.direct)
    participant = context.node.join(client.room, request, client.listen)
    client.attach(participant)
    _greet(client, participant, resumed=False)


def _greet(client: Client, participant: Participant, *, resumed: bool) -> None:
    room = client.context.node.rooms[client.room]
    context = client.context
    ice_servers = context.ice_servers.for_participant(participant.id, time.time())
    others = room.others(participant)
    client.send(welcome(participant, others, context.settings, ice_servers=ice_servers, resumed=resumed))
    if room.speakers:
        client.listen(events.SpeakersChanged(room.speakers))
    if resumed:
        client.listen(events.SlotsChanged(tuple(slot.view for slot in participant.slots)))
        if any(participant.slots_requested):  # perhaps nobody listened when they were
            client.listen(events.SlotsNeeded(*participant.slots_requested))


async def offer(client: Client, message: client_messages.Offer) -> None:
    participant = _joined(client)
    limit = client.context.settings.max_sdp_bytes
    if len(message.sdp) > limit or len(message.sdp.encode()) > limit:
        raise SdpError(f"a session description has at most {limit} bytes")
    with client.held():
        answer = await participant.negotiate(
            message.sdp,
            connection=message.connection,
            sources={Mid(track.mid): _source(track.source) for track in message.tracks},
            muted={Mid(track.mid): track.muted for track in message.tracks},
        )
        tracks = tuple(
            server_messages.AnsweredTrack(mid=track.mid, id=track.id) for track in participant.tracks.values()
        )
        client.send(server_messages.Answer(id=message.id, sdp=answer, tracks=tracks))


async def mute(client: Client, message: client_messages.Mute) -> None:
    _joined(client).set_muted(TrackId(message.track), message.muted)


async def pin(client: Client, message: client_messages.Pin) -> None:
    _joined(client).pin([ParticipantId(participant) for participant in message.participants])


async def direct(client: Client, message: ClientDirect) -> None:
    participant = _joined(client)
    client.context.node.rooms[client.room].direct.receive(participant, message.signal())


async def ping(client: Client, message: client_messages.Ping) -> None:
    _joined(client)
    client.send(server_messages.Pong(id=message.id))


async def leave(client: Client, message: client_messages.Leave) -> None:
    await _joined(client).leave("left")


Handler = Callable[[Client, Any], Awaitable[None]]
HANDLERS: dict[type[client_messages.ClientMessage], Handler] = {
    client_messages.Join: join,
    client_messages.Offer: offer,
    client_messages.Mute: mute,
    client_messages.Pin: pin,
    ClientDirect: direct,
    client_messages.Ping: ping,
    client_messages.Leave: leave,
}


def _joined(client: Client) -> Participant:
    if client.participant is None:
        raise RemoteError("the first message is join", code="not_joined")
    return client.participant


def _source(name: str) -> Source:
    """What newer clients call a source that this server does not know is shown like any other."""
    try:
        return Source(name)
    except ValueError:
        return Source.UNKNOWN
