"""The loop around the engine, over real sockets on loopback."""

import gc
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sfu.dataplane import Engine, Event, LayerStarted, StunReceived, Worker
from sfu.errors import LocalError
from tests.engine.bed import Bed, Client, VideoSource, audio_track, pli, video_slot, video_track

pytestmark = pytest.mark.asan

HOSTS = ["127.0.0.1", "::1"]


class Wire:
    """Clients of a bed on sockets of their own, and the worker between them."""

    def __init__(self, host: str) -> None:
        self.bed = Bed()
        self.host = host
        self.worker = Worker(self.bed.engine, host, 0)
        self.sockets: dict[Client, socket.socket] = {}
        self.events: list[Event] = []

    def client(self) -> Client:
        made = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET, socket.SOCK_DGRAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        made.bind((self.host, 0))
        made.setblocking(False)
        client = self.bed.publisher()
        self.bed.engine.remove_address(client.transport, client.address)
        client.address = made.getsockname()[:2]
        self.bed.engine.add_address(client.transport, client.address)
        self.sockets[client] = made
        return client

    def send(self, client: Client, plain: bytes) -> None:
        protect = client.protect_rtcp if 192 <= plain[1] <= 223 else client.protect
        self.sockets[client].sendto(protect(plain), self.worker.address)

    def wait(self, client: Client, packets: int, *, seconds: float = 5) -> None:
        """Until the client has so many RTP packets."""
        end = time.monotonic() + seconds
        made = self.sockets[client]
        while len(client.rtp) < packets and time.monotonic() < end:
            if select.select([made], [], [], 0.1)[0]:
                client.take(made.recv(2048))

    def wait_event(self, wanted: type[Event], *, seconds: float = 5) -> Event:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if select.select([self.worker], [], [], 0.1)[0]:
                self.events += self.worker.drain()
            for event in self.events:
                if isinstance(event, wanted):
                    return event
        raise AssertionError(f"no {wanted}")

    def close(self) -> None:
        self.worker.stop()
        for made in self.sockets.values():
            made.close()


@contextmanager
def wired(host: str = "127.0.0.1") -> Iterator[Wire]:
    wire = Wire(host)
    wire.worker.start()
    try:
        yield wire
    finally:
        wire.close()


def test_media_that_waited_too_long_is_dropped_and_what_follows_is_not() -> None:
    wire = Wire("127.0.0.1")
    try:
        sender, receiver = wire.client(), wire.client()
        engine = wire.bed.engine
        track = engine.add_track(sender.transport, video_track())
        engine.route(engine.add_slot(receiver.transport, video_slot()), track)
        source = VideoSource(sender, 500)
        for place in range(20):
            wire.send(sender, source.frame(keyframe=place == 0)[0])
        time.sleep(0.6)  # longer than media may wait for a worker that does not come
        wire.worker.start()
        end = time.monotonic() + 5
        while engine.counters().dropped["overload"] < 20 and time.monotonic() < end:
            time.sleep(0.001)
        for packet in source.frame(keyframe=True, packets=3):
            wire.send(sender, packet)
        wire.wait(receiver, 3)
        assert len(receiver.rtp) == 3
        assert {reason: count for reason, count in engine.counters().dropped.items() if count} == {"overload": 20}
        assert wire.worker.receive_drops == 0
    finally:
        wire.close()


def test_what_the_kernel_drops_is_known() -> None:
    worker = Worker(Engine(), "127.0.0.1", 0, receive_buffer=1 << 14)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(200):
            sender.sendto(bytes(1000), worker.address)
    assert 100 < worker.receive_drops < 200
    worker.stop()
    assert worker.receive_drops == 0


