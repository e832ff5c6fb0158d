"""Who may use the API: whose token says `roomAdmin`, `roomCreate` or `roomList`, or, in open mode, this machine.

"This machine" means a direct connection: nothing that a proxy forwarded, and nothing addressed to another host's name (a
page of another site can make a browser do that). There is no CORS here.
"""

import ipaddress

from aiohttp import web
from yarl import URL

from sfu.config import is_loopback
from sfu.errors import PermissionDeniedError, RemoteError
from sfu.ids import RoomName
from sfu.room import Room
from signaling.auth import Grant
from signaling.context import CONTEXT
from signaling.http_body import bearer_token
from signaling.names import room_name

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")
"""What reverse proxies add."""


def check_server(request: web.Request) -> None:
    """May the caller know of everything?"""
    grant = _grant(request)
    if grant is not None and not grant.list_rooms:
        raise PermissionDeniedError("the token does not allow to see the server (roomList)")


def check_create(request: web.Request, room: RoomName) -> None:
    """May the caller make this room?"""
    grant = _grant(request)
    if grant is not None and not grant.create_rooms and not _administers(grant, room):
        raise PermissionDeniedError("the token does not allow to create this room (roomCreate)")


def visible_rooms(request: web.Request) -> list[Room]:
    """Those that the caller may administer or, with `roomList`, all."""
    grant = _grant(request)
    rooms = request.app[CONTEXT].node.rooms.values()
    return [room for room in rooms if grant is None or grant.list_rooms or _administers(grant, room.name)]


def administered_room(request: web.Request) -> Room:
    """The room of the path. `PermissionDeniedError`, `RemoteError` (`not_found`)."""
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
    """`roomAdmin` for this room, or, with `roomList` and no room named, for all: an operator's token."""
    everywhere = grant.list_rooms and not grant.room
    return grant.permissions.admin and (grant.room == room or everywhere)


def _from_this_machine(request: web.Request) -> bool:
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        direct = ipaddress.ip_address(request.remote or "").is_loopback
        return direct and is_loopback(URL(f"http://{request.host}").host or "")
    except ValueError:
        return False
