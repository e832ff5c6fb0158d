"""A slot's sequence numbers, timestamps and picture ids go on whatever fills it."""

from itertools import pairwise

import pytest

from sfu.dataplane import Extension, LayerStarted
from tests.engine.bed import (
    EXTENSIONS,
    H264,
    OPUS,
    OUT_H264,
    OUT_VP8,
    Bed,
    Client,
    VideoSource,
    audio_slot,
    audio_track,
    picture_id,
    rtp,
    video_slot,
    video_track,
)

pytestmark = pytest.mark.asan

MID = EXTENSIONS[Extension.MID]


def assert_ascending(numbers: list[int], modulus: int, most: int) -> None:
    """Every number is 1 to `most` past the one before it, over the wrap."""
    steps = [(b - a) % modulus for a, b in pairwise(numbers)]
    assert all(1 <= step <= most for step in steps), steps


@pytest.mark.parametrize("second_start", [0, 1000, 65_530, 33_000])
def test_audio_changes_its_source_without_a_hole(second_start: int) -> None:
    bed = Bed()
    speakers = [bed.publisher(), bed.publisher()]
    receiver = bed.client()
    tracks = [bed.engine.add_track(speaker.transport, audio_track()) for speaker in speakers]
    slot = bed.engine.add_slot(receiver.transport, audio_slot())
    numbers, stamps = [5, second_start], [2**32 - 20_000, 123]
    for turn in range(6):
        now = turn % 2
        bed.engine.route(slot, tracks[now])
        for _ in range(10):
            for place, speaker in enumerate(speakers):
                speaker.send(
                    rtp(OPUS, numbers[place], stamps[place], 70 + place, bytes([place]), extensions={MID: b"0"})
                )
                numbers[place] += 1
                stamps[place] += 960
            bed.run(20_000)
    assert [packet.payload[0] for packet in receiver.rtp] == ([0] * 10 + [1] * 10) * 3
    sent = [packet.sequence_number for packet in receiver.rtp]
    assert sent == [(sent[0] + place) & 0xFFFF for place in range(60)]
    assert_ascending([packet.timestamp for packet in receiver.rtp], 2**32, 2 * 1600)
    assert bed.engine.counters().layer_switches == 0, "another track is not another layer"


def test_video_changes_its_source_at_the_keyframe() -> None:
    bed = Bed()
    cameras = [bed.publisher(), bed.publisher()]
    receiver = bed.client()
    tracks = [bed.engine.add_track(camera.transport, video_track()) for camera in cameras]
    slot = bed.engine.add_slot(receiver.transport, video_slot())
    sources = [
        VideoSource(cameras[0], 500, sequence_number=65_520, timestamp=2**32 - 30_000, picture=0x7FF0),
        VideoSource(cameras[1], 600, sequence_number=3, timestamp=5, picture=9),
    ]
    for turn in range(4):
        bed.engine.route(slot, None)
        for source in sources:  # Far enough from a keyframe that nobody is served from history.
            source.send_frame(packets=45)
        bed.engine.route(slot, tracks[turn % 2])
        before = len(receiver.rtp)
        for source in sources:
            source.send_frame(packets=2)
        assert len(receiver.rtp) == before, "nothing goes out before the keyframe"
        bed.run(33_000)
        for frame in range(5):
            for source in sources:
                source.send_frame(keyframe=frame == 0, packets=3)
            bed.run(33_000)
    assert len(receiver.rtp) == 4 * 15
    assert_ascending([packet.sequence_number for packet in receiver.rtp], 2**16, 3)
    frames = [packet for packet in receiver.rtp if packet.marker]
    assert_ascending([packet.timestamp for packet in frames], 2**32, 90 * 150)
    pictures = [picture_id(packet.payload) for packet in frames]
    assert pictures == [(pictures[0] + place) & 0x7FFF for place in range(20)]


