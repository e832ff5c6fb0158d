"""RTCP that we write by the clock, and what we take from the RTCP of others."""

import struct

import pytest
from aiortc.rtp import RtcpPacket, RtcpRrPacket

from sfu.dataplane import Extension, SourceEnded
from tests.engine.bed import (
    EXTENSIONS,
    OPUS,
    UNIX_US,
    Bed,
    Client,
    VideoSource,
    audio_slot,
    audio_track,
    ntp,
    rtp,
    sender_report,
    video_slot,
    video_track,
)

MID, TRANSPORT_CC = EXTENSIONS[Extension.MID], EXTENSIONS[Extension.TRANSPORT_CC]


def capture_time_us(report: bytes, timestamp: int, rate: int) -> float:
    """When, by a sender report, the sample with this RTP timestamp was taken: µs since 1970."""
    stamp, shown = struct.unpack_from("!QI", report, 8)
    unix = ((stamp >> 32) - 2_208_988_800) * 1e6 + (stamp & 0xFFFFFFFF) / 2**32 * 1e6
    behind = (timestamp - shown + 2**31) % 2**32 - 2**31
    return float(unix + behind / rate * 1e6)


@pytest.mark.parametrize("clock_error_us", [0, -3_600_000_000, 12_345_678])
def test_lips_stay_in_sync(clock_error_us: int) -> None:
    """Sound and picture taken together have one capture time on the way out, whatever the publisher's clock says."""
    bed = Bed()
    sender, receiver = bed.publisher(), bed.client()
    sound = bed.engine.add_track(sender.transport, audio_track())
    picture = bed.engine.add_track(sender.transport, video_track())
    bed.engine.route(bed.engine.add_slot(receiver.transport, audio_slot()), sound)
    bed.engine.route(bed.engine.add_slot(receiver.transport, video_slot()), picture)
    video = VideoSource(sender, 500, timestamp=2**32 - 100_000)
    for place in range(100):
        # Both were taken now. The picture arrives 30 ms later than the sound.
        taken_us = UNIX_US + bed.now_us + clock_error_us
        stamp = 4_000_000_000 + 960 * 2 * place
        sender.send(rtp(OPUS, place, stamp, 77, b"%d" % place, extensions={MID: b"0"}))
        bed.run(30_000)
        if place % 20 == 3:
            sender.send_rtcp(sender_report(77, taken_us, stamp))
            sender.send_rtcp(sender_report(500, taken_us, video.timestamp))
        for packet in video.frame(keyframe=place == 0):
            sender.send(packet)
        video.timestamp += 600
        bed.run(10_000)
    reports = {struct.unpack_from("!I", report, 4)[0]: report for report in receiver.blocks(200)}
    sounds = [packet for packet in receiver.rtp if packet.ssrc == 0x1111]
    pictures = [packet for packet in receiver.rtp if packet.ssrc == 0x2222]
    assert len(sounds) == len(pictures) == 100
    for heard, seen in zip(sounds[50:], pictures[50:], strict=True):
        heard_us = capture_time_us(reports[0x1111], heard.timestamp, 48_000)
        seen_us = capture_time_us(reports[0x2222], seen.timestamp, 90_000)
        assert abs(heard_us - seen_us) < 1000
    # And it is our clock that they are told.
    assert abs(struct.unpack_from("!Q", reports[0x1111], 8)[0] - ntp(UNIX_US + bed.now_us)) < 2 << 32


def test_a_slot_reports_what_it_sent() -> None:
    bed = Bed()
    sender, receiver = bed.publisher(), bed.client()
    track = bed.engine.add_track(sender.transport, video_track())
    bed.engine.route(bed.engine.add_slot(receiver.transport, video_slot()), track)
    source = VideoSource(sender, 500)
    source.report()
    for place in range(60):
        source.send_frame(keyframe=place == 0, size=150)
        if place % 30 == 0:
            source.report()
        bed.run(33_000)
    bed.run(2_000_000)
    reports = receiver.blocks(200)
    assert 2 <= len(reports) <= 5
    assert struct.unpack_from("!II", reports[-1], 20) == (60, 60 * 150)
    names = [block for block in receiver.blocks(202) if struct.unpack_from("!I", block, 4)[0] == 0x2222]
    assert all(b"slot" in name for name in names)
    assert len(names) == len(reports)


def test_a_receiver_report_tells_the_publisher() -> None:
    bed = Bed()
    sender = bed.publisher()
    track = bed.engine.add_track(sender.transport, video_track(nack=False))
    source = VideoSource(sender, 500)
    source.report()
    for place in range(100):
        for packet in source.frame(keyframe=place == 0):
            if place % 4:
                sender.send(packet)
        if place == 50:
            source.report()
            reported_us = bed.now_us
        bed.run(20_000)
    parsed = [
        block for compound in sender.rtcp for block in RtcpPacket.parse(compound) if isinstance(block, RtcpRrPacket)
    ]
    with_blocks = [block for block in parsed if block.reports]
    assert 1 <= len(with_blocks) <= 4
    report = with_blocks[-1].reports[0]
    assert report.ssrc == 500
    assert 0.2 < report.fraction_lost / 256 < 0.3
    assert report.lsr == ntp(UNIX_US + reported_us) >> 16 & 0xFFFFFFFF
    stats = bed.engine.track_stats(track)[0]
    assert stats is not None
    assert stats.packets == 75
    assert 20 <= stats.lost <= 25


