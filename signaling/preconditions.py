"""`If-Match` of PATCH requests (RFC 9110, section 13.1.1): the entity tag names the ICE session that a fragment belongs to."""

import re

from aiohttp import web

from signaling.responses import HttpError

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e]*)"')


def require_match(request: web.Request, etag: str) -> None:
    """428 without `If-Match`, 412 if none of its tags is `etag` (strong comparison).

    `*` matches, and so does `"*"`, which the examples of WHIP and WHEP show for ICE restarts: no entity tag of ours is that.
    """
    values = request.headers.getall("If-Match", [])
    if not values:
        raise HttpError("If-Match is required", code="precondition_required", status=428)
    value = ",".join(values)
    if value.strip() in ("*", '"*"'):
        return
    if not any(weak == "" and tag == etag for weak, tag in _TAG.findall(value)):
        raise HttpError("the entity tag is of another ICE session", code="precondition_failed", status=412)
