"""What each message of a client does: one small function a type, found in a table."""

from dataclasses import replace

from sfu import events
from sfu.errors import RemoteError, SdpError
from sfu.ids import Mid, ParticipantId, TrackId
from sfu.participant import Participant
from sfu.views import Source
from sfu.waiting_room import Waiting
from signaling import client_messages, moderation, server_messages
from signaling.admission import join_request
from signaling.client import Client, Handler, joined
from signaling.direct_messages import ClientDirect
from signaling.message import VERSION
from signaling.translation import welcome


async def handle(client: Client, message: client_messages.ClientMessage) -> None:
    """Do what the message says. `RemoteError` if it cannot be done."""
    await HANDLERS[type(message)](client, message)


async def join(client: Client, message: client_messages.Join) -> None:
    if client.participant is not None or client.waiting is not None:
        raise RemoteError("this socket has joined already")
    if message.version != VERSION:
        raise RemoteError(f"this server speaks version {VERSION}", code="unsupported_version")
    context = client.context
    context.check_open()
    if message.resume and _resume(client, message, message.resume):
        return
    grant = context.authority.join(message.token, client.room)
    request = replace(
        join_request(grant, name=message.name, direct=message.direct),
        may_host=context.authority.open,
        address=client.address,
    )
    entered = context.node.knock(client.room, request, client.listen)
    if isinstance(entered, Waiting):
        _wait(client, entered)
    else:
        client.attach(entered)
        _greet(client, entered)


def _resume(client: Client, message: client_messages.Join, token: str) -> bool:
    """Whether somebody with this secret was in the room, or waited to be."""
    room = client.context.node.rooms.get(client.room)
    participant = client.context.node.resume(token, client.room)
    if participant is not None:
        client.attach(participant)
        participant.direct = message.direct
        participant.attach(client.listen)
        _greet(client, participant)
        return True
    waiting = room.reception.waiting.find(token) if room is not None else None
    if room is None or waiting is None:
        return False
    room.reception.waiting.attach(waiting, client.listen)
    _wait(client, waiting)
    return True


def _wait(client: Client, waiting: Waiting) -> None:
    client.waiting = waiting
    client.send(server_messages.Waiting(room=client.room, id=waiting.id, resume=waiting.resume_token))


def admitted(client: Client, event: events.Admitted) -> None:
    """An administrator let the client in."""
    client.waiting = None
    participant = client.context.node.rooms[client.room].participants[event.participant_id]
    client.attach(participant)
    _greet(client, participant)


def _greet(client: Client, participant: Participant) -> None:
    room = client.context.node.rooms[client.room]
    context = client.context
    # Who was let in while the socket was lost is greeted for the first time.
    resumed, participant.greeted = participant.greeted, True
    greeting = welcome(
        participant,
        room,
        room.others(participant),
        context.settings,
        ice_servers=client.relay_passwords.begin(participant.id),
        direct_ice_servers=context.ice_servers.for_direct_calls(),
        resumed=resumed,
    )
    client.send(greeting)
    if participant.permissions.admin and room.reception.waiting:
        client.listen(events.WaitingListChanged(room.reception.waiting.view))
    if room.speakers:
        client.listen(events.SpeakersChanged(room.speakers))
    if resumed:
        client.listen(events.SlotsChanged(tuple(slot.view for slot in participant.slots)))
        if any(participant.slots_requested):  # perhaps nobody listened when they were
            client.listen(events.SlotsNeeded(*participant.slots_requested))


async def offer(client: Client, message: client_messages.Offer) -> None:
    participant = joined(client)
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
    participant, track = joined(client), TrackId(message.track)
    if track in participant.tracks or not message.muted:
        participant.set_muted(track, message.muted)
    else:
        moderation.moderator(client, "mute").mute_track(track)


async def pin(client: Client, message: client_messages.Pin) -> None:
    joined(client).pin([ParticipantId(participant) for participant in message.participants])


async def direct(client: Client, message: ClientDirect) -> None:
    participant = joined(client)
    client.context.node.rooms[client.room].direct.receive(participant, message.signal())


async def ping(client: Client, message: client_messages.Ping) -> None:
    if client.waiting is None:
        joined(client)
    client.send(server_messages.Pong(id=message.id))


async def leave(client: Client, message: client_messages.Leave) -> None:
    if client.waiting is not None:
        waiting, client.waiting = client.waiting, None
        client.context.node.rooms[client.room].reception.withdraw(waiting)
        client.close("left")
        return
    await joined(client).leave("left")


HANDLERS: dict[type[client_messages.ClientMessage], Handler] = {
    client_messages.Join: join,
    client_messages.Offer: offer,
    client_messages.Mute: mute,
    client_messages.Pin: pin,
    ClientDirect: direct,
    client_messages.Ping: ping,
    client_messages.Leave: leave,
    **moderation.HANDLERS,
}


def _source(name: str) -> Source:
    """What newer clients call a source that this server does not know is shown like any other."""
    try:
        return Source(name)
    except ValueError:
        return Source.UNKNOWN