@pytest.mark.parametrize("host", HOSTS)
def test_a_burst_is_forwarded_without_loss(host: str) -> None:
    with wired(host) as wire:
        sender = wire.client()
        receivers = [wire.client() for _ in range(5)]
        engine = wire.bed.engine
        track = engine.add_track(sender.transport, video_track())
        for receiver in receivers:
            engine.route(engine.add_slot(receiver.transport, video_slot()), track)
        source = VideoSource(sender, 500)
        for place in range(30):
            # A frame at once, of sizes that differ by a byte: one message for the kernel.
            for number, packet in enumerate(source.frame(keyframe=place == 0, packets=10, size=1100)):
                wire.send(sender, packet[: -1 - number % 3])
            for receiver in receivers:
                wire.wait(receiver, 10 * (place + 1))
        for receiver in receivers:
            numbers = [packet.sequence_number for packet in receiver.rtp]
            assert numbers == list(range(numbers[0], numbers[0] + 300))
            assert [len(packet.payload) for packet in receiver.rtp] == [
                1099,
                1098,
                1097,
                1099,
                1098,
                1097,
                1099,
                1098,
                1097,
                1099,
            ] * 30
        end = time.monotonic() + 5
        while (counters := engine.counters()).forward_latency_us[-1][1] < 1500 and time.monotonic() < end:
            time.sleep(0.001)  # The latency is counted after the packets have left.
        assert {reason for reason, count in counters.dropped.items() if count} == set()
        assert counters.packets["out", "video"] == 1500
        assert counters.forward_latency_us[-1][1] == 1500
        assert counters.forward_latency_sum_us > 0
        assert 0 < counters.busy_us <= counters.elapsed_us
        event = wire.wait_event(LayerStarted)
        assert event == LayerStarted(track, 0, 500)


def test_feedback_comes_by_itself() -> None:
    with wired() as wire:
        sender, receiver = wire.client(), wire.client()
        engine = wire.bed.engine
        track = engine.add_track(sender.transport, video_track())
        engine.route(engine.add_slot(receiver.transport, video_slot()), track)
        source = VideoSource(sender, 500)
        wire.send(sender, source.frame(keyframe=True)[0])
        wire.wait(receiver, 1)
        wire.send(receiver, pli(1, 0x2222))
        end = time.monotonic() + 5
        while not sender.blocks(206, 1) and time.monotonic() < end:
            if select.select([wire.sockets[sender]], [], [], 0.1)[0]:
                sender.take(wire.sockets[sender].recv(2048))
        assert sender.blocks(206, 1)


def test_stun_goes_up_and_answers_go_down() -> None:
    with wired() as wire:
        probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        probe.settimeout(5)
        probe.bind(("127.0.0.1", 0))
        probe.sendto(b"\x00\x01" + bytes(18), wire.worker.address)
        event = wire.wait_event(StunReceived)
        assert event == StunReceived(b"\x00\x01" + bytes(18), probe.getsockname())
        wire.worker.send(b"\x01\x01answer", probe.getsockname())
        wire.worker.send(b"\x01\x01answer", ("::1", 9))
        assert probe.recvfrom(100) == (b"\x01\x01answer", wire.worker.address)
        probe.close()
        counters = wire.bed.engine.counters()
        assert counters.packets["out", "stun"] == 1
        assert counters.dropped["send_error"] == 1, "no IPv6 from an IPv4 socket"


def test_a_dual_stack_socket_speaks_both() -> None:
    wire = Wire("::")
    wire.worker.start()
    port = wire.worker.address[1]
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        probe = socket.socket(family, socket.SOCK_DGRAM)
        probe.settimeout(5)
        probe.bind((host, 0))
        address = probe.getsockname()[:2]
        probe.sendto(b"\x00\x01", (host, port))
        event = wire.wait_event(StunReceived)
        assert event == StunReceived(b"\x00\x01", address), "IPv4 is written as IPv4"
        wire.events.clear()
        wire.worker.send(b"back", address)
        assert probe.recv(100) == b"back"
        probe.close()
    wire.close()


def test_events_stay_readable_until_all_are_drained() -> None:
    with wired() as wire:
        probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for number in range(100):
            probe.sendto(struct.pack("!HH", 1, number), wire.worker.address)
        probe.close()
        found: list[Event] = []
        end = time.monotonic() + 5
        while len(found) < 100 and time.monotonic() < end:
            assert select.select([wire.worker], [], [], 5)[0]
            found += wire.worker.drain(7)
        assert [event.data for event in found if isinstance(event, StunReceived)] == [
            struct.pack("!HH", 1, n) for n in range(100)
        ]
        assert wire.worker.drain() == []
        assert not select.select([wire.worker], [], [], 0)[0]


