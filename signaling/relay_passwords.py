"""One client's passwords for TURN servers: the first with its welcome, and a newer one long before each expires.

A call may last longer than a password, and an ICE restart needs one that is good. Owns one timer; the passwords are made by
`signaling.ice_servers`.
"""

import asyncio
import time
from collections.abc import Callable

from signaling import server_messages
from signaling.ice_servers import IceServers


class RelayPasswords:
    """`servers` gives the present ones; `send` takes what the client shall be told; `clock` is seconds since 1970."""

    def __init__(
        self,
        servers: Callable[[], IceServers],
        send: Callable[[server_messages.ServerMessage], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._servers = servers
        self._send = send
        self._clock = clock
        self._identity = ""
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, identity: str) -> tuple[server_messages.IceServer, ...]:
        """What the welcome says; all later ones are sent from here."""
        self._identity = identity
        return self._next()

    def close(self) -> None:
        """The client is gone. Safe to call twice."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _next(self) -> tuple[server_messages.IceServer, ...]:
        self.close()
        servers = self._servers()
        if servers.renew_s is not None:
            self._timer = asyncio.get_running_loop().call_later(servers.renew_s, self._renew)
        return servers.for_participant(self._identity, self._clock())

    def _renew(self) -> None:
        self._send(server_messages.IceServers(ice_servers=self._next()))
