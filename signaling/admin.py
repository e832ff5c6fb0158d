"""`/api/v1`: look at rooms, remove somebody, close a room. For whose token says `roomAdmin`, or, in open mode, for this machine.

"This machine" means a direct connection: nothing that a proxy forwarded, and nothing addressed to another host's name (a
page of another site can make a browser do that). There is no CORS here.
"""

import ipaddress
from dataclasses import asdict
from typing import Any

from aiohttp import web
from yarl import URL

from sfu.config import is_loopback
from sfu.errors import PermissionDeniedError, RemoteError
from sfu.ids import ParticipantId, RoomName
from sfu.participant import Participant
from sfu.room import Room
from signaling.auth import Grant
from signaling.context import CONTEXT
from signaling.http_body import bearer_token
from signaling.names import room_name

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")
"""What reverse proxies add."""


def add_routes(router: web.UrlDispatcher) -> None:
    router.add_get("/api/v1/rooms", list_rooms)
    router.add_get("/api/v1/rooms/{room}", show_room)
    router.add_delete("/api/v1/rooms/{room}", close_room)
    router.add_delete("/api/v1/rooms/{room}/participants/{participant}", remove_participant)


async def list_rooms(request: web.Request) -> web.Response:
    """Every room that the caller may administer or, with `roomList`, all."""
    grant = _grant(request)
    rooms = request.app[CONTEXT].node.rooms.values()
    seen = [room for room in rooms if grant is None or grant.list_rooms or _administers(grant, room.name)]
    return web.json_response({"rooms": [_summary(room) for room in seen]})


async def show_room(request: web.Request) -> web.Response:
    """Who is in it, and how their packets fare."""
    room = _room(request)
    people = [_person(room, participant) for participant in room.participants.values()]
    return web.json_response(_summary(room) | {"participants": people})


async def close_room(request: web.Request) -> web.Response:
    """Everybody leaves (`closed`)."""
    await _room(request).close("closed")
    return web.Response(status=204)


async def remove_participant(request: web.Request) -> web.Response:
    """One leaves (`removed`)."""
    participant = _room(request).participants.get(ParticipantId(request.match_info["participant"]))
    if participant is None:
        raise RemoteError("there is no such participant", code="not_found")
    await participant.leave("removed")
    return web.Response(status=204)


def _room(request: web.Request) -> Room:
    grant = _grant(request)
    name = room_name(request.match_info["room"])
    if grant is not None and not _administers(grant, name):
        raise PermissionDeniedError("the token does not administer this room (roomAdmin)")
    room = request.app[CONTEXT].node.rooms.get(name)
    if room is None:
        raise RemoteError("there is no such room", code="not_found")
    return room


def _grant(request: web.Request) -> Grant | None:
    """The token's grant; `None` for the owner of the machine."""
    authority = request.app[CONTEXT].authority
    if not authority.open:
        return authority.read(bearer_token(request))
    if not _from_this_machine(request):
        raise PermissionDeniedError("without API keys, rooms are administered from the server's own machine only")
    return None


def _administers(grant: Grant, room: RoomName) -> bool:
    return grant.permissions.admin and grant.room == room


def _from_this_machine(request: web.Request) -> bool:
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        direct = ipaddress.ip_address(request.remote or "").is_loopback
        return direct and is_loopback(URL(f"http://{request.host}").host or "")
    except ValueError:
        return False


def _summary(room: Room) -> dict[str, Any]:
    return {
        "name": room.name,
        "created": int(room.created_s),
        "participants": len(room.participants),
        "tracks": sum(len(participant.tracks) for participant in room.participants.values()),
    }


def _person(room: Room, participant: Participant) -> dict[str, Any]:
    engine = room.port.engine
    connection = participant.connection
    return {
        "id": participant.id,
        "name": participant.name,
        "identity": participant.identity,
        "hidden": participant.hidden,
        "attached": participant.attached,
        "connection": connection.transport.state if connection is not None else None,
        "transport": asdict(engine.transport_stats(connection.transport.handle)) if connection is not None else None,
        "tracks": [
            {
                "id": track.id,
                "kind": track.kind.name.lower(),
                "source": track.source.value,
                "muted": track.muted,
                "layers": [_layer(layer) for layer in engine.track_stats(track.handle)],
            }
            for track in participant.tracks.values()
        ],
        "slots": [
            {"mid": slot.mid, "kind": slot.kind.name.lower(), "track": slot.track.id if slot.track else None}
            | asdict(engine.slot_stats(slot.handle))
            for slot in participant.slots
        ],
    }


def _layer(layer: Any) -> dict[str, Any] | None:
    if layer is None:
        return None
    return asdict(layer) | {"format": layer.format.name if layer.format is not None else None}
