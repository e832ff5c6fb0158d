"""`POST /whep/{room}` (draft-ietf-wish-whep): a viewer with nothing but HTTP, with as many slots as the offer has m-lines.

Viewers are hidden. One may come before the publisher: its slots fill when there is something to see.
"""

from aiohttp import web

from sfu.errors import PermissionDeniedError, RemoteError
from sfu.negotiation import Role
from sfu.participant import Participant
from sfu.permissions import JoinRequest
from signaling.admission import join_request
from signaling.auth import MAX_IDENTITY, Grant
from signaling.endpoint import SDP, Endpoint
from signaling.responses import HttpError

WATCH = Role(publish=False, subscribe=True)


class Whep(Endpoint):
    """Playback. `?participant=` names one person, by id or by the token's identity, to receive from."""

    path = "whep"

    def request_for(self, request: web.Request, grant: Grant) -> JoinRequest:
        if not grant.permissions.subscribe:
            raise PermissionDeniedError("the token does not allow watching (canSubscribe)")
        pinned = request.query.get("participant")
        if pinned is not None and not 1 <= len(pinned) <= MAX_IDENTITY:
            raise RemoteError(f"participant is 1 to {MAX_IDENTITY} characters")
        return join_request(grant, name=request.query.get("name", ""), role=WATCH, hidden=True, pinned=pinned)

    def check(self, participant: Participant, answer: str) -> None:
        if not participant.slots:
            raise HttpError("the offer receives nothing that this server sends", code="unprocessable", status=422)

    async def describe(self, request: web.Request) -> web.Response:
        """A WHEP player finds endpoints by this content type."""
        await self.nothing(request)
        return web.Response(content_type=SDP)