def test_nothing_goes_out_after_route_none() -> None:
    bed = Bed()
    sender, receiver = bed.publisher(), bed.client()
    track = bed.engine.add_track(sender.transport, video_track())
    slot = bed.engine.add_slot(receiver.transport, video_slot())
    bed.engine.route(slot, track)
    source = VideoSource(sender, 500)
    source.send_frame(keyframe=True)
    assert len(receiver.rtp) == 1
    bed.engine.route(slot, None)
    source.send_frame(keyframe=True)
    assert len(receiver.rtp) == 1
    assert bed.engine.slot_stats(slot).track is None


def test_another_codec_waits_for_its_keyframe() -> None:
    bed = Bed()
    sender, receiver = bed.publisher(), bed.client()
    track = bed.engine.add_track(sender.transport, video_track())
    bed.engine.route(bed.engine.add_slot(receiver.transport, video_slot()), track)
    source = VideoSource(sender, 500)
    source.send_frame(keyframe=True)
    bed.run(600_000)
    sender.forget()
    sender.send(
        rtp(H264, source.sequence_number, source.timestamp, 500, b"\x41\x9a" + bytes(50), extensions={MID: b"1"})
    )
    assert len(receiver.rtp) == 1
    assert len(sender.blocks(206, 1)) == 1, "asks for a keyframe in the new codec"
    # STAP-A of sequence and picture parameter sets, then the IDR slice.
    parameters = b"\x78\x00\x04\x67\x42\xe0\x1f\x00\x04\x68\xce\x3c\x80"
    for place, payload in enumerate((parameters, b"\x65\x88" + bytes(60))):
        number = source.sequence_number + 1 + place
        sender.send(rtp(H264, number, source.timestamp + 3000, 500, payload, marker=place == 1, extensions={MID: b"1"}))
    assert [packet.payload_type for packet in receiver.rtp] == [OUT_VP8, OUT_H264, OUT_H264]


def test_a_codec_that_the_slot_does_not_take_is_not_sent() -> None:
    bed = Bed()
    sender, receiver = bed.publisher(), bed.client()
    track = bed.engine.add_track(sender.transport, video_track())
    bed.engine.route(bed.engine.add_slot(receiver.transport, video_slot(h264=False)), track)
    sender.send(rtp(H264, 1, 1, 500, b"\x65\x88" + bytes(60), marker=True, extensions={MID: b"1"}))
    assert receiver.rtp == []
    assert bed.dropped() == {"format_not_negotiated": 1}


def test_a_new_ssrc_takes_the_layer_over() -> None:
    bed = Bed()
    sender, receiver = bed.publisher(), bed.client()
    track = bed.engine.add_track(sender.transport, video_track())
    slot = bed.engine.add_slot(receiver.transport, video_slot())
    bed.engine.route(slot, track)
    old, new = VideoSource(sender, 500), VideoSource(sender, 501, sequence_number=40_000, timestamp=7, picture=3)
    for place in range(5):
        old.send_frame(keyframe=place == 0)
        bed.run(33_000)
    for place in range(5):
        new.send_frame(keyframe=place == 0)
        old.send_frame(keyframe=True)  # A straggler of the encoder that ended.
        bed.run(33_000)
    assert len(receiver.rtp) == 10
    assert_ascending([packet.sequence_number for packet in receiver.rtp], 2**16, 3)
    assert_ascending([packet.timestamp for packet in receiver.rtp], 2**32, 90 * 100)
    assert [event.ssrc for event in bed.events if isinstance(event, LayerStarted)] == [500, 501]
    stats = bed.engine.track_stats(track)[0]
    assert stats is not None
    assert (stats.ssrc, stats.packets) == (501, 5)


def test_packets_of_padding_only_leave_no_hole() -> None:
    bed = Bed()
    sender, receiver = bed.publisher(), bed.client()
    track = bed.engine.add_track(sender.transport, video_track())
    bed.engine.route(bed.engine.add_slot(receiver.transport, video_slot()), track)
    source = VideoSource(sender, 500)
    source.send_frame(keyframe=True)
    for _ in range(5):
        for _ in range(3):
            sender.send(rtp(96, source.sequence_number, source.timestamp, 500, b"", padding=200))
            source.sequence_number += 1
        source.send_frame()
    numbers = [packet.sequence_number for packet in receiver.rtp]
    assert numbers == list(range(numbers[0], numbers[0] + 6))
    assert bed.dropped() == {"padding_only": 15}


