"""A compound is checked once and then walked; whatever contradicts itself is refused whole, and nothing is read beyond its end."""

import struct

import pytest
from aiortc.rtp import (
    RtcpByePacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
    pack_remb_fci,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.dataplane import clock
from sfu.dataplane.reasons import DropReason
from sfu.dataplane.receive import Report
from sfu.dataplane.rtcp import blocks, check, round_trip_us

pytestmark = pytest.mark.asan

MALFORMED = DropReason.DROP_RTCP_MALFORMED
INFO = RtcpReceiverInfo(0xA1, 12, -3, 0x12345, 99, 0xB2, 0xC3)
REPORT = Report(0xA1, 12, -3, 0x12345, 99, 0xB2, 0xC3)
SENDER = RtcpSenderInfo(2**63 + 5, 777, 3, 400)


def raw(
    kind: int, content: bytes, *, count: int = 0, words: int | None = None, version: int = 2, pad: bool = False
) -> bytes:
    """One block; `words` overrides its honest length field."""
    length = len(content) // 4 if words is None else words
    return struct.pack("!BBH", version << 6 | pad << 5 | count, kind, length) + content


def test_a_sender_report_with_its_blocks() -> None:
    (block,) = blocks(bytes(RtcpSrPacket(7, SENDER, [INFO, INFO])))
    assert (block.kind, block.sender_ssrc, block.count_or_fmt) == ("sender_report", 7, 2)
    assert (block.ntp, block.rtp_timestamp) == (2**63 + 5, 777)
    assert block.reports == [REPORT, REPORT]


def test_a_compound_of_everything() -> None:
    compound = b"".join(
        bytes(packet)
        for packet in (
            RtcpSrPacket(1, SENDER, []),
            RtcpRrPacket(2, [INFO]),
            RtcpSdesPacket([RtcpSourceInfo(1, [(1, b"cname")])]),
            RtcpRtpfbPacket(1, 3, 4, lost=[10, 12, 300]),
            RtcpPsfbPacket(1, 5, 6),
            RtcpPsfbPacket(4, 7, 0, struct.pack("!LBxxxLBxxx", 8, 200, 9, 1)),
            RtcpPsfbPacket(15, 10, 0, pack_remb_fci(1_500_000, [11, 12])),
            RtcpRtpfbPacket(15, 13, 14),
            RtcpByePacket([15, 16]),
        )
    )
    found = blocks(compound)
    assert [block.kind for block in found] == [
        *["sender_report", "receiver_report", "other", "nack", "pli", "fir", "remb", "twcc", "bye"]
    ]
    assert [block.sender_ssrc for block in found] == [1, 2, 1, 3, 5, 7, 10, 13, 15]
    assert [block.media_ssrc for block in found] == [0, 0, 0, 4, 6, 0, 0, 14, 0]
    assert found[1].reports == [REPORT]
    assert found[3].nacks == [(10, 0b10), (300, 0)]
    assert found[5].firs == [(8, 200), (9, 1)]
    assert found[6].remb_bps == 1_500_000
    assert found[7].body == b""
    assert (found[8].count_or_fmt, found[8].body) == (2, struct.pack("!LL", 15, 16))


@pytest.mark.parametrize("kind", [205, 206])
def test_feedback_may_come_alone(kind: int) -> None:
    """Reduced-size RTCP, RFC 5506."""
    assert blocks(raw(kind, bytes(8), count=1))[0].kind == ("nack" if kind == 205 else "pli")


@pytest.mark.parametrize(("kind", "count"), [(204, 3), (207, 0), (192, 0), (205, 8), (206, 2), (206, 15), (0, 0)])
def test_what_we_do_not_know_is_walked_over(kind: int, count: int) -> None:
    found = blocks(raw(kind, b"\x00" * 8 + b"XXXX" * 3, count=count) + raw(203, bytes(4), count=1))
    assert [block.kind for block in found] == ["other", "bye"]


@pytest.mark.parametrize("padding", [4, 8, 12])
def test_padding_of_the_last_block_is_left_out(padding: int) -> None:
    fill = bytes(padding - 1) + bytes([padding])
    found = blocks(raw(201, bytes(4)) + raw(205, struct.pack("!LLHH", 1, 2, 3, 4) + fill, count=1, pad=True))
    assert found[1].nacks == [(3, 4)]
    assert len(found[1].body) == 4


@pytest.mark.parametrize("padding", [1, 2, 3])
def test_libwebrtc_fills_transport_feedback_up_to_a_word(padding: int) -> None:
    """Not whole words, against RFC 3550; Chromium sends all of its feedback so."""
    fill = bytes(padding - 1) + bytes([padding])
    body = struct.pack("!LLHHLH", 1, 2, 3, 1, 0, 0x2001) + b"\x04" + bytes(5 - padding)
    (block,) = blocks(raw(205, body + fill, count=15, pad=True))
    assert block.kind == "twcc"
    assert len(block.body) == 16 - padding


def test_an_extension_of_a_report_is_left_alone() -> None:
    (block,) = blocks(raw(201, bytes(4) + bytes(24) + b"more", count=1))
    assert len(block.reports) == 1


def test_a_bye_with_a_reason_and_one_without_sources() -> None:
    assert blocks(raw(203, struct.pack("!LB3s", 5, 3, b"bye"), count=1))[0].body[:4] == struct.pack("!L", 5)
    (block,) = blocks(raw(203, b""))
    assert (block.kind, block.count_or_fmt, block.sender_ssrc, block.body) == ("bye", 0, 0, b"")


HOSTILE = {
    "empty": b"",
    "less than a header": b"\x80\xc8\x00",
    "not whole words": raw(201, bytes(4)) + b"\x00",
    "version 0": raw(201, bytes(4), version=0),
    "version 1": raw(201, bytes(4), version=1),
    "version 3": raw(201, bytes(4), version=3),
    "version 1 in the second block": raw(201, bytes(4)) + raw(201, bytes(4), version=1),
    "length beyond the end": raw(201, bytes(4), words=2),
    "the largest length": raw(201, bytes(4), words=65535),
    "second length beyond the end": raw(201, bytes(4)) + raw(202, bytes(8), words=3),
    "length 0 where an SSRC belongs": raw(201, b"") + raw(201, bytes(4)),
    "header alone of a sender report": raw(200, b""),
    "header alone of feedback": raw(205, b"", count=1),
    "feedback without media SSRC": raw(206, bytes(4), count=1),
    "sender report without sender info": raw(200, bytes(4)),
    "sender info cut": raw(200, bytes(20)),
    "more report blocks than bytes": raw(201, bytes(4 + 24), count=2),
    "31 report blocks in none": raw(201, bytes(4), count=31),
    "31 report blocks in a sender report": raw(200, bytes(24), count=31),
    "more sources than bytes in a bye": raw(203, bytes(4), count=2),
    "padding of no bytes": raw(201, bytes(4) + bytes(4), pad=True),
    "padding not in words": raw(201, bytes(4) + b"\x00\x00\x00\x03", pad=True),
    "padding over the whole block": raw(201, bytes(4) + b"\x00\x00\x00\x08", pad=True)[:8] + b"\x00\x00\x00\x0c",
    "padding of 255": raw(201, bytes(4) + b"\x00\x00\x00\xff", pad=True),
    "padding of 252 in 12 bytes": raw(201, bytes(4) + b"\x00\x00\x00\xfc", pad=True),
    "padding over the SSRC": raw(201, b"\x00\x00\x00\x04", pad=True),
    "padding over the report block": raw(201, bytes(4) + bytes(23) + b"\x04", count=1, pad=True),
    "padding in the middle": raw(201, bytes(4) + b"\x00\x00\x00\x04", pad=True) + raw(201, bytes(4)),
    "padding over the header of what we do not know": raw(204, b"\x00\x00\x00\x08", pad=True),
    "padding over the header of a bye": raw(203, b"\x00\x00\x00\x08", pad=True),
    "padding of a header alone": raw(201, b"", pad=True),
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
def test_refuses(hostile: bytes) -> None:
    assert check(hostile) == MALFORMED
    with pytest.raises(ValueError, match="malformed"):
        blocks(hostile)


@pytest.mark.parametrize("kind", [200, 201, 202, 203, 204, 205, 206, 207])
@pytest.mark.parametrize("length", range(28))
def test_every_short_body(kind: int, length: int) -> None:
    """What an SRTCP packet of 20 to 27 bytes leaves; some servers crashed on it."""
    for count in (0, 1, 2, 15, 31):
        for words in (0, 1, length // 4 - 1, length // 4, 65535):
            packet = raw(kind, bytes(24), count=count, words=max(words, 0))[:length]
            if check(packet) == DropReason.DROP_NONE:
                assert sum(len(block.body) for block in blocks(packet)) <= length
    assert check(b"\xff" * length) == MALFORMED


@pytest.mark.parametrize(
    "fci",
    [
        b"REMB",
        b"REMB\x01\x00\x00\x00",
        b"REMB\xff\x00\x00\x00" + bytes(16),
        b"REMB\x00\xff\xff\xff",
        b"BMER" + bytes(4),
    ],
    ids=["cut", "a missing SSRC", "255 SSRCs in four", "exponent 63", "another identifier"],
)
def test_a_remb_that_contradicts_itself_says_nothing(fci: bytes) -> None:
    (block,) = blocks(raw(206, bytes(8) + fci, count=15))
    assert block.remb_bps is None


@pytest.mark.parametrize("bps", [0, 1, 262143, 262144, 10**6, 10**9, 2**40, (2**18 - 1) << 45])
def test_remb_of_another_writer(bps: int) -> None:
    exponent = max(0, bps.bit_length() - 18)
    fci = b"REMB\x00" + (exponent << 18 | bps >> exponent).to_bytes(3, "big")
    assert blocks(raw(206, bytes(8) + fci, count=15))[0].remb_bps == bps >> exponent << exponent


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=80))
def test_noise_never_reads_outside(noise: bytes) -> None:
    if check(noise) == DropReason.DROP_NONE:
        assert sum(len(block.body) for block in blocks(noise)) <= len(noise)


@settings(max_examples=500, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(200, 206), st.integers(0, 31), st.booleans(), st.integers(-1, 12), st.binary(max_size=60)
        ),
        min_size=1,
        max_size=4,
    )
)
def test_nearly_valid_compounds_never_read_outside(parts: list[tuple[int, int, bool, int, bytes]]) -> None:
    compound = b""
    for kind, count, pad, words, content in parts:
        content = content[: len(content) // 4 * 4]
        compound += raw(kind, content, count=count, pad=pad, words=None if words < 0 else words)
    if check(compound) == DropReason.DROP_NONE:
        found = blocks(compound)
        assert sum(len(block.body) for block in found) <= len(compound)
        assert all(len(block.reports) == block.count_or_fmt for block in found if block.kind.endswith("report"))


@settings(max_examples=200, deadline=None)
@given(
    ssrc=st.integers(0, 2**32 - 1),
    infos=st.lists(
        st.builds(
            Report,
            *[st.integers(0, 2**32 - 1), st.integers(0, 255), st.integers(-(2**23), 2**23 - 1)],
            *[st.integers(0, 2**32 - 1)] * 4,
        ),
        max_size=31,
    ),
    lost=st.lists(st.integers(0, 60_000), min_size=1, max_size=40, unique=True).map(sorted),
)
def test_reads_what_aiortc_writes(ssrc: int, infos: list[Report], lost: list[int]) -> None:
    compound = bytes(RtcpRrPacket(ssrc, [RtcpReceiverInfo(*info) for info in infos]))
    report, nack = blocks(compound + bytes(RtcpRtpfbPacket(1, ssrc, 9, lost=lost)))
    assert (report.sender_ssrc, report.reports) == (ssrc, infos)
    asked = [pid + bit for pid, blp in nack.nacks for bit in range(17) if bit == 0 or blp >> (bit - 1) & 1]
    assert asked == lost


def answer(last_sr: int, delay: int) -> Report:
    return Report(1, 0, 0, 0, 0, last_sr, delay)


SENT_US = 1_700_000_000_000_000
SENT = clock.ntp(SENT_US) >> 16 & 0xFFFFFFFF


@pytest.mark.parametrize("rtt_us", [100, 1000, 33_333, 250_000, 4_000_000, 59_000_000])
@pytest.mark.parametrize("held_us", [0, 5_000_000, 40_000_000])
def test_round_trip(rtt_us: int, held_us: int) -> None:
    now = clock.ntp(SENT_US + rtt_us + held_us)
    measured = round_trip_us(answer(SENT, held_us * 65536 // 1_000_000), now)
    assert measured == pytest.approx(rtt_us, abs=32)


def test_round_trip_over_the_wrap_of_the_middle_bits() -> None:
    before_us = (0x10000 - 2_208_988_800 % 0x10000) * 10**6 + 0x10000 * 10**6 * 30_000 - 500_000
    last_sr = clock.ntp(before_us) >> 16 & 0xFFFFFFFF
    assert last_sr > 0xFFFF0000
    assert round_trip_us(answer(last_sr, 32768), clock.ntp(before_us + 1_500_000)) == pytest.approx(10**6, abs=32)


@pytest.mark.parametrize(
    ("last_sr", "delay", "later_us", "measured"),
    [
        (0, 0, 10**6, 0),
        (0, 65536, 10**6, 0),
        (SENT, 65536 * 3, 10**6, 0),
        (SENT, 0, 61 * 10**6, 0),
        (SENT, 2**32 - 1, 0, 15),
        (SENT + 5, 0, 0, 1),
        (SENT, 0, 0, 1),
        (SENT + 700, 0, 0, 0),
    ],
    ids=[
        "no SR",
        "no SR, but a delay",
        "held longer than gone",
        "a minute",
        "delay wraps",
        "rounded below 0",
        "at once",
        "future",
    ],
)
def test_round_trips_that_are_none(last_sr: int, delay: int, later_us: int, measured: int) -> None:
    assert round_trip_us(answer(last_sr, delay), clock.ntp(SENT_US + later_us)) == measured
