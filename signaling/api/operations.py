"""The table of all operations: method, path, what it takes and gives. Routes are made from it, and so is the OpenAPI document."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ValidationError

from sfu.errors import ProtocolError
from signaling.api import actions, models
from signaling.http_body import read_text, require_type
from signaling.strict_json import loads_object

PREFIX = "/api/v1"
MAX_BODY_BYTES = 16_384
"""Metadata and some hundred ids."""
JSON = "application/json"

READING = ("token_required", "invalid_token", "token_expired", "permission_denied")
"""Codes that every operation may answer with."""
OF_A_ROOM = (*READING, "bad_request", "not_found")
WITH_BODY = ("malformed", "request_timeout", "too_large", "unsupported_media_type")


@dataclass(frozen=True, slots=True)
class Operation:
    """`body`: what it takes; `answer`: what it gives with `status`, `None` for nothing."""

    method: str
    path: str
    act: Callable[[web.Request, Any], Awaitable[BaseModel | None]]
    summary: str
    answer: type[BaseModel] | None
    body: type[BaseModel] | None = None
    status: int = 200
    errors: tuple[str, ...] = OF_A_ROOM
    """Codes of `signaling.responses`."""


ROOM = f"{PREFIX}/rooms/{{room}}"
PERSON = f"{ROOM}/participants/{{participant}}"

OPERATIONS = (
    Operation("GET", f"{PREFIX}/status", actions.show_status, "The whole server", models.ServerStatus, errors=READING),
    Operation("GET", f"{PREFIX}/rooms", actions.list_rooms, "All rooms", models.RoomList, errors=READING),
    Operation(
        "POST",
        f"{PREFIX}/rooms",
        actions.create_room,
        "Make a room before anybody is in it",
        models.RoomDetails,
        models.NewRoom,
        status=201,
        errors=(*READING, "bad_request", "conflict", "limit_reached", "shutting_down"),
    ),
    Operation("GET", ROOM, actions.show_room, "Who is in a room, and how their packets fare", models.RoomDetails),
    Operation(
        "PATCH",
        ROOM,
        actions.change_room,
        "Change what is given, leave the rest",
        models.RoomDetails,
        models.RoomSettings,
    ),
    Operation("DELETE", ROOM, actions.close_room, "Everybody leaves, the room ends", None, status=204),
    Operation(
        "POST",
        f"{ROOM}/admit",
        actions.admit,
        "Let people in who wait",
        models.WaitingAnswer,
        models.WaitingRequest,
        errors=(*OF_A_ROOM, "room_full"),
    ),
    Operation(
        "POST",
        f"{ROOM}/refuse",
        actions.refuse,
        "People shall not wait any longer",
        models.WaitingAnswer,
        models.WaitingRequest,
    ),
    Operation("DELETE", PERSON, actions.remove_participant, "Somebody has to go", None, status=204),
    Operation(
        "POST",
        f"{PERSON}/mute",
        actions.mute_participant,
        "Forward a track, a source or all sound of somebody no longer, until they unmute it",
        None,
        models.MuteRequest,
        status=204,
    ),
    Operation(
        "POST",
        f"{PERSON}/allow",
        actions.allow_participant,
        "Whether somebody may turn on a source",
        None,
        models.AllowRequest,
        status=204,
    ),
)


def add_routes(router: web.UrlDispatcher, *, more: Mapping[str, Handler]) -> None:
    """`more`: path → handler of what is no operation: the document itself."""
    for operation in OPERATIONS:
        router.add_route(operation.method, operation.path, _handler(operation))
    for path, handler in more.items():
        router.add_route("GET", path, handler)


def _handler(operation: Operation) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        body = await _read(request, operation.body) if operation.body is not None else None
        answer = await operation.act(request, body)
        if answer is None:
            return web.Response(status=operation.status)
        return web.Response(text=answer.model_dump_json(), status=operation.status, content_type=JSON)

    return handle


async def _read(request: web.Request, kind: type[BaseModel]) -> BaseModel:
    """`ProtocolError` names the field that is wrong."""
    require_type(request, JSON)
    fields = loads_object(await read_text(request, MAX_BODY_BYTES))
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ProtocolError(f"{where}: {first['msg']}") from None
