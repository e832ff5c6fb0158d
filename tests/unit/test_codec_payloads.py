"""Payload descriptors: keyframes and frame starts are found, in what other software wrote and in every shape of a descriptor."""

import os
import struct
from collections.abc import Iterator
from fractions import Fraction
from socket import AF_INET, SOCK_DGRAM, socket
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from aiortc.codecs.vpx import VpxPayloadDescriptor
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.dataplane import codec, packet
from sfu.dataplane.types import Format

pytestmark = pytest.mark.asan

if TYPE_CHECKING:
    from sfu.dataplane.codec import Payload

SEEN = settings(max_examples=300, deadline=None)
VP9, H264 = Format.VP9_PROFILE_0, Format.H264_CONSTRAINED_BASELINE


def parsed(format: Format, payload: bytes) -> "Payload":
    view = codec.parse(format, payload)
    assert view is not None
    return view


# -- what FFmpeg's encoders and its RTP packetizer write ---------------------------------------------------------------


def streamed(encoder: str, options: dict[str, str], frames: int) -> Iterator[tuple[bool, list[bytes]]]:
    """(is a keyframe, RTP packets) of each frame of a noisy 192 by 144 video with a keyframe every 5 frames."""
    with socket(AF_INET, SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.setblocking(False)
        address = f"rtp://127.0.0.1:{receiver.getsockname()[1]}?pkt_size=700"
        noise = np.random.default_rng(1)
        with av.open(address, "w", format="rtp", options={"strict": "experimental"}) as container:
            stream = container.add_stream(encoder, rate=30, options={"g": "5", **options})
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height, stream.pix_fmt = 192, 144, "yuv420p"
            pictures: list[av.VideoFrame] = []
            for number in range(frames):
                picture = av.VideoFrame.from_ndarray(noise.integers(0, 255, (216, 192), dtype=np.uint8), "yuv420p")
                picture.pts, picture.time_base = number, Fraction(1, 30)
                pictures.append(picture)
            for shown in [*pictures, None]:
                for encoded in stream.encode(shown):
                    container.mux(encoded)
                    yield encoded.is_keyframe, list(received(receiver))


@pytest.fixture
def priority() -> Iterator[None]:
    """SVT-AV1 gives the calling thread real-time priority where it may, and whatever is started later would inherit it."""
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    yield
    os.sched_setscheduler(0, policy, parameters)


def received(receiver: socket) -> Iterator[bytes]:
    while True:
        try:
            datagram = receiver.recv(2000)
        except BlockingIOError:
            return
        if not 192 <= datagram[1] <= 223:  # RTCP (RFC 5761)
            yield datagram


@pytest.mark.usefixtures("priority")
@pytest.mark.parametrize(
    ("format", "encoder", "options"),
    [
        pytest.param(Format.VP8, "libvpx", {"deadline": "realtime", "lag-in-frames": "0"}, id="VP8"),
        pytest.param(
            H264,
            "libx264",
            {"profile": "baseline", "tune": "zerolatency", "x264-params": "slices=4:scenecut=0"},
            id="H264",
        ),
        pytest.param(Format.AV1, "libsvtav1", {"preset": "12", "svtav1-params": "pred-struct=1"}, id="AV1"),
    ],
)
def test_keyframes_of_real_encoders(format: Format, encoder: str, options: dict[str, str]) -> None:
    keyframes = packets = 0
    for is_keyframe, datagrams in streamed(encoder, options, 12):
        views = []
        for datagram in datagrams:
            _, rtp = packet.parse(datagram)
            assert rtp is not None
            views.append(parsed(format, rtp["payload"]))
        packets += len(views)
        keyframes += is_keyframe
        # Of a keyframe the first packet says so; parameter sets and the first slice both do, no later slice and no later part.
        saying = [number for number, view in enumerate(views) if view["keyframe"]]
        assert saying in ([0], [0, 1]) if is_keyframe else not saying
        assert views[0]["frame_start"]
    assert (keyframes, packets > 40) == (3, True)


def test_frame_starts_of_a_real_vp9_packetizer() -> None:
    # FFmpeg's writes no picture ids, and never sets the bit for prediction: a keyframe is not to be told from it.
    for _, datagrams in streamed("libvpx-vp9", {"deadline": "realtime", "lag-in-frames": "0"}, 4):
        views = [parsed(VP9, rtp["payload"]) for d in datagrams if (rtp := packet.parse(d)[1]) is not None]
        assert [bool(view["frame_start"]) for view in views] == [True] + [False] * (len(views) - 1)


# -- VP8 ---------------------------------------------------------------------------------------------------------------


@SEEN
@given(
    start=st.integers(0, 1),
    partition=st.integers(0, 7),
    picture_id=st.none() | st.integers(0, 0x7FFF),
    tl0picidx=st.none() | st.integers(0, 255),
    tid=st.none() | st.tuples(st.integers(0, 3), st.integers(0, 1)),
    keyidx=st.none() | st.integers(0, 31),
    body=st.binary(min_size=1, max_size=20),
)
def test_vp8_descriptors_of_aiortc_are_read(
    start: int,
    partition: int,
    picture_id: int | None,
    tl0picidx: int | None,
    tid: tuple[int, int] | None,
    keyidx: int | None,
    body: bytes,
) -> None:
    payload = bytes(VpxPayloadDescriptor(start, partition, picture_id, tl0picidx, tid, keyidx)) + body
    view = parsed(Format.VP8, payload)
    frame_start = start == 1 and partition == 0
    assert bool(view["frame_start"]) == frame_start
    assert bool(view["keyframe"]) == (frame_start and body[0] % 2 == 0)
    assert view["picture_id_bits"] == (0 if picture_id is None else 15)
    assert view["picture_id"] == (picture_id or 0)
    assert (bool(view["has_tl0picidx"]), view["tl0picidx"]) == (tl0picidx is not None, tl0picidx or 0)
    assert (bool(view["has_keyidx"]), view["keyidx"]) == (keyidx is not None, keyidx or 0)
    assert view["temporal_id"] == (tid[0] if tid else 0)


@SEEN
@given(st.binary(min_size=1, max_size=24))
def test_vp8_agrees_with_aiortc_on_any_bytes(payload: bytes) -> None:
    view = codec.parse(Format.VP8, payload)
    try:
        oracle, rest = VpxPayloadDescriptor.parse(payload)
    except ValueError:
        assert view is None
        return
    if not rest:  # a descriptor that describes nothing; aiortc leaves that to its decoder
        assert view is None
        return
    assert view is not None
    assert view["picture_id"] == (oracle.picture_id or 0)
    assert view["tl0picidx"] == (oracle.tl0picidx or 0)
    assert view["keyidx"] == (oracle.keyidx or 0)


# -- VP9 ---------------------------------------------------------------------------------------------------------------


@SEEN
@given(
    picture_id=st.none() | st.integers(0, 0x7F) | st.integers(0x8000, 0xFFFF),
    inter=st.booleans(),
    layer=st.none() | st.tuples(st.integers(0, 7), st.integers(0, 7)),
    flexible=st.booleans(),
    begin=st.booleans(),
    end=st.booleans(),
    tl0picidx=st.integers(0, 255),
    references=st.lists(st.integers(0, 127), min_size=1, max_size=3),
    sizes=st.none() | st.integers(1, 8),
    pictures=st.none() | st.lists(st.lists(st.integers(0, 255), max_size=3), max_size=8),
    body=st.binary(min_size=1, max_size=8),
)
def test_vp9_descriptors(
    picture_id: int | None,
    inter: bool,
    layer: tuple[int, int] | None,
    flexible: bool,
    begin: bool,
    end: bool,
    tl0picidx: int,
    references: list[int],
    sizes: int | None,
    pictures: list[list[int]] | None,
    body: bytes,
) -> None:
    flexible = flexible and picture_id is not None
    structure = sizes is not None or pictures is not None
    has_layer = layer is not None
    flags = [picture_id is not None, inter, has_layer, flexible, begin, end, structure, False]
    head = bytes([sum(flag << 7 - bit for bit, flag in enumerate(flags))])
    if picture_id is not None:
        head += bytes([picture_id]) if picture_id < 0x80 else struct.pack("!H", picture_id)
    if layer is not None:
        head += bytes([layer[0] << 5 | layer[1] << 1]) + (b"" if flexible else bytes([tl0picidx]))
    if flexible and inter:
        head += bytes(reference << 1 | (number + 1 < len(references)) for number, reference in enumerate(references))
    if structure:
        head += bytes([((sizes or 1) - 1) << 5 | (sizes is not None) << 4 | (pictures is not None) << 3])
        head += bytes(4 * (sizes or 0))
        if pictures is not None:
            head += bytes([len(pictures)])
            head += b"".join(bytes([len(differences) << 2, *differences]) for differences in pictures)
    view = parsed(VP9, head + body)
    assert bool(view["frame_start"]) == begin
    assert bool(view["keyframe"]) == (begin and not inter and (layer is None or layer[1] == 0))
    assert view["picture_id_bits"] == (0 if picture_id is None else 7 if picture_id < 0x80 else 15)
    assert view["picture_id"] == (picture_id or 0) & 0x7FFF
    assert view["temporal_id"] == (layer[0] if layer else 0)
    assert bool(view["has_tl0picidx"]) == (has_layer and not flexible)
    assert view["tl0picidx"] == (tl0picidx if view["has_tl0picidx"] else 0)
    assert not view["has_keyidx"]
    # It is the last byte of the descriptor that is missing: every shorter one contradicts itself.
    assert all(codec.parse(VP9, head[:length]) is None for length in range(len(head) + 1))
    assert codec.parse(Format.VP9_PROFILE_2, head + body) == view


# -- H.264 and AV1 -----------------------------------------------------------------------------------------------------

NALS = [
    pytest.param(b"\x67\x42\xe0\x1f", True, True, id="SPS"),
    pytest.param(b"\x68\xce\x3c\x80", False, True, id="PPS"),
    pytest.param(b"\x65\x88\x84", True, True, id="first slice of an IDR picture"),
    pytest.param(b"\x65\x40\x84", False, False, id="later slice of an IDR picture"),
    pytest.param(b"\x41\x9a\x00", False, True, id="first slice"),
    pytest.param(b"\x41\x48\x00", False, False, id="later slice"),
    pytest.param(b"\x06\x05\x01", False, True, id="SEI"),
    pytest.param(b"\x09\x10", False, True, id="delimiter"),
    pytest.param(b"\x65", False, False, id="a header alone"),
    pytest.param(b"\x7c\x85\x88", True, True, id="FU-A, start of an IDR slice"),
    pytest.param(b"\x7c\x87\x42", True, True, id="FU-A, start of an SPS"),
    pytest.param(b"\x7c\x05\x88", False, False, id="FU-A, middle of an IDR slice"),
    pytest.param(b"\x7c\x45\x88", False, False, id="FU-A, end of an IDR slice"),
    pytest.param(b"\x7c\x81\x9a", False, True, id="FU-A, start of a slice"),
    pytest.param(b"\x78\x00\x02\x67\x42\x00\x01\x68", True, True, id="STAP-A, SPS and PPS"),
    pytest.param(b"\x78\x00\x02\x06\x05\x00\x02\x65\x88", True, True, id="STAP-A, SEI and IDR"),
    pytest.param(b"\x78\x00\x02\x41\x9a", False, True, id="STAP-A, one slice"),
]


@pytest.mark.parametrize(("payload", "keyframe", "frame_start"), NALS)
def test_h264(payload: bytes, keyframe: bool, frame_start: bool) -> None:
    for format in (f for f in Format if f.name.startswith("H264")):
        view = parsed(format, payload)
        assert (bool(view["keyframe"]), bool(view["frame_start"])) == (keyframe, frame_start)


OBUS = [
    pytest.param(b"\x18\x0a\x0b\x00", True, True, 0, id="N, one element, sequence header"),
    pytest.param(b"\x28\x02\x0a\x0b\x32\x00", True, True, 0, id="N, two elements"),
    pytest.param(b"\x08\x02\x0a\x0b\x01\x32", True, True, 0, id="N, all with sizes"),
    pytest.param(b"\x10\x32\x00", False, True, 0, id="frame"),
    pytest.param(b"\x10\x36\x48\x00", False, True, 2, id="frame, temporal layer 2"),
    pytest.param(b"\x10\x22\x00", False, False, 0, id="tiles"),
    pytest.param(b"\x90\xff\xff", False, False, 0, id="goes on"),
    pytest.param(b"\xc0\x01\xff\x01\xff", False, False, 0, id="goes on, with sizes"),
    pytest.param(b"\x20\x81\x00\x32\x00", False, True, 0, id="a size of two bytes"),
]


@pytest.mark.parametrize(("payload", "keyframe", "frame_start", "temporal_id"), OBUS)
def test_av1(payload: bytes, keyframe: bool, frame_start: bool, temporal_id: int) -> None:
    view = parsed(Format.AV1, payload)
    assert (bool(view["keyframe"]), bool(view["frame_start"])) == (keyframe, frame_start)
    assert view["temporal_id"] == temporal_id


def test_opus_says_nothing() -> None:
    assert not any(parsed(Format.OPUS, b"\x78\x01").values())


HOSTILE = [
    *[pytest.param(format, b"", id=f"{format.name}, empty") for format in Format],
    pytest.param(Format.VP8, b"\x10", id="VP8, descriptor alone"),
    pytest.param(Format.VP8, b"\x90", id="VP8, no flags"),
    pytest.param(Format.VP8, b"\x90\x80", id="VP8, no picture id"),
    pytest.param(Format.VP8, b"\x90\x80\x80", id="VP8, half a picture id"),
    pytest.param(Format.VP8, b"\x90\xc0\x80\x01", id="VP8, no TL0PICIDX"),
    pytest.param(Format.VP8, b"\x90\xf0\x80\x01\x02", id="VP8, no KEYIDX"),
    pytest.param(Format.VP8, b"\x90\xf0\x80\x01\x02\x03", id="VP8, nothing after the descriptor"),
    pytest.param(VP9, b"\x18\x00", id="VP9, flexible without picture id"),
    pytest.param(VP9, b"\xd0\x01\x03\x03\x03\x00", id="VP9, four references"),
    pytest.param(VP9, b"\x0a\xf0" + bytes(31), id="VP9, sizes cut"),
    pytest.param(VP9, b"\x0a\x08\xff" + b"\x0c" * 20, id="VP9, 255 pictures cut"),
    pytest.param(H264, b"\x00\x00", id="H264, type 0"),
    pytest.param(H264, b"\x79\x00\x01\x67", id="H264, STAP-B"),
    pytest.param(H264, b"\x7a\x00\x01\x67", id="H264, MTAP16"),
    pytest.param(H264, b"\x7d\x85\x88", id="H264, FU-B"),
    pytest.param(H264, b"\x7f\x85\x88", id="H264, type 31"),
    pytest.param(H264, b"\x78", id="H264, STAP-A of nothing"),
    pytest.param(H264, b"\x78\x00", id="H264, STAP-A, half a size"),
    pytest.param(H264, b"\x78\x00\x00", id="H264, STAP-A, empty unit"),
    pytest.param(H264, b"\x78\x00\x03\x67\x42", id="H264, STAP-A, unit cut"),
    pytest.param(H264, b"\x78\x00\x02\x67\x42\x00", id="H264, STAP-A, a byte left over"),
    pytest.param(H264, b"\x78\xff\xff\x67", id="H264, STAP-A, 65535 bytes"),
    pytest.param(H264, b"\x7c", id="H264, FU-A without its header"),
    pytest.param(H264, b"\x7c\x85", id="H264, FU-A of nothing"),
    pytest.param(H264, b"\x7c\xc5\x88", id="H264, FU-A, start and end at once"),
    pytest.param(Format.AV1, b"\x18", id="AV1, aggregation header alone"),
    pytest.param(Format.AV1, b"\x98\x0a\x0b", id="AV1, goes on and is new"),
    pytest.param(Format.AV1, b"\x08\x05\x0a", id="AV1, element cut"),
    pytest.param(Format.AV1, b"\x08\x00\x0a", id="AV1, empty element"),
    pytest.param(Format.AV1, b"\x08\x80\x80", id="AV1, size without an end"),
    pytest.param(Format.AV1, b"\x08" + b"\xff" * 8 + b"\x01\x0a", id="AV1, size of nine bytes"),
    pytest.param(Format.AV1, b"\x08" + b"\xff" * 7 + b"\x7f\x0a", id="AV1, size of 2**56"),
    pytest.param(Format.AV1, b"\x18\x8a\x0b", id="AV1, forbidden bit"),
    pytest.param(Format.AV1, b"\x18\x0e", id="AV1, extension header cut"),
]


@pytest.mark.parametrize(("format", "payload"), HOSTILE)
def test_a_payload_that_contradicts_its_format_says_nothing(format: Format, payload: bytes) -> None:
    assert codec.parse(format, payload) is None
    assert codec.Pictures().forward(format, payload)[0] == payload


@pytest.mark.parametrize("format", [-1, 0, 11, 15, 255])
def test_an_unknown_format_says_nothing(format: int) -> None:
    assert codec.parse(format, b"\x10\x00\x00") is None


@SEEN
@given(st.sampled_from(list(Format)), st.binary(max_size=60), st.binary(max_size=4))
def test_no_bytes_break_a_parser_and_offsets_stay_inside(format: Format, payload: bytes, descriptor: bytes) -> None:
    view = codec.parse(format, payload, descriptor)
    if view is None:
        return
    if view["picture_id_bits"]:
        assert view["picture_id_offset"] + (view["picture_id_bits"] + 1) // 8 <= len(payload)
    assert max(view["tl0picidx_offset"], view["keyidx_offset"]) < len(payload)
    assert bool(view["has_frame_number"]) == (len(descriptor) >= 3)
