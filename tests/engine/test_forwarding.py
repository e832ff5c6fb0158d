"""What a publisher sends arrives at every slot that it fills, in the subscriber's own terms."""

import struct

import pytest

from sfu.dataplane import Extension, LayerStarted, SrtpProfile
from tests.engine.bed import (
    EXTENSIONS,
    OPUS,
    OUT_EXTENSIONS,
    OUT_OPUS,
    OUT_VP8,
    Bed,
    VideoSource,
    audio_slot,
    audio_track,
    picture_id,
    rtp,
    video_slot,
    video_track,
)

PROFILES = list(SrtpProfile)


def extension_values(packet: bytes) -> dict[int, bytes]:
    """One-byte header extensions by id."""
    if not packet[0] & 0x10:
        return {}
    (words,) = struct.unpack_from("!H", packet, 14)
    block, found = packet[16 : 16 + 4 * words], {}
    at = 0
    while at < len(block):
        if block[at] == 0:
            at += 1
            continue
        identifier, length = block[at] >> 4, (block[at] & 15) + 1
        found[identifier] = block[at + 1 : at + 1 + length]
        at += 1 + length
    return found


@pytest.mark.parametrize("incoming", PROFILES)
@pytest.mark.parametrize("outgoing", PROFILES)
def test_audio_reaches_the_slot(incoming: SrtpProfile, outgoing: SrtpProfile) -> None:
    bed = Bed()
    sender, receiver = bed.publisher(incoming), bed.client(outgoing)
    track = bed.engine.add_track(sender.transport, audio_track())
    slot = bed.engine.add_slot(receiver.transport, audio_slot())
    bed.engine.route(slot, track)
    for place in range(50):
        extensions = {EXTENSIONS[Extension.MID]: b"0", EXTENSIONS[Extension.AUDIO_LEVEL]: bytes([0x80 | 30])}
        sender.send(rtp(OPUS, 65530 + place, 960 * place, 77, bytes([place]) * 90, extensions=extensions))
        bed.run(20_000)
    assert [packet.payload for packet in receiver.rtp] == [bytes([place]) * 90 for place in range(50)]
    assert {packet.ssrc for packet in receiver.rtp} == {0x1111}
    assert {packet.payload_type for packet in receiver.rtp} == {OUT_OPUS}
    first = receiver.rtp[0]
    assert [packet.sequence_number for packet in receiver.rtp] == [
        (first.sequence_number + n) & 0xFFFF for n in range(50)
    ]
    assert [packet.timestamp for packet in receiver.rtp] == [
        (first.timestamp + 960 * n) & 0xFFFFFFFF for n in range(50)
    ]
    values = extension_values(receiver.raw[0])
    assert values[OUT_EXTENSIONS[Extension.MID]] == b"a"
    assert values[OUT_EXTENSIONS[Extension.AUDIO_LEVEL]] == bytes([0x80 | 30])
    numbers = [
        struct.unpack("!H", extension_values(raw)[OUT_EXTENSIONS[Extension.TRANSPORT_CC]])[0] for raw in receiver.raw
    ]
    assert numbers == list(range(numbers[0], numbers[0] + 50))
    assert LayerStarted(track, 0, 77) in bed.events
    assert bed.dropped() == {}


def test_video_starts_with_a_keyframe_and_asks_for_one() -> None:
    bed = Bed()
    sender, receiver = bed.publisher(), bed.client()
    track = bed.engine.add_track(sender.transport, video_track())
    source = VideoSource(sender, 500)
    source.send_frame(keyframe=True)
    slot = bed.engine.add_slot(receiver.transport, video_slot())
    for _ in range(50):
        source.send_frame()
    bed.engine.route(slot, track)
    bed.pump()
    assert len(sender.blocks(206, 1)) == 1
    source.send_frame()
    assert receiver.rtp == []
    assert bed.dropped() == {"no_keyframe": 1}
    for place in range(10):
        source.send_frame(keyframe=place == 0, packets=3)
    assert len(receiver.rtp) == 30
    assert {packet.payload_type for packet in receiver.rtp} == {OUT_VP8}
    numbers = [packet.sequence_number for packet in receiver.rtp]
    assert numbers == list(range(numbers[0], numbers[0] + 30))
    pictures = [picture_id(packet.payload) for packet in receiver.rtp]
    assert pictures == [pictures[0] + place // 3 for place in range(30)]
    assert [packet.marker for packet in receiver.rtp] == [0, 0, 1] * 10


def test_one_publisher_many_slots() -> None:
    bed = Bed()
    sender = bed.publisher()
    track = bed.engine.add_track(sender.transport, video_track())
    receivers = [bed.client() for _ in range(40)]
    for receiver in receivers:
        bed.engine.route(bed.engine.add_slot(receiver.transport, video_slot()), track)
    source = VideoSource(sender, 500)
    sent = [packet for place in range(20) for packet in source.frame(keyframe=place == 0, packets=3, size=1100)]
    for packet in sent:
        sender.send(packet)
    assert all(len(receiver.rtp) == 60 for receiver in receivers)
    assert bed.engine.counters().packets["out", "video"] == 40 * 60
    assert bed.dropped() == {}
