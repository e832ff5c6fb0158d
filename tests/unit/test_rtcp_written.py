"""What we write is read by aiortc's parser as what we meant, and never half written where there is no room."""

from collections.abc import Callable

import pytest
from aiortc.rtp import (
    RtcpByePacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSourceInfo,
    RtcpSrPacket,
    unpack_remb_fci,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.dataplane import rtcp_write
from sfu.dataplane.reasons import DropReason
from sfu.dataplane.receive import Report
from sfu.dataplane.rtcp import blocks, check

pytestmark = pytest.mark.asan

WORD = st.integers(0, 2**32 - 1)
MEASURED = settings(max_examples=150, deadline=None)


@MEASURED
@given(WORD, st.integers(0, 2**64 - 1), WORD, WORD, WORD)
def test_sender_report(ssrc: int, ntp: int, rtp_timestamp: int, packets: int, octets: int) -> None:
    (packet,) = RtcpPacket.parse(rtcp_write.sender_report(ssrc, ntp, rtp_timestamp, packets, octets))
    assert isinstance(packet, RtcpSrPacket)
    info = packet.sender_info
    assert (packet.ssrc, packet.reports) == (ssrc, [])
    assert (info.ntp_timestamp, info.rtp_timestamp) == (ntp, rtp_timestamp)
    assert (info.packet_count, info.octet_count) == (packets, octets)


@MEASURED
@given(
    WORD,
    st.lists(
        st.builds(Report, WORD, st.integers(0, 255), st.integers(-(2**23), 2**23 - 1), WORD, WORD, WORD, WORD),
        max_size=31,
    ),
)
def test_receiver_report(ssrc: int, reports: list[Report]) -> None:
    (packet,) = RtcpPacket.parse(rtcp_write.receiver_report(ssrc, reports))
    assert packet == RtcpRrPacket(ssrc, [RtcpReceiverInfo(*report) for report in reports])


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 5, 16, 254, 255])
def test_cname(length: int) -> None:
    written = rtcp_write.sdes_cname(9, b"c" * length)
    assert RtcpPacket.parse(written) == [RtcpSdesPacket([RtcpSourceInfo(9, [(1, b"c" * length)])])]
    assert written[10 + length] == 0, "the list of items ends with a zero byte"
    assert len(written) - (10 + length) <= 4


@MEASURED
@given(st.lists(st.integers(0, 65535), min_size=1, max_size=200))
def test_nack(seqs: list[int]) -> None:
    (packet,) = RtcpPacket.parse(rtcp_write.nack(3, 4, seqs))
    assert isinstance(packet, RtcpRtpfbPacket)
    assert (packet.fmt, packet.ssrc, packet.media_ssrc) == (1, 3, 4)
    assert {seq & 0xFFFF for seq in packet.lost} == set(seqs)


@pytest.mark.parametrize(
    ("seqs", "pairs"),
    [
        ([0], [(0, 0)]),
        ([5, 6, 21], [(5, 0x8001)]),
        ([5, 22], [(5, 0), (22, 0)]),
        ([65535, 0, 15], [(65535, 0x8001)]),
        ([65530, 65535, 10, 11], [(65530, 0x8010), (11, 0)]),
        ([7, 7, 8, 8], [(7, 1)]),
        (
            list(range(1000)),
            [(first, 0xFFFF if first + 16 < 1000 else (1 << 999 - first) - 1) for first in range(0, 1000, 17)],
        ),
    ],
)
def test_nack_pairs(seqs: list[int], pairs: list[tuple[int, int]]) -> None:
    assert blocks(rtcp_write.nack(1, 2, seqs))[0].nacks == pairs


def test_picture_loss() -> None:
    assert RtcpPacket.parse(rtcp_write.pli(3, 4)) == [RtcpPsfbPacket(1, 3, 4)]


def test_full_intra_request_names_the_source_in_its_entry() -> None:
    (packet,) = RtcpPacket.parse(rtcp_write.fir(3, 0x01020304, 250))
    assert packet == RtcpPsfbPacket(4, 3, 0, bytes.fromhex("01020304 fa000000"))
    assert blocks(rtcp_write.fir(3, 4, 250))[0].firs == [(4, 250)]


@MEASURED
@given(st.integers(0, 2**64 - 1), st.lists(WORD, max_size=255))
def test_remb_rounds_down(bps: int, ssrcs: list[int]) -> None:
    written = rtcp_write.remb(3, bps, ssrcs)
    (packet,) = RtcpPacket.parse(written)
    assert isinstance(packet, RtcpPsfbPacket)
    told, for_ssrcs = unpack_remb_fci(packet.fci)
    assert for_ssrcs == ssrcs
    assert bps * (1 - 2**-17) <= told <= bps
    assert blocks(written)[0].remb_bps == told


@pytest.mark.parametrize("count", [1, 2, 31])
def test_bye(count: int) -> None:
    ssrcs = list(range(100, 100 + count))
    assert RtcpPacket.parse(rtcp_write.bye(ssrcs)) == [RtcpByePacket(ssrcs)]


WRITERS: dict[str, Callable[[int], bytes]] = {
    "sender report": lambda capacity: rtcp_write.sender_report(1, 2, 3, 4, 5, capacity),
    "receiver report": lambda capacity: rtcp_write.receiver_report(1, [Report(*range(7))] * 3, capacity),
    "empty receiver report": lambda capacity: rtcp_write.receiver_report(1, [], capacity),
    "cname": lambda capacity: rtcp_write.sdes_cname(1, b"name", capacity),
    "nack": lambda capacity: rtcp_write.nack(1, 2, [1, 100, 200], capacity),
    "pli": lambda capacity: rtcp_write.pli(1, 2, capacity),
    "fir": lambda capacity: rtcp_write.fir(1, 2, 3, capacity),
    "remb": lambda capacity: rtcp_write.remb(1, 2, [3, 4], capacity),
    "bye": lambda capacity: rtcp_write.bye([1, 2], capacity),
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS.keys())
def test_exactly_enough_room_is_enough_and_a_byte_less_is_not(write: Callable[[int], bytes]) -> None:
    whole = write(1500)
    assert len(whole) % 4 == 0
    assert check(whole) == DropReason.DROP_NONE
    assert write(len(whole)) == whole
    for capacity in range(len(whole)):
        assert write(capacity) == b""


def test_what_a_block_cannot_hold_is_not_written() -> None:
    assert rtcp_write.receiver_report(1, [Report(*range(7))] * 32) == b""
    assert rtcp_write.sdes_cname(1, b"c" * 256) == b""
    assert rtcp_write.nack(1, 2, []) == b""
    assert rtcp_write.remb(1, 2, [3] * 256, 5000) == b""
    assert rtcp_write.bye([]) == b""
    assert rtcp_write.bye([1] * 32) == b""
    longest = [number * 17 & 0xFFFF for number in range(65536)]
    assert rtcp_write.nack(1, 2, longest, 1 << 20) == b""
    assert len(rtcp_write.nack(1, 2, longest[:65533], 1 << 20)) == 4 * 65536


def test_a_compound_of_all_of_them() -> None:
    compound = b"".join(write(1500) for write in WRITERS.values())
    assert check(compound) == DropReason.DROP_NONE
    assert [block.kind for block in blocks(compound)] == [
        *["sender_report", "receiver_report", "receiver_report", "other", "nack", "pli", "fir", "remb", "bye"]
    ]
    assert len(RtcpPacket.parse(compound)) == len(WRITERS)
