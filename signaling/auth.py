"""Who may do what: JSON Web Tokens with LiveKit's claims, or open rooms where no key is configured.

Only HS256 is ever accepted; which secret it is checked with is decided by `iss`, never by the header. A token is read
strictly before it is believed (no duplicate keys, no `crit`), and neither tokens nor secrets get into messages or logs.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
from jwt.algorithms import HMACAlgorithm
from jwt.utils import base64url_decode

from sfu.errors import PermissionDeniedError, ProtocolError, RemoteError
from sfu.ids import RoomName
from sfu.permissions import Permissions
from sfu.views import Source
from signaling.names import display_name
from signaling.strict_json import loads_object

MAX_TOKEN = 8_192
"""Characters; what an HTTP header line may hold."""
MAX_IDENTITY = 256
"""Characters of `sub`."""

SOURCES = {
    "camera": Source.CAMERA,
    "microphone": Source.MICROPHONE,
    "screen_share": Source.SCREEN,
    "screen_share_audio": Source.SCREEN_AUDIO,
}
"""LiveKit's names of sources in tokens."""

_HS256 = HMACAlgorithm(HMACAlgorithm.SHA256)


class TokenError(RemoteError):
    """`token_required`, `invalid_token` or `token_expired`."""

    code = "invalid_token"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a caller may do, after the token was checked."""

    permissions: Permissions = field(default_factory=Permissions)
    identity: str | None = None
    name: str = ""
    """What the token says they are called; it overrides what they say themselves."""
    hidden: bool = False
    room: str | None = None
    """The only room it is good for; `None` in open mode."""
    join: bool = True
    list_rooms: bool = False
    create_rooms: bool = False


class Authority:
    """Checks tokens against API keys.

    `leeway_s`: clocks of the token's maker and of this machine may differ by this much. `now`: seconds since 1970.
    """

    def __init__(
        self, secrets: Mapping[str, str], *, leeway_s: float = 0.0, now: Callable[[], float] = time.time
    ) -> None:
        self._secrets = {key: _HS256.prepare_key(secret.encode()) for key, secret in secrets.items()}
        self._leeway_s = leeway_s
        self._now = now

    @property
    def open(self) -> bool:
        """No keys: everybody may join every room, nobody administers by token."""
        return not self._secrets

    def join(self, token: str | None, room: RoomName) -> Grant:
        """May the bearer enter this room? `TokenError`, `PermissionDeniedError`."""
        if self.open:
            return Grant()
        grant = self.read(token)
        if not grant.join:
            raise PermissionDeniedError("the token does not allow joining (roomJoin)")
        if grant.room != room:
            raise PermissionDeniedError("the token is for another room")
        return grant

    def read(self, token: str | None, *, expired_too: bool = False) -> Grant:
        """The token's claims once its signature and times are right. `TokenError`.

        `expired_too`: for what was admitted while the token was valid, such as ending one's own WHIP session.
        """
        if not token:
            raise TokenError("a token is required", code="token_required")
        claims = self._verify(token)
        self._check_times(claims, expired_too=expired_too)
        return _grant(claims)

    def _verify(self, token: str) -> dict[str, Any]:
        if len(token) > MAX_TOKEN or not token.isascii() or token.count(".") != 2:
            raise TokenError("this is not a JSON Web Token")
        signed, _, signature = token.rpartition(".")
        header_part, _, claims_part = signed.partition(".")
        header, claims = _segment(header_part), _segment(claims_part)
        if header.get("alg") != "HS256":
            raise TokenError("only tokens signed by HS256 are accepted")
        if "crit" in header or header.get("b64", True) is not True:
            raise TokenError("the token asks for extensions that are not supported")
        issuer = claims.get("iss")
        secret = self._secrets.get(issuer) if isinstance(issuer, str) else None
        if secret is None:
            raise TokenError("the token's issuer is not an API key of this server")
        if not _HS256.verify(signed.encode(), secret, _decode(signature)):
            raise TokenError("the token's signature is wrong")
        return claims

    def _check_times(self, claims: Mapping[str, Any], *, expired_too: bool) -> None:
        now = self._now()
        expires = _number(claims, "exp")
        if expires is None:
            raise TokenError("the token has no expiry (exp)")
        if now >= expires + self._leeway_s and not expired_too:
            raise TokenError("the token has expired", code="token_expired")
        not_before = _number(claims, "nbf")
        if not_before is not None and now < not_before - self._leeway_s:
            raise TokenError("the token is not valid yet (nbf)")


def _grant(claims: Mapping[str, Any]) -> Grant:
    video = claims.get("video", {})
    if not isinstance(video, dict):
        raise TokenError("claim video must be an object")
    publish = _flag(video, "canPublish", default=True)
    identity = _text(claims, "sub")
    if len(identity) > MAX_IDENTITY:
        raise TokenError(f"claim sub is longer than {MAX_IDENTITY} characters")
    return Grant(
        permissions=Permissions(
            publish=publish,
            sources=_sources(video),
            subscribe=_flag(video, "canSubscribe", default=True),
            # As in LiveKit: who may not publish media may not publish data either, unless the token says so.
            publish_data=_flag(video, "canPublishData", default=publish),
            admin=_flag(video, "roomAdmin", default=False),
            direct=_flag(video, "direct", default=True),
        ),
        identity=identity or None,
        name=display_name(_text(claims, "name")),
        hidden=_flag(video, "hidden", default=False),
        room=_text(video, "room"),
        join=_flag(video, "roomJoin", default=False),
        list_rooms=_flag(video, "roomList", default=False),
        create_rooms=_flag(video, "roomCreate", default=False),
    )


def _sources(video: Mapping[str, Any]) -> frozenset[Source] | None:
    """LiveKit's canPublishSources: without it, or with an empty one, anything may be published."""
    names = video.get("canPublishSources")
    if names is None or names == []:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise TokenError("claim canPublishSources must be a list of names")
    return frozenset(SOURCES[name.lower()] for name in names if name.lower() in SOURCES)


def _segment(text: str) -> dict[str, Any]:
    try:
        return loads_object(_decode(text).decode())
    except UnicodeDecodeError:
        raise TokenError("the token is not UTF-8") from None
    except ProtocolError as error:
        raise TokenError(f"the token is malformed: {error.message}") from None


def _decode(text: str) -> bytes:
    # The library's decoder skips characters outside of the alphabet; a signature must have one spelling.
    if not text or not all(c.isalnum() or c in "-_" for c in text):
        raise TokenError("the token is not base64url")
    try:
        return base64url_decode(text)
    except (ValueError, jwt.PyJWTError):
        raise TokenError("the token is not base64url") from None


def _flag(claims: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = claims.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise TokenError(f"claim {name} must be true or false")
    return value


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TokenError(f"claim {name} must be a string")
    return value


def _number(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenError(f"claim {name} must be a number")
    return float(value)
