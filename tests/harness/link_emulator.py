"""A bad network between one client and the server under test, in user space: no kernel module, no privilege.

Owns the sockets around two `Link`s. Only clients start connectivity checks, so an answer whose candidates name the
emulator's port (`rewrite`) brings the client's whole traffic here. It goes on to the server from one socket for each
address that the client sends from, which is what the server takes for the client's address: `move` changes it, as a NAT
that forgets or a change of networks does. It decides nothing about datagrams: the links do.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import Callable
from typing import Any, Self

from tests.harness.link import CUT, PERFECT, Conditions, Link, Plan

Address = tuple[str, int]
MAX_DATAGRAM_BYTES = 65_536
BATCH = 64
"""Datagrams read from one socket before the others have their turn."""
BUFFER_BYTES = 1 << 20
"""Of each socket: what the machine holds up shall not be lost, only what a link loses."""

BEHIND = """(() => {
  const native = RTCPeerConnection.prototype.setRemoteDescription;
  const rewritten = (line) =>
    !line.startsWith('a=candidate:') ? [line]
    : / udp /i.test(line) && line.includes(%(server)s) ? [line.replace(%(server)s, %(here)s)] : [];
  RTCPeerConnection.prototype.setRemoteDescription = function (description) {
    const sdp = description.sdp.split('\\r\\n').flatMap(rewritten).join('\\r\\n');
    return native.call(this, { type: description.type, sdp });
  };
})();"""
"""What `rewrite` does, in a browser."""


class _Port:
    """A UDP socket on the event loop."""

    def __init__(self, host: str, on_datagram: Callable[[bytes, Address], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_datagram = on_datagram
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self._socket.setblocking(False)
        self._socket.bind((host, 0))
        self._loop.add_reader(self._socket, self._read)

    @property
    def address(self) -> Address:
        return _address(self._socket.getsockname())

    def send(self, datagram: bytes, to: Address) -> None:
        with contextlib.suppress(OSError):  # a full buffer, or nobody there any more: it is lost, as on any network
            self._socket.sendto(datagram, to)

    def close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _read(self) -> None:
        for _ in range(BATCH):
            try:
                datagram, name = self._socket.recvfrom(MAX_DATAGRAM_BYTES)
            except OSError:
                return
            self._on_datagram(datagram, _address(name))


class _Upstream:
    """The address by which the server knows one of the client's."""

    def __init__(self, emulator: "LinkEmulator", host: str, client: Address) -> None:
        self.client = client
        self.port = _Port(host, lambda datagram, _: emulator._from_server(datagram, self))


class LinkEmulator:
    """`async with LinkEmulator(server.media_addresses[0], up=…, down=…) as link`, then give clients `link.rewrite(answer)`."""

    def __init__(
        self,
        server: Address,
        *,
        up: Conditions | Plan = PERFECT,
        down: Conditions | Plan = PERFECT,
        seed: int = 0,
    ) -> None:
        """`up` is the way to the server. `server` is numeric, and so are the addresses in its answers."""
        self.server = server
        self.up: Link[_Upstream] = Link(up, seed=f"{seed}/up")
        self.down: Link[Address] = Link(down, seed=f"{seed}/down")
        self.blackholed = 0
        """Datagrams to or from an address which the client had left."""
        self._host = "::1" if ":" in server[0] else "127.0.0.1"
        self._upstreams: dict[Address, _Upstream] = {}
        self._left: list[_Upstream] = []
        self._keep_left = False
        self._dead: set[Address] = set()
        self._alarm: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._port = _Port(self._host, self._from_client)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        for upstream in (*self._upstreams.values(), *self._left):
            upstream.port.close()
        self._port.close()

    @property
    def address(self) -> Address:
        """Where the client sends."""
        return self._port.address

    @property
    def upstream_addresses(self) -> set[Address]:
        """By what the server knows the client now."""
        return {upstream.port.address for upstream in self._upstreams.values()}

    def rewrite(self, sdp: str) -> str:
        """An answer whose one way to the server leads through here: other candidates than its UDP port's are taken out."""
        lines = []
        for line in sdp.splitlines():
            if line.startswith("a=candidate:"):
                fields = line.split(" ")
                if fields[2].lower() != "udp" or (fields[4], int(fields[5])) != self.server:
                    continue
                fields[4:6] = self.address[0], str(self.address[1])
                line = " ".join(fields)
            lines.append(line)
        return "\r\n".join(lines) + "\r\n"

    def script(self) -> str:
        """The same for a browser: put before a page's own scripts."""
        server, here = (json.dumps(f" {host} {port} ") for host, port in (self.server, self.address))
        return BEHIND % {"server": server, "here": here}

    def change(self, conditions: Conditions) -> None:
        """In both directions, from now on."""
        self.up.change(conditions)
        self.down.change(conditions)

    def cut(self) -> None:
        """Nothing gets through, either way."""
        self.change(CUT)

    def restore(self) -> None:
        """Everything gets through, either way."""
        self.change(PERFECT)

    def move(self, *, keep_old: bool = False) -> None:
        """The server sees the client at new addresses. `keep_old`: what it sends to the old ones arrives still."""
        self._left += self._upstreams.values()
        self._upstreams = {client: _Upstream(self, self._host, client) for client in self._upstreams}
        self._keep_left = keep_old

    def leave(self) -> None:
        """The client's own addresses of now are dead, both ways: its network is gone. From others it gets through."""
        self._left += self._upstreams.values()
        self._dead |= self._upstreams.keys()
        self._upstreams = {}
        self._keep_left = False

    def forget_old(self) -> None:
        """What is sent to the addresses that the client has left is lost from now on."""
        self._keep_left = False

    def _from_client(self, datagram: bytes, client: Address) -> None:
        if client in self._dead:
            self.blackholed += 1
            return
        upstream = self._upstreams.get(client)
        if upstream is None:
            upstream = self._upstreams[client] = _Upstream(self, self._host, client)
        self.up.send(datagram, upstream, self._loop.time())
        self._pump()

    def _from_server(self, datagram: bytes, upstream: _Upstream) -> None:
        if upstream in self._left and not self._keep_left:
            self.blackholed += 1
            return
        self.down.send(datagram, upstream.client, self._loop.time())
        self._pump()

    def _pump(self) -> None:
        now = self._loop.time()
        for datagram, upstream in self.up.due(now):
            upstream.port.send(datagram, self.server)
        for datagram, client in self.down.due(now):
            self._port.send(datagram, client)
        when = min((t for t in (self.up.next_time(), self.down.next_time()) if t is not None), default=None)
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = None if when is None else self._loop.call_at(when, self._pump)


def _address(name: tuple[Any, ...]) -> Address:
    return name[0], name[1]
