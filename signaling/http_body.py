"""Reading what an HTTP request says: its media type, its body, its bearer token. Everything bounded in size and time."""

import asyncio

from aiohttp import web

from sfu.errors import ProtocolError, RemoteError
from signaling.auth import TokenError
from signaling.responses import HttpError

BODY_TIMEOUT_S = 10.0
"""From the headers to the last byte of the body."""


def bearer_token(request: web.Request) -> str | None:
    """The token of `Authorization: Bearer …` (RFC 6750, section 2.1); `None` without that header."""
    headers = request.headers.getall("Authorization", [])
    if not headers:
        return None
    if len(headers) > 1:
        raise TokenError("there are several Authorization headers")
    scheme, _, token = headers[0].strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise TokenError("the Authorization header must be: Bearer <token>")
    return token.strip()


def require_type(request: web.Request, wanted: str) -> None:
    """415 unless the body is of this media type and not compressed."""
    if request.content_type.lower() != wanted:
        raise HttpError(f"the body must be {wanted}", code="unsupported_media_type", status=415)
    refuse_compressed(request)


def refuse_compressed(request: web.Request) -> None:
    """415 for a body that would have to be unpacked."""
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise HttpError("compressed bodies are not taken", code="unsupported_media_type", status=415)


def require_acceptable(request: web.Request, offered: str) -> None:
    """406 if the client says that it takes something else only."""
    accepted = request.headers.get("Accept", "").lower()
    ranges = [part.partition(";")[0].strip() for part in accepted.split(",")]
    main = offered.partition("/")[0]
    if accepted and not any(given in (offered, f"{main}/*", "*/*", "") for given in ranges):
        raise HttpError(f"the answer is {offered}", code="not_acceptable", status=406)


async def read_text(request: web.Request, limit: int) -> str:
    """The body as text. 400, 408 or 413."""
    if request.content_length is not None and request.content_length > limit:
        raise too_large(limit)
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            body = await request.read()
    except TimeoutError:
        raise RemoteError(f"the body did not come within {BODY_TIMEOUT_S:g} s", code="request_timeout") from None
    if len(body) > limit:
        raise too_large(limit)
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise ProtocolError(f"the body is not UTF-8 (byte {error.start})") from None


def too_large(limit: int) -> RemoteError:
    return RemoteError(f"the body may have at most {limit} bytes", code="too_large")
