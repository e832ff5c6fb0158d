"""Whatever arrives: a named drop, no state, nobody disturbed."""

import os
import struct

import pytest

from sfu.dataplane import DtlsReceived, Extension, LayerStarted, SrtpProfile, StunReceived
from tests.engine.bed import (
    EXTENSIONS,
    OPUS,
    VP8,
    Bed,
    Client,
    VideoSource,
    audio_slot,
    audio_track,
    rtp,
    video_slot,
    video_track,
    vp8,
)

pytestmark = pytest.mark.asan

MID = EXTENSIONS[Extension.MID]
STRANGER = ("192.0.2.66", 6666)


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        (b"", "empty"),
        (bytes(1501), "too_large"),
        (bytes(60_000), "too_large"),
        (b"\x04" + bytes(30), "unknown_first_byte"),
        (b"\x13" + bytes(30), "unknown_first_byte"),
        (b"\x40" + bytes(30), "unknown_first_byte"),
        (b"\x7f" + bytes(30), "unknown_first_byte"),
        (b"\xc0" + bytes(30), "unknown_first_byte"),
        (b"\xff", "unknown_first_byte"),
        (b"\x16\xfe\xfd" + bytes(30), "unknown_address"),
        (b"\x80\x60" + bytes(30), "unknown_address"),
        (b"\x80\xc8" + bytes(30), "unknown_address"),
    ],
)
def test_from_anywhere(datagram: bytes, reason: str) -> None:
    bed = Bed()
    bed.deliver(datagram, STRANGER)
    assert bed.dropped() == {reason: 1}
    assert bed.events == []


def test_stun_comes_from_anywhere_and_dtls_only_from_validated_addresses() -> None:
    bed = Bed()
    client = bed.client()
    bed.deliver(b"\x00\x01" + bytes(18), STRANGER)
    bed.deliver(b"\x14\xfe", STRANGER)
    bed.deliver(b"\x3f\xfe", client.address)
    assert bed.events == [
        StunReceived(b"\x00\x01" + bytes(18), STRANGER),
        DtlsReceived(client.transport, b"\x3f\xfe", client.address),
    ]


@pytest.mark.parametrize("profile", list(SrtpProfile))
@pytest.mark.parametrize("packet_type", [192, 200, 201, 205, 206, 207, 223])
def test_srtcp_of_every_short_length(profile: SrtpProfile, packet_type: int) -> None:
    bed = Bed()
    client = bed.client(profile)
    for length in range(2, 64):
        bed.deliver((bytes([0x80, packet_type]) + os.urandom(64))[:length], client.address)
    dropped = bed.dropped()
    assert sum(dropped.values()) == 62
    assert set(dropped) <= {"rtcp_malformed", "srtp_auth"}
    assert bed.engine.transport_stats(client.transport).packets_received == 0


@pytest.mark.parametrize("profile", list(SrtpProfile))
def test_srtp_of_every_short_length(profile: SrtpProfile) -> None:
    bed = Bed()
    client = bed.client(profile)
    for first in (0x80, 0x90, 0xA0, 0xBF):
        for length in range(1, 80):
            bed.deliver((bytes([first, 96]) + os.urandom(80))[:length], client.address)
    assert sum(bed.dropped().values()) == 4 * 79
    assert set(bed.dropped()) <= {"rtp_malformed", "rtp_extension", "srtp_auth"}


def test_an_unauthenticated_packet_creates_nothing() -> None:
    bed = Bed()
    sender = bed.publisher()
    track = bed.engine.add_track(sender.transport, video_track())
    source = VideoSource(sender, 500)
    for ssrc in range(500):
        forged = bytearray(sender.protect(rtp(VP8, 1, 1, 1000 + ssrc, vp8(1, keyframe=True), extensions={MID: b"1"})))
        forged[-1] ^= 1
        bed.deliver(bytes(forged), sender.address)
    assert bed.dropped() == {"srtp_auth": 500}
    assert bed.events == []
    assert bed.engine.track_stats(track) == (None,)
    assert bed.engine.transport_stats(sender.transport).packets_received == 0
    source.send_frame(keyframe=True)
    assert bed.events == [LayerStarted(track, 0, 500)], "and the real one finds room"


