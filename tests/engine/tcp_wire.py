"""TCP clients of a worker over loopback: frames in, frames out, and the address by which the engine knows each."""

import select
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sfu.dataplane import Address, ConnectionClosed, Event, StunReceived, Worker
from tests.engine.bed import Bed, Client
from tests.unit.test_stream import framed

CHECK = b"\x00\x01" + bytes(18)


class TcpClient:
    """One connection."""

    def __init__(self, wire: "TcpWire", receive_buffer: int | None = None) -> None:
        host, port = wire.worker.address
        self.wire = wire
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(10)
        self.socket.connect((host, port))
        self._data = b""

    @property
    def name(self) -> tuple[str, int]:
        host, port = self.socket.getsockname()[:2]
        return host, port

    def send(self, *datagrams: bytes) -> None:
        self.socket.sendall(framed(*datagrams))

    def receive(self) -> bytes:
        """The next frame. `EOFError` at the end."""
        while len(self._data) < 2 or len(self._data) < 2 + struct.unpack_from("!H", self._data)[0]:
            more = self.socket.recv(65_536)
            if not more:
                raise EOFError
            self._data += more
        (length,) = struct.unpack_from("!H", self._data)
        frame, self._data = self._data[2 : 2 + length], self._data[2 + length :]
        return frame

    def address(self) -> Address:
        """As the engine knows it: by a check."""
        self.send(CHECK)
        return self.wire.stun_from(self.name)

    def is_closed(self) -> bool:
        """Once everything was read."""
        try:
            while True:
                self.receive()
        except (EOFError, ConnectionError):
            return True
        except TimeoutError:
            return False


class TcpWire:
    """A bed whose engine a worker runs, with its TCP port open."""

    def __init__(self, host: str = "127.0.0.1", patience_us: int = 10_000_000, most_connections: int = 1024) -> None:
        self.bed = Bed()
        self.worker = Worker(
            self.bed.engine, host, 0, tcp=True, most_connections=most_connections, patience_us=patience_us
        )
        self.events: list[Event] = []
        self.clients: list[TcpClient] = []
        self.others: list[socket.socket] = []
        """Closed at the end."""

    def connect(self, receive_buffer: int | None = None) -> TcpClient:
        made = TcpClient(self, receive_buffer)
        self.clients.append(made)
        return made

    def member(self, receive_buffer: int | None = None) -> tuple[Client, TcpClient]:
        """A client with keys whose one address is a connection."""
        connection = self.connect(receive_buffer)
        client = self.bed.publisher()
        self.bed.engine.remove_address(client.transport, client.address)
        client.address = connection.address()
        self.bed.engine.add_address(client.transport, client.address)
        return client, connection

    def known(self, connection: TcpClient) -> None:
        """Until the worker has seen that its address is somebody's: it sends more than a stranger may."""

        def ignored() -> int:
            return self.bed.engine.counters().dropped["unknown_first_byte"]

        before = ignored()
        connection.send(*[b"\xff" * 1000] * 20)
        self.until(lambda: ignored() == before + 20, "all was read")

    def until(self, condition: Callable[[], object], what: str, seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, what
            if select.select([self.worker], [], [], 0.02)[0]:
                self.events += self.worker.drain()

    def stun_from(self, name: tuple[str, int]) -> Address:
        def found() -> list[Address]:
            return [e.address for e in self.events if isinstance(e, StunReceived) and e.address[:2] == name]

        self.until(found, f"no check from {name}")
        return found()[-1]

    def closed(self) -> dict[str, int]:
        return {reason: n for reason, n in self.bed.engine.counters().connections_closed.items() if n}

    def wait_closed(self, **reasons: int) -> None:
        self.until(lambda: self.closed() == reasons, f"{reasons}, not {self.closed()}")

    def closed_addresses(self) -> list[Address]:
        return [event.address for event in self.events if isinstance(event, ConnectionClosed)]

    @property
    def open(self) -> int:
        return self.bed.engine.counters().connections

    def close(self) -> None:
        self.worker.stop()
        for made in (*(client.socket for client in self.clients), *self.others):
            made.close()


@contextmanager
def tcp_wired(
    host: str = "127.0.0.1", patience_us: int = 10_000_000, most_connections: int = 1024
) -> Iterator[TcpWire]:
    wire = TcpWire(host, patience_us, most_connections)
    wire.worker.start()
    try:
        yield wire
    finally:
        wire.close()
