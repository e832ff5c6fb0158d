"""A receiver that takes less than it is sent loses its own video first, and holds nobody up."""

import itertools
import select
import socket
import time
from dataclasses import dataclass, field

import pytest

from tests.engine.bed import Client, VideoSource, audio_slot, audio_track, nack, rtp, video_slot, video_track
from tests.engine.tcp_wire import TcpClient, TcpWire, tcp_wired

pytestmark = pytest.mark.asan

AUDIO, VIDEO = 0x1111, 0x2222


@dataclass
class Call:
    """Somebody who sends sound and picture in real time, by TCP, and a subscriber by UDP who takes everything at once."""

    wire: TcpWire
    sounds: int = 0
    pictures: int = 0
    delays_s: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        engine = self.wire.bed.engine
        self.sender, self.up = self.wire.member()
        self.video = engine.add_track(self.sender.transport, video_track())
        self.audio = engine.add_track(self.sender.transport, audio_track("0"))
        self.source = VideoSource(self.sender, 500)
        self.quick = self.wire.bed.client()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        engine.add_address(self.quick.transport, self.socket.getsockname())
        engine.select_address(self.quick.transport, self.socket.getsockname())
        self.subscribe(self.quick)

        self.wire.others.append(self.socket)

    def subscribe(self, client: Client) -> None:
        engine = self.wire.bed.engine
        engine.route(engine.add_slot(client.transport, video_slot()), self.video)
        engine.route(engine.add_slot(client.transport, audio_slot()), self.audio)

    def keyframes_asked(self) -> int:
        return self.wire.bed.engine.counters().keyframe_requests["out"]

    def send(self, packets: int = 12, *, keyframe: bool = False) -> None:
        """A frame of so many packets and 20 ms of sound; then what the quick subscriber got of it."""
        for packet in self.source.frame(keyframe=keyframe, packets=packets, size=1100):
            self.up.send(self.sender.protect(packet))
        self.up.send(self.sender.protect(rtp(111, self.sounds, self.sounds * 960, 7, b"sound", extensions={4: b"0"})))
        sent = time.monotonic()
        self.sounds += 1
        self.pictures += packets
        self.wire.until(self._quick_has_all, f"{len(self.quick.rtp)} of {self.sounds + self.pictures} are there")
        self.delays_s.append(time.monotonic() - sent)

    def goes_on(self) -> bool:
        self.send()
        return True

    def _quick_has_all(self) -> bool:
        while select.select([self.socket], [], [], 0)[0]:
            self.quick.take(self.socket.recv(2048))
        return len(self.quick.rtp) == self.sounds + self.pictures

    def dropped(self, reason: str) -> int:
        return self.wire.bed.engine.counters().dropped[reason]


def read_all(client: Client, connection: TcpClient) -> None:
    """What is there."""
    connection.socket.settimeout(0.3)
    try:
        while True:
            client.take(connection.receive())
    except TimeoutError:
        connection.socket.settimeout(10)


def numbers(client: Client, ssrc: int) -> list[int]:
    found = [packet.sequence_number for packet in client.rtp if packet.ssrc == ssrc]
    return [(number - found[0]) & 0xFFFF for number in found]


def test_who_reads_nothing_loses_its_video_only_and_nobody_waits() -> None:
    with tcp_wired() as wire:
        call = Call(wire)
        slow, connection = wire.member(receive_buffer=4096)
        call.subscribe(slow)
        call.send(keyframe=True)
        while not call.dropped("tcp_video"):
            call.send()
        lost_at = call.sounds
        for _ in range(50):
            call.send()
        assert call.dropped("tcp_full") == 0
        assert call.dropped("send_full") == 0
        # The others had everything, each frame before the next was sent.
        assert len(numbers(call.quick, VIDEO)) == call.pictures
        read_all(slow, connection)
        sounds = numbers(slow, AUDIO)
        assert sounds == list(range(call.sounds)), f"every sound, in order, before and after {lost_at}"
        video = numbers(slow, VIDEO)
        assert video == list(range(len(video))), "what came of the picture came without a hole"
        assert len(video) < call.pictures


def test_its_video_comes_back_with_a_keyframe_once_it_reads_again() -> None:
    with tcp_wired() as wire:
        call = Call(wire)
        slow, connection = wire.member(receive_buffer=4096)
        call.subscribe(slow)
        call.send(keyframe=True)
        while not call.dropped("tcp_video"):
            call.send()
        asked = call.keyframes_asked()
        for _ in range(10):
            call.send()
        assert call.keyframes_asked() == asked, "nobody is asked while it cannot flow"
        read_all(slow, connection)
        wire.until(lambda: call.goes_on() and call.keyframes_asked() > asked, "a keyframe is asked for")
        before = len(numbers(slow, VIDEO))
        call.send(keyframe=True)
        call.send()
        read_all(slow, connection)
        after = [packet for packet in slow.rtp if packet.ssrc == VIDEO][before:]
        assert len(after) == 24
        assert after[0].payload[5] & 1 == 0, "the first is the keyframe's"
        video = numbers(slow, VIDEO)
        gaps = [(b - a) & 0xFFFF for a, b in itertools.pairwise(video)]
        assert sum(gap > 1 for gap in gaps) == 1, "one hole, where it was dropped"
        missing = after[0].sequence_number - 20
        connection.send(slow.protect_rtcp(nack(1, VIDEO, (missing, 0xFFFF))))
        wire.until(lambda: wire.bed.engine.counters().nacks["in"] == 17, "it asks for what is missing")
        call.send()
        assert wire.bed.engine.counters().retransmissions == 0, "which is of no use to it any more"


def test_who_takes_nothing_at_all_is_let_go() -> None:
    with tcp_wired(patience_us=1_500_000) as wire:
        call = Call(wire)
        stuck, _ = wire.member(receive_buffer=4096)
        call.subscribe(stuck)
        call.send(keyframe=True)
        wire.until(lambda: call.goes_on() and wire.closed() == {"stalled": 1}, "it is let go")
        wire.until(lambda: wire.closed_addresses() == [stuck.address], "the end is told")


def test_a_burst_that_a_receiver_takes_in_time_costs_it_nothing() -> None:
    with tcp_wired() as wire:
        call = Call(wire)
        good, connection = wire.member()
        call.subscribe(good)
        call.send(packets=60, keyframe=True)
        for _ in range(4):
            call.send(packets=60)
            read_all(good, connection)
        assert numbers(good, VIDEO) == list(range(300))
        assert call.dropped("tcp_video") == 0