def test_without_keys_nothing_is_read() -> None:
    bed = Bed()
    transport = bed.engine.add_transport()
    bed.engine.add_address(transport, STRANGER)
    bed.deliver(rtp(VP8, 1, 1, 1, bytes(50)), STRANGER)
    bed.deliver(b"\x80\xc8" + bytes(40), STRANGER)
    assert bed.dropped() == {"srtp_no_keys": 2}


def stage() -> tuple[Bed, Client, Client, VideoSource, int]:
    bed = Bed()
    sender, receiver = bed.publisher(), bed.client()
    track = bed.engine.add_track(sender.transport, video_track())
    bed.engine.route(bed.engine.add_slot(receiver.transport, video_slot()), track)
    return bed, sender, receiver, VideoSource(sender, 500), track


def test_a_replay_is_dropped() -> None:
    bed, sender, receiver, source, track = stage()
    datagrams = [sender.protect(source.frame(keyframe=place == 0)[0]) for place in range(20)]
    for datagram in datagrams * 3:
        bed.deliver(datagram, sender.address)
    assert len(receiver.rtp) == 20
    assert bed.dropped() == {"srtp_replay": 40}
    stats = bed.engine.track_stats(track)[0]
    assert stats is not None
    assert stats.packets == 20


def test_reordering_by_hundreds_of_packets_is_no_replay() -> None:
    bed, sender, receiver, source, _ = stage()
    datagrams = [sender.protect(source.frame(keyframe=place == 0)[0]) for place in range(600)]
    late = datagrams[100:150]
    for datagram in datagrams[:100] + datagrams[150:] + late:
        bed.deliver(datagram, sender.address)
    assert len(receiver.rtp) == 600
    numbers = [packet.sequence_number for packet in receiver.rtp]
    assert sorted(numbers) == list(range(numbers[0], numbers[0] + 600))
    assert bed.dropped() == {}


def test_what_is_later_than_srtp_can_send_is_too_old() -> None:
    bed, sender, receiver, source, _ = stage()
    datagrams = [sender.protect(source.frame(keyframe=place == 0)[0]) for place in range(700)]
    for datagram in datagrams[:100] + datagrams[150:] + datagrams[100:150]:
        bed.deliver(datagram, sender.address)
    assert len(receiver.rtp) == 650
    assert bed.dropped() == {"too_old": 50}


@pytest.mark.parametrize("padding", [1, 100, 255])
def test_padding_longer_than_the_payload(padding: int) -> None:
    bed, sender, receiver, _, _ = stage()
    packet = bytearray(rtp(VP8, 1, 1, 500, b"\x00", extensions={MID: b"1"}))
    packet[0] |= 0x20
    packet[-1] = padding + 1 if padding < 255 else 255
    sender.send(bytes(packet))
    sender.send(bytes(packet[:2]) + b"\x00\x02" + bytes(packet[4:-1]) + b"\x00")
    assert bed.dropped() == {"rtp_padding": 2}
    assert receiver.rtp == []


def test_malformed_payloads_are_not_taken_for_keyframes() -> None:
    _, sender, receiver, _, _ = stage()
    for place, payload in enumerate(
        (b"", b"\x80", b"\x90\xc0", b"\xff" * 4, b"\x10", b"\x90\x80\x80", b"\x90\x80\xff\xff")
    ):
        sender.send(rtp(VP8, place, 1, 500, payload, extensions={MID: b"1"}))
    assert receiver.rtp == []
    VideoSource(sender, 500, sequence_number=50).send_frame(keyframe=True)
    assert len(receiver.rtp) == 1
    for place, payload in enumerate((b"\x80", b"\x90\xc0", b"\xff" * 4, b"\x90\x80\xff")):
        sender.send(rtp(VP8, 51 + place, 1, 500, payload, extensions={MID: b"1"}))
    assert [packet.payload for packet in receiver.rtp[1:]] == [b"\x80", b"\x90\xc0", b"\xff" * 4, b"\x90\x80\xff"]


