"""What happens to every request: an id, a log line, errors as JSON, and the headers that keep browsers strict.

No request, however hostile, gets a 500 or a traceback; what does is a fault of ours, and logged as one.
"""

import re
import secrets
import time

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from sfu.errors import RemoteError
from sfu.log import get_logger
from signaling.context import CONTEXT
from signaling.cors import add_cors_headers
from signaling.responses import error_response, refusal_of

log = get_logger(__name__)

_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]{1,255}", re.ASCII)

PERMISSIONS_POLICY = (
    "camera=(self), microphone=(self), display-capture=(self), autoplay=(self), fullscreen=(self), "
    "geolocation=(), payment=(), usb=()"
)


@web.middleware
async def requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Outermost: identify the request and turn every error into a response."""
    started_s = time.monotonic()
    request.app[CONTEXT].connections.heard(request.protocol)
    request_id = secrets.token_hex(8)
    with structlog.contextvars.bound_contextvars(request=request_id):
        response = await _answer(request, handler)
        if not response.prepared:
            response.headers["X-Request-Id"] = request_id
        # The route's pattern, not the path: paths of WHIP sessions are secrets.
        route = request.match_info.route.resource
        log.debug(
            "request",
            method=request.method,
            route=route.canonical if route is not None else "none",
            status=response.status,
            ms=round((time.monotonic() - started_s) * 1000, 1),
        )
        return response


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    refusal: RemoteError
    try:
        return await handler(request)
    except web.HTTPException as error:
        refusal = refusal_of(error)
    except RemoteError as error:
        refusal = error
    except (ConnectionError, web.RequestPayloadError):
        refusal = RemoteError("the body ended too early")
    except Exception:
        log.exception("request_failed")
        refusal = RemoteError("this is a fault of the server, and it is logged", code="internal")
    request.app[CONTEXT].refused["http", refusal.code] += 1
    return error_response(refusal)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Signal `on_response_prepare`: headers of every response, errors and WebSocket upgrades included."""
    headers = response.headers
    headers["Server"] = "ciranda"
    headers.setdefault("Content-Security-Policy", content_security_policy(request.host))
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    headers["Permissions-Policy"] = PERMISSIONS_POLICY
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers.setdefault("Cache-Control", "no-store")
    add_cors_headers(request, response)


def content_security_policy(host: str) -> str:
    """Everything from this server only. WebSockets are named because older browsers do not count them as `'self'`."""
    sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        f"media-src 'self' blob: mediastream:; connect-src 'self'{sockets}; manifest-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
