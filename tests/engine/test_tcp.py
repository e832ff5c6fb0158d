"""TCP connections beside the UDP port: to the engine each is an address like any other."""

import contextlib
import errno
import gc
import resource
import socket
import struct
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfu.dataplane import Engine, LayerStarted, StunReceived, Worker
from tests.engine.bed import VideoSource, audio_slot, audio_track, rtp, video_slot, video_track
from tests.engine.tcp_wire import CHECK, TcpClient, TcpWire, tcp_wired
from tests.unit.test_stream import cut, framed

pytestmark = pytest.mark.asan


@pytest.fixture
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16_384), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_checks_go_up_and_answers_come_down_framed(host: str) -> None:
    with tcp_wired(host) as wire:
        one, two = wire.connect(), wire.connect()
        first, second = one.address(), two.address()
        assert first[:2] == one.name
        assert len({first[2:], second[2:], ()}) == 3, "each connection has a number of its own"
        wire.worker.send(b"\x01\x01to the second", second)
        wire.worker.send(b"\x01\x01to the first", first)
        wire.worker.send(b"\x16" + bytes(1400), first)
        assert one.receive() == b"\x01\x01to the first"
        assert one.receive() == b"\x16" + bytes(1400)
        assert two.receive() == b"\x01\x01to the second"
        counters = wire.bed.engine.counters()
        assert (counters.packets["in", "stun"], counters.packets["out", "stun"], counters.packets["out", "dtls"]) == (
            2,
            2,
            1,
        )
        assert counters.connections == 2


def test_udp_and_tcp_have_one_port_number() -> None:
    with tcp_wired() as wire:
        probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        probe.sendto(CHECK, wire.worker.address)
        wire.until(lambda: any(isinstance(event, StunReceived) for event in wire.events), "no check by UDP")
        probe.close()
        assert wire.connect().address()
        with pytest.raises(OSError, match="in use") as refused:
            Worker(Engine(), *wire.worker.address, tcp=True)
        assert refused.value.errno == errno.EADDRINUSE
    # Nothing stays open: the same number can be had again at once.
    Worker(Engine(), *wire.worker.address, tcp=True).stop()


def test_a_tcp_port_that_is_taken_is_an_error_and_leaves_no_udp_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = taken.getsockname()
        with pytest.raises(OSError, match="in use"):
            Worker(Engine(), *address, tcp=True)
        Worker(Engine(), *address).stop()


def test_media_flows_from_tcp_to_tcp() -> None:
    with tcp_wired() as wire:
        engine = wire.bed.engine
        (sender, up), (receiver, down) = wire.member(), wire.member()
        track = engine.add_track(sender.transport, video_track())
        engine.route(engine.add_slot(receiver.transport, video_slot()), track)
        sound = engine.add_track(sender.transport, audio_track("0"))
        engine.route(engine.add_slot(receiver.transport, audio_slot()), sound)
        source = VideoSource(sender, 500)
        for place in range(30):
            up.send(*(sender.protect(packet) for packet in source.frame(keyframe=place == 0, packets=10, size=1100)))
            up.send(sender.protect(rtp(111, place, place * 960, 7, b"sound", extensions={4: b"0"})))
        while len(receiver.rtp) < 330:
            receiver.take(down.receive())
        assert {packet.ssrc for packet in receiver.rtp} == {0x2222, 0x1111}
        video = [packet.sequence_number for packet in receiver.rtp if packet.ssrc == 0x2222]
        assert [(number - video[0]) & 0xFFFF for number in video] == list(range(300))
        wire.until(lambda: LayerStarted(track, 0, 500) in wire.events, "no layer")
        assert {reason for reason, count in engine.counters().dropped.items() if count} == set()


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=6), st.lists(st.integers(0, 5000), max_size=8)
)
def test_frames_cut_anywhere_arrive_whole(bodies: list[bytes], places: list[int]) -> None:
    with tcp_wired() as wire:
        client = wire.connect()
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in cut(framed(*(b"\x00\x01" + body for body in bodies)), places):
            client.socket.sendall(piece)
        wire.until(lambda: len(wire.events) >= len(bodies), f"{len(wire.events)} of {len(bodies)}")
        assert [event.data for event in wire.events if isinstance(event, StunReceived)] == [
            b"\x00\x01" + b for b in bodies
        ]


