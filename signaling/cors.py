"""Which pages of other sites may use this server (`cors_origin`). Pure but for the headers it sets."""

from aiohttp import web
from yarl import URL

from signaling.context import CONTEXT
from signaling.prefix import prefix_of

SHARED_PREFIXES = ("/whip/", "/whep/", "/static/")
"""Paths that pages of other origins may read: the HTTP front doors, and the modules for pages of one's own."""

METHODS = "POST, PATCH, DELETE, GET, HEAD, OPTIONS"
REQUEST_HEADERS = "Authorization, Content-Type, If-Match, Accept"
EXPOSED_HEADERS = "Location, ETag, Link, Accept-Post, Accept-Patch, Retry-After, WWW-Authenticate, X-Request-Id"
PREFLIGHT_MAX_AGE_S = "7200"
"""The most that Chromium remembers."""


def add_cors_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Let the page's origin read this response, if it may."""
    if not request.path.removeprefix(prefix_of(request)).startswith(SHARED_PREFIXES):
        return
    allowed = request.app[CONTEXT].settings.cors_origin
    origin = request.headers.get("Origin", "")
    if "*" in allowed:
        response.headers["Access-Control-Allow-Origin"] = "*"
    else:
        response.headers["Vary"] = ", ".join(filter(None, (response.headers.get("Vary"), "Origin")))
        if origin not in allowed:
            return
        response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = METHODS
        response.headers["Access-Control-Allow-Headers"] = REQUEST_HEADERS
        response.headers["Access-Control-Max-Age"] = PREFLIGHT_MAX_AGE_S


def socket_origin_allowed(request: web.Request) -> bool:
    """Whether a page of this origin may open a WebSocket: browsers ask nobody before they do (RFC 6455, section 10.2)."""
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    allowed = request.app[CONTEXT].settings.cors_origin
    if "*" in allowed or origin in allowed:
        return True
    try:
        return URL(origin).authority == request.host
    except ValueError:
        return False
