"""NACKs both ways: a subscriber's are answered from history, ours go to the publisher, by RTX or plain."""

import struct

import pytest

from sfu.dataplane import Extension, SrtpProfile
from tests.engine.bed import (
    EXTENSIONS,
    OUT_VP8_RTX,
    UNIX_US,
    VP8_RTX,
    Bed,
    Client,
    VideoSource,
    nack,
    ntp,
    rtp,
    video_slot,
    video_track,
)

pytestmark = pytest.mark.asan

MID, REPAIRED = EXTENSIONS[Extension.MID], EXTENSIONS[Extension.REPAIRED_RID]


def stage(
    *, rtx: bool, profile: SrtpProfile = SrtpProfile.AEAD_AES_128_GCM
) -> tuple[Bed, Client, Client, VideoSource, int]:
    bed = Bed()
    sender, receiver = bed.publisher(), bed.client(profile)
    track = bed.engine.add_track(sender.transport, video_track())
    slot = bed.engine.add_slot(receiver.transport, video_slot(rtx=rtx))
    bed.engine.route(slot, track)
    source = VideoSource(sender, 500)
    for place in range(20):
        source.send_frame(keyframe=place == 0, size=300 + place)
        bed.run(5_000)
    assert len(receiver.rtp) == 20
    return bed, sender, receiver, source, slot


def wanted(source: bytes, original: int) -> bytes:
    """What an RTX packet for this plain packet carries after its header (RFC 4588)."""
    return struct.pack("!H", original) + source


def test_a_nack_is_answered_by_rtx() -> None:
    bed, _, receiver, _, slot = stage(rtx=True)
    sent = list(receiver.rtp)
    receiver.forget()
    first = sent[3].sequence_number
    receiver.send_rtcp(nack(1, 0x2222, (first, 0b10_0000_0001)))
    assert [packet.payload for packet in receiver.rtp] == [
        wanted(sent[place].payload, sent[place].sequence_number) for place in (3, 4, 13)
    ]
    assert {packet.ssrc for packet in receiver.rtp} == {0x2223}
    assert {packet.payload_type for packet in receiver.rtp} == {OUT_VP8_RTX}
    assert [packet.timestamp for packet in receiver.rtp] == [sent[place].timestamp for place in (3, 4, 13)]
    numbers = [packet.sequence_number for packet in receiver.rtp]
    assert numbers == list(range(numbers[0], numbers[0] + 3))
    counters = bed.engine.counters()
    assert (counters.retransmissions, counters.nacks["in"], counters.packets["out", "rtx"]) == (3, 3, 3)
    assert bed.engine.slot_stats(slot).retransmissions == 3


@pytest.mark.parametrize("profile", list(SrtpProfile))
def test_without_rtx_the_same_packet_is_sent_bit_for_bit(profile: SrtpProfile) -> None:
    bed = Bed()
    sender, receiver = bed.publisher(), bed.client(profile)
    track = bed.engine.add_track(sender.transport, video_track())
    bed.engine.route(bed.engine.add_slot(receiver.transport, video_slot(rtx=False)), track)
    datagrams: list[bytes] = []

    def keep(datagram: bytes) -> bool:
        datagrams.append(datagram)
        return True

    receiver.lose = keep
    source = VideoSource(sender, 500)
    for place in range(5):
        source.send_frame(keyframe=place == 0)
        bed.run(7_000)
    media = [datagram for datagram in datagrams if datagram[1] & 0x7F == 120]
    datagrams.clear()
    number = struct.unpack_from("!H", media[2], 2)[0]
    receiver.send_rtcp(nack(1, 0x2222, (number, 0)))
    assert datagrams == [media[2]], "one SRTP index is never used for two different packets"


def test_at_most_three_times_and_not_too_often() -> None:
    bed, _, receiver, _, _ = stage(rtx=True)
    number = receiver.rtp[5].sequence_number
    receiver.forget()
    for _ in range(3):
        receiver.send_rtcp(nack(1, 0x2222, (number, 0)))
    assert len(receiver.rtp) == 1, "a repeat within 100 ms is ignored"
    for _ in range(6):
        bed.run(110_000)
        receiver.send_rtcp(nack(1, 0x2222, (number, 0)))
    assert len(receiver.rtp) == 3


def test_a_short_round_trip_allows_an_earlier_repeat() -> None:
    bed, _, receiver, source, slot = stage(rtx=True)
    source.report()
    source.send_frame(keyframe=True)
    bed.run(1_200_000)
    reported = struct.unpack_from("!Q", receiver.blocks(200)[-1], 8)[0]
    held = (ntp(UNIX_US + bed.now_us - 20_000) - reported) >> 16
    receiver.send_rtcp(
        struct.pack("!BBHIIIIIII", 0x81, 201, 7, 1, 0x2222, 64 << 24 | 5, 1000, 900, reported >> 16 & 0xFFFFFFFF, held)
    )
    assert bed.engine.transport_stats(receiver.transport).rtt_us == pytest.approx(20_000, abs=50)
    assert bed.engine.slot_stats(slot).loss_ratio == 0.25
    assert bed.engine.slot_stats(slot).jitter_us == 10_000
    number = receiver.rtp[-1].sequence_number
    receiver.forget()
    for _ in range(3):
        receiver.send_rtcp(nack(1, 0x2222, (number, 0)))
        bed.run(45_000)
    assert len(receiver.rtp) == 3