def feedback_numbers(client: Client) -> list[int]:
    """Numbers that transport-wide feedback says arrived (decoded for runs and two-bit vectors of small deltas only)."""
    arrived = []
    for block in client.blocks(205, 15):
        base, count = struct.unpack_from("!HH", block, 12)
        at = 20
        symbols: list[int] = []
        while len(symbols) < count:
            (chunk,) = struct.unpack_from("!H", block, at)
            at += 2
            if not chunk & 0x8000:
                symbols += [chunk >> 13 & 3] * (chunk & 0x1FFF)
            elif chunk & 0x4000:
                symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
            else:
                symbols += [chunk >> shift & 1 for shift in range(13, -1, -1)]
        arrived += [(base + place) & 0xFFFF for place in range(count) if symbols[place]]
    return arrived


def test_transport_wide_feedback_names_what_arrived() -> None:
    bed = Bed()
    sender = bed.publisher()
    bed.engine.add_track(sender.transport, video_track())
    source = VideoSource(sender, 500)
    expected = []
    for place in range(300):
        number = (65_400 + place) & 0xFFFF
        source.extra = {TRANSPORT_CC: struct.pack("!H", number)}
        packet = source.frame(keyframe=place == 0)[0]
        if place % 7:
            sender.send(packet)
            expected.append(number)
        bed.run(5_000)
    bed.run(200_000)
    assert feedback_numbers(sender) == expected
    # 1.5 seconds of one every 50 to 100 ms.
    assert 15 <= len(sender.blocks(205, 15)) <= 31


def test_without_transport_cc_there_is_no_feedback() -> None:
    bed = Bed()
    sender = bed.publisher()
    bed.engine.add_track(sender.transport, video_track(transport_cc=False))
    source = VideoSource(sender, 500, extra={TRANSPORT_CC: b"\x00\x01"})
    for place in range(20):
        source.send_frame(keyframe=place == 0)
        bed.run(20_000)
    assert sender.blocks(205, 15) == []


def test_feedback_of_a_subscriber_becomes_a_rate() -> None:
    bed = Bed()
    sender, receiver = bed.publisher(), bed.client()
    track = bed.engine.add_track(sender.transport, video_track())
    bed.engine.route(bed.engine.add_slot(receiver.transport, video_slot()), track)
    source = VideoSource(sender, 500)
    number = 0
    for place in range(250):
        source.send_frame(keyframe=place == 0, size=1000)
        bed.run(10_000)
        if place % 10 == 9:
            first = number
            number += 10
            body = struct.pack("!HHI", first & 0xFFFF, 10, 1 << 8 | place // 10 & 0xFF) + struct.pack(
                "!H", 1 << 13 | 10
            )
            body += bytes([40] * 10)
            receiver.send_rtcp(struct.pack("!BBHII", 0x8F, 205, 2 + len(body) // 4, 1, 0x2222) + body)
    rate = bed.engine.transport_stats(receiver.transport).acknowledged_bps
    assert 700_000 < rate < 1_000_000


def test_bye_ends_the_source() -> None:
    bed = Bed()
    sender = bed.publisher()
    track = bed.engine.add_track(sender.transport, video_track())
    VideoSource(sender, 500).send_frame(keyframe=True)
    sender.send_rtcp(struct.pack("!BBHI", 0x81, 203, 1, 500))
    assert SourceEnded(track, 0) in bed.events
    stats = bed.engine.track_stats(track)[0]
    assert stats is not None
    assert not stats.live


def test_nothing_of_rtcp_is_passed_on() -> None:
    bed = Bed()
    sender, receiver = bed.publisher(), bed.client()
    track = bed.engine.add_track(sender.transport, audio_track())
    bed.engine.route(bed.engine.add_slot(receiver.transport, audio_slot()), track)
    sender.send(rtp(OPUS, 1, 1, 77, b"x", extensions={MID: b"0"}))
    receiver.forget()
    sender.send_rtcp(struct.pack("!BBHI", 0x80, 204, 1, 77))
    sender.send_rtcp(struct.pack("!BBHI", 0x80, 201, 1, 77))
    assert receiver.rtcp == []
    assert receiver.rtp == []


def test_remb_is_read_and_harms_nothing() -> None:
    bed = Bed()
    receiver = bed.client()
    body = struct.pack("!4sBBHI", b"REMB", 1, 0x1A, 0x1234, 0x2222)
    receiver.send_rtcp(struct.pack("!BBHII", 0x8F, 206, 2 + len(body) // 4, 1, 0) + body)
    assert bed.dropped() == {}


def test_an_idle_engine_wants_no_timer() -> None:
    bed = Bed()
    bed.client()
    assert bed.engine.next_timer_us() > 1 << 60
    sender = bed.publisher()
    bed.engine.add_track(sender.transport, video_track())
    VideoSource(sender, 500).send_frame(keyframe=True)
    assert bed.engine.next_timer_us() <= bed.now_us + 40_000
    bed.run(10_000_000)
    assert bed.engine.next_timer_us() > 1 << 60


def test_a_slot_that_sends_nothing_sets_no_timer() -> None:
    bed = Bed()
    sender, receiver = bed.publisher(), bed.client()
    track = bed.engine.add_track(sender.transport, video_track())
    bed.engine.route(bed.engine.add_slot(receiver.transport, video_slot()), track)
    source = VideoSource(sender, 500)
    for place in range(3):
        source.send_frame(keyframe=place == 0)
        source.report()
        bed.run(20_000)
        assert bed.engine.next_timer_us() < bed.now_us + 1_000_000
        bed.run(10_000_000)
        # The publisher is silent for long: its layer has ended, the last report is out.
        assert bed.engine.next_timer_us() > bed.now_us + 1_000_000_000
    assert len(receiver.blocks(200)) >= 3, "each time that it sent again"