def test_malformed_rtcp_inside_a_good_tag() -> None:
    bed, _, receiver, source, _ = stage()
    source.send_frame(keyframe=True)
    bodies = [
        b"\x80\xc9\x00\x02\x00\x00\x00\x01",
        b"\x9f\xc9\x00\x01\x00\x00\x00\x01",
        b"\x9f\xcb\x00\x01\x00\x00\x00\x01",
        b"\x81\xcd\x00\x01\x00\x00\x00\x01",
        b"\x8f\xcd\x00\x02\x00\x00\x00\x01\x00\x00\x22\x22",
        b"\x8f\xcd\x00\x04\x00\x00\x00\x01\x00\x00\x22\x22\x00\x00\xff\xff\x00\x00\x00\x00",
        b"\x8f\xce\x00\x03\x00\x00\x00\x01\x00\x00\x00\x00REMB",
        b"\x8f\xce\x00\x04\x00\x00\x00\x01\x00\x00\x00\x00REMB\xff\xff\xff\xff",
        b"\x84\xce\x00\x02\x00\x00\x00\x01\x00\x00\x22\x22",
        b"\xa0\xc9\x00\x01\x00\x00\x00\x01",
        b"\xa0\xc9\x00\x01\x00\x00\x00\xff",
        b"\x80\xc8\x00\x01\x00\x00\x00\x01",
    ]
    for body in bodies:
        receiver.send_rtcp(body)
    source.send_frame()
    assert len(receiver.rtp) == 2
    assert set(bed.dropped()) <= {"rtcp_malformed"}


def test_one_participants_rubbish_disturbs_nobody_else() -> None:
    bed = Bed()
    talker, listener, vandal = bed.publisher(), bed.client(), bed.publisher()
    track = bed.engine.add_track(talker.transport, audio_track())
    bed.engine.route(bed.engine.add_slot(listener.transport, audio_slot()), track)
    bed.engine.add_track(vandal.transport, video_track("0"))
    for place in range(200):
        talker.send(rtp(OPUS, place, 960 * place, 77, b"%d" % place, extensions={MID: b"0"}))
        vandal.send(rtp(VP8, (place * 7919) & 0xFFFF, place * 2**20, 77, os.urandom(50), extensions={MID: b"0"}))
        vandal.send_rtcp(struct.pack("!BBHI", 0x81, 203, 1, 77))
        bed.deliver(b"\x80\x6f" + os.urandom(100), vandal.address)
        bed.run(20_000)
    assert [packet.payload for packet in listener.rtp] == [b"%d" % place for place in range(200)]


def test_a_datagram_of_feedback_is_no_mountain_of_work() -> None:
    """A run of 8,191 packets takes two bytes, and a datagram holds 40 blocks that tell of 65,528 packets each."""
    bed = Bed()
    sender, receiver = bed.publisher(), bed.client()
    track = bed.engine.add_track(sender.transport, video_track())
    bed.engine.route(bed.engine.add_slot(receiver.transport, video_slot()), track)
    VideoSource(sender, 500).send_frame(keyframe=True)

    def feedback(count: int) -> bytes:
        runs, rest = divmod(count, 8191)
        chunks = [8191] * runs + [rest] * bool(rest)
        body = struct.pack("!HHI", 0, count, 0) + b"".join(struct.pack("!H", chunk) for chunk in chunks)
        body += bytes(-len(body) % 4)
        return struct.pack("!BBHII", 0x8F, 205, 2 + len(body) // 4, 1, 0x2222) + body

    receiver.send_rtcp(feedback(8192))
    assert bed.dropped() == {}, "what an outage of seconds leaves is read"
    receiver.send_rtcp(feedback(8193))
    assert bed.dropped() == {"rtcp_malformed": 1}
    receiver.send_rtcp(feedback(65_528) * 30)
    assert bed.dropped() == {"rtcp_malformed": 31}
    receiver.send_rtcp(feedback(1000) * 9)
    assert bed.dropped() == {"rtcp_malformed": 32}, "all blocks of a datagram together"
    receiver.send_rtcp(struct.pack("!BBHII", 0x8F, 205, 2, 1, 0x2222))
    assert bed.dropped() == {"rtcp_malformed": 33}, "no body at all"