def test_frames_cut_at_every_byte() -> None:
    with tcp_wired() as wire:
        client = wire.connect()
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in framed(CHECK, b"\x00" * 40, CHECK):
            client.socket.sendall(bytes([byte]))
        wire.until(lambda: len(wire.events) == 3, "three frames")
        assert [len(event.data) for event in wire.events if isinstance(event, StunReceived)] == [20, 40, 20]


# -- ends -----------------------------------------------------------------------------------------------------------------------


def test_a_connection_that_ends_takes_its_address_out() -> None:
    with tcp_wired() as wire:
        engine = wire.bed.engine
        client, connection = wire.member()
        other = ("10.1.1.1", 7)
        engine.add_address(client.transport, other)
        connection.socket.close()
        wire.wait_closed(by_peer=1)
        wire.until(wire.closed_addresses, "the end is told")
        assert wire.closed_addresses() == [client.address]
        wire.worker.send(b"\x01\x01too late", client.address)
        wire.until(lambda: engine.counters().dropped["tcp_closed"] == 1, "dropped by name")
        engine.remove_address(client.transport, client.address)
        assert wire.open == 0


def test_who_comes_from_the_same_port_again_is_somebody_else() -> None:
    """File descriptors, memory and ports are reused; numbers are not."""
    with tcp_wired() as wire:
        client, connection = wire.member()
        name, stale = connection.name, client.address
        # No TIME-WAIT: the port is free at once.
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.socket.close()
        wire.until(wire.closed_addresses, "the end is told")
        again = TcpClient.__new__(TcpClient)
        again.wire, again._data = wire, b""
        again.socket = socket.socket()
        wire.clients.append(again)
        again.socket.settimeout(10)
        again.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.socket.bind(name)
        again.socket.connect(wire.worker.address)
        wire.events.clear()
        fresh = again.address()
        assert (fresh[:2], fresh != stale) == (name, True)
        again.send(b"\x80" + bytes(40))
        wire.worker.send(b"\x01\x01to the old one", stale)
        wire.worker.send(b"\x01\x01to the new one", fresh)
        assert again.receive() == b"\x01\x01to the new one"
        dropped = wire.bed.engine.counters().dropped
        assert (dropped["tcp_closed"], dropped["unknown_address"]) == (1, 1)


def test_an_address_given_away_by_ice_ends_its_connection() -> None:
    with tcp_wired() as wire:
        client, connection = wire.member()
        wire.known(connection)
        wire.bed.engine.remove_address(client.transport, client.address)
        assert connection.is_closed()
        wire.wait_closed(unused=1)


def test_a_transport_that_ends_says_goodbye_before_its_connection_does() -> None:
    with tcp_wired() as wire:
        client, connection = wire.member()
        wire.known(connection)
        wire.worker.send(b"\x15goodbye", client.address)
        wire.bed.engine.remove_transport(client.transport)
        assert connection.receive() == b"\x15goodbye"
        assert connection.is_closed()
        assert wire.closed() == {"unused": 1}


