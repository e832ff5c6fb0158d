"""RTP headers are read as RFC 3550 and RFC 8285 write them, and hostile ones are refused under the right name."""

import struct
from typing import TYPE_CHECKING

import pytest
from aiortc.rtp import HeaderExtensions, HeaderExtensionsMap, RtpPacket, pack_header_extensions
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.dataplane.packet import parse
from sfu.dataplane.reasons import DropReason

pytestmark = pytest.mark.asan

if TYPE_CHECKING:
    from sfu.dataplane.packet import Packet

SEEN = settings(max_examples=300, deadline=None)


def header(first: int = 0x80, csrcs: int = 0) -> bytes:
    """Fixed header (payload type 96, sequence number 1, timestamp 2, SSRC 3) and CSRCs."""
    return struct.pack("!BBHLL", first | csrcs, 96, 1, 2, 3) + b"\xaa\xbb\xcc\xdd" * csrcs


def block(profile: int, value: bytes, words: int | None = None) -> bytes:
    """Extension block; `words` overrides its honest length."""
    return struct.pack("!HH", profile, len(value) // 4 if words is None else words) + value


def parsed(data: bytes, plain_length: int | None = None) -> "Packet":
    reason, packet = parse(data, plain_length)
    assert reason == DropReason.DROP_NONE
    assert packet is not None
    return packet


def refusal(data: bytes, plain_length: int | None = None) -> DropReason:
    reason, packet = parse(data, plain_length)
    assert packet is None
    return DropReason(reason)


def test_every_field_of_the_fixed_header() -> None:
    data = struct.pack("!BBHLL", 0x80, 0x80 | 111, 0xFFFE, 0xFEDCBA98, 0x89ABCDEF) + b"opus"
    assert parsed(data) == {
        "payload_type": 111,
        "marker": True,
        "sequence_number": 0xFFFE,
        "timestamp": 0xFEDCBA98,
        "ssrc": 0x89ABCDEF,
        "header_length": 12,
        "padding_length": 0,
        "payload": b"opus",
        "extensions": [],
    }


def test_csrcs_belong_to_the_header() -> None:
    packet = parsed(header(csrcs=15) + b"payload")
    assert (packet["header_length"], packet["payload"]) == (72, b"payload")


@pytest.mark.parametrize(
    ("profile", "value", "expected"),
    [
        pytest.param(0xBEDE, b"", [], id="one-byte, empty block"),
        pytest.param(0xBEDE, b"\x10\xaa\x00\x00", [(1, b"\xaa")], id="one-byte, padded"),
        pytest.param(0xBEDE, b"\x00\x00\x10\xaa", [(1, b"\xaa")], id="one-byte, padding first"),
        pytest.param(
            0xBEDE, b"\x10\xaa\x00\x31\x01\x02\x00\x00", [(1, b"\xaa"), (3, b"\x01\x02")], id="padding between"
        ),
        pytest.param(
            0xBEDE, b"\xef" + bytes(range(16)) + b"\x00" * 3, [(14, bytes(range(16)))], id="one-byte, 16 long"
        ),
        pytest.param(0xBEDE, b"\x10\xaa\xf0\x10\xbb\x00\x00\x00", [(1, b"\xaa")], id="15 ends the block"),
        pytest.param(0xBEDE, b"\x10\xaa\xff\xff", [(1, b"\xaa")], id="15 ends the block whatever its length says"),
        pytest.param(0xBEDE, b"\x10\xaa\x03\x10\xbb\x00\x00\x00", [(1, b"\xaa")], id="0 with a length ends the block"),
        pytest.param(0xBEDE, b"\x10\xaa\x10\xbb", [(1, b"\xaa"), (1, b"\xbb")], id="an id twice"),
        pytest.param(0x1000, b"\x01\x01\xaa\x00", [(1, b"\xaa")], id="two-byte, padded"),
        pytest.param(0x1000, b"\x01\x00\x02\x00", [(1, b""), (2, b"")], id="two-byte, empty values"),
        pytest.param(0x100F, b"\xff\x02\xaa\xbb", [(255, b"\xaa\xbb")], id="two-byte, appbits and a high id"),
        pytest.param(0x1000, b"\x07\xff" + b"d" * 255 + b"\x00" * 3, [(7, b"d" * 255)], id="two-byte, 255 long"),
        pytest.param(0x1000, b"\x0f\x02\xaa\xbb", [(15, b"\xaa\xbb")], id="15 is an id like others in two bytes"),
        pytest.param(0x1010, b"\x01\x01\xaa\x00", [], id="not a profile of RFC 8285"),
        pytest.param(0xABCD, b"\xff\xff\xff\xff", [], id="somebody's own profile is skipped"),
    ],
)
def test_extension_blocks(profile: int, value: bytes, expected: list[tuple[int, bytes]]) -> None:
    packet = parsed(header(0x90) + block(profile, value) + b"payload")
    assert packet["extensions"] == expected
    assert packet["payload"] == b"payload"
    assert packet["header_length"] == 16 + len(value)


def test_only_the_first_16_extensions_are_kept() -> None:
    value = b"".join(bytes([number, 1, number]) for number in range(1, 21))
    packet = parsed(header(0x90) + block(0x1000, value) + b"payload")
    assert packet["extensions"] == [(number, bytes([number])) for number in range(1, 17)]
    assert packet["payload"] == b"payload"


HOSTILE = [
    ("nothing", b"", DropReason.DROP_RTP_MALFORMED),
    ("eleven bytes", header()[:11], DropReason.DROP_RTP_MALFORMED),
    ("version 0", header(0x00) + b"x", DropReason.DROP_RTP_MALFORMED),
    ("version 1", header(0x40) + b"x", DropReason.DROP_RTP_MALFORMED),
    ("version 3", header(0xC0) + b"x", DropReason.DROP_RTP_MALFORMED),
    ("CSRCs beyond the end", header(0x8F), DropReason.DROP_RTP_MALFORMED),
    ("the last CSRC cut", header(csrcs=2)[:-1], DropReason.DROP_RTP_MALFORMED),
    ("longer than 16 bits", header() + bytes(65536), DropReason.DROP_TOO_LARGE),
    ("an extension bit and nothing", header(0x90), DropReason.DROP_RTP_EXTENSION),
    ("half an extension header", header(0x90) + b"\xbe\xde\x00", DropReason.DROP_RTP_EXTENSION),
    ("a block of one word too many", header(0x90) + block(0xBEDE, bytes(4), 2), DropReason.DROP_RTP_EXTENSION),
    ("a block of 65535 words", header(0x90) + block(0xBEDE, bytes(4), 65535), DropReason.DROP_RTP_EXTENSION),
    ("a foreign block too long", header(0x90) + block(0xABCD, b"", 1), DropReason.DROP_RTP_EXTENSION),
    ("one-byte value cut by one", header(0x90) + block(0xBEDE, b"\x13abc") + b"d", DropReason.DROP_RTP_EXTENSION),
    ("one-byte head at the end", header(0x90) + block(0xBEDE, b"\0\0\0\x10") + b"d", DropReason.DROP_RTP_EXTENSION),
    ("two-byte id at the end", header(0x90) + block(0x1000, b"\0\0\0\x01") + b"\x01d", DropReason.DROP_RTP_EXTENSION),
    ("two-byte value cut by one", header(0x90) + block(0x1000, b"\x01\x03ab") + b"c", DropReason.DROP_RTP_EXTENSION),
    ("two-byte length 255", header(0x90) + block(0x1000, b"\0\0\x01\xff") + b"c", DropReason.DROP_RTP_EXTENSION),
    ("padding bit and no payload", header(0xA0), DropReason.DROP_RTP_PADDING),
    ("padding of zero", header(0xA0) + b"payload\x00", DropReason.DROP_RTP_PADDING),
    ("padding of one too many", header(0xA0) + b"abc\x05", DropReason.DROP_RTP_PADDING),
    ("padding of 255", header(0xA0) + b"abc\xff", DropReason.DROP_RTP_PADDING),
    ("padding into the CSRCs", header(0xA0, csrcs=4) + b"\x05abc"[::-1], DropReason.DROP_RTP_PADDING),
    ("padding into the extensions", header(0xB0) + block(0xBEDE, bytes(8)) + b"\x02", DropReason.DROP_RTP_PADDING),
]


@pytest.mark.parametrize(("data", "reason"), [pytest.param(data, reason, id=name) for name, data, reason in HOSTILE])
def test_hostile_packets_are_refused(data: bytes, reason: DropReason) -> None:
    assert refusal(data) == reason


@pytest.mark.parametrize(
    ("payload", "padding", "left"),
    [(b"abc\x01", 1, b"abc"), (b"abc\x04", 4, b""), (b"\x01", 1, b""), (b"p" + b"\0" * 254 + b"\xff", 255, b"p")],
)
def test_padding_is_taken_off(payload: bytes, padding: int, left: bytes) -> None:
    packet = parsed(header(0xA0) + payload)
    assert (packet["padding_length"], packet["payload"]) == (padding, left)


def test_padding_is_read_where_the_plain_packet_ends() -> None:
    tag = b"\xff" * 16
    packet = parsed(header(0xA0) + b"abc\x02" + tag, plain_length=16)
    assert packet["payload"] == b"ab"


@pytest.mark.parametrize("plain_length", [0, 11, 12, 15, 21, 70000])
def test_a_plain_length_outside_of_the_packet_is_refused(plain_length: int) -> None:
    data = header(0x90) + block(0xBEDE, b"") + b"abcd"
    assert len(data) == 20
    assert refusal(data, plain_length) == DropReason.DROP_RTP_MALFORMED


def test_a_packet_may_be_all_header() -> None:
    assert parsed(header())["payload"] == b""
    assert parsed(header(0x90) + block(0xBEDE, b"\x10\xaa\0\0") + b"tag", plain_length=20)["payload"] == b""


values = st.lists(st.tuples(st.integers(1, 14), st.binary(max_size=40)), max_size=16)


@SEEN
@given(
    st.integers(0, 127),
    st.booleans(),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.lists(st.integers(0, 0xFFFFFFFF), max_size=15),
    values,
    st.binary(max_size=64),
    st.integers(0, 255),
)
def test_what_is_written_is_read(
    payload_type: int,
    marker: bool,
    sequence_number: int,
    timestamp: int,
    ssrc: int,
    csrcs: list[int],
    extensions: list[tuple[int, bytes]],
    payload: bytes,
    padding: int,
) -> None:
    profile, value = pack_header_extensions(extensions)
    data = struct.pack(
        "!BBHLL",
        0x80 | bool(padding) << 5 | bool(value) << 4 | len(csrcs),
        marker << 7 | payload_type,
        sequence_number,
        timestamp,
        ssrc,
    )
    data += b"".join(struct.pack("!L", csrc) for csrc in csrcs)
    data += block(profile, value) if value else b""
    length = len(data)
    data += payload + (bytes(padding - 1) + bytes([padding]) if padding else b"")
    assert parsed(data) == {
        "payload_type": payload_type,
        "marker": marker,
        "sequence_number": sequence_number,
        "timestamp": timestamp,
        "ssrc": ssrc,
        "header_length": length,
        "padding_length": padding,
        "payload": payload,
        "extensions": extensions,
    }


def test_a_packet_of_aiortc_is_read() -> None:
    from aiortc import RTCRtpHeaderExtensionParameters, RTCRtpParameters

    extensions = HeaderExtensionsMap()
    extensions.configure(
        RTCRtpParameters(
            headerExtensions=[
                RTCRtpHeaderExtensionParameters(id=4, uri="urn:ietf:params:rtp-hdrext:sdes:mid"),
                RTCRtpHeaderExtensionParameters(id=9, uri="urn:ietf:params:rtp-hdrext:ssrc-audio-level"),
            ]
        )
    )
    packet = RtpPacket(payload_type=111, marker=1, sequence_number=7, timestamp=8, ssrc=9, payload=b"opus")
    packet.extensions = HeaderExtensions(mid="audio", audio_level=(True, 33))
    packet.csrc = [1, 2]
    packet.padding_size = 8
    seen = parsed(packet.serialize(extensions))
    assert seen["extensions"] == [(4, b"audio"), (9, bytes([0x80 | 33]))]
    assert (seen["payload"], seen["padding_length"]) == (b"opus", 8)


def test_every_cut_of_a_packet_is_refused_or_read_inside() -> None:
    whole = header(0xB0, csrcs=2) + block(0x1000, b"\x01\x03abc\x02\x00\x00") + b"payload" + b"\0\0\x03"
    for length in range(len(whole)):
        reason, packet = parse(whole[:length])
        assert reason or packet is not None
    assert parsed(whole)["payload"] == b"payload"


def looks_like_rtp(tail: bytes, first: int) -> bytes:
    return bytes([0x80 | first & 0x3F]) + tail


@SEEN
@given(
    st.one_of(
        st.binary(max_size=200), st.builds(looks_like_rtp, st.binary(min_size=11, max_size=200), st.integers(0, 63))
    )
)
def test_no_bytes_break_the_parser_and_it_agrees_with_aiortc(data: bytes) -> None:
    reason, packet = parse(data)
    try:
        oracle = RtpPacket.parse(data)
    except ValueError:
        # aiortc reads on after an element that ends a one-byte block: all that it may refuse and we read.
        assert reason or b"\xbe\xde" in data
        return
    if reason == DropReason.DROP_NONE:
        assert packet is not None
        assert packet["payload"] == oracle.payload
        assert packet["sequence_number"] == oracle.sequence_number
        assert packet["padding_length"] == oracle.padding_size
    else:
        # It skips what follows in blocks of profiles that it does not know, as 0x1001 to 0x100f.
        assert reason == DropReason.DROP_RTP_EXTENSION
