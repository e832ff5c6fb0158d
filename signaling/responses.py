"""HTTP responses for errors: always JSON `{code, message}`, with the status that fits the code. Pure."""

from collections.abc import Mapping

from aiohttp import web

from sfu.errors import RemoteError

STATUS: Mapping[str, int] = {
    "token_required": 401,
    "invalid_token": 401,
    "token_expired": 401,
    "permission_denied": 403,
    "room_locked": 403,
    "waiting_room": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "not_acceptable": 406,
    "request_timeout": 408,
    "conflict": 409,
    "precondition_failed": 412,
    "too_large": 413,
    "unsupported_media_type": 415,
    "unprocessable": 422,
    "precondition_required": 428,
    "rate_limited": 429,
    "internal": 500,
    "room_full": 503,
    "limit_reached": 503,
    "shutting_down": 503,
}
"""Code → status; every other code is a 400."""

_CODES = {status: code for code, status in STATUS.items() if status in (404, 405, 406, 408, 413, 415, 422, 429)}
RETRY_AFTER_S = "5"
"""For 429 and 503: about what it takes until a place is free or the burst has refilled."""


class HttpError(RemoteError):
    """An error whose status is not the one that `STATUS` has for its code."""

    def __init__(self, message: str, *, code: str, status: int, allow: str = "") -> None:
        """`allow`: the methods that there are, for 405."""
        super().__init__(message, code=code)
        self.status, self.allow = status, allow


def error_response(error: RemoteError) -> web.Response:
    """The answer to a request that the peer should not have made."""
    status = error.status if isinstance(error, HttpError) else STATUS.get(error.code, 400)
    response = web.json_response({"code": error.code, "message": error.message}, status=status)
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="ciranda"'
    if status in (429, 503):
        response.headers["Retry-After"] = RETRY_AFTER_S
    if isinstance(error, HttpError) and error.allow:
        response.headers["Allow"] = error.allow
    return response


def refusal_of(error: web.HTTPException) -> HttpError:
    """The framework's own refusals (no such route, wrong method, body too large) in the same form."""
    code = _CODES.get(error.status, "bad_request")
    return HttpError(error.reason, code=code, status=error.status, allow=error.headers.get("Allow", ""))