def test_an_oversized_datagram_is_dropped_by_name() -> None:
    with wired() as wire:
        probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for size in (0, 1501, 3000, 60_000):
            probe.sendto(bytes(size), wire.worker.address)
        probe.sendto(b"\x00", wire.worker.address)
        probe.close()
        wire.wait_event(StunReceived)
        dropped = wire.bed.engine.counters().dropped
        assert (dropped["empty"], dropped["too_large"]) == (1, 3)


def test_control_calls_do_not_wait_and_all_of_them_happen() -> None:
    with wired() as wire:
        engine = wire.bed.engine
        before = time.perf_counter()
        for _ in range(300):
            client = wire.bed.client()
            track = engine.add_track(client.transport, audio_track())
            slot = engine.add_slot(client.transport, video_slot())
            engine.route(slot, None)
            engine.remove_track(track)
            engine.remove_transport(client.transport)
        assert time.perf_counter() - before < 5
        sender = wire.client()
        track = engine.add_track(sender.transport, video_track())
        wire.send(sender, VideoSource(sender, 500).frame(keyframe=True)[0])
        assert wire.wait_event(LayerStarted) == LayerStarted(track, 0, 500)


def test_calls_from_several_threads() -> None:
    with wired() as wire:
        engine = wire.bed.engine

        def churn() -> None:
            for _ in range(100):
                transport = engine.add_transport()
                engine.add_track(transport, video_track())
                engine.remove_transport(transport)

        threads = [threading.Thread(target=churn) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def test_stopping_is_safe() -> None:
    engine = Engine()
    worker = Worker(engine, "127.0.0.1", 0)
    worker.stop()
    worker.stop()
    worker.send(b"\x00", ("127.0.0.1", 9))
    with pytest.raises(LocalError):
        worker.start()
    worker = Worker(engine, "127.0.0.1", 0)
    worker.start()
    with pytest.raises(LocalError):
        engine.receive(1, b"x", ("127.0.0.1", 1))
    with pytest.raises(LocalError):
        Worker(engine, "127.0.0.1", 0)
    with pytest.raises(LocalError):
        worker.start()
    transport = engine.add_transport()
    worker.stop()
    engine.remove_transport(transport)
    engine.receive(1, b"x", ("127.0.0.1", 1))


def test_a_taken_port_is_an_os_error() -> None:
    engine = Engine()
    worker = Worker(engine, "127.0.0.1", 0)
    with pytest.raises(OSError, match="in use"):
        Worker(Engine(), *worker.address)
    worker.stop()


@pytest.mark.parametrize("order", ["engine first", "worker first"])
def test_deallocation_in_any_order(order: str) -> None:
    engine = Engine()
    worker = Worker(engine, "127.0.0.1", 0)
    worker.start()
    for _ in range(20):
        engine.add_track(engine.add_transport(), video_track())
    if order == "engine first":
        del engine
        gc.collect()
        worker.send(b"\x00", worker.address)
        del worker
    else:
        del worker
        gc.collect()
        engine.add_transport()
    gc.collect()


def test_a_forgotten_worker_ends_before_its_engine_is_taken_apart() -> None:
    """The garbage collector clears a cycle in any order; the thread must have left the engine by then."""
    gc.collect()
    for _ in range(5):
        wire = Wire("127.0.0.1")
        for _ in range(100):
            wire.bed.engine.add_track(wire.bed.engine.add_transport(), video_track())
        client = wire.client()
        wire.bed.engine.add_track(client.transport, video_track())
        source = VideoSource(client, 500)
        packets = [client.protect(source.packet(keyframe=place == 0)) for place in range(300)]
        wire.worker.start()
        made, address = wire.sockets[client], wire.worker.address
        # Both stand in a cycle, as they do in a server that nobody closed.
        cycle: list[object] = [wire.bed.engine, wire.worker]
        cycle.append(cycle)
        for packet in packets:
            made.sendto(packet, address)
        del wire, client, source, cycle
        gc.collect()
        made.close()


def test_the_interpreter_ends_with_a_worker_running() -> None:
    program = (
        "from sfu.dataplane import Engine, Worker\n"
        "engine = Engine()\n"
        "worker = Worker(engine, '127.0.0.1', 0)\n"
        "worker.start()\n"
        "engine.add_transport()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