def test_what_history_no_longer_has_is_not_sent() -> None:
    bed, _, receiver, source, _ = stage(rtx=True)
    old = receiver.rtp[0].sequence_number
    bed.run(2_500_000)
    receiver.forget()
    receiver.send_rtcp(nack(1, 0x2222, (old, 0xFFFF)))
    assert receiver.rtp == [], "two seconds are over"
    receiver.send_rtcp(nack(1, 0x2222, (old - 5, 0), (old + 1000, 0)))
    receiver.send_rtcp(nack(1, 0x9999, (old, 0)))
    assert receiver.rtp == []
    for _ in range(1500):
        source.send_frame()
    assert len(receiver.rtp) == 1500
    numbers = [packet.sequence_number for packet in receiver.rtp]
    receiver.forget()
    receiver.send_rtcp(nack(1, 0x2222, (numbers[0], 0), (numbers[300], 0), (numbers[-1], 0), (numbers[-1000], 0)))
    assert len(receiver.rtp) == 2


def test_after_a_switch_the_old_source_is_never_confused_with_the_new() -> None:
    bed = Bed()
    cameras, receiver = [bed.publisher(), bed.publisher()], bed.client()
    tracks = [bed.engine.add_track(camera.transport, video_track()) for camera in cameras]
    slot = bed.engine.add_slot(receiver.transport, video_slot())
    # Both count alike, so that only the source tells their packets apart.
    sources = [VideoSource(camera, 500) for camera in cameras]
    for turn in range(2):
        bed.engine.route(slot, tracks[turn])
        for place in range(10):
            for source in sources:
                source.send_frame(keyframe=place == 0)
            bed.run(3_000)
    sent = {packet.sequence_number: packet for packet in receiver.rtp}
    receiver.forget()
    first = min(sent)
    receiver.send_rtcp(nack(1, 0x2222, (first, 0xFFFF), (first + 17, 0xFFFF)))
    assert receiver.rtp, "the present source's packets are there"
    for packet in receiver.rtp:
        original = struct.unpack_from("!H", packet.payload)[0]
        assert packet.payload == wanted(sent[original].payload, original)
        assert packet.timestamp == sent[original].timestamp


def test_missing_packets_are_asked_for() -> None:
    bed = Bed()
    sender = bed.publisher()
    bed.engine.add_track(sender.transport, video_track())
    source = VideoSource(sender, 500)
    for place in range(40):
        for packet in source.frame(keyframe=place == 0):
            if place not in (11, 12, 30):
                sender.send(packet)
        bed.run(10_000)
    asked = []
    for block in sender.blocks(205, 1):
        assert struct.unpack_from("!I", block, 8)[0] == 500
        for at in range(12, len(block), 4):
            pid, blp = struct.unpack_from("!HH", block, at)
            asked += [pid] + [pid + 1 + bit for bit in range(16) if blp >> bit & 1]
    assert set(asked) == {1011, 1012, 1030}
    assert bed.engine.counters().nacks["out"] == len(asked)


@pytest.mark.parametrize("by", ["repaired_rid", "group", "mid"])
def test_rtx_of_a_publisher_becomes_the_packet_it_repairs(by: str) -> None:
    bed = Bed()
    sender, receiver = bed.publisher(), bed.client()
    rids = ("q",) if by == "repaired_rid" else ()
    params = video_track(rids=rids, ssrcs=(500,), rtx_ssrcs={500: 900} if by == "group" else {})
    track = bed.engine.add_track(sender.transport, params)
    bed.engine.route(bed.engine.add_slot(receiver.transport, video_slot()), track)
    source = VideoSource(sender, 500, rid="q" if rids else None)
    extensions = {MID: b"1", REPAIRED: b"q"} if rids else {MID: b"1"} if by == "mid" else {}
    sent: list[bytes] = []
    for place in range(10):
        packet = source.frame(keyframe=place == 0, size=200 + place)[0]
        sent.append(packet)
        if place != 4:
            sender.send(packet)
        bed.run(10_000)
    assert len(receiver.rtp) == 9
    payload = sent[4][-204:]
    sender.send(
        rtp(VP8_RTX, 77, 90_000 + 4 * 3000, 900, struct.pack("!H", 1004) + payload, marker=True, extensions=extensions)
    )
    assert len(receiver.rtp) == 10
    numbers = [packet.sequence_number for packet in receiver.rtp]
    assert numbers == [numbers[0] + place for place in (0, 1, 2, 3, 5, 6, 7, 8, 9, 4)]
    assert receiver.rtp[9].payload[7:] == payload[7:]
    stats = bed.engine.track_stats(track)[0]
    assert stats is not None
    assert (stats.packets, stats.lost) == (10, 0)
    # Once more, and one that carries nothing but padding.
    sender.send(rtp(VP8_RTX, 78, 90_000, 900, struct.pack("!H", 1004) + payload, extensions=extensions))
    sender.send(rtp(VP8_RTX, 79, 90_000, 900, b"", padding=100, extensions=extensions))
    sender.send(rtp(VP8_RTX, 80, 90_000, 900, b"\x01", extensions=extensions))
    assert len(receiver.rtp) == 10
    assert bed.dropped() == {"duplicate": 1, "padding_only": 1, "rtp_malformed": 1}
    assert bed.engine.counters().packets["in", "rtx"] == 4


def test_a_flood_of_nacks_is_bounded() -> None:
    _, _, receiver, _, _ = stage(rtx=True)
    numbers = [packet.sequence_number for packet in receiver.rtp]
    receiver.forget()
    for _ in range(50):
        receiver.send_rtcp(nack(1, 0x2222, *((numbers[0] - 8, 0xFFFF),) * 300))
    assert len(receiver.rtp) <= 20