@pytest.mark.parametrize("head", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00", b"\xff\xff", b"\x05\xdd"])
def test_what_is_no_frame_of_ours_ends_the_connection_at_once(head: bytes) -> None:
    with tcp_wired() as wire:
        connection = wire.connect()
        connection.socket.sendall(head)
        assert connection.is_closed()
        assert wire.closed() == {"frame_too_long": 1}


def test_a_stranger_has_a_time_limit() -> None:
    with tcp_wired(patience_us=300_000) as wire:
        silent, talking = wire.connect(), wire.connect()
        talking.send(CHECK)
        (client, member) = wire.member()
        assert silent.is_closed()
        assert talking.is_closed()
        wire.wait_closed(not_validated=2)
        wire.worker.send(b"\x01\x01still here", client.address)
        assert member.receive() == b"\x01\x01still here"


def test_half_a_frame_has_a_time_limit_however_slowly_it_grows() -> None:
    with tcp_wired(patience_us=600_000) as wire:
        client, connection = wire.member()
        begun = time.monotonic()
        with contextlib.suppress(ConnectionError, BrokenPipeError):
            connection.socket.sendall(b"\x05")
            while not wire.closed() and time.monotonic() < begun + 20:
                connection.socket.sendall(b"\x00")
                time.sleep(0.05)
        assert wire.closed() == {"half_frame": 1}
        wire.until(lambda: wire.closed_addresses() == [client.address], "the end is told")


def test_a_stranger_may_send_so_much_and_no_more() -> None:
    with tcp_wired() as wire:
        connection = wire.connect()
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                connection.send(*[bytes(1000)] * 10)
        assert connection.is_closed()
        assert wire.closed() == {"not_validated": 1}


def test_thousands_of_strangers_are_so_many_at_once_and_the_oldest_go(many_files: None) -> None:
    with tcp_wired() as wire:
        client, member = wire.member()
        wire.known(member)
        sockets = [socket.create_connection(wire.worker.address, timeout=30) for _ in range(2000)]
        wire.until(lambda: sum(wire.closed().values()) >= 2000 - 64, "all but a few have been sent away", 60)
        assert wire.open <= 65, "64 from one address, and who is known"
        assert set(wire.closed()) <= {"crowded_out", "not_validated"}
        assert wire.closed()["crowded_out"] > 0
        wire.worker.send(b"\x01\x01still here", client.address)
        assert member.receive() == b"\x01\x01still here"
        newcomer = wire.connect()
        assert newcomer.address(), "who comes now is let in"
        for made in sockets:
            made.close()


def test_no_more_connections_than_allowed_in_all() -> None:
    with tcp_wired(most_connections=4) as wire:
        members = [wire.member() for _ in range(4)]
        for _, connection in members:
            wire.known(connection)
        late = wire.connect()
        assert late.is_closed()
        assert wire.closed() == {"limit": 1}
        members[0][1].socket.close()
        wire.until(lambda: wire.open == 3, "one has gone")
        assert wire.connect().address()


def test_closing_in_the_middle_of_everything() -> None:
    with tcp_wired() as wire:
        engine = wire.bed.engine
        sender, up = wire.member()
        track = engine.add_track(sender.transport, video_track())
        source = VideoSource(sender, 500)
        for round_ in range(30):
            receiver, down = wire.member()
            engine.route(engine.add_slot(receiver.transport, video_slot()), track)
            packets = source.frame(keyframe=True, packets=20, size=1100)
            up.send(*(sender.protect(packet) for packet in packets))
            if round_ % 3:
                down.receive()
            if round_ % 2:
                down.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            down.socket.close()
            if round_ % 4 == 0:
                engine.remove_transport(receiver.transport)
        wire.until(lambda: wire.open == 1, f"{wire.open} connections are left")


@pytest.mark.parametrize("order", ["engine first", "worker first"])
def test_deallocation_with_open_connections(order: str) -> None:
    wire = TcpWire()
    wire.worker.start()
    for _ in range(20):
        wire.member()
    if order == "engine first":
        wire.bed.engine = Engine()
    else:
        wire.worker = Worker(Engine(), "127.0.0.1", 0)
    gc.collect()
    wire.close()


def test_what_was_said_before_the_end_still_goes_out() -> None:
    with tcp_wired() as wire:
        client, connection = wire.member()
        for _ in range(3):
            wire.worker.send(b"\x15goodbye", client.address)
        wire.worker.stop()
        assert [connection.receive() for _ in range(3)] == [b"\x15goodbye"] * 3
        assert connection.is_closed()
