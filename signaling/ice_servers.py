"""Which STUN and TURN servers a participant is told of, and the passwords that TURN servers know to be ours.

A TURN server shares one secret with this server and nothing else: the user name is `expiry:identity`, the password is its
HMAC-SHA1 under that secret (draft-uberti-behave-turn-rest, coturn's `use-auth-secret`). Whoever got one relays until it
expires.

This server's own media port is a STUN server too, but never for the connection to this server: libwebrtc takes all that comes
from a STUN server's address for that server's answers, so that no check to the same address would ever succeed
(`UDPPort::OnReadPacket`). Settings that name it are therefore found at the start (`signaling.own_stun`) and handed out for direct
calls only. Pure: no socket, no clock; the secret never leaves this module.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from sfu.config import Settings, is_loopback
from sfu.protocol.ice import Candidate
from signaling.server_messages import IceServer

RENEWED_SHARE = 0.5
"""Of a password's life, until clients get the next one: an ICE restart finds at least the other half left."""


class IceServers:
    """What `ice_server`, `turn_server`, `turn_secret` and `turn_ttl_seconds` mean for clients."""

    def __init__(self, settings: Settings, own: Callable[[], Sequence[Candidate]] = tuple) -> None:
        """`own`: the candidates of a media port of ours."""
        self._own = own
        self._given = tuple(IceServer(urls=(url,)) for url in settings.ice_server)
        self._set_aside: tuple[IceServer, ...] = ()
        self._turn = settings.turn_server
        self._secret = settings.turn_secret
        self._ttl_s = settings.turn_ttl_seconds

    @property
    def renew_s(self) -> float | None:
        """Seconds after which whoever stays gets a new password. None: nothing expires."""
        return RENEWED_SHARE * self._ttl_s if self._turn else None

    def set_aside(self, urls: Collection[str]) -> None:
        """These of the settings lead to a media port of ours."""
        known = (*self._given, *self._set_aside)
        self._given = tuple(server for server in known if not set(server.urls) & set(urls))
        self._set_aside = tuple(server for server in known if set(server.urls) & set(urls))

    def for_participant(self, identity: str, now: float) -> tuple[IceServer, ...]:
        """Entries of `RTCConfiguration.iceServers` for the connection to this server. `identity` shows in the TURN server's logs
        and quotas; `now` is seconds since 1970 on a clock that the TURN server shares."""
        if not self._turn or self._secret is None:
            return self._given
        username = f"{int(now) + self._ttl_s}:{identity}"
        digest = hmac.digest(self._secret.get_secret_value().encode(), username.encode(), hashlib.sha1)
        credential = base64.b64encode(digest).decode()
        return (*self._given, IceServer(urls=self._turn, username=username, credential=credential))

    def for_direct_calls(self) -> tuple[IceServer, ...]:
        """The same for a connection to another participant. No relays: a path over one is no better than this server."""
        return (*(own_stun(self._own()) or self._set_aside[:1]), *self._given)


def own_stun(candidates: Iterable[Candidate]) -> tuple[IceServer, ...]:
    """This server as a STUN server, at the address that clients are told first; nothing where that is one machine's own.

    Only one: where clients cannot reach a STUN server, they wait for it.
    """
    for candidate in candidates:
        host, port = candidate.address
        if not candidate.tcp and not is_loopback(host):
            return (IceServer(urls=(f"stun:[{host}]:{port}" if ":" in host else f"stun:{host}:{port}",)),)
    return ()


def link_headers(servers: Iterable[IceServer]) -> Iterator[str]:
    """One `Link` a URL, for WHIP and WHEP (RFC 9725, section 4.6)."""
    for server in servers:
        credentials = ""
        if server.username is not None:
            credentials = (
                f'; username="{server.username}"; credential="{server.credential}"; credential-type="password"'
            )
        for url in server.urls:
            yield f'<{url}>; rel="ice-server"{credentials}'
