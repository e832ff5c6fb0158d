"""The worker's sockets: the kernel gives RTCP to one of them and everything else to the other."""

import select
import socket

import pytest

from sfu.dataplane.sockets import open_sockets, receive_drops

HOSTS = ["127.0.0.1", "::1"]
BUFFER = 1 << 16


@pytest.fixture
def pair(request: pytest.FixtureRequest):  # type: ignore[no-untyped-def]
    media, feedback = open_sockets(request.param, 0, BUFFER, BUFFER)
    assert feedback is not None, "this kernel does not sort RTCP out"
    yield media, feedback
    media.close()
    feedback.close()


def where(media: socket.socket, feedback: socket.socket, datagram: bytes) -> str:
    """Which of the two gets it."""
    with socket.socket(media.family, socket.SOCK_DGRAM) as sender:
        sender.sendto(datagram, media.getsockname()[:2])
        ready = select.select([media, feedback], [], [], 5)[0]
        assert len(ready) == 1
        assert ready[0].recv(2048) == datagram
        return "feedback" if ready[0] is feedback else "media"


@pytest.mark.parametrize("pair", HOSTS, indirect=True)
def test_rtcp_and_nothing_else_goes_to_its_socket(pair: tuple[socket.socket, socket.socket]) -> None:
    for first in (0, 1, 19, 20, 63, 64, 127, 128, 129, 191, 192, 255):
        for second in (0, 96, 127, 191, 192, 200, 206, 223, 224, 255):
            rtcp = 128 <= first < 192 and 192 <= second < 224
            assert where(*pair, bytes([first, second, 0, 1])) == ("feedback" if rtcp else "media"), (first, second)


@pytest.mark.parametrize("pair", HOSTS, indirect=True)
def test_datagrams_too_short_to_tell_go_to_the_media_socket(pair: tuple[socket.socket, socket.socket]) -> None:
    assert where(*pair, b"") == "media"
    assert where(*pair, b"\x80") == "media"


@pytest.mark.parametrize("host", HOSTS)
def test_a_second_server_on_the_port_fails(host: str) -> None:
    media, feedback = open_sockets(host, 0, BUFFER, BUFFER)
    try:
        with pytest.raises(OSError, match="in use"):
            open_sockets(host, media.getsockname()[1], BUFFER, BUFFER)
    finally:
        media.close()
        if feedback is not None:
            feedback.close()


@pytest.mark.parametrize("pair", HOSTS[:1], indirect=True)
def test_the_kernels_drops_are_counted(pair: tuple[socket.socket, socket.socket]) -> None:
    media, feedback = pair
    assert receive_drops(media.fileno()) == 0
    with socket.socket(media.family, socket.SOCK_DGRAM) as sender:
        for _ in range(500):
            sender.sendto(bytes(1000), media.getsockname())
    assert 0 < receive_drops(media.fileno()) < 500
    assert receive_drops(feedback.fileno()) == receive_drops(-1) == 0
