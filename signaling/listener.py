"""The sockets that HTTP listens on: accepts connections as far as `Connections` lets them in, and hands them to the web server.

Owns the listening sockets, and each connection until its TLS handshake is done. The framework's own sites take whatever comes:
they bound neither the number of connections nor the time that a handshake and the first request may take.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from sfu.log import get_logger
from signaling.connections import Connections

BACKLOG = 512
"""Connections that the kernel keeps ready."""
ACCEPTED_A_WAKE_UP = 32
"""Each costs some 0.1 ms."""
NO_FILES_S = 0.5
"""The pause after the process ran out of file descriptors."""
LATE_S = 0.1
"""By which a timer may be late on a loop that has time for everybody."""
STALLED_MS = 60_000
"""What a client does not take for so long, it does not want: TCP_USER_TIMEOUT (RFC 5482)."""

log = get_logger(__name__)


class Listener:
    """`make`: a protocol for each connection, which is by what `connections` knows it. `start` and `close` once each."""

    def __init__(
        self, make: Callable[[], asyncio.Protocol], connections: Connections, tls: ssl.SSLContext | None
    ) -> None:
        self._make = make
        self._connections = connections
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._sockets: list[socket.socket] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._alarm: asyncio.Handle | None = None

    async def start(self, host: str, port: int) -> None:
        """Listen at every address of this name. `OSError` says where it cannot be done."""
        found = await self._loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        try:
            for family, address in dict.fromkeys((family, address) for family, _, _, _, address in found):
                # For all of IPv6 means for all of IPv4 too.
                both = family == socket.AF_INET6 and host == "::"
                made = socket.create_server(address[:2], family=family, backlog=BACKLOG, dualstack_ipv6=both)
                self._sockets.append(made)
                made.setblocking(False)
        except BaseException:
            self.close()
            raise
        for listening in self._sockets:
            self._loop.add_reader(listening, self._accept, listening)

    @property
    def address(self) -> tuple[str, int] | None:
        """The first one; `None` where nothing listens."""
        return self._sockets[0].getsockname()[:2] if self._sockets else None

    def close(self) -> None:
        """Take nobody any more. Who is in stays, who is in the middle of a TLS handshake is cut."""
        for listening in self._sockets:
            self._loop.remove_reader(listening)
            listening.close()
        self._sockets = []
        for task in self._tasks:
            task.cancel()
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(ACCEPTED_A_WAKE_UP):
            try:
                made, peer = listening.accept()
            except (BlockingIOError, ConnectionError):
                return
            except OSError as error:
                self._connections.closed["no_files"] += 1
                log.warning("not_accepted", error=error.strerror, pause_s=NO_FILES_S)
                self._loop.remove_reader(listening)
                self._loop.call_later(NO_FILES_S, self._go_on, listening)
                return
            self._take(made, peer[0])

    def _go_on(self, listening: socket.socket) -> None:
        if listening in self._sockets:
            self._loop.add_reader(listening, self._accept, listening)

    def _take(self, made: socket.socket, peer: str) -> None:
        protocol = self._make()
        watched = _Watched(protocol, self._connections, made)
        if not self._connections.enter(protocol, peer, watched.cut, time.monotonic()):
            made.close()
            return
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALLED_MS)
        task = self._loop.create_task(self._connect(made, watched))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._set_alarm()

    async def _connect(self, made: socket.socket, watched: "_Watched") -> None:
        # Longer than `Connections` lets anybody be silent: it is who ends a handshake that does not come to an end.
        handshake_s = 2 * self._connections.silent_s if self._tls is not None else None
        try:
            await self._loop.connect_accepted_socket(
                lambda: watched, made, ssl=self._tls, ssl_handshake_timeout=handshake_s
            )
        except OSError:  # of TLS, of the network: whatever the client did
            self._connections.closed["tls"] += watched.alive
        finally:
            if watched.transport is None:
                watched.end()
                made.close()

    def _set_alarm(self) -> None:
        until_s = self._connections.next_time()
        if self._alarm is None and until_s is not None:
            self._alarm = self._loop.call_later(until_s - time.monotonic(), self._ring, until_s)

    def _ring(self, due_s: float) -> None:
        self._alarm = None
        late_s = time.monotonic() - due_s
        if late_s > LATE_S:
            # It is us who were busy: what they have sent may not have been read yet.
            self._alarm = self._loop.call_later(late_s, self._ring, due_s + 2 * late_s)
            return
        self._connections.expire(time.monotonic())
        self._set_alarm()


class _Watched(asyncio.Protocol):
    """Hands everything on, and knows when the connection is there and when it is gone."""

    def __init__(self, inner: asyncio.Protocol, connections: Connections, made: socket.socket) -> None:
        self.transport: asyncio.Transport | None = None
        self.alive = True
        """Nobody has cut it."""
        self._inner = inner
        self._connections = connections
        self._socket = made

    def cut(self) -> None:
        """Close it at once."""
        self.alive = False
        if self.transport is not None:
            self.transport.abort()
        else:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)  # which ends the handshake

    def end(self) -> None:
        """It is gone."""
        self._connections.leave(self._inner)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._inner.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.end()
        self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()
