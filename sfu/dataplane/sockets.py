"""The sockets of one worker: media over UDP, beside it the same address again for RTCP alone, and the TCP port of that number.

Owns their options. A browser sends feedback ten times a second, so a hundred receivers would wake the worker a thousand times for
what can wait some milliseconds. The kernel sorts it out (SO_REUSEPORT with a classic BPF program over the datagram's first two
bytes), and the worker reads it when media wakes it anyway. Knows nothing of engines.
"""

import array
import errno
import os
import socket
import struct

# SOL_SOCKET options that the socket module does not name (asm-generic/socket.h).
_SO_TIMESTAMPNS = 35
_SO_SNDBUFFORCE = 32
_SO_RCVBUFFORCE = 33
_SO_ATTACH_REUSEPORT_CBPF = 51
_SO_MEMINFO = 55
_MEMINFO = struct.Struct("=9I")
_MEMINFO_DROPS = 8

_LOAD_BYTE, _AT_LEAST, _RETURN = 0x30, 0x35, 0x06
_RTCP_FILTER = (
    # (operation, lines to skip if true, if false, operand); a datagram too short to load from returns 0.
    (_LOAD_BYTE, 0, 0, 0),
    (_AT_LEAST, 0, 5, 128),  # RFC 7983: RTP and RTCP
    (_AT_LEAST, 4, 0, 192),
    (_LOAD_BYTE, 0, 0, 1),
    (_AT_LEAST, 0, 2, 192),  # RFC 5761, section 4: RTCP packet types
    (_AT_LEAST, 1, 0, 224),
    (_RETURN, 0, 0, 1),
    (_RETURN, 0, 0, 0),
)
"""Gives the place in the group: 0 the media socket, 1 the one for RTCP."""


_TCP_BACKLOG = 128
_PORT_TRIES = 32


def open_sockets(
    host: str, port: int, receive_buffer: int, send_buffer: int
) -> tuple[socket.socket, socket.socket | None]:
    """Bound, not blocking; buffers in bytes. The second is None where the kernel does not sort: then the first has everything."""
    media = _bound(host, port, receive_buffer, send_buffer)
    try:
        # Only now, so that a second server on this port fails at its first bind.
        media.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        feedback = _bound(host, media.getsockname()[1], receive_buffer, send_buffer, shared=True)
    except OSError:
        return media, None
    except BaseException:
        media.close()
        raise
    try:
        _attach(media)
    except OSError:
        feedback.close()
        return media, None
    return media, feedback


def open_sockets_and_tcp(
    host: str, port: int, receive_buffer: int, send_buffer: int
) -> tuple[socket.socket, socket.socket | None, socket.socket]:
    """As `open_sockets`, and a third that listens for TCP connections at the same number."""
    tries = _PORT_TRIES if not port else 1  # a number that is free for UDP may be somebody's for TCP
    while True:
        media, feedback = open_sockets(host, port, receive_buffer, send_buffer)
        try:
            return media, feedback, _listening(host, media.getsockname()[1])
        except OSError as error:
            media.close()
            if feedback is not None:
                feedback.close()
            tries -= 1
            if error.errno != errno.EADDRINUSE or not tries:
                raise


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        # A server that starts again finds connections of the one before in TIME-WAIT.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setblocking(False)
        _bind(made, host, port)
        made.listen(_TCP_BACKLOG)
    except BaseException:
        made.close()
        raise
    return made


def receive_drops(fd: int) -> int:
    """Datagrams that the kernel has dropped since the socket was opened because its receive buffer was full."""
    if fd < 0:
        return 0
    with socket.socket(fileno=os.dup(fd)) as made:
        return int(_MEMINFO.unpack(made.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size))[_MEMINFO_DROPS])


def _bound(host: str, port: int, receive_buffer: int, send_buffer: int, *, shared: bool = False) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        for option, forced, size in (
            (socket.SO_RCVBUF, _SO_RCVBUFFORCE, receive_buffer),
            (socket.SO_SNDBUF, _SO_SNDBUFFORCE, send_buffer),
        ):
            try:
                made.setsockopt(socket.SOL_SOCKET, forced, size)
            except PermissionError:
                # Only root may pass the system's limit.
                made.setsockopt(socket.SOL_SOCKET, option, size)
        if shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        _bind(made, host, port)
    except BaseException:
        made.close()
        raise
    return made


def _bind(made: socket.socket, host: str, port: int) -> None:
    """`OSError` says where: a server has several addresses."""
    try:
        made.bind((host, port))
    except OSError as error:
        kind = "udp" if made.type == socket.SOCK_DGRAM else "tcp"
        raise OSError(error.errno, f"{host}:{port}/{kind} for media: {error.strerror or error}") from error


def _attach(made: socket.socket) -> None:
    lines = array.array("B", b"".join(struct.pack("=HBBI", *line) for line in _RTCP_FILTER))
    address, _ = lines.buffer_info()
    # struct sock_fprog: a count, and a pointer at its natural alignment.
    program = struct.pack("@HP", len(_RTCP_FILTER), address)
    made.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_REUSEPORT_CBPF, program)
