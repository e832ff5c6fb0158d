"""What each operation of the API does: given the request and its body, it acts and says what came of it."""

from aiohttp import web

from sfu.errors import RemoteError
from sfu.ids import ParticipantId
from sfu.moderator import Moderator
from sfu.room import Room
from sfu.views import Source
from signaling.api import access
from signaling.api.models import (
    AllowRequest,
    MuteRequest,
    NewRoom,
    RoomDetails,
    RoomList,
    RoomSettings,
    ServerStatus,
    WaitingAnswer,
    WaitingRequest,
)
from signaling.api.rooms import make_room, set_room
from signaling.api.status import server_status
from signaling.api.views import details, summary
from signaling.context import CONTEXT
from signaling.names import room_name


async def show_status(request: web.Request, body: None) -> ServerStatus:
    access.check_server(request)
    return server_status(request)


async def list_rooms(request: web.Request, body: None) -> RoomList:
    return RoomList(rooms=[summary(room) for room in access.visible_rooms(request)])


async def create_room(request: web.Request, body: NewRoom) -> RoomDetails:
    access.check_create(request, room_name(body.name))
    context = request.app[CONTEXT]
    context.check_open()
    return details(make_room(context.node, body))


async def show_room(request: web.Request, body: None) -> RoomDetails:
    return details(access.administered_room(request))


async def change_room(request: web.Request, body: RoomSettings) -> RoomDetails:
    room = access.administered_room(request)
    set_room(request.app[CONTEXT].node, room, body)
    return details(room)


async def close_room(request: web.Request, body: None) -> None:
    room = access.administered_room(request)
    await _moderator(request, room, "end").end()


async def admit(request: web.Request, body: WaitingRequest) -> WaitingAnswer:
    room = access.administered_room(request)
    return WaitingAnswer(count=_moderator(request, room, "admit").admit(body.waiting))


async def refuse(request: web.Request, body: WaitingRequest) -> WaitingAnswer:
    room = access.administered_room(request)
    return WaitingAnswer(count=_moderator(request, room, "refuse").refuse(body.waiting))


async def remove_participant(request: web.Request, body: None) -> None:
    room, participant = _participant(request)
    await _moderator(request, room, "remove").remove(participant)


async def mute_participant(request: web.Request, body: MuteRequest) -> None:
    room, participant = _participant(request)
    moderator = _moderator(request, room, "mute")
    if body.track is None:
        moderator.mute(participant, Source(body.source) if body.source is not None else None)
    elif body.track in {str(track) for track in room.participants[participant].tracks}:
        moderator.mute_track(body.track)
    else:
        raise RemoteError("the participant publishes no such track", code="not_found")


async def allow_participant(request: web.Request, body: AllowRequest) -> None:
    room, participant = _participant(request)
    _moderator(request, room, "allow").allow(participant, Source(body.source), body.allowed)


def _participant(request: web.Request) -> tuple[Room, ParticipantId]:
    room = access.administered_room(request)
    participant = ParticipantId(request.match_info["participant"])
    if participant not in room.participants:
        raise RemoteError("there is no such participant", code="not_found")
    return room, participant


def _moderator(request: web.Request, room: Room, action: str) -> Moderator:
    return Moderator(room, None, action, request.app[CONTEXT].node.moderation)
