"""`POST /whip/{room}` (RFC 9725): somebody publishes with nothing but HTTP, and receives nothing."""

import re

from aiohttp import web

from sfu.errors import PermissionDeniedError
from sfu.negotiation import Role
from sfu.participant import Participant
from sfu.permissions import JoinRequest
from signaling.admission import join_request
from signaling.auth import Grant
from signaling.endpoint import Endpoint
from signaling.responses import HttpError

PUBLISH = Role(publish=True, subscribe=False)
_REFUSED_LINE = re.compile(r"^(?:m=(?:audio|video) 0 |a=inactive\r?$)", re.MULTILINE)


class Whip(Endpoint):
    """Ingest."""

    path = "whip"

    def request_for(self, request: web.Request, grant: Grant) -> JoinRequest:
        if not grant.permissions.publish:
            raise PermissionDeniedError("the token does not allow publishing (canPublish)")
        return join_request(grant, name=request.query.get("name", ""), role=PUBLISH)

    def check(self, participant: Participant, answer: str) -> None:
        """All of it or nothing: no partially successful answers (RFC 9725, section 4.4.3)."""
        if not participant.tracks:
            raise HttpError("the offer sends nothing that this server takes", code="unprocessable", status=422)
        if _REFUSED_LINE.search(answer):
            raise HttpError(
                "one of the offer's m-lines sends nothing that this server takes", code="unprocessable", status=422
            )