def join(bed: Bed, track: int) -> Client:
    client = bed.client()
    bed.engine.route(bed.engine.add_slot(client.transport, video_slot()), track)
    bed.pump()
    return client


def test_a_late_joiner_is_served_from_history() -> None:
    bed = Bed()
    sender = bed.publisher()
    track = bed.engine.add_track(sender.transport, video_track())
    source = VideoSource(sender, 500)
    for place in range(10):
        source.send_frame(keyframe=place == 0, packets=3)
        bed.run(33_000)
    sender.forget()
    receiver = join(bed, track)
    assert len(receiver.rtp) == 30
    assert sender.blocks(206, 1) == [], "the publisher is not asked"
    source.send_frame()
    numbers = [packet.sequence_number for packet in receiver.rtp]
    assert numbers == list(range(numbers[0], numbers[0] + 31))
    for _ in range(10):
        source.send_frame()
    late = join(bed, track)
    assert late.rtp == [], "too long ago"
    assert len(sender.blocks(206, 1)) == 1


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0)])
def test_a_late_joiner_gets_the_parameter_sets_of_h264(order: tuple[int, ...]) -> None:
    bed = Bed()
    sender = bed.publisher()
    track = bed.engine.add_track(sender.transport, video_track())
    # As libwebrtc sends them: SPS and PPS as one STAP-A, then the picture in fragments (RFC 6184).
    payloads = [b"\x78\x00\x04\x67\x42\xe0\x1f\x00\x02\x68\xce", b"\x7c\x85\x88first", b"\x7c\x45last"]
    for start in (100, 200):
        packets = [
            rtp(H264, start + place, start * 90, 500, payload, marker=place == 2, extensions={MID: b"1"})
            for place, payload in enumerate(payloads)
        ]
        sender.send(rtp(H264, start - 1, start * 90 - 1, 500, b"\x41\x9a", marker=True, extensions={MID: b"1"}))
        for place in order:
            sender.send(packets[place])
        bed.run(33_000)
    receiver = join(bed, track)
    assert [packet.payload for packet in receiver.rtp] == payloads


@pytest.mark.parametrize("jump", [1_001, 20_000, 32_766])
def test_a_publisher_that_jumps_again_and_again_is_received_all_the_same(jump: int) -> None:
    # Passed on, such numbers would outrun the rollover counter of a receiver that misses some packets (RFC 3711, 3.3.1).
    bed = Bed()
    sender, receiver = bed.publisher(), bed.client()
    track = bed.engine.add_track(sender.transport, video_track())
    bed.engine.route(bed.engine.add_slot(receiver.transport, video_slot()), track)
    source = VideoSource(sender, 500)
    datagrams = 0

    def lose(_: bytes) -> bool:
        nonlocal datagrams
        datagrams += 1
        return datagrams % 3 == 0

    receiver.lose = lose
    for place in range(40):
        source.send_frame(keyframe=place == 0, packets=2)
        source.sequence_number = (source.sequence_number + jump) & 0xFFFF
        bed.run(1_000)
    assert len(receiver.rtp) > 40
    assert_ascending([packet.sequence_number for packet in receiver.rtp], 65_536, 5)
    assert bed.dropped() == {}


def test_a_thousand_lost_packets_stay_a_hole() -> None:
    bed = Bed()
    sender, receiver = bed.publisher(), bed.client()
    track = bed.engine.add_track(sender.transport, video_track())
    bed.engine.route(bed.engine.add_slot(receiver.transport, video_slot()), track)
    source = VideoSource(sender, 500)
    source.send_frame(keyframe=True)
    source.sequence_number += 999
    source.send_frame()
    first, second = (packet.sequence_number for packet in receiver.rtp)
    assert (second - first) & 0xFFFF == 1000
