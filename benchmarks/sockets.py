"""UDP sockets as the benchmark's clients use them: large buffers, kernel receive times."""

import socket

RECEIVE_BUFFER = 4 << 20
"""Bytes asked for; a receiver that is polled every few milliseconds must never be the one that loses packets."""

_SO_TIMESTAMPNS = 35
"""Linux; the socket module has no name for it before 3.14."""


def client_socket(*, timestamps: bool = False, host: str = "") -> socket.socket:
    """A non-blocking UDP socket on a free port, of all addresses unless `host` is given. `OSError` when it cannot be had."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    if timestamps:
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    sock.bind((host, 0))
    return sock


def receive_buffer_drops(ports: set[int]) -> int:
    """Datagrams that the kernel dropped at these local UDP ports because their buffer was full."""
    dropped = 0
    with open("/proc/net/udp", encoding="ascii") as table:
        for line in table.readlines()[1:]:
            fields = line.split()
            if int(fields[1].rpartition(":")[2], 16) in ports:
                dropped += int(fields[-1])
    return dropped
