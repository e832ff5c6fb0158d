"""A subscriber gets the publisher's payload under the slot's header, with the extensions of both sides; RTX both ways."""

import struct

import pytest
from aiortc import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import HeaderExtensionsMap, RtpPacket, pack_header_extensions, unwrap_rtx, wrap_rtx
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.dataplane.packet import parse
from sfu.dataplane.reasons import DropReason
from sfu.dataplane.rewrite import unwrap, write
from sfu.dataplane.types import Extension

pytestmark = pytest.mark.asan

SEEN = settings(max_examples=300, deadline=None)
URIS = {
    Extension.MID: "urn:ietf:params:rtp-hdrext:sdes:mid",
    Extension.RID: "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    Extension.REPAIRED_RID: "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    Extension.AUDIO_LEVEL: "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    Extension.ABS_SEND_TIME: "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    Extension.TRANSPORT_CC: "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
}
ALL = {extension: number for number, extension in enumerate(Extension, 1)}
REVERSED = {extension: 15 - number for extension, number in ALL.items()}


SSRC, PAYLOAD_TYPE, SEQUENCE_NUMBER, TIMESTAMP = 0xCAFEBABE, 97, 0xFFFE, 0xFEDCBA98
ABS_SEND_TIME, TRANSPORT_NUMBER = 0xABCDEF, 0x8001
Ids = dict[Extension, int]


