"""What WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep) have in common: an offer by POST, a session with an address of its own.

The two differ in who sends, and in what an offer must hold; `whip` and `whep` say that. Everything here is HTTP; what an
offer means is decided by the negotiation core below.
"""

import time
from abc import ABC, abstractmethod

from aiohttp import web

from sfu.errors import LimitError, PermissionDeniedError, RemoteError
from sfu.ids import RoomName
from sfu.participant import Participant
from sfu.permissions import JoinRequest
from signaling.auth import Grant
from signaling.context import Context
from signaling.http_body import bearer_token, read_text, require_acceptable, require_type
from signaling.http_session import HttpSession, HttpSessions
from signaling.ice_servers import link_headers
from signaling.names import room_name
from signaling.preconditions import require_match
from signaling.prefix import prefix_of
from signaling.responses import HttpError

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"
MAX_FRAGMENT_BYTES = 32_768
"""An SDP fragment: some hundred candidates."""


class Endpoint(ABC):
    """One front door: `POST /{path}/{room}` and the sessions below it."""

    path: str

    def __init__(self, context: Context) -> None:
        self.context = context
        self.sessions = HttpSessions()

    @abstractmethod
    def request_for(self, request: web.Request, grant: Grant) -> JoinRequest:
        """Who wants in, from the query and the token. `PermissionDeniedError`."""

    @abstractmethod
    def check(self, participant: Participant, answer: str) -> None:
        """Whether the answer is worth a session. `HttpError`."""

    def add_routes(self, router: web.UrlDispatcher) -> None:
        collection = router.add_resource(f"/{self.path}/{{room}}")
        collection.add_route("POST", self.post)
        collection.add_route("OPTIONS", self.options)
        collection.add_route("GET", self.describe)
        collection.add_route("HEAD", self.describe)
        session = router.add_resource(f"/{self.path}/{{room}}/{{session}}")
        session.add_route("PATCH", self.patch)
        session.add_route("DELETE", self.delete)
        session.add_route("OPTIONS", self.session_options)
        session.add_route("GET", self.nothing)
        session.add_route("HEAD", self.nothing)

    # -- the endpoint -----------------------------------------------------------------------------------------------

    async def post(self, request: web.Request) -> web.Response:
        """201 with the answer, or an error that leaves nothing behind."""
        room = _room(request)
        self.context.check_open()
        require_type(request, SDP)
        require_acceptable(request, SDP)
        self.context.check_rate(request)
        grant = self.context.authority.join(bearer_token(request), room)
        joining = self.request_for(request, grant)
        offer = await read_text(request, self.context.settings.max_sdp_bytes)
        session, answer = await self._begin(room, grant, joining, offer)
        headers = {
            "Location": f"{prefix_of(request)}/{self.path}/{room}/{session.id}",
            "ETag": f'"{session.etag}"',
            "Accept-Patch": FRAGMENT,
        }
        response = web.Response(status=201, text=answer, content_type=SDP, headers=headers)
        servers = self.context.ice_servers.for_participant(session.participant.id, time.time())
        for link in link_headers(servers):
            response.headers.add("Link", link)
        return response

    async def options(self, request: web.Request) -> web.Response:
        return web.Response(headers={"Accept-Post": SDP, "Allow": "OPTIONS, POST, GET, HEAD"})

    async def describe(self, request: web.Request) -> web.Response:
        """The endpoint has no representation (RFC 9725, section 4.1)."""
        return await self.nothing(request)

    async def _begin(self, room: RoomName, grant: Grant, joining: JoinRequest, offer: str) -> tuple[HttpSession, str]:
        session = self.sessions.make(room, grant)
        try:
            participant = self.context.node.join(room, joining, session.listen)
        except RemoteError:
            self.sessions.discard(session)
            raise
        session.begin(participant)
        try:
            answer = await participant.negotiate(offer, connection=session.id, sources={})
            self.check(participant, answer)
        except LimitError as error:
            await participant.leave("left")
            raise HttpError(error.message, code=error.code, status=422) from None
        except BaseException:
            await participant.leave("left")
            raise
        return session, answer

    # -- a session --------------------------------------------------------------------------------------------------

    async def patch(self, request: web.Request) -> web.Response:
        """Trickled candidates: 204. New credentials: an ICE restart, 200 with ours and a new entity tag."""
        self._check_requests(request)
        session = self._find(request)
        require_type(request, FRAGMENT)
        require_match(request, session.etag)
        fragment = await read_text(request, MAX_FRAGMENT_BYTES)
        if session.ended:
            raise _gone()
        answer = session.participant.trickle(fragment)
        if answer is None:
            return web.Response(status=204)
        session.restarted()
        return web.Response(text=answer, content_type=FRAGMENT, headers={"ETag": f'"{session.etag}"'})

    async def delete(self, request: web.Request) -> web.Response:
        """The end. Entity tags do not matter here."""
        self._check_requests(request)
        await self._find(request).participant.leave("left")
        return web.Response()

    async def session_options(self, request: web.Request) -> web.Response:
        return web.Response(headers={"Accept-Patch": FRAGMENT, "Allow": "OPTIONS, PATCH, DELETE, GET, HEAD"})

    async def nothing(self, request: web.Request) -> web.Response:
        """Neither endpoint nor session has a representation: success without content."""
        self._check_requests(request)
        _room(request)
        return web.Response(status=204)

    def _check_requests(self, request: web.Request) -> None:
        """Before anything is looked up. `LimitError` (`rate_limited`)."""
        self.context.take(self.context.requests, request, "too many requests from this address")

    def _find(self, request: web.Request) -> HttpSession:
        room = _room(request)
        grant = self._check_bearer(request, room)
        session = self.sessions.find(request.match_info["session"], room)
        if session is None or (grant is not None and grant.identity != session.identity):
            raise _gone()
        return session

    def _check_bearer(self, request: web.Request, room: RoomName) -> Grant | None:
        """The token counts here too, but its expiry ended admission, not what was admitted."""
        authority = self.context.authority
        if authority.open:
            return None
        grant = authority.read(bearer_token(request), expired_too=True)
        if grant.room != room or not grant.join:
            raise PermissionDeniedError("the token is for another room")
        return grant


def _room(request: web.Request) -> RoomName:
    try:
        return room_name(request.match_info["room"])
    except RemoteError as error:
        raise RemoteError(error.message, code="not_found") from None


def _gone() -> RemoteError:
    return RemoteError("there is no such session", code="not_found")