def source_packet(
    extensions: dict[int, bytes] | None = None, payload: bytes = b"payload", padding: int = 0, csrcs: int = 0
) -> bytes:
    profile, value = pack_header_extensions(list((extensions or {}).items()))
    head = struct.pack("!BBHLL", 0x80 | bool(padding) << 5 | bool(value) << 4 | csrcs, 111, 1, 2, 3)
    head += b"\xaa\xbb\xcc\xdd" * csrcs
    head += struct.pack("!HH", profile, len(value) // 4) + value if value else b""
    return head + payload + (bytes(padding - 1) + bytes([padding]) if padding else b"")


def sent(
    source: bytes,
    source_ids: Ids,
    slot_ids: Ids,
    *,
    mid: bytes = b"slot-3",
    marker: bool = True,
    frame_number_delta: int = 0,
    original: int | None = None,
    capacity: int = 1500,
) -> tuple[bytes, int] | None:
    return write(
        source,
        source_ids,
        slot_ids,
        ssrc=SSRC,
        mid=mid,
        payload_type=PAYLOAD_TYPE,
        marker=marker,
        sequence_number=SEQUENCE_NUMBER,
        timestamp=TIMESTAMP,
        abs_send_time=ABS_SEND_TIME,
        transport_sequence_number=TRANSPORT_NUMBER,
        frame_number_delta=frame_number_delta,
        original_sequence_number=original,
        capacity=capacity,
    )


def written(
    source: bytes,
    source_ids: Ids,
    slot_ids: Ids,
    *,
    mid: bytes = b"slot-3",
    marker: bool = True,
    frame_number_delta: int = 0,
    original: int | None = None,
) -> bytes:
    """The packet sent, seen to be one and to say rightly where its payload begins."""
    result = sent(
        source, source_ids, slot_ids, mid=mid, marker=marker, frame_number_delta=frame_number_delta, original=original
    )
    assert result is not None
    data, payload_offset = result
    reason, view = parse(data)
    assert reason == DropReason.DROP_NONE
    assert view is not None
    assert payload_offset == view["header_length"] + (0 if original is None else 2)
    return data


def extensions_of(data: bytes) -> dict[int, bytes]:
    _, view = parse(data)
    assert view is not None
    return dict(view["extensions"])


def by_aiortc(data: bytes, ids: Ids) -> RtpPacket:
    extensions = HeaderExtensionsMap()
    parameters = [RTCRtpHeaderExtensionParameters(id=ids[e], uri=uri) for e, uri in URIS.items() if e in ids]
    extensions.configure(RTCRtpParameters(headerExtensions=parameters))
    return RtpPacket.parse(data, extensions)


def test_aiortc_reads_the_header_of_the_slot() -> None:
    source = source_packet({ALL[Extension.AUDIO_LEVEL]: b"\xa1", ALL[Extension.RID]: b"hi"}, csrcs=3, padding=9)
    packet = by_aiortc(written(source, ALL, REVERSED), REVERSED)
    assert (packet.payload_type, packet.marker) == (97, 1)
    assert (packet.sequence_number, packet.timestamp, packet.ssrc) == (0xFFFE, 0xFEDCBA98, 0xCAFEBABE)
    assert (packet.csrc, packet.padding_size, packet.payload) == ([], 0, b"payload")
    assert packet.extensions.mid == "slot-3"
    assert packet.extensions.abs_send_time == 0xABCDEF
    assert packet.extensions.transport_sequence_number == 0x8001
    assert packet.extensions.audio_level == (True, 0x21)
    assert packet.extensions.rtp_stream_id is None


def test_without_extensions_there_is_no_block() -> None:
    data = written(source_packet({ALL[Extension.AUDIO_LEVEL]: b"\xa1"}), ALL, {})
    assert data == struct.pack("!BBHLL", 0x80, 0x80 | 97, 0xFFFE, 0xFEDCBA98, 0xCAFEBABE) + b"payload"


def test_each_value_goes_out_under_the_id_of_the_receiver() -> None:
    descriptor = b"\xc0\x00\x07" + bytes(20)
    values = {
        Extension.AUDIO_LEVEL: b"\x7f",
        Extension.VIDEO_ORIENTATION: b"\x03",
        Extension.PLAYOUT_DELAY: b"\x00\x10\x20",
        Extension.DEPENDENCY_DESCRIPTOR: descriptor,
    }
    source = source_packet({ALL[extension]: value for extension, value in values.items()})
    out = extensions_of(written(source, ALL, REVERSED))
    assert {extension: out[REVERSED[extension]] for extension in values} == values


NEVER_COPIED = [Extension.MID, Extension.RID, Extension.REPAIRED_RID, Extension.ABS_SEND_TIME, Extension.TRANSPORT_CC]


def test_what_is_the_publishers_own_is_never_copied() -> None:
    source = source_packet({ALL[extension]: b"his" for extension in NEVER_COPIED})
    out = extensions_of(written(source, ALL, ALL))
    assert b"his" not in out.values()
    assert set(out) == {ALL[Extension.MID], ALL[Extension.ABS_SEND_TIME], ALL[Extension.TRANSPORT_CC]}


COPIED = [Extension.AUDIO_LEVEL, Extension.VIDEO_ORIENTATION, Extension.PLAYOUT_DELAY, Extension.DEPENDENCY_DESCRIPTOR]


@pytest.mark.parametrize("extension", COPIED)
def test_a_value_needs_both_sides(extension: Extension) -> None:
    value = b"\x01" if extension in (Extension.AUDIO_LEVEL, Extension.VIDEO_ORIENTATION) else b"\x01\x02\x03"
    source = source_packet({5: value})
    assert extensions_of(written(source, {extension: 5}, {extension: 9})) == {9: value}
    assert extensions_of(written(source, {}, {extension: 9})) == {}
    assert extensions_of(written(source, {extension: 5}, {})) == {}
    assert extensions_of(written(source_packet(), {extension: 5}, {extension: 9})) == {}
    assert extensions_of(written(source, {extension: 6}, {extension: 9})) == {}


@pytest.mark.parametrize(
    ("extension", "value"),
    [
        (Extension.AUDIO_LEVEL, b""),
        (Extension.AUDIO_LEVEL, b"\x01\x02"),
        (Extension.AUDIO_LEVEL, bytes(255)),
        (Extension.VIDEO_ORIENTATION, b""),
        (Extension.VIDEO_ORIENTATION, bytes(2)),
        (Extension.PLAYOUT_DELAY, bytes(2)),
        (Extension.PLAYOUT_DELAY, bytes(4)),
        (Extension.DEPENDENCY_DESCRIPTOR, b""),
        (Extension.DEPENDENCY_DESCRIPTOR, bytes(2)),
    ],
)
def test_a_value_of_the_wrong_length_is_left_out(extension: Extension, value: bytes) -> None:
    assert extensions_of(written(source_packet({5: value}), {extension: 5}, {extension: 9})) == {}


@pytest.mark.parametrize("length", [3, 16, 17, 254, 255])
def test_two_byte_headers_only_when_one_byte_ones_cannot(length: int) -> None:
    value = bytes(range(length))
    ids = {Extension.DEPENDENCY_DESCRIPTOR: 2, Extension.TRANSPORT_CC: 3}
    data = written(source_packet({14: value}), {Extension.DEPENDENCY_DESCRIPTOR: 14}, ids)
    assert data[12:14] == (b"\xbe\xde" if length <= 16 else b"\x10\x00")
    assert extensions_of(data) == {2: value, 3: b"\x80\x01"}


def test_a_high_id_takes_two_bytes() -> None:
    data = written(source_packet(), {}, {Extension.TRANSPORT_CC: 200})
    assert data[12:14] == b"\x10\x00"
    assert extensions_of(data) == {200: b"\x80\x01"}


@pytest.mark.parametrize(
    ("number", "delta", "out"), [(0, 0, 0), (7, 3, 10), (0xFFFF, 1, 0), (5, 0xFFFF, 4), (0x1234, 0x8000, 0x9234)]
)
def test_the_frame_number_of_a_descriptor_is_shifted(number: int, delta: int, out: int) -> None:
    ids = {Extension.DEPENDENCY_DESCRIPTOR: 4, Extension.PLAYOUT_DELAY: 5, Extension.MID: 6}
    source = source_packet({4: b"\xc5" + number.to_bytes(2) + b"\xff\xff", 5: b"\x11\x22\x33"})
    data = written(source, ids, ids, frame_number_delta=delta)
    assert extensions_of(data) == {4: b"\xc5" + out.to_bytes(2) + b"\xff\xff", 5: b"\x11\x22\x33", 6: b"slot-3"}


@pytest.mark.parametrize("mid", [b"", b"0", b"sixteen-bytes-16"])
def test_mids(mid: bytes) -> None:
    data = written(source_packet(), {}, {Extension.MID: 1}, mid=mid)
    assert extensions_of(data) == ({1: mid} if mid else {})


def test_an_empty_payload_and_padding_alone() -> None:
    for source in (source_packet(payload=b""), source_packet(payload=b"", padding=200)):
        assert len(written(source, {}, {})) == 12


@pytest.mark.parametrize("original", [None, 5])
def test_what_does_not_fit_is_refused(original: int | None) -> None:
    source = source_packet({ALL[Extension.AUDIO_LEVEL]: b"\xa1"}, bytes(1000))
    whole = len(written(source, ALL, REVERSED, original=original))
    for capacity in (0, 1, 11, 12, 40, whole - 1):
        assert sent(source, ALL, REVERSED, original=original, capacity=capacity) is None
    assert sent(source, ALL, REVERSED, original=original, capacity=whole) is not None


def test_a_packet_never_grows_past_16_bits() -> None:
    source = source_packet(payload=bytes(65535 - 12))
    assert sent(source, {}, {}, capacity=70000) is not None
    assert sent(source, {}, {Extension.MID: 1}, capacity=70000) is None
    assert sent(source, {}, {}, original=1, capacity=70000) is None


# -- RTX ---------------------------------------------------------------------------------------------------------------


def test_rtx_is_what_aiortc_writes() -> None:
    source = source_packet(payload=b"media", padding=3)
    data = written(source, {}, {}, original=0xABCD)
    original = RtpPacket(
        payload_type=1, marker=1, sequence_number=0xABCD, timestamp=0xFEDCBA98, ssrc=1, payload=b"media"
    )
    assert data == wrap_rtx(original, payload_type=97, sequence_number=0xFFFE, ssrc=0xCAFEBABE).serialize()


def test_rtx_carries_the_extensions_too() -> None:
    source = source_packet({ALL[Extension.VIDEO_ORIENTATION]: b"\x01"}, b"media")
    packet = by_aiortc(written(source, ALL, REVERSED, original=77), REVERSED)
    assert (packet.extensions.mid, packet.extensions.transport_sequence_number) == ("slot-3", 0x8001)
    media = unwrap_rtx(packet, payload_type=96, ssrc=5)
    assert (media.sequence_number, media.payload) == (77, b"media")


@pytest.mark.parametrize("padding", [0, 1, 200])
@pytest.mark.parametrize("payload", [b"\x12\x34", b"\x12\x34m", b"\x12\x34media" * 100])
def test_received_rtx_becomes_the_media_packet(payload: bytes, padding: int) -> None:
    rtx = source_packet({1: b"\x09"}, payload, padding, csrcs=2)
    reason, media = unwrap(rtx, 0xDEADBEEF, 102)
    assert reason == DropReason.DROP_NONE
    assert media is not None
    _, before = parse(rtx)
    _, after = parse(media)
    assert before is not None
    assert after == {
        **before,
        "ssrc": 0xDEADBEEF,
        "payload_type": 102,
        "sequence_number": 0x1234,
        "payload": payload[2:],
    }


@pytest.mark.parametrize(
    ("payload", "padding", "reason"),
    [
        (b"", 0, DropReason.DROP_PADDING_ONLY),
        (b"", 255, DropReason.DROP_PADDING_ONLY),
        (b"\x12", 0, DropReason.DROP_RTP_MALFORMED),
        (b"\x12", 4, DropReason.DROP_RTP_MALFORMED),
    ],
)
def test_rtx_without_an_original_is_refused(payload: bytes, padding: int, reason: DropReason) -> None:
    assert unwrap(source_packet(payload=payload, padding=padding), 1, 2) == (reason, None)


@SEEN
@given(st.integers(0, 0xFFFF), st.integers(0, 127), st.integers(0, 0xFFFFFFFF), st.binary(max_size=50), st.booleans())
def test_unwrapping_undoes_wrapping(number: int, payload_type: int, ssrc: int, payload: bytes, marker: bool) -> None:
    original = RtpPacket(payload_type, int(marker), number, 0xFEDCBA98, ssrc, payload)
    data = written(original.serialize(), {}, {}, marker=marker, original=number)
    assert unwrap(data, ssrc, payload_type) == (DropReason.DROP_NONE, original.serialize())


# -- properties --------------------------------------------------------------------------------------------------------

ids = st.dictionaries(st.sampled_from(list(Extension)), st.integers(1, 14), max_size=9)


def unique(chosen: Ids) -> Ids:
    """Negotiation gives each id once."""
    return {extension: number for number, extension in {n: e for e, n in chosen.items()}.items()}


@SEEN
@given(
    ids.map(unique),
    ids.map(unique),
    st.dictionaries(st.integers(1, 14), st.binary(max_size=30), max_size=9),
    st.binary(max_size=40),
    st.integers(0, 30),
    st.none() | st.integers(0, 0xFFFF),
)
def test_any_extensions_go_out_as_aiortc_reads_them(
    source_ids: Ids,
    slot_ids: Ids,
    values: dict[int, bytes],
    payload: bytes,
    padding: int,
    original: int | None,
) -> None:
    data = written(source_packet(values, payload, padding), source_ids, slot_ids, original=original)
    expected = {
        Extension.MID: b"slot-3",
        Extension.ABS_SEND_TIME: b"\xab\xcd\xef",
        Extension.TRANSPORT_CC: b"\x80\x01",
    }
    for extension in COPIED:
        value = values.get(source_ids.get(extension, 0), b"")
        lengths = {Extension.PLAYOUT_DELAY: range(3, 4), Extension.DEPENDENCY_DESCRIPTOR: range(3, 256)}
        if len(value) in lengths.get(extension, range(1, 2)):
            expected[extension] = value
    assert extensions_of(data) == {slot_ids[e]: value for e, value in expected.items() if e in slot_ids}
    packet = by_aiortc(data, slot_ids)
    assert packet.payload == (b"" if original is None else original.to_bytes(2)) + payload
    assert packet.extensions.mid == ("slot-3" if Extension.MID in slot_ids else None)
    assert len(data) % 4 == len(packet.payload) % 4


@SEEN
@given(st.binary(max_size=120), st.integers(0, 63), ids, ids, st.integers(0, 150), st.none() | st.integers(0, 65535))
def test_no_source_breaks_the_writer(
    tail: bytes,
    first: int,
    source_ids: Ids,
    slot_ids: Ids,
    capacity: int,
    original: int | None,
) -> None:
    source = bytes([0x80 | first]) + tail
    reason, _ = parse(source)
    if reason:
        with pytest.raises(ValueError, match="not an RTP packet"):
            sent(source, source_ids, slot_ids, original=original)
        with pytest.raises(ValueError, match="not an RTP packet"):
            unwrap(source, 1, 2)
        return
    result = sent(source, source_ids, slot_ids, original=original, capacity=capacity)
    if result is not None:
        assert len(result[0]) <= capacity
        assert parse(result[0])[0] == DropReason.DROP_NONE
    unwrap(source, 1, 2)
